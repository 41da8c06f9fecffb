//! Error of reading a header or decoding a frame.

use crate::error::Error;

/// Error of reading a header or decoding a frame.
#[derive(Debug)]
pub enum ProbeError {
    /// The file cannot be read. The reason is stored, and the file is not read again until the file
    /// or the tool changes.
    BadFile(String),
    /// The tool took too long or was killed. The next scan tries again.
    Temporary(String),
    /// The user interrupted the run.
    Cancelled,
    /// The tool cannot be run.
    Fatal(Error),
}
