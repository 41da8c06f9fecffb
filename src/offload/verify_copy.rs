//! Verifier of copies. It syncs copies, reads them back from their medium, compares hashes, and
//! only then gives them their final names.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::destination_context::DestinationContext;
use super::event::{CopyOutcome, Event, ReadBack};
use super::message::Job;
use super::read_back::MediumReader;
use super::write::Batch;
use super::write_error::is_device_error;
use crate::atomic_file::{self, Unfinished};
use crate::checksum::{Checksum, Hasher};
use crate::source_file::Stamp;

pub(super) struct CopyVerifier<'a> {
    context: DestinationContext<'a>,
    medium: MediumReader,
}

/// Reason reported for a hard link to the card's file or to another copy.
const HARD_LINK: &str =
    "it is a hard link to the card's file or to another copy, so it is not a copy; move it away";

/// Reason reported for a file that changed while it was read back.
const CHANGED_DURING_READ: &str =
    "changed by another program while it was compared: run the same command again";

/// Reason reported for a copy that changed while it was renamed to its final name.
const CHANGED_AT_RENAME: &str =
    "changed by another program right after it was renamed: run the same command again";

/// Returns a file's current size and times. A network share is asked to refresh its cached ones
/// first.
fn fresh_stamp(path: &Path) -> io::Result<Stamp> {
    atomic_file::refresh(path);
    Ok(Stamp::from_metadata(&path.symlink_metadata()?))
}

/// Result of reading a copy.
enum Compared {
    Same(ReadBack),
    Different,
    /// The size or times changed during the read.
    Changed,
    Cancelled,
}

impl<'a> CopyVerifier<'a> {
    pub(super) fn new(context: DestinationContext<'a>) -> Self {
        Self {
            context,
            medium: MediumReader::default(),
        }
    }

    /// Verifies copies, publishes them, and reports the outcomes once they are durable.
    pub(super) fn verify(&mut self, batch: Batch) {
        let Batch {
            written,
            existing,
            mut folders,
            ..
        } = batch;
        if self.context.is_given_up() {
            return;
        }
        let mut outcomes = Vec::new();
        let mut synced = Vec::new();
        // All copies are synced before any is read, since the first sync writes most of the others,
        // too.
        for (job, file) in written {
            match file.file().sync_all() {
                Ok(()) => synced.push((job, file)),
                Err(error) => self.context.fail(&job, &error),
            }
        }
        for (job, file) in synced {
            if let Some(outcome) = self.publish(&job, file, &mut folders) {
                outcomes.push((job, outcome));
            }
        }
        for folder in &folders {
            if let Err(error) = atomic_file::sync_folder(folder)
                && is_device_error(&error)
            {
                self.context.give_up(error.to_string());
                return;
            }
        }
        for job in existing {
            if let Some(outcome) = self.compare(&job) {
                outcomes.push((job, outcome));
            }
        }
        for (job, outcome) in outcomes {
            self.context.report_outcome(&job, outcome);
        }
    }

    /// Verifies a copy and gives it its final name. Returns `None` if the failure was reported, or if
    /// the run was cancelled.
    fn publish(
        &mut self,
        job: &Job,
        file: Unfinished,
        folders: &mut BTreeSet<std::path::PathBuf>,
    ) -> Option<CopyOutcome> {
        let hash = self.expected_hash(job)?;
        let how = match self.read_and_compare(file.path(), &hash) {
            Ok(Compared::Same(read)) => read.how,
            Ok(Compared::Changed) => {
                return Some(CopyOutcome::Failed(CHANGED_DURING_READ.to_owned()));
            }
            Ok(Compared::Different) => {
                return Some(CopyOutcome::Failed(
                    "the copy differs from the data that was written, so it was discarded"
                        .to_owned(),
                ));
            }
            Ok(Compared::Cancelled) => return None,
            Err(error) => {
                self.context.fail(job, &error);
                return None;
            }
        };
        // The time is set last, since other machines decide by the time of the last write whether
        // an unfinished file is abandoned.
        if let Err(error) = super::write::set_time(file.file(), job.modified) {
            self.context.fail(job, &error);
            return None;
        }
        let path = self.context.destination.folder.join(&job.inside);
        let before = fresh_stamp(file.path());
        match file.publish(&path) {
            Ok(()) => {
                folders.extend(path.parent().map(Path::to_owned));
                // A rename changes only the change time, so the other values must be equal.
                let is_unchanged = |now: &Stamp| {
                    before.as_ref().is_ok_and(|before| {
                        (before.bytes, before.modified) == (now.bytes, now.modified)
                    })
                };
                let after = fresh_stamp(&path).ok().filter(is_unchanged);
                Some(match after {
                    Some(stamp) => CopyOutcome::Copied(ReadBack { how, stamp }),
                    None => CopyOutcome::Failed(CHANGED_AT_RENAME.to_owned()),
                })
            }
            // Another ingest created the file in the meantime, or the filesystem treats two names
            // as one.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.compare(job),
            Err(error) => {
                self.context.fail(job, &error);
                None
            }
        }
    }

    /// Compares the existing file that has the name of a job's file.
    fn compare(&mut self, job: &Job) -> Option<CopyOutcome> {
        let hash = self.expected_hash(job)?;
        let path = self.context.destination.folder.join(&job.inside);
        if self.context.is_hard_link(&path, &job.inside) {
            return Some(CopyOutcome::Failed(HARD_LINK.to_owned()));
        }
        // The program that wrote the file may not have synced it.
        let synced = crate::source_file::open(&path).and_then(|file| file.sync_all());
        match synced.and_then(|()| self.read_and_compare(&path, &hash)) {
            Ok(Compared::Same(read)) => Some(CopyOutcome::Existed(read)),
            Ok(Compared::Changed) => Some(CopyOutcome::Failed(CHANGED_DURING_READ.to_owned())),
            Ok(Compared::Different) => Some(CopyOutcome::Conflict),
            Ok(Compared::Cancelled) => None,
            Err(error) => {
                self.context.fail(job, &error);
                None
            }
        }
    }

    /// Waits for the hash of the card's file and returns it; `None` if the file could not be read.
    fn expected_hash(&self, job: &Job) -> Option<Checksum> {
        let hashes = job.hashes.wait().as_ref()?;
        let kind = self.context.kind;
        hashes.iter().find(|hash| hash.kind() == kind).cloned()
    }

    fn read_and_compare(&mut self, path: &Path, expected: &Checksum) -> io::Result<Compared> {
        let mut hasher = Hasher::new(expected.kind());
        let DestinationContext {
            number,
            is_cancelled,
            ..
        } = self.context;
        let events = &self.context.events;
        let before = fresh_stamp(path)?;
        let how = self.medium.read(path, &mut |piece| {
            hasher.update(piece);
            let _ = events.send(Event::ReadBack(number, piece.len() as u64));
            !is_cancelled()
        })?;
        let stamp = fresh_stamp(path)?;
        Ok(match how {
            None => Compared::Cancelled,
            Some(_) if stamp != before => Compared::Changed,
            Some(how) if hasher.finish() == *expected => Compared::Same(ReadBack { how, stamp }),
            Some(_) => Compared::Different,
        })
    }
}
