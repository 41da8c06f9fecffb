//! Reads existing files back from their media and hashes them in parallel.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use super::card_listing::Item;
use super::read_back::{How, Medium};
use crate::checksum::{Checksum, HashKind, Hasher};
use crate::source_file::Stamp;

/// Maximum number of parallel readers per device.
const MOST_READERS: usize = 4;

/// Files on one device.
pub struct Lane<'a> {
    /// Number of files that the device allows to be read in parallel.
    pub readers: usize,
    /// Files with path, listed state, and kinds of hashes to compute.
    pub files: Vec<(PathBuf, &'a Item, Vec<HashKind>)>,
}

/// Progress of hashing. Files are given by lane and index within it.
#[derive(Debug)]
pub enum FileHashEvent {
    /// Reading of a file began.
    Reading(usize, usize),
    /// Number of further bytes read, from any file.
    Read(u64),
    /// Result of hashing a file, or the reason why it could not be read.
    Hashed(usize, usize, std::io::Result<Hashed>),
}

/// File that was read completely.
#[derive(Debug)]
pub struct Hashed {
    /// Hashes, in the order of the requested kinds.
    pub hashes: Vec<Checksum>,
    /// Read method.
    pub how: How,
    /// Size and times after the read.
    pub stamp: Stamp,
}

/// Hashes files until `go_on` returns false, with all devices in parallel.
pub fn hash_files(
    lanes: &[Lane<'_>],
    go_on: &(dyn Fn() -> bool + Sync),
    on_event: &mut dyn FnMut(FileHashEvent),
) {
    let next: Vec<AtomicUsize> = lanes.iter().map(|_| AtomicUsize::new(0)).collect();
    let (sender, receiver) = sync_channel(1024);
    thread::scope(|scope| {
        for (number, (lane, next)) in lanes.iter().zip(&next).enumerate() {
            for _ in 0..lane.readers.min(MOST_READERS).min(lane.files.len()) {
                let sender = sender.clone();
                scope.spawn(move || read_on(lane, number, next, go_on, &sender));
            }
        }
        drop(sender);
        for message in receiver {
            on_event(message);
        }
    });
}

/// Runs one reader thread of a lane.
fn read_on(
    lane: &Lane<'_>,
    number: usize,
    next: &AtomicUsize,
    go_on: &(dyn Fn() -> bool + Sync),
    sender: &SyncSender<FileHashEvent>,
) {
    let mut medium = Medium::default();
    while go_on() {
        let at = next.fetch_add(1, Ordering::SeqCst);
        let Some((path, item, kinds)) = lane.files.get(at) else {
            break;
        };
        // The receiver stops only after the last event.
        let _ = sender.send(FileHashEvent::Reading(number, at));
        let each = &mut |bytes| {
            let _ = sender.send(FileHashEvent::Read(bytes));
            go_on()
        };
        match hashed(path, item, kinds, &mut medium, each).transpose() {
            None => break,
            Some(outcome) => {
                let _ = sender.send(FileHashEvent::Hashed(number, at, outcome));
            }
        }
    }
}

fn hashed(
    path: &Path,
    item: &Item,
    kinds: &[HashKind],
    medium: &mut Medium,
    each: &mut dyn FnMut(u64) -> bool,
) -> std::io::Result<Option<Hashed>> {
    let mut hashers: Vec<Hasher> = kinds.iter().copied().map(Hasher::new).collect();
    let mut read = 0;
    let before = Stamp::from_metadata(&path.symlink_metadata()?);
    let how = medium.read(path, &mut |piece| {
        for hasher in &mut hashers {
            hasher.update(piece);
        }
        read += piece.len() as u64;
        each(piece.len() as u64)
    })?;
    let Some(how) = how else {
        return Ok(None);
    };
    let now = path.symlink_metadata()?;
    if read != item.bytes || !item.is_like(&now) || Stamp::from_metadata(&now) != before {
        return Err(std::io::Error::other("it changed while it was read"));
    }
    Ok(Some(Hashed {
        hashes: hashers.into_iter().map(Hasher::finish).collect(),
        how,
        stamp: Stamp::from_metadata(&now),
    }))
}
