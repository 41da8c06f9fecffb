//! Markers, and the tracks they stand in.

use super::element::Element;
use super::escape::unix_lines;
use super::names::{
    COMMENT, CUE_PARAMS, DURATION, FRAME_RATE, GUID, KEY, KEY_VALUE, LI, MARKER_NAME, MARKERS,
    PARSE_TYPE, Prefixes, SEQ, START_TIME, TRACK_NAME, TRACK_TYPE, TRACKS,
};
use super::rdf::{Found, field, field_text, items, list, properties};
use super::time::{FrameRate, in_ticks, micros};

/// The name of the track that btsindex writes.
const OUR_TRACK: &str = "btsindex";

/// A marker in a sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XmpMarker {
    /// Microseconds since the clip's first frame.
    pub micros: u64,
    /// How long what it marks lasts; zero where it marks a frame, or has no known end.
    pub duration_micros: u64,
    /// Its name and its comment.
    pub text: String,
}

/// Every marker, track by track, then those in none.
pub(super) fn markers(rdf: &Element) -> Vec<XmpMarker> {
    let loose = properties(rdf, MARKERS).flat_map(|found| listed(&found));
    let loose = loose.filter_map(|item| marker(item, Some(FrameRate::SECONDS)));
    tracks(rdf).flat_map(in_track).chain(loose).collect()
}

/// The markers that btsindex wrote.
pub(super) fn ours(rdf: &Element) -> Vec<XmpMarker> {
    tracks(rdf)
        .filter(|track| is_ours(track))
        .flat_map(in_track)
        .collect()
}

/// How markers in other tracks are called that keep a name of btsindex's: Premiere writes what
/// it read into a track of its own.
pub(super) fn taken_over(rdf: &Element) -> Vec<String> {
    let theirs = tracks(rdf).filter(|track| !is_ours(track));
    let markers = theirs.filter_map(|track| field(track, MARKERS));
    markers
        .flat_map(|found| listed(&found))
        .filter_map(|item| field_text(item, GUID))
        .map(|guid| guid.trim_start_matches("xmp:id:").to_owned())
        .collect()
}

/// Whether a track is the one that btsindex writes.
pub(super) fn is_ours(track: &Element) -> bool {
    field_text(track, TRACK_NAME).as_deref() == Some(OUR_TRACK)
}

fn tracks(rdf: &Element) -> impl Iterator<Item = &Element> {
    properties(rdf, TRACKS).flat_map(|found| listed(&found))
}

fn listed<'a>(found: &Found<'a>) -> Vec<&'a Element> {
    match found {
        Found::Text(_) => Vec::new(),
        Found::Element(element) => list(element).map(items).into_iter().flatten().collect(),
    }
}

/// The markers of a track; none where its rate is not understood.
pub(super) fn in_track(track: &Element) -> Vec<XmpMarker> {
    let rate = match field_text(track, FRAME_RATE) {
        Some(text) => FrameRate::read(&text),
        None => Some(FrameRate::SECONDS),
    };
    let markers = field(track, MARKERS).map(|found| listed(&found));
    let markers = markers.unwrap_or_default().into_iter();
    markers.filter_map(|item| marker(item, rate)).collect()
}

/// A marker; none where its place is not understood.
fn marker(item: &Element, rate: Option<FrameRate>) -> Option<XmpMarker> {
    let time = |name| field_text(item, name);
    let start = match time(START_TIME) {
        Some(count) => micros(&count, rate)?,
        None => 0,
    };
    let duration = time(DURATION).and_then(|count| micros(&count, rate));
    let text = |name| field_text(item, name).unwrap_or_default();
    Some(XmpMarker {
        micros: start,
        duration_micros: duration.unwrap_or_default(),
        text: joined(&unix_lines(&text(MARKER_NAME)), &unix_lines(&text(COMMENT))),
    })
}

/// `name: comment`, where there are both and they differ.
fn joined(name: &str, comment: &str) -> String {
    match (name.trim().is_empty(), comment.trim().is_empty()) {
        (true, _) => comment.to_owned(),
        (false, true) => name.to_owned(),
        (false, false) if comment.trim() == name.trim() => comment.to_owned(),
        (false, false) => format!("{}: {comment}", name.trim()),
    }
}

/// The track of btsindex, as Premiere writes one.
pub(super) fn our_track(markers: &[(XmpMarker, String)], prefixes: &mut Prefixes<'_>) -> Element {
    let mut seq = Element::new(prefixes, SEQ);
    for (marker, guid) in markers {
        seq = seq.holding([written(marker, guid, prefixes)]);
    }
    let fields = [
        Element::new(prefixes, TRACK_NAME).saying(OUR_TRACK),
        Element::new(prefixes, TRACK_TYPE).saying("Comment"),
        Element::new(prefixes, FRAME_RATE).saying(&FrameRate::ticks()),
        Element::new(prefixes, MARKERS).holding([seq]),
    ];
    structure(prefixes).holding(fields)
}

fn written(marker: &XmpMarker, guid: &str, prefixes: &mut Prefixes<'_>) -> Element {
    let key = [
        Element::new(prefixes, KEY).saying("marker_guid"),
        Element::new(prefixes, KEY_VALUE).saying(guid),
    ];
    let keys = structure(prefixes).holding(key);
    let keys = Element::new(prefixes, SEQ).holding([keys]);
    // Premiere ends the lines of a comment by carriage returns.
    let comment = marker.text.replace('\n', "\r");
    let fields = [
        Element::new(prefixes, START_TIME).saying(&in_ticks(marker.micros)),
        Element::new(prefixes, DURATION).saying(&in_ticks(marker.duration_micros)),
        Element::new(prefixes, COMMENT).saying(&comment),
        Element::new(prefixes, GUID).saying(guid),
        Element::new(prefixes, CUE_PARAMS).holding([keys]),
    ];
    structure(prefixes).holding(fields)
}

fn structure(prefixes: &mut Prefixes<'_>) -> Element {
    Element::new(prefixes, LI).with(prefixes, PARSE_TYPE, "Resource")
}
