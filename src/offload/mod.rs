//! Copies the files of a card to several destinations at once and verifies every copy.
//!
//! Each file is read once and hashed during the read. Every destination has its own writer thread,
//! followed by a verifier. The verifier syncs a copy, reads it back from the medium, compares
//! hashes, and only then gives the copy its final name. So a file with its final name is complete
//! and verified, even after a power failure. This module does not know the catalogue. Each event is
//! passed to `on_event` only after its result is durable.

mod buffers;
mod card_listing;
mod copy_order;
mod copy_task;
mod destination_context;
mod direct_io;
mod direct_read_cache;
mod event;
mod hash_existing;
mod loop_images;
mod message;
#[cfg(target_os = "linux")]
mod page_cache;
mod read;
mod read_back;
mod read_method;
mod reliable_times;
mod source_change;
mod verify_copy;
mod write;
mod write_error;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;

use crate::checksum::{Checksum, HashKind, Hasher};
use destination_context::DestinationContext;
use message::{Job, Message};

pub(crate) use card_listing::{EMPTY_CARD, Item, Listing, list, list_except};
pub(crate) use copy_order::{CopyOrder, Destination, filesystem};
pub(crate) use copy_task::CopyTask;
pub(crate) use destination_context::GONE;
pub(crate) use event::{CopyOutcome, Event};
pub(crate) use hash_existing::{FileHashEvent, Hashed, Lane, hash_files};
pub(crate) use read_back::MediumReader;
pub(crate) use read_method::ReadMethod;
pub(crate) use reliable_times::ReliableTimes;
pub(crate) use source_change::{SourceState, Times, changed_since_read, sample};
pub(crate) use write::finish_folders;

/// Capacity of the channel to each thread, in messages.
const CHANNEL_CAPACITY: usize = 16;

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

/// Reason reported for a file whose hash differs from an earlier run.
const CONTENT_DIFFERS: &str = "content differs from an earlier read, although size and time are unchanged: \
                               the card may be failing; nothing was written";
