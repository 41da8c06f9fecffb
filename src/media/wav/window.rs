//! The part of a file that is looked at: one range at a time, so that many chunks cost few
//! read calls.

use std::io;

use crate::media::reader_io::Reads;
use crate::source_file::Original;

/// Bytes read at once: what sampling a file's content keeps of its start and of its end.
const RANGE: u64 = 64 * 1024;
/// No chunk longer than this is read.
const LARGEST: u64 = 1024 * 1024;

/// A range of an original that moves to where it is wanted.
pub(in crate::media) struct Window<'a> {
    reads: Reads<'a>,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    /// Nothing is read yet.
    pub(in crate::media) fn new(original: &'a Original) -> Self {
        Self {
            reads: Reads::new(original),
            start: 0,
            bytes: Vec::new(),
        }
    }

    /// Bytes of the whole file.
    pub(in crate::media) fn size(&self) -> u64 {
        self.reads.size()
    }

    /// Exactly `length` bytes from `start`; `None` where they are not all there, are too
    /// many, or cannot be read.
    pub(in crate::media) fn read(&mut self, start: u64, length: u64) -> Option<&[u8]> {
        let wanted = usize::try_from(length).ok()?;
        self.from(start, length)?.get(..wanted)
    }

    /// A few bytes from `start`.
    pub(in crate::media) fn array<const N: usize>(&mut self, start: u64) -> Option<[u8; N]> {
        self.read(start, N as u64)?.try_into().ok()
    }

    /// At least `length` bytes from `start`, and what the window holds after them.
    pub(in crate::media) fn from(&mut self, start: u64, length: u64) -> Option<&[u8]> {
        let left = self.size().checked_sub(start)?;
        if length > LARGEST || length > left {
            return None;
        }
        let held = self.start..self.start + self.bytes.len() as u64;
        if start < held.start || start + length > held.end {
            let first = start.min(self.size().saturating_sub(RANGE));
            let wanted = (start - first + length).max(RANGE).min(self.size() - first);
            self.bytes = self.reads.read(first, usize::try_from(wanted).ok()?)?;
            self.start = first;
        }
        self.bytes.get(usize::try_from(start - self.start).ok()?..)
    }

    /// A range of any length, read beside the window; `None` where it is not all there, or
    /// cannot be read.
    pub(in crate::media) fn beside(&mut self, start: u64, length: u64) -> Option<Vec<u8>> {
        self.reads.read(start, usize::try_from(length).ok()?)
    }

    /// What came of reading the file.
    ///
    /// # Errors
    /// When the drive failed.
    pub(in crate::media) fn ended<T>(self, told: Option<T>) -> io::Result<Option<T>> {
        self.reads.finish(told)
    }
}

/// Little-endian, as everything in a WAVE file.
pub(in crate::media) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Little-endian.
pub(in crate::media) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Little-endian.
pub(in crate::media) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
