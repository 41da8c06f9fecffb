//! The first frames of a file's tracks, which tell what their configurations do not.

use std::io;

use super::blocks::{BlockHead, LONGEST_BLOCK_HEAD};
use super::ebml::{self, Head, LONGEST_HEAD};
use super::id;
use crate::source_file::Original;

/// Elements that are stepped over before the first frames are found.
const MOST_STEPS: usize = 400;
/// Read calls for the first frames.
const MOST_READS: usize = 3;
/// Read at once.
const AHEAD: u64 = 64 * 1024;
/// Bytes of a frame that tell what is in it.
const FIRST_BYTES: usize = 8192;

/// The beginning of a track's first frame.
#[derive(Debug, Clone, Default)]
pub(super) struct FirstFrame {
    pub track: u64,
    pub bytes: Vec<u8>,
    /// Bytes of the whole block.
    pub length: u64,
    /// Whether the file holds all of it.
    pub is_whole: bool,
}

/// What the first clusters say.
#[derive(Debug, Default)]
pub(super) struct Begin {
    pub frames: Vec<FirstFrame>,
    /// The earliest time of a block, in the segment's units.
    pub time: Option<u64>,
}

/// Looks for the first frames of the tracks in `wanted`, from the first cluster on.
///
/// # Errors
/// When the drive fails.
pub(super) fn begin(original: &mut Original, cluster: u64, wanted: &[u64]) -> io::Result<Begin> {
    let mut walk = Walk {
        original,
        reads: 0,
        cluster_time: 0,
        begin: Begin::default(),
    };
    let mut at = cluster;
    for _ in 0..MOST_STEPS {
        let is_all = wanted.iter().all(|&track| walk.is_found(track));
        if is_all && walk.begin.time.is_some() {
            break;
        }
        let Some(next) = walk.step(at, wanted)? else {
            break;
        };
        at = next;
    }
    Ok(walk.begin)
}

/// A walk along the elements of clusters.
struct Walk<'a> {
    original: &'a mut Original,
    /// Read calls so far.
    reads: usize,
    cluster_time: u64,
    begin: Begin,
}

impl Walk<'_> {
    fn is_found(&self, track: u64) -> bool {
        self.begin.frames.iter().any(|frame| frame.track == track)
    }

    /// Looks at the element at a place; gives the next one's place, if there is any.
    fn step(&mut self, at: u64, wanted: &[u64]) -> io::Result<Option<u64>> {
        let Some(bytes) = self.window(at)? else {
            return Ok(None);
        };
        let Some(head) = ebml::head(bytes) else {
            return Ok(None);
        };
        let body = bytes.get(head.length..).unwrap_or_default();
        match (head.id, head.size) {
            // What they hold is looked at in turn.
            (id::CLUSTER | id::BLOCK_GROUP, _) => return Ok(Some(at + head.length as u64)),
            (id::TIMESTAMP, Some(size @ 0..=8)) => {
                let number = body.iter().take(usize::try_from(size).unwrap_or(0));
                self.cluster_time = number.fold(0, |sum, &byte| sum << 8 | u64::from(byte));
            }
            (id::SIMPLE_BLOCK | id::BLOCK, Some(size)) => {
                let Some(block) = BlockHead::new(body) else {
                    return Ok(None);
                };
                if self.block(at, head, size, block, wanted)?.is_none() {
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

    /// Takes note of a block; `None` when enough was read.
    fn block(
        &mut self,
        at: u64,
        head: Head,
        size: u64,
        block: BlockHead,
        wanted: &[u64],
    ) -> io::Result<Option<()>> {
        let time = self.cluster_time.saturating_add_signed(block.time.into());
        self.begin.time = Some(self.begin.time.map_or(time, |first| first.min(time)));
        if !wanted.contains(&block.track) || self.is_found(block.track) {
            return Ok(Some(()));
        }
        let frame = at + (head.length + block.length) as u64;
        let length = size.saturating_sub(block.length as u64);
        let Some(bytes) = self.frame_head(frame, length, block)? else {
            return Ok(None);
        };
        let end = frame.checked_add(length);
        self.begin.frames.push(FirstFrame {
            track: block.track,
            bytes,
            length,
            is_whole: end.is_some_and(|end| end <= self.original.size()),
        });
        Ok(Some(()))
    }

    /// The bytes at a place, kept or read; `None` at the end, or when enough was read.
    fn window(&mut self, at: u64) -> io::Result<Option<&[u8]>> {
        let rest = self.original.size().saturating_sub(at);
        let needed = usize::try_from(rest.min((LONGEST_HEAD + LONGEST_BLOCK_HEAD) as u64));
        let needed = needed.unwrap_or(0);
        if needed == 0 {
            return Ok(None);
        }
        if self.original.kept(at, needed).is_none() {
            if self.reads == MOST_READS {
                return Ok(None);
            }
            self.reads += 1;
            let ahead = usize::try_from(rest.min(AHEAD)).unwrap_or(needed);
            let bytes = self.original.read(at, ahead)?;
            self.original.keep(at, bytes);
        }
        Ok(self.original.kept(at, needed))
    }

    /// The first bytes of the first frame of a block.
    fn frame_head(
        &mut self,
        at: u64,
        length: u64,
        block: BlockHead,
    ) -> io::Result<Option<Vec<u8>>> {
        let there = self.original.size().saturating_sub(at).min(length);
        let wanted = usize::try_from(there).map_or(FIRST_BYTES, |length| length.min(FIRST_BYTES));
        if self.original.kept(at, wanted).is_none() {
            if self.reads == MOST_READS {
                return Ok(None);
            }
            self.reads += 1;
        }
        let bytes = self.original.read(at, wanted)?;
        Ok(match block.flags >> 1 & 3 {
            0 => Some(bytes),
            lacing => after_lacing(lacing, &bytes).map(<[u8]>::to_vec),
        })
    }
}

/// What follows the table of a laced block's sizes: the first frame begins there.
fn after_lacing(lacing: u8, bytes: &[u8]) -> Option<&[u8]> {
    let (&more, mut rest) = bytes.split_first()?;
    match lacing {
        // Xiph's: each size is as many bytes of 255 as it takes, and a smaller one.
        1 => {
            for _ in 0..more {
                let full = rest.iter().take_while(|&&byte| byte == 255).count();
                rest = rest.get(full + 1..)?;
            }
        }
        3 => {
            for _ in 0..more {
                let (_, length) = ebml::number(rest)?;
                rest = rest.get(length..)?;
            }
        }
        // All alike.
        _ => {}
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frame_of_a_laced_block_follows_the_sizes() {
        assert_eq!(after_lacing(1, b"\x01\xff\x02abc"), Some(&b"abc"[..]));
        assert_eq!(after_lacing(2, b"\x01abcd"), Some(&b"abcd"[..]));
        assert_eq!(after_lacing(3, b"\x02\x81\xbfabc"), Some(&b"abc"[..]));
        assert_eq!(after_lacing(3, b"\xff\x81"), None);
        assert_eq!(after_lacing(1, b"\x09\xff"), None);
    }
}
