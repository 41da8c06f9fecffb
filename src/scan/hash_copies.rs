//! Hashes every copy of each clip that has several, to find out whether the copies are identical.
//! Files are read once, one after another. Each hash is recorded immediately, so an interrupted run
//! can be resumed. A scan itself reads only samples of large files.

use std::path::PathBuf;

use crate::cancel::Cancel;
use crate::catalogue::{Catalogue, HashedFile, WholeHash, unix_seconds};
use crate::checksum::{HashKind, Hasher};
use crate::error::{Error, Problem};
use crate::footage::{frame_paths, hash_all};
use crate::offload::{MediumReader, ReadMethod};
use crate::source_file::Stamp;
use crate::value::Fingerprint;

/// Progress of hashing.
#[derive(Debug)]
pub enum HashEvent {
    /// Totals, before the first file.
    Started {
        /// Number of files to read.
        files: usize,
        /// Total size of the files in bytes.
        bytes: u64,
    },
    /// Starts reading a file.
    File(PathBuf),
    /// Bytes read since the last event.
    Read(u64),
    /// A file could not be read.
    Problem(Problem),
}

/// Counts of hashed and skipped files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HashedCopies {
    /// Files hashed in this run.
    pub hashed: usize,
    /// Files skipped because their volume is not mounted.
    pub offline: usize,
}

/// Hashes the files of all clips that have more than one file. Skips files on unmounted volumes and
/// files whose stored hash is current.
///
/// # Errors
/// If the catalogue cannot be read or written. A file that cannot be read is a
/// [`HashEvent::Problem`].
pub fn hash_copies(
    clips: &[i64],
    catalogue: &Catalogue,
    cancel: &Cancel,
    on_event: &mut dyn FnMut(HashEvent),
) -> Result<HashedCopies, Error> {
    let mut counts = HashedCopies::default();
    let mut pending: Vec<HashedFile> = Vec::new();
    for &clip in clips {
        let copied = catalogue.clip_files(clip)?;
        if copied.files.len() < 2 {
            continue;
        }
        for file in copied.files.into_iter().filter(|file| !file.is_hashed) {
            if file.is_mounted {
                pending.push(file);
            } else {
                counts.offline += 1;
            }
        }
    }
    // Hashes one volume after another, each in path order.
    pending.sort_by(|a, b| (a.volume, &a.path).cmp(&(b.volume, &b.path)));
    on_event(HashEvent::Started {
        files: pending.len(),
        bytes: pending.iter().map(|file| file.bytes).sum(),
    });
    let mut run = HashRun {
        catalogue,
        cancel,
        on_event,
    };
    for file in &pending {
        if cancel.is_cancelled() {
            break;
        }
        (run.on_event)(HashEvent::File(file.path.clone()));
        counts.hashed += usize::from(run.hash_file(file)?);
    }
    Ok(counts)
}

/// Running hashing of files.
struct HashRun<'a> {
    catalogue: &'a Catalogue,
    cancel: &'a Cancel,
    on_event: &'a mut dyn FnMut(HashEvent),
}

impl HashRun<'_> {
    /// Hashes one file and records the hash. Returns false if the run was cancelled or the file could
    /// not be hashed, which is reported as a problem.
    fn hash_file(&mut self, file: &HashedFile) -> Result<bool, Error> {
        let paths = match file.frames {
            Some(_) => frame_paths(&file.path),
            None => vec![file.path.clone()],
        };
        let mut read = 0;
        let digest = hash_whole(&paths, &mut |bytes| {
            read += bytes;
            (self.on_event)(HashEvent::Read(bytes));
            !self.cancel.is_cancelled()
        });
        let reason = match digest {
            Ok(None) => return Ok(false),
            Ok(Some((digest, how))) if read == file.bytes && is_unchanged(file) => {
                let now = std::fs::symlink_metadata(&file.path).ok();
                let hash = WholeHash {
                    digest,
                    at: unix_seconds(),
                    how,
                    changed: now.and_then(|now| Stamp::from_metadata(&now).changed),
                };
                self.catalogue.record_hash(file, &hash)?;
                return Ok(true);
            }
            Ok(Some(_)) => "changed since the last scan; scan it again".to_owned(),
            Err(error) => error.to_string(),
        };
        (self.on_event)(HashEvent::Problem(Problem::new(&file.path, reason)));
        Ok(false)
    }
}

/// Hashes a file, or all frames of an image sequence; `None` if cancelled. A single file is read
/// with direct I/O if possible, since the page cache may still hold a copy that was just written.
/// Also returns how the file was read.
fn hash_whole(
    paths: &[PathBuf],
    on_read: &mut dyn FnMut(u64) -> bool,
) -> std::io::Result<Option<(Fingerprint, Option<ReadMethod>)>> {
    let [path] = paths else {
        return Ok(hash_all(paths, on_read)?.map(|digest| (digest, None)));
    };
    let mut hasher = Hasher::new(HashKind::Xxh128);
    let how = MediumReader::default().read(path, &mut |piece| {
        hasher.update(piece);
        on_read(piece.len() as u64)
    })?;
    let digest = hasher.finish().fingerprint();
    Ok(digest.zip(how.map(Some)))
}

/// Returns true if a file has the modification time that the catalogue stores. Image sequences have
/// several times, so only their size is compared, by the caller.
fn is_unchanged(file: &HashedFile) -> bool {
    file.frames.is_some()
        || std::fs::metadata(&file.path)
            .is_ok_and(|now| crate::footage::modified(&now) == file.modified)
}
