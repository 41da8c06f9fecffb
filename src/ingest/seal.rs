//! Writes the manifest of the copies at a destination: a generation of its ASC MHL history.

use std::path::PathBuf;

use super::card_plan::CardPlan;
use super::copy_results::CopyResults;
use crate::checksum::HashKind;
use crate::mhl::{self, GenerationBuilder, Histories, MhlError, Process, SealOutcome};
use crate::offload::CopyTask;

/// Returns true if a manifest needs kinds of hashes of a file that an earlier run did not compute.
pub(super) fn lacks_hashes(task: &CopyTask, histories: &Histories, kind: HashKind) -> bool {
    let (Some(known), Some(path)) = (&task.known_hashes, mhl::manifest_path(&task.item.inside))
    else {
        return false;
    };
    let has = |kind: &HashKind| known.iter().any(|hash| hash.kind() == *kind);
    !histories.required_kinds(&path, &[kind]).iter().all(has)
}

/// Manifest that was written.
pub(super) struct Sealed {
    /// Path relative to the destination.
    pub(super) manifest: PathBuf,
    /// Tasks whose hashes contradict a manifest on the card.
    pub(super) altered: Vec<usize>,
    /// Tasks whose hashes in a manifest are of kinds that were not computed.
    pub(super) unproven: Vec<usize>,
}

/// Maximum number of attempts if a program that ignores the lock writes to the history as well.
const ATTEMPTS: usize = 5;

/// Manifest to write at one destination of a card.
pub(super) struct ManifestOrder<'a> {
    pub(super) plan: &'a CardPlan,
    pub(super) copying: &'a CopyResults,
    /// Index of the destination.
    pub(super) at: usize,
    /// True if an earlier run wrote a manifest there.
    pub(super) is_sealed: bool,
    pub(super) author: &'a str,
    /// Returns true if waiting for another machine must stop.
    pub(super) is_cancelled: &'a dyn Fn() -> bool,
}

impl ManifestOrder<'_> {
    /// Writes a generation with the copies that this run verified; if the destination has no manifest
    /// yet, with all verified copies. `None` if there is nothing to write, or if waiting for another
    /// machine was cancelled.
    ///
    /// # Errors
    /// Returns the reason as text.
    pub(super) fn write(&self) -> Result<Option<Sealed>, String> {
        let folder = &self.plan.destinations[self.at].folder;
        if !folder.is_dir() {
            return Ok(None);
        }
        let mut verified = self.copying.verified[self.at].iter();
        if !verified.any(|verified| self.is_selected(*verified)) {
            // A damaged history is reported even if nothing is added to it.
            return match Histories::read(folder) {
                Ok(_) => Ok(None),
                Err(fault) => Err(fault.to_string()),
            };
        }
        let is_within_copy = |path: &str| {
            let inside = self.plan.tasks.iter().map(|task| &task.item.inside);
            let folders = self.plan.listing.folders.iter().map(|(inside, _)| inside);
            inside.chain(folders).any(|inside| inside.starts_with(path))
        };
        let keep_waiting = || !(self.is_cancelled)();
        let mut attempt = 1;
        loop {
            let histories = Histories::lock(folder, &is_within_copy, &keep_waiting);
            let Some(histories) = histories.map_err(|fault| fault.to_string())? else {
                return Ok(None);
            };
            match self.write_generation(&histories) {
                Err(MhlError::Overtaken { .. }) if attempt < ATTEMPTS => attempt += 1,
                Ok(sealed) if !histories.holds_all_locks() => {
                    drop(histories);
                    // The lock was lost and another process wrote: locking again restores
                    // generations missing in the chain.
                    let _ = Histories::lock(folder, &is_within_copy, &keep_waiting);
                    return Ok(Some(sealed));
                }
                written => return written.map(Some).map_err(|fault| fault.to_string()),
            }
        }
    }

    /// Returns true if the manifest lists a copy in this state.
    fn is_selected(&self, verified: Option<bool>) -> bool {
        verified == Some(true) || (verified.is_some() && !self.is_sealed)
    }

    /// Writes a generation of the selected files.
    fn write_generation(&self, histories: &Histories) -> Result<Sealed, MhlError> {
        let Self { plan, copying, .. } = self;
        let verified = &copying.verified[self.at];
        let mut generation = GenerationBuilder::new(histories, plan.hash);
        if !plan.listing.problems.is_empty() {
            generation.mark_incomplete();
        }
        let (mut altered, mut unproven) = (Vec::new(), Vec::new());
        for (number, CopyTask { item, .. }) in plan.tasks.iter().enumerate() {
            let hashes = copying.hashes[number].as_ref();
            let path = mhl::manifest_path(&item.inside);
            let Some(hashes) = hashes.filter(|_| self.is_selected(verified[number])) else {
                // Without all files, the hashes of the folders cannot be computed.
                if path.is_none_or(|path| !histories.is_ignored(&path, false)) {
                    generation.mark_incomplete();
                }
                continue;
            };
            match generation.add_file(path, item.bytes, item.modified, hashes) {
                Some(SealOutcome::Failed) => altered.push(number),
                Some(SealOutcome::Unverifiable) => unproven.push(number),
                Some(SealOutcome::New | SealOutcome::Verified) | None => {}
            }
        }
        for (inside, modified) in &plan.listing.folders {
            generation.add_folder(mhl::manifest_path(inside), *modified);
        }
        let manifests = generation.write(self.author, Process::Transfer)?;
        let manifest = manifests.last().cloned().unwrap_or_default();
        let folder = &plan.destinations[self.at].folder;
        Ok(Sealed {
            manifest: manifest
                .strip_prefix(folder)
                .map(PathBuf::from)
                .unwrap_or(manifest),
            altered,
            unproven,
        })
    }
}
