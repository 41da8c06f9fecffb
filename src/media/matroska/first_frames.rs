//! Search for the first frame of each track, which contains facts that the codec configuration
//! lacks.

use std::io;

use super::blocks::{BlockHead, MAX_BLOCK_HEAD};
use super::ebml::{self, ElementHead, MAX_HEAD};
use super::id;
use crate::source_file::Original;

/// Maximum number of elements inspected in the search.
const MAX_STEPS: usize = 400;
/// Maximum number of reads per file in the search.
const MAX_READS: usize = 3;
/// Number of bytes per read. The last read of a file may be shorter.
const READ_AHEAD: u64 = 64 * 1024;
/// Maximum number of bytes stored of a frame, enough for its headers.
const MAX_FRAME_START: usize = 8192;

/// Start of a track's first frame.
#[derive(Debug, Clone, Default)]
pub(super) struct TrackFirstFrame {
    pub track: u64,
    pub bytes: Vec<u8>,
    /// Length of the block's whole content in bytes.
    pub length: u64,
    /// True if the file contains the complete frame.
    pub is_whole: bool,
}

/// First frames of all requested tracks, and the start time of the file.
#[derive(Debug, Default)]
pub(super) struct StreamStart {
    pub frames: Vec<TrackFirstFrame>,
    /// Earliest time of a block, in the segment's units.
    pub time: Option<u64>,
}

/// Finds the first frames of the tracks with these numbers, starting at the first cluster.
///
/// # Errors
/// Fails if the file cannot be read.
pub(super) fn read(
    original: &mut Original,
    cluster: u64,
    track_numbers: &[u64],
) -> io::Result<StreamStart> {
    let mut walk = ClusterWalk {
        original,
        reads: 0,
        cluster_time: 0,
        start: StreamStart::default(),
    };
    let mut at = cluster;
    for _ in 0..MAX_STEPS {
        let are_all_found = track_numbers.iter().all(|&track| walk.is_found(track));
        if are_all_found && walk.start.time.is_some() {
            break;
        }
        let Some(next) = walk.step(at, track_numbers)? else {
            break;
        };
        at = next;
    }
    Ok(walk.start)
}

/// Traversal of the elements in clusters.
struct ClusterWalk<'a> {
    original: &'a mut Original,
    /// Number of reads so far.
    reads: usize,
    cluster_time: u64,
    start: StreamStart,
}

impl ClusterWalk<'_> {
    fn is_found(&self, track: u64) -> bool {
        self.start.frames.iter().any(|frame| frame.track == track)
    }

    /// Processes the element at an offset and returns the offset of the next one, if any.
    fn step(&mut self, at: u64, track_numbers: &[u64]) -> io::Result<Option<u64>> {
        let Some(bytes) = self.bytes_at(at)? else {
            return Ok(None);
        };
        let Some(head) = ebml::parse_head(bytes) else {
            return Ok(None);
        };
        let body = bytes.get(head.length..).unwrap_or_default();
        match (head.id, head.size) {
            // Continue with the children of this element.
            (id::CLUSTER | id::BLOCK_GROUP, _) => return Ok(Some(at + head.length as u64)),
            (id::TIMESTAMP, Some(size @ 0..=8)) => {
                let number = body.iter().take(usize::try_from(size).unwrap_or(0));
                self.cluster_time = number.fold(0, |sum, &byte| sum << 8 | u64::from(byte));
            }
            (id::SIMPLE_BLOCK | id::BLOCK, Some(size)) => {
                let Some(block) = BlockHead::parse(body) else {
                    return Ok(None);
                };
                if self
                    .record_block(at, head, size, block, track_numbers)?
                    .is_none()
                {
                    return Ok(None);
                }
            }
            _ => {}
        }
        let length = head
            .size
            .and_then(|size| size.checked_add(head.length as u64));
        Ok(length.and_then(|length| at.checked_add(length)))
    }

    /// Records the first frame of a requested track; `None` if the read limit is reached.
    fn record_block(
        &mut self,
        at: u64,
        head: ElementHead,
        size: u64,
        block: BlockHead,
        track_numbers: &[u64],
    ) -> io::Result<Option<()>> {
        let time = self.cluster_time.saturating_add_signed(block.time.into());
        self.start.time = Some(self.start.time.map_or(time, |first| first.min(time)));
        if !track_numbers.contains(&block.track) || self.is_found(block.track) {
            return Ok(Some(()));
        }
        let frame = at + (head.length + block.length) as u64;
        let length = size.saturating_sub(block.length as u64);
        let Some(bytes) = self.read_frame_start(frame, length, block)? else {
            return Ok(None);
        };
        let end = frame.checked_add(length);
        self.start.frames.push(TrackFirstFrame {
            track: block.track,
            bytes,
            length,
            is_whole: end.is_some_and(|end| end <= self.original.size()),
        });
        Ok(Some(()))
    }

    /// Returns the bytes at an offset; `None` at the end of the file or if the read limit is reached.
    fn bytes_at(&mut self, at: u64) -> io::Result<Option<&[u8]>> {
        let rest = self.original.size().saturating_sub(at);
        let needed = usize::try_from(rest.min((MAX_HEAD + MAX_BLOCK_HEAD) as u64));
        let needed = needed.unwrap_or(0);
        if needed == 0 {
            return Ok(None);
        }
        if self.original.stored(at, needed).is_none() {
            if self.reads == MAX_READS {
                return Ok(None);
            }
            self.reads += 1;
            let ahead = usize::try_from(rest.min(READ_AHEAD)).unwrap_or(needed);
            let bytes = self.original.read(at, ahead)?;
            self.original.store(at, bytes);
        }
        Ok(self.original.stored(at, needed))
    }

    /// Reads the first bytes of the first frame in a block; `None` if the read limit is reached.
    fn read_frame_start(
        &mut self,
        at: u64,
        length: u64,
        block: BlockHead,
    ) -> io::Result<Option<Vec<u8>>> {
        let available = self.original.size().saturating_sub(at).min(length);
        let read_length = usize::try_from(available)
            .map_or(MAX_FRAME_START, |length| length.min(MAX_FRAME_START));
        if self.original.stored(at, read_length).is_none() {
            if self.reads == MAX_READS {
                return Ok(None);
            }
            self.reads += 1;
        }
        let bytes = self.original.read(at, read_length)?;
        Ok(match block.flags >> 1 & 3 {
            0 => Some(bytes),
            lacing => skip_lacing(lacing, &bytes).map(<[u8]>::to_vec),
        })
    }
}

/// Skips the frame sizes of a laced block, and returns the bytes from the start of its first frame.
fn skip_lacing(lacing: u8, bytes: &[u8]) -> Option<&[u8]> {
    let (&size_count, mut rest) = bytes.split_first()?;
    match lacing {
        // Xiph lacing: each size is a run of bytes with the value 255, and a smaller last byte.
        1 => {
            for _ in 0..size_count {
                let full = rest.iter().take_while(|&&byte| byte == 255).count();
                rest = rest.get(full + 1..)?;
            }
        }
        // EBML lacing: each size is a variable-length number.
        3 => {
            for _ in 0..size_count {
                let (_, length) = ebml::parse_number(rest)?;
                rest = rest.get(length..)?;
            }
        }
        // Fixed-size lacing stores no sizes.
        _ => {}
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_the_sizes_of_a_laced_block() {
        assert_eq!(skip_lacing(1, b"\x01\xff\x02abc"), Some(&b"abc"[..]));
        assert_eq!(skip_lacing(2, b"\x01abcd"), Some(&b"abcd"[..]));
        assert_eq!(skip_lacing(3, b"\x02\x81\xbfabc"), Some(&b"abc"[..]));
        assert_eq!(skip_lacing(3, b"\xff\x81"), None);
        assert_eq!(skip_lacing(1, b"\x09\xff"), None);
    }
}
