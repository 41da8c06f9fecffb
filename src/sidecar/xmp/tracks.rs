//! Markers in XMP sidecars, and the tracks that contain them.

use super::element::XmlElement;
use super::escape::unix_lines;
use super::names::{
    COMMENT, CUE_PARAMS, DURATION, FRAME_RATE, GUID, KEY, KEY_VALUE, LI, MARKER_NAME, MARKERS,
    PARSE_TYPE, SEQ, START_TIME, TRACK_NAME, TRACK_TYPE, TRACKS,
};
use super::namespace_scope::Prefixes;
use super::rdf::{RdfProperty, field, field_text, items, list, properties};
use super::time::{FrameRate, micros, to_ticks};

/// Name of the track that btsindex writes.
const OUR_TRACK: &str = "btsindex";

/// Marker in a sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XmpMarker {
    /// Time in microseconds since the clip's first frame.
    pub micros: u64,
    /// Duration in microseconds; zero for a single frame or an unknown duration.
    pub duration_micros: u64,
    /// Name and comment, joined by `: ` if both exist.
    pub text: String,
}

/// Returns the markers of all tracks, then those outside tracks.
pub(super) fn markers(rdf: &XmlElement) -> Vec<XmpMarker> {
    let untracked = properties(rdf, MARKERS).flat_map(|found| list_items(&found));
    let untracked = untracked.filter_map(|item| parse_marker(item, Some(FrameRate::SECONDS)));
    tracks(rdf)
        .flat_map(track_markers)
        .chain(untracked)
        .collect()
}

/// Returns the markers in the btsindex track.
pub(super) fn our_markers(rdf: &XmlElement) -> Vec<XmpMarker> {
    tracks(rdf)
        .filter(|track| is_ours(track))
        .flat_map(track_markers)
        .collect()
}

/// Returns the identifiers of all markers in other tracks. Premiere moves the markers of btsindex
/// to its own track.
pub(super) fn adopted_guids(rdf: &XmlElement) -> Vec<String> {
    let theirs = tracks(rdf).filter(|track| !is_ours(track));
    let markers = theirs.filter_map(|track| field(track, MARKERS));
    markers
        .flat_map(|found| list_items(&found))
        .filter_map(|item| field_text(item, GUID))
        .map(|guid| guid.trim_start_matches("xmp:id:").to_owned())
        .collect()
}

/// Returns true if btsindex writes this track.
pub(super) fn is_ours(track: &XmlElement) -> bool {
    field_text(track, TRACK_NAME).as_deref() == Some(OUR_TRACK)
}

fn tracks(rdf: &XmlElement) -> impl Iterator<Item = &XmlElement> {
    properties(rdf, TRACKS).flat_map(|found| list_items(&found))
}

fn list_items<'a>(found: &RdfProperty<'a>) -> Vec<&'a XmlElement> {
    match found {
        RdfProperty::Text(_) => Vec::new(),
        RdfProperty::Element(element) => list(element).map(items).into_iter().flatten().collect(),
    }
}

/// Returns the markers of a track. If the track's frame rate is invalid, skips the markers whose
/// times depend on it.
pub(super) fn track_markers(track: &XmlElement) -> Vec<XmpMarker> {
    let rate = match field_text(track, FRAME_RATE) {
        Some(text) => FrameRate::parse(&text),
        None => Some(FrameRate::SECONDS),
    };
    let markers = field(track, MARKERS).map(|found| list_items(&found));
    let markers = markers.unwrap_or_default().into_iter();
    markers
        .filter_map(|item| parse_marker(item, rate))
        .collect()
}

/// Parses a marker. Returns `None` if its start time is invalid.
fn parse_marker(item: &XmlElement, rate: Option<FrameRate>) -> Option<XmpMarker> {
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
        text: marker_text(&unix_lines(&text(MARKER_NAME)), &unix_lines(&text(COMMENT))),
    })
}

/// Returns `name: comment`, or only one of them if the other is empty or both are equal.
fn marker_text(name: &str, comment: &str) -> String {
    match (name.trim().is_empty(), comment.trim().is_empty()) {
        (true, _) => comment.to_owned(),
        (false, true) => name.to_owned(),
        (false, false) if comment.trim() == name.trim() => comment.to_owned(),
        (false, false) => format!("{}: {comment}", name.trim()),
    }
}

/// Creates the btsindex track in the form that Premiere writes.
pub(super) fn our_track(
    markers: &[(XmpMarker, String)],
    prefixes: &mut Prefixes<'_>,
) -> XmlElement {
    let mut seq = XmlElement::new(prefixes, SEQ);
    for (marker, guid) in markers {
        seq = seq.with_children([marker_element(marker, guid, prefixes)]);
    }
    let fields = [
        XmlElement::new(prefixes, TRACK_NAME).with_text(OUR_TRACK),
        XmlElement::new(prefixes, TRACK_TYPE).with_text("Comment"),
        XmlElement::new(prefixes, FRAME_RATE).with_text(&FrameRate::ticks()),
        XmlElement::new(prefixes, MARKERS).with_children([seq]),
    ];
    structure_item(prefixes).with_children(fields)
}

fn marker_element(marker: &XmpMarker, guid: &str, prefixes: &mut Prefixes<'_>) -> XmlElement {
    let key = [
        XmlElement::new(prefixes, KEY).with_text("marker_guid"),
        XmlElement::new(prefixes, KEY_VALUE).with_text(guid),
    ];
    let keys = structure_item(prefixes).with_children(key);
    let keys = XmlElement::new(prefixes, SEQ).with_children([keys]);
    // Premiere ends the lines of a comment with carriage returns.
    let comment = marker.text.replace('\n', "\r");
    let fields = [
        XmlElement::new(prefixes, START_TIME).with_text(&to_ticks(marker.micros)),
        XmlElement::new(prefixes, DURATION).with_text(&to_ticks(marker.duration_micros)),
        XmlElement::new(prefixes, COMMENT).with_text(&comment),
        XmlElement::new(prefixes, GUID).with_text(guid),
        XmlElement::new(prefixes, CUE_PARAMS).with_children([keys]),
    ];
    structure_item(prefixes).with_children(fields)
}

fn structure_item(prefixes: &mut Prefixes<'_>) -> XmlElement {
    XmlElement::new(prefixes, LI).with_attribute(prefixes, PARSE_TYPE, "Resource")
}
