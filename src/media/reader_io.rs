//! Reads for readers that know no answer but "not understood".
//!
//! Apart from their windows, because what a failing drive says must not be lost among the many
//! ways not to understand a file: it is kept here, and told in the end.

use std::io;

use crate::source_file::Original;

/// Reads of one original, and the first of them that failed.
pub(super) struct Reads<'a> {
    original: &'a Original,
    failure: Option<io::Error>,
}

impl<'a> Reads<'a> {
    /// Nothing is read yet.
    pub(super) fn new(original: &'a Original) -> Self {
        Self {
            original,
            failure: None,
        }
    }

    /// Bytes of the whole file.
    pub(super) fn size(&self) -> u64 {
        self.original.size()
    }

    /// A range that the original keeps whole.
    pub(super) fn kept(&self, start: u64, length: usize) -> Option<&[u8]> {
        self.original.kept(start, length)
    }

    /// Exactly `length` bytes from `start`; `None` where the file ends before, or the drive fails.
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

    /// What came of reading the file.
    ///
    /// # Errors
    /// When the drive failed, or the file has become shorter: what was told is not all.
    pub(super) fn ended<T>(self, told: Option<T>) -> io::Result<Option<T>> {
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(told),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_drive_says_is_told_in_the_end_and_the_end_of_a_file_is_no_failure() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mxf");
        std::fs::write(&path, b"0123456789").unwrap();
        let original = Original::open(&path).unwrap();
        let mut reads = Reads::new(&original);
        assert_eq!(reads.read(8, 2).unwrap(), b"89");
        assert_eq!(reads.read(8, 3), None);
        assert_eq!(reads.read(u64::MAX, 3), None);
        assert_eq!(reads.ended(Some(1)).unwrap(), Some(1));
        let mut reads = Reads::new(&original);
        std::fs::write(&path, b"0123").unwrap();
        assert_eq!(reads.read(2, 6), None);
        assert_eq!(reads.read(0, 4).unwrap(), b"0123");
        assert!(reads.ended(Some(1)).is_err());
    }
}
