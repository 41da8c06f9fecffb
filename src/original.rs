//! Originals are opened to be read, and only when they are regular files: opening a pipe
//! waits for ever, and a device may do anything.

use std::fs::File;
use std::io;
use std::path::Path;

/// Opens a file of a drive for reading.
///
/// # Errors
/// When it is no regular file, or cannot be opened.
pub fn open(path: &Path) -> io::Result<File> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    File::open(path)
}
