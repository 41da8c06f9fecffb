//! Buffered reader that holds one range of a file, so that many small chunks need few read calls.

use std::io;

use crate::media::optional_read::Reads;
use crate::source_file::Original;

/// Bytes read at once: the number that content sampling also caches at a file's start and end.
const RANGE: u64 = 64 * 1024;
/// Maximum size of a buffered read in bytes.
const MAX_LENGTH: u64 = 1024 * 1024;

/// Buffered range of a source file, which moves to the requested position.
pub(in crate::media) struct FileWindow<'a> {
    reads: Reads<'a>,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> FileWindow<'a> {
    pub(in crate::media) fn new(original: &'a Original) -> Self {
        Self {
            reads: Reads::new(original),
            start: 0,
            bytes: Vec::new(),
        }
    }

    /// Returns the size of the file in bytes.
    pub(in crate::media) fn size(&self) -> u64 {
        self.reads.size()
    }

    /// Returns exactly `length` bytes from `start`; `None` if the range exceeds the file or the
    /// maximum size, or cannot be read.
    pub(in crate::media) fn read(&mut self, start: u64, length: u64) -> Option<&[u8]> {
        let requested = usize::try_from(length).ok()?;
        self.read_at_least(start, length)?.get(..requested)
    }

    /// Returns `N` bytes from `start`.
    pub(in crate::media) fn array<const N: usize>(&mut self, start: u64) -> Option<[u8; N]> {
        self.read(start, N as u64)?.try_into().ok()
    }

    /// Returns at least `length` bytes from `start`, up to the end of the buffered range.
    pub(in crate::media) fn read_at_least(&mut self, start: u64, length: u64) -> Option<&[u8]> {
        let left = self.size().checked_sub(start)?;
        if length > MAX_LENGTH || length > left {
            return None;
        }
        let buffered = self.start..self.start + self.bytes.len() as u64;
        if start < buffered.start || start + length > buffered.end {
            let first = start.min(self.size().saturating_sub(RANGE));
            let read_length = (start - first + length).max(RANGE).min(self.size() - first);
            self.bytes = self.reads.read(first, usize::try_from(read_length).ok()?)?;
            self.start = first;
        }
        self.bytes.get(usize::try_from(start - self.start).ok()?..)
    }

    /// Reads a range of any length without moving the buffered range; `None` if it exceeds the file
    /// or cannot be read.
    pub(in crate::media) fn read_separately(&mut self, start: u64, length: u64) -> Option<Vec<u8>> {
        self.reads.read(start, usize::try_from(length).ok()?)
    }

    /// Returns `value`, or the first read error.
    ///
    /// # Errors
    /// Fails if any read failed.
    pub(in crate::media) fn finish<T>(self, value: Option<T>) -> io::Result<Option<T>> {
        self.reads.finish(value)
    }
}

/// Reads a little-endian number, as used throughout RIFF files.
pub(in crate::media) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Reads a little-endian number.
pub(in crate::media) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Reads a little-endian number.
pub(in crate::media) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
