//! Small text files that coordinate processes: the text names the process that holds a name or a
//! folder.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::unfinished_name::unfinished_name;

/// Reads a file that coordinates processes: `None` if absent, empty if unreadable.
#[must_use]
pub fn read_lock_text(path: &Path) -> Option<String> {
    match fs::read(path) {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(_) => Some(String::new()),
    }
}

/// Removes a file if its text is still `text`. If several processes call this, only one removes the
/// file. The others may find the next holder's file under this name, and restore it.
///
/// # Errors
/// Returns an error if the file cannot be renamed or removed.
pub fn remove_if_text(path: &Path, text: &str) -> io::Result<()> {
    let aside = path.with_file_name(unfinished_name());
    match fs::rename(path, &aside) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        renamed => renamed?,
    }
    let is_expected = read_lock_text(&aside).is_some_and(|found| found == text);
    if !is_expected && fs::hard_link(&aside, path).is_err() && fs::symlink_metadata(path).is_err() {
        return fs::rename(&aside, path);
    }
    fs::remove_file(&aside)
}
