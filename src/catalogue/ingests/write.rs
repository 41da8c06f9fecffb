//! Writes the ingest log.

use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, named_params, params};

use super::{Finding, NewIngest};
use crate::catalogue::files::stored;
use crate::catalogue::{Catalogue, unix_seconds};
use crate::error::{Error, Problem};
use crate::value::{Fingerprint, to_bytes};

impl Catalogue {
    /// Starts an ingest with these destinations, each given by the row id of a volume and a path on
    /// it. Returns the row id of the ingest.
    ///
    /// # Errors
    /// If the catalogue cannot be written.
    pub fn begin_ingest(
        &self,
        details: &NewIngest,
        places: &[(i64, PathBuf)],
    ) -> Result<i64, Error> {
        self.write_transaction(|| {
            let facts = self.pack(&details.facts)?;
            let id = self.check(|connection| {
                connection
                    .prepare_cached(
                        "INSERT INTO ingest (day, card, source, volume, inside, in_place, hash, author, begun, facts)
                         VALUES (:day, :card, :source, :volume, :inside, :in_place, :hash, :author, :begun, :facts) RETURNING id",
                    )?
                    .query_row(
                        named_params! {
                            ":day": details.day,
                            ":card": details.card,
                            ":source": to_bytes(details.source.as_os_str()),
                            ":volume": details.volume,
                            ":inside": to_bytes(details.inside.as_os_str()),
                            ":in_place": details.is_in_place,
                            ":hash": details.hash.name(),
                            ":author": details.author,
                            ":begun": unix_seconds(),
                            ":facts": facts,
                        },
                        |row| row.get(0),
                    )
            })?;
            self.add_places(id, places)?;
            Ok(id)
        })
    }

    /// Resumes an ingest with a new description, and adds new destinations. Returns the number of
    /// each destination.
    ///
    /// # Errors
    /// If the catalogue cannot be written.
    pub fn resume_ingest(
        &self,
        id: i64,
        details: &NewIngest,
        places: &[(i64, PathBuf)],
    ) -> Result<Vec<usize>, Error> {
        self.write_transaction(|| {
            let facts = self.pack(&details.facts)?;
            self.check(|connection| {
                connection
                    .prepare_cached(
                        "UPDATE ingest SET day = ?2, source = ?3, author = ?4, facts = ?5, ended = NULL, problems = NULL
                         WHERE id = ?1",
                    )?
                    .execute(params![
                        id,
                        details.day,
                        to_bytes(details.source.as_os_str()),
                        details.author,
                        facts
                    ])
            })?;
            self.add_places(id, places)
        })
    }

    fn add_places(&self, id: i64, places: &[(i64, PathBuf)]) -> Result<Vec<usize>, Error> {
        let mut numbers = Vec::new();
        for (volume, path) in places {
            let number: i64 = self.check(|connection| {
                let known = connection
                    .prepare_cached(
                        "UPDATE ingest_place SET problem = NULL WHERE ingest = ?1 AND volume = ?2 AND path = ?3
                         RETURNING place",
                    )?
                    .query_row(params![id, volume, to_bytes(path.as_os_str())], |row| {
                        row.get(0)
                    })
                    .optional()?;
                if let Some(known) = known {
                    return Ok(known);
                }
                connection
                    .prepare_cached(
                        "INSERT INTO ingest_place (ingest, place, volume, path)
                         SELECT ?1, coalesce(max(place) + 1, 0), ?2, ?3 FROM ingest_place WHERE ingest = ?1
                         RETURNING place",
                    )?
                    .query_row(params![id, volume, to_bytes(path.as_os_str())], |row| {
                        row.get(0)
                    })
            })?;
            numbers.push(usize::try_from(number).unwrap_or(0));
        }
        Ok(numbers)
    }

    /// Records the current files of a card. Unchanged files keep their hashes and copies, and files
    /// that no longer exist stay in the log. Returns the row ids.
    ///
    /// # Errors
    /// If the catalogue cannot be written.
    pub fn list_ingested<'a>(
        &self,
        ingest: i64,
        files: impl Iterator<Item = (&'a Path, u64, i64)>,
    ) -> Result<Vec<i64>, Error> {
        let mut numbers = Vec::new();
        self.write_transaction(|| {
            for (path, bytes, modified) in files {
                numbers.push(self.list_one(ingest, path, bytes, modified)?);
            }
            Ok(())
        })?;
        Ok(numbers)
    }

    fn list_one(&self, ingest: i64, path: &Path, bytes: u64, modified: i64) -> Result<i64, Error> {
        let row = params![ingest, to_bytes(path.as_os_str()), stored(bytes), modified];
        self.check(|connection| {
            let known: Option<(i64, bool)> = connection
                .prepare_cached(
                    "SELECT id, bytes = ?3 AND modified = ?4 FROM ingest_file WHERE ingest = ?1 AND path = ?2",
                )?
                .query_row(row, |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            match known {
                Some((id, true)) => Ok(id),
                Some((id, false)) => {
                    connection
                        .prepare_cached("DELETE FROM ingest_copy WHERE file = ?1")?
                        .execute([id])?;
                    connection
                        .prepare_cached(
                            "UPDATE ingest_file SET bytes = ?2, modified = ?3, digest = NULL, xxh128 = NULL,
                                    sample = NULL, problem = NULL WHERE id = ?1",
                        )?
                        .execute(params![id, stored(bytes), modified])?;
                    Ok(id)
                }
                None => connection
                    .prepare_cached(
                        "INSERT INTO ingest_file (ingest, path, bytes, modified) VALUES (?1, ?2, ?3, ?4) RETURNING id",
                    )?
                    .query_row(row, |row| row.get(0)),
            }
        })
    }

    /// Records findings in one transaction.
    ///
    /// # Errors
    /// If the catalogue cannot be written.
    pub fn record_findings(&self, findings: &[Finding]) -> Result<(), Error> {
        if findings.is_empty() {
            return Ok(());
        }
        self.write_transaction(|| {
            let mounted_set = self.record_mounted_set()?;
            let mut findings = findings.iter();
            findings.try_for_each(|finding| self.record_finding(finding, mounted_set))
        })
    }

    fn record_finding(&self, finding: &Finding, mounted_set: Option<i64>) -> Result<(), Error> {
        self.check(|connection| {
            match finding {
                Finding::Hashed(file, digest, xxh128, sample) => {
                    connection
                        .prepare_cached(
                            "DELETE FROM ingest_copy
                             WHERE file = ?1 AND (SELECT digest FROM ingest_file WHERE id = ?1) <> ?2",
                        )?
                        .execute(params![file, digest.bytes()])?;
                    connection
                        .prepare_cached(
                            "UPDATE ingest_file SET digest = ?2, xxh128 = ?3, sample = ?4, problem = NULL WHERE id = ?1",
                        )?
                        .execute(params![
                            file,
                            digest.bytes(),
                            xxh128.bytes(),
                            sample.map(Fingerprint::to_bytes)
                        ])
                }
                Finding::Sampled(file, sample) => connection
                    .prepare_cached("UPDATE ingest_file SET sample = ?2 WHERE id = ?1")?
                    .execute(params![file, sample.to_bytes()]),
                Finding::Unread(file, problem) => connection
                    .prepare_cached("UPDATE ingest_file SET problem = ?2 WHERE id = ?1")?
                    .execute(params![file, problem]),
                Finding::Copy(file, place, copied) => connection
                    .prepare_cached(
                        "INSERT OR REPLACE INTO ingest_copy
                             (file, place, state, how, at, problem, modified, changed, mounted_set, session, formats)
                         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, v.session, v.formats FROM ingest_file f
                         JOIN ingest_place p ON p.ingest = f.ingest AND p.place = ?2
                         JOIN volume v ON v.id = p.volume WHERE f.id = ?1",
                    )?
                    .execute(params![
                        file,
                        i64::try_from(*place).unwrap_or(i64::MAX),
                        copied.state.number(),
                        copied.how,
                        copied.at,
                        copied.problem,
                        copied.stamp.map(|stamp| stamp.modified),
                        copied.stamp.and_then(|stamp| stamp.changed),
                        mounted_set
                    ]),
                Finding::Rechecked(file, place, digest, rechecked) => connection
                    .prepare_cached(
                        "UPDATE ingest_copy SET state = ?4, how = ?5, at = ?6, problem = ?7, modified = ?8, changed = ?9,
                                mounted_set = ?10, formats = v.formats,
                                session = CASE WHEN ingest_copy.session IS NOT NULL AND ingest_copy.modified IS ?8
                                                    AND ingest_copy.changed IS ?9
                                    THEN ingest_copy.session ELSE v.session END
                         FROM ingest_file f JOIN ingest_place p ON p.ingest = f.ingest AND p.place = ?2
                         JOIN volume v ON v.id = p.volume
                         WHERE file = ?1 AND ingest_copy.place = ?2 AND f.id = ?1 AND f.digest = ?3",
                    )?
                    .execute(params![
                        file,
                        i64::try_from(*place).unwrap_or(i64::MAX),
                        digest.bytes(),
                        rechecked.state.number(),
                        rechecked.how,
                        rechecked.at,
                        rechecked.problem,
                        rechecked.stamp.map(|stamp| stamp.modified),
                        rechecked.stamp.and_then(|stamp| stamp.changed),
                        mounted_set
                    ]),
                Finding::Remark(file, place, problem) => connection
                    .prepare_cached(
                        "UPDATE ingest_copy SET problem = ?3 WHERE file = ?1 AND place = ?2",
                    )?
                    .execute(params![
                        file,
                        i64::try_from(*place).unwrap_or(i64::MAX),
                        problem
                    ]),
                Finding::Unsealed(ingest, place) => connection
                    .prepare_cached(
                        "UPDATE ingest_place SET manifest = NULL WHERE ingest = ?1 AND place = ?2",
                    )?
                    .execute(params![ingest, i64::try_from(*place).unwrap_or(i64::MAX)]),
            }
            .map(drop)
        })
    }

    /// Records the manifest of a destination, or the reason why there is none.
    ///
    /// # Errors
    /// If the catalogue cannot be written.
    pub fn record_destination(
        &self,
        ingest: i64,
        place: usize,
        manifest: Option<&Path>,
        problem: Option<&str>,
    ) -> Result<(), Error> {
        let manifest = manifest.map(|path| to_bytes(path.as_os_str()));
        self.write_transaction(|| {
            self.check(|connection| {
                connection
                    .prepare_cached(
                        "UPDATE ingest_place SET manifest = coalesce(?3, manifest), problem = ?4
                         WHERE ingest = ?1 AND place = ?2",
                    )?
                    .execute(params![
                        ingest,
                        i64::try_from(place).unwrap_or(i64::MAX),
                        manifest,
                        problem
                    ])
            })
        })?;
        Ok(())
    }

    /// Records the end of an ingest with its problems.
    ///
    /// # Errors
    /// If the catalogue cannot be written.
    pub fn end_ingest(&self, ingest: i64, problems: &[Problem]) -> Result<(), Error> {
        let reasons: Vec<(String, &str)> = problems
            .iter()
            .map(|problem| {
                let path = problem.path.to_string_lossy().into_owned();
                (path, problem.reason.as_str())
            })
            .collect();
        let json = serde_json::to_string(&reasons).unwrap_or_default();
        self.write_transaction(|| {
            self.check(|connection| {
                connection
                    .prepare_cached("UPDATE ingest SET ended = ?2, problems = ?3 WHERE id = ?1")?
                    .execute(params![ingest, unix_seconds(), json])
            })
        })?;
        Ok(())
    }
}
