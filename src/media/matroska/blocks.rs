//! Blocks of frames inside clusters (RFC 9559, 10), and the keyframe that a cue leads to.

use super::ebml::{self, Head};
use super::id;

/// Bytes before the frames of a block: its track, time and flags.
pub(super) const LONGEST_BLOCK_HEAD: usize = 11;
/// Elements of a cluster that are stepped over to a keyframe.
const MOST_TO_KEY: usize = 2000;

/// What stands before the frames of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockHead {
    pub track: u64,
    /// Since the cluster's own time.
    pub time: i16,
    pub flags: u8,
    /// Bytes of it.
    pub length: usize,
}

impl BlockHead {
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let (track, length) = ebml::number(bytes)?;
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

/// Where a frame is, counted from the begin of what was searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Found {
    pub offset: usize,
    pub length: u64,
}

/// The keyframe of a track that is shown at `time`, in the segment's units, in a cluster of
/// which this is the beginning; or, where it is none, that of a block that is all but here.
pub(in crate::media) fn key_in(bytes: &[u8], track: u64, time: u64) -> Option<Found> {
    match ebml::head(bytes) {
        Some(head) if head.id == id::CLUSTER => key_in_cluster(bytes, head.length, track, time),
        _ => key_near(bytes, track),
    }
}

fn key_in_cluster(bytes: &[u8], mut at: usize, track: u64, time: u64) -> Option<Found> {
    let mut cluster_time = 0;
    for _ in 0..MOST_TO_KEY {
        let rest = bytes.get(at..)?;
        let head = ebml::head(rest)?;
        let size = head.size?;
        match head.id {
            id::TIMESTAMP => {
                let body = rest.get(head.length..)?;
                let number = body.get(..usize::try_from(size).ok()?.min(8))?.iter();
                cluster_time = number.fold(0, |sum, &byte| sum << 8 | u64::from(byte));
            }
            id::SIMPLE_BLOCK | id::BLOCK_GROUP => {
                if let Some((found, offset)) = key(rest, head, track)
                    && cluster_time.saturating_add_signed(offset.into()) == time
                {
                    return Some(Found {
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

/// The keyframe of a track that begins within the first eight bytes: so much a cue leaves
/// open where the length of its cluster's head is not known.
fn key_near(bytes: &[u8], track: u64) -> Option<Found> {
    (0..8).find_map(|at| {
        let rest = bytes.get(at..)?;
        let head = ebml::head(rest)?;
        let (found, _) = key(rest, head, track)?;
        Some(Found {
            offset: at + found.offset,
            ..found
        })
    })
}

/// The frame of a block or group of that track, if it is a keyframe that stands alone, and
/// its time since the cluster's.
fn key(bytes: &[u8], head: Head, track: u64) -> Option<(Found, i16)> {
    let size = head.size?;
    let body = bytes.get(head.length..)?;
    let (before, body, size, is_key) = match head.id {
        id::SIMPLE_BLOCK => (head.length, body, size, None),
        id::BLOCK_GROUP => {
            let inner = block_of_group(body, size)?;
            let before = head.length.checked_add(inner.offset)?;
            (before, bytes.get(before..)?, inner.length, Some(true))
        }
        _ => return None,
    };
    let block = BlockHead::new(body)?;
    let is_key = is_key.unwrap_or(block.flags & 0x80 != 0);
    let length = size.checked_sub(block.length as u64)?;
    (block.track == track && is_key && !block.is_laced() && length > 0).then_some((
        Found {
            offset: before + block.length,
            length,
        },
        block.time,
    ))
}

/// The block in a group that refers to no other; what stands after the block is not always
/// there to be seen, but whoever wrote a cue for it means a keyframe.
fn block_of_group(body: &[u8], size: u64) -> Option<Found> {
    let mut at = 0_usize;
    for _ in 0..16 {
        let head = ebml::head(body.get(at..)?)?;
        let inner = head.size?;
        let begin = at.checked_add(head.length)?;
        match head.id {
            id::REFERENCE_BLOCK => return None,
            id::BLOCK => {
                let end = (begin as u64).checked_add(inner)?;
                return (end <= size).then_some(Found {
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

    /// A cluster at time 100 with sound, a picture that is no key, and one that is.
    fn cluster(group: bool) -> Vec<u8> {
        let key = if group {
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
    fn a_keyframe_is_found_by_track_and_time() {
        for group in [false, true] {
            let bytes = cluster(group);
            let found = key_in(&bytes, 1, 107).unwrap();
            assert_eq!(&bytes[found.offset..found.offset + 3], b"key");
            assert_eq!(found.length, 3);
            assert_eq!(key_in(&bytes, 1, 105), None);
            assert_eq!(key_in(&bytes, 3, 107), None);
            for length in 0..found.offset {
                assert_eq!(key_in(&bytes[..length], 1, 107), None);
            }
        }
        let bytes = cluster(false);
        let near = &bytes[bytes.len() - 12..];
        let found = key_near(near, 1).unwrap();
        assert_eq!(&near[found.offset..], b"key");
        assert_eq!(key_near(near, 2), None);
    }
}
