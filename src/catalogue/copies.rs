//! Where each clip is, and how sure it is that its files hold the same: a fingerprint samples,
//! only hashes of whole files prove.

use std::path::Path;

use rusqlite::{Row, params};

use super::Catalogue;
use super::files::{FileLocation, frames_of, loaded, state_of, stored};
use crate::clip::{FileCopy, FileState, FrameRun};
use crate::error::Error;
use crate::offload::How;
use crate::value::Fingerprint;
use crate::volume::Backing;

/// What a full hash is called.
const XXH128: &str = "xxh128";

/// One present file of a clip.
#[derive(Debug, Clone)]
pub struct Hashed {
    /// The file's number.
    pub file: i64,
    /// Its folder's number.
    pub folder: i64,
    /// Its volume's number.
    pub volume: i64,
    /// What people call that volume.
    pub label: String,
    /// Whether that is mounted now.
    pub is_mounted: bool,
    /// Where it is, or was when its volume was last mounted.
    pub path: std::path::PathBuf,
    /// Bytes.
    pub bytes: u64,
    /// Modification time when it was last seen.
    pub modified: i64,
    /// The frames of an image sequence.
    pub frames: Option<FrameRun>,
    /// The hash of all of it as it is now, where one was computed.
    pub digest: Option<Fingerprint>,
    /// Whether that was computed for its own sake: of a small file, the fingerprint is the hash, too.
    pub is_hashed: bool,
    /// Whether its volume keeps files of its own: it is not in memory, and shows no files of other volumes.
    pub is_kept: bool,
}

/// The hash of a whole file, and how it came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WholeHash {
    /// Its xxh128.
    pub digest: Fingerprint,
    /// When it was read, seconds since 1970 UTC.
    pub at: i64,
    /// How; `None` where nobody cared.
    pub how: Option<How>,
    /// When anything of it was last changed (ctime), nanoseconds since 1970 UTC, where that is told.
    pub changed: Option<i64>,
}

/// A clip and its present files.
#[derive(Debug, Clone)]
pub struct Copied {
    /// The clip's number.
    pub clip: i64,
    /// Its files, missing and unreadable ones left out.
    pub files: Vec<Hashed>,
}

impl Copied {
    /// Volumes that hold it, by fingerprint; files that full hashes tell apart are not one
    /// clip's, and the most that may be are counted.
    #[must_use]
    pub fn volumes(&self) -> usize {
        let unproved = |file: &&Hashed| file.digest.is_none();
        let most = |digest: Fingerprint| {
            let alike = |file: &&Hashed| file.digest.is_none_or(|its| its == digest);
            volumes(self.files.iter().filter(alike))
        };
        let digests = self.files.iter().filter_map(|file| file.digest).map(most);
        digests
            .max()
            .unwrap_or_else(|| volumes(self.files.iter().filter(unproved)))
    }

    /// Volumes that hold it beyond doubt: the most that have one full hash in common; 1 where
    /// there is but one file.
    #[must_use]
    pub fn proved_volumes(&self) -> usize {
        let most = |digest: Fingerprint| {
            volumes(self.files.iter().filter(|file| file.digest == Some(digest)))
        };
        let proved = self.files.iter().filter_map(|file| file.digest).map(most);
        proved.max().unwrap_or(usize::from(!self.files.is_empty()))
    }

    /// Whether full hashes show that its files are not the same, though their samples are.
    #[must_use]
    pub fn do_differ(&self) -> bool {
        let mut digests = self.files.iter().filter_map(|file| file.digest);
        digests
            .next()
            .is_some_and(|first| digests.any(|other| other != first))
    }

    /// Bytes of all files but one. Of files that full hashes tell apart, one of each stays, and
    /// whatever was not hashed.
    #[must_use]
    pub fn spare_bytes(&self) -> u64 {
        let do_differ = self.do_differ();
        // A file that is shown on a second filesystem takes no room there.
        let kept: Vec<&Hashed> = self.files.iter().filter(|file| file.is_kept).collect();
        let spare = kept.iter().enumerate().filter(|(at, file)| {
            if do_differ {
                let mut before = kept[..*at].iter();
                file.digest.is_some() && before.any(|other| other.digest == file.digest)
            } else {
                *at > 0
            }
        });
        spare.map(|(_, file)| file.bytes).sum()
    }

    /// Whether every file has a full hash.
    #[must_use]
    pub fn are_all_hashed(&self) -> bool {
        self.files.iter().all(|file| file.digest.is_some())
    }
}

/// Files with their hashes, in an order that mounting does not change.
fn files_of(condition: &str) -> String {
    format!(
        // Of a small file the fingerprint is the hash of all of it: docs/identity.md.
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

fn file_copy(hashed: &Hashed, inside: &Path, state: FileState) -> FileCopy {
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

/// How many volumes hold some files; those that only show files of others, and memory, count where nothing else does.
fn volumes<'a>(files: impl Iterator<Item = &'a Hashed>) -> usize {
    let (mut volumes, mut is_any) = (Vec::new(), false);
    for file in files {
        is_any = true;
        if file.is_kept {
            volumes.push(file.volume);
        }
    }
    volumes.sort_unstable();
    volumes.dedup();
    volumes.len().max(usize::from(is_any))
}

/// A clip's present files, and what names it.
#[derive(Debug, Clone)]
pub struct ClipCopies {
    /// Its present files.
    pub copied: Copied,
    /// Its content, where that is known.
    pub id: Option<Fingerprint>,
    /// The file it is called after, missing and unreadable ones included; none without any file.
    pub best: Option<FileCopy>,
}

impl Catalogue {
    /// Clips with their present files, as they are at one moment; without the facts of their
    /// documents, which take several times as long to read.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn clip_copies(&self, clips: &[i64]) -> Result<Vec<ClipCopies>, Error> {
        self.read_snapshot(|| clips.iter().map(|&clip| self.copies_of(clip)).collect())
    }

    fn copies_of(&self, clip: i64) -> Result<ClipCopies, Error> {
        let mut found = ClipCopies {
            copied: Copied {
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
                let (hashed, place) = self.hashed_row(row)?;
                let (state, was): (i64, bool) = (row.get("state")?, row.get("was")?);
                let state = state_of(state);
                // As `Catalogue::clip` has them in order.
                let is_missing = state == FileState::Missing;
                let key = (
                    is_missing,
                    !hashed.is_mounted,
                    state,
                    place.identity,
                    place.inside,
                );
                if best_key.as_ref().is_none_or(|best| key < *best) {
                    found.best = Some(file_copy(&hashed, &key.4, state));
                    best_key = Some(key);
                }
                if state == FileState::Present && !was {
                    found.copied.files.push(hashed);
                }
            }
            Ok(())
        })?;
        found.copied.files.sort_by_key(|file| !file.is_mounted);
        Ok(found)
    }

    /// A clip with its present files.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn copied(&self, clip: i64) -> Result<Copied, Error> {
        Ok(Copied {
            clip,
            files: self.hashed(clip)?,
        })
    }

    /// The clips that have several present files, by their numbers.
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

    /// A clip's present files, those on mounted volumes first.
    pub(super) fn hashed(&self, clip: i64) -> Result<Vec<Hashed>, Error> {
        let mut files: Vec<Hashed> = self.check(|connection| {
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

    fn hashed_row(&self, row: &Row<'_>) -> rusqlite::Result<(Hashed, FileLocation)> {
        let mut place = self.location(row)?;
        let digest: Option<[u8; 16]> = row.get("digest")?;
        let hashed = Hashed {
            file: row.get("id")?,
            folder: row.get("dir")?,
            volume: row.get("volume")?,
            label: row.get("label")?,
            is_mounted: place.is_mounted,
            path: std::mem::take(&mut place.path),
            bytes: loaded(row.get("bytes")?),
            modified: row.get("modified")?,
            frames: frames_of(row.get("frames")?),
            digest: digest.map(Fingerprint::from_bytes),
            is_hashed: row.get("is_hashed")?,
            is_kept: Backing::parse(&row.get::<_, String>("backing")?)
                .is_none_or(|backing| !backing.is_memory && !backing.is_view),
        };
        Ok((hashed, place))
    }

    /// Records the hash of a whole file, as long as the file is the one that was hashed.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn record_hash(&self, file: &Hashed, hash: &WholeHash) -> Result<(), Error> {
        let mounted_set = self.note_mounted_now()?;
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
                    // A file that is as it was keeps the number of the mount in which it was first hashed.
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
                    hash.how.map(How::name),
                    hash.changed,
                    mounted_set
                ])
        })?;
        Ok(())
    }
}
