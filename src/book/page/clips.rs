//! The clips of a page: a picture that can be scrubbed, and all that is known beside it.

use maud::{Markup, html};

use super::odd::class;
use super::{anchor, image, lines, shortened, shown};
use crate::book::odd::{Finding, Gravity, Oddity};
use crate::book::pictures::{Pictures, Strip};
use crate::book::{Book, Shot, technical};
use crate::clip::FIELDS;
use crate::present::Glance;
use crate::value::{Duration, Timecode};

/// Letters of a name; file systems allow no more.
const MOST_LETTERS: usize = 255;
/// Tags, notes, markers and copies of one clip that are shown.
const MOST_SHOWN: usize = 40;
/// Fields that stand elsewhere in a clip, or say nothing to people.
const ELSEWHERE: [&str; 27] = [
    "name",
    "path_bytes",
    "volume",
    "copies",
    "duration",
    "video_codec",
    "width",
    "height",
    "display_width",
    "display_height",
    "orientation",
    "rate",
    "is_vfr",
    "bit_depth",
    "chroma_subsampling",
    "audio_codec",
    "audio_channels",
    "sample_rate",
    "start_timecode",
    "end_timecode",
    "camera",
    "tags",
    "rating",
    "selection",
    "notes",
    "markers",
    "problem",
];

/// What a page shows of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::book) enum Part {
    /// The one picture that stands for it, and under a finger the others.
    Poster,
    /// All moments of its strip, side by side.
    Strip,
}

/// The clips of a page, and what they can be filtered by.
pub(in crate::book) struct Clips<'a> {
    book: &'a Book,
    pictures: &'a [Pictures],
    /// What is odd about each.
    odd: Vec<Vec<&'a Finding>>,
    /// Whether that one volume holds it is said once for all.
    are_all_once: bool,
    pub(super) cameras: Vec<String>,
    pub(super) cards: Vec<String>,
    pub(super) tags: Vec<String>,
}

impl<'a> Clips<'a> {
    pub(in crate::book) fn new(
        book: &'a Book,
        pictures: &'a [Pictures],
        found: &'a [Finding],
    ) -> Self {
        let mut odd: Vec<Vec<&Finding>> = vec![Vec::new(); book.shots.len()];
        for finding in found {
            odd[finding.shot].push(finding);
        }
        let once = found.iter().filter(|it| it.oddity == Oddity::OneCopy);
        Self {
            are_all_once: once.count() * 2 > book.shots.len(),
            cameras: sorted(book.shots.iter().map(|shot| shot.camera.clone())),
            cards: sorted(book.shots.iter().filter_map(|shot| book.card_of(shot))),
            tags: sorted(
                book.shots
                    .iter()
                    .flat_map(|shot| shot.tags().map(str::to_owned)),
            ),
            book,
            pictures,
            odd,
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.book.shots.len()
    }

    /// Every clip in full.
    pub(in crate::book) fn articles(&self) -> Markup {
        html! {
            div.clips { @for at in 0..self.book.shots.len() { (self.article(at)) } }
        }
    }

    /// Every clip as a picture with its name.
    pub(in crate::book) fn grid(&self, part: Part) -> Markup {
        html! {
            div.grid.strips[part == Part::Strip] {
                @for (at, shot) in self.book.shots.iter().enumerate() {
                    @let words = self.unsaid(shot);
                    (self.framed(at, Some(&words), &html! {
                        (figure(shot, self.pictures.get(at), part))
                        (heading(at, shot))
                        p.line { (address(shot)) (running(shot)) (stars(shot)) }
                        (self.findings(at))
                    }))
                }
            }
        }
    }

    fn article(&self, at: usize) -> Markup {
        let shot = &self.book.shots[at];
        self.framed(
            at,
            None,
            &html! {
                (figure(shot, self.pictures.get(at), Part::Poster))
                div.said {
                    (heading(at, shot))
                    p.line { (address(shot)) (running(shot)) (stars(shot)) }
                    p.line.camera { (self.source(shot)) }
                    p.technical { (technical::line(&shot.clip).join(" · ")) }
                    (self.findings(at))
                    (tags(shot))
                    (words(shot))
                    (more(shot))
                }
            },
        )
    }

    /// What can be searched for in a clip of a sheet, and stands in a report only.
    fn unsaid(&self, shot: &Shot) -> String {
        let mut words: Vec<String> = shot.tags().take(MOST_SHOWN).map(shown).collect();
        words.push(shown(&shot.camera));
        words.extend(self.book.card_of(shot).map(|card| shown(&card)));
        let notes = shot.clip.notes.iter().flat_map(|notes| &notes.value.0);
        words.extend(notes.take(MOST_SHOWN).map(|note| shown(&note.text)));
        words.join(" ")
    }

    /// A clip with what it is filtered and sorted by, and `words` that it is found by but does not show.
    fn framed(&self, at: usize, words: Option<&str>, inner: &Markup) -> Markup {
        let shot = &self.book.shots[at];
        let clip = &shot.clip;
        let place =
            |list: &[String], name: &str| list.binary_search_by(|it| it.as_str().cmp(name)).ok();
        let tags: Vec<String> = shot
            .tags()
            .filter_map(|tag| Some(place(&self.tags, tag)?.to_string()))
            .collect();
        let card = self
            .book
            .card_of(shot)
            .and_then(|card| place(&self.cards, &card));
        let begun = clip.captured.as_ref().map(|it| it.value.wall_seconds());
        html! {
            article.clip id=(anchor(at)) tabindex="-1" aria-labelledby={ "n" (at + 1) }
                data-time=[begun]
                data-length=[clip.duration.as_ref().map(|it| it.value.as_micros() / 1000)]
                data-bytes=[clip.bytes.as_ref().map(|it| it.value.0)]
                data-merit=(clip.merit())
                data-camera=[place(&self.cameras, &shot.camera)]
                data-card=[card]
                data-tags=(tags.join(" "))
                data-odd[self.is_odd(at)]
                data-words=[words]
            { (inner) }
        }
    }

    /// Whether something about it should be looked at.
    fn is_odd(&self, at: usize) -> bool {
        self.odd[at]
            .iter()
            .any(|finding| self.is_told(finding) && finding.oddity.gravity() != Gravity::Note)
    }

    fn is_told(&self, finding: &Finding) -> bool {
        finding.oddity != Oddity::OneCopy || !self.are_all_once
    }

    fn findings(&self, at: usize) -> Markup {
        let told: Vec<&&Finding> = self.odd[at]
            .iter()
            .filter(|finding| self.is_told(finding))
            .collect();
        html! {
            @if !told.is_empty() {
                ul.odd {
                    @for finding in told {
                        li class=(class(finding.oddity.gravity())) {
                            strong { (finding.oddity.title()) } " " (shown(&finding.text))
                        }
                    }
                }
            }
        }
    }

    /// `14:02 · A · Sony ILME-FX3 · A001`.
    fn source(&self, shot: &Shot) -> Markup {
        let day = self.book.days().len() > 1;
        let when = shot.clip.captured.as_ref().map(|it| it.value.civil());
        let form = match (day, shot.begun().is_some()) {
            (true, true) => "%Y-%m-%d %H:%M",
            (true, false) => "%Y-%m-%d",
            (false, true) => "%H:%M",
            (false, false) => "",
        };
        let when = when.map(|when| when.strftime(form).to_string());
        html! {
            @if let Some(when) = when.filter(|when| !when.is_empty()) { span.tc { (when) } }
            span { bdi { (shortened(&shot.camera, 80)) } }
            @if let Some(card) = self.book.card_of(shot) { span { bdi { (shortened(&card, 80)) } } }
        }
    }
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.dedup();
    names
}

fn heading(at: usize, shot: &Shot) -> Markup {
    html! { h3 id={ "n" (at + 1) } { (shown_name(shot.name())) } }
}

/// A file's name: it stands apart, so that letters of other scripts reorder nothing beside it.
pub(in crate::book) fn shown_name(name: &str) -> Markup {
    let name = if name.is_empty() { "(no name)" } else { name };
    html! { bdi { (shortened(name, MOST_LETTERS)) } }
}

/// The picture of a clip; where there is none, why.
pub(in crate::book) fn figure(shot: &Shot, pictures: Option<&Pictures>, part: Part) -> Markup {
    let poster = pictures.and_then(|pictures| pictures.poster.as_ref());
    let strip = pictures.and_then(|pictures| pictures.strip.as_ref());
    let alt = format!("Picture of {}", shortened(shot.name(), MOST_LETTERS));
    match (part, poster, strip) {
        (Part::Strip, _, Some(strip)) => html! { div.film { (image(&strip.picture, &alt)) } },
        (_, Some(poster), strip) => html! {
            div.poster.upright[poster.height > poster.width]
                data-strip=[strip.map(|strip| &strip.picture.address)]
                data-stops=[strip.map(|strip| stops(shot, strip))]
            { (image(poster, &alt)) }
        },
        _ => html! { div.poster.blank { p { (reason(shot)) } } },
    }
}

/// Why there is no picture.
fn reason(shot: &Shot) -> &'static str {
    if shot.is_sound() {
        "Sound"
    } else if shot.clip.problem.is_some() {
        "Could not be read"
    } else if shot.clip.video_codec.is_none() {
        "No picture in it"
    } else {
        "No picture was made yet"
    }
}

/// Where each moment of a strip is, as timecode where the clip has one.
fn stops(shot: &Shot, strip: &Strip) -> String {
    let stops: Vec<String> = strip
        .seconds
        .iter()
        .map(|&second| stop(shot, second))
        .collect();
    stops.join(" ")
}

fn stop(shot: &Shot, second: f64) -> String {
    let clip = &shot.clip;
    let duration = std::time::Duration::try_from_secs_f64(second).unwrap_or_default();
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let timecode = clip.start_timecode.as_ref().zip(clip.rate.as_ref());
    let timecode = timecode.and_then(|(start, rate)| {
        let (start, rate) = (start.value, rate.value);
        let frame = start.to_frames(rate)?.checked_add(rate.frame_at(micros))?;
        Timecode::from_frames(frame, rate, start.is_drop_frame())
    });
    timecode.map_or_else(
        || length(Duration::from_micros(micros)),
        |timecode| timecode.to_string(),
    )
}

/// `1:05`, `12.5s`.
pub(in crate::book) fn length(duration: Duration) -> String {
    duration.to_string()
}

fn address(shot: &Shot) -> Markup {
    let clip = &shot.clip;
    html! {
        @if let Some(start) = &clip.start_timecode {
            span.tc {
                (start.value)
                @if let Some(end) = &clip.end_timecode { " – " (end.value) }
            }
        }
    }
}

fn running(shot: &Shot) -> Markup {
    html! {
        @if let Some(duration) = &shot.clip.duration { span.tc { (length(duration.value)) } }
    }
}

fn stars(shot: &Shot) -> Markup {
    let verdict = Glance::of(&shot.clip).verdict;
    let stars = shot.clip.rating.as_ref().map_or(0, |it| it.value.min(5));
    html! {
        @if !verdict.is_empty() {
            span.verdict {
                @if stars > 0 { span aria-hidden="true" { @for _ in 0..stars { "★" } } " " }
                (verdict)
            }
        }
    }
}

fn tags(shot: &Shot) -> Markup {
    html! {
        @if shot.tags().next().is_some() {
            ul.tags aria-label="Tags" {
                @for tag in shot.tags().take(MOST_SHOWN) { li { bdi { (shown(tag)) } } }
            }
        }
    }
}

/// What people wrote.
fn words(shot: &Shot) -> Markup {
    let notes = shot.clip.notes.iter().flat_map(|notes| &notes.value.0);
    let markers = shot
        .clip
        .markers
        .iter()
        .flat_map(|markers| &markers.value.0);
    let markers: Vec<_> = markers.take(MOST_SHOWN).collect();
    html! {
        @for note in notes.take(MOST_SHOWN) {
            blockquote { p dir="auto" { (lines(&note.text)) } cite { (shown(&note.person)) } }
        }
        @if !markers.is_empty() {
            ul.markers aria-label="Markers" {
                @for marker in markers {
                    li {
                        span.tc {
                            @match marker.timecode {
                                Some(timecode) => (timecode),
                                None => (length(Duration::from_micros(marker.micros))),
                            }
                        }
                        " " bdi { (shown(&marker.text)) }
                    }
                }
            }
        }
    }
}

/// Everything else, folded.
fn more(shot: &Shot) -> Markup {
    let rest = FIELDS
        .iter()
        .filter(|field| !ELSEWHERE.contains(&field.name));
    let rest = rest.filter_map(|field| Some((field.name, (field.text)(&shot.clip)?)));
    html! {
        details.more {
            summary { (copies(shot)) }
            dl {
                @for copy in shot.clip.files.iter().take(MOST_SHOWN) {
                    div { dt { (shown(&copy.volume)) } dd.path { bdi { (shown(&copy.inside.to_string_lossy())) } } }
                }
                @for (name, text) in rest {
                    div { dt { (name.replace('_', " ")) } dd { bdi { (shown(&text)) } } }
                }
            }
        }
    }
}

/// `2 copies, the same by full hash: RAID-A, SHELF-07`.
fn copies(shot: &Shot) -> String {
    let copies = &shot.copies;
    let labels = shown(&copies.labels.join(", "));
    match copies.volumes {
        0 => "no copy that could be read".to_owned(),
        1 if copies.files > 1 => format!("{} files on one volume: {labels}", copies.files),
        1 => format!("1 copy: {labels}"),
        _ if copies.do_differ => format!("copies that differ: {labels}"),
        many if copies.proved >= many => format!("{many} copies, the same by full hash: {labels}"),
        many => format!("{many} copies, not compared in full: {labels}"),
    }
}
