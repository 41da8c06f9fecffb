//! The log of ingests: what was on each card, where its copies are, and when they were proved.

mod verified;
mod write;

use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, Row, params};

use super::Catalogue;
use super::files::loaded;
use crate::checksum::{Checksum, HashKind};
use crate::clip::Clip;
use crate::error::{Error, Problem};
use crate::offload::How;
use crate::source_file::Stamp;
use crate::value::{Fingerprint, from_bytes, to_bytes};

pub use verified::VerifiedCopy;

/// An ingest as it begins.
#[derive(Debug, Clone)]
pub struct NewIngest {
    /// What its facts are said to come from.
    pub day: String,
    /// What the card is called where it is copied to.
    pub card: String,
    /// The card's root, or the folder that is told of in place.
    pub source: PathBuf,
    /// What the card's volume is known by.
    pub volume: String,
    /// The card's root below its volume.
    pub inside: PathBuf,
    /// Whether nothing is copied.
    pub is_in_place: bool,
    /// By which kind of hash copies are proved.
    pub hash: HashKind,
    /// Who runs it.
    pub author: String,
    /// What the day says of every clip.
    pub facts: Clip,
}

/// An ingest in the log.
#[derive(Debug, Clone)]
pub struct Ingest {
    /// Its number.
    pub id: i64,
    /// What it was told when it began.
    pub told: NewIngest,
    /// Seconds since 1970 UTC: when it was first run.
    pub begun: i64,
    /// … and when it last came to its end; `None` while it has not.
    pub ended: Option<i64>,
    /// What went wrong with the whole of it.
    pub problems: Vec<Problem>,
    /// Where the card was copied to.
    pub places: Vec<IngestPlace>,
    /// Files of the card.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files that could not be read.
    pub unread: usize,
}

/// A place that a card was copied to.
#[derive(Debug, Clone)]
pub struct IngestPlace {
    /// Its volume's number.
    pub volume: i64,
    /// What people call the volume.
    pub label: String,
    /// Where it is, or was when its volume was last mounted.
    pub folder: PathBuf,
    /// Whether the volume is mounted now.
    pub is_mounted: bool,
    /// The last generation of its media hash list, below the folder.
    pub manifest: Option<PathBuf>,
    /// Why it takes nothing more, or has no manifest.
    pub problem: Option<String>,
    /// Copies that were the same when they were last read.
    pub verified: usize,
    /// Bytes of these.
    pub bytes: u64,
    /// When the first of them was last read, seconds since 1970 UTC.
    pub oldest: Option<i64>,
    /// How they were read, the least certain.
    pub how: Option<String>,
    /// Copies that are altered, missing, or were never made.
    pub bad: usize,
}

impl IngestPlace {
    /// Whether all that was proved there is in a manifest, which stands there.
    #[must_use]
    pub fn has_manifest(&self) -> bool {
        let manifest = self.manifest.as_ref();
        manifest.is_some_and(|manifest| self.folder.join(manifest).is_file())
    }
}

/// What is known of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CopyState {
    /// It was the same when it was last read.
    Verified,
    /// It holds something else.
    Altered,
    /// It is not there any more.
    Missing,
    /// It was never made.
    NotCopied,
    /// It was there, and could not be read.
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
    /// Whether it was the same when it was last read.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.state == CopyState::Verified
    }

    /// Whether its bytes came from its medium when it was last read, not from memory.
    #[must_use]
    pub fn is_read_back(&self) -> bool {
        let how = self.how.as_deref().and_then(How::from_name);
        how.is_some_and(How::is_from_medium)
    }
}

/// A file of a card, as it was when it was last listed or read there.
#[derive(Debug, Clone)]
pub struct Ingested {
    /// Its number.
    pub id: i64,
    /// Below the card's root.
    pub inside: PathBuf,
    /// Bytes.
    pub bytes: u64,
    /// Nanoseconds since 1970 UTC.
    pub modified: i64,
    /// Of the ingest's kind.
    pub digest: Option<Checksum>,
    /// For comparing with all other files of the catalogue.
    pub xxh128: Option<Checksum>,
    /// Fingerprint of its content, which samples it; `None` where none was taken.
    pub sample: Option<Fingerprint>,
    /// Why it could not be read.
    pub problem: Option<String>,
    /// Of each place, what is known of its copy there.
    pub copies: Vec<Option<CopyFound>>,
    /// Of each place, the number of the mount in which its copy was first read as it was last.
    pub sessions: Vec<Option<i64>>,
}

/// A copy in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyFound {
    /// What is known of it.
    pub state: CopyState,
    /// How it was read.
    pub how: Option<String>,
    /// When that was found, seconds since 1970 UTC.
    pub at: i64,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// What it looked like then, where it was read.
    pub stamp: Option<Stamp>,
}

/// Something that an ingest, or a later look at its copies, found out of one file. Files are given by their
/// numbers.
#[derive(Debug, Clone)]
pub enum Finding {
    /// What it hashes to, and its sample. Copies of another content are not copies of it any more.
    Hashed(i64, Checksum, Checksum, Option<Fingerprint>),
    /// Its sample, which earlier versions did not take.
    Sampled(i64, Fingerprint),
    /// Why it could not be read.
    Unread(i64, String),
    /// What is known of its copy at a place.
    Copy(i64, usize, CopyFound),
    /// What a later look at its copy at a place found, if the file is of that digest still.
    Seen(i64, usize, Checksum, CopyFound),
    /// What is wrong with its copy at a place, which is proved all the same.
    Remark(i64, usize, &'static str),
    /// Something is proved at a place of an ingest that no manifest there has yet.
    Unsealed(i64, usize),
}

impl Catalogue {
    /// The ingests that copied into that very folder, the latest first.
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

    /// The ingests of places on a volume: each with its number, its place's, and the place's path.
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

    /// Every file of a card that is in the log, in the order of paths.
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
        files.sort_by(|one, other| one.inside.cmp(&other.inside));
        Ok(files)
    }

    /// Every ingest, the latest first.
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

    /// One ingest, by its number.
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
        ingest.told.facts = self.unpack(Some(&facts)).unwrap_or_default();
        ingest.places = self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT p.place, p.volume, p.path, p.manifest, p.problem, v.identity, v.mount,
                            coalesce(v.name, v.label) AS label,
                            count(*) FILTER (WHERE c.state = 0) AS verified,
                            CAST(total(f.bytes) FILTER (WHERE c.state = 0) AS INTEGER) AS bytes,
                            min(c.at) FILTER (WHERE c.state = 0) AS oldest,
                            -- The least certain way.
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

/// What a copy looked like, from its bytes and the two columns behind them.
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
        told: NewIngest {
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
