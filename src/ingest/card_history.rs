//! Decides whether a card was copied before, or was formatted since and holds new recordings.
//!
//! Volume ids do not identify the recordings: cameras keep the id when they format a card, and
//! cards are cloned. Only the contents do.

use std::collections::HashMap;
use std::path::Path;

use walkdir::WalkDir;

use super::card_contents::{CardComparison, Contents};
use crate::atomic_file;
use crate::catalogue::{Ingest, Ingested};
use crate::offload::{Item, Listing};

/// Card that uses a set of destination folders.
pub(super) enum FolderClaim {
    /// The folders are unused.
    Unused,
    /// This card, with its earlier ingest if the catalogue has one.
    SameCard(Option<Box<EarlierIngest>>),
    /// Another card.
    OtherCard,
}

/// Contents of a destination folder, compared with a card.
pub(super) enum FolderContents {
    /// The folder contains no files.
    Empty,
    /// Most of the files are on the card.
    SameFiles,
    /// Most of the files are not on the card.
    OtherFiles,
    /// A file has the name, size and time of a file on the card, but different content.
    DifferentContent,
}

/// Ingest from the log that a card resumes.
pub(super) struct EarlierIngest {
    pub(super) ingest: Ingest,
    /// Files that were on the card at that time.
    pub(super) files: Vec<Ingested>,
    /// Result of comparing them with the current contents of the card.
    pub(super) compared: CardComparison,
}

/// Returns true if most of the earlier files are unchanged; clips may have been added or deleted.
/// After formatting, only small files are unchanged, which cameras write identically each time.
pub(super) fn is_same(before: &[Ingested], listing: &Listing) -> bool {
    let now: HashMap<&Path, &Item> = listing
        .files
        .iter()
        .map(|item| (item.inside.as_path(), item))
        .collect();
    let is_unchanged = |file: &&Ingested| {
        now.get(file.inside.as_path())
            .is_some_and(|item| item.bytes == file.bytes && item.modified == file.modified)
    };
    let same = before
        .iter()
        .filter(is_unchanged)
        .map(|file| file.bytes)
        .sum();
    let all = before.iter().map(|file| file.bytes).sum();
    is_majority(same, all, listing.bytes())
}

/// Classifies a folder by its contents. If a file has the name, size and time of one on the card
/// but different content, the folder belongs to another card.
pub(super) fn classify_folder(
    folder: &Path,
    listing: &Listing,
    contents: &mut Contents<'_>,
) -> FolderContents {
    let (mut all, mut is_any) = (0, false);
    for entry in WalkDir::new(folder).min_depth(1).into_iter().flatten() {
        // Folders without files prove nothing: another ingest may just have created them.
        if entry.file_type().is_dir() || atomic_file::is_unfinished(entry.file_name()) {
            continue;
        }
        is_any = true;
        all += entry.metadata().map_or(0, |metadata| metadata.len());
    }
    if !is_any {
        return FolderContents::Empty;
    }
    let is_in_folder = |item: &&Item| {
        let metadata = folder.join(&item.inside).symlink_metadata();
        metadata.is_ok_and(|metadata| item.is_like(&metadata))
    };
    let in_folder: Vec<&Item> = listing.files.iter().filter(is_in_folder).collect();
    if !is_majority(
        in_folder.iter().map(|item| item.bytes).sum(),
        all,
        listing.bytes(),
    ) {
        return FolderContents::OtherFiles;
    }
    let mut differing = in_folder
        .iter()
        .filter(|item| contents.differs(item, &folder.join(&item.inside)));
    if differing.next().is_some() {
        FolderContents::DifferentContent
    } else {
        FolderContents::SameFiles
    }
}

/// Returns true if `same` is at least half of the smaller total, or if that total is zero.
fn is_majority(same: u64, earlier: u64, current: u64) -> bool {
    same.saturating_mul(2) >= earlier.min(current)
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
    fn recognises_a_card_while_most_of_its_files_are_unchanged() {
        let index = item("INDEX.DAT", 100, 5);
        let clip = |number: i64| item(&format!("C{number:04}.MP4"), 5000, number);
        let day = vec![index.clone(), clip(1), clip(2)];
        let same = |now: Vec<Item>| is_same(&before(&day), &listing(now));
        assert!(same(day.clone()));
        // Clips were added or deleted.
        assert!(same(vec![
            index.clone(),
            clip(1),
            clip(2),
            clip(3),
            clip(4),
            clip(5)
        ]));
        assert!(same(vec![index.clone(), clip(2)]));
        // The card was formatted: the names and one small file are the same.
        let new_recording = |name: &str| item(name, 5001, 9);
        assert!(!same(vec![
            index,
            new_recording("C0001.MP4"),
            new_recording("C0002.MP4")
        ]));
        // The earlier ingest was killed before it recorded any file.
        assert!(is_same(&[], &listing(day)));
    }
}
