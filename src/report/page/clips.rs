//! Clips of a page: a poster that can be scrubbed, next to all facts of the clip.

use std::collections::HashSet;

use maud::{Markup, html};

use super::anomalies::class;
use super::markup::{
    MAX_NAME_CHARS, anchor, escape_text, escape_truncated, image, isolated_name, lines,
};
use crate::clip::{Clip, FIELDS, field_names};
use crate::error::Error;
use crate::output::ClipCard;
use crate::report::anomalies::{Anomaly, AnomalyKind, Severity};
use crate::report::pictures::{ClipPictures, Strip};
use crate::report::sink::Sink;
use crate::report::{ShootReport, Shot, technical_line};
use crate::value::{Duration, Timecode};

/// Callback that returns the next clip of a report with its pictures.
pub(in crate::report) type Next<'a> = dyn FnMut() -> Result<(Clip, ClipPictures), Error> + 'a;

/// Maximum number of tags, notes, markers and copies shown per clip.
const MAX_SHOWN: usize = 40;
/// Fields that are shown elsewhere in a clip, or are not useful to readers.
const SHOWN_ELSEWHERE: [&str; 27] = field_names![
    name,
    path_bytes,
    volume,
    copies,
    duration,
    video_codec,
    width,
    height,
    display_width,
    display_height,
    orientation,
    rate,
    is_vfr,
    bit_depth,
    chroma_subsampling,
    audio_codec,
    audio_channels,
    sample_rate,
    start_timecode,
    end_timecode,
    camera,
    tags,
    rating,
    selection,
    notes,
    markers,
    problem,
];

/// Pictures shown for a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum PictureMode {
    /// Poster; scrubbing shows the moments of the filmstrip.
    Poster,
    /// Complete filmstrip, without scrubbing.
    Strip,
}

/// Clips of a page, and the values by which they can be filtered.
pub(in crate::report) struct Clips<'a> {
    report: &'a ShootReport,
    /// Anomalies of each clip.
    anomalies: Vec<Vec<&'a Anomaly>>,
    /// True if most clips have only one copy. It is then not repeated for each clip.
    is_one_copy_usual: bool,
    /// True if the clips are from several days. Each clip then shows its date.
    has_several_days: bool,
    pub(super) cameras: Vec<&'a str>,
    pub(super) cards: Vec<&'a str>,
    pub(super) tags: Vec<&'a str>,
}

/// Clip and everything that a page shows about it.
struct ClipView<'a> {
    /// Index of the clip in [`ShootReport::shots`].
    at: usize,
    shot: &'a Shot,
    clip: &'a Clip,
    pictures: &'a ClipPictures,
}

impl<'a> Clips<'a> {
    pub(in crate::report) fn new(report: &'a ShootReport, anomalies: &'a [Anomaly]) -> Self {
        let mut by_clip: Vec<Vec<&Anomaly>> = vec![Vec::new(); report.shots.len()];
        for anomaly in anomalies {
            by_clip[anomaly.shot].push(anomaly);
        }
        let one_copy = anomalies
            .iter()
            .filter(|it| it.kind == AnomalyKind::OneCopy);
        let shots = report.shots.iter();
        Self {
            is_one_copy_usual: one_copy.count() * 2 > report.shots.len(),
            has_several_days: report.days().len() > 1,
            cameras: sorted(shots.clone().map(|shot| &*shot.camera)),
            cards: sorted(shots.clone().filter_map(|shot| report.card_of(shot))),
            tags: sorted(shots.flat_map(Shot::tags)),
            report,
            anomalies: by_clip,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.report.shots.len()
    }

    /// Writes all clips with all details.
    pub(in crate::report) fn articles(
        &self,
        next: &mut Next<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        self.each(next, sink, |view| self.article(view))
    }

    /// Writes all clips as pictures with their names.
    pub(in crate::report) fn grid(
        &self,
        mode: PictureMode,
        next: &mut Next<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        self.each(next, sink, |view| {
            let hidden_text = self.hidden_text(view);
            self.wrap(
                view,
                Some(&hidden_text),
                &html! {
                    (figure(view, mode))
                    (heading(view))
                    p.line { (address(view.clip)) (running(view.clip)) (stars(view.clip)) }
                    (self.findings(view.at))
                },
            )
        })
    }

    fn each(
        &self,
        next: &mut Next<'_>,
        sink: &mut Sink<'_>,
        draw: impl Fn(&ClipView<'_>) -> Markup,
    ) -> Result<(), Error> {
        for (at, shot) in self.report.shots.iter().enumerate() {
            let (clip, pictures) = next()?;
            let view = ClipView {
                at,
                shot,
                clip: &clip,
                pictures: &pictures,
            };
            sink.put(&draw(&view).into_string())?;
        }
        Ok(())
    }

    fn article(&self, view: &ClipView<'_>) -> Markup {
        let clip = view.clip;
        self.wrap(
            view,
            None,
            &html! {
                (figure(view, PictureMode::Poster))
                div.description {
                    (heading(view))
                    p.line { (address(clip)) (running(clip)) (stars(clip)) }
                    p.line.camera { (self.source(view)) }
                    p.technical { (technical_line::line(clip).join(" · ")) }
                    (self.findings(view.at))
                    (tags(view.shot))
                    (notes_and_markers(clip))
                    (more(view))
                }
            },
        )
    }

    /// Returns texts that a report shows but a contact sheet does not. They are searchable in the
    /// sheet.
    fn hidden_text(&self, view: &ClipView<'_>) -> String {
        let mut texts: Vec<String> = view.shot.tags().take(MAX_SHOWN).map(escape_text).collect();
        texts.push(escape_text(&view.shot.camera));
        texts.extend(self.report.card_of(view.shot).map(escape_text));
        let notes = view.clip.notes.iter().flat_map(|notes| &notes.value.0);
        texts.extend(notes.take(MAX_SHOWN).map(|note| escape_text(&note.text)));
        texts.join(" ")
    }

    /// Wraps a clip in an element with its filter and sort values. `hidden_text` can be searched
    /// but is not visible.
    fn wrap(&self, view: &ClipView<'_>, hidden_text: Option<&str>, inner: &Markup) -> Markup {
        let ClipView { at, shot, clip, .. } = *view;
        let index_of = |list: &[&str], name: &str| list.binary_search(&name).ok();
        let tags: Vec<String> = shot
            .tags()
            .filter_map(|tag| Some(index_of(&self.tags, tag)?.to_string()))
            .collect();
        let card = self.report.card_of(shot);
        let card = card.and_then(|card| index_of(&self.cards, card));
        let start = clip.captured.as_ref().map(|it| it.value.wall_seconds());
        html! {
            article.clip id=(anchor(at)) tabindex="-1" aria-labelledby={ "n" (at + 1) }
                data-time=[start]
                data-length=[clip.duration.as_ref().map(|it| it.value.as_micros() / 1000)]
                data-bytes=[clip.bytes.as_ref().map(|it| it.value.0)]
                data-merit=(clip.rating_rank())
                data-camera=[index_of(&self.cameras, &shot.camera)]
                data-card=[card]
                data-tags=(tags.join(" "))
                data-odd[self.is_check_advised(at)]
                data-words=[hidden_text]
            { (inner) }
        }
    }

    /// Returns true if the clip has an anomaly that should be checked.
    fn is_check_advised(&self, at: usize) -> bool {
        self.anomalies[at]
            .iter()
            .any(|anomaly| self.is_listed(anomaly) && anomaly.kind.severity() != Severity::Note)
    }

    fn is_listed(&self, anomaly: &Anomaly) -> bool {
        anomaly.kind != AnomalyKind::OneCopy || !self.is_one_copy_usual
    }

    fn findings(&self, at: usize) -> Markup {
        let listed: Vec<&&Anomaly> = self.anomalies[at]
            .iter()
            .filter(|anomaly| self.is_listed(anomaly))
            .collect();
        html! {
            @if !listed.is_empty() {
                ul.odd {
                    @for anomaly in listed {
                        li class=(class(anomaly.kind.severity())) {
                            strong { (anomaly.kind.title()) } " " (escape_text(&anomaly.text))
                        }
                    }
                }
            }
        }
    }

    /// Draws the line with time, camera and card: `14:02 · A · Sony ILME-FX3 · A001`.
    fn source(&self, view: &ClipView<'_>) -> Markup {
        let shot = view.shot;
        let when = view.clip.captured.as_ref().map(|it| it.value.civil());
        let form = match (self.has_several_days, shot.start_seconds().is_some()) {
            (true, true) => "%Y-%m-%d %H:%M",
            (true, false) => "%Y-%m-%d",
            (false, true) => "%H:%M",
            (false, false) => "",
        };
        let when = when.map(|when| when.strftime(form).to_string());
        html! {
            @if let Some(when) = when.filter(|when| !when.is_empty()) { span.tc { (when) } }
            span { bdi { (escape_truncated(&shot.camera, 80)) } }
            @if let Some(card) = self.report.card_of(shot) { span { bdi { (escape_truncated(card, 80)) } } }
        }
    }
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let names: HashSet<&str> = names.collect();
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    names
}

fn heading(view: &ClipView<'_>) -> Markup {
    html! { h3 id={ "n" (view.at + 1) } { (isolated_name(view.shot.name())) } }
}

/// Draws the picture of a clip, or the reason why there is none.
fn figure(view: &ClipView<'_>, mode: PictureMode) -> Markup {
    let clip = view.clip;
    let poster = view.pictures.poster.as_ref();
    let strip = view.pictures.strip.as_ref();
    let alt = format!(
        "Picture of {}",
        escape_truncated(view.shot.name(), MAX_NAME_CHARS)
    );
    match (mode, poster, strip) {
        (PictureMode::Strip, _, Some(strip)) => {
            html! { div.film { (image(&strip.picture, &alt)) } }
        }
        (_, Some(poster), strip) => html! {
            div.poster.upright[poster.height > poster.width]
                data-strip=[strip.map(|strip| &strip.picture.address)]
                data-stops=[strip.map(|strip| moment_labels(clip, strip))]
            { (image(poster, &alt)) }
        },
        _ => html! { div.poster.blank { p { (reason(view.shot)) } } },
    }
}

/// Returns the reason why a clip has no picture.
fn reason(shot: &Shot) -> &'static str {
    if shot.is_sound() {
        "Sound only"
    } else if shot.summary.problem.is_some() {
        "Could not be read"
    } else if !shot.summary.has_picture {
        "No picture"
    } else {
        "No picture created yet"
    }
}

/// Returns the labels of a filmstrip's moments: timecodes if the clip has them, otherwise times
/// from its start.
fn moment_labels(clip: &Clip, strip: &Strip) -> String {
    let moment_labels: Vec<String> = strip
        .seconds
        .iter()
        .map(|&second| moment_label(clip, second))
        .collect();
    moment_labels.join(" ")
}

fn moment_label(clip: &Clip, second: f64) -> String {
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

/// Formats a duration as `1:05` or `12.5s`.
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
                @for tag in shot.tags().take(MAX_SHOWN) { li { bdi { (escape_text(tag)) } } }
            }
        }
    }
}

/// Draws the notes and markers of a clip.
fn notes_and_markers(clip: &Clip) -> Markup {
    let notes = clip.notes.iter().flat_map(|notes| &notes.value.0);
    let markers = clip.markers.iter().flat_map(|markers| &markers.value.0);
    let markers: Vec<_> = markers.take(MAX_SHOWN).collect();
    html! {
        @for note in notes.take(MAX_SHOWN) {
            blockquote { p dir="auto" { (lines(&note.text)) } cite { (escape_text(&note.person)) } }
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
                        " " bdi { (escape_text(&marker.text)) }
                    }
                }
            }
        }
    }
}

/// Draws the copies and all other fields, which the user can unfold.
fn more(view: &ClipView<'_>) -> Markup {
    let clip = view.clip;
    let rest = FIELDS
        .iter()
        .filter(|field| !SHOWN_ELSEWHERE.contains(&field.name));
    let rest = rest.filter_map(|field| Some((field.name, (field.text)(clip)?)));
    html! {
        details.more {
            summary { (copies(view.shot)) }
            dl {
                @for copy in clip.files.iter().take(MAX_SHOWN) {
                    div { dt { (escape_text(&copy.volume)) } dd.path { bdi { (escape_text(&copy.inside.to_string_lossy())) } } }
                }
                @for (name, text) in rest {
                    div { dt { (name.replace('_', " ")) } dd { bdi { (escape_text(&text)) } } }
                }
            }
        }
    }
}

/// Summarizes the copies: `2 copies, identical by full hash: RAID-A, SHELF-07`.
fn copies(shot: &Shot) -> String {
    let copies = &shot.copies;
    let labels = escape_text(&copies.labels.join(", "));
    match copies.volumes {
        0 => "no readable copy".to_owned(),
        1 if copies.files > 1 => format!("{} files on one volume: {labels}", copies.files),
        1 => format!("1 copy: {labels}"),
        _ if copies.do_differ => format!("copies differ: {labels}"),
        many if copies.verified >= many => {
            format!("{many} copies, identical by full hash: {labels}")
        }
        many => format!("{many} copies, not compared in full: {labels}"),
    }
}
