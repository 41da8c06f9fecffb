//! One at a time: lock files that say who holds them, so that whoever waits can say for whom.

mod shared;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::error::Error;

pub use shared::Shared;

/// How often a lock that is held is tried again.
const BETWEEN: Duration = Duration::from_millis(50);
/// A holder's text is no longer than this.
const HOLDER: u64 = 256;

/// A lock that is held until this is dropped, or the process ends.
#[derive(Debug)]
pub struct Held {
    _file: File,
}

/// What trying to take a lock came to.
#[derive(Debug)]
pub enum Attempt {
    /// It is ours.
    Held(Held),
    /// Somebody has it: what they say of themselves, such as `process 123 (scan)`.
    Busy(String),
}

/// Takes a lock, or says who has it.
///
/// # Errors
/// When the file cannot be made or locked.
pub fn attempt(path: &Path, what_we_do: &str) -> Result<Attempt, Error> {
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(path)
        .map_err(Error::path(path))?;
    match file.try_lock() {
        Ok(()) => {
            // The lock holds without it; on a full disk it is the one thing that works.
            let _ = sign(&mut file, what_we_do);
            Ok(Attempt::Held(Held { _file: file }))
        }
        Err(TryLockError::WouldBlock) => Ok(Attempt::Busy(holder(&mut file))),
        Err(TryLockError::Error(error)) => Err(Error::path(path)(error)),
    }
}

/// Takes a lock, waiting while another has it: `told` hears once who that is. `None` when
/// `abort` ended the waiting.
///
/// # Errors
/// When the file cannot be made or locked.
pub fn hold(
    path: &Path,
    what_we_do: &str,
    abort: &dyn Fn() -> bool,
    told: &mut dyn FnMut(&str),
) -> Result<Option<Held>, Error> {
    let mut is_told = false;
    loop {
        match attempt(path, what_we_do)? {
            Attempt::Held(held) => return Ok(Some(held)),
            Attempt::Busy(holder) => {
                if !std::mem::replace(&mut is_told, true) {
                    told(&holder);
                }
            }
        }
        if abort() {
            return Ok(None);
        }
        thread::sleep(BETWEEN);
    }
}

fn sign(file: &mut File, what_we_do: &str) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "process {} ({what_we_do})", std::process::id())
}

/// Who holds it. It is only told, so an answer that cannot be read does no harm; on Windows a
/// locked file never can.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.take(HOLDER).read_to_string(&mut text);
    match text.trim() {
        "" => "another process".to_owned(),
        text => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_waits_and_knows_for_whom() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.lock");
        let first = hold(&path, "scan", &|| true, &mut |_| panic!("nobody has it")).unwrap();
        let mut holders = Vec::new();
        let mut told = |holder: &str| holders.push(holder.to_owned());
        let second = hold(&path, "search", &|| true, &mut told).unwrap();
        assert!(first.is_some() && second.is_none());
        #[cfg(unix)]
        assert_eq!(holders, [format!("process {} (scan)", std::process::id())]);
        drop(first);
        assert!(matches!(attempt(&path, "search"), Ok(Attempt::Held(_))));
    }
}
