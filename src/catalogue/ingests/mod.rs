//! The ingest log: the files of each card, their copies, and when the copies were verified.

mod verified_pages;
mod write;

use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, Row, params};

use super::Catalogue;
use super::files::loaded;
use crate::checksum::{Checksum, HashKind};
use crate::clip::Clip;
use crate::error::{Error, Problem};
use crate::offload::ReadMethod;
use crate::source_file::Stamp;
use crate::value::{Fingerprint, from_bytes, to_bytes};

pub use verified_pages::VerifiedCopy;

/// Description of an ingest, recorded at its start.
#[derive(Debug, Clone)]
pub struct NewIngest {
    /// Shoot day, recorded as the source of the facts.
    pub day: String,
    /// Name of the card's folder at the destinations.
    pub card: String,
    /// Absolute path of the card, or of the folder that is ingested in place.
    pub source: PathBuf,
    /// Identity of the card's volume.
    pub volume: String,
    /// Root of the card, relative to the root of its volume.
    pub inside: PathBuf,
    /// True if the footage is ingested in place, without copies.
    pub is_in_place: bool,
    /// Kind of hash with which copies are verified.
    pub hash: HashKind,
    /// Name of the person who ran the ingest.
    pub author: String,
    /// Facts of the shoot day, which apply to every clip.
    pub facts: Clip,
}

/// One ingest, as recorded in the log.
#[derive(Debug, Clone)]
pub struct Ingest {
    /// Row id.
    pub id: i64,
    /// Description from the last run.
    pub details: NewIngest,
    /// Start of the first run, seconds since 1970 UTC.
    pub begun: i64,
    /// End of the last run, seconds since 1970 UTC; `None` if it did not finish.
    pub ended: Option<i64>,
    /// Problems that do not belong to a single file.
    pub problems: Vec<Problem>,
    /// Destinations of the card.
    pub places: Vec<IngestPlace>,
    /// Number of files on the card.
    pub files: usize,
    /// Total size of the files in bytes.
    pub bytes: u64,
    /// Number of files that could not be read.
    pub unread: usize,
}

/// Destination of an ingest.
#[derive(Debug, Clone)]
pub struct IngestPlace {
    /// Row id of its volume.
    pub volume: i64,
    /// Name given by the user, otherwise the label of the volume.
    pub label: String,
    /// Path at the current mount point, or at the last one.
    pub folder: PathBuf,
    /// True if the volume is mounted.
    pub is_mounted: bool,
    /// Latest generation of the media hash list, relative to `folder`.
    pub manifest: Option<PathBuf>,
    /// Reason why copying to it was abandoned, or why it has no manifest.
    pub problem: Option<String>,
    /// Number of verified copies.
    pub verified: usize,
    /// Size of the verified copies in bytes.
    pub bytes: u64,
    /// Time of the oldest verification, seconds since 1970 UTC.
    pub oldest: Option<i64>,
    /// Least reliable read method of the verified copies.
    pub how: Option<String>,
    /// Number of copies in any other state, such as altered or missing.
    pub bad: usize,
}

impl IngestPlace {
    /// Returns true if the recorded manifest, which lists all verified copies, still exists.
    #[must_use]
    pub fn has_manifest(&self) -> bool {
        let manifest = self.manifest.as_ref();
        manifest.is_some_and(|manifest| self.folder.join(manifest).is_file())
    }
}

/// Problem recorded for a copy whose size or time changed after it was verified.
pub const CHANGED_SINCE_VERIFIED: &str = "changed since it was verified";

/// State of a copy when it was last checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CopyState {
    /// The content is identical.
    Verified,
    /// The content differs.
    Altered,
    /// The copy no longer exists.
    Missing,
    /// The copy was never created.
    NotCopied,
    /// The copy exists but could not be read.
    Unread,
}

impl CopyState {
    pub(super) fn number(self) -> i64 {
        match self {
            Self::Verified => 0,
            Self::Altered => 1,
            Self::Missing => 2,
            Self::NotCopied => 3,
            Self::Unread => 4,
        }
    }

    pub(super) fn from_number(number: i64) -> Self {
        match number {
            0 => Self::Verified,
            1 => Self::Altered,
            2 => Self::Missing,
            4 => Self::Unread,
            _ => Self::NotCopied,
        }
    }
}

impl CopyFound {
    /// Returns true if the copy was identical when it was last read.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.state == CopyState::Verified
    }

    /// Returns true if the last read came from the medium, not from memory.
    #[must_use]
    pub fn is_read_back(&self) -> bool {
        let how = self.how.as_deref().and_then(ReadMethod::from_name);
        how.is_some_and(ReadMethod::is_from_medium)
    }
}

/// File of a card, as last listed or read on the card.
#[derive(Debug, Clone)]
pub struct Ingested {
    /// Row id.
    pub id: i64,
    /// Path relative to the root of the card.
    pub inside: PathBuf,
    /// Size in bytes.
    pub bytes: u64,
    /// Modification time, nanoseconds since 1970 UTC.
    pub modified: i64,
    /// Hash of the ingest's kind; `None` until the file has been read completely.
    pub digest: Option<Checksum>,
    /// Full hash of the kind that all files in the catalogue have.
    pub xxh128: Option<Checksum>,
    /// Fingerprint of its content; `None` if it was not sampled.
    pub sample: Option<Fingerprint>,
    /// Reason why it could not be read.
    pub problem: Option<String>,
    /// Copy at each destination; `None` if none is recorded.
    pub copies: Vec<Option<CopyFound>>,
    /// For each destination, number of the mount in which the copy was first read in its current
    /// state.
    pub sessions: Vec<Option<i64>>,
}

/// Copy of a file, as last checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyFound {
    /// State of the copy.
    pub state: CopyState,
    /// Read method.
    pub how: Option<String>,
    /// Time when the state was found, seconds since 1970 UTC.
    pub at: i64,
    /// Problem with the copy.
    pub problem: Option<String>,
    /// Size and times when it was read; `None` if it was not read.
    pub stamp: Option<Stamp>,
}

/// Result for one file, from an ingest or from a later check of its copies.
///
/// Files are given by row id, destinations by number.
#[derive(Debug, Clone)]
pub enum Finding {
    /// File, its hash of the ingest's kind, its xxh128 hash, and its fingerprint. Recording it
    /// removes copies of other content from the log.
    Hashed(i64, Checksum, Checksum, Option<Fingerprint>),
    /// File without a recorded fingerprint, and its fingerprint.
    Sampled(i64, Fingerprint),
    /// File, and the reason why it could not be read.
    Unread(i64, String),
    /// File, destination, and the state of the copy there.
    Copy(i64, usize, CopyFound),
    /// File, destination, hash of the file, and the result of a later check of the copy. It is
    /// ignored if the file has a different hash by now.
    Rechecked(i64, usize, Checksum, CopyFound),
    /// File, destination, and a problem with the copy that does not affect its content.
    Remark(i64, usize, &'static str),
    /// Ingest, and a destination with verified copies that its manifest does not list yet.
    Unsealed(i64, usize),
}

impl Catalogue {
    /// Returns the row ids of the ingests with exactly this destination folder, latest first.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn ingests_at(&self, volume: i64, path: &Path) -> Result<Vec<i64>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT DISTINCT ingest FROM ingest_place WHERE volume = ?1 AND path = ?2 ORDER BY ingest DESC",
                )?
                .query_map(params![volume, to_bytes(path.as_os_str())], |row| row.get(0))?
                .collect()
        })
    }

    /// Returns the destinations on a volume, each with the row id of the ingest, its number, and its
    /// path.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn ingests_on(&self, volume: i64) -> Result<Vec<(i64, usize, PathBuf)>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT ingest, place, path FROM ingest_place WHERE volume = ?1 ORDER BY ingest, place",
                )?
                .query_map([volume], |row| {
                    let place: i64 = row.get(1)?;
                    let path = PathBuf::from(from_bytes(row.get(2)?));
                    Ok((row.get(0)?, usize::try_from(place).unwrap_or(0), path))
                })?
                .collect()
        })
    }

    /// Returns all files of an ingested card, sorted by path.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn ingested(&self, ingest: i64) -> Result<Vec<Ingested>, Error> {
        let (kind, places): (String, i64) = self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT hash, (SELECT count(*) FROM ingest_place WHERE ingest = ?1) FROM ingest WHERE id = ?1",
                )?
                .query_row([ingest], |row| Ok((row.get(0)?, row.get(1)?)))
        })?;
        let kind = HashKind::from_name(&kind).unwrap_or(HashKind::Xxh128);
        let places = usize::try_from(places).unwrap_or(0);
        let mut files: Vec<Ingested> = self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT id, path, bytes, modified, digest, xxh128, problem, sample FROM ingest_file
                     WHERE ingest = ?1 ORDER BY id",
                )?
                .query_map([ingest], |row| ingested_row(row, kind, places))?
                .collect()
        })?;
        self.check(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT c.file, c.place, c.state, c.how, c.at, c.problem, f.bytes, c.modified, c.changed, c.session
                 FROM ingest_copy c
                 JOIN ingest_file f ON f.id = c.file WHERE f.ingest = ?1",
            )?;
            let mut rows = statement.query([ingest])?;
            while let Some(row) = rows.next()? {
                let (file, place): (i64, i64) = (row.get(0)?, row.get(1)?);
                let at = files.binary_search_by_key(&file, |file| file.id);
                let place = usize::try_from(place).unwrap_or(usize::MAX);
                let file = at.ok().and_then(|at| files.get_mut(at));
                if let Some(file) = file
                    && let Some(copy) = file.copies.get_mut(place)
                {
                    file.sessions[place] = row.get(9)?;
                    *copy = Some(CopyFound {
                        state: CopyState::from_number(row.get(2)?),
                        how: row.get(3)?,
                        at: row.get(4)?,
                        problem: row.get(5)?,
                        stamp: stamp_of(row, 6)?,
                    });
                }
            }
            Ok(())
        })?;
        files.sort_by(|a, b| a.inside.cmp(&b.inside));
        Ok(files)
    }

    /// Returns all ingests, latest first.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn ingests(&self) -> Result<Vec<Ingest>, Error> {
        let ids: Vec<i64> = self.check(|connection| {
            connection
                .prepare("SELECT id FROM ingest ORDER BY id DESC")?
                .query_map([], |row| row.get(0))?
                .collect()
        })?;
        ids.into_iter()
            .filter_map(|id| self.ingest(id).transpose())
            .collect()
    }

    /// Returns an ingest by its row id; `None` if there is none.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn ingest(&self, id: i64) -> Result<Option<Ingest>, Error> {
        let row = self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT i.*, (SELECT count(*) FROM ingest_file f WHERE f.ingest = i.id) AS files,
                            (SELECT CAST(total(bytes) AS INTEGER) FROM ingest_file f WHERE f.ingest = i.id) AS bytes,
                            (SELECT count(*) FROM ingest_file f WHERE f.ingest = i.id AND f.problem IS NOT NULL) AS unread
                     FROM ingest i WHERE i.id = ?1",
                )?
                .query_row([id], |row| {
                    let facts: Vec<u8> = row.get("facts")?;
                    Ok((ingest_row(row)?, facts))
                })
                .optional()
        })?;
        let Some((mut ingest, facts)) = row else {
            return Ok(None);
        };
        ingest.details.facts = self.unpack(Some(&facts)).unwrap_or_default();
        ingest.places = self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT p.place, p.volume, p.path, p.manifest, p.problem, v.identity, v.mount,
                            coalesce(v.name, v.label) AS label,
                            count(*) FILTER (WHERE c.state = 0) AS verified,
                            CAST(total(f.bytes) FILTER (WHERE c.state = 0) AS INTEGER) AS bytes,
                            min(c.at) FILTER (WHERE c.state = 0) AS oldest,
                            -- The least reliable read method.
                            CASE min(CASE c.how WHEN 'cached' THEN 0 WHEN 'remounted' THEN 1 WHEN 'cache-dropped' THEN 2
                                                WHEN 'cache-bypassed' THEN 3 END) FILTER (WHERE c.state = 0)
                                WHEN 0 THEN 'cached' WHEN 1 THEN 'remounted' WHEN 2 THEN 'cache-dropped'
                                WHEN 3 THEN 'cache-bypassed' END AS how,
                            count(*) FILTER (WHERE c.state <> 0) AS bad
                     FROM ingest_place p JOIN volume v ON v.id = p.volume
                          LEFT JOIN ingest_file f ON f.ingest = p.ingest
                          LEFT JOIN ingest_copy c ON c.file = f.id AND c.place = p.place
                     WHERE p.ingest = ?1 GROUP BY p.place ORDER BY p.place",
                )?
                .query_map([id], |row| self.place_row(row))?
                .collect()
        })?;
        Ok(Some(ingest))
    }

    fn place_row(&self, row: &Row<'_>) -> rusqlite::Result<IngestPlace> {
        let inside = PathBuf::from(from_bytes(row.get("path")?));
        let identity: String = row.get("identity")?;
        let now = self.volumes.path(&identity, &inside);
        let mount = PathBuf::from(from_bytes(row.get("mount")?));
        let manifest: Option<Vec<u8>> = row.get("manifest")?;
        let (verified, bad): (i64, i64) = (row.get("verified")?, row.get("bad")?);
        Ok(IngestPlace {
            volume: row.get("volume")?,
            label: row.get("label")?,
            is_mounted: now.is_some(),
            folder: now.unwrap_or_else(|| mount.join(inside)),
            manifest: manifest.map(|path| PathBuf::from(from_bytes(path))),
            problem: row.get("problem")?,
            verified: usize::try_from(verified).unwrap_or(0),
            bytes: loaded(row.get("bytes")?),
            oldest: row.get("oldest")?,
            how: row.get("how")?,
            bad: usize::try_from(bad).unwrap_or(0),
        })
    }
}

/// Parses a size, modification time and change time: column number `bytes` and the two after it.
/// Returns `None` if the times were not recorded.
pub(super) fn stamp_of(row: &Row<'_>, bytes: usize) -> rusqlite::Result<Option<Stamp>> {
    let modified: Option<i64> = row.get(bytes + 1)?;
    let Some(modified) = modified else {
        return Ok(None);
    };
    Ok(Some(Stamp {
        bytes: loaded(row.get(bytes)?),
        modified,
        changed: row.get(bytes + 2)?,
    }))
}

fn ingested_row(row: &Row<'_>, kind: HashKind, places: usize) -> rusqlite::Result<Ingested> {
    let checksum = |kind, bytes: Option<Vec<u8>>| Checksum::from_bytes(kind, &bytes?);
    Ok(Ingested {
        id: row.get(0)?,
        inside: PathBuf::from(from_bytes(row.get(1)?)),
        bytes: loaded(row.get(2)?),
        modified: row.get(3)?,
        digest: checksum(kind, row.get(4)?),
        xxh128: checksum(HashKind::Xxh128, row.get(5)?),
        problem: row.get(6)?,
        sample: row
            .get::<_, Option<[u8; 16]>>(7)?
            .map(Fingerprint::from_bytes),
        copies: vec![None; places],
        sessions: vec![None; places],
    })
}

fn ingest_row(row: &Row<'_>) -> rusqlite::Result<Ingest> {
    let hash: String = row.get("hash")?;
    let problems: Option<String> = row.get("problems")?;
    let problems: Vec<(String, String)> = problems
        .and_then(|json| serde_json::from_str(&json).ok())
        .unwrap_or_default();
    let (files, unread): (i64, i64) = (row.get("files")?, row.get("unread")?);
    Ok(Ingest {
        id: row.get("id")?,
        details: NewIngest {
            day: row.get("day")?,
            card: row.get("card")?,
            source: PathBuf::from(from_bytes(row.get("source")?)),
            volume: row.get("volume")?,
            inside: PathBuf::from(from_bytes(row.get("inside")?)),
            is_in_place: row.get("in_place")?,
            hash: HashKind::from_name(&hash).unwrap_or(HashKind::Xxh128),
            author: row.get("author")?,
            facts: Clip::default(),
        },
        begun: row.get("begun")?,
        ended: row.get("ended")?,
        problems: problems
            .into_iter()
            .map(|(path, reason)| Problem::new(Path::new(&path), reason))
            .collect(),
        places: Vec::new(),
        files: usize::try_from(files).unwrap_or(0),
        bytes: loaded(row.get("bytes")?),
        unread: usize::try_from(unread).unwrap_or(0),
    })
}
