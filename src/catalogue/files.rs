//! Folders, files, and stub clips for files that are not read yet.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, Row, named_params, params};

use super::{Catalogue, unix_seconds};
use crate::clip::{FileState, FrameRun};
use crate::error::Error;
use crate::footage::{FoundFile, Role};
use crate::tag;
use crate::value::{Fingerprint, from_bytes, to_bytes};

/// Recorded file, which a scan compares with the file on disk.
#[derive(Debug, Clone)]
pub struct KnownFile {
    /// Row id.
    pub id: i64,
    /// Size in bytes at the last scan.
    pub bytes: u64,
    /// Modification time at the last scan, nanoseconds since 1970 UTC.
    pub modified: i64,
    /// Change time (ctime), nanoseconds since 1970 UTC; `None` if unknown.
    pub changed: Option<i64>,
    /// Inode number; `None` if unknown or not stable on the filesystem.
    pub inode: Option<i64>,
    /// Role in its folder; [`Role::Unsure`] for a file that is not media.
    pub role: Role,
    /// State when the file was last scanned.
    pub state: FileState,
    /// True if the file is queued for reading.
    pub is_unread: bool,
    /// Frames of an image sequence; `None` for other files.
    pub frames: Option<FrameRun>,
    /// Row id of the original, for a companion.
    pub original: Option<i64>,
    /// Row id of the clip, for media.
    pub clip: Option<i64>,
}

/// Failure to read a clip, after which a scan tries again although the file is unchanged.
#[derive(Debug, Clone)]
pub struct ReadFailure {
    /// True if the content could be read at least in part.
    pub is_readable: bool,
    /// Tool that failed, with its version.
    pub failed_with: Option<String>,
    /// Reason of the failure.
    pub problem: Option<String>,
}

/// Clip that should have pictures.
#[derive(Debug, Clone, Copy)]
pub struct ClipPictures {
    /// Row id of the clip.
    pub clip: i64,
    /// Fingerprint of the content, which names the picture files.
    pub fingerprint: Fingerprint,
    /// Frames in its filmstrip; `None` before the first attempt.
    pub strip: Option<u32>,
}

/// Location of a file, from its volume, folder and name.
pub(super) struct FileLocation {
    pub path: PathBuf,
    pub inside: PathBuf,
    pub identity: String,
    pub is_mounted: bool,
}

/// File that is queued for reading.
#[derive(Debug, Clone)]
pub struct UnreadFile {
    /// Row id.
    pub id: i64,
    /// Current path.
    pub path: PathBuf,
    /// Path relative to the root of the volume.
    pub inside: PathBuf,
    /// Row id of its folder.
    pub folder: i64,
    /// Size in bytes; total of all frames for an image sequence.
    pub bytes: u64,
    /// Modification time, nanoseconds since 1970 UTC; that of the newest frame for an image
    /// sequence.
    pub modified: i64,
    /// Frames of an image sequence; `None` for other files.
    pub frames: Option<FrameRun>,
    /// Fingerprint from the last reading; `None` if the size or time changed since.
    pub previous: Option<Fingerprint>,
    /// Paths of its sidecars, sorted by name.
    pub sidecars: Vec<PathBuf>,
}

pub(super) fn state_of(number: i64) -> FileState {
    match number {
        0 => FileState::Present,
        1 => FileState::Unreadable,
        _ => FileState::Missing,
    }
}

pub(super) fn state_number(state: FileState) -> i64 {
    match state {
        FileState::Present => 0,
        FileState::Unreadable => 1,
        FileState::Missing => 2,
    }
}

pub(super) const MEDIA: i64 = 0;

fn role_number(role: Role) -> i64 {
    match role {
        Role::Media => MEDIA,
        Role::Proxy => 1,
        Role::Thumbnail => 2,
        Role::Sidecar => 3,
        Role::Unsure => 4,
    }
}

fn role_of(number: i64) -> Role {
    match number {
        MEDIA => Role::Media,
        1 => Role::Proxy,
        2 => Role::Thumbnail,
        3 => Role::Sidecar,
        _ => Role::Unsure,
    }
}

pub(super) fn frames_of(json: Option<String>) -> Option<FrameRun> {
    serde_json::from_str(&json?).ok()
}

fn frames_json(frames: Option<FrameRun>) -> Option<String> {
    serde_json::to_string(&frames?).ok()
}

pub(super) fn stored(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

pub(super) fn loaded(bytes: i64) -> u64 {
    u64::try_from(bytes).unwrap_or(0)
}

/// Converts a row to a file with its name.
fn known_file(row: &Row<'_>) -> rusqlite::Result<(Vec<u8>, KnownFile)> {
    // Reads columns by index, because lookups by name would dominate the cost per file.
    let file = KnownFile {
        id: row.get(0)?,
        bytes: loaded(row.get(2)?),
        modified: row.get(3)?,
        changed: row.get(4)?,
        inode: row.get(5)?,
        role: role_of(row.get(6)?),
        state: state_of(row.get(7)?),
        is_unread: row.get(8)?,
        frames: frames_of(row.get(9)?),
        clip: row.get(10)?,
        original: row.get(11)?,
    };
    Ok((row.get(1)?, file))
}

impl Catalogue {
    /// Returns the row id of a folder, given its path relative to the root of the volume.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn find_folder(&self, volume: i64, inside: &Path) -> Result<Option<i64>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached("SELECT id FROM dir WHERE volume = ?1 AND path = ?2")?
                .query_row(params![volume, to_bytes(inside.as_os_str())], |row| {
                    row.get(0)
                })
                .optional()
        })
    }

    /// Adds a folder and returns its row id.
    ///
    /// # Errors
    /// If `SQLite` fails, or the folder is already recorded.
    pub fn add_folder(&self, volume: i64, inside: &Path) -> Result<i64, Error> {
        let rules = self.reader_id(tag::rules_label())?;
        self.check(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO dir (volume, path, rules) VALUES (?1, ?2, ?3) RETURNING id",
                )?
                .query_row(
                    params![volume, to_bytes(inside.as_os_str()), rules],
                    |row| row.get(0),
                )
        })
    }

    /// Returns the recorded files of a folder by the bytes of their names.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn known_files(&self, folder: i64) -> Result<HashMap<Vec<u8>, KnownFile>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT id, name, bytes, modified, changed, inode, role, state, is_unread, frames, clip, original
                     FROM file WHERE dir = ?1 AND NOT was",
                )?
                .query_map([folder], known_file)?
                .collect()
        })
    }

    /// Returns the row ids of the clips that could not be read completely.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn clips_with_failures(&self) -> Result<HashSet<i64>, Error> {
        self.check(|connection| {
            connection
                .prepare("SELECT id FROM clip WHERE failed_with IS NOT NULL OR NOT is_readable")?
                .query_map([], |row| row.get(0))?
                .collect()
        })
    }

    /// Returns why a clip could not be read.
    ///
    /// # Errors
    /// If `SQLite` fails, or there is no such clip.
    pub fn read_failure(&self, clip: i64) -> Result<ReadFailure, Error> {
        let (mut failure, facts): (ReadFailure, Option<Vec<u8>>) = self.check(|connection| {
            connection
                .prepare_cached("SELECT is_readable, failed_with, facts FROM clip WHERE id = ?1")?
                .query_row([clip], |row| {
                    let failure = ReadFailure {
                        is_readable: row.get(0)?,
                        failed_with: row.get(1)?,
                        problem: None,
                    };
                    Ok((failure, row.get(2)?))
                })
        })?;
        if failure.failed_with.is_some() {
            let facts = self.unpack(facts.as_ref()).unwrap_or_default();
            failure.problem = facts.problem.map(|problem| problem.value);
        }
        Ok(failure)
    }

    /// Passes every clip to `each` that should have pictures and is not queued.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn clips_with_pictures(&self, mut each: impl FnMut(ClipPictures)) -> Result<(), Error> {
        self.check(|connection| {
            let mut statement = connection.prepare(
                "SELECT id, fingerprint, strip FROM clip
                 WHERE has_poster AND fingerprint IS NOT NULL AND id NOT IN (SELECT clip FROM picture)",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                each(ClipPictures {
                    clip: row.get(0)?,
                    fingerprint: Fingerprint::from_bytes(row.get(1)?),
                    strip: row.get(2)?,
                });
            }
            Ok(())
        })
    }

    /// Returns the recorded folders at or below a path of a volume, with their row ids.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn known_folders(&self, volume: i64, inside: &Path) -> Result<Vec<(i64, PathBuf)>, Error> {
        let mut folders: Vec<(i64, PathBuf)> = self.check(|connection| {
            connection
                .prepare_cached("SELECT id, path FROM dir WHERE volume = ?1")?
                .query_map([volume], |row| {
                    Ok((row.get(0)?, PathBuf::from(from_bytes(row.get(1)?))))
                })?
                .collect()
        })?;
        folders.retain(|(_, path)| path.starts_with(inside));
        Ok(folders)
    }

    /// Returns the row id of a file in a folder.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn file_id(&self, folder: i64, name: &std::ffi::OsStr) -> Result<Option<i64>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached("SELECT id FROM file WHERE dir = ?1 AND name = ?2 AND NOT was")?
                .query_row(params![folder, to_bytes(name)], |row| row.get(0))
                .optional()
        })
    }

    /// Adds a file and returns its row id. Footage gets a stub clip, so that it can be searched by
    /// name immediately.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn add_file(
        &self,
        folder: i64,
        found: &FoundFile,
        role: Role,
        original: Option<i64>,
    ) -> Result<i64, Error> {
        let clip = if role == Role::Media {
            Some(self.add_stub()?)
        } else {
            None
        };
        self.reread_original(role, original)?;
        self.check(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO file (dir, name, bytes, modified, changed, inode, role, is_unread, frames, clip, original, since)
                     VALUES (:dir, :name, :bytes, :modified, :changed, :inode, :role, :is_unread, :frames, :clip,
                             :original, :since)
                     RETURNING id",
                )?
                .query_row(
                    named_params! {
                        ":dir": folder,
                        ":name": to_bytes(&found.name),
                        ":bytes": stored(found.bytes),
                        ":modified": found.modified,
                        ":changed": found.changed,
                        ":inode": found.inode,
                        ":role": role_number(role),
                        ":is_unread": role == Role::Media,
                        ":frames": frames_json(found.frames),
                        ":clip": clip,
                        ":original": original,
                        ":since": unix_seconds(),
                    },
                    |row| row.get(0),
                )
        })
    }

    /// Updates a changed file. Queues footage for reading.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn update_file(
        &self,
        id: i64,
        found: &FoundFile,
        role: Role,
        original: Option<i64>,
    ) -> Result<(), Error> {
        self.reread_original(role, original)?;
        self.forget_hash(id)?;
        let clip: Option<i64> = self.check(|connection| {
            connection
                .prepare_cached(
                    "UPDATE file SET bytes = :bytes, modified = :modified, changed = :changed, inode = :inode,
                            role = :role, state = 0, is_unread = :is_unread, frames = :frames, original = :original
                     WHERE id = :id RETURNING clip",
                )?
                .query_row(
                    named_params! {
                        ":id": id,
                        ":bytes": stored(found.bytes),
                        ":modified": found.modified,
                        ":changed": found.changed,
                        ":inode": found.inode,
                        ":role": role_number(role),
                        ":is_unread": role == Role::Media,
                        ":frames": frames_json(found.frames),
                        ":original": original,
                    },
                    |row| row.get(0),
                )
        })?;
        match (clip, role) {
            (Some(clip), Role::Media) => self.touch(clip),
            (None, Role::Media) => {
                let stub = self.add_stub()?;
                self.set_clip(id, Some(stub))
            }
            (Some(clip), _) => {
                self.set_clip(id, None)?;
                self.touch(clip)
            }
            (None, _) => Ok(()),
        }
    }

    /// Records the change time and inode of an otherwise unchanged file: none was recorded, or the
    /// filesystem assigns new inodes at each mount.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn record_change_time(&self, id: i64, found: &FoundFile) -> Result<(), Error> {
        self.check(|connection| {
            connection
                .prepare_cached("UPDATE file SET changed = ?2, inode = ?3 WHERE id = ?1")?
                .execute(params![id, found.changed, found.inode])
        })?;
        Ok(())
    }

    /// Queues the original of a new or changed sidecar for reading. Does nothing for other roles.
    fn reread_original(&self, role: Role, original: Option<i64>) -> Result<(), Error> {
        match original {
            Some(original) if role == Role::Sidecar => self.read_again(original).map(drop),
            _ => Ok(()),
        }
    }

    /// Queues an unchanged file for reading. Returns false if it is missing or not media.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn read_again(&self, id: i64) -> Result<bool, Error> {
        let count = self.check(|connection| {
            connection
                .prepare_cached(
                    "UPDATE file SET is_unread = 1 WHERE id = ?1 AND role = 0 AND state <> 2",
                )?
                .execute([id])
        })?;
        Ok(count > 0)
    }

    /// Sets the state of a file. Queues the original of a sidecar for reading and returns the
    /// original's row id.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn set_state(&self, file: i64, state: FileState) -> Result<Option<i64>, Error> {
        let (clip, original, role): (Option<i64>, Option<i64>, i64) = self.check(|connection| {
            connection
                .prepare_cached(
                    "UPDATE file SET state = ?2 WHERE id = ?1 RETURNING clip, original, role",
                )?
                .query_row(params![file, state_number(state)], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
        })?;
        if let Some(clip) = clip {
            self.touch(clip)?;
        }
        match original.filter(|_| role_of(role) == Role::Sidecar) {
            Some(original) => Ok(self.read_again(original)?.then_some(original)),
            None => Ok(None),
        }
    }

    /// Returns a file queued for reading by its row id; `None` if it is not queued.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn unread_file(&self, id: i64) -> Result<Option<UnreadFile>, Error> {
        let unread = self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT f.name, f.bytes, f.modified, f.frames, f.dir, d.path, v.mount, v.identity,
                            CASE WHEN f.read_bytes = f.bytes AND f.read_modified = f.modified
                                 THEN c.fingerprint END AS previous
                     FROM file f JOIN dir d ON d.id = f.dir JOIN volume v ON v.id = d.volume
                          LEFT JOIN clip c ON c.id = f.clip
                     WHERE f.id = ?1 AND f.is_unread",
                )?
                .query_row([id], |row| {
                    let location = self.location(row)?;
                    let previous: Option<[u8; 16]> = row.get("previous")?;
                    Ok(UnreadFile {
                        previous: previous.map(Fingerprint::from_bytes),
                        id,
                        path: location.path,
                        inside: location.inside,
                        folder: row.get("dir")?,
                        bytes: loaded(row.get("bytes")?),
                        modified: row.get("modified")?,
                        frames: frames_of(row.get("frames")?),
                        sidecars: Vec::new(),
                    })
                })
                .optional()
        })?;
        let Some(mut unread) = unread else {
            return Ok(None);
        };
        unread.sidecars = self.companions(id, "AND f.role = 3")?;
        Ok(Some(unread))
    }

    /// Returns the paths of the companions of a file, sorted by name. `condition` is additional SQL
    /// for the file `f`.
    pub(super) fn companions(&self, original: i64, condition: &str) -> Result<Vec<PathBuf>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT v.identity, v.mount, d.path, f.name
                     FROM file f JOIN dir d ON d.id = f.dir JOIN volume v ON v.id = d.volume
                     WHERE f.original = ?1 AND f.state <> 2 {condition} ORDER BY d.path, f.name"
                ))?
                .query_map([original], |row| Ok(self.location(row)?.path))?
                .collect()
        })
    }

    /// Returns the location of a file from a row with `identity`, `mount`, `path` and `name`. The
    /// path is below the current mount point of the volume, otherwise below the last one.
    pub(super) fn location(&self, row: &Row<'_>) -> rusqlite::Result<FileLocation> {
        let inside = PathBuf::from(from_bytes(row.get("path")?)).join(from_bytes(row.get("name")?));
        let identity: String = row.get("identity")?;
        let current_path = self.volumes.path(&identity, &inside);
        let is_mounted = current_path.is_some();
        let last_mount = PathBuf::from(from_bytes(row.get("mount")?));
        Ok(FileLocation {
            path: current_path.unwrap_or_else(|| last_mount.join(&inside)),
            inside,
            identity,
            is_mounted,
        })
    }

    /// Returns true if another file has the same content and is not missing. The other file must be
    /// in one of `folders`, or on a mounted volume and first seen there at `since` or later (seconds
    /// since 1970 UTC).
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn is_elsewhere(
        &self,
        file: i64,
        folders: &HashSet<i64>,
        since: i64,
    ) -> Result<bool, Error> {
        let elsewhere: Vec<(i64, i64, String)> = self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT o.dir, o.since, v.identity FROM file f JOIN file o ON o.clip = f.clip AND o.id <> f.id
                     JOIN dir d ON d.id = o.dir JOIN volume v ON v.id = d.volume
                     WHERE f.id = ?1 AND o.state <> 2 AND NOT o.is_unread",
                )?
                .query_map([file], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect()
        })?;
        let counts = |(folder, seen, identity): &(i64, i64, String)| {
            folders.contains(folder) || (*seen >= since && self.volumes.drive(identity).is_some())
        };
        Ok(elsewhere.iter().any(counts))
    }

    /// Assigns the next `seq` to a clip, so that the index updates it.
    pub(super) fn touch(&self, clip: i64) -> Result<(), Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "UPDATE clip SET seq = (SELECT max(seq) + 1 FROM clip) WHERE id = ?1",
                )?
                .execute([clip])
        })?;
        Ok(())
    }

    /// Adds a clip without content, for a file that is not read yet. Returns its row id.
    pub(super) fn add_stub(&self) -> Result<i64, Error> {
        self.check(|connection| {
            connection
                .prepare_cached("INSERT INTO clip (seq) SELECT coalesce(max(seq), 0) + 1 FROM clip RETURNING id")?
                .query_row([], |row| row.get(0))
        })
    }

    pub(super) fn set_clip(&self, file: i64, clip: Option<i64>) -> Result<(), Error> {
        self.forget_hash(file)?;
        self.check(|connection| {
            connection
                .prepare_cached("UPDATE file SET clip = ?2 WHERE id = ?1")?
                .execute(params![file, clip])
        })?;
        Ok(())
    }

    /// Removes the full hash of a file whose content may have changed.
    pub(super) fn forget_hash(&self, file: i64) -> Result<(), Error> {
        self.check(|connection| {
            connection
                .prepare_cached("DELETE FROM hash WHERE file = ?1")?
                .execute([file])
        })?;
        Ok(())
    }
}
