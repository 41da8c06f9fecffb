//! Atomic writes of files next to footage. A file is complete or absent, and never replaces a file
//! of another program.

mod claim;
mod leftovers;
mod lock_text;
mod share_refresh;
mod unfinished_name;
mod writer_id;

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use tempfile::TempPath;

use unfinished_name::{PREFIX, RANDOM_LETTERS, SUFFIX};

pub use leftovers::{is_unfinished, sweep, sweepable_bytes};
pub use lock_text::{read_lock_text, remove_if_text};
pub use share_refresh::{is_local, refresh, refresh_open};
pub use unfinished_name::{LOCK, unfinished_name};
pub use writer_id::{WriterId, WriterState};

/// File that is written under a temporary name in its final folder. It is removed on drop; if the
/// process is killed, [`sweep`] removes it later.
#[derive(Debug)]
pub struct Unfinished {
    file: File,
    path: TempPath,
}

impl Unfinished {
    /// Creates an empty file in a folder, readable by others if the system's umask allows it.
    ///
    /// # Errors
    /// Returns an error if the file cannot be created.
    pub fn in_folder(folder: &Path) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        let prefix = format!("{PREFIX}{}-", WriterId::this());
        builder
            .prefix(&prefix)
            .suffix(SUFFIX)
            .rand_bytes(RANDOM_LETTERS);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // Users may have different ids on other machines.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        loop {
            let (file, path) = builder.tempfile_in(folder)?.into_parts();
            // A sweep may have removed the file before it was locked.
            if is_held(&file) {
                return Ok(Self { file, path });
            }
        }
    }

    /// Returns the open file, for writing.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Returns the temporary path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its final name, which must not exist; does not sync the folder.
    ///
    /// # Errors
    /// Returns `AlreadyExists` if the name exists, or the system error. In both cases the file is
    /// removed.
    pub fn publish(self, path: &Path) -> io::Result<()> {
        match self.path.persist_noclobber(path) {
            Ok(()) => Ok(()),
            Err(failed) if failed.error.kind() == ErrorKind::AlreadyExists => Err(failed.error),
            // FAT over FUSE supports neither hard links nor a rename without replacement.
            Err(failed)
                if fs::symlink_metadata(path)
                    .is_err_and(|error| error.kind() == ErrorKind::NotFound) =>
            {
                let _claim = claim::Claim::acquire(path)?;
                Ok(failed.path.persist(path).map_err(|failed| failed.error)?)
            }
            Err(failed) => Err(failed.error),
        }
    }

    /// Gives the file its final name and replaces an existing file.
    fn publish_over(self, path: &Path) -> io::Result<()> {
        self.path.persist(path).map_err(|failed| failed.error)
    }
}

/// Locks an unfinished file for the lifetime of its writer. Returns false if the file was removed
/// before. On Windows, files are not locked, since no other handle could read them.
#[cfg(unix)]
fn is_held(file: &File) -> bool {
    match file.try_lock() {
        Err(fs::TryLockError::WouldBlock) => false,
        Err(fs::TryLockError::Error(_)) => true,
        Ok(()) => file
            .metadata()
            .is_ok_and(|metadata| std::os::unix::fs::MetadataExt::nlink(&metadata) > 0),
    }
}

#[cfg(not(unix))]
fn is_held(_file: &File) -> bool {
    true
}

/// Writes a new file.
///
/// # Errors
/// Returns `AlreadyExists` if the name exists, or the system error.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    create_with(path, |file| file.write_all(bytes))
}

/// Writes a new file with `write`, without holding it in memory.
///
/// # Errors
/// Returns `AlreadyExists` if the name exists, or a system error, or the error of `write`.
pub fn create_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    create_if(path, write, &|| true)
}

/// Writes a new file like [`create_with`], if `is_allowed` returns true just before the file gets
/// its name.
///
/// # Errors
/// Returns the errors of [`create_with`], and `AlreadyExists` if not allowed.
pub fn create_if(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
    is_allowed: &dyn Fn() -> bool,
) -> io::Result<()> {
    let folder = folder_of(path)?;
    let file = write_unfinished(folder, write)?;
    if !is_allowed() {
        return Err(ErrorKind::AlreadyExists.into());
    }
    file.publish(path)?;
    let _ = sync_folder(folder);
    Ok(())
}

/// Replaces a file that is unchanged since `before`.
///
/// # Errors
/// Returns `AlreadyExists` if the file changed, or the system error.
pub fn replace(path: &Path, before: &Metadata, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, before, |file| file.write_all(bytes))
}

/// Replaces a file that is unchanged since `before`, without holding the new one in memory.
///
/// # Errors
/// Returns `AlreadyExists` if the file changed, or a system error, or the error of `write`.
pub fn replace_with(
    path: &Path,
    before: &Metadata,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    replace_if(path, before, write, &|| true)
}

/// Replaces a file like [`replace_with`], if `is_allowed` returns true just before the replacement.
/// A writer that was suspended may have lost its lock.
///
/// # Errors
/// Returns the errors of [`replace_with`], and `AlreadyExists` if not allowed.
pub fn replace_if(
    path: &Path,
    before: &Metadata,
    write: impl FnOnce(&mut File) -> io::Result<()>,
    is_allowed: &dyn Fn() -> bool,
) -> io::Result<()> {
    let folder = folder_of(path)?;
    let file = write_unfinished(folder, write)?;
    // Keeps the permissions of the replaced file.
    let _ = file.file().set_permissions(before.permissions());
    let is_allowed = is_allowed();
    refresh(path);
    let now = fs::symlink_metadata(path)?;
    let is_same =
        now.is_file() && now.len() == before.len() && now.modified().ok() == before.modified().ok();
    if !is_same || !is_allowed {
        return Err(io::Error::new(
            ErrorKind::AlreadyExists,
            "another program changed it in the meantime",
        ));
    }
    file.publish_over(path)?;
    let _ = sync_folder(folder);
    Ok(())
}

fn folder_of(path: &Path) -> io::Result<&Path> {
    path.parent()
        .filter(|_| path.file_name().is_some())
        .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "not the path of a file"))
}

/// Writes a hidden temporary file in the folder and syncs it.
fn write_unfinished(
    folder: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<Unfinished> {
    let mut unfinished = Unfinished::in_folder(folder)?;
    write(&mut unfinished.file)?;
    unfinished.file().sync_all()?;
    Ok(unfinished)
}

/// Syncs the entries of a folder to the disk.
///
/// # Errors
/// Returns the system error. Not every system can sync a folder.
#[cfg(unix)]
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Does nothing: this system syncs folder entries itself.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
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
    fn an_existing_file_is_kept_and_no_temporary_file_remains() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("C0001.xmp");
        create(&path, b"one").unwrap();
        let error = create(&path, b"two").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(names(folder.path()), ["C0001.xmp"]);
    }

    #[test]
    fn a_file_that_changed_in_the_meantime_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("C0001.xmp");
        create(&path, b"one").unwrap();
        let before = fs::symlink_metadata(&path).unwrap();
        replace(&path, &before, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        fs::write(&path, b"of others").unwrap();
        assert!(replace(&path, &before, b"three").is_err());
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
        assert!(create(&path, b"one").is_err());
        let before = fs::metadata(&path).unwrap();
        assert!(replace(&path, &before, b"one").is_err());
        assert_eq!(fs::read(&target).unwrap(), b"precious");
    }

    #[cfg(unix)]
    #[test]
    fn removes_files_of_dead_writers_and_keeps_those_of_living_ones() {
        let folder = tempfile::tempdir().unwrap();
        let living = Unfinished::in_folder(folder.path()).unwrap();
        let dead = folder.path().join(".btsindex-abcdefghijkl.part");
        let others = [
            ".btsindex-volume",
            ".btsindex-mynotes.part",
            ".btsindex-abcdefghijk.part",
            ".btsindex-abcdefghijk..part",
            ".btsindex-abcdefghijklm.part",
        ];
        for name in others {
            fs::write(folder.path().join(name), b"theirs").unwrap();
        }
        fs::write(&dead, b"half").unwrap();
        assert!(is_unfinished(living.path().file_name().unwrap()));
        assert_eq!(sweep(folder.path()).unwrap(), 1);
        assert!(living.path().exists() && !dead.exists());
        assert!(others.iter().all(|name| folder.path().join(name).exists()));
        living.publish(&folder.path().join("whole")).unwrap();
        assert_eq!(sweep(folder.path()).unwrap(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_new_unfinished_file_is_never_swept() {
        let folder = tempfile::tempdir().unwrap();
        let is_finished = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_finished.load(std::sync::atomic::Ordering::SeqCst) {
                    sweep(folder.path()).unwrap();
                }
            });
            let removed = (0..2000).filter(|_| {
                let unfinished = Unfinished::in_folder(folder.path()).unwrap();
                std::thread::yield_now();
                !unfinished.path().exists()
            });
            let removed = removed.count();
            is_finished.store(true, std::sync::atomic::Ordering::SeqCst);
            assert_eq!(removed, 0);
        });
    }

    #[test]
    fn writes_a_file_with_the_longest_possible_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x".repeat(255));
        create(&path, b"one").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }
}
