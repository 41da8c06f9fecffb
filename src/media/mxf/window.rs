//! The parts of a file that are looked at: a few ranges, each read once.

use std::io;

use super::klv::{Item, LONGEST_HEAD};
use crate::media::reader_io::Reads;
use crate::source_file::Original;

/// Read at once where nothing was read yet.
pub(super) const AHEAD: u64 = 64 * 1024;
/// Read calls that one file may cost.
const MOST_READS: usize = 12;
/// Bytes that are read at once at most: the metadata and index of a long recording.
pub(super) const LONGEST: u64 = 1024 * 1024;

/// Ranges of an original.
pub(super) struct Window<'a> {
    reads: Reads<'a>,
    ranges: Vec<(u64, Vec<u8>)>,
}

impl<'a> Window<'a> {
    /// Nothing is read yet.
    pub(super) fn new(original: &'a Original) -> Self {
        Self {
            reads: Reads::new(original),
            ranges: Vec::new(),
        }
    }

    /// Bytes of the whole file.
    pub(super) fn size(&self) -> u64 {
        self.reads.size()
    }

    /// Reads a range at once, as far as the file and [`LONGEST`] go, unless it is there.
    pub(super) fn fetch(&mut self, start: u64, length: u64) -> Option<()> {
        let left = self.size().checked_sub(start)?;
        let length = usize::try_from(length.min(left).min(LONGEST)).ok()?;
        if self.held(start, length).is_some() {
            return Some(());
        }
        if self.ranges.len() >= MOST_READS {
            return None;
        }
        let bytes = self.reads.read(start, length)?;
        self.ranges.push((start, bytes));
        Some(())
    }

    /// Exactly `length` bytes from `start`; `None` where they are not all there, are too
    /// many, or cannot be read.
    pub(super) fn read(&mut self, start: u64, length: u64) -> Option<&[u8]> {
        let left = self.size().checked_sub(start)?;
        if length > left || length > LONGEST {
            return None;
        }
        let wanted = usize::try_from(length).ok()?;
        if self.held(start, wanted).is_none() {
            self.fetch(start, length.max(AHEAD))?;
        }
        self.held(start, wanted)
    }

    /// The item that begins at `at`.
    pub(super) fn item(&mut self, at: u64) -> Option<Item> {
        let left = self.size().checked_sub(at)?;
        let length = left.min(LONGEST_HEAD as u64);
        Item::new(self.read(at, length)?, at)
    }

    /// Whether a range was read already.
    pub(super) fn is_held(&self, start: u64, length: u64) -> bool {
        usize::try_from(length).is_ok_and(|length| self.held(start, length).is_some())
    }

    /// What came of reading the file.
    ///
    /// # Errors
    /// When the drive failed.
    pub(super) fn ended<T>(self, told: Option<T>) -> io::Result<Option<T>> {
        self.reads.ended(told)
    }

    /// A range that was read already.
    fn held(&self, start: u64, length: usize) -> Option<&[u8]> {
        self.reads.kept(start, length).or_else(|| {
            self.ranges.iter().find_map(|(first, bytes)| {
                let at = usize::try_from(start.checked_sub(*first)?).ok()?;
                bytes.get(at..at.checked_add(length)?)
            })
        })
    }
}
