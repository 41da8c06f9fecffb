//! Queue of posters and filmstrips to create, and records of the results.
//!
//! Pictures are files outside the database and not part of the index, so a new picture does not
//! change the clip's `seq`. A failure does, because the problem is a fact of the clip.

use std::collections::HashSet;
use std::path::PathBuf;

use rusqlite::{OptionalExtension, params};

use super::Catalogue;
use super::files::loaded;
use crate::clip::{Fact, Source};
use crate::error::Error;
use crate::media::{POSTER_VERSION, ThumbnailKind, ThumbnailPlan};
use crate::value::Fingerprint;

/// Queued clip, with a file from which its pictures can be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingPictures {
    /// Row id of the clip.
    pub clip: i64,
    /// Row id of one of its files that is present in a requested folder.
    pub file: i64,
    /// Row id of the file's volume.
    pub volume: i64,
    /// Hash of the decoder settings: clips with equal recipes can be decoded together. `None` if
    /// ffmpeg has to open the file itself.
    pub recipe: Option<i64>,
}

/// Everything needed to create the pictures of a clip.
#[derive(Debug, Clone)]
pub struct PictureJob {
    /// Row id of the clip.
    pub clip: i64,
    /// Fingerprint of the content, which names the picture files.
    pub fingerprint: Fingerprint,
    /// Current path of the file.
    pub path: PathBuf,
    /// Size in bytes when the file was read; total of all frames for an image sequence.
    pub bytes: u64,
    /// Modification time when the file was read, nanoseconds since 1970 UTC.
    pub modified: i64,
    /// True for an image sequence.
    pub is_sequence: bool,
    /// Plan for the pictures; `None` if the stored plan is damaged or of another version.
    pub plan: Option<ThumbnailPlan>,
}

fn number(work: ThumbnailKind) -> i64 {
    match work {
        ThumbnailKind::Poster => 0,
        ThumbnailKind::Strip => 1,
    }
}

impl Catalogue {
    /// Adds pictures of a clip to the queue.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub(super) fn queue_pictures(
        &self,
        clip: i64,
        work: ThumbnailKind,
        plan: &ThumbnailPlan,
    ) -> Result<(), Error> {
        let json = serde_json::to_string(plan).map_err(|error| Error::Record {
            path: self.folder.join(super::FILE),
            source: std::io::Error::other(error),
        })?;
        let recipe = plan.recipe(work).map(u64::cast_signed);
        self.check(|connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO picture (clip, work, recipe, plan) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![clip, number(work), recipe, json])
        })?;
        Ok(())
    }

    /// Returns the queued clips with a file in one of `folders`, grouped by recipe, in the order in
    /// which files were found. Skips a clip if the tool that failed on it has not been updated
    /// since.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn pending_pictures(
        &self,
        work: ThumbnailKind,
        folders: &HashSet<i64>,
        is_current: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<PendingPictures>, Error> {
        self.check(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT p.clip, p.recipe, f.id, f.dir, p.failed_with, d.volume
                 FROM picture p JOIN file f ON f.clip = p.clip JOIN dir d ON d.id = f.dir
                 WHERE p.work = ?1 AND f.state = 0 AND NOT f.is_unread AND NOT f.was
                 ORDER BY p.recipe IS NULL, p.recipe, p.clip, f.id",
            )?;
            let mut rows = statement.query([number(work)])?;
            let mut pending: Vec<PendingPictures> = Vec::new();
            while let Some(row) = rows.next()? {
                let found = PendingPictures {
                    clip: row.get(0)?,
                    recipe: row.get(1)?,
                    file: row.get(2)?,
                    volume: row.get(5)?,
                };
                let failed_with: Option<String> = row.get(4)?;
                if failed_with.is_some_and(|tool| is_current(&tool)) {
                    continue;
                }
                let is_duplicate = pending.last().is_some_and(|last| last.clip == found.clip);
                if !is_duplicate && folders.contains(&row.get(3)?) {
                    pending.push(found);
                }
            }
            Ok(pending)
        })
    }

    /// Returns the job for a queued clip; `None` if it is no longer queued.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn picture_job(&self, pending: PendingPictures) -> Result<Option<PictureJob>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT p.plan, c.fingerprint, f.name, f.read_bytes, f.read_modified, f.frames,
                            d.path, v.mount, v.identity
                     FROM picture p JOIN clip c ON c.id = p.clip JOIN file f ON f.clip = c.id
                          JOIN dir d ON d.id = f.dir JOIN volume v ON v.id = d.volume
                     WHERE p.clip = ?1 AND f.id = ?2 AND c.fingerprint IS NOT NULL",
                )?
                .query_row(params![pending.clip, pending.file], |row| {
                    let plan: String = row.get("plan")?;
                    Ok(PictureJob {
                        clip: pending.clip,
                        fingerprint: Fingerprint::from_bytes(row.get("fingerprint")?),
                        path: self.location(row)?.path,
                        bytes: loaded(row.get::<_, Option<i64>>("read_bytes")?.unwrap_or(0)),
                        modified: row.get::<_, Option<i64>>("read_modified")?.unwrap_or(0),
                        is_sequence: row.get::<_, Option<String>>("frames")?.is_some(),
                        plan: ThumbnailPlan::from_json(&plan),
                    })
                })
                .optional()
        })
    }

    /// Deletes the plan of a clip and queues its files for reading, which creates a new plan.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn replan_pictures(&self, clip: i64) -> Result<(), Error> {
        self.dequeue_pictures(clip)?;
        self.check(|connection| {
            connection
                .prepare_cached(
                    "UPDATE file SET is_unread = 1
                     WHERE clip = ?1 AND role = 0 AND state = 0 AND NOT was",
                )?
                .execute([clip])
        })?;
        Ok(())
    }

    /// Records that a clip has its poster, and queues its filmstrip.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn record_poster(&self, clip: i64, next: &ThumbnailPlan) -> Result<(), Error> {
        self.queue_pictures(clip, ThumbnailKind::Strip, next)?;
        self.check(|connection| {
            connection
                .prepare_cached(
                    "UPDATE clip SET has_poster = 1, poster_version = ?2 WHERE id = ?1",
                )?
                .execute(params![clip, POSTER_VERSION])
        })?;
        Ok(())
    }

    /// Records that a clip has a filmstrip of `pictures` frames; 0 if no frame can be shown.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn record_strip(&self, clip: i64, pictures: usize) -> Result<(), Error> {
        self.dequeue_pictures(clip)?;
        self.check(|connection| {
            connection
                .prepare_cached("UPDATE clip SET strip = ?2 WHERE id = ?1")?
                .execute(params![clip, i64::try_from(pictures).unwrap_or(0)])
        })?;
        Ok(())
    }

    /// Records the tool that failed to create a filmstrip. A scan with another version tries again.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn record_strip_failure(&self, clip: i64, failed_with: &str) -> Result<(), Error> {
        self.check(|connection| {
            connection
                .prepare_cached("UPDATE picture SET failed_with = ?2 WHERE clip = ?1")?
                .execute([&clip as &dyn rusqlite::ToSql, &failed_with])
        })?;
        Ok(())
    }

    /// Records the reason why no picture of a clip could be decoded, and the tool that failed.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn record_picture_failure(
        &self,
        clip: i64,
        reason: &str,
        source: &Source,
        failed_with: &str,
    ) -> Result<(), Error> {
        self.dequeue_pictures(clip)?;
        let facts: Option<Vec<u8>> = self.check(|connection| {
            connection
                .prepare_cached("SELECT facts FROM clip WHERE id = ?1")?
                .query_row([clip], |row| row.get(0))
        })?;
        let mut facts = self.unpack(facts.as_ref()).unwrap_or_default();
        facts.problem = Some(Fact::new(reason.to_owned(), source.clone()));
        let facts = self.pack(&facts)?;
        self.check(|connection| {
            connection
                .prepare_cached(
                    "UPDATE clip SET facts = ?2, failed_with = ?3, poster_version = ?4
                     WHERE id = ?1",
                )?
                .execute(params![clip, facts, failed_with, POSTER_VERSION])
        })?;
        self.touch(clip)
    }

    /// Removes a clip from the queue.
    fn dequeue_pictures(&self, clip: i64) -> Result<(), Error> {
        self.check(|connection| {
            connection
                .prepare_cached("DELETE FROM picture WHERE clip = ?1")?
                .execute([clip])
        })?;
        Ok(())
    }
}
