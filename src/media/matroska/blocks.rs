//! Parser for blocks in clusters (RFC 9559, 10), and search for the keyframe that a cue refers to.

use super::ebml::{self, ElementHead};
use super::id;

/// Maximum length of a block header in bytes: track, time and flags.
pub(super) const MAX_BLOCK_HEAD: usize = 11;
/// Maximum number of elements skipped in a cluster before a keyframe.
const MAX_ELEMENTS: usize = 2000;

/// Header of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockHead {
    pub track: u64,
    /// Time relative to the cluster's time.
    pub time: i16,
    pub flags: u8,
    /// Length of the header in bytes.
    pub length: usize,
}

impl BlockHead {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (track, length) = ebml::parse_number(bytes)?;
        let &[high, low, flags] = bytes.get(length..)?.first_chunk()?;
        Some(Self {
            track: track?,
            time: i16::from_be_bytes([high, low]),
            flags,
            length: length + 3,
        })
    }

    fn is_laced(self) -> bool {
        self.flags & 0x06 != 0
    }
}

/// Position of a frame relative to the start of the searched bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct FrameLocation {
    pub offset: usize,
    pub length: u64,
}

/// Finds the keyframe of a track.
///
/// If `bytes` starts with a cluster, the keyframe must have this `time`, in the segment's units.
/// Otherwise `bytes` must start at most seven bytes before a block with a keyframe.
pub(in crate::media) fn find_keyframe(
    bytes: &[u8],
    track: u64,
    time: u64,
) -> Option<FrameLocation> {
    match ebml::parse_head(bytes) {
        Some(head) if head.id == id::CLUSTER => find_in_cluster(bytes, head.length, track, time),
        _ => find_near_start(bytes, track),
    }
}

fn find_in_cluster(bytes: &[u8], mut at: usize, track: u64, time: u64) -> Option<FrameLocation> {
    let mut cluster_time = 0;
    for _ in 0..MAX_ELEMENTS {
        let rest = bytes.get(at..)?;
        let head = ebml::parse_head(rest)?;
        let size = head.size?;
        match head.id {
            id::TIMESTAMP => {
                let body = rest.get(head.length..)?;
                let number = body.get(..usize::try_from(size).ok()?.min(8))?.iter();
                cluster_time = number.fold(0, |sum, &byte| sum << 8 | u64::from(byte));
            }
            id::SIMPLE_BLOCK | id::BLOCK_GROUP => {
                if let Some((found, offset)) = keyframe_of_block(rest, head, track)
                    && cluster_time.saturating_add_signed(offset.into()) == time
                {
                    return Some(FrameLocation {
                        offset: at + found.offset,
                        ..found
                    });
                }
            }
            id::CLUSTER | id::CUES => return None,
            _ => {}
        }
        at = at.checked_add(head.length)?;
        at = at.checked_add(usize::try_from(size).ok()?)?;
    }
    None
}

/// Finds the keyframe of a track in a block that begins within the first eight bytes. A cue stores
/// a position in the cluster's content, and the length of the cluster's head may be 5 to 12 bytes.
fn find_near_start(bytes: &[u8], track: u64) -> Option<FrameLocation> {
    (0..8).find_map(|at| {
        let rest = bytes.get(at..)?;
        let head = ebml::parse_head(rest)?;
        let (found, _) = keyframe_of_block(rest, head, track)?;
        Some(FrameLocation {
            offset: at + found.offset,
            ..found
        })
    })
}

/// Returns the frame of a block or block group, and its time relative to the cluster. `None` if it
/// is of another track, not a keyframe, or in a laced block.
fn keyframe_of_block(bytes: &[u8], head: ElementHead, track: u64) -> Option<(FrameLocation, i16)> {
    let size = head.size?;
    let body = bytes.get(head.length..)?;
    let (before, body, size, is_key) = match head.id {
        id::SIMPLE_BLOCK => (head.length, body, size, None),
        id::BLOCK_GROUP => {
            let inner = block_in_group(body, size)?;
            let before = head.length.checked_add(inner.offset)?;
            (before, bytes.get(before..)?, inner.length, Some(true))
        }
        _ => return None,
    };
    let block = BlockHead::parse(body)?;
    let is_key = is_key.unwrap_or(block.flags & 0x80 != 0);
    let length = size.checked_sub(block.length as u64)?;
    (block.track == track && is_key && !block.is_laced() && length > 0).then_some((
        FrameLocation {
            offset: before + block.length,
            length,
        },
        block.time,
    ))
}

/// Returns the block of a group; `None` if a reference to another block precedes it. A reference
/// after the block may not have been read, but a cue refers only to keyframes.
fn block_in_group(body: &[u8], size: u64) -> Option<FrameLocation> {
    let mut at = 0_usize;
    for _ in 0..16 {
        let head = ebml::parse_head(body.get(at..)?)?;
        let inner = head.size?;
        let begin = at.checked_add(head.length)?;
        match head.id {
            id::REFERENCE_BLOCK => return None,
            id::BLOCK => {
                let end = (begin as u64).checked_add(inner)?;
                return (end <= size).then_some(FrameLocation {
                    offset: begin,
                    length: inner,
                });
            }
            _ => at = begin.checked_add(usize::try_from(inner).ok()?)?,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds a cluster at time 100 with audio, a frame that is not a keyframe, and a keyframe. The
    /// keyframe is in a block group if `has_group`.
    fn cluster(has_group: bool) -> Vec<u8> {
        let key = if has_group {
            b"\xa0\x8b\xa1\x87\x81\0\x07\0key\x9b\x81\x01".to_vec()
        } else {
            b"\xa3\x87\x81\0\x07\x80key".to_vec()
        };
        let body = [
            &b"\xe7\x81\x64\xa3\x85\x82\0\0\x80s\xa3\x87\x81\0\x05\0not"[..],
            &key,
        ]
        .concat();
        let size = u8::try_from(body.len()).unwrap() | 0x80;
        [&b"\x1f\x43\xb6\x75"[..], &[size], &body].concat()
    }

    #[test]
    fn finds_a_keyframe_by_track_and_time() {
        for has_group in [false, true] {
            let bytes = cluster(has_group);
            let found = find_keyframe(&bytes, 1, 107).unwrap();
            assert_eq!(&bytes[found.offset..found.offset + 3], b"key");
            assert_eq!(found.length, 3);
            assert_eq!(find_keyframe(&bytes, 1, 105), None);
            assert_eq!(find_keyframe(&bytes, 3, 107), None);
            for length in 0..found.offset {
                assert_eq!(find_keyframe(&bytes[..length], 1, 107), None);
            }
        }
        let bytes = cluster(false);
        let end = &bytes[bytes.len() - 12..];
        let found = find_near_start(end, 1).unwrap();
        assert_eq!(&end[found.offset..], b"key");
        assert_eq!(find_near_start(end, 2), None);
    }
}
