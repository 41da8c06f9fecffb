//! File access for header readers that return `None` for any unsupported content.
//!
//! A read error must not be mistaken for an unsupported format. The first error is therefore stored
//! here and returned at the end.

use std::io;

use crate::source_file::Original;

/// Access to a source file that stores the first read error.
pub(super) struct Reads<'a> {
    original: &'a Original,
    failure: Option<io::Error>,
}

impl<'a> Reads<'a> {
    /// Wraps a source file without reading it.
    pub(super) fn new(original: &'a Original) -> Self {
        Self {
            original,
            failure: None,
        }
    }

    /// Returns the size of the file in bytes.
    pub(super) fn size(&self) -> u64 {
        self.original.size()
    }

    /// Returns a range if all of it is stored in memory.
    pub(super) fn stored(&self, start: u64, length: usize) -> Option<&[u8]> {
        self.original.stored(start, length)
    }

    /// Reads exactly `length` bytes at `start`; `None` if the file is too short or cannot be read.
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

    /// Returns the result of a header reader, unless a read failed.
    ///
    /// # Errors
    /// Returns the first read error, since the result is then incomplete. A file that became
    /// shorter is such an error.
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
