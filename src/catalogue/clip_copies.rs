//! Present files of a clip with their full hashes, and how many volumes certainly hold it. A
//! fingerprint only samples a file, so only equal full hashes prove that two files are identical.

use std::path::Path;

use rusqlite::{Row, params};

use super::Catalogue;
use super::files::{FileLocation, frames_of, loaded, state_of, stored};
use crate::clip::{FileCopy, FileState, FrameRun};
use crate::error::Error;
use crate::offload::ReadMethod;
use crate::value::Fingerprint;
use crate::volume::Backing;

/// Kind of hash, as stored.
const XXH128: &str = "xxh128";

/// Present file of a clip and its full hash.
#[derive(Debug, Clone)]
pub struct HashedFile {
    /// Row id of the file.
    pub file: i64,
    /// Row id of its folder.
    pub folder: i64,
    /// Row id of its volume.
    pub volume: i64,
    /// Name given by the user, otherwise the label of the volume.
    pub label: String,
    /// True if the volume is mounted.
    pub is_mounted: bool,
    /// Path at the current mount point, or at the last one.
    pub path: std::path::PathBuf,
    /// Size in bytes.
    pub bytes: u64,
    /// Modification time at the last scan, nanoseconds since 1970 UTC.
    pub modified: i64,
    /// Frames of an image sequence; `None` for a single file.
    pub frames: Option<FrameRun>,
    /// Full hash of its current content; `None` if it is unknown.
    pub digest: Option<Fingerprint>,
    /// True if the full hash was recorded. The fingerprint of a small file is its full hash, so
    /// `digest` may be set although this is false.
    pub is_hashed: bool,
    /// True if the volume has its own storage: it is neither in memory nor a view of other volumes.
    pub has_own_storage: bool,
}

/// Full hash of a file, and how it was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WholeHash {
    /// The xxh128 hash.
    pub digest: Fingerprint,
    /// Time of reading, seconds since 1970 UTC.
    pub at: i64,
    /// Read method; `None` if it was not recorded.
    pub how: Option<ReadMethod>,
    /// Change time (ctime), nanoseconds since 1970 UTC; `None` if the system does not report it.
    pub changed: Option<i64>,
}

/// Clip with its present files.
#[derive(Debug, Clone)]
pub struct ClipFiles {
    /// Row id of the clip.
    pub clip: i64,
    /// Files of the clip, without missing and unreadable ones.
    pub files: Vec<HashedFile>,
}

impl ClipFiles {
    /// Returns the number of volumes that hold the clip according to its fingerprint. If full hashes
    /// differ, counts the largest group of files that may be identical.
    #[must_use]
    pub fn volumes(&self) -> usize {
        let unhashed = |file: &&HashedFile| file.digest.is_none();
        let count = |digest: Fingerprint| {
            let may_be_identical =
                |file: &&HashedFile| file.digest.is_none_or(|other| other == digest);
            volumes(self.files.iter().filter(may_be_identical))
        };
        let digests = self.files.iter().filter_map(|file| file.digest).map(count);
        digests
            .max()
            .unwrap_or_else(|| volumes(self.files.iter().filter(unhashed)))
    }

    /// Returns the number of volumes that certainly hold the clip: the largest group of files with
    /// the same full hash. Without any full hash, that is one volume.
    #[must_use]
    pub fn verified_volumes(&self) -> usize {
        let count = |digest: Fingerprint| {
            volumes(self.files.iter().filter(|file| file.digest == Some(digest)))
        };
        let verified = self.files.iter().filter_map(|file| file.digest).map(count);
        let without_hashes = usize::from(!self.files.is_empty());
        verified.max().unwrap_or(without_hashes)
    }

    /// Returns true if full hashes differ although the fingerprints are equal.
    #[must_use]
    pub fn hashes_differ(&self) -> bool {
        let mut digests = self.files.iter().filter_map(|file| file.digest);
        digests
            .next()
            .is_some_and(|first| digests.any(|other| other != first))
    }

    /// Returns the total size of the files that could be deleted: all except one. If full hashes
    /// differ, one file per hash is kept, and every file without a hash.
    #[must_use]
    pub fn spare_bytes(&self) -> u64 {
        let hashes_differ = self.hashes_differ();
        // A file in a view of another filesystem takes no space.
        let stored: Vec<&HashedFile> = self
            .files
            .iter()
            .filter(|file| file.has_own_storage)
            .collect();
        let spare = stored.iter().enumerate().filter(|(at, file)| {
            if hashes_differ {
                let mut before = stored[..*at].iter();
                file.digest.is_some() && before.any(|other| other.digest == file.digest)
            } else {
                *at > 0
            }
        });
        spare.map(|(_, file)| file.bytes).sum()
    }

    /// Returns true if every file has a full hash.
    #[must_use]
    pub fn are_all_hashed(&self) -> bool {
        self.files.iter().all(|file| file.digest.is_some())
    }
}

/// Returns the SQL query for files with their hashes, in an order that does not depend on mounted
/// volumes.
fn files_of(condition: &str) -> String {
    format!(
        // The fingerprint of a small file is its full hash: docs/identity.md.
        "SELECT f.id, f.name, f.bytes, f.modified, f.frames, f.state, f.was, d.path, d.volume, f.dir, v.identity, v.mount,
                v.backing, c.fingerprint, coalesce(v.name, v.label) AS label,
                h.digest IS NOT NULL AS is_hashed,
                coalesce(h.digest,
                    CASE WHEN f.bytes BETWEEN 1 AND 65535 AND f.frames IS NULL AND NOT f.is_unread THEN c.fingerprint END) AS digest
         FROM file f JOIN dir d ON d.id = f.dir JOIN volume v ON v.id = d.volume
              JOIN clip c ON c.id = f.clip
              LEFT JOIN hash h ON h.file = f.id AND h.kind = ?2
                   AND h.bytes = f.bytes AND h.modified = f.modified
         WHERE {condition}
         ORDER BY label, d.path, f.name"
    )
}

fn file_copy(hashed: &HashedFile, inside: &Path, state: FileState) -> FileCopy {
    FileCopy {
        volume: hashed.label.clone(),
        volume_number: hashed.volume,
        is_mounted: hashed.is_mounted,
        path: hashed.path.clone(),
        inside: inside.to_owned(),
        bytes: hashed.bytes,
        modified: hashed.modified,
        frames: hashed.frames,
        state,
        companions: Vec::new(),
    }
}

/// Counts the volumes of some files. Volumes without their own storage count only if there are no
/// others, and then together as one.
fn volumes<'a>(files: impl Iterator<Item = &'a HashedFile>) -> usize {
    let (mut volumes, mut is_any) = (Vec::new(), false);
    for file in files {
        is_any = true;
        if file.has_own_storage {
            volumes.push(file.volume);
        }
    }
    volumes.sort_unstable();
    volumes.dedup();
    volumes.len().max(usize::from(is_any))
}

/// Present files of a clip, with its id and its best file.
#[derive(Debug, Clone)]
pub struct ClipCopies {
    /// Present files.
    pub present: ClipFiles,
    /// Fingerprint of the content; `None` if it is not read yet.
    pub id: Option<Fingerprint>,
    /// File that gives the clip its name, which may be missing or unreadable; `None` if the clip has
    /// no files.
    pub best: Option<FileCopy>,
}

impl Catalogue {
    /// Returns clips with their present files, from one snapshot. Does not read their facts, which
    /// would take several times as long.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn clip_copies(&self, clips: &[i64]) -> Result<Vec<ClipCopies>, Error> {
        self.read_snapshot(|| clips.iter().map(|&clip| self.copies_of(clip)).collect())
    }

    fn copies_of(&self, clip: i64) -> Result<ClipCopies, Error> {
        let mut found = ClipCopies {
            present: ClipFiles {
                clip,
                files: Vec::new(),
            },
            id: None,
            best: None,
        };
        let mut best_key = None;
        self.check(|connection| {
            let mut statement = connection.prepare_cached(&files_of("f.clip = ?1"))?;
            let mut rows = statement.query(params![clip, XXH128])?;
            while let Some(row) = rows.next()? {
                let id: Option<[u8; 16]> = row.get("fingerprint")?;
                found.id = id.map(Fingerprint::from_bytes);
                let (hashed, location) = self.hashed_row(row)?;
                let (state, was): (i64, bool) = (row.get("state")?, row.get("was")?);
                let state = state_of(state);
                // The same order as in `Catalogue::clip`.
                let is_missing = state == FileState::Missing;
                let key = (
                    is_missing,
                    !hashed.is_mounted,
                    state,
                    location.identity,
                    location.inside,
                );
                if best_key.as_ref().is_none_or(|best| key < *best) {
                    found.best = Some(file_copy(&hashed, &key.4, state));
                    best_key = Some(key);
                }
                if state == FileState::Present && !was {
                    found.present.files.push(hashed);
                }
            }
            Ok(())
        })?;
        found.present.files.sort_by_key(|file| !file.is_mounted);
        Ok(found)
    }

    /// Returns a clip with its present files.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn clip_files(&self, clip: i64) -> Result<ClipFiles, Error> {
        Ok(ClipFiles {
            clip,
            files: self.hashed_files(clip)?,
        })
    }

    /// Returns the row ids of the clips with several present files.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn with_several_files(&self) -> Result<Vec<i64>, Error> {
        self.check(|connection| {
            connection
                .prepare(
                    "SELECT f.clip FROM file f JOIN clip c ON c.id = f.clip
                     WHERE f.clip IS NOT NULL AND f.state = 0 AND c.fingerprint IS NOT NULL
                     GROUP BY f.clip HAVING count(*) > 1",
                )?
                .query_map([], |row| row.get(0))?
                .collect()
        })
    }

    /// Returns the present files of a clip; files on mounted volumes come first.
    pub(super) fn hashed_files(&self, clip: i64) -> Result<Vec<HashedFile>, Error> {
        let mut files: Vec<HashedFile> = self.check(|connection| {
            connection
                .prepare_cached(&files_of("f.clip = ?1 AND f.state = 0 AND NOT f.was"))?
                .query_map(params![clip, XXH128], |row| {
                    self.hashed_row(row).map(|(hashed, _)| hashed)
                })?
                .collect()
        })?;
        files.sort_by_key(|file| !file.is_mounted);
        Ok(files)
    }

    fn hashed_row(&self, row: &Row<'_>) -> rusqlite::Result<(HashedFile, FileLocation)> {
        let mut location = self.location(row)?;
        let digest: Option<[u8; 16]> = row.get("digest")?;
        let hashed = HashedFile {
            file: row.get("id")?,
            folder: row.get("dir")?,
            volume: row.get("volume")?,
            label: row.get("label")?,
            is_mounted: location.is_mounted,
            path: std::mem::take(&mut location.path),
            bytes: loaded(row.get("bytes")?),
            modified: row.get("modified")?,
            frames: frames_of(row.get("frames")?),
            digest: digest.map(Fingerprint::from_bytes),
            is_hashed: row.get("is_hashed")?,
            has_own_storage: Backing::parse(&row.get::<_, String>("backing")?)
                .is_none_or(|backing| !backing.is_memory && !backing.is_view),
        };
        Ok((hashed, location))
    }

    /// Records the full hash of a file, unless the recorded size or time of the file changed since.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn record_hash(&self, file: &HashedFile, hash: &WholeHash) -> Result<(), Error> {
        let mounted_set = self.record_mounted_set()?;
        self.record_digest(file.file, file.bytes, file.modified, hash, mounted_set)
    }

    pub(super) fn record_digest(
        &self,
        file: i64,
        bytes: u64,
        modified: i64,
        hash: &WholeHash,
        mounted_set: Option<i64>,
    ) -> Result<(), Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    // An unchanged file keeps the number of the mount in which it was first hashed.
                    "INSERT OR REPLACE INTO hash
                         (file, kind, digest, bytes, modified, at, how, changed, mounted_set, formats, session)
                     SELECT f.id, ?2, ?3, f.bytes, f.modified, ?6, ?7, ?8, ?9, v.formats,
                            coalesce((SELECT h.session FROM hash h WHERE h.file = f.id AND h.kind = ?2
                                      AND h.bytes = ?4 AND h.modified = ?5 AND h.changed IS ?8), v.session)
                     FROM file f JOIN dir d ON d.id = f.dir JOIN volume v ON v.id = d.volume
                     WHERE f.id = ?1 AND f.bytes = ?4 AND f.modified = ?5",
                )?
                .execute(params![
                    file,
                    XXH128,
                    hash.digest.to_bytes(),
                    stored(bytes),
                    modified,
                    hash.at,
                    hash.how.map(ReadMethod::name),
                    hash.changed,
                    mounted_set
                ])
        })?;
        Ok(())
    }
}
