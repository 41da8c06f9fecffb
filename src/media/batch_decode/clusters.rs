//! Keyframes in Matroska clusters: a stretch was read that most likely holds the frame.

use std::io;

use super::super::keyframes::{Key, MOST_KEY};
use super::super::matroska::key_in;
use crate::source_file::Original;

/// The frame of a track that is shown at a time, from a key's stretch, of which these are the
/// bytes; read anew where it is longer.
///
/// # Errors
/// When the drive fails.
pub(super) fn found(
    original: &Original,
    key: Key,
    (track, time): (u64, u64),
    mut bytes: Vec<u8>,
) -> io::Result<Option<Vec<u8>>> {
    let frame = key_in(&bytes, track, time).filter(|frame| frame.length <= MOST_KEY.into());
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
