//! Keyframes in Matroska clusters: a stretch was read that most likely holds the frame.

use super::super::keyframes::{Key, MOST_KEY, Stored};
use super::super::matroska::{key_in, units};
use crate::original::Original;

/// The frame of a key, of whose stretch these are the bytes; read anew where it is longer.
pub(super) fn found(
    stored: Stored,
    original: &Original,
    key: Key,
    mut bytes: Vec<u8>,
) -> Option<Vec<u8>> {
    let Stored::Cluster {
        track,
        scale,
        begin,
    } = stored
    else {
        return Some(bytes);
    };
    let time = units(key.micros, scale, begin)?;
    let frame = key_in(&bytes, track, time)?;
    if frame.length > MOST_KEY.into() {
        return None;
    }
    let length = usize::try_from(frame.length).ok()?;
    let end = frame.offset.checked_add(length)?;
    if end > bytes.len() {
        let offset = key.offset.checked_add(frame.offset as u64)?;
        return original.read(offset, length).ok();
    }
    bytes.truncate(end);
    bytes.drain(..frame.offset);
    Some(bytes)
}
