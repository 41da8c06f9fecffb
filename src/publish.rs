//! Files that are written beside footage: whole or not at all, and never in place of what
//! somebody else put there.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// Writes a file that is not there yet.
///
/// # Errors
/// `AlreadyExists` when something has that name; else what the system says.
pub fn new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    new_with(path, |file| file.write_all(bytes))
}

/// Writes a file that is not there yet, and that need not be in memory as a whole.
///
/// # Errors
/// `AlreadyExists` when something has that name; else what the system or `write` says.
pub fn new_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let (folder, name) = place(path)?;
    match unfinished(folder, name, write)?.persist_noclobber(path) {
        Ok(_) => {}
        Err(fault) if fault.error.kind() == ErrorKind::AlreadyExists => return Err(fault.error),
        Err(fault) if fs::symlink_metadata(path).is_err() => {
            // FAT over FUSE knows neither a rename that replaces nothing nor hard links.
            fault.file.persist(path)?;
        }
        Err(fault) => return Err(fault.error),
    }
    sync_folder(folder);
    Ok(())
}

/// Puts a file in the place of one that is still as it was when it was looked at.
///
/// # Errors
/// `AlreadyExists` when another stands there by now; else what the system says.
pub fn instead(path: &Path, before: &Metadata, bytes: &[u8]) -> io::Result<()> {
    let (folder, name) = place(path)?;
    let file = unfinished(folder, name, |file| file.write_all(bytes))?;
    let now = fs::symlink_metadata(path)?;
    let is_same =
        now.is_file() && now.len() == before.len() && now.modified().ok() == before.modified().ok();
    if !is_same {
        return Err(io::Error::new(
            ErrorKind::AlreadyExists,
            "another program changed it meanwhile",
        ));
    }
    // Whoever could read it still can.
    let _ = file.as_file().set_permissions(before.permissions());
    file.persist(path)?;
    sync_folder(folder);
    Ok(())
}

fn place(path: &Path) -> io::Result<(&Path, &OsStr)> {
    path.parent()
        .zip(path.file_name())
        .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "not the path of a file"))
}

/// A file of another name beside, hidden, with all of its content on the disk.
fn unfinished(
    folder: &Path,
    name: &OsStr,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<NamedTempFile> {
    let mut prefix = std::ffi::OsString::from(".");
    // A name may be as long as the filesystem takes; the prefix must leave room.
    let short: String = name.to_string_lossy().chars().take(32).collect();
    prefix.push(short.trim_start_matches('.'));
    let mut file = tempfile::Builder::new()
        .prefix(&prefix)
        .tempfile_in(folder)?;
    write(file.as_file_mut())?;
    readable_by_all(file.as_file())?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Other people, on other machines, have other numbers.
#[cfg(unix)]
fn readable_by_all(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    // FAT knows no permissions, and may say so.
    match file.set_permissions(fs::Permissions::from_mode(0o644)) {
        Err(fault) if fault.kind() != ErrorKind::PermissionDenied => Err(fault),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn readable_by_all(_file: &File) -> io::Result<()> {
    Ok(())
}

/// The name is on the disk too; not every system lets a folder be synced.
fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn nothing_that_is_there_is_replaced_and_nothing_is_left_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("C0001.xmp");
        new(&path, b"one").unwrap();
        let error = new(&path, b"two").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(names(folder.path()), ["C0001.xmp"]);
    }

    #[test]
    fn only_what_was_looked_at_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("C0001.xmp");
        new(&path, b"one").unwrap();
        let before = fs::symlink_metadata(&path).unwrap();
        instead(&path, &before, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        fs::write(&path, b"of others").unwrap();
        assert!(instead(&path, &before, b"three").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"of others");
        assert_eq!(names(folder.path()), ["C0001.xmp"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_never_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        fs::write(&target, b"precious").unwrap();
        let path = folder.path().join("C0001.xmp");
        std::os::unix::fs::symlink(&target, &path).unwrap();
        assert!(new(&path, b"one").is_err());
        let before = fs::metadata(&path).unwrap();
        assert!(instead(&path, &before, b"one").is_err());
        assert_eq!(fs::read(&target).unwrap(), b"precious");
    }

    #[test]
    fn a_name_as_long_as_can_be_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x".repeat(255));
        new(&path, b"one").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }
}
