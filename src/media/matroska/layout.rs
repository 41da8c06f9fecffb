//! Search for the header elements of a file. They are before the first cluster, or after the last
//! cluster at positions listed in the seek head.
//!
//! Clusters are skipped, so reading a file of 200 GB takes as long as reading a small one.

use std::io;

use super::ebml::{self, ElementHead, MAX_HEAD, parse_elements};
use super::id;
use crate::source_file::Original;

/// Maximum size in bytes of a header element. Tags and codec configurations have a few kilobytes.
const MAX_BYTES: u64 = 1024 * 1024;
/// Maximum size in bytes of the cues. An hour with a cue for each frame takes about 2 MB.
const MAX_CUES: u64 = 4 * 1024 * 1024;
/// Maximum number of elements read before the first cluster.
const MAX_ELEMENTS: usize = 64;
/// Maximum number of seek head entries that are used.
const MAX_SEEKS: usize = 16;
/// Number of bytes per read. Most header elements are smaller.
const READ_AHEAD: u64 = 64 * 1024;

/// Header elements of a file.
#[derive(Debug, Default)]
pub(super) struct MatroskaLayout {
    /// Offset of the segment's content, to which stored positions are relative.
    pub segment_content: u64,
    pub info: Vec<u8>,
    pub tracks: Vec<u8>,
    pub tags: Vec<Vec<u8>>,
    /// Content of the cues; `None` if they are missing or too large.
    pub cues: Option<Vec<u8>>,
    /// Offset of the first cluster.
    pub cluster: Option<u64>,
    /// Offsets of the elements that were read so far.
    offsets_read: Vec<u64>,
}

/// Reads the header elements. `None` if the file has another format or is not fully supported.
///
/// # Errors
/// Fails if the file cannot be read, or if an element extends beyond the end of the file.
pub(super) fn read(original: &mut Original) -> io::Result<Option<MatroskaLayout>> {
    let Some(segment_content) = segment_content(original.beginning()) else {
        return Ok(None);
    };
    let mut layout = MatroskaLayout {
        segment_content,
        ..MatroskaLayout::default()
    };
    let mut seek_positions = Vec::new();
    let mut at = segment_content;
    for _ in 0..MAX_ELEMENTS {
        let Some(head) = read_head(original, at)? else {
            break;
        };
        if head.id == id::CLUSTER {
            layout.cluster = Some(at);
            break;
        }
        let Some(size) = head.size else {
            return Ok(None);
        };
        if layout
            .read_element(original, at, head, &mut seek_positions)?
            .is_none()
        {
            return Ok(None);
        }
        let after = (head.length as u64).checked_add(size);
        let Some(next) = after.and_then(|length| at.checked_add(length)) else {
            return Ok(None);
        };
        at = next;
    }
    let mut next = 0;
    while let Some(&position) = seek_positions.get(next).filter(|_| next < MAX_SEEKS) {
        next += 1;
        let Some(at) = segment_content.checked_add(position) else {
            return Ok(None);
        };
        // The element is missing (the file is truncated) or was read before.
        if at >= original.size() || layout.offsets_read.contains(&at) {
            continue;
        }
        let Some(head) = read_head(original, at)? else {
            return Ok(None);
        };
        if layout
            .read_element(original, at, head, &mut seek_positions)?
            .is_none()
        {
            return Ok(None);
        }
    }
    let is_complete = !layout.info.is_empty() && !layout.tracks.is_empty();
    Ok(is_complete.then_some(layout))
}

/// Returns the offset of the segment's content, given the first bytes of the file.
fn segment_content(beginning: &[u8]) -> Option<u64> {
    let (head, rest) = ebml::parse_first(beginning).filter(|(head, _)| head.id == id::EBML)?;
    let mut kind = None;
    for element in parse_elements(head.body)? {
        match element.id {
            id::EBML_READ_VERSION if element.unsigned()? != 1 => return None,
            id::EBML_MAX_ID_LENGTH if element.unsigned()? > 4 => return None,
            id::EBML_MAX_SIZE_LENGTH if element.unsigned()? > 8 => return None,
            id::DOC_TYPE => kind = element.text(),
            _ => {}
        }
    }
    let is_supported = matches!(kind.as_deref(), Some("matroska" | "webm"));
    let segment = ebml::parse_head(rest).filter(|head| is_supported && head.id == id::SEGMENT)?;
    let before = beginning.len() - rest.len();
    Some((before + segment.length) as u64)
}

impl MatroskaLayout {
    /// Reads a header element; `None` if it is malformed, too large or a duplicate.
    fn read_element(
        &mut self,
        original: &mut Original,
        at: u64,
        head: ElementHead,
        seek_positions: &mut Vec<u64>,
    ) -> io::Result<Option<()>> {
        self.offsets_read.push(at);
        let begin = at + head.length as u64;
        let max = if head.id == id::CUES {
            MAX_CUES
        } else {
            MAX_BYTES
        };
        let size = head.size.filter(|&size| size <= max);
        let body = || match size {
            Some(size) => read_bytes(original, begin, size).map(Some),
            None => Ok(None),
        };
        match head.id {
            id::CUES if self.cues.is_none() => self.cues = body()?,
            id::SEEK_HEAD => {
                let Some(found) = body()?.as_deref().and_then(parse_seek_head) else {
                    return Ok(None);
                };
                seek_positions.extend(found);
            }
            id::TAGS => match body()? {
                Some(body) => self.tags.push(body),
                None => return Ok(None),
            },
            id::INFO | id::TRACKS => {
                let part = if head.id == id::INFO {
                    &mut self.info
                } else {
                    &mut self.tracks
                };
                // If there are two of these elements, programs differ in which one they use.
                let body = body()?.filter(|body| part.is_empty() && !body.is_empty());
                match body {
                    Some(body) => *part = body,
                    None => return Ok(None),
                }
            }
            _ => {}
        }
        Ok(Some(()))
    }
}

/// Parses the seek head. Returns the positions of the required elements, relative to the segment's
/// content.
fn parse_seek_head(body: &[u8]) -> Option<Vec<u64>> {
    let mut found = Vec::new();
    for seek in parse_elements(body)?
        .iter()
        .filter(|element| element.id == id::SEEK)
    {
        let (mut kind, mut position) = (None, None);
        for element in parse_elements(seek.body)? {
            match element.id {
                id::SEEK_ID => kind = element.unsigned(),
                id::SEEK_POSITION => position = element.unsigned(),
                _ => {}
            }
        }
        let kind = u32::try_from(kind?).ok()?;
        let is_relevant = matches!(
            kind,
            id::INFO | id::TRACKS | id::TAGS | id::CUES | id::SEEK_HEAD
        );
        if is_relevant && found.len() < MAX_SEEKS {
            found.push(position?);
        }
    }
    Some(found)
}

/// Reads the id and size of the element at an offset, and reads ahead. `None` at the end of the
/// file, or if the bytes are not an element.
fn read_head(original: &mut Original, at: u64) -> io::Result<Option<ElementHead>> {
    let rest = original.size().saturating_sub(at);
    let needed = usize::try_from(rest.min(MAX_HEAD as u64)).unwrap_or(MAX_HEAD);
    if needed == 0 {
        return Ok(None);
    }
    if original.stored(at, needed).is_none() {
        let ahead = usize::try_from(rest.min(READ_AHEAD)).unwrap_or(needed);
        let bytes = original.read(at, ahead)?;
        original.store(at, bytes);
    }
    Ok(original.stored(at, needed).and_then(ebml::parse_head))
}

fn read_bytes(original: &Original, at: u64, length: u64) -> io::Result<Vec<u8>> {
    original.read(at, usize::try_from(length).map_err(io::Error::other)?)
}
