//! What the walk writes: volumes, folders, files, and stubs for what was not read yet.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, Row, named_params, params};

use super::{Catalogue, unix_seconds};
use crate::clip::{FileState, FrameRun};
use crate::error::Error;
use crate::footage::{FoundFile, Role};
use crate::value::{Fingerprint, from_bytes, to_bytes};

/// A file that the catalogue knows, as far as a scan of unchanged files needs it.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its number here.
    pub id: i64,
    /// Bytes when it was last seen.
    pub bytes: u64,
    /// Modification time when it was last seen.
    pub modified: i64,
    /// When the system last changed anything of it (ctime), where that is known.
    pub changed: Option<i64>,
    /// Its number on its filesystem, where that is kept.
    pub inode: Option<i64>,
    /// What it is; [`Role::Unsure`] for a file that turned out not to be media.
    pub role: Role,
    /// Present, unreadable or missing.
    pub state: FileState,
    /// Whether it still waits to be read.
    pub is_unread: bool,
    /// The frames of an image sequence.
    pub frames: Option<FrameRun>,
    /// The file it belongs to, if it is a companion.
    pub original: Option<i64>,
    /// The number of its clip.
    pub clip: Option<i64>,
}

/// A clip that a scan looks at again although no file of it changed.
#[derive(Debug, Clone)]
pub struct Odd {
    /// Whether its content could be read.
    pub is_readable: bool,
    /// The tool that could not read it.
    pub failed_with: Option<String>,
    /// Why it could not be read, or not wholly.
    pub problem: Option<String>,
}

/// A clip that should have pictures.
#[derive(Debug, Clone, Copy)]
pub struct Pictured {
    /// The clip's number.
    pub clip: i64,
    /// Its content, after which its pictures are named.
    pub fingerprint: Fingerprint,
    /// Pictures in its strip; `None` until one was tried.
    pub strip: Option<u32>,
}

/// Where a file is.
pub(super) struct Place {
    pub path: PathBuf,
    pub inside: PathBuf,
    pub identity: String,
    pub is_mounted: bool,
}

/// A file that waits to be read.
#[derive(Debug, Clone)]
pub struct Unread {
    /// Its number here.
    pub id: i64,
    /// Where it is now.
    pub path: PathBuf,
    /// Where it is below its volume's root.
    pub inside: PathBuf,
    /// The number of its folder.
    pub folder: i64,
    /// Bytes, of all frames together.
    pub bytes: u64,
    /// Modification time, the newest frame's.
    pub modified: i64,
    /// The frames of an image sequence.
    pub frames: Option<FrameRun>,
    /// The content that it held when it was last read, where its size and time are still those.
    pub before: Option<Fingerprint>,
    /// Sidecars that belong to it, in the order of their names.
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

fn known(row: &Row<'_>) -> rusqlite::Result<(Vec<u8>, Known)> {
    // By number: for each file of a drive, looking names up would cost more than the rest.
    let known = Known {
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
    Ok((row.get(1)?, known))
}

impl Catalogue {
    /// The number of a folder, given its path below its volume's root; `None` if it has none.
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

    /// Gives a folder a number.
    ///
    /// # Errors
    /// If `SQLite` fails, or it has one.
    pub fn add_folder(&self, volume: i64, inside: &Path) -> Result<i64, Error> {
        self.check(|connection| {
            connection
                .prepare_cached("INSERT INTO dir (volume, path) VALUES (?1, ?2) RETURNING id")?
                .query_row(params![volume, to_bytes(inside.as_os_str())], |row| {
                    row.get(0)
                })
        })
    }

    /// The files known in a folder, by the bytes of their names.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn known_files(&self, folder: i64) -> Result<HashMap<Vec<u8>, Known>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT id, name, bytes, modified, changed, inode, role, state, is_unread, frames, clip, original
                     FROM file WHERE dir = ?1 AND NOT was",
                )?
                .query_map([folder], known)?
                .collect()
        })
    }

    /// The clips that could not be read, wholly or in part, or not by a tool that is current.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn odd_clips(&self) -> Result<HashSet<i64>, Error> {
        self.check(|connection| {
            connection
                .prepare("SELECT id FROM clip WHERE failed_with IS NOT NULL OR NOT is_readable")?
                .query_map([], |row| row.get(0))?
                .collect()
        })
    }

    /// What is odd about a clip.
    ///
    /// # Errors
    /// If `SQLite` fails, or there is no such clip.
    pub fn odd(&self, clip: i64) -> Result<Odd, Error> {
        let (mut odd, facts): (Odd, Option<Vec<u8>>) = self.check(|connection| {
            connection
                .prepare_cached("SELECT is_readable, failed_with, facts FROM clip WHERE id = ?1")?
                .query_row([clip], |row| {
                    let odd = Odd {
                        is_readable: row.get(0)?,
                        failed_with: row.get(1)?,
                        problem: None,
                    };
                    Ok((odd, row.get(2)?))
                })
        })?;
        if odd.failed_with.is_some() {
            let facts = self.unpack(facts.as_ref()).unwrap_or_default();
            odd.problem = facts.problem.map(|problem| problem.value);
        }
        Ok(odd)
    }

    /// Every clip that should have pictures and waits for none.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn pictured(&self, mut each: impl FnMut(Pictured)) -> Result<(), Error> {
        self.check(|connection| {
            let mut statement = connection.prepare(
                "SELECT id, fingerprint, strip FROM clip
                 WHERE has_poster AND fingerprint IS NOT NULL AND id NOT IN (SELECT clip FROM picture)",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                each(Pictured {
                    clip: row.get(0)?,
                    fingerprint: Fingerprint::from_bytes(row.get(1)?),
                    strip: row.get(2)?,
                });
            }
            Ok(())
        })
    }

    /// The folders known at or below a path, with their numbers.
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

    /// The number of the file of that name in that folder.
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

    /// Writes a new file; of footage, with a stub that can be found by its name at once.
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

    /// Writes what is new of a known file; footage then waits to be read again.
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

    /// Notes ctime and inode of a file that is known without them, or whose filesystem gives
    /// its numbers anew at each mount.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn note_times(&self, id: i64, found: &FoundFile) -> Result<(), Error> {
        self.check(|connection| {
            connection
                .prepare_cached("UPDATE file SET changed = ?2, inode = ?3 WHERE id = ?1")?
                .execute(params![id, found.changed, found.inode])
        })?;
        Ok(())
    }

    /// A new or changed sidecar has its original read again, in the same batch.
    fn reread_original(&self, role: Role, original: Option<i64>) -> Result<(), Error> {
        match original {
            Some(original) if role == Role::Sidecar => self.read_again(original).map(drop),
            _ => Ok(()),
        }
    }

    /// Has a file read again although it is unchanged; whether it is there to be read.
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

    /// Marks a file as missing or present again. Nothing is deleted. Gives the number of the
    /// original that has to be read again, where the file is its sidecar and the original is there.
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

    /// A file that waits to be read, by its number.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn unread_file(&self, id: i64) -> Result<Option<Unread>, Error> {
        let unread = self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT f.name, f.bytes, f.modified, f.frames, f.dir, d.path, v.mount, v.identity,
                            CASE WHEN f.read_bytes = f.bytes AND f.read_modified = f.modified AND c.algorithm = ?2
                                 THEN c.fingerprint END AS before
                     FROM file f JOIN dir d ON d.id = f.dir JOIN volume v ON v.id = d.volume
                          LEFT JOIN clip c ON c.id = f.clip
                     WHERE f.id = ?1 AND f.is_unread",
                )?
                .query_row(params![id, super::readings::ALGORITHM], |row| {
                    let place = self.place(row)?;
                    let before: Option<[u8; 16]> = row.get("before")?;
                    Ok(Unread {
                        before: before.map(Fingerprint::from_bytes),
                        id,
                        path: place.path,
                        inside: place.inside,
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

    /// Where a file's companions are, in the order of their names.
    pub(super) fn companions(&self, original: i64, which: &str) -> Result<Vec<PathBuf>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT v.identity, v.mount, d.path, f.name
                     FROM file f JOIN dir d ON d.id = f.dir JOIN volume v ON v.id = d.volume
                     WHERE f.original = ?1 AND f.state <> 2 {which} ORDER BY d.path, f.name"
                ))?
                .query_map([original], |row| Ok(self.place(row)?.path))?
                .collect()
        })
    }

    /// Where the file of a row with `identity`, `mount`, `path` and `name` is: on its volume
    /// where that is mounted now, else where it was last.
    pub(super) fn place(&self, row: &Row<'_>) -> rusqlite::Result<Place> {
        let inside = PathBuf::from(from_bytes(row.get("path")?)).join(from_bytes(row.get("name")?));
        let identity: String = row.get("identity")?;
        let now = self.volumes.path(&identity, &inside);
        let is_mounted = now.is_some();
        let last_mount = PathBuf::from(from_bytes(row.get("mount")?));
        Ok(Place {
            path: now.unwrap_or_else(|| last_mount.join(&inside)),
            inside,
            identity,
            is_mounted,
        })
    }

    /// Whether the content of a file is also in another one that is present: in one of
    /// `folders`, or on a mounted volume and first seen there not before `since`, in seconds
    /// since 1970 UTC.
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
        let is_there = |(folder, seen, identity): &(i64, i64, String)| {
            folders.contains(folder) || (*seen >= since && self.volumes.drive(identity).is_some())
        };
        Ok(elsewhere.iter().any(is_there))
    }

    /// Gives a clip the next seq, so that every view hears of it.
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

    /// A file that changed may hold something else though its size and time are the same: a
    /// hash of it proves nothing any more.
    pub(super) fn forget_hash(&self, file: i64) -> Result<(), Error> {
        self.check(|connection| {
            connection
                .prepare_cached("DELETE FROM hash WHERE file = ?1")?
                .execute([file])
        })?;
        Ok(())
    }
}
