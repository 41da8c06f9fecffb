//! A name that one process gives a file at a time, on filesystems that rename only in place of what is there.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use xxhash_rust::xxh3::xxh3_64;

use super::writer::{Life, Writer};
use super::{DICE, PREFIX, SUFFIX};

/// For how long another process may give a file its name.
const PATIENCE: Duration = Duration::from_secs(5);
const NAP: Duration = Duration::from_millis(20);

/// A claim to a name, given up when this is dropped.
pub(super) struct Claim {
    path: PathBuf,
    /// Locked, so that it is not swept.
    _file: File,
}

impl Claim {
    /// Claims the name of a file that is not there; waits while another process does so.
    ///
    /// # Errors
    /// `AlreadyExists` when the file is there by then, or the other process takes too long; else what the system says.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default();
        let hash = xxh3_64(name.as_encoded_bytes());
        let claim = path.with_file_name(format!("{PREFIX}{:0DICE$x}{SUFFIX}", hash >> 16));
        let begun = Instant::now();
        loop {
            match File::create_new(&claim) {
                Ok(mut file) => {
                    let _ = file.try_lock();
                    write!(file, "{}", Writer::this())?;
                    let claim = Self {
                        path: claim,
                        _file: file,
                    };
                    return match fs::symlink_metadata(path) {
                        Ok(_) => Err(ErrorKind::AlreadyExists.into()),
                        Err(error) if error.kind() == ErrorKind::NotFound => Ok(claim),
                        Err(error) => Err(error),
                    };
                }
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                Err(error) => {
                    let writer = fs::read_to_string(&claim).unwrap_or_default();
                    let writer = writer.parse::<Writer>().map(Writer::life);
                    if writer == Ok(Life::Dead) {
                        fs::remove_file(&claim)?;
                    } else if begun.elapsed() > PATIENCE {
                        return Err(error);
                    } else {
                        thread::sleep(NAP);
                    }
                }
            }
        }
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

    #[test]
    fn a_name_is_claimed_once_and_the_dead_claim_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("C0001.MP4");
        let claim = Claim::of(&path).unwrap();
        let held = claim.path.clone();
        assert!(super::super::is_unfinished(held.file_name().unwrap()));
        drop(claim);
        let this = Writer::this().to_string();
        let (place, _) = this.rsplit_once('-').unwrap();
        fs::write(&held, format!("{place}-1")).unwrap();
        drop(Claim::of(&path).unwrap());
        fs::write(&path, b"theirs").unwrap();
        let refused = Claim::of(&path).err().map(|error| error.kind());
        assert_eq!(refused, Some(ErrorKind::AlreadyExists));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
