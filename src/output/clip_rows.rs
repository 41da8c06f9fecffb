//! Clips as table cells and as JSON.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::clip::{Clip, FIELDS, FileCopy, FileState};

/// Returns a clip as one JSON object: its files, and all fields that have a value, by name.
#[must_use]
pub fn clip_json(clip: &Clip) -> Value {
    let mut object: Map<String, Value> = FIELDS
        .iter()
        .filter_map(|field| Some((field.name.to_owned(), (field.json)(clip)?)))
        .collect();
    object.insert(
        "files".to_owned(),
        clip.files.iter().map(FileCopy::json).collect(),
    );
    Value::Object(object)
}

/// Formats the duration of a clip: `1:05`.
pub(super) fn length(clip: &Clip) -> String {
    let duration = clip.duration.as_ref();
    duration.map_or_else(String::new, |fact| fact.value.to_string())
}

/// Formats the recording time: `2026-05-02 14:00`.
pub(super) fn shot(clip: &Clip) -> String {
    let time = clip.captured.as_ref().map(|fact| fact.value.civil());
    time.map_or_else(String::new, |time| {
        time.strftime("%Y-%m-%d %H:%M").to_string()
    })
}

/// Formats the picture format, such as `1920x1080 23.976 10-bit hlg`. Returns `sound` if there is no
/// video.
pub(super) fn picture(clip: &Clip) -> String {
    let mut parts = Vec::new();
    if let Some((width, height)) = clip
        .display_width
        .as_ref()
        .zip(clip.display_height.as_ref())
    {
        parts.push(format!("{}x{}", width.value, height.value));
    }
    if let Some(rate) = &clip.rate {
        let rate = format!("{:.3}", rate.value.per_second());
        parts.push(rate.trim_end_matches('0').trim_end_matches('.').to_owned());
    }
    if let Some(bits) = clip.bit_depth.as_ref().filter(|fact| fact.value > 8) {
        parts.push(format!("{}-bit", bits.value));
    }
    parts.extend(clip.hdr.as_ref().map(|fact| fact.value.to_string()));
    if clip.video_codec.is_none() {
        parts.extend(clip.audio_codec.as_ref().map(|_| "sound".to_owned()));
    }
    parts.join(" ")
}

/// Returns the last two folders of the path, which are usually enough to tell cards apart.
pub(super) fn folder(clip: &Clip) -> String {
    let Some(folder) = clip.files.first().and_then(|copy| copy.inside.parent()) else {
        return String::new();
    };
    let parts: Vec<String> = folder
        .iter()
        .rev()
        .take(2)
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    parts.into_iter().rev().collect::<Vec<_>>().join("/")
}

/// Lists the volumes that hold a copy: `SHELF-07 (offline), also RAID-A`.
pub(super) fn volumes(clip: &Clip) -> String {
    let mut copies = clip.files.iter();
    let Some(best) = copies.next() else {
        return String::new();
    };
    let mut volumes = best.volume.clone();
    if best.status() != "present" {
        // Writing to a string cannot fail.
        let _ = write!(volumes, " ({})", best.status());
    }
    let mut others: Vec<&str> = copies
        .filter(|copy| copy.state != FileState::Missing && copy.volume != best.volume)
        .map(|copy| copy.volume.as_str())
        .collect();
    others.dedup();
    if !others.is_empty() {
        volumes.push_str(", also ");
        volumes.push_str(&others.join(", "));
    }
    volumes
}
