//! Hashes existing files, which are read from their media with a limited number of readers per
//! device.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use super::card_listing::Item;
use super::read_back::MediumReader;
use super::read_method::ReadMethod;
use crate::checksum::{Checksum, HashKind, Hasher};
use crate::source_file::Stamp;

/// Maximum number of parallel readers per device.
const MAX_READERS: usize = 4;

/// Files on one device, hashed in parallel with those of other devices.
pub(crate) struct Lane<'a> {
    /// Number of files to read in parallel from the device.
    pub readers: usize,
    /// Path, listed state, and kinds of hashes to compute for each file.
    pub files: Vec<(PathBuf, &'a Item, Vec<HashKind>)>,
}

/// Progress of hashing. A file is given by the index of its lane and its index in the lane.
#[derive(Debug)]
pub(crate) enum FileHashEvent {
    /// A file is about to be read.
    Reading(usize, usize),
    /// More bytes were read, from any file: the number since the last event.
    Read(u64),
    /// A file was hashed, or could not be read.
    Hashed(usize, usize, std::io::Result<Hashed>),
}

/// File that was read completely.
#[derive(Debug)]
pub(crate) struct Hashed {
    /// Hashes, in the order of the requested kinds.
    pub hashes: Vec<Checksum>,
    /// Method of the read.
    pub how: ReadMethod,
    /// Size and times after the read.
    pub stamp: Stamp,
}

/// Hashes files, with all devices in parallel, until `is_cancelled` returns true.
pub(crate) fn hash_files(
    lanes: &[Lane<'_>],
    is_cancelled: &(dyn Fn() -> bool + Sync),
    on_event: &mut dyn FnMut(FileHashEvent),
) {
    let next: Vec<AtomicUsize> = lanes.iter().map(|_| AtomicUsize::new(0)).collect();
    let (sender, receiver) = sync_channel(1024);
    thread::scope(|scope| {
        for (number, (lane, next)) in lanes.iter().zip(&next).enumerate() {
            for _ in 0..lane.readers.min(MAX_READERS).min(lane.files.len()) {
                let sender = sender.clone();
                scope.spawn(move || run_reader(lane, number, next, is_cancelled, &sender));
            }
        }
        drop(sender);
        for message in receiver {
            on_event(message);
        }
    });
}

/// Runs one reader thread of a lane.
fn run_reader(
    lane: &Lane<'_>,
    number: usize,
    next: &AtomicUsize,
    is_cancelled: &(dyn Fn() -> bool + Sync),
    sender: &SyncSender<FileHashEvent>,
) {
    let mut medium = MediumReader::default();
    while !is_cancelled() {
        let index = next.fetch_add(1, Ordering::SeqCst);
        let Some((path, item, kinds)) = lane.files.get(index) else {
            break;
        };
        // The receiver ends only after the last event, so sending cannot fail.
        let _ = sender.send(FileHashEvent::Reading(number, index));
        let on_bytes = &mut |bytes| {
            let _ = sender.send(FileHashEvent::Read(bytes));
            !is_cancelled()
        };
        match hash_file(path, item, kinds, &mut medium, on_bytes).transpose() {
            None => break,
            Some(outcome) => {
                let _ = sender.send(FileHashEvent::Hashed(number, index, outcome));
            }
        }
    }
}

fn hash_file(
    path: &Path,
    item: &Item,
    kinds: &[HashKind],
    medium: &mut MediumReader,
    on_bytes: &mut dyn FnMut(u64) -> bool,
) -> std::io::Result<Option<Hashed>> {
    let mut hashers: Vec<Hasher> = kinds.iter().copied().map(Hasher::new).collect();
    let mut read = 0;
    let before = Stamp::from_metadata(&path.symlink_metadata()?);
    let how = medium.read(path, &mut |piece| {
        for hasher in &mut hashers {
            hasher.update(piece);
        }
        read += piece.len() as u64;
        on_bytes(piece.len() as u64)
    })?;
    let Some(how) = how else {
        return Ok(None);
    };
    let now = path.symlink_metadata()?;
    if read != item.bytes || !item.is_like(&now) || Stamp::from_metadata(&now) != before {
        return Err(std::io::Error::other("changed while it was read"));
    }
    Ok(Some(Hashed {
        hashes: hashers.into_iter().map(Hasher::finish).collect(),
        how,
        stamp: Stamp::from_metadata(&now),
    }))
}
