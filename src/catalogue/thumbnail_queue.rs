//! Pictures that wait to be made, and what became of them.
//!
//! A picture is a file beside the catalogue and nothing that a view shows of a clip, so
//! making one takes no seq; failing to does, for the problem is a fact.

use std::collections::HashSet;
use std::path::PathBuf;

use rusqlite::{OptionalExtension, params};

use super::Catalogue;
use super::files::loaded;
use crate::clip::{Fact, Source};
use crate::error::Error;
use crate::media::{ThumbnailKind, ThumbnailPlan};
use crate::value::Fingerprint;

/// A clip that waits for pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// The clip's number.
    pub clip: i64,
    /// One of its files, present in a folder that was asked about.
    pub file: i64,
    /// The volume that file is on.
    pub volume: i64,
    /// Equal ones can be decoded together; `None`: ffmpeg opens the file itself.
    pub recipe: Option<i64>,
}

/// Everything that making its pictures takes.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The clip's number.
    pub clip: i64,
    /// Its content, after which its pictures are named.
    pub fingerprint: Fingerprint,
    /// Where the file is now.
    pub path: PathBuf,
    /// Bytes when it was read,
    pub bytes: u64,
    /// and modification time; of an image sequence, those of all frames.
    pub modified: i64,
    /// Whether it is an image sequence.
    pub is_sequence: bool,
    /// What to make; `None` when the plan is damaged or of another version.
    pub plan: Option<ThumbnailPlan>,
}

fn number(work: ThumbnailKind) -> i64 {
    match work {
        ThumbnailKind::Poster => 0,
        ThumbnailKind::Strip => 1,
    }
}

impl Catalogue {
    /// Has pictures made of a clip, later.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub(super) fn want_pictures(
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

    /// The clips that wait for such pictures and have a file in one of `folders`: those that
    /// share a decoder together, each group in the order in which files were found. Left out
    /// are those at which a tool failed that still is current.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn pending(
        &self,
        work: ThumbnailKind,
        folders: &HashSet<i64>,
        is_current: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<Pending>, Error> {
        self.check(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT p.clip, p.recipe, f.id, f.dir, p.failed_with, d.volume
                 FROM picture p JOIN file f ON f.clip = p.clip JOIN dir d ON d.id = f.dir
                 WHERE p.work = ?1 AND f.state = 0 AND NOT f.is_unread AND NOT f.was
                 ORDER BY p.recipe IS NULL, p.recipe, p.clip, f.id",
            )?;
            let mut rows = statement.query([number(work)])?;
            let mut pending: Vec<Pending> = Vec::new();
            while let Some(row) = rows.next()? {
                let found = Pending {
                    clip: row.get(0)?,
                    recipe: row.get(1)?,
                    file: row.get(2)?,
                    volume: row.get(5)?,
                };
                let failed_with: Option<String> = row.get(4)?;
                if failed_with.is_some_and(|tool| is_current(&tool)) {
                    continue;
                }
                let is_again = pending.last().is_some_and(|last| last.clip == found.clip);
                if !is_again && folders.contains(&row.get(3)?) {
                    pending.push(found);
                }
            }
            Ok(pending)
        })
    }

    /// Everything about a clip that waits; `None` when it does not any more.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn waiting(&self, pending: Pending) -> Result<Option<Waiting>, Error> {
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
                    Ok(Waiting {
                        clip: pending.clip,
                        fingerprint: Fingerprint::from_bytes(row.get("fingerprint")?),
                        path: self.place(row)?.path,
                        bytes: loaded(row.get::<_, Option<i64>>("read_bytes")?.unwrap_or(0)),
                        modified: row.get::<_, Option<i64>>("read_modified")?.unwrap_or(0),
                        is_sequence: row.get::<_, Option<String>>("frames")?.is_some(),
                        plan: ThumbnailPlan::from_json(&plan),
                    })
                })
                .optional()
        })
    }

    /// Gives up a clip's plan and has its files read again, which makes another.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn plan_again(&self, clip: i64) -> Result<(), Error> {
        self.forget_pictures(clip)?;
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

    /// Notes that a clip has its poster, and what is to be made of it next.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn poster_made(&self, clip: i64, next: &ThumbnailPlan) -> Result<(), Error> {
        self.want_pictures(clip, ThumbnailKind::Strip, next)?;
        self.check(|connection| {
            connection
                .prepare_cached("UPDATE clip SET has_poster = 1 WHERE id = ?1")?
                .execute([clip])
        })?;
        Ok(())
    }

    /// Notes that a clip has a strip of so many pictures; 0: there are none to show.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn strip_made(&self, clip: i64, pictures: usize) -> Result<(), Error> {
        self.forget_pictures(clip)?;
        self.check(|connection| {
            connection
                .prepare_cached("UPDATE clip SET strip = ?2 WHERE id = ?1")?
                .execute(params![clip, i64::try_from(pictures).unwrap_or(0)])
        })?;
        Ok(())
    }

    /// Notes the tool that could not make a clip's strip; its plan waits for another version.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn strip_failed(&self, clip: i64, failed_with: &str) -> Result<(), Error> {
        self.check(|connection| {
            connection
                .prepare_cached("UPDATE picture SET failed_with = ?2 WHERE clip = ?1")?
                .execute([&clip as &dyn rusqlite::ToSql, &failed_with])
        })?;
        Ok(())
    }

    /// Notes why no picture of a clip could be decoded, and by which tool.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn picture_failed(
        &self,
        clip: i64,
        reason: &str,
        source: &Source,
        failed_with: &str,
    ) -> Result<(), Error> {
        self.forget_pictures(clip)?;
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
                .prepare_cached("UPDATE clip SET facts = ?2, failed_with = ?3 WHERE id = ?1")?
                .execute(params![clip, facts, failed_with])
        })?;
        self.touch(clip)
    }

    /// Nothing more is to be made of a clip for now.
    fn forget_pictures(&self, clip: i64) -> Result<(), Error> {
        self.check(|connection| {
            connection
                .prepare_cached("DELETE FROM picture WHERE clip = ?1")?
                .execute([clip])
        })?;
        Ok(())
    }
}
