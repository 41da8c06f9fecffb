//! Reads the verified copies in the ingest log page by page, because a scan checks all of them and
//! must not load them at once.

use std::path::{Path, PathBuf};

use rusqlite::params;

use super::super::Catalogue;
use super::stamp_of;
use crate::checksum::{Checksum, HashKind};
use crate::error::Error;
use crate::source_file::Stamp;
use crate::value::{from_bytes, to_bytes};

/// Copy that was verified when it was last read.
#[derive(Debug, Clone)]
pub struct VerifiedCopy {
    /// Row id of the file in the log.
    pub file: i64,
    /// Path relative to the destination.
    pub inside: PathBuf,
    /// Size and times when it was read; `None` if they were not recorded.
    pub stamp: Option<Stamp>,
    /// Hash of the file, of the ingest's kind; `None` if the record is damaged.
    pub digest: Option<Checksum>,
}

impl Catalogue {
    /// Returns one page: up to `limit` verified copies at a destination, sorted by path, starting
    /// after the path `after`. The destination is given by the ingest's row id and its number.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn verified_copies(
        &self,
        (ingest, place): (i64, usize),
        after: &Path,
        limit: usize,
    ) -> Result<Vec<VerifiedCopy>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT f.id, f.path, f.digest, i.hash, f.bytes, c.modified, c.changed
                     FROM ingest_file f JOIN ingest i ON i.id = f.ingest
                          JOIN ingest_copy c ON c.file = f.id AND c.place = ?2
                     WHERE f.ingest = ?1 AND f.path > ?3 AND c.state = 0 AND f.digest IS NOT NULL
                     ORDER BY f.path LIMIT ?4",
                )?
                .query_map(
                    params![
                        ingest,
                        i64::try_from(place).unwrap_or(i64::MAX),
                        to_bytes(after.as_os_str()),
                        i64::try_from(limit).unwrap_or(i64::MAX)
                    ],
                    |row| {
                        let digest: Vec<u8> = row.get(2)?;
                        let hash: String = row.get(3)?;
                        let kind = HashKind::from_name(&hash).unwrap_or(HashKind::Xxh128);
                        Ok(VerifiedCopy {
                            file: row.get(0)?,
                            inside: PathBuf::from(from_bytes(row.get(1)?)),
                            stamp: stamp_of(row, 4)?,
                            digest: Checksum::from_bytes(kind, &digest),
                        })
                    },
                )?
                .collect()
        })
    }
}
