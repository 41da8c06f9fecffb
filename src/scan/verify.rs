//! Copies compared in full: every file of a clip that has several is read once and hashed, one
//! after another, and the hash recorded as soon as it is known.

use std::path::PathBuf;

use crate::catalogue::{Catalogue, Hashed, WholeHash, unix_seconds};
use crate::checksum::{HashKind, Hasher};
use crate::error::{Error, Problem};
use crate::footage::{frame_paths, hash_all};
use crate::media::Cancel;
use crate::offload::{How, Medium};
use crate::source_file::Stamp;
use crate::value::Fingerprint;

/// Something happened.
#[derive(Debug)]
pub enum Verifying {
    /// So much is to be read.
    Begins {
        /// Files.
        files: usize,
        /// Bytes of all of them.
        bytes: u64,
    },
    /// A file is being read.
    File(PathBuf),
    /// So many more bytes were read.
    Read(u64),
    /// A file could not be read.
    Problem(Problem),
}

/// What it came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verified {
    /// Files that were hashed now.
    pub hashed: usize,
    /// Files on volumes that are not mounted.
    pub offline: usize,
}

/// Hashes the files of clips that have several, where they are mounted and were not hashed as
/// they are now; tells `report` what happens.
///
/// # Errors
/// When the catalogue cannot be read or written. What one file does wrong is told.
pub fn verify(
    clips: &[i64],
    catalogue: &Catalogue,
    cancel: &Cancel,
    report: &mut dyn FnMut(Verifying),
) -> Result<Verified, Error> {
    let mut verified = Verified::default();
    let mut waiting: Vec<Hashed> = Vec::new();
    for &clip in clips {
        let copied = catalogue.copied(clip)?;
        if copied.files.len() < 2 {
            continue;
        }
        for file in copied.files.into_iter().filter(|file| !file.is_hashed) {
            if file.is_mounted {
                waiting.push(file);
            } else {
                verified.offline += 1;
            }
        }
    }
    // One volume after another, each in the order of its folders.
    waiting.sort_by(|one, other| (one.volume, &one.path).cmp(&(other.volume, &other.path)));
    report(Verifying::Begins {
        files: waiting.len(),
        bytes: waiting.iter().map(|file| file.bytes).sum(),
    });
    for file in &waiting {
        if cancel.is_cancelled() {
            break;
        }
        report(Verifying::File(file.path.clone()));
        verified.hashed += usize::from(hash(file, catalogue, cancel, report)?);
    }
    Ok(verified)
}

fn hash(
    file: &Hashed,
    catalogue: &Catalogue,
    cancel: &Cancel,
    report: &mut dyn FnMut(Verifying),
) -> Result<bool, Error> {
    let paths = match file.frames {
        Some(_) => frame_paths(&file.path),
        None => vec![file.path.clone()],
    };
    let mut read = 0;
    let digest = whole(&paths, &mut |bytes| {
        read += bytes;
        report(Verifying::Read(bytes));
        !cancel.is_cancelled()
    });
    let reason = match digest {
        Ok(None) => return Ok(false),
        Ok(Some((digest, how))) if read == file.bytes && is_as_known(file) => {
            let now = std::fs::symlink_metadata(&file.path).ok();
            let hash = WholeHash {
                digest,
                at: unix_seconds(),
                how,
                changed: now.and_then(|now| Stamp::of(&now).changed),
            };
            catalogue.record_hash(file, &hash)?;
            return Ok(true);
        }
        Ok(Some(_)) => "it is not as it was when it was scanned: scan it again".to_owned(),
        Err(error) => error.to_string(),
    };
    report(Verifying::Problem(Problem::new(&file.path, reason)));
    Ok(false)
}

/// The hash of files, and how one alone was read: past the system's cache, since a copy that was just made is in it.
fn whole(
    paths: &[PathBuf],
    go_on: &mut dyn FnMut(u64) -> bool,
) -> std::io::Result<Option<(Fingerprint, Option<How>)>> {
    let [path] = paths else {
        return Ok(hash_all(paths, go_on)?.map(|digest| (digest, None)));
    };
    let mut hasher = Hasher::new(HashKind::Xxh128);
    let how = Medium::default().read(path, &mut |piece| {
        hasher.update(piece);
        go_on(piece.len() as u64)
    })?;
    let digest = hasher.finish().fingerprint();
    Ok(digest.zip(how.map(Some)))
}

/// Whether a file is of the time that the catalogue has; of a sequence, its size must do.
fn is_as_known(file: &Hashed) -> bool {
    file.frames.is_some()
        || std::fs::metadata(&file.path)
            .is_ok_and(|now| crate::footage::modified(&now) == file.modified)
}
