//! Decides whether a card is the one copied before, or was formatted and holds new recordings.
//!
//! Volume ids do not identify cards: cameras keep the serial when they format, and cards are
//! cloned. Only the contents do.

use std::collections::HashMap;
use std::path::Path;

use walkdir::WalkDir;

use super::card_contents::{CardComparison, Contents};
use crate::atomic_file;
use crate::catalogue::{Ingest, Ingested};
use crate::offload::{Item, Listing};

/// Owner of the folders that a card would go to.
pub(super) enum Owner {
    /// The folders are unused.
    Unclaimed,
    /// This card; with its earlier ingest if the catalogue has one.
    Same(Option<Box<Earlier>>),
    /// Another card.
    Other,
}

/// Contents of a folder that a card would go to.
pub(super) enum OnDisk {
    /// No files.
    Nothing,
    /// Mostly files of the card.
    Same,
    /// Mostly other files.
    Unlike,
    /// A file with the name, size and time of one of the card's, but different content.
    Differs,
}

/// Earlier ingest that a card resumes, from the log.
pub(super) struct Earlier {
    pub(super) ingest: Ingest,
    /// Files that were on the card.
    pub(super) files: Vec<Ingested>,
    /// Comparison with the card's current contents.
    pub(super) compared: CardComparison,
}

/// Returns true if most of the earlier files are unchanged; clips may have been added or deleted.
/// After formatting, none are, except for small files that cameras write the same each time.
pub(super) fn is_same(before: &[Ingested], listing: &Listing) -> bool {
    let now: HashMap<&Path, &Item> = listing
        .files
        .iter()
        .map(|item| (item.inside.as_path(), item))
        .collect();
    let is_there = |file: &&Ingested| {
        now.get(file.inside.as_path())
            .is_some_and(|item| item.bytes == file.bytes && item.modified == file.modified)
    };
    let same = before.iter().filter(is_there).map(|file| file.bytes).sum();
    let all = before.iter().map(|file| file.bytes).sum();
    is_most(same, all, listing.bytes())
}

/// Classifies a folder by its contents. One file that only looks like one of the card's means that
/// it belongs to another card.
pub(super) fn on_disk(folder: &Path, listing: &Listing, contents: &mut Contents<'_>) -> OnDisk {
    let (mut all, mut is_any) = (0, false);
    for entry in WalkDir::new(folder).min_depth(1).into_iter().flatten() {
        // Folders alone may belong to another ingest that has just begun.
        if entry.file_type().is_dir() || atomic_file::is_unfinished(entry.file_name()) {
            continue;
        }
        is_any = true;
        all += entry.metadata().map_or(0, |metadata| metadata.len());
    }
    if !is_any {
        return OnDisk::Nothing;
    }
    let is_there = |item: &&Item| {
        let there = folder.join(&item.inside).symlink_metadata();
        there.is_ok_and(|there| item.is_like(&there))
    };
    let there: Vec<&Item> = listing.files.iter().filter(is_there).collect();
    if !is_most(
        there.iter().map(|item| item.bytes).sum(),
        all,
        listing.bytes(),
    ) {
        return OnDisk::Unlike;
    }
    let mut differing = there
        .iter()
        .filter(|item| contents.differs(item, &folder.join(&item.inside)));
    if differing.next().is_some() {
        OnDisk::Differs
    } else {
        OnDisk::Same
    }
}

/// Returns true if `same` bytes are at least half of the smaller of two totals; true if that is
/// zero.
fn is_most(same: u64, one: u64, other: u64) -> bool {
    same.saturating_mul(2) >= one.min(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn item(name: &str, bytes: u64, modified: i64) -> Item {
        Item {
            inside: PathBuf::from(name),
            bytes,
            modified,
        }
    }

    fn listing(files: Vec<Item>) -> Listing {
        Listing {
            files,
            ..Listing::default()
        }
    }

    fn before(files: &[Item]) -> Vec<Ingested> {
        let files = files.iter().map(|item| Ingested {
            sessions: Vec::new(),
            id: 1,
            inside: item.inside.clone(),
            bytes: item.bytes,
            modified: item.modified,
            digest: None,
            xxh128: None,
            sample: None,
            problem: None,
            copies: Vec::new(),
        });
        files.collect()
    }

    #[test]
    fn a_card_is_known_while_most_of_its_files_are_unchanged() {
        let index = item("INDEX.DAT", 100, 5);
        let clip = |number: i64| item(&format!("C{number:04}.MP4"), 5000, number);
        let day = vec![index.clone(), clip(1), clip(2)];
        let same = |now: Vec<Item>| is_same(&before(&day), &listing(now));
        assert!(same(day.clone()));
        // Clips were added, or most were deleted on the card.
        assert!(same(vec![
            index.clone(),
            clip(1),
            clip(2),
            clip(3),
            clip(4),
            clip(5)
        ]));
        assert!(same(vec![index.clone(), clip(2)]));
        // Formatted: names and a small file are unchanged.
        let new_recording = |name: &str| item(name, 5001, 9);
        assert!(!same(vec![
            index,
            new_recording("C0001.MP4"),
            new_recording("C0002.MP4")
        ]));
        // The ingest was killed before anything was listed.
        assert!(is_same(&[], &listing(day)));
    }
}
