//! The manifest of what was copied to one place: a generation of its ASC media hash list.

use std::path::PathBuf;

use jiff::{Timestamp, Zoned};

use super::copying::Copying;
use super::plan::CardPlan;
use crate::checksum::Checksum;
use crate::mhl::{self, Creator, Entry, Folder, Generation, Hash, Histories, Outcome, Process};

/// A manifest that was written.
pub(super) struct Sealed {
    /// Where it is, below the place.
    pub(super) manifest: PathBuf,
    /// Files, below the place, that are not what a manifest on the card says of them.
    pub(super) altered: Vec<PathBuf>,
}

/// Writes a generation of what is proved at a place: of what this run proved, and of all where none was written
/// before. `None` when there is nothing to write.
///
/// # Errors
/// Why there is none.
pub(super) fn place(
    plan: &CardPlan,
    copying: &Copying,
    at: usize,
    is_sealed: bool,
    author: &str,
) -> Result<Option<Sealed>, String> {
    let proved = &copying.proved[at];
    let is_meant = |proved: Option<bool>| proved == Some(true) || (proved.is_some() && !is_sealed);
    if !proved.iter().any(|proved| is_meant(*proved)) {
        return Ok(None);
    }
    let folder = &plan.places[at].folder;
    let histories = Histories::read(folder).map_err(|fault| fault.to_string())?;
    let (mut files, mut altered) = (Vec::new(), Vec::new());
    let made = Timestamp::now();
    // A part of a card's files says nothing of its folders.
    let mut is_whole = plan.listing.problems.is_empty();
    for (number, task) in plan.tasks.iter().enumerate() {
        let Some(hashes) = copying.hashes[number]
            .as_ref()
            .filter(|_| is_meant(proved[number]))
        else {
            continue;
        };
        let Some(path) = mhl::path(&task.item.inside) else {
            is_whole = false;
            continue;
        };
        if histories.is_ignored(&path, false) {
            continue;
        }
        let verdict = histories.judged(&path, &wanted(hashes, plan, &histories, &path));
        match verdict.outcome {
            Outcome::Failed => altered.push(task.item.inside.clone()),
            // A manifest on the card has hashes of another kind, and this file was hashed by an earlier run.
            Outcome::Unproven => {
                is_whole = false;
                continue;
            }
            Outcome::New | Outcome::Verified => {}
        }
        files.push(Entry {
            path,
            previous: None,
            bytes: task.item.bytes,
            modified: timestamp(task.item.modified),
            created: None,
            hashes: Hash::all(verdict, made),
        });
    }
    let folders = plan
        .listing
        .folders
        .iter()
        .filter_map(|(inside, modified)| {
            let path = mhl::path(inside).filter(|path| !histories.is_ignored(path, true))?;
            let modified = timestamp(*modified);
            Some(Folder {
                path,
                previous: None,
                modified,
            })
        });
    let generation = Generation {
        created: made,
        offset: Zoned::now().offset(),
        creator: Creator::by(author),
        process: Process::Transfer,
        ignored: Vec::new(),
        // A part of a card's files says nothing of its folders.
        kinds: if is_whole {
            vec![plan.hash]
        } else {
            Vec::new()
        },
        folders: folders.collect(),
        files,
    };
    let manifests = histories
        .write(&generation)
        .map_err(|fault| fault.to_string())?;
    let manifest = manifests.last().cloned().unwrap_or_default();
    Ok(Some(Sealed {
        manifest: manifest
            .strip_prefix(folder)
            .map(PathBuf::from)
            .unwrap_or(manifest),
        altered,
    }))
}

/// The hashes that a generation has of a file: of the kind asked for, and of those that its history knows.
fn wanted(
    hashes: &[Checksum],
    plan: &CardPlan,
    histories: &Histories,
    path: &str,
) -> Vec<Checksum> {
    let needed = histories.needed(path, &[plan.hash]);
    let is_needed = |hash: &&Checksum| needed.contains(&hash.kind());
    hashes.iter().filter(is_needed).cloned().collect()
}

fn timestamp(nanos: i64) -> Option<Timestamp> {
    Timestamp::from_nanosecond(i128::from(nanos)).ok()
}
