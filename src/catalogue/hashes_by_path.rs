//! Full hashes recorded by path, from the ingest log and from scans. Given a full hash, finds every
//! path where it was ever recorded, with all hashes recorded for that path.
//!
//! The `safe` module uses these records to decide if a card may be formatted.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, Row, params};

use super::Catalogue;
use super::files::{loaded, stored};
use super::ingests::{CopyState, stamp_of};
use super::volumes::FORGOTTEN;
use crate::checksum::{Checksum, HashKind};
use crate::error::Error;
use crate::offload::ReadMethod;
use crate::source_file::Stamp;
use crate::value::{Fingerprint, from_bytes, to_bytes};

/// Path where a file with a requested full hash was once found.
#[derive(Debug, Clone)]
pub struct RecordedPath {
    /// Row id of the volume.
    pub volume: i64,
    /// Path relative to the root of the volume.
    pub path: PathBuf,
    /// Destination folder of an ingest that contains the path; `None` for files found by scans only.
    pub root: Option<PathBuf>,
    /// All full hashes recorded for the path, of any content.
    pub records: Vec<HashRecord>,
    /// File as the last scan found it; `None` if no scan found it.
    pub listed: Option<ScannedFile>,
}

/// Full hash recorded for a path.
#[derive(Debug, Clone)]
pub struct HashRecord {
    /// Xxh128 hash of the content.
    pub content: Fingerprint,
    /// Size of the content in bytes.
    pub bytes: u64,
    /// Size and times of the file when it was hashed; `None` if they were not recorded.
    pub stamp: Option<Stamp>,
    /// State of the copy.
    pub state: CopyState,
    /// Time of the record, seconds since 1970 UTC.
    pub at: i64,
    /// Kind of hash with which the copy was verified.
    pub by: HashKind,
    /// Read method; `None` if it was not recorded.
    pub how: Option<ReadMethod>,
    /// Number of the mount in which the file was first found in this state.
    pub session: Option<i64>,
    /// Row id of the set of volumes mounted while it was read; `None` if it was not recorded.
    pub mounted_set: Option<i64>,
    /// Number of times that the volume had been formatted at the time of the record.
    pub formats: i64,
    /// Copy in the ingest log; `None` for a hash recorded by a scan.
    pub logged: Option<LoggedCopy>,
}

/// Size and times of a file when it was read, and the mount in which it was first read with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EarlierRead {
    /// Number of the mount.
    pub session: i64,
    /// Size and times.
    pub stamp: Stamp,
}

impl EarlierRead {
    /// Returns true if the file was read before mount `session` and its stamp is unchanged.
    fn is_before(&self, session: i64, stamp: &Stamp) -> bool {
        self.session < session && self.stamp == *stamp
    }
}

/// Returns the read method of a file, considering earlier reads.
///
/// A read that the filesystem's cache may have answered counts as read from the medium if the file
/// was already unchanged in an earlier mount. This holds only if unmounting empties that cache:
/// `session` is then the number of the mount, otherwise `None`.
pub fn how_read(
    how: ReadMethod,
    stamp: &Stamp,
    session: Option<i64>,
    earlier: impl IntoIterator<Item = EarlierRead>,
) -> ReadMethod {
    let is_before = |session| {
        let mut earlier = earlier.into_iter();
        earlier.any(|earlier: EarlierRead| earlier.is_before(session, stamp))
    };
    if how == ReadMethod::Cached && session.is_some_and(is_before) {
        ReadMethod::Remounted
    } else {
        how
    }
}

/// Copy in the ingest log.
#[derive(Debug, Clone)]
pub struct LoggedCopy {
    /// Row id of the file in the log.
    pub file: i64,
    /// Number of the destination.
    pub place: usize,
    /// Hash of the file, of the ingest's kind.
    pub digest: Option<Checksum>,
    /// Problem with the copy. A verified copy may have one that does not affect its content.
    pub problem: Option<String>,
}

impl HashRecord {
    /// Returns the size and times of the file with the mount in which it was first read with them;
    /// `None` if they were not recorded.
    #[must_use]
    pub fn earlier(&self) -> Option<EarlierRead> {
        let (session, stamp) = self.session.zip(self.stamp)?;
        Some(EarlierRead { session, stamp })
    }
}

/// File as the last scan found it.
#[derive(Debug, Clone, Copy)]
pub struct ScannedFile {
    /// Size in bytes.
    pub bytes: u64,
    /// Modification time, nanoseconds since 1970 UTC.
    pub modified: i64,
    /// True if the scan no longer found it.
    pub is_missing: bool,
}

/// Destinations on a volume: row id of the ingest, number of the destination, and path.
type Places = Vec<(i64, usize, PathBuf)>;

impl Catalogue {
    /// Returns every path where files with these full hashes and sizes were found, from one
    /// snapshot. Omits forgotten volumes.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn recorded_paths(
        &self,
        contents: &BTreeSet<(Fingerprint, u64)>,
    ) -> Result<BTreeMap<(Fingerprint, u64), Vec<RecordedPath>>, Error> {
        self.read_snapshot(|| {
            let mut places = HashMap::new();
            let mut all = BTreeMap::new();
            for content in contents {
                let mut paths: BTreeSet<(i64, PathBuf)> = BTreeSet::new();
                self.copied_to(*content, &mut paths)?;
                self.hashed_at(*content, &mut paths)?;
                let records = paths
                    .into_iter()
                    .map(|(volume, path)| self.records_of_path(volume, path, &mut places));
                all.insert(*content, records.collect::<Result<_, Error>>()?);
            }
            Ok(all)
        })
    }

    /// Returns the row ids of the ingests of a card, latest last. The card is given by the identity
    /// of its volume and its root on the volume.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn ingests_of_card(&self, volume: &str, inside: &Path) -> Result<Vec<i64>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT id FROM ingest WHERE volume = ?1 AND inside = ?2 AND NOT in_place ORDER BY id",
                )?
                .query_map(params![volume, to_bytes(inside.as_os_str())], |row| {
                    row.get(0)
                })?
                .collect()
        })
    }

    /// Adds the paths to which ingests copied the content, whatever the state of the copies.
    fn copied_to(
        &self,
        (content, bytes): (Fingerprint, u64),
        paths: &mut BTreeSet<(i64, PathBuf)>,
    ) -> Result<(), Error> {
        self.check(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT p.volume, p.path, f.path FROM ingest_file f
                 JOIN ingest_copy c ON c.file = f.id AND c.state <> ?3
                 JOIN ingest_place p ON p.ingest = f.ingest AND p.place = c.place
                 JOIN volume v ON v.id = p.volume
                 WHERE f.xxh128 = ?1 AND f.bytes = ?2 AND substr(v.identity, 1, length(?4)) <> ?4",
            )?;
            let not_copied = CopyState::NotCopied.number();
            let mut rows = statement.query(params![
                content.to_bytes(),
                stored(bytes),
                not_copied,
                FORGOTTEN
            ])?;
            while let Some(row) = rows.next()? {
                let root = PathBuf::from(from_bytes(row.get(1)?));
                let inside = PathBuf::from(from_bytes(row.get(2)?));
                paths.insert((row.get(0)?, root.join(inside)));
            }
            Ok(())
        })
    }

    /// Adds the paths of scanned files with this hash.
    fn hashed_at(
        &self,
        (content, bytes): (Fingerprint, u64),
        paths: &mut BTreeSet<(i64, PathBuf)>,
    ) -> Result<(), Error> {
        self.check(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT d.volume, d.path, f.name FROM hash h JOIN file f ON f.id = h.file JOIN dir d ON d.id = f.dir
                 WHERE h.digest = ?1 AND h.kind = 'xxh128' AND h.bytes = ?2 AND h.bytes = f.bytes
                       AND h.modified = f.modified AND NOT f.was AND f.frames IS NULL",
            )?;
            let mut rows = statement.query(params![content.to_bytes(), stored(bytes)])?;
            while let Some(row) = rows.next()? {
                let folder = PathBuf::from(from_bytes(row.get(1)?));
                paths.insert((row.get(0)?, folder.join(from_bytes(row.get(2)?))));
            }
            Ok(())
        })
    }

    /// Returns all records of a path.
    fn records_of_path(
        &self,
        volume: i64,
        path: PathBuf,
        places: &mut HashMap<i64, Places>,
    ) -> Result<RecordedPath, Error> {
        let places = match places.entry(volume) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(self.ingests_on(volume)?),
        };
        let mut recorded = RecordedPath {
            volume,
            root: None,
            records: Vec::new(),
            listed: None,
            path,
        };
        for (ingest, place, root) in places.iter() {
            if let Ok(inside) = recorded.path.strip_prefix(root)
                && let Some(record) = self.record_of_log(*ingest, *place, inside)?
            {
                recorded.records.push(record);
                recorded.root = Some(root.clone());
            }
        }
        self.add_scan_records(&mut recorded)?;
        Ok(recorded)
    }

    fn record_of_log(
        &self,
        ingest: i64,
        place: usize,
        inside: &Path,
    ) -> Result<Option<HashRecord>, Error> {
        let number = i64::try_from(place).unwrap_or(i64::MAX);
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT f.id, f.digest, f.xxh128, i.hash, c.state, c.how, c.at, c.problem, f.bytes, c.modified,
                            c.changed, c.session, c.mounted_set, c.formats
                     FROM ingest_file f JOIN ingest i ON i.id = f.ingest
                          JOIN ingest_copy c ON c.file = f.id AND c.place = ?3
                     WHERE f.ingest = ?1 AND f.path = ?2 AND f.xxh128 IS NOT NULL",
                )?
                .query_row(
                    params![ingest, to_bytes(inside.as_os_str()), number],
                    |row| log_row(row, place),
                )
                .optional()
        })
    }

    /// Adds the file as the last scan found it, with its recorded hash if the file is unchanged.
    fn add_scan_records(&self, recorded: &mut RecordedPath) -> Result<(), Error> {
        let (Some(folder), Some(name)) = (recorded.path.parent(), recorded.path.file_name()) else {
            return Ok(());
        };
        let Some(folder) = self.find_folder(recorded.volume, folder)? else {
            return Ok(());
        };
        let row = self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT f.bytes, f.modified, f.state = 2, h.digest, h.at, h.how, h.changed, h.session,
                            h.mounted_set, h.formats
                     FROM file f LEFT JOIN hash h ON h.file = f.id AND h.kind = 'xxh128'
                          AND h.bytes = f.bytes AND h.modified = f.modified
                          AND NOT f.is_unread AND f.frames IS NULL
                     WHERE f.dir = ?1 AND f.name = ?2 AND NOT f.was",
                )?
                .query_row(params![folder, to_bytes(name)], |row| {
                    let listed = ScannedFile {
                        bytes: loaded(row.get(0)?),
                        modified: row.get(1)?,
                        is_missing: row.get(2)?,
                    };
                    let digest: Option<[u8; 16]> = row.get(3)?;
                    let digest = digest.map(Fingerprint::from_bytes);
                    let record = digest.map(|digest| hash_row(row, digest, listed));
                    Ok((listed, record.transpose()?))
                })
                .optional()
        })?;
        let Some((listed, hash)) = row else {
            return Ok(());
        };
        recorded.listed = Some(listed);
        recorded.records.extend(hash);
        Ok(())
    }
}

/// Converts a row with the hash of a scanned file.
fn hash_row(
    row: &Row<'_>,
    content: Fingerprint,
    listed: ScannedFile,
) -> rusqlite::Result<HashRecord> {
    let how: Option<String> = row.get(5)?;
    Ok(HashRecord {
        content,
        bytes: listed.bytes,
        stamp: Some(Stamp {
            bytes: listed.bytes,
            modified: listed.modified,
            changed: row.get(6)?,
        }),
        state: CopyState::Verified,
        at: row.get(4)?,
        by: HashKind::Xxh128,
        how: how.and_then(|name| ReadMethod::from_name(&name)),
        session: row.get(7)?,
        mounted_set: row.get(8)?,
        formats: row.get(9)?,
        logged: None,
    })
}

/// Converts a row with a copy in the ingest log.
fn log_row(row: &Row<'_>, place: usize) -> rusqlite::Result<HashRecord> {
    let by: String = row.get(3)?;
    let by = HashKind::from_name(&by).unwrap_or(HashKind::Xxh128);
    let digest: Option<Vec<u8>> = row.get(1)?;
    let how: Option<String> = row.get(5)?;
    Ok(HashRecord {
        content: Fingerprint::from_bytes(row.get(2)?),
        bytes: loaded(row.get(8)?),
        stamp: stamp_of(row, 8)?,
        state: CopyState::from_number(row.get(4)?),
        at: row.get(6)?,
        by,
        how: how.and_then(|name| ReadMethod::from_name(&name)),
        session: row.get(11)?,
        mounted_set: row.get(12)?,
        formats: row.get(13)?,
        logged: Some(LoggedCopy {
            file: row.get(0)?,
            place,
            digest: digest.and_then(|bytes| Checksum::from_bytes(by, &bytes)),
            problem: row.get(7)?,
        }),
    })
}
