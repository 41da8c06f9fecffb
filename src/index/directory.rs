//! Directory implementation through which tantivy accesses the index's folder.
//!
//! tantivy's own implementation checks the footers of segment files, but not the two files that
//! list them. It also needs a writable lock file to read. This implementation seals those two files
//! with a hash and can open a read-only folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tantivy::Directory;
use tantivy::directory::error::{
    DeleteError, LockError, OpenDirectoryError, OpenReadError, OpenWriteError,
};
use tantivy::directory::{
    DirectoryLock, FileHandle, Lock, MmapDirectory, WatchCallback, WatchHandle, WritePtr,
};
use xxhash_rust::xxh3::xxh3_128;

/// Prefix of the last line of a sealed file; the hash of everything before that line follows.
const SEAL: &[u8] = b"#xxh3:";
/// Length of the last line in bytes.
const SEAL_LENGTH: usize = SEAL.len() + 32 + 1;
/// Maximum wait for tantivy's writer lock.
const LOCK_RETRY_TIME: Duration = Duration::from_secs(2);
/// Pause between two attempts.
const LOCK_RETRY_INTERVAL: Duration = Duration::from_millis(1);
/// Name prefix of temporary files.
pub(super) const UNFINISHED: &str = ".tmp";

/// Index folder, as tantivy accesses it.
#[derive(Debug, Clone)]
pub(super) struct IndexFolder {
    path: PathBuf,
    files: MmapDirectory,
}

impl IndexFolder {
    /// Opens an existing folder.
    ///
    /// # Errors
    /// Returns an error if it does not exist or is not a folder.
    pub(super) fn open(path: &Path) -> Result<Self, OpenDirectoryError> {
        Ok(Self {
            path: path.to_owned(),
            files: MmapDirectory::open(path)?,
        })
    }
}

impl Directory for IndexFolder {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.files.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.files.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.files.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        self.files.open_write(path)
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        read_sealed(&self.path.join(path)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => OpenReadError::FileDoesNotExist(path.to_owned()),
            _ => OpenReadError::wrap_io_error(error, path.to_owned()),
        })
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        write_sealed(&self.path.join(path), data, Durability::Synced)
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        let path = self.path.join(&lock.filepath);
        let opened = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let file = match opened {
            // Readers request this lock too. If no process can write the folder, no lock is needed.
            // If only this process cannot, most systems can lock a file that is open for reading.
            Err(error) if lock.is_blocking && is_unwritable(&error) => {
                let file = File::open(&path).ok().filter(|file| file.lock().is_ok());
                return Ok(DirectoryLock::from(Box::new(file)));
            }
            opened => opened.map_err(LockError::wrap_io_error)?,
        };
        if lock.is_blocking {
            file.lock().map_err(LockError::wrap_io_error)?;
        } else {
            lock_with_retries(&file)?;
        }
        Ok(DirectoryLock::from(Box::new(file)))
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.files.watch(callback)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.files.sync_directory()
    }
}

/// Locks a file, and retries for a while if it is locked. Writers hold `index.lock`, so no other
/// process is writing. But a child process that another thread starts shares all locks of this
/// process until it executes its program. A lock that is released in the meantime stays locked
/// until then.
fn lock_with_retries(file: &File) -> Result<(), LockError> {
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(fs::TryLockError::Error(error)) => return Err(LockError::wrap_io_error(error)),
            Err(fs::TryLockError::WouldBlock) if started.elapsed() >= LOCK_RETRY_TIME => {
                return Err(LockError::LockBusy);
            }
            Err(fs::TryLockError::WouldBlock) => thread::sleep(LOCK_RETRY_INTERVAL),
        }
    }
}

/// Returns true if the error means that the location is not writable.
pub(super) fn is_unwritable(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// Durability of a written file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// Synced to the disk, so that it survives a power failure.
    Synced,
    /// May be lost in a power failure, because it can be created again.
    BestEffort,
}

/// Replaces a file atomically with `data` and a seal.
pub(super) fn write_sealed(path: &Path, data: &[u8], durability: Durability) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    // Same permissions as other files: a user who can read the catalogue can read its index.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(data)?;
    file.write_all(SEAL)?;
    writeln!(file, "{:032x}", xxh3_128(data))?;
    if durability == Durability::Synced {
        file.as_file().sync_data()?;
    }
    file.into_temp_path().persist(path)?;
    Ok(())
}

/// Reads a sealed file, without its seal; returns an error if the seal does not match.
pub(super) fn read_sealed(path: &Path) -> io::Result<Vec<u8>> {
    let mut data = fs::read(path)?;
    let length = data.len().saturating_sub(SEAL_LENGTH);
    let seal = data.split_off(length);
    let is_intact = seal
        .strip_prefix(SEAL)
        .is_some_and(|hash| hash == format!("{:032x}\n", xxh3_128(&data)).as_bytes());
    if is_intact {
        Ok(data)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "checksum mismatch",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_released_lock_is_free_while_other_threads_start_processes() {
        use std::sync::atomic::{AtomicBool, Ordering};
        let folder = tempfile::tempdir().unwrap();
        let folder = IndexFolder::open(folder.path()).unwrap();
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !is_done.load(Ordering::SeqCst) {
                        std::process::Command::new("true").status().unwrap();
                    }
                });
            }
            let lock = || folder.acquire_lock(&tantivy::directory::INDEX_WRITER_LOCK);
            let busy = (0..5000).filter(|_| lock().is_err()).count();
            is_done.store(true, Ordering::SeqCst);
            assert_eq!(busy, 0);
        });
    }

    #[test]
    fn a_held_lock_is_reported_as_busy() {
        let folder = tempfile::tempdir().unwrap();
        let folder = IndexFolder::open(folder.path()).unwrap();
        let lock = || folder.acquire_lock(&tantivy::directory::INDEX_WRITER_LOCK);
        let held = lock().unwrap();
        assert!(matches!(lock(), Err(LockError::LockBusy)));
        drop(held);
        assert!(lock().is_ok());
    }

    #[test]
    fn changed_bits_and_truncation_break_the_seal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("meta.json");
        for data in [&b"{\"segments\": []}\n"[..], b"", b"no line end"] {
            write_sealed(&path, data, Durability::BestEffort).unwrap();
            assert_eq!(read_sealed(&path).unwrap(), data);
            let whole = fs::read(&path).unwrap();
            for bit in 0..whole.len() * 8 {
                let mut bytes = whole.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                fs::write(&path, &bytes).unwrap();
                assert!(read_sealed(&path).is_err(), "bit {bit}");
            }
            for length in 0..whole.len() {
                fs::write(&path, &whole[..length]).unwrap();
                assert!(read_sealed(&path).is_err(), "cut to {length}");
            }
        }
    }
}
