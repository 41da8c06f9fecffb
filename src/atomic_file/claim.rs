//! Exclusive claim to a file name, for filesystems on which a rename always replaces an existing
//! file.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use xxhash_rust::xxh3::xxh3_64;

use super::lock_text::{read_lock_text, remove_if_text};
use super::unfinished_name::{PREFIX, RANDOM_LETTERS, SUFFIX};
use super::writer_id::{WriterId, WriterState};

/// Maximum time to wait for another process to release a claim.
const CLAIM_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause between two attempts to claim a name.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// Claim to a name, released on drop.
pub(super) struct Claim {
    path: PathBuf,
    /// Locked so that no sweep removes the claim.
    _file: File,
}

impl Claim {
    /// Claims a name that no file has. Waits while another process holds a claim to it.
    ///
    /// # Errors
    /// Returns `AlreadyExists` if the file exists after the wait or if the other process takes too
    /// long. Returns other system errors as they are.
    pub(super) fn acquire(path: &Path) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default();
        let hash = xxh3_64(name.as_encoded_bytes());
        let claim =
            path.with_file_name(format!("{PREFIX}{:0RANDOM_LETTERS$x}{SUFFIX}", hash >> 16));
        let started = Instant::now();
        loop {
            match File::create_new(&claim) {
                Ok(mut file) => {
                    let _ = file.try_lock();
                    let written = write!(file, "{}", WriterId::this());
                    // If an error is returned below, dropping this value releases the claim.
                    let claim = Self {
                        path: claim,
                        _file: file,
                    };
                    written?;
                    return match fs::symlink_metadata(path) {
                        Ok(_) => Err(ErrorKind::AlreadyExists.into()),
                        Err(error) if error.kind() == ErrorKind::NotFound => Ok(claim),
                        Err(error) => Err(error),
                    };
                }
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                Err(error) => {
                    let text = read_lock_text(&claim).unwrap_or_default();
                    let writer = text.parse::<WriterId>().map(WriterId::state);
                    if matches!(writer, Ok(WriterState::Dead | WriterState::BeforeBoot)) {
                        take_over(&claim, &text)?;
                    } else if started.elapsed() > CLAIM_TIMEOUT {
                        return Err(error);
                    } else {
                        thread::sleep(RETRY_INTERVAL);
                    }
                }
            }
        }
    }
}

/// Removes the claim of a dead process of this machine. If several processes try, the one that
/// locks the file removes it. Other machines do not try, since they cannot see that the writer is
/// dead.
fn take_over(claim: &Path, text: &str) -> io::Result<()> {
    let ok_if_missing = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    };
    let file = match File::options().read(true).write(true).open(claim) {
        Ok(file) => file,
        Err(error) => return ok_if_missing(error),
    };
    match file.try_lock() {
        // If another process has removed the file, the name may now belong to a new claim.
        Ok(()) if read_lock_text(claim).as_deref() == Some(text) => {
            fs::remove_file(claim).or_else(ok_if_missing)
        }
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            thread::sleep(RETRY_INTERVAL);
            Ok(())
        }
        Err(TryLockError::Error(_)) => remove_if_text(claim, text),
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn processes_that_find_a_dead_claim_get_the_name_in_turn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("C0001.MP4");
        let claim = Claim::acquire(&path).unwrap();
        let held = claim.path.clone();
        drop(claim);
        let this = WriterId::this().to_string();
        let (without_start, _) = this.rsplit_once('-').unwrap();
        let inside = AtomicUsize::new(0);
        for _ in 0..20 {
            fs::write(&held, format!("{without_start}-1")).unwrap();
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        let claim = Claim::acquire(&path).unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(claim);
                    });
                }
            });
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn refuses_an_existing_name_and_ignores_claims_of_dead_processes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("C0001.MP4");
        let claim = Claim::acquire(&path).unwrap();
        let held = claim.path.clone();
        assert!(super::super::is_unfinished(held.file_name().unwrap()));
        drop(claim);
        let this = WriterId::this().to_string();
        let (without_start, _) = this.rsplit_once('-').unwrap();
        fs::write(&held, format!("{without_start}-1")).unwrap();
        drop(Claim::acquire(&path).unwrap());
        let boot = this.split('-').nth(1).unwrap();
        fs::write(&held, this.replacen(boot, "00000001", 1)).unwrap();
        drop(Claim::acquire(&path).unwrap());
        fs::write(&path, b"theirs").unwrap();
        let refused = Claim::acquire(&path).err().map(|error| error.kind());
        assert_eq!(refused, Some(ErrorKind::AlreadyExists));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
