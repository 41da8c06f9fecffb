//! Where a file keeps its header: one walk up to the first cluster, and what the seek head
//! says stands behind the last.
//!
//! Frames are stepped over, so a 200 GB file costs what a small one does.

use std::io;

use super::ebml::{self, Head, LONGEST_HEAD, elements};
use super::id;
use crate::source_file::Original;

/// Bytes of one part of a header that are read: tags and configurations are kilobytes.
const MOST_BYTES: u64 = 1024 * 1024;
/// Bytes of cues that are read: an hour of cues for each frame takes about 2 MB.
const MOST_CUES: u64 = 4 * 1024 * 1024;
/// Elements before the first cluster that are looked at.
const MOST_ELEMENTS: usize = 64;
/// Parts of which the seek head tells that are looked at.
const MOST_SEEKS: usize = 16;
/// Read at once where an element begins: most of what describes a file is smaller.
const AHEAD: u64 = 64 * 1024;

/// The parts of a file that describe it.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Where the segment's content begins, from which positions are counted.
    pub segment: u64,
    pub information: Vec<u8>,
    pub tracks: Vec<u8>,
    pub tags: Vec<Vec<u8>>,
    /// What the cues hold, where they can be read.
    pub cues: Option<Vec<u8>>,
    /// Where the first cluster begins.
    pub cluster: Option<u64>,
    /// Positions that were read.
    seen: Vec<u64>,
}

/// Walks a file; `None` when it is no such file or not fully understood.
///
/// # Errors
/// When the drive fails, or something is said to be longer than the file.
pub(super) fn layout(original: &mut Original) -> io::Result<Option<Layout>> {
    let Some(segment) = segment(original.beginning()) else {
        return Ok(None);
    };
    let mut layout = Layout {
        segment,
        ..Layout::default()
    };
    let mut sought = Vec::new();
    let mut at = segment;
    for _ in 0..MOST_ELEMENTS {
        let Some(head) = peek(original, at)? else {
            break;
        };
        if head.id == id::CLUSTER {
            layout.cluster = Some(at);
            break;
        }
        let Some(size) = head.size else {
            return Ok(None);
        };
        if layout.take(original, at, head, &mut sought)?.is_none() {
            return Ok(None);
        }
        let after = (head.length as u64).checked_add(size);
        let Some(next) = after.and_then(|length| at.checked_add(length)) else {
            return Ok(None);
        };
        at = next;
    }
    let mut next = 0;
    while let Some(&position) = sought.get(next).filter(|_| next < MOST_SEEKS) {
        next += 1;
        let Some(at) = segment.checked_add(position) else {
            return Ok(None);
        };
        // A copy that ends early: what is not there says nothing.
        if at >= original.size() || layout.seen.contains(&at) {
            continue;
        }
        let Some(head) = peek(original, at)? else {
            return Ok(None);
        };
        if layout.take(original, at, head, &mut sought)?.is_none() {
            return Ok(None);
        }
    }
    let is_whole = !layout.information.is_empty() && !layout.tracks.is_empty();
    Ok(is_whole.then_some(layout))
}

/// Where the segment's content begins in a file that begins so.
fn segment(beginning: &[u8]) -> Option<u64> {
    let (head, rest) = ebml::first(beginning).filter(|(head, _)| head.id == id::EBML)?;
    let mut kind = None;
    for element in elements(head.body)? {
        match element.id {
            id::EBML_READ_VERSION if element.unsigned()? != 1 => return None,
            id::EBML_MAX_ID_LENGTH if element.unsigned()? > 4 => return None,
            id::EBML_MAX_SIZE_LENGTH if element.unsigned()? > 8 => return None,
            id::DOC_TYPE => kind = element.text(),
            _ => {}
        }
    }
    let is_known = matches!(kind.as_deref(), Some("matroska" | "webm"));
    let segment = ebml::head(rest).filter(|head| is_known && head.id == id::SEGMENT)?;
    let before = beginning.len() - rest.len();
    Some((before + segment.length) as u64)
}

impl Layout {
    /// Takes a part of the header; `None` when it is unclear.
    fn take(
        &mut self,
        original: &mut Original,
        at: u64,
        head: Head,
        sought: &mut Vec<u64>,
    ) -> io::Result<Option<()>> {
        self.seen.push(at);
        let begin = at + head.length as u64;
        let most = if head.id == id::CUES {
            MOST_CUES
        } else {
            MOST_BYTES
        };
        let size = head.size.filter(|&size| size <= most);
        let body = || match size {
            Some(size) => read(original, begin, size).map(Some),
            None => Ok(None),
        };
        match head.id {
            id::CUES if self.cues.is_none() => self.cues = body()?,
            id::SEEK_HEAD => {
                let Some(found) = body()?.as_deref().and_then(seeks) else {
                    return Ok(None);
                };
                sought.extend(found);
            }
            id::TAGS => match body()? {
                Some(body) => self.tags.push(body),
                None => return Ok(None),
            },
            id::INFO | id::TRACKS => {
                let part = if head.id == id::INFO {
                    &mut self.information
                } else {
                    &mut self.tracks
                };
                // Which of two is believed depends on who reads.
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

/// Positions, from the segment's content on, of the parts that are read here.
fn seeks(body: &[u8]) -> Option<Vec<u64>> {
    let mut found = Vec::new();
    for seek in elements(body)?.iter().filter(|it| it.id == id::SEEK) {
        let (mut kind, mut position) = (None, None);
        for element in elements(seek.body)? {
            match element.id {
                id::SEEK_ID => kind = element.unsigned(),
                id::SEEK_POSITION => position = element.unsigned(),
                _ => {}
            }
        }
        let kind = u32::try_from(kind?).ok()?;
        let is_read = matches!(
            kind,
            id::INFO | id::TRACKS | id::TAGS | id::CUES | id::SEEK_HEAD
        );
        if is_read && found.len() < MOST_SEEKS {
            found.push(position?);
        }
    }
    Some(found)
}

/// The head of the element at a place, read generously where it was not read already;
/// `None` at the file's end, or where there is none.
fn peek(original: &mut Original, at: u64) -> io::Result<Option<Head>> {
    let rest = original.size().saturating_sub(at);
    let needed = usize::try_from(rest.min(LONGEST_HEAD as u64)).unwrap_or(LONGEST_HEAD);
    if needed == 0 {
        return Ok(None);
    }
    if original.kept(at, needed).is_none() {
        let ahead = usize::try_from(rest.min(AHEAD)).unwrap_or(needed);
        let bytes = original.read(at, ahead)?;
        original.keep(at, bytes);
    }
    Ok(original.kept(at, needed).and_then(ebml::head))
}

fn read(original: &Original, at: u64, length: u64) -> io::Result<Vec<u8>> {
    original.read(at, usize::try_from(length).map_err(io::Error::other)?)
}
