//! The manifest of what was copied to one place: a generation of its ASC media hash list.

use std::path::PathBuf;

use super::copying::Copying;
use super::plan::CardPlan;
use crate::mhl::{self, Gatherer, Histories, Outcome, Process};
use crate::offload::Task;

/// A manifest that was written.
pub(super) struct Sealed {
    /// Where it is, below the place.
    pub(super) manifest: PathBuf,
    /// The numbers of files that are not what a manifest on the card says of them.
    pub(super) altered: Vec<usize>,
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
    let folder = &plan.places[at].folder;
    // Also where nothing is to be written: whoever relies on it has to know when it is damaged.
    let histories = Histories::read(folder).map_err(|fault| fault.to_string())?;
    if !proved.iter().any(|proved| is_meant(*proved)) {
        return Ok(None);
    }
    let mut generation = Gatherer::new(&histories, plan.hash);
    if !plan.listing.problems.is_empty() {
        generation.leave_out();
    }
    let mut altered = Vec::new();
    for (number, Task { item, .. }) in plan.tasks.iter().enumerate() {
        let hashes = copying.hashes[number].as_ref();
        let Some(hashes) = hashes.filter(|_| is_meant(proved[number])) else {
            continue;
        };
        let path = mhl::path(&item.inside);
        let outcome = generation.file(path, item.bytes, item.modified, hashes);
        if outcome == Some(Outcome::Failed) {
            altered.push(number);
        }
    }
    for (inside, modified) in &plan.listing.folders {
        generation.folder(mhl::path(inside), *modified);
    }
    let manifests = generation.write(author, Process::Transfer);
    let manifests = manifests.map_err(|fault| fault.to_string())?;
    let manifest = manifests.last().cloned().unwrap_or_default();
    Ok(Some(Sealed {
        manifest: manifest
            .strip_prefix(folder)
            .map(PathBuf::from)
            .unwrap_or(manifest),
        altered,
    }))
}
