//! Files copied from a card to several places at once, and proved there.
//!
//! Each file is read once and hashed on the way; every place has a writer of its own, and behind that a
//! prover: it syncs what was written, reads it back from the medium, compares hashes, and only then gives the
//! copy its name. So what bears a name is whole and proved, whenever the power fails. Nothing here
//! knows the catalogue; what is told through `report` is durable by then.

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
pub use hashing::{Hashed, Heard, Lane, hash_files};
pub use read_back::{How, Medium};
pub use source_change::{Sighting, Times, sample, written_since};
pub use trusted_times::Credible;
pub use write::finish_folders;

/// A place that files are copied to.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The folder that takes the card's root; made where it is not there.
    pub folder: PathBuf,
    /// What must be there: that folder or one above it. None above this one is made, so that nothing is written
    /// where a drive is usually mounted.
    pub base: PathBuf,
    /// Which filesystem takes `folder`, by [`filesystem`]: when it is another, the drive is gone.
    pub filesystem: Option<u64>,
    /// Whether it is a share: what is written goes through the system's cache, which asks for more at once.
    pub is_share: bool,
    /// Whether its device does one thing at a time: a spinning disk, a card. What was written is proved between
    /// writes then, not beside them.
    pub is_single: bool,
}

/// A file that is to be copied.
#[derive(Debug, Clone)]
pub struct Task {
    /// The file.
    pub item: Item,
    /// Its hashes, of the first kind at least, where it was hashed earlier and its size and time are still those.
    pub known: Option<Vec<Checksum>>,
    /// Of each destination, whether its copy there is proved already.
    pub is_proved: Vec<bool>,
    /// Whether it is read even where its hashes are known: something makes them doubtful.
    pub is_doubted: bool,
}

/// What is to be copied, and where to.
pub struct Order<'a> {
    /// The card's root.
    pub source: &'a Path,
    /// Whether that is on a share.
    pub is_share: bool,
    /// How its filesystem keeps times.
    pub times: Times,
    /// When its listing ended.
    pub listed: Instant,
    /// Where to.
    pub destinations: &'a [Destination],
    /// Which files, in the order in which they are read.
    pub tasks: &'a [Task],
    /// The hashes that are computed of each file; copies are proved by the first.
    pub kinds: &'a [HashKind],
    /// Says no when the copying is to stop.
    pub go_on: &'a (dyn Fn() -> bool + Sync),
}

/// Something happened. Tasks and destinations are given by their numbers.
#[derive(Debug)]
pub enum Event {
    /// A file is being read.
    Reading(usize),
    /// So many more bytes were read from the card.
    Read(u64),
    /// So many more bytes were written to a destination.
    Written(usize, u64),
    /// So many more bytes were read back from a destination.
    Proved(usize, u64),
    /// What a file's content hashes to, and how the file looked.
    Hashed(usize, Vec<Checksum>, Sighting),
    /// Something became of a file at a destination.
    Settled(usize, usize, Outcome),
    /// A file could not be read whole: why.
    Unread(usize, String),
    /// A destination takes nothing more: why. Its other files are left as they are.
    GivenUp(usize, String),
    /// The card is gone: no more of it can be read.
    CardGone(String),
}

/// A copy that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadBack {
    /// How it was read.
    pub how: How,
    /// What it looked like when that was done.
    pub stamp: Stamp,
}

/// What became of a file at a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was copied, read back, and is the same.
    Copied(ReadBack),
    /// It was there already, was read, and is the same.
    WasThere(ReadBack),
    /// Another content stands there under its name, and stays.
    Other,
    /// It could not be copied: why.
    Failed(String),
}

/// A file on its way.
struct Job {
    task: usize,
    inside: PathBuf,
    bytes: u64,
    modified: i64,
    /// Whether parts of it take no room on the card.
    is_sparse: bool,
    /// What it hashed to earlier.
    known: Option<Vec<Checksum>>,
    /// Its hashes, once they are known; `None` when it could not be read whole.
    hashes: OnceLock<Option<Vec<Checksum>>>,
}

/// What goes to the hasher and the writers, in this order.
#[derive(Clone)]
enum Message {
    /// Pieces of this file follow.
    Begin(Arc<Job>),
    /// The next piece.
    Piece(Arc<Piece>),
    /// There are no more; how the file looked, if that is all of it and it did not change.
    End(Option<Sighting>),
    /// This file stands there already, of the same size: compare.
    Compare(Arc<Job>),
}

/// Files from so many bytes on are read and written past the system's cache.
const LARGE: u64 = 2 * buffers::PIECE as u64;

/// Messages that wait for one thread.
const WAITING: usize = 16;

/// What all threads of one destination know.
struct Place<'a> {
    number: usize,
    destination: &'a Destination,
    events: SyncSender<Event>,
    go_on: &'a (dyn Fn() -> bool + Sync),
    /// The card's root, and the folders of the other destinations.
    others: Vec<&'a Path>,
    /// By which hash copies are proved.
    kind: HashKind,
    /// Why nothing more goes there.
    given_up: &'a OnceLock<String>,
}

impl Place<'_> {
    fn tell(&self, event: Event) {
        // Whoever listens has stopped only when all is over.
        let _ = self.events.send(event);
    }

    fn settle(&self, job: &Job, outcome: Outcome) {
        self.tell(Event::Settled(job.task, self.number, outcome));
    }

    /// Says what went wrong: of one file, or of the place itself, to which nothing more goes then.
    fn fail(&self, job: &Job, error: &io::Error) {
        if self.is_gone() {
            self.give_up(GONE.to_owned());
        } else if write::is_of_device(error) {
            self.give_up(error.to_string());
        } else {
            self.settle(job, Outcome::Failed(write::reason(error)));
        }
    }

    fn give_up(&self, reason: String) {
        if self.given_up.set(reason.clone()).is_ok() {
            self.tell(Event::GivenUp(self.number, reason));
        }
    }

    fn is_given_up(&self) -> bool {
        self.given_up.get().is_some()
    }

    fn is_gone(&self) -> bool {
        self.destination.is_gone()
    }

    /// Whether a file there is the card's own, or another destination's, by another name.
    fn is_one_with_another(&self, path: &Path, inside: &Path) -> bool {
        let is_same = |root: &&Path| same_file::is_same_file(path, root.join(inside));
        self.others
            .iter()
            .any(|root| is_same(root).unwrap_or(false))
    }
}

impl Destination {
    /// Whether its drive was taken away: what is written there now would go to the system disk.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        !self.base.is_dir() || filesystem(&self.folder) != self.filesystem
    }
}

/// Which filesystem a folder is on, or will be when it is made.
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

/// Copies, telling `report` what happens; ends when all is done, nothing more can be, or `go_on` says no. What
/// was copied and not proved by then is gone again.
pub fn copy(order: &Order<'_>, report: &mut dyn FnMut(Event)) {
    allow_many_files();
    let (events, told) = sync_channel(1024);
    let given_up: Vec<OnceLock<String>> =
        order.destinations.iter().map(|_| OnceLock::new()).collect();
    thread::scope(|scope| {
        let mut lines = Vec::new();
        for (number, destination) in order.destinations.iter().enumerate() {
            let (line, messages) = sync_channel(WAITING);
            let place = || Place {
                number,
                destination,
                events: events.clone(),
                go_on: order.go_on,
                others: others(order, number),
                kind: order.kinds[0],
                given_up: &given_up[number],
            };
            let (writing, proving) = (place(), place());
            if destination.is_single {
                let mut prover = verify_copy::Prover::new(proving);
                scope.spawn(move || {
                    write::run(writing, &messages, &mut |batch| prover.prove(batch));
                });
            } else {
                let (batches, written) = sync_channel(1);
                scope.spawn(move || {
                    // The prover ends only after its last batch.
                    write::run(writing, &messages, &mut |batch| _ = batches.send(batch));
                });
                scope.spawn(move || {
                    let mut prover = verify_copy::Prover::new(proving);
                    for batch in written {
                        prover.prove(batch);
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
        told.into_iter().for_each(report);
    });
}

/// The card's root, and the folders of all destinations but one.
fn others<'a>(order: &Order<'a>, number: usize) -> Vec<&'a Path> {
    let destinations = order.destinations.iter().enumerate();
    let others = destinations.filter(|(other, _)| *other != number);
    let others = others.map(|(_, other)| other.folder.as_path());
    std::iter::once(order.source).chain(others).collect()
}

/// Each destination has up to three batches of files open; systems allow a process more than they give it at first.
#[cfg(unix)]
fn allow_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    /// What macOS allows, whatever it says.
    const ENOUGH: u64 = 10_240;
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.map_or(ENOUGH, |most| most.min(ENOUGH));
    if limit.current.is_some_and(|now| now < most) {
        let raised = Rlimit {
            current: Some(most),
            ..limit
        };
        // Where it may not be raised, fewer cards fit side by side, and what does not is told.
        let _ = setrlimit(Resource::Nofile, raised);
    }
}

#[cfg(not(unix))]
fn allow_many_files() {}

/// Hashes what was read; what was hashed earlier must come to the same.
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

/// What is told of a drive that was pulled.
pub const GONE: &str = "it was taken away, or cannot be read any more";

/// What is told of a file that was hashed earlier to something else.
const OTHER: &str = "it reads otherwise than when it was first copied, though its size and time are the same: \
                     the card may be failing; nothing was written";
