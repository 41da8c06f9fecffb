//! Files that are there, read from their media and hashed, side by side.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use super::card_listing::Item;
use super::read_back::{How, Medium};
use crate::checksum::{Checksum, HashKind, Hasher};
use crate::source_file::Stamp;

/// Files that are read side by side where a device lets them be.
const MOST_READERS: usize = 4;

/// Files on one device.
pub struct Lane<'a> {
    /// How many of them its device lets be read at a time.
    pub readers: usize,
    /// Each with its path, what it was when it was listed, and by which hashes it is asked for.
    pub files: Vec<(PathBuf, &'a Item, Vec<HashKind>)>,
}

/// What is told of a file, given by its lane and its place there.
#[derive(Debug)]
pub enum Heard {
    /// It is being read.
    Reading(usize, usize),
    /// So many more bytes were read of any.
    Read(u64),
    /// What it hashes to, or why it could not be read.
    Hashed(usize, usize, std::io::Result<Hashed>),
}

/// A file that was read whole.
#[derive(Debug)]
pub struct Hashed {
    /// What it hashes to, in the order of the kinds that were asked for.
    pub hashes: Vec<Checksum>,
    /// How it was read.
    pub how: How,
    /// What it looked like when that was done.
    pub stamp: Stamp,
}

/// Hashes files as long as `go_on` says so: each device's beside those of others.
pub fn hash_files(
    lanes: &[Lane<'_>],
    go_on: &(dyn Fn() -> bool + Sync),
    told: &mut dyn FnMut(Heard),
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
            told(message);
        }
    });
}

/// One of the readers of a lane.
fn read_on(
    lane: &Lane<'_>,
    number: usize,
    next: &AtomicUsize,
    go_on: &(dyn Fn() -> bool + Sync),
    sender: &SyncSender<Heard>,
) {
    let mut medium = Medium::default();
    while go_on() {
        let at = next.fetch_add(1, Ordering::SeqCst);
        let Some((path, item, kinds)) = lane.files.get(at) else {
            break;
        };
        // Whoever listens does so to the end.
        let _ = sender.send(Heard::Reading(number, at));
        let each = &mut |bytes| {
            let _ = sender.send(Heard::Read(bytes));
            go_on()
        };
        match hashed(path, item, kinds, &mut medium, each).transpose() {
            None => break,
            Some(outcome) => {
                let _ = sender.send(Heard::Hashed(number, at, outcome));
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
    let before = Stamp::of(&path.symlink_metadata()?);
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
    if read != item.bytes || !item.is_like(&now) || Stamp::of(&now) != before {
        return Err(std::io::Error::other("it changed while it was read"));
    }
    Ok(Some(Hashed {
        hashes: hashers.into_iter().map(Hasher::finish).collect(),
        how,
        stamp: Stamp::of(&now),
    }))
}
