//! Shoot-day facts of ingests. Like edits, they are stored by content and merged when a clip is
//! loaded.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, params};

use super::ingests::stamp_of;
use super::{Catalogue, EarlierRead, WholeHash};
use crate::checksum::Checksum;
use crate::clip::Clip;
use crate::error::Error;
use crate::offload::ReadMethod;
use crate::tag::current_name;
use crate::value::{Fingerprint, from_bytes, to_bytes};

/// Recorded file at a path.
struct FileRow {
    file: i64,
    clip: Option<i64>,
    content: Option<Fingerprint>,
    bytes: u64,
    modified: i64,
    is_sequence: bool,
    /// Full hash of the current content; `None` if unknown.
    hash: Option<Fingerprint>,
}

impl Catalogue {
    /// Returns the facts that ingests attached to the clip with this fingerprint, earliest first.
    pub(super) fn ingest_facts_of(&self, content: Fingerprint) -> Result<Vec<Clip>, Error> {
        let stored: Vec<Vec<u8>> = self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT i.facts FROM shot s JOIN ingest i ON i.id = s.ingest WHERE s.content = ?1 ORDER BY i.id",
                )?
                .query_map([content.to_bytes()], |row| row.get(0))?
                .collect()
        })?;
        if stored.is_empty() {
            return Ok(Vec::new());
        }
        let renamed = self.renamed_tags()?;
        let mut days = Vec::new();
        for facts in &stored {
            let mut facts = self.unpack(Some(facts)).unwrap_or_default();
            if let Some(tags) = &mut facts.tags {
                tags.value = tags
                    .value
                    .iter()
                    .cloned()
                    .map(|mut tagged| {
                        tagged.tag = current_name(&renamed, &tagged.tag);
                        tagged
                    })
                    .collect();
            }
            days.push(facts);
        }
        Ok(days)
    }

    /// Returns the row ids of the ingests that attached facts to the clip with this fingerprint,
    /// earliest first.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn ingests_of(&self, content: Fingerprint) -> Result<Vec<i64>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached("SELECT ingest FROM shot WHERE content = ?1 ORDER BY ingest")?
                .query_map([content.to_bytes()], |row| row.get(0))?
                .collect()
        })
    }

    /// Marks the clips as changed that have a matching tag from an ingest.
    pub(super) fn touch_ingest_tagged(&self, is_match: &dyn Fn(&str) -> bool) -> Result<(), Error> {
        let days: Vec<(i64, Vec<u8>)> = self.check(|connection| {
            connection
                .prepare_cached("SELECT id, facts FROM ingest ORDER BY id")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })?;
        for (ingest, facts) in days {
            let facts = self.unpack(Some(&facts)).unwrap_or_default();
            let mut tags = facts.tags.iter().flat_map(|tags| tags.value.iter());
            if !tags.any(|tagged| is_match(&tagged.tag)) {
                continue;
            }
            let clips: Vec<i64> = self.check(|connection| {
                connection
                    .prepare_cached(
                        "SELECT c.id FROM shot s JOIN clip c ON c.fingerprint = s.content
                         WHERE s.ingest = ?1 ORDER BY c.id",
                    )?
                    .query_map([ingest], |row| row.get(0))?
                    .collect()
            })?;
            for clip in clips {
                self.touch(clip)?;
            }
        }
        Ok(())
    }

    /// Attaches the facts of an ingest to the clips that it copied, and records the hashes of their
    /// files. The copies must have been scanned. Returns the number of changed clips.
    ///
    /// `facts_changed` is true if the facts differ from those of an earlier run.
    ///
    /// # Errors
    /// If the catalogue cannot be read or written.
    pub fn attach_facts_to_copies(&self, ingest: i64, facts_changed: bool) -> Result<usize, Error> {
        let places: Vec<(usize, i64, PathBuf)> = self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT place, volume, path FROM ingest_place WHERE ingest = ?1 ORDER BY place",
                )?
                .query_map([ingest], |row| {
                    let place: i64 = row.get(0)?;
                    let path = PathBuf::from(from_bytes(row.get(2)?));
                    Ok((usize::try_from(place).unwrap_or(0), row.get(1)?, path))
                })?
                .collect()
        })?;
        let files = self.ingested(ingest)?;
        self.write_transaction(|| {
            let mut contents = BTreeSet::new();
            for (place, volume, root) in &places {
                let mut folders = HashMap::new();
                for file in &files {
                    let copy = file.copies.get(*place).and_then(Option::as_ref);
                    let Some(copy) = copy.filter(|copy| copy.is_verified()) else {
                        continue;
                    };
                    let path = root.join(&file.inside);
                    let Some(row) = self.row_at(*volume, &path, &mut folders)? else {
                        continue;
                    };
                    contents.extend(row.content);
                    let digest = file.xxh128.as_ref().and_then(Checksum::fingerprint);
                    // No hash for a copy that changed since, or that was not read from the medium.
                    if let Some(digest) = digest
                        && copy.is_read_back()
                        && row.bytes == file.bytes
                        && !row.is_sequence
                        && row.clip.is_some()
                        && row.hash != Some(digest)
                        && copy
                            .stamp
                            .is_none_or(|stamp| stamp.modified == row.modified)
                    {
                        let hash = WholeHash {
                            digest,
                            at: copy.at,
                            how: copy.how.as_deref().and_then(ReadMethod::from_name),
                            changed: copy.stamp.and_then(|stamp| stamp.changed),
                        };
                        self.record_digest(row.file, row.bytes, row.modified, &hash, None)?;
                        self.date_hash_by_copy(row.file, file.id, *place)?;
                    }
                }
            }
            self.attach_facts(ingest, &contents, facts_changed)
        })
    }

    /// Sets the mounted set and the number of formats of a file's hash to those of the ingested
    /// copy, because the hash was computed during the ingest.
    fn date_hash_by_copy(&self, file: i64, copied: i64, place: usize) -> Result<(), Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "UPDATE hash SET mounted_set = c.mounted_set, formats = c.formats FROM ingest_copy c
                     WHERE hash.file = ?1 AND c.file = ?2 AND c.place = ?3",
                )?
                .execute(params![
                    file,
                    copied,
                    i64::try_from(place).unwrap_or(i64::MAX)
                ])
        })?;
        Ok(())
    }

    /// Attaches the facts of an ingest to the clips at or below a path of a volume. Returns the
    /// number of changed clips.
    ///
    /// # Errors
    /// If the catalogue cannot be read or written.
    pub fn attach_facts_in_place(
        &self,
        ingest: i64,
        volume: i64,
        path: &Path,
        facts_changed: bool,
    ) -> Result<usize, Error> {
        let folders = self.known_folders(volume, path)?;
        self.write_transaction(|| {
            let mut contents = BTreeSet::new();
            for (folder, _) in &folders {
                contents.extend(self.contents_in(*folder)?);
            }
            let single = self.row_at(volume, path, &mut HashMap::new())?;
            contents.extend(single.and_then(|row| row.content));
            self.attach_facts(ingest, &contents, facts_changed)
        })
    }

    fn attach_facts(
        &self,
        ingest: i64,
        contents: &BTreeSet<Fingerprint>,
        facts_changed: bool,
    ) -> Result<usize, Error> {
        let mut changed = 0;
        for content in contents {
            let is_new = self.check(|connection| {
                connection
                    .prepare_cached("INSERT OR IGNORE INTO shot (content, ingest) VALUES (?1, ?2)")?
                    .execute(params![content.to_bytes(), ingest])
            })? > 0;
            if !is_new && !facts_changed {
                continue;
            }
            let clip: Option<i64> = self.check(|connection| {
                connection
                    .prepare_cached("SELECT id FROM clip WHERE fingerprint = ?1")?
                    .query_row([content.to_bytes()], |row| row.get(0))
                    .optional()
            })?;
            if let Some(clip) = clip {
                self.touch(clip)?;
                changed += 1;
            }
        }
        Ok(changed)
    }

    fn contents_in(&self, folder: i64) -> Result<Vec<Fingerprint>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT c.fingerprint FROM file f JOIN clip c ON c.id = f.clip
                     WHERE f.dir = ?1 AND NOT f.was AND f.state <> 2 AND c.fingerprint IS NOT NULL",
                )?
                .query_map([folder], |row| Ok(Fingerprint::from_bytes(row.get(0)?)))?
                .collect()
        })
    }

    /// Returns the file at a path of a volume; `None` if it is not recorded. `folders` caches the
    /// row ids of folders.
    fn row_at(
        &self,
        volume: i64,
        path: &Path,
        folders: &mut HashMap<PathBuf, Option<i64>>,
    ) -> Result<Option<FileRow>, Error> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(None);
        };
        let number = match folders.get(folder) {
            Some(number) => *number,
            None => *folders
                .entry(folder.to_owned())
                .or_insert(self.find_folder(volume, folder)?),
        };
        let Some(number) = number else {
            return Ok(None);
        };
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT f.id, f.clip, c.fingerprint, f.bytes, f.modified, f.frames IS NOT NULL,
                            (SELECT h.digest FROM hash h WHERE h.file = f.id AND h.kind = 'xxh128'
                             AND h.bytes = f.bytes AND h.modified = f.modified)
                     FROM file f LEFT JOIN clip c ON c.id = f.clip WHERE f.dir = ?1 AND f.name = ?2 AND NOT f.was",
                )?
                .query_row(params![number, to_bytes(name)], |row| {
                    let content: Option<[u8; 16]> = row.get(2)?;
                    let hash: Option<[u8; 16]> = row.get(6)?;
                    Ok(FileRow {
                        hash: hash.map(Fingerprint::from_bytes),
                        file: row.get(0)?,
                        clip: row.get(1)?,
                        content: content.map(Fingerprint::from_bytes),
                        bytes: super::files::loaded(row.get(3)?),
                        modified: row.get(4)?,
                        is_sequence: row.get(5)?,
                    })
                })
                .optional()
        })
    }

    /// Returns the full hashes of unchanged files below a folder of a volume, each with the path
    /// relative to the folder and the earlier read, if recorded.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn hashes_below(
        &self,
        volume: i64,
        folder: &Path,
    ) -> Result<Vec<(PathBuf, Fingerprint, Option<EarlierRead>)>, Error> {
        let mut hashes = Vec::new();
        for (number, path) in self.known_folders(volume, folder)? {
            let below = path.strip_prefix(folder).unwrap_or(&path);
            let files: Vec<(PathBuf, Fingerprint, Option<EarlierRead>)> = self.check(|connection| {
                connection
                    .prepare_cached(
                        "SELECT f.name, h.digest, h.session, h.bytes, h.modified, h.changed FROM file f JOIN hash h ON h.file = f.id
                         WHERE f.dir = ?1 AND NOT f.was AND f.state = 0 AND f.frames IS NULL AND h.kind = 'xxh128'
                               AND h.bytes = f.bytes AND h.modified = f.modified",
                    )?
                    .query_map([number], |row| {
                        let name = from_bytes(row.get(0)?);
                        let session: Option<i64> = row.get(2)?;
                        let stamp = stamp_of(row, 3)?;
                        let earlier = session
                            .zip(stamp)
                            .map(|(session, stamp)| EarlierRead { session, stamp });
                        let digest = Fingerprint::from_bytes(row.get(1)?);
                        Ok((below.join(name), digest, earlier))
                    })?
                    .collect()
            })?;
            hashes.extend(files);
        }
        Ok(hashes)
    }

    /// Records full hashes of files, given by path on a volume and size. `None` removes a recorded
    /// hash. Skips files that are not in the catalogue, or are recorded with another size.
    ///
    /// # Errors
    /// If the catalogue cannot be written.
    pub fn record_hashes(
        &self,
        volume: i64,
        hashes: &[(PathBuf, u64, Option<WholeHash>)],
    ) -> Result<(), Error> {
        let mut folders = HashMap::new();
        self.write_transaction(|| {
            let mounted_set = self.record_mounted_set()?;
            for (path, bytes, hash) in hashes {
                let Some(row) = self.row_at(volume, path, &mut folders)? else {
                    continue;
                };
                match hash {
                    Some(hash) if row.bytes == *bytes && !row.is_sequence => {
                        self.record_digest(row.file, row.bytes, row.modified, hash, mounted_set)?;
                    }
                    Some(_) => {}
                    None => {
                        self.forget_hash(row.file)?;
                        // The fingerprint of a small file is its full hash, so it must be read
                        // again.
                        self.read_again(row.file)?;
                    }
                }
            }
            Ok(())
        })
    }
}
