//! What reading a file found out, written so that one content is one clip.

use rusqlite::{OptionalExtension, params};

use super::files::state_number;
use super::{Catalogue, unix_seconds};
use crate::clip::{Clip, Fact, FileState, Source};
use crate::error::Error;
use crate::footage::Identity;
use crate::media::{ThumbnailKind, ThumbnailPlan};
use crate::value::Fingerprint;

/// The fingerprint's version: docs/identity.md.
pub(super) const ALGORITHM: u32 = 1;

/// What one file gave.
#[derive(Debug)]
pub struct Reading {
    /// The file's number.
    pub file: i64,
    /// The numbers of the content; `None` of an empty file, or one that cannot be opened.
    pub identity: Option<Identity>,
    /// What its name, place and sidecars say.
    pub file_facts: Clip,
    /// What the content said.
    pub outcome: Outcome,
}

/// What reading came to.
#[derive(Debug)]
pub enum Outcome {
    /// The content is known already; nothing was probed, unless pictures are to be made anew.
    Recognised {
        /// The pictures that are to be made of it.
        pictures: Option<Wanted>,
    },
    /// The facts are these.
    Read {
        /// What the content says.
        facts: Box<Clip>,
        /// The pictures that are to be made of it.
        pictures: Option<Wanted>,
    },
    /// The content could not be understood.
    Failed {
        /// Facts that hold nothing but the problem.
        facts: Box<Clip>,
        /// The tool that failed; another version tries again.
        failed_with: String,
    },
    /// The file could not even be opened or read through, which may pass: all that is known of
    /// it stays, with the problem beside it, and the next scan tries again.
    Unopened {
        /// What the system said.
        reason: String,
    },
}

/// Pictures that are to be made.
#[derive(Debug)]
pub struct Wanted {
    /// Which of them first.
    pub work: ThumbnailKind,
    /// All that making them takes.
    pub plan: Box<ThumbnailPlan>,
}

/// A content that was read before.
#[derive(Debug)]
pub struct KnownContent {
    /// Whether it has, or should have, a poster.
    pub has_poster: bool,
    /// Pictures in its strip; `None` until one was tried.
    pub strip: Option<u32>,
    /// Whether pictures of it wait to be made.
    pub is_waiting: bool,
    /// What it says.
    pub facts: Box<Clip>,
}

/// A content's numbers as the catalogue keeps them.
fn numbers(identity: Identity) -> [Option<[u8; 16]>; 2] {
    [Some(identity.now), identity.former].map(|number| number.map(Fingerprint::to_bytes))
}

/// What the catalogue has a file hold, before it was read.
struct Own {
    id: i64,
    fingerprint: Option<[u8; 16]>,
    /// Files that hold it.
    files: i64,
}

/// The row of a content.
struct Content {
    id: i64,
    is_readable: bool,
}

impl Catalogue {
    /// What is known of a content, unless the tool that failed at it is no longer current: then
    /// another version may know better.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn content_known(
        &self,
        identity: Identity,
        is_current: &dyn Fn(&str) -> bool,
    ) -> Result<Option<KnownContent>, Error> {
        let row: Option<(Option<String>, Vec<u8>, KnownContent)> = self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT failed_with, facts, has_poster, strip,
                            EXISTS (SELECT 1 FROM picture p WHERE p.clip = c.id) AS is_waiting
                     FROM clip c WHERE (fingerprint = ?1 OR fingerprint = ?2 AND algorithm = 0)
                       AND facts IS NOT NULL ORDER BY algorithm DESC LIMIT 1",
                )?
                .query_row(numbers(identity), |row| {
                    let content = KnownContent {
                        has_poster: row.get("has_poster")?,
                        strip: row.get("strip")?,
                        is_waiting: row.get("is_waiting")?,
                        facts: Box::default(),
                    };
                    Ok((row.get(0)?, row.get(1)?, content))
                })
                .optional()
        })?;
        let Some((failed_with, facts, content)) = row else {
            return Ok(None);
        };
        let is_settled = failed_with.is_none_or(|tool| is_current(&tool));
        // A damaged record is read anew.
        let facts = self.unpack(Some(&facts)).ok().filter(|_| is_settled);
        Ok(facts.map(|facts| KnownContent {
            facts: Box::new(facts),
            ..content
        }))
    }

    /// Writes what reading a file found out.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn record(&self, reading: &Reading) -> Result<(), Error> {
        let clip = if matches!(reading.outcome, Outcome::Unopened { .. }) {
            self.clip_of(reading.file)?
        } else {
            self.renumber(reading.identity)?;
            self.clip_for(reading.file, reading.identity.map(|identity| identity.now))?
        };
        self.record_content(clip.id, &reading.outcome)?;
        let is_opened = !matches!(reading.outcome, Outcome::Unopened { .. });
        let (state, is_unread) = match &reading.outcome {
            Outcome::Unopened { .. } => (FileState::Unreadable, true),
            Outcome::Failed { .. } => (FileState::Unreadable, false),
            Outcome::Recognised { .. } if !clip.is_readable => (FileState::Unreadable, false),
            Outcome::Recognised { .. } | Outcome::Read { .. } => (FileState::Present, false),
        };
        let facts = match &reading.outcome {
            Outcome::Unopened { reason } => self.with_problem(reading.file, reason)?,
            _ => self.pack(&reading.file_facts)?,
        };
        self.check(|connection| {
            connection
                .prepare_cached(
                    "UPDATE file SET clip = ?2, state = ?3, is_unread = ?4, facts = ?5,
                            read_bytes = CASE WHEN ?6 THEN bytes ELSE read_bytes END,
                            read_modified = CASE WHEN ?6 THEN modified ELSE read_modified END
                     WHERE id = ?1",
                )?
                .execute(params![
                    reading.file,
                    clip.id,
                    state_number(state),
                    is_unread,
                    facts,
                    is_opened
                ])
        })?;
        self.touch(clip.id)
    }

    /// The clip of that content: the known one, this file's own stub, or a new one.
    fn clip_for(&self, file: i64, fingerprint: Option<Fingerprint>) -> Result<Content, Error> {
        let bytes = fingerprint.map(Fingerprint::to_bytes);
        let own = self.own_content(file)?;
        if own.fingerprint == bytes {
            return self.content(own.id);
        }
        let known: Option<i64> = self.check(|connection| {
            connection
                .prepare_cached("SELECT id FROM clip WHERE fingerprint = ?1")?
                .query_row([bytes], |row| row.get(0))
                .optional()
        })?;
        if own.fingerprint.is_some() {
            self.leave_behind(file, &own)?;
        }
        if let Some(known) = known {
            self.set_clip(file, Some(known))?;
            self.take_back(file, known)?;
            self.touch(own.id)?;
            return self.content(known);
        }
        let is_own_stub = own.fingerprint.is_none() && own.files == 1;
        let clip = if is_own_stub {
            own.id
        } else {
            let stub = self.add_stub()?;
            self.set_clip(file, Some(stub))?;
            self.touch(own.id)?;
            stub
        };
        self.check(|connection| {
            connection
                .prepare_cached("UPDATE clip SET fingerprint = ?2, algorithm = ?3 WHERE id = ?1")?
                .execute(params![clip, bytes, ALGORITHM])
        })?;
        self.content(clip)
    }

    /// Has a content that an older version numbered otherwise go by its number of now, with all
    /// its files, and all that is known of it.
    fn renumber(&self, identity: Option<Identity>) -> Result<(), Error> {
        let Some((identity, former)) = identity.and_then(|it| Some((it, it.former?))) else {
            return Ok(());
        };
        let former: Option<i64> = self.check(|connection| {
            connection
                .prepare_cached("SELECT id FROM clip WHERE fingerprint = ?1 AND algorithm = 0")?
                .query_row([former.to_bytes()], |row| row.get(0))
                .optional()
        })?;
        let Some(former) = former else {
            return Ok(());
        };
        let numbered = self.check(|connection| {
            connection
                .prepare_cached(
                    "UPDATE OR IGNORE clip SET fingerprint = ?2, algorithm = ?3 WHERE id = ?1",
                )?
                .execute(params![former, identity.now.to_bytes(), ALGORITHM])
        })?;
        if numbered == 0 {
            // Its number of now was given already: the two are one.
            self.check(|connection| {
                connection
                    .prepare_cached(
                        "UPDATE file SET clip = (SELECT id FROM clip WHERE fingerprint = ?2) WHERE clip = ?1",
                    )?
                    .execute(params![former, identity.now.to_bytes()])
            })?;
        }
        self.touch(former)
    }

    /// What the catalogue has a file hold.
    fn own_content(&self, file: i64) -> Result<Own, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT c.id, c.fingerprint, (SELECT count(*) FROM file o WHERE o.clip = c.id)
                     FROM file f JOIN clip c ON c.id = f.clip WHERE f.id = ?1",
                )?
                .query_row([file], |row| {
                    Ok(Own {
                        id: row.get(0)?,
                        fingerprint: row.get(1)?,
                        files: row.get(2)?,
                    })
                })
        })
    }

    /// A file's own facts as they are, and that it could not be opened.
    fn with_problem(&self, file: i64, reason: &str) -> Result<Vec<u8>, Error> {
        let facts: Option<Vec<u8>> = self.check(|connection| {
            connection
                .prepare_cached("SELECT facts FROM file WHERE id = ?1")?
                .query_row([file], |row| row.get(0))
        })?;
        let mut facts = self.unpack(facts.as_ref()).unwrap_or_default();
        facts.problem = Some(Fact::new(reason.to_owned(), Source::DISK));
        self.pack(&facts)
    }

    /// Remembers the content that stood in a file's place; where it is nowhere else, a row is
    /// kept for it: it is missing, and found as such. Not for what was never readable, such as
    /// half a copy, nor for an image sequence, which changes with every frame that comes in.
    fn leave_behind(&self, file: i64, own: &Own) -> Result<(), Error> {
        self.check(|connection| {
            connection
                .prepare_cached("UPDATE file SET former = ?2, since = ?3 WHERE id = ?1")?
                .execute(params![file, own.id, unix_seconds()])
        })?;
        if own.files > 1 {
            return Ok(());
        }
        self.check(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO file (dir, name, bytes, modified, role, state, frames, clip, facts, was)
                     SELECT f.dir, f.name, coalesce(f.read_bytes, f.bytes),
                            coalesce(f.read_modified, f.modified), f.role, 2, NULL, f.clip, f.facts, 1
                     FROM file f JOIN clip c ON c.id = f.clip
                     WHERE f.id = ?1 AND c.is_readable AND f.frames IS NULL",
                )?
                .execute([file])
        })?;
        Ok(())
    }

    /// The content that once stood in a file's place stands there again.
    fn take_back(&self, file: i64, clip: i64) -> Result<(), Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "DELETE FROM file WHERE was AND clip = ?2
                     AND (dir, name) = (SELECT dir, name FROM file WHERE id = ?1)",
                )?
                .execute([file, clip])
        })?;
        Ok(())
    }

    /// The clip that the catalogue has a file hold, whatever it holds now.
    fn clip_of(&self, file: i64) -> Result<Content, Error> {
        let id = self.check(|connection| {
            connection
                .prepare_cached("SELECT clip FROM file WHERE id = ?1")?
                .query_row([file], |row| row.get(0))
        })?;
        self.content(id)
    }

    fn content(&self, id: i64) -> Result<Content, Error> {
        self.check(|connection| {
            connection
                .prepare_cached("SELECT is_readable FROM clip WHERE id = ?1")?
                .query_row([id], |row| {
                    Ok(Content {
                        id,
                        is_readable: row.get(0)?,
                    })
                })
        })
    }

    fn record_content(&self, clip: i64, outcome: &Outcome) -> Result<(), Error> {
        let (facts, is_readable, failed_with) = match outcome {
            Outcome::Recognised { pictures } => return self.record_wanted(clip, pictures.as_ref()),
            Outcome::Unopened { .. } => return Ok(()),
            Outcome::Read { facts, .. } => (facts, true, None),
            Outcome::Failed { facts, failed_with } => (facts, false, Some(failed_with)),
        };
        let duration = facts.duration.as_ref();
        let duration = duration.map(|fact| super::files::stored(fact.value.as_micros()));
        let facts = self.pack(facts)?;
        // A failure never takes the place of facts that were read.
        self.check(|connection| {
            connection
                .prepare_cached(
                    "UPDATE clip SET facts = ?2, is_readable = ?3, failed_with = ?4, duration = ?5
                     WHERE id = ?1 AND (?3 OR facts IS NULL OR NOT is_readable)",
                )?
                .execute(params![clip, facts, is_readable, failed_with, duration])
        })?;
        match outcome {
            Outcome::Read { pictures, .. } => self.record_wanted(clip, pictures.as_ref()),
            _ => Ok(()),
        }
    }

    fn record_wanted(&self, clip: i64, wanted: Option<&Wanted>) -> Result<(), Error> {
        wanted.map_or(Ok(()), |wanted| {
            self.want_pictures(clip, wanted.work, &wanted.plan)
        })
    }
}
