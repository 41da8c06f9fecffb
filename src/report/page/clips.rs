//! The clips of a page: a picture that can be scrubbed, and all that is known beside it.

use std::collections::HashSet;

use maud::{Markup, html};

use super::anomalies::class;
use super::{Next, anchor, image, lines, shortened, shown};
use crate::clip::{Clip, FIELDS};
use crate::error::Error;
use crate::output::ClipCard;
use crate::report::anomalies::{Finding, Gravity, Oddity};
use crate::report::files::Sink;
use crate::report::pictures::{Pictures, Strip};
use crate::report::{Book, Shot, technical};
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
pub(in crate::report) enum Part {
    /// The one picture that stands for it, and under a finger the others.
    Poster,
    /// All moments of its strip, side by side.
    Strip,
}

/// The clips of a page, and what they can be filtered by.
pub(in crate::report) struct Clips<'a> {
    book: &'a Book,
    /// What is odd about each.
    odd: Vec<Vec<&'a Finding>>,
    /// Whether that one volume holds it is said once for all.
    are_all_once: bool,
    /// Whether each says which day it is of.
    are_of_days: bool,
    pub(super) cameras: Vec<&'a str>,
    pub(super) cards: Vec<&'a str>,
    pub(super) tags: Vec<&'a str>,
}

/// One clip of a page, with all that is known of it.
struct Shown<'a> {
    /// Which of the book's.
    at: usize,
    shot: &'a Shot,
    clip: &'a Clip,
    pictures: &'a Pictures,
}

impl<'a> Clips<'a> {
    pub(in crate::report) fn new(book: &'a Book, found: &'a [Finding]) -> Self {
        let mut odd: Vec<Vec<&Finding>> = vec![Vec::new(); book.shots.len()];
        for finding in found {
            odd[finding.shot].push(finding);
        }
        let once = found.iter().filter(|it| it.oddity == Oddity::OneCopy);
        let shots = book.shots.iter();
        Self {
            are_all_once: once.count() * 2 > book.shots.len(),
            are_of_days: book.days().len() > 1,
            cameras: sorted(shots.clone().map(|shot| &*shot.camera)),
            cards: sorted(shots.clone().filter_map(|shot| book.card_of(shot))),
            tags: sorted(shots.flat_map(Shot::tags)),
            book,
            odd,
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.book.shots.len()
    }

    /// Writes every clip in full.
    pub(in crate::report) fn articles(
        &self,
        next: &mut Next<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        self.each(next, sink, |shown| self.article(shown))
    }

    /// Writes every clip as a picture with its name.
    pub(in crate::report) fn grid(
        &self,
        part: Part,
        next: &mut Next<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        self.each(next, sink, |shown| {
            let words = self.unsaid(shown);
            self.framed(
                shown,
                Some(&words),
                &html! {
                    (figure(shown, part))
                    (heading(shown))
                    p.line { (address(shown.clip)) (running(shown.clip)) (stars(shown.clip)) }
                    (self.findings(shown.at))
                },
            )
        })
    }

    fn each(
        &self,
        next: &mut Next<'_>,
        sink: &mut Sink<'_>,
        draw: impl Fn(&Shown<'_>) -> Markup,
    ) -> Result<(), Error> {
        for (at, shot) in self.book.shots.iter().enumerate() {
            let (clip, pictures) = next()?;
            let shown = Shown {
                at,
                shot,
                clip: &clip,
                pictures: &pictures,
            };
            sink.put(&draw(&shown).into_string())?;
        }
        Ok(())
    }

    fn article(&self, shown: &Shown<'_>) -> Markup {
        let clip = shown.clip;
        self.framed(
            shown,
            None,
            &html! {
                (figure(shown, Part::Poster))
                div.said {
                    (heading(shown))
                    p.line { (address(clip)) (running(clip)) (stars(clip)) }
                    p.line.camera { (self.source(shown)) }
                    p.technical { (technical::line(clip).join(" · ")) }
                    (self.findings(shown.at))
                    (tags(shown.shot))
                    (words(clip))
                    (more(shown))
                }
            },
        )
    }

    /// What can be searched for in a clip of a sheet, and stands in a report only.
    fn unsaid(&self, it: &Shown<'_>) -> String {
        let mut words: Vec<String> = it.shot.tags().take(MOST_SHOWN).map(shown).collect();
        words.push(shown(&it.shot.camera));
        words.extend(self.book.card_of(it.shot).map(shown));
        let notes = it.clip.notes.iter().flat_map(|notes| &notes.value.0);
        words.extend(notes.take(MOST_SHOWN).map(|note| shown(&note.text)));
        words.join(" ")
    }

    /// A clip with what it is filtered and sorted by, and `words` that it is found by but does not show.
    fn framed(&self, shown: &Shown<'_>, words: Option<&str>, inner: &Markup) -> Markup {
        let Shown { at, shot, clip, .. } = *shown;
        let place = |list: &[&str], name: &str| list.binary_search(&name).ok();
        let tags: Vec<String> = shot
            .tags()
            .filter_map(|tag| Some(place(&self.tags, tag)?.to_string()))
            .collect();
        let card = self.book.card_of(shot);
        let card = card.and_then(|card| place(&self.cards, card));
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
    fn source(&self, shown: &Shown<'_>) -> Markup {
        let shot = shown.shot;
        let when = shown.clip.captured.as_ref().map(|it| it.value.civil());
        let form = match (self.are_of_days, shot.begun().is_some()) {
            (true, true) => "%Y-%m-%d %H:%M",
            (true, false) => "%Y-%m-%d",
            (false, true) => "%H:%M",
            (false, false) => "",
        };
        let when = when.map(|when| when.strftime(form).to_string());
        html! {
            @if let Some(when) = when.filter(|when| !when.is_empty()) { span.tc { (when) } }
            span { bdi { (shortened(&shot.camera, 80)) } }
            @if let Some(card) = self.book.card_of(shot) { span { bdi { (shortened(card, 80)) } } }
        }
    }
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let names: HashSet<&str> = names.collect();
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    names
}

fn heading(shown: &Shown<'_>) -> Markup {
    html! { h3 id={ "n" (shown.at + 1) } { (shown_name(shown.shot.name())) } }
}

/// A file's name: it stands apart, so that letters of other scripts reorder nothing beside it.
pub(in crate::report) fn shown_name(name: &str) -> Markup {
    let name = if name.is_empty() { "(no name)" } else { name };
    html! { bdi { (shortened(name, MOST_LETTERS)) } }
}

/// The picture of a clip; where there is none, why.
fn figure(shown: &Shown<'_>, part: Part) -> Markup {
    let clip = shown.clip;
    let poster = shown.pictures.poster.as_ref();
    let strip = shown.pictures.strip.as_ref();
    let alt = format!("Picture of {}", shortened(shown.shot.name(), MOST_LETTERS));
    match (part, poster, strip) {
        (Part::Strip, _, Some(strip)) => html! { div.film { (image(&strip.picture, &alt)) } },
        (_, Some(poster), strip) => html! {
            div.poster.upright[poster.height > poster.width]
                data-strip=[strip.map(|strip| &strip.picture.address)]
                data-stops=[strip.map(|strip| stops(clip, strip))]
            { (image(poster, &alt)) }
        },
        _ => html! { div.poster.blank { p { (reason(shown.shot)) } } },
    }
}

/// Why there is no picture.
fn reason(shot: &Shot) -> &'static str {
    if shot.is_sound() {
        "Sound"
    } else if shot.gist.problem.is_some() {
        "Could not be read"
    } else if !shot.gist.has_picture {
        "No picture in it"
    } else {
        "No picture was made yet"
    }
}

/// Where each moment of a strip is, as timecode where the clip has one.
fn stops(clip: &Clip, strip: &Strip) -> String {
    let stops: Vec<String> = strip
        .seconds
        .iter()
        .map(|&second| stop(clip, second))
        .collect();
    stops.join(" ")
}

fn stop(clip: &Clip, second: f64) -> String {
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
pub(in crate::report) fn length(duration: Duration) -> String {
    duration.to_string()
}

fn address(clip: &Clip) -> Markup {
    html! {
        @if let Some(start) = &clip.start_timecode {
            span.tc {
                (start.value)
                @if let Some(end) = &clip.end_timecode { " – " (end.value) }
            }
        }
    }
}

fn running(clip: &Clip) -> Markup {
    html! {
        @if let Some(duration) = &clip.duration { span.tc { (length(duration.value)) } }
    }
}

fn stars(clip: &Clip) -> Markup {
    let verdict = ClipCard::from_clip(clip).verdict;
    let stars = clip.rating.as_ref().map_or(0, |it| it.value.min(5));
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
fn words(clip: &Clip) -> Markup {
    let notes = clip.notes.iter().flat_map(|notes| &notes.value.0);
    let markers = clip.markers.iter().flat_map(|markers| &markers.value.0);
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
fn more(it: &Shown<'_>) -> Markup {
    let clip = it.clip;
    let rest = FIELDS
        .iter()
        .filter(|field| !ELSEWHERE.contains(&field.name));
    let rest = rest.filter_map(|field| Some((field.name, (field.text)(clip)?)));
    html! {
        details.more {
            summary { (copies(it.shot)) }
            dl {
                @for copy in clip.files.iter().take(MOST_SHOWN) {
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
