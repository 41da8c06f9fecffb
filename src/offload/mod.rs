//! Copies the files of a card to several destinations at once and verifies every copy.
//!
//! Each file is read once and hashed during the read. Every destination has its own writer thread,
//! followed by a verifier. The verifier syncs a copy, reads it back from the medium, compares
//! hashes, and only then gives the copy its final name. So a file with its final name is complete
//! and verified, even after a power failure. This module does not know the catalogue. Each event is
//! passed to `on_event` only after its result is durable.

mod buffers;
mod card_listing;
mod direct_io;
mod hash_existing;
mod loop_images;
#[cfg(target_os = "linux")]
mod page_cache;
mod read;
mod read_back;
mod reliable_times;
mod source_change;
mod verify_copy;
mod write;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Instant;

use crate::checksum::{Checksum, HashKind, Hasher};
use crate::source_file::Stamp;
use buffers::Piece;

pub(crate) use card_listing::{Item, Listing, list, list_except};
pub(crate) use hash_existing::{FileHashEvent, Hashed, Lane, hash_files};
pub(crate) use read_back::{MediumReader, ReadMethod};
pub(crate) use reliable_times::ReliableTimes;
pub(crate) use source_change::{SourceState, Times, changed_since_read, sample};
pub(crate) use write::finish_folders;

/// Folder that files are copied to.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    /// Folder that receives the contents of the card's root; created if missing.
    pub folder: PathBuf,
    /// Folder that must exist: `folder` or one of its ancestors. Folders above it are never
    /// created, so nothing is written where a drive is usually mounted.
    pub base: PathBuf,
    /// Filesystem of `folder`, from [`filesystem()`]. If it changes, the drive was removed.
    pub filesystem: Option<u64>,
    /// True for a network share. Its writes use the system's cache, which combines them into larger
    /// requests.
    pub is_share: bool,
    /// True if parallel requests slow the device down (spinning disk, card). Copies are then
    /// verified between writes, not in parallel with them.
    pub is_single: bool,
}

/// File to be copied, and its state at each destination.
#[derive(Debug, Clone)]
pub struct CopyTask {
    /// File as listed on the card.
    pub item: Item,
    /// Hashes from an earlier run, including one of the first kind of [`CopyOrder::kinds`]. `None`
    /// if there are none, or if the size or time changed since.
    pub known_hashes: Option<Vec<Checksum>>,
    /// Per destination: true if its copy is already verified.
    pub is_verified: Vec<bool>,
    /// True if the file must be read again although `known_hashes` exist, because they may be
    /// wrong.
    pub must_reread: bool,
}

/// Files to copy and their destinations.
pub(crate) struct CopyOrder<'a> {
    /// Root of the card.
    pub source: &'a Path,
    /// True if the card's root is on a network share.
    pub is_share: bool,
    /// Properties of the file times on the card's filesystem.
    pub times: Times,
    /// Time at which the listing of the card ended.
    pub listed: Instant,
    /// Destinations of the copies.
    pub destinations: &'a [Destination],
    /// Files, in the order in which they are read.
    pub tasks: &'a [CopyTask],
    /// Kinds of the hashes computed for each file. The first kind verifies copies.
    pub kinds: &'a [HashKind],
    /// Returns true once copying must stop.
    pub is_cancelled: &'a (dyn Fn() -> bool + Sync),
}

/// Progress of a copy. Tasks and destinations are given by index.
#[derive(Debug)]
pub enum Event {
    /// The file of a task is about to be read.
    Reading(usize),
    /// More bytes were read from the card: the number since the last event.
    Read(u64),
    /// More bytes were written: the destination, and the number since the last event.
    Written(usize, u64),
    /// More bytes were read back: the destination, and the number since the last event.
    ReadBack(usize, u64),
    /// A file was read completely: the task, its hashes, and the file's state during the read.
    Hashed(usize, Vec<Checksum>, SourceState),
    /// A task ended at a destination: the task, the destination, and the outcome.
    Finished(usize, usize, CopyOutcome),
    /// A file could not be read completely: the task, and the reason.
    ReadFailed(usize, String),
    /// A destination accepts no more files: the destination, and the reason. Its remaining files
    /// are left unchanged.
    GivenUp(usize, String),
    /// The card was removed, so nothing more can be read from it: the reason.
    CardGone(String),
}

/// Method by which a copy was read back, and the state of the copy afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadBack {
    /// Method of the read.
    pub how: ReadMethod,
    /// Size and times after the read.
    pub stamp: Stamp,
}

/// Result of copying a file to a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyOutcome {
    /// The file was copied, read back and matches.
    Copied(ReadBack),
    /// The file existed already, was read back, and matches.
    Existed(ReadBack),
    /// A different file with that name exists. It was left unchanged.
    Conflict,
    /// The file could not be copied, with the reason.
    Failed(String),
}

/// File in progress, shared by all threads.
struct Job {
    task: usize,
    inside: PathBuf,
    bytes: u64,
    modified: i64,
    /// True if the file has holes on the card.
    is_sparse: bool,
    /// Hashes from an earlier run.
    known_hashes: Option<Vec<Checksum>>,
    /// Hashes, set once the file was read; `None` if it could not be read completely.
    hashes: OnceLock<Option<Vec<Checksum>>>,
}

/// Message to the hasher and the writers. A file is sent as `Begin`, any number of `Piece`, `End`.
#[derive(Clone)]
enum Message {
    /// Start of a file.
    Begin(Arc<Job>),
    /// Next piece of the file.
    Piece(Arc<Piece>),
    /// End of the file, with its state; `None` if it is incomplete or was changed.
    End(Option<SourceState>),
    /// Request to compare a file that exists at the destination with the same name and size.
    Compare(Arc<Job>),
}

/// Minimum size, in bytes, of files that are read and written with direct I/O.
const DIRECT_IO_MIN_BYTES: u64 = 2 * buffers::PIECE as u64;

/// Capacity of the channel to each thread, in messages.
const CHANNEL_CAPACITY: usize = 16;

/// State shared by the threads of one destination.
struct DestinationContext<'a> {
    number: usize,
    destination: &'a Destination,
    events: SyncSender<Event>,
    is_cancelled: &'a (dyn Fn() -> bool + Sync),
    /// The card's root and the folders of the other destinations.
    others: Vec<&'a Path>,
    /// Kind of hash that verifies copies.
    kind: HashKind,
    /// Reason why the destination accepts no more files.
    given_up: &'a OnceLock<String>,
}

impl DestinationContext<'_> {
    fn send_event(&self, event: Event) {
        // The receiver ends only after the last event, so sending cannot fail.
        let _ = self.events.send(event);
    }

    fn report_outcome(&self, job: &Job, outcome: CopyOutcome) {
        self.send_event(Event::Finished(job.task, self.number, outcome));
    }

    /// Reports an error: as the result of one file, or by giving up the whole destination.
    fn fail(&self, job: &Job, error: &io::Error) {
        if self.is_gone() {
            self.give_up(GONE.to_owned());
        } else if write::is_device_error(error) {
            self.give_up(error.to_string());
        } else {
            self.report_outcome(job, CopyOutcome::Failed(write::describe_error(error)));
        }
    }

    fn give_up(&self, reason: String) {
        if self.given_up.set(reason.clone()).is_ok() {
            self.send_event(Event::GivenUp(self.number, reason));
        }
    }

    fn is_given_up(&self) -> bool {
        self.given_up.get().is_some()
    }

    fn is_gone(&self) -> bool {
        self.destination.is_gone()
    }

    /// Returns true if a file is a hard link to the card's file or to another destination's copy.
    fn is_hard_link(&self, path: &Path, inside: &Path) -> bool {
        let is_same = |root: &&Path| same_file::is_same_file(path, root.join(inside));
        self.others
            .iter()
            .any(|root| is_same(root).unwrap_or(false))
    }
}

impl Destination {
    /// Returns true if the drive was removed. Writes would then go to the system disk.
    #[must_use]
    pub(crate) fn is_gone(&self) -> bool {
        !self.base.is_dir() || filesystem(&self.folder) != self.filesystem
    }
}

/// Returns the id of the filesystem that a folder is on, or will be on once it is created.
#[must_use]
pub(crate) fn filesystem(folder: &Path) -> Option<u64> {
    let metadata = folder
        .ancestors()
        .find_map(|folder| folder.metadata().ok())?;
    #[cfg(unix)]
    {
        Some(std::os::unix::fs::MetadataExt::dev(&metadata))
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        Some(0)
    }
}

/// Copies all tasks and reports events to `on_event`. Returns once all tasks are done, nothing more
/// can be done, or the order is cancelled. Copies that are not verified by then are removed.
pub(crate) fn copy(order: &CopyOrder<'_>, on_event: &mut dyn FnMut(Event)) {
    raise_open_file_limit();
    let (events, received) = sync_channel(1024);
    let given_up: Vec<OnceLock<String>> =
        order.destinations.iter().map(|_| OnceLock::new()).collect();
    thread::scope(|scope| {
        let mut writers = Vec::new();
        for (number, destination) in order.destinations.iter().enumerate() {
            let (writer, messages) = sync_channel(CHANNEL_CAPACITY);
            let context = || DestinationContext {
                number,
                destination,
                events: events.clone(),
                is_cancelled: order.is_cancelled,
                others: other_roots(order, number),
                kind: order.kinds[0],
                given_up: &given_up[number],
            };
            let (writing, verifying) = (context(), context());
            if destination.is_single {
                let mut verifier = verify_copy::CopyVerifier::new(verifying);
                scope.spawn(move || {
                    write::run(writing, &messages, &mut |batch| verifier.verify(batch));
                });
            } else {
                let (batches, written) = sync_channel(1);
                scope.spawn(move || {
                    // The verifier ends only after its last batch, so sending cannot fail.
                    write::run(writing, &messages, &mut |batch| _ = batches.send(batch));
                });
                scope.spawn(move || {
                    let mut verifier = verify_copy::CopyVerifier::new(verifying);
                    for batch in written {
                        verifier.verify(batch);
                    }
                });
            }
            writers.push(writer);
        }
        let (hasher, messages) = sync_channel(CHANNEL_CAPACITY);
        let (kinds, hash_events) = (order.kinds, events.clone());
        scope.spawn(move || hash_pieces(kinds, &messages, &hash_events));
        let reader = read::Reader {
            order,
            writers,
            hasher,
            events,
            given_up: &given_up,
        };
        scope.spawn(move || reader.run());
        received.into_iter().for_each(on_event);
    });
}

/// Returns the card's root and the folders of all destinations except one.
fn other_roots<'a>(order: &CopyOrder<'a>, number: usize) -> Vec<&'a Path> {
    let destinations = order.destinations.iter().enumerate();
    let others = destinations.filter(|(other, _)| *other != number);
    let others = others.map(|(_, other)| other.folder.as_path());
    std::iter::once(order.source).chain(others).collect()
}

/// Raises the limit on open files to the system's maximum. Each destination keeps up to three
/// batches of files open.
#[cfg(unix)]
fn raise_open_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    /// Highest limit that macOS accepts, whatever maximum it reports.
    const MAX_ACCEPTED: u64 = 10_240;
    let limit = getrlimit(Resource::Nofile);
    let maximum = limit
        .maximum
        .map_or(MAX_ACCEPTED, |maximum| maximum.min(MAX_ACCEPTED));
    if limit.current.is_some_and(|now| now < maximum) {
        let raised = Rlimit {
            current: Some(maximum),
            ..limit
        };
        // Without a higher limit, opening a file may fail when many cards are copied in parallel.
        // Such failures are reported.
        let _ = setrlimit(Resource::Nofile, raised);
    }
}

#[cfg(not(unix))]
fn raise_open_file_limit() {}

/// Hashes the pieces that were read. The result must match hashes from an earlier run, if there are
/// any.
fn hash_pieces(kinds: &[HashKind], messages: &Receiver<Message>, events: &SyncSender<Event>) {
    let mut current: Option<(Arc<Job>, Vec<Hasher>)> = None;
    for message in messages {
        match message {
            Message::Begin(job) => {
                current = Some((job, kinds.iter().map(|kind| Hasher::new(*kind)).collect()));
            }
            Message::Piece(piece) => {
                for hasher in current.iter_mut().flat_map(|(_, hashers)| hashers) {
                    hasher.update(piece.bytes());
                }
            }
            Message::End(seen) => {
                let Some((job, hashers)) = current.take() else {
                    continue;
                };
                let found: Vec<Checksum> = hashers.into_iter().map(Hasher::finish).collect();
                let is_consistent = job
                    .known_hashes
                    .iter()
                    .flatten()
                    .all(|hash| found.contains(hash));
                let event = match (seen, is_consistent) {
                    (Some(seen), true) => Some(Event::Hashed(job.task, found.clone(), seen)),
                    (Some(_), false) => {
                        Some(Event::ReadFailed(job.task, CONTENT_DIFFERS.to_owned()))
                    }
                    (None, _) => None,
                };
                let _ = job
                    .hashes
                    .set((seen.is_some() && is_consistent).then_some(found));
                if let Some(event) = event {
                    let _ = events.send(event);
                }
            }
            Message::Compare(_) => {}
        }
    }
}

/// Reason reported if a drive was removed.
pub(crate) const GONE: &str = "removed, or no longer readable";

/// Reason reported for a file whose hash differs from an earlier run.
const CONTENT_DIFFERS: &str = "content differs from an earlier read, although size and time are unchanged: \
                               the card may be failing; nothing was written";
