//! Exclusive lock files that name their holder, so that a waiting process can report who holds the
//! lock.

mod shared;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::error::Error;

pub(crate) use shared::Shared;

/// Pause between two attempts to take a held lock.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);
/// Maximum length of a holder's text, in bytes.
const MAX_HOLDER_BYTES: u64 = 256;

/// Lock that is held until dropped, or until the process ends.
#[derive(Debug)]
pub struct Held {
    _file: File,
}

/// Result of trying to take a lock.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// The lock was taken.
    Held(Held),
    /// Another process holds the lock. Contains its description, such as `process 123 (scan)`.
    Busy(String),
}

/// Tries to take a lock; returns its holder if it is busy.
///
/// # Errors
/// Returns an error if the file cannot be created or locked.
pub(crate) fn attempt(path: &Path, purpose: &str) -> Result<Attempt, Error> {
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(path)
        .map_err(Error::path(path))?;
    match file.try_lock() {
        Ok(()) => {
            // On a full disk the text cannot be written. The lock works without it.
            let _ = write_holder(&mut file, purpose);
            Ok(Attempt::Held(Held { _file: file }))
        }
        Err(TryLockError::WouldBlock) => Ok(Attempt::Busy(read_holder(&mut file))),
        Err(TryLockError::Error(error)) => Err(Error::path(path)(error)),
    }
}

/// Takes a lock, and waits while another process holds it. `None` if `is_cancelled` ended the wait.
/// `on_wait` receives the holder's description once.
///
/// # Errors
/// Returns an error if the file cannot be created or locked.
pub(crate) fn hold(
    path: &Path,
    purpose: &str,
    is_cancelled: &dyn Fn() -> bool,
    on_wait: &mut dyn FnMut(&str),
) -> Result<Option<Held>, Error> {
    let mut is_reported = false;
    loop {
        match attempt(path, purpose)? {
            Attempt::Held(held) => return Ok(Some(held)),
            Attempt::Busy(holder) => {
                if !std::mem::replace(&mut is_reported, true) {
                    on_wait(&holder);
                }
            }
        }
        if is_cancelled() {
            return Ok(None);
        }
        thread::sleep(RETRY_INTERVAL);
    }
}

fn write_holder(file: &mut File, purpose: &str) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "process {} ({purpose})", std::process::id())
}

/// Returns the holder's description. It is only displayed, so an unreadable one does no harm. On
/// Windows a locked file is never readable.
fn read_holder(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.take(MAX_HOLDER_BYTES).read_to_string(&mut text);
    match text.trim() {
        "" => "another process".to_owned(),
        text => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_process_learns_the_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.lock");
        let first = hold(&path, "scan", &|| true, &mut |_| panic!("the lock is free")).unwrap();
        let mut holders = Vec::new();
        let mut on_wait = |holder: &str| holders.push(holder.to_owned());
        let second = hold(&path, "search", &|| true, &mut on_wait).unwrap();
        assert!(first.is_some() && second.is_none());
        #[cfg(unix)]
        assert_eq!(holders, [format!("process {} (scan)", std::process::id())]);
        drop(first);
        assert!(matches!(attempt(&path, "search"), Ok(Attempt::Held(_))));
    }
}
