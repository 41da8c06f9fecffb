//! Destination of the text of a report.

use std::io::{self, Write};
use std::path::Path;

use crate::error::Error;

/// Writer for the text of a report. Counts the bytes written.
pub struct Sink<'a> {
    out: &'a mut dyn Write,
    /// Path for error messages.
    path: &'a Path,
    bytes: u64,
}

impl<'a> Sink<'a> {
    /// Creates a writer to `out`. Errors name `path`.
    pub fn new(out: &'a mut dyn Write, path: &'a Path) -> Self {
        Self {
            out,
            path,
            bytes: 0,
        }
    }

    /// Writes a text.
    ///
    /// # Errors
    /// If the text cannot be written.
    pub fn put(&mut self, text: &str) -> Result<(), Error> {
        self.write_all(text.as_bytes())
            .map_err(Error::path(self.path))
    }

    /// Returns the number of bytes written.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
