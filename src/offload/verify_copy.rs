//! Verifies copies: syncs them, reads them back from their medium, compares hashes, and only then
//! gives them their names.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::read_back::Medium;
use super::write::Batch;
use super::{CopyOutcome, DestinationContext, Event, Job, ReadBack};
use crate::atomic_file::{self, Unfinished};
use crate::checksum::{Checksum, Hasher};
use crate::source_file::Stamp;

pub(super) struct Prover<'a> {
    place: DestinationContext<'a>,
    medium: Medium,
}

/// Reason reported for a hard link to the source or to another copy.
const ONE_FILE: &str = "it is the same file as on the card or at another destination: a hard link is not a copy; \
                        move it away";

const WRITTEN: &str =
    "another program wrote to it while it was compared: run the same command again";
const WRITTEN_TO_NAME: &str =
    "another program wrote to it as soon as it had its name: run the same command again";

/// Returns a file's current size and times; asks a share to refresh its cached ones.
fn look(path: &Path) -> io::Result<Stamp> {
    atomic_file::refresh(path);
    Ok(Stamp::of(&path.symlink_metadata()?))
}

/// Result of reading a copy.
enum Compared {
    Same(ReadBack),
    Other,
    /// The copy was written to during the read.
    Changed,
    Cancelled,
}

impl<'a> Prover<'a> {
    pub(super) fn new(place: DestinationContext<'a>) -> Self {
        Self {
            place,
            medium: Medium::default(),
        }
    }

    /// Verifies copies and publishes them; reports each one once it is durable.
    pub(super) fn prove(&mut self, batch: Batch) {
        let Batch {
            written,
            there,
            mut folders,
            ..
        } = batch;
        if self.place.is_given_up() {
            return;
        }
        let mut settled = Vec::new();
        let mut synced = Vec::new();
        // All are synced before any is read: the first sync flushes most of the others.
        for (job, file) in written {
            match file.file().sync_all() {
                Ok(()) => synced.push((job, file)),
                Err(error) => self.place.fail(&job, &error),
            }
        }
        for (job, file) in synced {
            if let Some(outcome) = self.publish(&job, file, &mut folders) {
                settled.push((job, outcome));
            }
        }
        for folder in &folders {
            if let Err(error) = atomic_file::sync_folder(folder)
                && super::write::is_of_device(&error)
            {
                self.place.give_up(error.to_string());
                return;
            }
        }
        for job in there {
            if let Some(outcome) = self.compare(&job) {
                settled.push((job, outcome));
            }
        }
        for (job, outcome) in settled {
            self.place.settle(&job, outcome);
        }
    }

    fn publish(
        &mut self,
        job: &Job,
        file: Unfinished,
        folders: &mut BTreeSet<std::path::PathBuf>,
    ) -> Option<CopyOutcome> {
        let hash = self.expected(job)?;
        let how = match self.read(file.path(), &hash) {
            Ok(Compared::Same(read)) => read.how,
            Ok(Compared::Changed) => return Some(CopyOutcome::Failed(WRITTEN.to_owned())),
            Ok(Compared::Other) => {
                return Some(CopyOutcome::Failed(
                    "the copy differs from what was written; it was discarded".to_owned(),
                ));
            }
            Ok(Compared::Cancelled) => return None,
            Err(error) => {
                self.place.fail(job, &error);
                return None;
            }
        };
        // Not earlier: other machines judge an unfinished file by the time of its last write.
        if let Err(error) = super::write::set_time(file.file(), job.modified) {
            self.place.fail(job, &error);
            return None;
        }
        let path = self.place.destination.folder.join(&job.inside);
        let timed = look(file.path());
        match file.publish(&path) {
            Ok(()) => {
                folders.extend(path.parent().map(Path::to_owned));
                // A rename changes only the change time.
                let is_it = |now: &Stamp| {
                    timed
                        .as_ref()
                        .is_ok_and(|then| (then.bytes, then.modified) == (now.bytes, now.modified))
                };
                let named = look(&path).ok().filter(is_it);
                Some(match named {
                    Some(stamp) => CopyOutcome::Copied(ReadBack { how, stamp }),
                    None => CopyOutcome::Failed(WRITTEN_TO_NAME.to_owned()),
                })
            }
            // Another ingest was faster, or the filesystem treats two names as one.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.compare(job),
            Err(error) => {
                self.place.fail(job, &error);
                None
            }
        }
    }

    /// Compares the existing file of a job's name.
    fn compare(&mut self, job: &Job) -> Option<CopyOutcome> {
        let hash = self.expected(job)?;
        let path = self.place.destination.folder.join(&job.inside);
        if self.place.is_one_with_another(&path, &job.inside) {
            return Some(CopyOutcome::Failed(ONE_FILE.to_owned()));
        }
        // The program that wrote it may not have synced it.
        let synced = crate::source_file::open(&path).and_then(|file| file.sync_all());
        match synced.and_then(|()| self.read(&path, &hash)) {
            Ok(Compared::Same(read)) => Some(CopyOutcome::WasThere(read)),
            Ok(Compared::Changed) => Some(CopyOutcome::Failed(WRITTEN.to_owned())),
            Ok(Compared::Other) => Some(CopyOutcome::Other),
            Ok(Compared::Cancelled) => None,
            Err(error) => {
                self.place.fail(job, &error);
                None
            }
        }
    }

    /// Waits for a file's hash and returns it. `None` if the file could not be read.
    fn expected(&self, job: &Job) -> Option<Checksum> {
        let hashes = job.hashes.wait().as_ref()?;
        let kind = self.place.kind;
        hashes.iter().find(|hash| hash.kind() == kind).cloned()
    }

    fn read(&mut self, path: &Path, expected: &Checksum) -> io::Result<Compared> {
        let mut hasher = Hasher::new(expected.kind());
        let DestinationContext { number, go_on, .. } = self.place;
        let events = &self.place.events;
        let before = look(path)?;
        let how = self.medium.read(path, &mut |piece| {
            hasher.update(piece);
            let _ = events.send(Event::Proved(number, piece.len() as u64));
            go_on()
        })?;
        let stamp = look(path)?;
        Ok(match how {
            None => Compared::Cancelled,
            Some(_) if stamp != before => Compared::Changed,
            Some(how) if hasher.finish() == *expected => Compared::Same(ReadBack { how, stamp }),
            Some(_) => Compared::Other,
        })
    }
}
