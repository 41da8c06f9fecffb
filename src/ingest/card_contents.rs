//! Whether a card holds what the log says of it, by its contents.
//!
//! Names, sizes and times do not tell: cameras without a clock give each card the same ones. So every file that would be
//! skipped is sampled. What a sample cannot decide is read whole: a file of which no sample exists, and a large one whose
//! time tells nothing, as two recordings may differ behind the sampled ranges only.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use super::Event;
use crate::catalogue::Ingested;
use crate::checksum::{Checksum, HashKind};
use crate::mhl;
use crate::offload::{Credible, Heard, Item, Lane, Listing, hash_files, sample};
use crate::value::Fingerprint;

/// The contents of a card, each file sampled and read at most once.
pub(super) struct Contents<'a> {
    source: &'a Path,
    listing: &'a Listing,
    credible: Credible,
    go_on: &'a (dyn Fn() -> bool + Sync),
    samples: HashMap<PathBuf, Option<Fingerprint>>,
    hashes: HashMap<PathBuf, Option<Fingerprint>>,
}

/// What comparing came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Compared {
    /// Whether a file holds something else: it is another card.
    pub(super) is_other: bool,
    /// Samples of files that the log has none of.
    pub(super) samples: HashMap<PathBuf, Fingerprint>,
    /// Files of which it could not be decided; they have to be read.
    pub(super) doubted: Vec<PathBuf>,
}

impl<'a> Contents<'a> {
    pub(super) fn new(
        source: &'a Path,
        listing: &'a Listing,
        go_on: &'a (dyn Fn() -> bool + Sync),
    ) -> Self {
        Self {
            source,
            listing,
            credible: Credible::of(listing),
            go_on,
            samples: HashMap::new(),
            hashes: HashMap::new(),
        }
    }

    /// Compares files of the card with what the log has of an ingest, whose copies may be in `folder`.
    pub(super) fn compare(
        &mut self,
        logged: &[Ingested],
        folder: &Path,
        report: &mut dyn FnMut(Event),
    ) -> Compared {
        let logged: HashMap<&Path, &Ingested> = logged
            .iter()
            .map(|file| (file.inside.as_path(), file))
            .collect();
        let mut compared = Compared::default();
        let mut whole = Vec::new();
        for item in &self.listing.files {
            if !(self.go_on)() {
                return compared;
            }
            let Some(file) = logged.get(item.inside.as_path()) else {
                continue;
            };
            let is_listed_so = (file.bytes, file.modified) == (item.bytes, item.modified);
            if !is_listed_so || file.digest.is_none() || is_alike_anyway(item) {
                continue;
            }
            let copy = || sample_of_copy(&folder.join(&item.inside), item);
            match (self.sample(item), file.sample.or_else(copy)) {
                (Some(now), Some(then)) if now != then => {
                    compared.is_other = true;
                    return compared;
                }
                (Some(now), Some(_)) if self.credible.has(item) => {
                    if file.sample.is_none() {
                        compared.samples.insert(item.inside.clone(), now);
                    }
                }
                _ => whole.push((item, file.xxh128.as_ref().and_then(Checksum::fingerprint))),
            }
        }
        self.compare_whole(&whole, &mut compared, report);
        compared
    }

    /// Reads files whole and compares them with their hashes of before, until one differs.
    fn compare_whole(
        &mut self,
        files: &[(&Item, Option<Fingerprint>)],
        compared: &mut Compared,
        report: &mut dyn FnMut(Event),
    ) {
        let unread = files
            .iter()
            .filter(|(item, _)| !self.hashes.contains_key(&item.inside));
        let unread: Vec<_> = unread.copied().collect();
        if !unread.is_empty() {
            report(Event::Comparing(
                self.source.to_owned(),
                unread.iter().map(|(item, _)| item.bytes).sum(),
            ));
        }
        for (item, then) in files {
            let now = self.hash(item);
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

    /// Whether a file of the card differs from one that stands at a path by its sample. What cannot be read does not.
    pub(super) fn differs(&mut self, item: &Item, path: &Path) -> bool {
        if is_alike_anyway(item) {
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

    /// Hashes a whole file; `None` when it cannot be read.
    fn hash(&mut self, item: &Item) -> Option<Fingerprint> {
        if let Some(hash) = self.hashes.get(&item.inside) {
            return *hash;
        }
        let file = (self.source.join(&item.inside), item, vec![HashKind::Xxh128]);
        let lane = Lane {
            readers: 1,
            files: vec![file],
        };
        let mut hash = None;
        hash_files(&[lane], self.go_on, &mut |heard| {
            if let Heard::Hashed(_, _, Ok(read)) = heard {
                hash = read.hashes.first().and_then(Checksum::fingerprint);
            }
        });
        self.hashes.insert(item.inside.clone(), hash);
        hash
    }
}

/// Whether a file needs no comparing: an empty one, and the chain of a history, which grows where it is copied to.
fn is_alike_anyway(item: &Item) -> bool {
    item.bytes == 0 || mhl::is_chain(&item.inside)
}

/// The sample of a copy, if a file of that size stands there.
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
