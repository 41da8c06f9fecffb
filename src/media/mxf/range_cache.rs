//! Cache of file ranges, with a limit on the number and size of reads.

use std::io;

use super::klv::{KlvItem, MAX_HEAD};
use crate::media::optional_read::Reads;
use crate::source_file::Original;

/// Minimum number of bytes per read.
pub(super) const READ_AHEAD: u64 = 64 * 1024;
/// Maximum number of reads per file.
const MAX_READS: usize = 12;
/// Maximum size of a read in bytes, enough for the metadata and index of a long recording.
pub(super) const MAX_READ: u64 = 1024 * 1024;

/// Cached ranges of the source file.
pub(super) struct MxfWindow<'a> {
    reads: Reads<'a>,
    ranges: Vec<(u64, Vec<u8>)>,
}

impl<'a> MxfWindow<'a> {
    /// Creates an empty window.
    pub(super) fn new(original: &'a Original) -> Self {
        Self {
            reads: Reads::new(original),
            ranges: Vec::new(),
        }
    }

    /// Returns the size of the file in bytes.
    pub(super) fn size(&self) -> u64 {
        self.reads.size()
    }

    /// Reads a range, limited to the end of the file and [`MAX_READ`], unless it is already cached.
    pub(super) fn fetch(&mut self, start: u64, length: u64) -> Option<()> {
        let left = self.size().checked_sub(start)?;
        let length = usize::try_from(length.min(left).min(MAX_READ)).ok()?;
        if self.cached(start, length).is_some() {
            return Some(());
        }
        if self.ranges.len() >= MAX_READS {
            return None;
        }
        let bytes = self.reads.read(start, length)?;
        self.ranges.push((start, bytes));
        Some(())
    }

    /// Returns exactly `length` bytes from `start`; `None` if the file is too short, the range is too
    /// large, or it cannot be read.
    pub(super) fn read(&mut self, start: u64, length: u64) -> Option<&[u8]> {
        let left = self.size().checked_sub(start)?;
        if length > left || length > MAX_READ {
            return None;
        }
        let bytes = usize::try_from(length).ok()?;
        if self.cached(start, bytes).is_none() {
            self.fetch(start, length.max(READ_AHEAD))?;
        }
        self.cached(start, bytes)
    }

    /// Parses the item at file offset `at`.
    pub(super) fn item(&mut self, at: u64) -> Option<KlvItem> {
        let left = self.size().checked_sub(at)?;
        let length = left.min(MAX_HEAD as u64);
        KlvItem::parse(self.read(at, length)?, at)
    }

    /// Returns true if a range is cached.
    pub(super) fn is_cached(&self, start: u64, length: u64) -> bool {
        usize::try_from(length).is_ok_and(|length| self.cached(start, length).is_some())
    }

    /// Returns `result`, or the first read error.
    ///
    /// # Errors
    /// Fails if any read failed.
    pub(super) fn finish<T>(self, result: Option<T>) -> io::Result<Option<T>> {
        self.reads.finish(result)
    }

    /// Returns a range if it is cached.
    fn cached(&self, start: u64, length: usize) -> Option<&[u8]> {
        self.reads.stored(start, length).or_else(|| {
            self.ranges.iter().find_map(|(first, bytes)| {
                let at = usize::try_from(start.checked_sub(*first)?).ok()?;
                bytes.get(at..at.checked_add(length)?)
            })
        })
    }
}
