//! Extraction of keyframes from Matroska clusters. Only a byte range that very likely contains the
//! frame was read.

use std::io;

use super::super::keyframes::{Keyframe, MAX_KEYFRAME_BYTES};
use super::super::matroska::find_keyframe;
use crate::source_file::Original;

/// Returns the frame of a track at a given time. `bytes` is the content of the keyframe's byte
/// range. A frame that extends beyond that range is read again.
///
/// # Errors
/// Fails if the file cannot be read.
pub(super) fn extract(
    original: &Original,
    key: Keyframe,
    (track, time): (u64, u64),
    mut bytes: Vec<u8>,
) -> io::Result<Option<Vec<u8>>> {
    let frame = find_keyframe(&bytes, track, time)
        .filter(|frame| frame.length <= MAX_KEYFRAME_BYTES.into());
    let Some(frame) = frame else {
        return Ok(None);
    };
    let length = usize::try_from(frame.length).map_err(io::Error::other)?;
    let end = frame.offset.saturating_add(length);
    if end > bytes.len() {
        let offset = key.offset.saturating_add(frame.offset as u64);
        return original.read(offset, length).map(Some);
    }
    bytes.truncate(end);
    bytes.drain(..frame.offset);
    Ok(Some(bytes))
}
