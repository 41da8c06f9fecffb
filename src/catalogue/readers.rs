//! Versions of the readers that produced facts, and the clips whose facts are stale.
//!
//! Facts are stale if an older version of a reader produced them. Nothing records that a clip is
//! stale: it follows from the stored version, so a newer program finds its work by itself.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::Catalogue;
use crate::error::Error;
use crate::media::{HeaderReader, POSTER_VERSION};
use crate::sidecar;
use crate::tag;
use crate::value::ReaderLabel;

/// Clip whose facts or poster an older version made, with a file on a mounted volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StaleClip {
    /// Row id of the clip.
    pub clip: i64,
    /// Row id of the file to read.
    pub file: i64,
    /// Row id of the file's folder.
    pub folder: i64,
    /// Row id of the file's volume.
    pub volume: i64,
}

/// Clips with stale facts that have at least one file that is not missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StaleFacts {
    /// Number of stale clips.
    pub clips: usize,
    /// Volumes with stale clips. A clip with files on several volumes counts on each of them.
    pub volumes: Vec<StaleVolume>,
}

/// Volume with stale clips.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleVolume {
    /// Name given by the user, otherwise the label.
    pub label: String,
    /// True if the volume is mounted, so that a scan can read the clips again.
    pub is_mounted: bool,
    /// Number of stale clips on the volume.
    pub clips: usize,
}

/// Counts of stale clips, as stored in the catalogue.
#[derive(Debug, Serialize, Deserialize)]
struct StaleCount {
    /// State of the catalogue to which the counts belong.
    key: String,
    clips: usize,
    /// Number of stale clips by row id of the volume.
    volumes: BTreeMap<i64, usize>,
}

/// Key of [`StaleCount`] in the `meta` table.
const COUNTED: &str = "stale-facts";

/// Returns true if the label names an older version of a reader. Labels that only a newer program
/// knows are not outdated, so that an older program does not replace its facts.
pub(super) fn is_outdated(label: &str) -> bool {
    ReaderLabel::parse(label).is_some_and(|label| HeaderReader::is_outdated(&label))
        || sidecar::is_outdated(label)
        || tag::is_outdated(label)
}

/// Joins ids to an SQL list.
fn list(ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    ids.join(", ")
}

impl Catalogue {
    /// Returns the row id of a reader version, which is added if it is missing.
    pub(super) fn reader_id(&self, label: &str) -> Result<i64, Error> {
        self.check(|connection| {
            let id = connection
                .prepare_cached("SELECT id FROM reader WHERE label = ?1")?
                .query_row([label], |row| row.get(0))
                .optional()?;
            if let Some(id) = id {
                return Ok(id);
            }
            connection
                .prepare_cached("INSERT INTO reader (label) VALUES (?1) RETURNING id")?
                .query_row([label], |row| row.get(0))
        })
    }

    /// Returns the row ids of the outdated reader versions, and 0 for the unknown one.
    pub(super) fn stale_readers(&self) -> Result<Vec<i64>, Error> {
        let readers: Vec<(i64, String)> = self.check(|connection| {
            connection
                .prepare_cached("SELECT id, label FROM reader ORDER BY id")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })?;
        let stale = readers.into_iter().filter(|(_, label)| is_outdated(label));
        Ok(std::iter::once(0).chain(stale.map(|(id, _)| id)).collect())
    }

    /// Returns the clips on mounted volumes whose facts an older version of a reader produced, newest
    /// first, up to `limit`. Includes clips whose poster follows older rules, if `with_posters`.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn stale_clips(&self, limit: usize, with_posters: bool) -> Result<Vec<StaleClip>, Error> {
        let mounted = self.mounted()?;
        if mounted.is_empty() {
            return Ok(Vec::new());
        }
        let mounted = list(&mounted);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let stale = list(&self.stale_readers()?);
        let columns = "f.clip AS clip, min(f.id) AS file, f.dir AS folder, d.volume AS volume";
        let readable = format!(
            "f.role = 0 AND NOT f.was AND (f.state = 0 OR (f.state = 1 AND NOT f.is_unread))
             AND d.volume IN ({mounted})"
        );
        // CROSS JOIN and the indexes make SQLite start with the few stale clips, not with all clips
        // or with the mounted volumes.
        let files = "CROSS JOIN file f ON f.clip = c.id CROSS JOIN dir d ON d.id = f.dir";
        self.check(|connection| {
            connection
                .prepare(&format!(
                    "SELECT {columns} FROM clip c INDEXED BY clip_reader {files}
                     WHERE c.facts IS NOT NULL AND c.reader IN ({stale}) AND {readable}
                     GROUP BY c.id
                     UNION
                     SELECT {columns} FROM clip c INDEXED BY clip_poster_version {files}
                     WHERE ?3 AND c.has_poster AND c.poster_version < ?1 AND {readable}
                     GROUP BY c.id
                     UNION
                     SELECT {columns} FROM file f INDEXED BY file_sidecar_reader
                            CROSS JOIN dir d ON d.id = f.dir
                     WHERE f.sidecar_reader IN ({stale}) AND {readable}
                     GROUP BY f.id
                     ORDER BY clip DESC, file LIMIT ?2"
                ))?
                .query_map(params![POSTER_VERSION, limit, with_posters], |row| {
                    Ok(StaleClip {
                        clip: row.get("clip")?,
                        file: row.get("file")?,
                        folder: row.get("folder")?,
                        volume: row.get("volume")?,
                    })
                })?
                .collect()
        })
    }

    /// Counts the clips whose facts an older version of a reader produced, by volume. Stores the
    /// counts until something changes, because counting takes a second per million stale clips.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn stale_facts(&self) -> Result<StaleFacts, Error> {
        let stale = list(&self.stale_readers()?);
        let (clips, sidecars): (i64, i64) = self.check(|connection| {
            connection.query_row(
                &format!(
                    "SELECT (SELECT count(*) FROM clip
                             WHERE facts IS NOT NULL AND reader IN ({stale})),
                            (SELECT count(*) FROM file WHERE sidecar_reader IN ({stale}))"
                ),
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })?;
        if (clips, sidecars) == (0, 0) {
            return Ok(StaleFacts::default());
        }
        let key = format!("{} {clips} {sidecars} {stale}", self.seq()?);
        let stored = self.meta_value(COUNTED)?;
        let stored: Option<StaleCount> = stored.and_then(|json| serde_json::from_str(&json).ok());
        let count = if let Some(count) = stored.filter(|stored| stored.key == key) {
            count
        } else {
            let count = self.count_stale(key, &stale)?;
            // A catalogue that cannot be written is counted each time.
            let json = serde_json::to_string(&count).unwrap_or_default();
            let _ = self.set_meta(COUNTED, &json);
            count
        };
        self.with_labels(count)
    }

    /// Counts the stale clips that have a file that is not missing.
    fn count_stale(&self, key: String, stale: &str) -> Result<StaleCount, Error> {
        let mut volumes: BTreeMap<i64, usize> = BTreeMap::new();
        let mut clips = 0;
        self.check(|connection| {
            let mut statement = connection.prepare(&format!(
                "SELECT f.clip, d.volume FROM clip c CROSS JOIN file f ON f.clip = c.id
                        CROSS JOIN dir d ON d.id = f.dir
                 WHERE c.facts IS NOT NULL AND c.reader IN ({stale})
                       AND f.role = 0 AND NOT f.was AND f.state <> 2
                 UNION
                 SELECT f.clip, d.volume FROM file f CROSS JOIN dir d ON d.id = f.dir
                 WHERE f.sidecar_reader IN ({stale}) AND f.clip IS NOT NULL
                       AND f.role = 0 AND NOT f.was AND f.state <> 2
                 ORDER BY 1"
            ))?;
            let mut rows = statement.query([])?;
            let mut last = None;
            while let Some(row) = rows.next()? {
                let clip: i64 = row.get(0)?;
                clips += usize::from(last.replace(clip) != Some(clip));
                *volumes.entry(row.get(1)?).or_default() += 1;
            }
            Ok(())
        })?;
        Ok(StaleCount {
            key,
            clips,
            volumes,
        })
    }

    /// Adds the names and mount states of the volumes.
    fn with_labels(&self, count: StaleCount) -> Result<StaleFacts, Error> {
        let mut volumes = Vec::new();
        for (id, clips) in count.volumes {
            let (identity, label): (String, String) = self.check(|connection| {
                connection
                    .prepare_cached(
                        "SELECT identity, coalesce(name, label) FROM volume WHERE id = ?1",
                    )?
                    .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
            })?;
            volumes.push(StaleVolume {
                label,
                is_mounted: self.volumes.mount_of(&identity).is_some(),
                clips,
            });
        }
        volumes.sort_by(|a, b| b.clips.cmp(&a.clips).then_with(|| a.label.cmp(&b.label)));
        Ok(StaleFacts {
            clips: count.clips,
            volumes,
        })
    }

    /// Returns the row ids of the folders whose files were tagged by older rules.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn folders_with_stale_rules(&self) -> Result<Vec<i64>, Error> {
        let stale = list(&self.stale_readers()?);
        self.check(|connection| {
            connection
                .prepare(&format!(
                    "SELECT id FROM dir WHERE rules IN ({stale}) ORDER BY id DESC"
                ))?
                .query_map([], |row| row.get(0))?
                .collect()
        })
    }

    /// Records that the current rules were applied to the files of these folders.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn record_rules(&self, folders: &[i64]) -> Result<(), Error> {
        self.write_transaction(|| {
            let rules = self.reader_id(tag::rules_label())?;
            self.check(|connection| {
                let mut statement =
                    connection.prepare_cached("UPDATE dir SET rules = ?2 WHERE id = ?1")?;
                for folder in folders {
                    statement.execute([*folder, rules])?;
                }
                Ok(())
            })
        })
    }
}
