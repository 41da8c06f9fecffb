//! Compares the contents of a card with the log of ingests.
//!
//! Names, sizes and times are not sufficient: cameras without a clock give each card the same ones.
//! So every file that would be skipped is sampled. Some files are read completely: those without a
//! recorded sample, and large ones whose time is not trusted, since two recordings may differ only
//! outside the sampled ranges.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::Event;
use crate::catalogue::Ingested;
use crate::checksum::{Checksum, HashKind};
use crate::mhl;
use crate::offload::{FileHashEvent, Item, Lane, Listing, ReliableTimes, hash_files, sample};
use crate::value::Fingerprint;

/// Number of files sampled ahead of the comparison. Another card usually differs within the first
/// few.
const SAMPLED_AHEAD: usize = 64;

/// Contents of a card. Each file is sampled and read at most once.
pub(super) struct Contents<'a> {
    source: &'a Path,
    listing: &'a Listing,
    credible: ReliableTimes,
    /// Number of files read in parallel.
    readers: usize,
    go_on: &'a (dyn Fn() -> bool + Sync),
    samples: HashMap<PathBuf, Option<Fingerprint>>,
    hashes: HashMap<PathBuf, Option<Fingerprint>>,
}

/// Result of a comparison.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CardComparison {
    /// True if a file has different content: this is another card.
    pub(super) is_other: bool,
    /// Samples of files that the log has no sample of.
    pub(super) samples: HashMap<PathBuf, Fingerprint>,
    /// Files that could not be compared and must be read again.
    pub(super) doubted: Vec<PathBuf>,
}

impl<'a> Contents<'a> {
    pub(super) fn new(
        source: &'a Path,
        listing: &'a Listing,
        readers: usize,
        go_on: &'a (dyn Fn() -> bool + Sync),
    ) -> Self {
        Self {
            source,
            listing,
            credible: ReliableTimes::from_listing(listing),
            readers: readers.max(1),
            go_on,
            samples: HashMap::new(),
            hashes: HashMap::new(),
        }
    }

    /// Compares the card with the logged files of an ingest whose copies may be in `folder`.
    pub(super) fn compare(
        &mut self,
        logged: &[Ingested],
        folder: &Path,
        on_event: &mut dyn FnMut(Event),
    ) -> CardComparison {
        let logged: HashMap<&Path, &Ingested> = logged
            .iter()
            .map(|file| (file.inside.as_path(), file))
            .collect();
        let mut compared = CardComparison::default();
        let mut whole = Vec::new();
        let files = self.listing.files.iter().filter_map(|item| {
            let file = *logged.get(item.inside.as_path())?;
            let is_listed_so = (file.bytes, file.modified) == (item.bytes, item.modified);
            let is_compared = is_listed_so && file.digest.is_some() && !needs_no_comparison(item);
            is_compared.then_some((item, file))
        });
        let files: Vec<(&Item, &Ingested)> = files.collect();
        for (number, &(item, file)) in files.iter().enumerate() {
            if !(self.go_on)() {
                return compared;
            }
            if number % SAMPLED_AHEAD == 0 {
                let next = files[number..].iter().take(SAMPLED_AHEAD);
                let next: Vec<&Item> = next.map(|(item, _)| *item).collect();
                self.sample_all(&next);
            }
            let copy = || sample_of_copy(&folder.join(&item.inside), item);
            match (self.sample(item), file.sample.or_else(copy)) {
                (Some(now), Some(then)) if now != then => {
                    compared.is_other = true;
                    return compared;
                }
                (Some(now), Some(_)) if self.credible.identifies(item) => {
                    if file.sample.is_none() {
                        compared.samples.insert(item.inside.clone(), now);
                    }
                }
                _ => whole.push((item, file.xxh128.as_ref().and_then(Checksum::fingerprint))),
            }
        }
        self.compare_whole(&whole, &mut compared, on_event);
        compared
    }

    /// Reads files completely and compares them with their earlier hashes, until one differs.
    fn compare_whole(
        &mut self,
        files: &[(&Item, Option<Fingerprint>)],
        compared: &mut CardComparison,
        on_event: &mut dyn FnMut(Event),
    ) {
        let unread = files
            .iter()
            .filter(|(item, _)| !self.hashes.contains_key(&item.inside));
        let unread: Vec<_> = unread.copied().collect();
        if !unread.is_empty() {
            on_event(Event::Comparing(
                self.source.to_owned(),
                unread.iter().map(|(item, _)| item.bytes).sum(),
            ));
        }
        self.hash_all(&unread, on_event);
        for (item, then) in files {
            let now = self.hashes.get(&item.inside).copied().flatten();
            if now.is_some() && then.is_some() && now != *then {
                compared.is_other = true;
                return;
            }
            match self.sample(item).filter(|_| now.is_some() && now == *then) {
                Some(sample) => _ = compared.samples.insert(item.inside.clone(), sample),
                None => compared.doubted.push(item.inside.clone()),
            }
        }
    }

    /// Returns true if the sample of a file differs from that of the file at `path`. Unreadable
    /// files do not differ.
    pub(super) fn differs(&mut self, item: &Item, path: &Path) -> bool {
        if needs_no_comparison(item) {
            return false;
        }
        match (self.sample(item), sample_of_copy(path, item)) {
            (Some(ours), Some(theirs)) => ours != theirs,
            _ => false,
        }
    }

    fn sample(&mut self, item: &Item) -> Option<Fingerprint> {
        let path = self.source.join(&item.inside);
        let entry = self.samples.entry(item.inside.clone());
        *entry.or_insert_with(|| sample(&path).unwrap_or(None))
    }

    /// Samples files, several in parallel if the drive allows it.
    fn sample_all(&mut self, items: &[&Item]) {
        let unknown = |item: &&&Item| !self.samples.contains_key(&item.inside);
        let unknown: Vec<&Item> = items.iter().filter(unknown).copied().collect();
        if unknown.is_empty() {
            return;
        }
        let source = self.source;
        let sampled = thread::scope(|scope| {
            let shares = unknown.chunks(unknown.len().div_ceil(self.readers));
            let threads: Vec<_> = shares
                .map(|share| {
                    scope.spawn(move || {
                        let one = |item: &&Item| sample(&source.join(&item.inside)).unwrap_or(None);
                        share.iter().map(one).collect::<Vec<_>>()
                    })
                })
                .collect();
            let sampled = threads.into_iter().map(|thread| thread.join().ok());
            sampled.collect::<Option<Vec<_>>>()
        });
        // Files that could not be sampled here are sampled on demand.
        let sampled = sampled.unwrap_or_default().concat();
        let names = unknown.into_iter().map(|item| item.inside.clone());
        self.samples.extend(names.zip(sampled));
    }

    /// Hashes whole files, several in parallel if the drive allows it, until one differs from its
    /// earlier hash. Unreadable files get no hash.
    fn hash_all(
        &mut self,
        files: &[(&Item, Option<Fingerprint>)],
        on_event: &mut dyn FnMut(Event),
    ) {
        let lane = Lane {
            readers: self.readers,
            files: files
                .iter()
                .map(|(item, _)| {
                    let path = self.source.join(&item.inside);
                    (path, *item, vec![HashKind::Xxh128])
                })
                .collect(),
        };
        let is_other = AtomicBool::new(false);
        let is_cancelled = || !(self.go_on)() || is_other.load(Ordering::Relaxed);
        hash_files(&[lane], &is_cancelled, &mut |event| match event {
            FileHashEvent::Read(bytes) => on_event(Event::Compared(bytes)),
            FileHashEvent::Hashed(_, at, outcome) => {
                let (item, then) = files[at];
                let hashes = outcome.ok().map(|read| read.hashes);
                let now = hashes.and_then(|hashes| hashes.first()?.fingerprint());
                if now.is_some() && then.is_some() && now != then {
                    is_other.store(true, Ordering::Relaxed);
                }
                self.hashes.insert(item.inside.clone(), now);
            }
            FileHashEvent::Reading(..) => {}
        });
    }
}

/// Returns true if a file needs no comparison: an empty file, or a history's chain, which grows at
/// the destination.
fn needs_no_comparison(item: &Item) -> bool {
    item.bytes == 0 || mhl::is_chain(&item.inside)
}

/// Returns the sample of a copy, if a file of that size exists.
fn sample_of_copy(path: &Path, item: &Item) -> Option<Fingerprint> {
    let sampled = || -> io::Result<Option<Fingerprint>> {
        let found = path.symlink_metadata()?;
        if !found.is_file() || found.len() != item.bytes {
            return Ok(None);
        }
        sample(path)
    };
    sampled().unwrap_or(None)
}
