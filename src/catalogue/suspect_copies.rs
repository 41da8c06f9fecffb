//! Marks verified copies and hashes as suspect when a file is found missing or changed, so that
//! `safe` does not count them while their drive is unmounted.

use std::path::{Path, PathBuf};

use rusqlite::params;

use super::ingests::CopyState;
use super::{Catalogue, unix_seconds};
use crate::error::Error;
use crate::source_file::canonical;
use crate::value::{from_bytes, to_bytes};

impl Catalogue {
    /// Records within the open transaction that a file changed since it was verified. This does not
    /// affect search results.
    ///
    /// # Errors
    /// If `SQLite` fails, or there is no such file.
    pub fn mark_file_suspect(&self, file: i64) -> Result<(), Error> {
        let (volume, folder, name) = self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT d.volume, d.path, f.name FROM file f JOIN dir d ON d.id = f.dir WHERE f.id = ?1",
                )?
                .query_row([file], |row| {
                    let folder = PathBuf::from(from_bytes(row.get(1)?));
                    let name: Vec<u8> = row.get(2)?;
                    Ok((row.get(0)?, folder, name))
                })
        })?;
        let path = folder.join(from_bytes(name));
        for (ingest, place, root) in self.ingests_on(volume)? {
            let Ok(inside) = path.strip_prefix(&root) else {
                continue;
            };
            self.check(|connection| {
                connection
                    .prepare_cached(
                        "UPDATE ingest_copy SET state = ?4, at = ?5
                         WHERE place = ?2 AND state = 0
                               AND file = (SELECT id FROM ingest_file WHERE ingest = ?1 AND path = ?3)",
                    )?
                    .execute(params![
                        ingest,
                        i64::try_from(place).unwrap_or(i64::MAX),
                        to_bytes(inside.as_os_str()),
                        CopyState::Missing.number(),
                        unix_seconds()
                    ])
            })?;
        }
        self.mark_hash_suspect(file)
    }

    /// Records that the copies in a folder are missing if the folder does not exist, although its
    /// volume is mounted.
    ///
    /// # Errors
    /// If `SQLite` fails, or the catalogue cannot be written.
    pub fn mark_missing_if_gone(&self, folder: &Path) -> Result<(), Error> {
        let folder = std::path::absolute(folder).map_err(Error::path(folder))?;
        let existing = folder.ancestors().find_map(|parent| {
            let real = canonical(parent).ok()?;
            Some((real, folder.strip_prefix(parent).ok()?))
        });
        let Some((real, rest)) = existing.filter(|(_, rest)| !rest.as_os_str().is_empty()) else {
            return Ok(());
        };
        let (volume, inside) = self.volumes().locate(&real);
        match self.volume_id(&volume.identity)? {
            Some(number) => self.mark_missing_below(number, &inside.join(rest)),
            None => Ok(()),
        }
    }

    /// Records that all copies at or below a folder of a volume are missing.
    ///
    /// # Errors
    /// If `SQLite` fails, or the catalogue cannot be written.
    pub fn mark_missing_below(&self, volume: i64, folder: &Path) -> Result<(), Error> {
        self.write_transaction(|| {
            for (ingest, place, root) in self.ingests_on(volume)? {
                if !root.starts_with(folder) && !folder.starts_with(&root) {
                    continue;
                }
                let place = i64::try_from(place).unwrap_or(i64::MAX);
                let files: Vec<(i64, PathBuf)> = self.check(|connection| {
                    connection
                        .prepare_cached("SELECT id, path FROM ingest_file WHERE ingest = ?1")?
                        .query_map([ingest], |row| {
                            Ok((row.get(0)?, PathBuf::from(from_bytes(row.get(1)?))))
                        })?
                        .collect()
                })?;
                let below = files
                    .iter()
                    .filter(|(_, path)| root.join(path).starts_with(folder));
                for (file, _) in below {
                    self.check(|connection| {
                        connection
                            .prepare_cached(
                                "UPDATE ingest_copy SET state = ?3, at = ?4
                                 WHERE file = ?1 AND place = ?2 AND state = 0",
                            )?
                            .execute(params![
                                file,
                                place,
                                CopyState::Missing.number(),
                                unix_seconds()
                            ])
                    })?;
                }
            }
            for (dir, _) in self.known_folders(volume, folder)? {
                self.check(|connection| {
                    connection
                        .prepare_cached(
                            "UPDATE hash SET how = NULL WHERE file IN (SELECT id FROM file WHERE dir = ?1)",
                        )?
                        .execute([dir])
                })?;
            }
            Ok(())
        })
    }

    /// Records that the files at these paths of a volume changed since they were hashed.
    ///
    /// # Errors
    /// If `SQLite` fails, or the catalogue cannot be written.
    pub fn mark_hashes_suspect(&self, volume: i64, paths: &[&Path]) -> Result<(), Error> {
        self.write_transaction(|| {
            for path in paths {
                let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
                    continue;
                };
                let Some(folder) = self.find_folder(volume, folder)? else {
                    continue;
                };
                self.check(|connection| {
                    connection
                        .prepare_cached(
                            "UPDATE hash SET how = NULL
                             WHERE file IN (SELECT id FROM file WHERE dir = ?1 AND name = ?2 AND NOT was)",
                        )?
                        .execute(params![folder, to_bytes(name)])
                })?;
            }
            Ok(())
        })
    }

    fn mark_hash_suspect(&self, file: i64) -> Result<(), Error> {
        self.check(|connection| {
            connection
                .prepare_cached("UPDATE hash SET how = NULL WHERE file = ?1")?
                .execute([file])
        })?;
        Ok(())
    }
}
