//! Versions of the readers that produced facts, and the clips whose facts are stale.
//!
//! Facts are stale if an older version of a reader produced them. Nothing records that a clip is
//! stale: it follows from the stored version, so a newer program finds its work by itself.

use rusqlite::{OptionalExtension, params};

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

    /// Returns the clips on mounted volumes whose facts or poster an older version made, newest
    /// first, up to `limit`.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn stale_clips(&self, limit: usize) -> Result<Vec<StaleClip>, Error> {
        let mounted = list(&self.mounted_volume_ids()?);
        let stale = list(&self.stale_readers()?);
        let columns = "f.clip AS clip, min(f.id) AS file, f.dir AS folder, d.volume AS volume";
        let readable = format!(
            "f.role = 0 AND NOT f.was AND (f.state = 0 OR (f.state = 1 AND NOT f.is_unread))
             AND d.volume IN ({mounted})"
        );
        self.check(|connection| {
            connection
                .prepare(&format!(
                    "SELECT {columns} FROM clip c JOIN file f ON f.clip = c.id
                            JOIN dir d ON d.id = f.dir
                     WHERE c.facts IS NOT NULL AND c.reader IN ({stale}) AND {readable}
                     GROUP BY c.id
                     UNION
                     SELECT {columns} FROM clip c JOIN file f ON f.clip = c.id
                            JOIN dir d ON d.id = f.dir
                     WHERE c.has_poster AND c.poster_version < ?1 AND {readable}
                     GROUP BY c.id
                     UNION
                     SELECT {columns} FROM file f JOIN dir d ON d.id = f.dir
                     WHERE f.sidecar_reader IN ({stale}) AND {readable}
                     GROUP BY f.id
                     ORDER BY clip DESC, file LIMIT ?2"
                ))?
                .query_map(
                    params![POSTER_VERSION, i64::try_from(limit).unwrap_or(i64::MAX)],
                    |row| {
                        Ok(StaleClip {
                            clip: row.get("clip")?,
                            file: row.get("file")?,
                            folder: row.get("folder")?,
                            volume: row.get("volume")?,
                        })
                    },
                )?
                .collect()
        })
    }

    /// Counts the clips whose facts an older version of a reader produced, by volume.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn stale_facts(&self) -> Result<StaleFacts, Error> {
        let stale = list(&self.stale_readers()?);
        let stale_files = format!(
            "SELECT f.clip AS clip, d.volume AS volume
             FROM clip c JOIN file f ON f.clip = c.id JOIN dir d ON d.id = f.dir
             WHERE c.facts IS NOT NULL AND c.reader IN ({stale})
                   AND f.role = 0 AND NOT f.was AND f.state <> 2
             UNION
             SELECT f.clip, d.volume FROM file f JOIN dir d ON d.id = f.dir
             WHERE f.sidecar_reader IN ({stale}) AND f.clip IS NOT NULL
                   AND f.role = 0 AND NOT f.was AND f.state <> 2"
        );
        let count = |row: &rusqlite::Row<'_>, column| -> rusqlite::Result<usize> {
            Ok(usize::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
        };
        self.check(|connection| {
            let clips = connection
                .prepare(&format!("SELECT count(DISTINCT clip) FROM ({stale_files})"))?
                .query_row([], |row| count(row, 0))?;
            let volumes = connection
                .prepare(&format!(
                    "SELECT v.identity, coalesce(v.name, v.label), count(*)
                     FROM ({stale_files}) s JOIN volume v ON v.id = s.volume
                     GROUP BY v.id ORDER BY 3 DESC, 2"
                ))?
                .query_map([], |row| {
                    let identity: String = row.get(0)?;
                    Ok(StaleVolume {
                        label: row.get(1)?,
                        is_mounted: self.volumes.mount_of(&identity).is_some(),
                        clips: count(row, 2)?,
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            Ok(StaleFacts { clips, volumes })
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

    /// Returns the row ids of the mounted volumes.
    fn mounted_volume_ids(&self) -> Result<Vec<i64>, Error> {
        let volumes: Vec<(i64, String)> = self.check(|connection| {
            connection
                .prepare_cached("SELECT id, identity FROM volume ORDER BY id")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })?;
        let mounted = volumes
            .into_iter()
            .filter(|(_, identity)| self.volumes.mount_of(identity).is_some());
        Ok(mounted.map(|(id, _)| id).collect())
    }
}
