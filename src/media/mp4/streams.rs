//! Properties that all kinds of tracks have in common.

use super::boxes::child;
use super::tags;
use super::track::Mp4Track;
use crate::media::bitstream::aac;
use crate::media::header::{Stream, TagMap};
use crate::value::{ExactDuration, Rate};

/// Returns a stream with the properties that are common to all kinds of tracks.
pub(super) fn base_stream(track: &Mp4Track<'_>) -> Stream {
    let mut tags = TagMap::new();
    tags::add(
        &mut tags,
        "creation_time",
        tags::format_creation_time(track.created),
    );
    tags::add(&mut tags, "handler_name", track.handler_name.clone());
    if let Some(body) = track.user_data {
        tags::add_user_data(&mut tags, body);
    }
    if let Some(body) = track.meta {
        tags::add_meta(&mut tags, body);
    }
    Stream {
        duration: duration(track.duration, track.timescale),
        tags,
        ..Stream::default()
    }
}

/// Returns a duration in units of a timescale; `None` if either is zero.
pub(super) fn duration(units: u64, timescale: u32) -> Option<ExactDuration> {
    let duration = ExactDuration::new(units, Rate::new(timescale, 1)?);
    (units > 0).then_some(duration)
}

/// Reads the elementary stream descriptor of a sample description.
pub(super) fn read_descriptor(entry: &[u8]) -> Option<aac::EsDescriptor<'_>> {
    aac::parse_descriptor(child(entry, *b"esds")?)
}
