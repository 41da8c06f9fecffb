//! File access for header readers that return `None` for anything they do not understand.
//!
//! Separate from the readers' windows, because a drive error must not be mistaken for an unknown
//! format. The first error is stored here and returned at the end.

use std::io;

use crate::source_file::Original;

/// Access to one original that remembers the first read error.
pub(super) struct Reads<'a> {
    original: &'a Original,
    failure: Option<io::Error>,
}

impl<'a> Reads<'a> {
    /// Wraps an original without reading.
    pub(super) fn new(original: &'a Original) -> Self {
        Self {
            original,
            failure: None,
        }
    }

    /// Size of the file in bytes.
    pub(super) fn size(&self) -> u64 {
        self.original.size()
    }

    /// Returns a range that the original already holds completely in memory.
    pub(super) fn kept(&self, start: u64, length: usize) -> Option<&[u8]> {
        self.original.kept(start, length)
    }

    /// Reads exactly `length` bytes from `start`; `None` if the file is too short or the drive fails.
    pub(super) fn read(&mut self, start: u64, length: usize) -> Option<Vec<u8>> {
        let end = start.checked_add(length as u64)?;
        if end > self.size() {
            return None;
        }
        match self.original.read(start, length) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.failure.get_or_insert(error);
                None
            }
        }
    }

    /// Returns the result of a reader, unless a read failed.
    ///
    /// # Errors
    /// The first read error, including a file that became shorter: then the result is incomplete.
    pub(super) fn finish<T>(self, result: Option<T>) -> io::Result<Option<T>> {
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(result),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_the_first_read_error_at_the_end_but_not_for_the_end_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mxf");
        std::fs::write(&path, b"0123456789").unwrap();
        let original = Original::open(&path).unwrap();
        let mut reads = Reads::new(&original);
        assert_eq!(reads.read(8, 2).unwrap(), b"89");
        assert_eq!(reads.read(8, 3), None);
        assert_eq!(reads.read(u64::MAX, 3), None);
        assert_eq!(reads.finish(Some(1)).unwrap(), Some(1));
        let mut reads = Reads::new(&original);
        std::fs::write(&path, b"0123").unwrap();
        assert_eq!(reads.read(2, 6), None);
        assert_eq!(reads.read(0, 4).unwrap(), b"0123");
        assert!(reads.finish(Some(1)).is_err());
    }
}
