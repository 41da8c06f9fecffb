//! Compares the contents of a card with an earlier ingest.
//!
//! Names, sizes and times are not sufficient: a camera without a clock repeats them on every card.
//! So every file that would be skipped is sampled. Some files are read completely: those without a
//! recorded sample, and large files with unreliable times, since two recordings may differ only
//! outside the sampled ranges.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::event::Event;
use super::ingest_run::IngestRun;
use crate::catalogue::Ingested;
use crate::checksum::{Checksum, HashKind};
use crate::mhl;
use crate::offload::{FileHashEvent, Item, Lane, Listing, ReliableTimes, hash_files, sample};
use crate::value::Fingerprint;

/// Number of files sampled at a time. Another card usually differs within the first few files.
const SAMPLED_AHEAD: usize = 64;

/// Contents of a card, with caches: each file is sampled and hashed at most once.
pub(super) struct Contents<'a> {
    source: &'a Path,
    listing: &'a Listing,
    credible: ReliableTimes,
    /// Number of files read in parallel.
    readers: usize,
    samples: HashMap<PathBuf, Option<Fingerprint>>,
    hashes: HashMap<PathBuf, Option<Fingerprint>>,
}

/// Result of comparing a card with an earlier ingest.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CardComparison {
    /// True if the content of a file differs, so this is another card.
    pub(super) is_other_card: bool,
    /// Samples that are missing in the ingest log.
    pub(super) samples: HashMap<PathBuf, Fingerprint>,
    /// Files that could not be compared and must be read again.
    pub(super) doubted: Vec<PathBuf>,
}

impl<'a> Contents<'a> {
    pub(super) fn new(source: &'a Path, listing: &'a Listing, readers: usize) -> Self {
        Self {
            source,
            listing,
            credible: ReliableTimes::from_listing(listing),
            readers: readers.max(1),
            samples: HashMap::new(),
            hashes: HashMap::new(),
        }
    }

    /// Compares the card with the logged files of an ingest. Files without a recorded sample are
    /// compared with their copies in `folder`, if those exist.
    pub(super) fn compare(
        &mut self,
        logged: &[Ingested],
        folder: &Path,
        run: &mut IngestRun<'_>,
    ) -> CardComparison {
        let logged: HashMap<&Path, &Ingested> = logged
            .iter()
            .map(|file| (file.inside.as_path(), file))
            .collect();
        let mut compared = CardComparison::default();
        let mut unsampled = Vec::new();
        let files = self.listing.files.iter().filter_map(|item| {
            let file = *logged.get(item.inside.as_path())?;
            let is_unchanged = (file.bytes, file.modified) == (item.bytes, item.modified);
            let is_compared = is_unchanged && file.digest.is_some() && !needs_no_comparison(item);
            is_compared.then_some((item, file))
        });
        let files: Vec<(&Item, &Ingested)> = files.collect();
        for (number, &(item, file)) in files.iter().enumerate() {
            if run.is_cancelled() {
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
                    compared.is_other_card = true;
                    return compared;
                }
                (Some(now), Some(_)) if self.credible.identifies(item) => {
                    if file.sample.is_none() {
                        compared.samples.insert(item.inside.clone(), now);
                    }
                }
                _ => unsampled.push((item, file.xxh128.as_ref().and_then(Checksum::fingerprint))),
            }
        }
        self.compare_hashes(&unsampled, &mut compared, run);
        compared
    }

    /// Reads files completely and compares their hashes with the recorded ones, until one differs.
    fn compare_hashes(
        &mut self,
        files: &[(&Item, Option<Fingerprint>)],
        compared: &mut CardComparison,
        run: &mut IngestRun<'_>,
    ) {
        let unread = files
            .iter()
            .filter(|(item, _)| !self.hashes.contains_key(&item.inside));
        let unread: Vec<_> = unread.copied().collect();
        if !unread.is_empty() {
            run.report(Event::Comparing(
                self.source.to_owned(),
                unread.iter().map(|(item, _)| item.bytes).sum(),
            ));
        }
        self.hash_all(&unread, run);
        for (item, then) in files {
            let now = self.hashes.get(&item.inside).copied().flatten();
            if now.is_some() && then.is_some() && now != *then {
                compared.is_other_card = true;
                return;
            }
            match self.sample(item).filter(|_| now.is_some() && now == *then) {
                Some(sample) => _ = compared.samples.insert(item.inside.clone(), sample),
                None => compared.doubted.push(item.inside.clone()),
            }
        }
    }

    /// Returns true if the samples of a file and of the file at `path` differ. Returns false if one
    /// of them cannot be read.
    pub(super) fn differs(&mut self, item: &Item, path: &Path) -> bool {
        if needs_no_comparison(item) {
            return false;
        }
        match (self.sample(item), sample_of_copy(path, item)) {
            (Some(sample), Some(other)) => sample != other,
            _ => false,
        }
    }

    fn sample(&mut self, item: &Item) -> Option<Fingerprint> {
        let path = self.source.join(&item.inside);
        let entry = self.samples.entry(item.inside.clone());
        *entry.or_insert_with(|| sample(&path).unwrap_or(None))
    }

    /// Samples files, in parallel if the drive allows it.
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
                        let sample_file =
                            |item: &&Item| sample(&source.join(&item.inside)).unwrap_or(None);
                        share.iter().map(sample_file).collect::<Vec<_>>()
                    })
                })
                .collect();
            let sampled = threads.into_iter().map(|thread| thread.join().ok());
            sampled.collect::<Option<Vec<_>>>()
        });
        // If a thread panicked, the files are sampled on demand.
        let sampled = sampled.unwrap_or_default().concat();
        let names = unknown.into_iter().map(|item| item.inside.clone());
        self.samples.extend(names.zip(sampled));
    }

    /// Hashes whole files, in parallel if the drive allows it, until one differs from its recorded
    /// hash. Unreadable files get no hash.
    fn hash_all(&mut self, files: &[(&Item, Option<Fingerprint>)], run: &mut IngestRun<'_>) {
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
        let is_different = AtomicBool::new(false);
        let cancel = run.cancel();
        let is_stopped = || cancel.is_cancelled() || is_different.load(Ordering::Relaxed);
        hash_files(&[lane], &is_stopped, &mut |event| match event {
            FileHashEvent::Read(bytes) => run.report(Event::Compared(bytes)),
            FileHashEvent::Hashed(_, at, outcome) => {
                let (item, then) = files[at];
                let hashes = outcome.ok().map(|read| read.hashes);
                let now = hashes.and_then(|hashes| hashes.first()?.fingerprint());
                if now.is_some() && then.is_some() && now != then {
                    is_different.store(true, Ordering::Relaxed);
                }
                self.hashes.insert(item.inside.clone(), now);
            }
            FileHashEvent::Reading(..) => {}
        });
    }
}

/// Returns true for files that need no comparison: empty files, and the chain of an MHL history,
/// which grows at the destination.
fn needs_no_comparison(item: &Item) -> bool {
    item.bytes == 0 || mhl::is_chain(&item.inside)
}

/// Returns the sample of a copy; `None` if no regular file of the same size exists.
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
