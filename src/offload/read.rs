//! Reader of the card: reads each file once, sequentially, and sends it to the threads that need
//! it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, OnceLock};

use super::buffers::{PIECE, Piece, Pool};
use super::direct_io::Reading;
use super::source_change::{self, SourceState};
use super::{CopyOrder, CopyOutcome, CopyTask, Event, GONE, Job, LARGE, Message};
use crate::checksum::Sampler;
use crate::source_file::{self, Stamp};
use crate::value::Fingerprint;

/// Action for a file at one destination.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CopyAction {
    /// The copy is verified, or cannot be made.
    Nothing,
    /// No file of that name exists.
    Copy,
    /// A file of the same size exists.
    Compare,
}

pub(super) struct Reader<'a> {
    pub(super) order: &'a CopyOrder<'a>,
    /// Channels to the destinations' writers.
    pub(super) lines: Vec<SyncSender<Message>>,
    /// Channel to the hasher.
    pub(super) hashing: SyncSender<Message>,
    pub(super) events: SyncSender<Event>,
    pub(super) given_up: &'a [OnceLock<String>],
}

/// Reason why a read ended early.
enum Stop {
    Cancelled,
    /// Fault of the file or its card.
    Fault(String),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Fault(error.to_string())
    }
}

impl Reader<'_> {
    /// Reads every file that a destination needs.
    pub(super) fn run(self) {
        let mut pool = Pool::new();
        let card = device(self.order.source);
        // Recent files come last: they must be unchanged for a while before they are read.
        let tasks = self.order.tasks.iter().enumerate();
        let (recent, older): (Vec<_>, Vec<_>) = tasks.partition(|(_, task)| task.item.is_recent());
        for (number, task) in older.into_iter().chain(recent) {
            if !(self.order.go_on)() || self.given_up.iter().all(|place| place.get().is_some()) {
                break;
            }
            if self.read(number, task, &mut pool).is_ok() {
                continue;
            }
            // A removed card fails for every file, so it is reported once.
            let now = device(self.order.source);
            if now.is_none() || now != card {
                self.send_event(Event::CardGone(GONE.to_owned()));
                break;
            }
        }
    }

    fn send_event(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// Sends a message to the writers with the given action.
    fn send(&self, actions: &[CopyAction], which: CopyAction, message: &Message) {
        for (line, _) in self
            .lines
            .iter()
            .zip(actions)
            .filter(|(_, plan_copy)| **plan_copy == which)
        {
            // A writer ends only after the reader.
            let _ = line.send(message.clone());
        }
    }

    fn read(&self, number: usize, task: &CopyTask, pool: &mut Pool) -> Result<(), ()> {
        let actions: Vec<CopyAction> = (0..self.lines.len())
            .map(|place| self.plan_copy(number, task, place))
            .collect();
        if actions.iter().all(|action| *action == CopyAction::Nothing) {
            return Ok(());
        }
        self.send_event(Event::Reading(number));
        let is_copied = actions.contains(&CopyAction::Copy);
        let path = self.order.source.join(&task.item.inside);
        let is_read = is_copied || task.known.is_none() || task.is_doubted;
        let opened = if is_read {
            match self.open(&path, task) {
                Ok(opened) => Some(opened),
                Err(Stop::Fault(reason)) => {
                    self.send_event(Event::Unread(number, reason));
                    return Err(());
                }
                Err(Stop::Cancelled) => return Ok(()),
            }
        } else {
            None
        };
        let job = Arc::new(Job {
            task: number,
            inside: task.item.inside.clone(),
            bytes: task.item.bytes,
            modified: task.item.modified,
            is_sparse: opened
                .as_ref()
                .is_some_and(|(opened, _)| is_sparse(opened.file())),
            known: task.known.clone(),
            hashes: OnceLock::new(),
        });
        let compare = Message::Compare(job.clone());
        let Some((mut file, stamp)) = opened else {
            let _ = job.hashes.set(task.known.clone());
            self.send(&actions, CopyAction::Compare, &compare);
            return Ok(());
        };
        let begin = Message::Begin(job.clone());
        self.send(&actions, CopyAction::Copy, &begin);
        let _ = self.hashing.send(begin);
        let read = self
            .pieces(&mut file, task, &actions, pool)
            .and_then(|sample| {
                let seen = SourceState { stamp, sample };
                self.recheck(&file, &path, task, &seen)?;
                Ok(seen)
            });
        let end = Message::End(read.as_ref().ok().copied());
        // The hasher comes first, since others wait for its result.
        let _ = self.hashing.send(end.clone());
        self.send(&actions, CopyAction::Copy, &end);
        self.send(&actions, CopyAction::Compare, &compare);
        match read {
            Err(Stop::Fault(reason)) => {
                self.send_event(Event::Unread(number, reason));
                Err(())
            }
            Err(Stop::Cancelled) | Ok(_) => Ok(()),
        }
    }

    /// Opens a file once it is unchanged for long enough; also returns its size and times.
    fn open(&self, path: &Path, task: &CopyTask) -> Result<(Reading, Stamp), Stop> {
        let file = source_file::open(path)?;
        if !task.item.is_exactly(&self.order.times.stamp_at(path)?) {
            return Err(changed(task, "replaced"));
        }
        let (times, listed) = (self.order.times, self.order.listed);
        let rested = times.settle(&file, listed, self.order.go_on);
        let stamp = rested.map_err(|error| changed(task, &error.to_string()))?;
        let stamp = stamp.ok_or(Stop::Cancelled)?;
        if !task.item.is_exactly(&stamp) {
            return Err(changed(task, "replaced"));
        }
        let is_past = task.item.bytes >= LARGE && !self.order.is_share;
        let reading = Reading::new(file, path, is_past);
        if reading.is_cached() {
            expect_all(reading.file());
        }
        Ok((reading, stamp))
    }

    /// Reads a file to its end, which must be at the listed size, and samples it.
    fn pieces(
        &self,
        file: &mut Reading,
        task: &CopyTask,
        actions: &[CopyAction],
        pool: &mut Pool,
    ) -> Result<Option<Fingerprint>, Stop> {
        let mut read = 0;
        let mut sampler = Sampler::new(task.item.bytes);
        loop {
            if !(self.order.go_on)() {
                return Err(Stop::Cancelled);
            }
            let mut piece = pool.piece();
            let length = file.fill(piece.room())?;
            piece.set_length(length);
            if length == 0 {
                break;
            }
            read += length as u64;
            if read > task.item.bytes {
                return Err(changed(task, "grew"));
            }
            sampler.update(piece.bytes());
            let piece: Arc<Piece> = Arc::new(piece);
            let message = Message::Piece(piece);
            let _ = self.hashing.send(message.clone());
            self.send(actions, CopyAction::Copy, &message);
            self.send_event(Event::Read(length as u64));
            if file.is_cached() {
                forget(file.file(), read);
            }
            if length < PIECE {
                break;
            }
        }
        if read < task.item.bytes {
            return Err(changed(task, "became shorter"));
        }
        Ok(sampler.finish())
    }

    /// Checks that a file was not written to or replaced while it was read.
    fn recheck(
        &self,
        file: &Reading,
        path: &Path,
        task: &CopyTask,
        seen: &SourceState,
    ) -> Result<(), Stop> {
        let times = self.order.times;
        let is_same = |now: Stamp| times.is_unchanged(&seen.stamp, &now);
        // If a program restored the modification time, only the content shows the write. Sampling
        // also opens the file, after which a share reports current times.
        let is_same_content = times.has_change_time || source_change::sample(path)? == seen.sample;
        let is_unchanged = is_same_content
            && is_same(times.stamp_of_open(file.file())?)
            && is_same(times.stamp_at(path)?);
        if is_unchanged {
            Ok(())
        } else {
            Err(changed(task, "written to"))
        }
    }

    /// Returns the action for a task at one destination.
    fn plan_copy(&self, number: usize, task: &CopyTask, place: usize) -> CopyAction {
        if task.is_verified[place] || self.given_up[place].get().is_some() {
            return CopyAction::Nothing;
        }
        let path = self.order.destinations[place]
            .folder
            .join(&task.item.inside);
        match path.symlink_metadata() {
            Ok(there) if there.is_file() && there.len() == task.item.bytes => CopyAction::Compare,
            Ok(_) => {
                self.send_event(Event::Settled(number, place, CopyOutcome::Other));
                CopyAction::Nothing
            }
            // The writer reports other errors.
            Err(_) => CopyAction::Copy,
        }
    }
}

fn changed(task: &CopyTask, how: &str) -> Stop {
    Stop::Fault(format!(
        "{how} since the card was listed, when it had {} bytes: is the camera still recording?",
        task.item.bytes
    ))
}

/// Returns the filesystem of a folder; `None` if the folder cannot be listed.
fn device(folder: &Path) -> Option<u64> {
    std::fs::read_dir(folder).ok()?;
    super::filesystem(folder)
}

#[cfg(unix)]
fn is_sparse(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata()
        .is_ok_and(|metadata| metadata.blocks().saturating_mul(512) < metadata.len())
}

#[cfg(not(unix))]
fn is_sparse(_file: &File) -> bool {
    false
}

/// Advises the system to read ahead.
#[cfg(target_os = "linux")]
fn expect_all(file: &File) {
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::Sequential);
}

#[cfg(not(target_os = "linux"))]
fn expect_all(_file: &File) {}

/// Drops the pages read so far of a large file, so that other programs' pages stay in the cache.
#[cfg(target_os = "linux")]
fn forget(file: &File, read: u64) {
    let step = 8 * PIECE as u64;
    if read.is_multiple_of(step) {
        let length = std::num::NonZeroU64::new(step);
        let _ = rustix::fs::fadvise(file, read - step, length, rustix::fs::Advice::DontNeed);
    }
}

#[cfg(not(target_os = "linux"))]
fn forget(_file: &File, _read: u64) {}
