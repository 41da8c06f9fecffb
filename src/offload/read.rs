//! Reader of the card. It reads each file once, sequentially, and sends the pieces to the hasher
//! and the writers.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, OnceLock};

use super::buffers::{PIECE, Piece, Pool};
use super::copy_order::{CopyOrder, filesystem};
use super::copy_task::CopyTask;
use super::destination_context::GONE;
use super::direct_io::SequentialReader;
use super::event::{CopyOutcome, Event};
use super::message::{DIRECT_IO_MIN_BYTES, Job, Message};
use super::source_change::{self, SourceState, Stability};
use crate::checksum::Sampler;
use crate::source_file::{self, Stamp};
use crate::value::Fingerprint;

/// Action for a file at one destination.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CopyAction {
    /// Nothing to do: the copy is verified already or is impossible.
    Nothing,
    /// Copy the file: no file of that name exists.
    Copy,
    /// Compare the existing file, which has the same size.
    Compare,
}

pub(super) struct Reader<'a> {
    pub(super) order: &'a CopyOrder<'a>,
    /// Channels to the destinations' writers.
    pub(super) writers: Vec<SyncSender<Message>>,
    /// Channel to the hasher.
    pub(super) hasher: SyncSender<Message>,
    pub(super) events: SyncSender<Event>,
    pub(super) given_up: &'a [OnceLock<String>],
}

/// Reason why a read stopped early.
enum Stop {
    Cancelled,
    /// The file or its card is faulty or changed; with the reason.
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
        let card = readable_filesystem(self.order.source);
        // Recent files come last, since they are read only once they have been unchanged for a
        // while.
        let tasks = self.order.tasks.iter().enumerate();
        let (recent, older): (Vec<_>, Vec<_>) = tasks.partition(|(_, task)| task.item.is_recent());
        for (number, task) in older.into_iter().chain(recent) {
            if (self.order.is_cancelled)()
                || self.given_up.iter().all(|reason| reason.get().is_some())
            {
                break;
            }
            if self.read(number, task, &mut pool).is_ok() {
                continue;
            }
            // If the card was removed, every read fails, so this is reported only once.
            let now = readable_filesystem(self.order.source);
            if now.is_none() || now != card {
                self.send_event(Event::CardGone(GONE.to_owned()));
                break;
            }
        }
    }

    fn send_event(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// Sends a message to the writers whose destination has the given action.
    fn send(&self, actions: &[CopyAction], action: CopyAction, message: &Message) {
        let writers = self.writers.iter().zip(actions);
        for (writer, _) in writers.filter(|(_, planned)| **planned == action) {
            // A writer ends only after the reader, so sending cannot fail.
            let _ = writer.send(message.clone());
        }
    }

    fn read(&self, number: usize, task: &CopyTask, pool: &mut Pool) -> Result<(), ()> {
        let actions: Vec<CopyAction> = (0..self.writers.len())
            .map(|destination| self.plan_copy(number, task, destination))
            .collect();
        if actions.iter().all(|action| *action == CopyAction::Nothing) {
            return Ok(());
        }
        self.send_event(Event::Reading(number));
        let is_needed = actions.contains(&CopyAction::Copy);
        let path = self.order.source.join(&task.item.inside);
        let must_read = is_needed || task.known_hashes.is_none() || task.must_reread;
        let opened = if must_read {
            match self.open(&path, task) {
                Ok(opened) => Some(opened),
                Err(Stop::Fault(reason)) => {
                    self.send_event(Event::ReadFailed(number, reason));
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
            known_hashes: task.known_hashes.clone(),
            hashes: OnceLock::new(),
        });
        let compare = Message::Compare(job.clone());
        let Some((mut file, stamp)) = opened else {
            let _ = job.hashes.set(task.known_hashes.clone());
            self.send(&actions, CopyAction::Compare, &compare);
            return Ok(());
        };
        let begin = Message::Begin(job.clone());
        self.send(&actions, CopyAction::Copy, &begin);
        let _ = self.hasher.send(begin);
        let read = self
            .send_pieces(&mut file, task, &actions, pool)
            .and_then(|sample| {
                let seen = SourceState { stamp, sample };
                self.check_unchanged(&file, &path, task, &seen)?;
                Ok(seen)
            });
        let end = Message::End(read.as_ref().ok().copied());
        // The hasher is first, since the verifiers wait for its result.
        let _ = self.hasher.send(end.clone());
        self.send(&actions, CopyAction::Copy, &end);
        self.send(&actions, CopyAction::Compare, &compare);
        match read {
            Err(Stop::Fault(reason)) => {
                self.send_event(Event::ReadFailed(number, reason));
                Err(())
            }
            Err(Stop::Cancelled) | Ok(_) => Ok(()),
        }
    }

    /// Opens a file once it has been unchanged for long enough. Returns a reader, and the file's
    /// size and times.
    fn open(&self, path: &Path, task: &CopyTask) -> Result<(SequentialReader, Stamp), Stop> {
        let file = source_file::open(path)?;
        if !task.item.is_exactly(&self.order.times.stamp_at(path)?) {
            return Err(source_changed(task, "its size or times changed"));
        }
        let (times, listed) = (self.order.times, self.order.listed);
        let stamp = match times.wait_until_stable(&file, listed, self.order.is_cancelled)? {
            Stability::Stable(stamp) => stamp,
            Stability::Changing => return Err(source_changed(task, "it kept changing")),
            Stability::Cancelled => return Err(Stop::Cancelled),
        };
        if !task.item.is_exactly(&stamp) {
            return Err(source_changed(task, "its size or times changed"));
        }
        let use_direct_io = task.item.bytes >= DIRECT_IO_MIN_BYTES && !self.order.is_share;
        let reader = SequentialReader::new(file, path, use_direct_io);
        if reader.is_cached() {
            advise_sequential(reader.file());
        }
        Ok((reader, stamp))
    }

    /// Reads a file to its end and sends its pieces. Returns its fingerprint; fails if the file
    /// does not have the listed size.
    fn send_pieces(
        &self,
        file: &mut SequentialReader,
        task: &CopyTask,
        actions: &[CopyAction],
        pool: &mut Pool,
    ) -> Result<Option<Fingerprint>, Stop> {
        let mut read = 0;
        let mut sampler = Sampler::new(task.item.bytes);
        loop {
            if (self.order.is_cancelled)() {
                return Err(Stop::Cancelled);
            }
            let mut piece = pool.piece();
            let length = file.fill(piece.buffer_mut())?;
            piece.set_length(length);
            if length == 0 {
                break;
            }
            read += length as u64;
            if read > task.item.bytes {
                return Err(source_changed(task, "it grew"));
            }
            sampler.update(piece.bytes());
            let piece: Arc<Piece> = Arc::new(piece);
            let message = Message::Piece(piece);
            let _ = self.hasher.send(message.clone());
            self.send(actions, CopyAction::Copy, &message);
            self.send_event(Event::Read(length as u64));
            if file.is_cached() {
                drop_read_pages(file.file(), read);
            }
            if length < PIECE {
                break;
            }
        }
        if read < task.item.bytes {
            return Err(source_changed(task, "it became shorter"));
        }
        Ok(sampler.finish())
    }

    /// Checks that a file was not written to or replaced while it was read.
    fn check_unchanged(
        &self,
        file: &SequentialReader,
        path: &Path,
        task: &CopyTask,
        seen: &SourceState,
    ) -> Result<(), Stop> {
        let times = self.order.times;
        let is_same = |now: Stamp| times.is_unchanged(&seen.stamp, &now);
        // If a program restored the modification time, only the content reveals the write. Sampling
        // also opens the file, which makes a network share report current times.
        let is_same_content = times.has_change_time || source_change::sample(path)? == seen.sample;
        let is_unchanged = is_same_content
            && is_same(times.stamp_of_open(file.file())?)
            && is_same(times.stamp_at(path)?);
        if is_unchanged {
            Ok(())
        } else {
            Err(source_changed(task, "it was written to or replaced"))
        }
    }

    /// Returns the action for a task at one destination.
    fn plan_copy(&self, number: usize, task: &CopyTask, destination: usize) -> CopyAction {
        if task.is_verified[destination] || self.given_up[destination].get().is_some() {
            return CopyAction::Nothing;
        }
        let path = self.order.destinations[destination]
            .folder
            .join(&task.item.inside);
        match path.symlink_metadata() {
            Ok(existing) if existing.is_file() && existing.len() == task.item.bytes => {
                CopyAction::Compare
            }
            Ok(_) => {
                self.send_event(Event::Finished(number, destination, CopyOutcome::Conflict));
                CopyAction::Nothing
            }
            // The writer tries to create the copy and reports any error.
            Err(_) => CopyAction::Copy,
        }
    }
}

/// Returns the fault of a source file that changed.
fn source_changed(task: &CopyTask, change: &str) -> Stop {
    Stop::Fault(format!(
        "{change} after the card was listed ({} bytes then): is the camera still recording?",
        task.item.bytes
    ))
}

/// Returns the id of a folder's filesystem; `None` if the folder cannot be listed.
fn readable_filesystem(folder: &Path) -> Option<u64> {
    std::fs::read_dir(folder).ok()?;
    filesystem(folder)
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

/// Advises the system that a file is read sequentially, so that it reads ahead.
#[cfg(target_os = "linux")]
fn advise_sequential(file: &File) {
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::Sequential);
}

#[cfg(not(target_os = "linux"))]
fn advise_sequential(_file: &File) {}

/// Drops pages of a file that were read, so that pages of other programs stay in the cache. Acts
/// only once per eight pieces.
#[cfg(target_os = "linux")]
fn drop_read_pages(file: &File, read: u64) {
    let step = 8 * PIECE as u64;
    if read.is_multiple_of(step) {
        let length = std::num::NonZeroU64::new(step);
        let _ = rustix::fs::fadvise(file, read - step, length, rustix::fs::Advice::DontNeed);
    }
}

#[cfg(not(target_os = "linux"))]
fn drop_read_pages(_file: &File, _read: u64) {}
