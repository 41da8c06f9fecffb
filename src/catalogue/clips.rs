//! Assembles clips from their stored parts: facts of the content, facts of each file, ingests and
//! edits.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, Row, params};

use super::Catalogue;
use super::files::{frames_of, loaded, state_of};
use crate::clip::{Clip, ClipPath, Fact, FileCopy, FileState, Source, VolumeLabels};
use crate::error::Error;
use crate::tag::current_name;
use crate::value::{Bytes, Fingerprint, WallTime, from_bytes, to_bytes};

/// Change to a clip, for the index and other views that follow `seq`.
#[derive(Debug)]
pub struct Change {
    /// Sequence number of the change.
    pub seq: i64,
    /// Row id of the clip, which never changes.
    pub clip: i64,
    /// Current state of the clip; `None` if no file contains it anymore.
    pub now: Option<Clip>,
}

/// File of a clip, as read before the best copy is chosen.
struct StoredFile {
    file: i64,
    identity: String,
    copy: FileCopy,
    facts: Option<Vec<u8>>,
    has_companions: bool,
}

impl Catalogue {
    /// Returns at most `limit` changes after `seq`, oldest first.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn changes(&self, seq: i64, limit: usize) -> Result<Vec<Change>, Error> {
        self.read_snapshot(|| self.changes_after(seq, limit))
    }

    fn changes_after(&self, seq: i64, limit: usize) -> Result<Vec<Change>, Error> {
        let rows: Vec<(i64, i64)> = self.check(|connection| {
            connection
                .prepare_cached("SELECT seq, id FROM clip WHERE seq > ?1 ORDER BY seq LIMIT ?2")?
                .query_map(
                    params![seq, i64::try_from(limit).unwrap_or(i64::MAX)],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )?
                .collect()
        })?;
        let change = |(seq, clip)| {
            Ok(Change {
                seq,
                clip,
                now: self.clip(clip)?,
            })
        };
        rows.into_iter().map(change).collect()
    }

    /// Counts the clips.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn count(&self) -> Result<usize, Error> {
        let count: i64 = self.check(|connection| {
            connection.query_row(
                "SELECT count(DISTINCT clip) FROM file WHERE clip IS NOT NULL",
                [],
                |row| row.get(0),
            )
        })?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// Returns the highest row id that a clip has or had; 0 if there are no clips.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn last_clip(&self) -> Result<i64, Error> {
        self.check(|connection| {
            connection.query_row("SELECT coalesce(max(id), 0) FROM clip", [], |row| {
                row.get(0)
            })
        })
    }

    /// Returns the row ids of the first `limit` clips, by folder and name. Clips whose file was
    /// replaced by other content come last.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn all(&self, limit: usize) -> Result<Vec<i64>, Error> {
        self.check(|connection| {
            let (mut clips, mut seen) = (Vec::new(), HashSet::new());
            // The first query uses an index and reads only as many rows as needed.
            for condition in ["NOT was", "was"] {
                let mut statement = connection.prepare_cached(&format!(
                    "SELECT clip FROM file WHERE {condition} AND clip IS NOT NULL ORDER BY dir, name"
                ))?;
                let mut rows = statement.query([])?;
                while clips.len() < limit
                    && let Some(row) = rows.next()?
                {
                    let clip = row.get(0)?;
                    if seen.insert(clip) {
                        clips.push(clip);
                    }
                }
                if clips.len() >= limit {
                    break;
                }
            }
            Ok(clips)
        })
    }

    /// Returns a clip by its row id; `None` if no file contains it.
    ///
    /// The merged facts depend only on stored data, not on the mounted volumes.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn clip(&self, id: i64) -> Result<Option<Clip>, Error> {
        let row = self.check(|connection| {
            connection
                .prepare_cached("SELECT fingerprint, facts FROM clip WHERE id = ?1")?
                .query_row([id], |row| {
                    let fingerprint: Option<[u8; 16]> = row.get(0)?;
                    let facts: Option<Vec<u8>> = row.get(1)?;
                    Ok((fingerprint, facts))
                })
                .optional()
        })?;
        let Some((fingerprint, facts)) = row else {
            return Ok(None);
        };
        let mut copies = self.copies(id)?;
        if copies.is_empty() {
            return Ok(None);
        }
        let mut clip = self.document(facts.as_ref());
        for copy in &copies {
            clip.merge(&self.document(copy.facts.as_ref()));
        }
        let oldest = copies.iter().map(|stored| stored.copy.modified).min();
        if clip.captured.is_none() {
            clip.captured = oldest
                .and_then(WallTime::from_unix_nanos)
                .map(|time| Fact::new(time, Source::MTIME));
        }
        if let Some(content) = fingerprint.map(Fingerprint::from_bytes) {
            clip.id = Some(Fact::new(content, Source::DISK));
            for day in self.ingest_facts_of(content)? {
                clip.merge(&day);
            }
            let edits = self.edits(content)?;
            // Most clips have no edits.
            if !edits.is_empty() {
                let renamed = self.renamed_tags()?;
                clip.apply_edits_renamed(&edits, &|tag| current_name(&renamed, tag));
            }
        }
        for stored in copies.iter_mut().filter(|stored| stored.has_companions) {
            stored.copy.companions = self.companions(stored.file, "")?;
        }
        set_file_fields(&mut clip, copies);
        clip.derive();
        Ok(Some(clip))
    }

    /// Returns clips by their row ids, in one snapshot; skips clips that no file contains.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn clips(&self, ids: &[i64]) -> Result<Vec<Clip>, Error> {
        self.read_snapshot(|| {
            let clips = ids.iter().map(|&id| self.clip(id));
            clips.filter_map(Result::transpose).collect()
        })
    }

    /// Unpacks a document. Damage becomes a problem of the clip, so that other clips stay usable.
    fn document(&self, stored: Option<&Vec<u8>>) -> Clip {
        self.unpack(stored).unwrap_or_else(|error| Clip {
            problem: Some(Fact::new(
                format!("damaged record in the catalogue: {error}"),
                Source::DISK,
            )),
            ..Clip::default()
        })
    }

    /// Returns the files of a clip, in an order that does not depend on mounted volumes.
    fn copies(&self, clip: i64) -> Result<Vec<StoredFile>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT f.id, f.name, f.bytes, f.modified, f.state, f.frames, f.facts, d.path, v.identity, v.mount, v.id AS volume,
                            coalesce(v.name, v.label) AS label,
                            EXISTS (SELECT 1 FROM file c WHERE c.original = f.id) AS has_companions
                     FROM file f JOIN dir d ON d.id = f.dir JOIN volume v ON v.id = d.volume
                     WHERE f.clip = ?1 ORDER BY f.state = 2, v.identity, d.path, f.name",
                )?
                .query_map([clip], |row| self.stored(row))?
                .collect()
        })
    }

    fn stored(&self, row: &Row<'_>) -> rusqlite::Result<StoredFile> {
        let location = self.location(row)?;
        Ok(StoredFile {
            file: row.get("id")?,
            copy: FileCopy {
                volume: row.get("label")?,
                volume_number: row.get("volume")?,
                is_mounted: location.is_mounted,
                path: location.path,
                inside: location.inside,
                bytes: loaded(row.get("bytes")?),
                modified: row.get("modified")?,
                frames: frames_of(row.get("frames")?),
                state: state_of(row.get("state")?),
                companions: Vec::new(),
            },
            identity: location.identity,
            facts: row.get("facts")?,
            has_companions: row.get("has_companions")?,
        })
    }

    /// Finds a clip by a path, a file name, or the start of an id.
    ///
    /// # Errors
    /// [`Error::NoClip`], [`Error::AmbiguousClip`], or if `SQLite` fails.
    pub fn find(&self, text: &Path) -> Result<Clip, Error> {
        let name = text.to_string_lossy();
        let clip = self.find_number(text)?;
        self.clip(clip)?
            .ok_or_else(|| Error::NoClip(crate::error::escape(&name)))
    }

    /// Like [`Catalogue::find`], but returns the clip's row id.
    ///
    /// # Errors
    /// As for [`Catalogue::find`].
    pub fn find_number(&self, text: &Path) -> Result<i64, Error> {
        let name = text.to_string_lossy().into_owned();
        let mut found = self.at_path(text)?;
        if found.is_empty() {
            found = self.with_name(text)?;
        }
        if found.is_empty() {
            found = self.with_id(&name)?;
        }
        match found.as_slice() {
            [] => Err(Error::NoClip(crate::error::escape(&name))),
            [clip] => Ok(*clip),
            many => Err(Error::AmbiguousClip {
                name: crate::error::escape(&name),
                count: many.len(),
                examples: self.examples(many)?,
            }),
        }
    }

    fn examples(&self, clips: &[i64]) -> Result<Vec<String>, Error> {
        let mut examples = Vec::new();
        for &clip in clips.iter().take(5) {
            if let Some(path) = self.clip(clip)?.and_then(|clip| clip.path) {
                examples.push(crate::error::escape(&path.value.path.to_string_lossy()));
            }
        }
        Ok(examples)
    }

    /// Finds the clip of the file at a path, on a mounted volume or below a former mount point.
    fn at_path(&self, path: &Path) -> Result<Vec<i64>, Error> {
        let absolute = std::fs::canonicalize(path).or_else(|_| std::path::absolute(path));
        let Ok(absolute) = absolute else {
            return Ok(Vec::new());
        };
        let (volume, inside) = self.volumes.locate(&absolute);
        let found = self.at_place(&volume.identity, &inside)?;
        if !found.is_empty() {
            return Ok(found);
        }
        let volumes: Vec<(String, PathBuf)> = self.check(|connection| {
            connection
                .prepare_cached("SELECT identity, mount FROM volume")?
                .query_map([], |row| {
                    Ok((row.get(0)?, PathBuf::from(from_bytes(row.get(1)?))))
                })?
                .collect()
        })?;
        for (identity, last_mount) in volumes {
            if let Ok(inside) = absolute.strip_prefix(last_mount) {
                let found = self.at_place(&identity, inside)?;
                if !found.is_empty() {
                    return Ok(found);
                }
            }
        }
        Ok(Vec::new())
    }

    fn at_place(&self, identity: &str, inside: &Path) -> Result<Vec<i64>, Error> {
        let (Some(folder), Some(name)) = (inside.parent(), inside.file_name()) else {
            return Ok(Vec::new());
        };
        let clip: Option<Option<i64>> = self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT coalesce(f.clip, o.clip) FROM file f JOIN dir d ON d.id = f.dir
                     JOIN volume v ON v.id = d.volume LEFT JOIN file o ON o.id = f.original
                     WHERE v.identity = ?1 AND d.path = ?2 AND f.name = ?3 AND NOT f.was",
                )?
                .query_row(
                    params![identity, to_bytes(folder.as_os_str()), to_bytes(name)],
                    |row| row.get(0),
                )
                .optional()
        })?;
        Ok(clip.flatten().into_iter().collect())
    }

    fn with_id(&self, text: &str) -> Result<Vec<i64>, Error> {
        let is_id = (4..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_id {
            return Ok(Vec::new());
        }
        self.check(|connection| {
            connection
                .prepare(
                    "SELECT DISTINCT c.id FROM clip c JOIN file f ON f.clip = c.id
                     WHERE c.fingerprint IS NOT NULL AND lower(hex(c.fingerprint)) GLOB ?1 || '*' LIMIT 100",
                )?
                .query_map([text.to_ascii_lowercase()], |row| row.get(0))?
                .collect()
        })
    }

    fn with_name(&self, name: &Path) -> Result<Vec<i64>, Error> {
        let name =
            first_frame(&name.to_string_lossy()).map_or_else(|| name.to_owned(), PathBuf::from);
        self.check(|connection| {
            connection
                .prepare(
                    "SELECT DISTINCT coalesce(f.clip, o.clip) AS named
                     FROM file f LEFT JOIN file o ON o.id = f.original
                     WHERE f.name = ?1 AND named IS NOT NULL
                       AND (NOT f.was OR NOT EXISTS (SELECT 1 FROM file n WHERE n.name = ?1 AND NOT n.was))
                     ORDER BY named LIMIT 100",
                )?
                .query_map([to_bytes(name.as_os_str())], |row| row.get(0))?
                .collect()
        })
    }
}

/// Sets the fields that describe the files, and sorts the copies, best first.
fn set_file_fields(clip: &mut Clip, mut copies: Vec<StoredFile>) {
    let first = copies
        .first()
        .and_then(|stored| stored.copy.inside.parent());
    let facet_folder =
        first.map_or_else(String::new, |folder| folder.to_string_lossy().into_owned());
    copies.sort_by_key(|stored| {
        let copy = &stored.copy;
        (
            copy.state == FileState::Missing,
            !copy.is_mounted,
            copy.state,
            stored.identity.clone(),
            copy.inside.clone(),
        )
    });
    clip.files = copies.into_iter().map(|stored| stored.copy).collect();
    let Some(best) = clip.files.first() else {
        return;
    };
    let name = best.name();
    let mut words: Vec<String> = clip
        .files
        .iter()
        .flat_map(|copy| {
            let folder = copy
                .inside
                .parent()
                .map(|folder| folder.to_string_lossy().into_owned());
            let other_name = Some(copy.name()).filter(|other| *other != name);
            folder.into_iter().chain(other_name)
        })
        .filter(|text| !text.is_empty())
        .collect();
    words.sort();
    words.dedup();
    clip.path_bytes = best.path_bytes().map(|hex| Fact::new(hex, Source::DISK));
    let disk = |text: String| Some(Fact::new(text, Source::DISK));
    let mut volumes = VolumeLabels {
        best: best.volume.clone(),
        all: labels(&clip.files, |copy| copy.state != FileState::Missing),
    };
    if volumes.all.is_empty() {
        volumes.all = labels(&clip.files, |_| true);
    }
    clip.volume = Some(Fact::new(volumes, Source::DISK));
    let existing = clip
        .files
        .iter()
        .filter(|copy| copy.state != FileState::Missing);
    clip.copies = u32::try_from(existing.count())
        .ok()
        .map(|count| Fact::new(count, Source::DISK));
    clip.bytes = Some(Fact::new(Bytes(best.bytes), Source::DISK));
    clip.modified =
        WallTime::from_unix_nanos(best.modified).map(|time| Fact::new(time, Source::DISK));
    clip.frames = best
        .frames
        .map(|frames| Fact::new(frames.count, Source::DISK));
    clip.path = Some(Fact::new(
        ClipPath {
            path: best.path.clone(),
            words,
            folder: facet_folder,
        },
        Source::DISK,
    ));
    clip.name = disk(name);
}

/// Returns the distinct volume labels of the included files, sorted.
fn labels(files: &[FileCopy], is_included: impl Fn(&FileCopy) -> bool) -> Vec<String> {
    let labels = files.iter().filter(|copy| is_included(copy));
    let labels: BTreeSet<&str> = labels.map(|copy| copy.volume.as_str()).collect();
    labels.into_iter().map(str::to_owned).collect()
}

/// Returns the file name of the first frame, given the display name of an image sequence:
/// `shot.0001.dpx` for `shot.[0001-0120].dpx`.
fn first_frame(name: &str) -> Option<String> {
    let (stem, rest) = name.split_once('[')?;
    let (numbers, extension) = rest.split_once(']')?;
    let (first, last) = numbers.split_once('-')?;
    let are_numbers = [first, last]
        .iter()
        .all(|number| number.bytes().all(|b| b.is_ascii_digit()));
    are_numbers.then(|| format!("{stem}{first}{extension}"))
}
