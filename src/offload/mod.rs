//! Copies the files of a card to several destinations at once and verifies every copy.
//!
//! Each file is read once and hashed on the way. Every destination has its own writer thread and a
//! prover behind it. The prover syncs a copy, reads it back from the medium, compares hashes, and
//! only then gives the copy its name. So a file with its final name is complete and verified, even
//! after a power failure. This module does not know the catalogue. Events passed to `on_event` are
//! already durable.

mod buffers;
mod card_listing;
mod direct_io;
mod hashing;
mod loop_images;
#[cfg(target_os = "linux")]
mod page_cache;
mod read;
mod read_back;
mod source_change;
mod trusted_times;
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

pub use card_listing::{COARSEST, Item, Listing, list, list_but};
pub use hashing::{FileHashEvent, Hashed, Lane, hash_files};
pub use read_back::{How, Medium};
pub use source_change::{SourceState, Times, sample, written_since};
pub use trusted_times::Credible;
pub use write::finish_folders;

/// Folder that files are copied to.
#[derive(Debug, Clone)]
pub struct Destination {
    /// Folder that receives the card's root; created if missing.
    pub folder: PathBuf,
    /// Folder that must exist: `folder` or one of its ancestors. Folders above it are never
    /// created, so nothing is written where a drive is usually mounted.
    pub base: PathBuf,
    /// Filesystem of `folder`, from [`filesystem`]. If it changes, the drive is gone.
    pub filesystem: Option<u64>,
    /// True for a network share: writes go through the system's cache, which combines them into
    /// larger requests.
    pub is_share: bool,
    /// True if the device handles one request at a time (spinning disk, card). Copies are then
    /// verified between writes, not in parallel with them.
    pub is_single: bool,
}

/// File to be copied, and its state at each destination.
#[derive(Debug, Clone)]
pub struct CopyTask {
    /// File as listed on the card.
    pub item: Item,
    /// Hashes from an earlier run, of the first kind at least; `None` unless size and time are
    /// unchanged.
    pub known: Option<Vec<Checksum>>,
    /// Per destination: true if its copy is already verified.
    pub is_verified: Vec<bool>,
    /// True if the file must be read although its hashes are known, because they are doubtful.
    pub is_doubted: bool,
}

/// Files to copy and their destinations.
pub struct CopyOrder<'a> {
    /// Root of the card.
    pub source: &'a Path,
    /// True if the card's root is on a share.
    pub is_share: bool,
    /// Time-keeping properties of the card's filesystem.
    pub times: Times,
    /// Time at which the listing of the card ended.
    pub listed: Instant,
    /// Destinations of the copies.
    pub destinations: &'a [Destination],
    /// Files, in the order in which they are read.
    pub tasks: &'a [CopyTask],
    /// Hashes computed for each file; the first verifies copies.
    pub kinds: &'a [HashKind],
    /// Returns false when copying must stop.
    pub go_on: &'a (dyn Fn() -> bool + Sync),
}

/// Progress of a copy. Tasks and destinations are given by index.
#[derive(Debug)]
pub enum Event {
    /// Reading of a task began.
    Reading(usize),
    /// Number of further bytes read from the card.
    Read(u64),
    /// Destination, and number of further bytes written to it.
    Written(usize, u64),
    /// Destination, and number of further bytes read back from it.
    Proved(usize, u64),
    /// Hashes of a file, and its state when it was read.
    Hashed(usize, Vec<Checksum>, SourceState),
    /// Task, destination, and the result of copying it there.
    Settled(usize, usize, CopyOutcome),
    /// A file could not be read completely, with the reason.
    Unread(usize, String),
    /// A destination accepts no more files, with the reason. Its remaining files are left
    /// unchanged.
    GivenUp(usize, String),
    /// The card was removed: nothing more can be read from it.
    CardGone(String),
}

/// Copy that was read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadBack {
    /// Read method.
    pub how: How,
    /// Size and times after the read.
    pub stamp: Stamp,
}

/// Result of copying a file to a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyOutcome {
    /// The file was copied, read back and matches.
    Copied(ReadBack),
    /// The file existed already, was read and matches.
    WasThere(ReadBack),
    /// A different file of that name exists and was kept.
    Other,
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
    known: Option<Vec<Checksum>>,
    /// Hashes, once known; `None` if the file could not be read completely.
    hashes: OnceLock<Option<Vec<Checksum>>>,
}

/// Messages to the hasher and the writers, in this order.
#[derive(Clone)]
enum Message {
    /// Start of a file; its pieces follow.
    Begin(Arc<Job>),
    /// Next piece of the file.
    Piece(Arc<Piece>),
    /// End of the file; its state, or `None` if it is incomplete or changed.
    End(Option<SourceState>),
    /// A file of this name and size exists at the destination: compare it.
    Compare(Arc<Job>),
}

/// Size from which files are read and written with direct I/O.
const LARGE: u64 = 2 * buffers::PIECE as u64;

/// Capacity of the channel to one thread.
const WAITING: usize = 16;

/// State shared by the threads of one destination.
struct DestinationContext<'a> {
    number: usize,
    destination: &'a Destination,
    events: SyncSender<Event>,
    go_on: &'a (dyn Fn() -> bool + Sync),
    /// The card's root and the folders of the other destinations.
    others: Vec<&'a Path>,
    /// Kind of hash that verifies copies.
    kind: HashKind,
    /// Reason why the destination accepts no more files.
    given_up: &'a OnceLock<String>,
}

impl DestinationContext<'_> {
    fn send_event(&self, event: Event) {
        // The receiver stops only after the last event.
        let _ = self.events.send(event);
    }

    fn settle(&self, job: &Job, outcome: CopyOutcome) {
        self.send_event(Event::Settled(job.task, self.number, outcome));
    }

    /// Reports an error: as the result of one file, or by giving up the whole destination.
    fn fail(&self, job: &Job, error: &io::Error) {
        if self.is_gone() {
            self.give_up(GONE.to_owned());
        } else if write::is_of_device(error) {
            self.give_up(error.to_string());
        } else {
            self.settle(job, CopyOutcome::Failed(write::reason(error)));
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

    /// Returns true if a file is the same file as the card's, or as that of another destination.
    fn is_one_with_another(&self, path: &Path, inside: &Path) -> bool {
        let is_same = |root: &&Path| same_file::is_same_file(path, root.join(inside));
        self.others
            .iter()
            .any(|root| is_same(root).unwrap_or(false))
    }
}

impl Destination {
    /// Returns true if the drive was removed. Writes would then go to the system disk.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        !self.base.is_dir() || filesystem(&self.folder) != self.filesystem
    }
}

/// Returns the id of the filesystem that a folder is on, or will be on once it is created.
#[must_use]
pub fn filesystem(folder: &Path) -> Option<u64> {
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

/// Copies all tasks and reports events to `on_event`. Returns when everything is done, nothing more
/// can be done, or `go_on` returns false. Copies that are not verified by then are removed.
pub fn copy(order: &CopyOrder<'_>, on_event: &mut dyn FnMut(Event)) {
    allow_many_files();
    let (events, received) = sync_channel(1024);
    let given_up: Vec<OnceLock<String>> =
        order.destinations.iter().map(|_| OnceLock::new()).collect();
    thread::scope(|scope| {
        let mut lines = Vec::new();
        for (number, destination) in order.destinations.iter().enumerate() {
            let (line, messages) = sync_channel(WAITING);
            let place = || DestinationContext {
                number,
                destination,
                events: events.clone(),
                go_on: order.go_on,
                others: others(order, number),
                kind: order.kinds[0],
                given_up: &given_up[number],
            };
            let (writing, verifying) = (place(), place());
            if destination.is_single {
                let mut verifier = verify_copy::CopyVerifier::new(verifying);
                scope.spawn(move || {
                    write::run(writing, &messages, &mut |batch| verifier.verify(batch));
                });
            } else {
                let (batches, written) = sync_channel(1);
                scope.spawn(move || {
                    // The prover ends only after its last batch.
                    write::run(writing, &messages, &mut |batch| _ = batches.send(batch));
                });
                scope.spawn(move || {
                    let mut verifier = verify_copy::CopyVerifier::new(verifying);
                    for batch in written {
                        verifier.verify(batch);
                    }
                });
            }
            lines.push(line);
        }
        let (hashing, messages) = sync_channel(WAITING);
        let (kinds, hash_events) = (order.kinds, events.clone());
        scope.spawn(move || hash(kinds, &messages, &hash_events));
        let reader = read::Reader {
            order,
            lines,
            hashing,
            events,
            given_up: &given_up,
        };
        scope.spawn(move || reader.run());
        received.into_iter().for_each(on_event);
    });
}

/// Returns the card's root and the folders of all destinations except one.
fn others<'a>(order: &CopyOrder<'a>, number: usize) -> Vec<&'a Path> {
    let destinations = order.destinations.iter().enumerate();
    let others = destinations.filter(|(other, _)| *other != number);
    let others = others.map(|(_, other)| other.folder.as_path());
    std::iter::once(order.source).chain(others).collect()
}

/// Raises the limit on open files to the system's maximum. Each destination has up to three batches
/// of files open.
#[cfg(unix)]
fn allow_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    /// Limit that macOS allows, whatever maximum it reports.
    const ENOUGH: u64 = 10_240;
    let limit = getrlimit(Resource::Nofile);
    let maximum = limit.maximum.map_or(ENOUGH, |maximum| maximum.min(ENOUGH));
    if limit.current.is_some_and(|now| now < maximum) {
        let raised = Rlimit {
            current: Some(maximum),
            ..limit
        };
        // If the limit cannot be raised, fewer cards fit in parallel, and failures are reported.
        let _ = setrlimit(Resource::Nofile, raised);
    }
}

#[cfg(not(unix))]
fn allow_many_files() {}

/// Hashes the pieces that were read; files hashed in an earlier run must match.
fn hash(kinds: &[HashKind], messages: &Receiver<Message>, events: &SyncSender<Event>) {
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
                let is_known = job.known.iter().flatten().all(|hash| found.contains(hash));
                let event = match (seen, is_known) {
                    (Some(seen), true) => Some(Event::Hashed(job.task, found.clone(), seen)),
                    (Some(_), false) => Some(Event::Unread(job.task, OTHER.to_owned())),
                    (None, _) => None,
                };
                let _ = job
                    .hashes
                    .set((seen.is_some() && is_known).then_some(found));
                if let Some(event) = event {
                    let _ = events.send(event);
                }
            }
            Message::Compare(_) => {}
        }
    }
}

/// Reason reported for a drive that was removed.
pub const GONE: &str = "removed, or no longer readable";

/// Reason reported for a file whose hash differs from an earlier run.
const OTHER: &str = "content differs from the first copy, although size and time are the same: the card may be failing; \
                     nothing was written";
