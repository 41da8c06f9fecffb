//! Records the results of reading files. Files with equal content become one clip.

use rusqlite::{OptionalExtension, params};

use super::files::state_number;
use super::readers::is_outdated;
use super::{Catalogue, unix_seconds};
use crate::clip::{Clip, Fact, FileState, Source};
use crate::error::Error;
use crate::media::{POSTER_VERSION, ThumbnailKind, ThumbnailPlan};
use crate::value::{Fingerprint, ReaderLabel};

/// Result of reading a file.
#[derive(Debug)]
pub struct Reading {
    /// Row id of the file.
    pub file: i64,
    /// Fingerprint of the content; `None` for a file that is empty or cannot be opened.
    pub fingerprint: Option<Fingerprint>,
    /// Facts from its name, location and sidecars.
    pub file_facts: Clip,
    /// Names and versions of the readers of its sidecars; `None` if it has none.
    pub sidecar_readers: Option<String>,
    /// Result of reading the content.
    pub outcome: ReadOutcome,
}

/// Result of reading the content of a file.
#[derive(Debug)]
pub enum ReadOutcome {
    /// The content is already in the catalogue. It was probed only if its pictures have to be
    /// created again.
    Recognised {
        /// Pictures to create.
        pictures: Option<PictureRequest>,
    },
    /// The content was read.
    Read {
        /// Facts of the content.
        facts: Box<Clip>,
        /// Reader that produced the facts.
        reader: ReaderLabel<'static>,
        /// Pictures to create.
        pictures: Option<PictureRequest>,
    },
    /// The content could not be parsed.
    Failed {
        /// Facts that contain only the problem.
        facts: Box<Clip>,
        /// Last reader that was tried.
        reader: ReaderLabel<'static>,
        /// Tool that failed, with its version. A scan with another version tries again.
        failed_with: String,
    },
    /// The file could not be opened or read, perhaps only temporarily. The recorded facts are kept,
    /// with the problem added, and the next scan tries again.
    Unopened {
        /// Error reported by the operating system.
        reason: String,
    },
}

/// Pictures to create.
#[derive(Debug, PartialEq)]
pub struct PictureRequest {
    /// First picture to create.
    pub work: ThumbnailKind,
    /// Plan for creating the pictures.
    pub plan: Box<ThumbnailPlan>,
}

/// Content that is already in the catalogue.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the flags are independent")]
pub struct KnownContent {
    /// Fingerprint of the content.
    pub fingerprint: Fingerprint,
    /// True if the clip has or should have a poster.
    pub has_poster: bool,
    /// Frames in its filmstrip; `None` before the first attempt.
    pub strip: Option<u32>,
    /// True if the clip's pictures are queued.
    pub is_queued: bool,
    /// True if an older version of a reader produced the facts.
    pub is_stale: bool,
    /// True if older rules chose the poster.
    pub is_poster_stale: bool,
    /// Facts of the content.
    pub facts: Box<Clip>,
}

/// Content recorded for a file before the current reading.
struct RecordedContent {
    id: i64,
    fingerprint: Option<[u8; 16]>,
    /// Number of files with this content.
    files: i64,
}

/// Clip in the catalogue, as needed to record a result.
struct ContentRow {
    id: i64,
    is_readable: bool,
    /// Stored facts; `None` if the content was not read yet.
    facts: Option<Vec<u8>>,
}

/// File in the catalogue, as needed to detect changes.
#[derive(PartialEq)]
struct RecordedFile {
    clip: Option<i64>,
    state: i64,
    facts: Option<Vec<u8>>,
}

impl Catalogue {
    /// Returns the recorded content with this fingerprint; `None` if the content must be read. This
    /// includes content on which a tool failed that is no longer current, because another version
    /// may succeed.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn known_content(
        &self,
        fingerprint: Fingerprint,
        is_current: &dyn Fn(&str) -> bool,
    ) -> Result<Option<KnownContent>, Error> {
        let row: Option<(Option<String>, Vec<u8>, KnownContent)> = self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT failed_with, facts, has_poster, strip, poster_version, label,
                            EXISTS (SELECT 1 FROM picture p WHERE p.clip = c.id) AS is_queued
                     FROM clip c LEFT JOIN reader r ON r.id = c.reader
                     WHERE fingerprint = ?1 AND facts IS NOT NULL",
                )?
                .query_row([fingerprint.to_bytes()], |row| {
                    let failed_with: Option<String> = row.get("failed_with")?;
                    let reader: Option<String> = row.get("label")?;
                    let content = KnownContent {
                        fingerprint,
                        has_poster: row.get("has_poster")?,
                        strip: row.get("strip")?,
                        is_queued: row.get("is_queued")?,
                        is_stale: reader.is_none_or(|reader| is_outdated(&reader)),
                        is_poster_stale: row.get::<_, u32>("poster_version")? < POSTER_VERSION,
                        facts: Box::default(),
                    };
                    Ok((failed_with, row.get("facts")?, content))
                })
                .optional()
        })?;
        let Some((failed_with, facts, content)) = row else {
            return Ok(None);
        };
        let is_result_current = failed_with.is_none_or(|tool| is_current(&tool));
        // If the record is damaged, the content is read again.
        let facts = self.unpack(Some(&facts)).ok().filter(|_| is_result_current);
        Ok(facts.map(|facts| KnownContent {
            facts: Box::new(facts),
            ..content
        }))
    }

    /// Records the result of reading a file. The clip changes only if its facts or files do, so
    /// reading a file again costs the index nothing if the result is the same.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn record(&self, reading: &Reading) -> Result<(), Error> {
        let before = self.file_row(reading.file)?;
        let clip = if matches!(reading.outcome, ReadOutcome::Unopened { .. }) {
            self.clip_of(reading.file)?
        } else {
            self.clip_for(reading.file, reading.fingerprint)?
        };
        let is_content_changed = self.record_content(&clip, &reading.outcome)?;
        let is_opened = !matches!(reading.outcome, ReadOutcome::Unopened { .. });
        let (state, is_unread) = match &reading.outcome {
            ReadOutcome::Unopened { .. } => (FileState::Unreadable, true),
            // The facts of an older version of the reader are kept.
            ReadOutcome::Failed { .. } if clip.is_readable && clip.facts.is_some() => {
                (FileState::Present, false)
            }
            ReadOutcome::Failed { .. } => (FileState::Unreadable, false),
            ReadOutcome::Recognised { .. } if !clip.is_readable => (FileState::Unreadable, false),
            ReadOutcome::Recognised { .. } | ReadOutcome::Read { .. } => {
                (FileState::Present, false)
            }
        };
        let facts = match &reading.outcome {
            ReadOutcome::Unopened { reason } => self.with_problem(reading.file, reason)?,
            _ => self.pack(&reading.file_facts)?,
        };
        let sidecar_reader = match &reading.sidecar_readers {
            Some(label) => Some(self.reader_id(label)?),
            None => None,
        };
        let after = RecordedFile {
            clip: Some(clip.id),
            state: state_number(state),
            facts: Some(facts),
        };
        self.check(|connection| {
            connection
                .prepare_cached(
                    "UPDATE file SET clip = ?2, state = ?3, is_unread = ?4, facts = ?5,
                            read_bytes = CASE WHEN ?6 THEN bytes ELSE read_bytes END,
                            read_modified = CASE WHEN ?6 THEN modified ELSE read_modified END,
                            sidecar_reader = CASE WHEN ?6 THEN ?7 ELSE sidecar_reader END
                     WHERE id = ?1",
                )?
                .execute(params![
                    reading.file,
                    after.clip,
                    after.state,
                    is_unread,
                    after.facts,
                    is_opened,
                    sidecar_reader
                ])
        })?;
        if is_content_changed || before != after {
            self.touch(clip.id)?;
        }
        Ok(())
    }

    fn file_row(&self, file: i64) -> Result<RecordedFile, Error> {
        self.check(|connection| {
            connection
                .prepare_cached("SELECT clip, state, facts FROM file WHERE id = ?1")?
                .query_row([file], |row| {
                    Ok(RecordedFile {
                        clip: row.get(0)?,
                        state: row.get(1)?,
                        facts: row.get(2)?,
                    })
                })
        })
    }

    /// Returns the clip for a fingerprint: an existing clip, the file's stub clip, or a new one.
    fn clip_for(&self, file: i64, fingerprint: Option<Fingerprint>) -> Result<ContentRow, Error> {
        let bytes = fingerprint.map(Fingerprint::to_bytes);
        let previous = self.recorded_content(file)?;
        if previous.fingerprint == bytes {
            return self.content(previous.id);
        }
        let existing: Option<i64> = self.check(|connection| {
            connection
                .prepare_cached("SELECT id FROM clip WHERE fingerprint = ?1")?
                .query_row([bytes], |row| row.get(0))
                .optional()
        })?;
        if previous.fingerprint.is_some() {
            self.keep_previous(file, &previous)?;
        }
        if let Some(existing) = existing {
            self.set_clip(file, Some(existing))?;
            self.remove_previous(file, existing)?;
            self.touch(previous.id)?;
            return self.content(existing);
        }
        let is_own_stub = previous.fingerprint.is_none() && previous.files == 1;
        let clip = if is_own_stub {
            previous.id
        } else {
            let stub = self.add_stub()?;
            self.set_clip(file, Some(stub))?;
            self.touch(previous.id)?;
            stub
        };
        self.check(|connection| {
            connection
                .prepare_cached("UPDATE clip SET fingerprint = ?2 WHERE id = ?1")?
                .execute(params![clip, bytes])
        })?;
        self.content(clip)
    }

    /// Returns the recorded content of a file.
    fn recorded_content(&self, file: i64) -> Result<RecordedContent, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT c.id, c.fingerprint, (SELECT count(*) FROM file o WHERE o.clip = c.id)
                     FROM file f JOIN clip c ON c.id = f.clip WHERE f.id = ?1",
                )?
                .query_row([file], |row| {
                    Ok(RecordedContent {
                        id: row.get(0)?,
                        fingerprint: row.get(1)?,
                        files: row.get(2)?,
                    })
                })
        })
    }

    /// Returns the recorded facts of a file as a document, with the problem added.
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

    /// Records the previous content of a file. If no other file has it, adds a row with the state
    /// missing, so that it stays searchable. Does not add one for content that was never readable,
    /// such as an incomplete copy, or for image sequences, which change with every new frame.
    fn keep_previous(&self, file: i64, previous: &RecordedContent) -> Result<(), Error> {
        self.check(|connection| {
            connection
                .prepare_cached("UPDATE file SET former = ?2, since = ?3 WHERE id = ?1")?
                .execute(params![file, previous.id, unix_seconds()])
        })?;
        if previous.files > 1 {
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

    /// Removes the row of a former content that is in its file again.
    fn remove_previous(&self, file: i64, clip: i64) -> Result<(), Error> {
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

    /// Returns the recorded clip of a file.
    fn clip_of(&self, file: i64) -> Result<ContentRow, Error> {
        let id = self.check(|connection| {
            connection
                .prepare_cached("SELECT clip FROM file WHERE id = ?1")?
                .query_row([file], |row| row.get(0))
        })?;
        self.content(id)
    }

    fn content(&self, id: i64) -> Result<ContentRow, Error> {
        self.check(|connection| {
            connection
                .prepare_cached("SELECT is_readable, facts FROM clip WHERE id = ?1")?
                .query_row([id], |row| {
                    Ok(ContentRow {
                        id,
                        is_readable: row.get(0)?,
                        facts: row.get(1)?,
                    })
                })
        })
    }

    /// Records the facts of a content and queues its pictures. Returns true if the facts changed.
    fn record_content(&self, clip: &ContentRow, outcome: &ReadOutcome) -> Result<bool, Error> {
        let (facts, reader, failed_with) = match outcome {
            ReadOutcome::Recognised { pictures } => {
                self.record_pictures(clip.id, pictures.as_ref())?;
                return Ok(false);
            }
            ReadOutcome::Unopened { .. } => return Ok(true),
            ReadOutcome::Read { facts, reader, .. } => (facts, reader, None),
            ReadOutcome::Failed {
                facts,
                reader,
                failed_with,
            } => (facts, reader, Some(failed_with)),
        };
        let is_readable = failed_with.is_none();
        let duration = facts.duration.as_ref();
        let duration = duration.map(|fact| super::files::stored(fact.value.as_micros()));
        let facts = self.pack(facts)?;
        let reader = self.reader_id(&reader.to_string())?;
        // A failure never replaces facts that were read successfully. It is not tried again until
        // a reader changes.
        if !is_readable && clip.is_readable && clip.facts.is_some() {
            self.check(|connection| {
                connection
                    .prepare_cached("UPDATE clip SET reader = ?2 WHERE id = ?1")?
                    .execute([clip.id, reader])
            })?;
            return Ok(false);
        }
        self.check(|connection| {
            connection
                .prepare_cached(
                    "UPDATE clip SET facts = ?2, is_readable = ?3, failed_with = ?4, duration = ?5,
                            reader = ?6
                     WHERE id = ?1",
                )?
                .execute(params![
                    clip.id,
                    facts,
                    is_readable,
                    failed_with,
                    duration,
                    reader
                ])
        })?;
        if let ReadOutcome::Read { pictures, .. } = outcome {
            self.record_pictures(clip.id, pictures.as_ref())?;
        }
        Ok(clip.is_readable != is_readable || clip.facts.as_ref() != Some(&facts))
    }

    /// Queues the requested pictures. Without a request, the pictures are complete, or the clip can
    /// have none by the current rules.
    fn record_pictures(&self, clip: i64, request: Option<&PictureRequest>) -> Result<(), Error> {
        if let Some(request) = request {
            return self.queue_pictures(clip, request.work, &request.plan);
        }
        self.check(|connection| {
            connection
                .prepare_cached(
                    "UPDATE clip SET poster_version = ?2 WHERE id = ?1 AND poster_version < ?2",
                )?
                .execute(params![clip, POSTER_VERSION])
        })?;
        Ok(())
    }
}
