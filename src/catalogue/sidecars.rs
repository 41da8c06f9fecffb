//! Records of sidecars that btsindex wrote.

use std::path::Path;

use rusqlite::params;

use super::files::stored;
use super::{Catalogue, WholeHash};
use crate::error::Error;
use crate::footage::FoundFile;
use crate::value::Fingerprint;

impl Catalogue {
    /// Records a sidecar that btsindex wrote for the file at `inside`, a path on a volume. So a scan
    /// treats the sidecar as unchanged and does not read the original again.
    ///
    /// # Errors
    /// If the catalogue cannot be written.
    pub fn record_written_sidecar(
        &self,
        volume: i64,
        inside: &Path,
        found: &FoundFile,
        digest: Fingerprint,
    ) -> Result<(), Error> {
        let folder = inside.parent().unwrap_or(Path::new(""));
        let Some(folder) = self.find_folder(volume, folder)? else {
            return Ok(());
        };
        let Some(original) = inside
            .file_name()
            .map(|name| self.file_id(folder, name))
            .transpose()?
            .flatten()
        else {
            return Ok(());
        };
        self.write_transaction(|| {
            let recorded = self.file_id(folder, &found.name)?;
            let file = match recorded {
                Some(file) => file,
                None => self.add_companion(folder, found, original)?,
            };
            self.check(|connection| {
                connection
                    .prepare_cached(
                        "UPDATE file SET bytes = ?2, modified = ?3, changed = ?4, inode = ?5, role = 3, state = 0,
                                is_unread = 0, original = ?6
                         WHERE id = ?1",
                    )?
                    .execute(params![
                        file,
                        stored(found.bytes),
                        found.modified,
                        found.changed,
                        found.inode,
                        original
                    ])
            })?;
            let hash = WholeHash {
                digest,
                at: super::unix_seconds(),
                how: None,
                changed: found.changed,
            };
            self.record_digest(file, found.bytes, found.modified, &hash, None)
        })
    }

    /// Adds a sidecar without queueing its original for reading.
    fn add_companion(&self, folder: i64, found: &FoundFile, original: i64) -> Result<i64, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO file (dir, name, bytes, modified, role, is_unread, original, since)
                     VALUES (?1, ?2, ?3, ?4, 3, 0, ?5, ?6) RETURNING id",
                )?
                .query_row(
                    params![
                        folder,
                        crate::value::to_bytes(&found.name),
                        stored(found.bytes),
                        found.modified,
                        original,
                        super::unix_seconds()
                    ],
                    |row| row.get(0),
                )
        })
    }

    /// Returns the row ids of all clips with edits.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn clips_with_edits(&self) -> Result<Vec<i64>, Error> {
        self.check(|connection| {
            connection
                .prepare(
                    "SELECT id FROM clip WHERE fingerprint IN (SELECT DISTINCT clip FROM edit) ORDER BY id",
                )?
                .query_map([], |row| row.get(0))?
                .collect()
        })
    }
}
