//! Copy tasks of a card: the remaining work for each file, and the space that it needs.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::planner::{PlanStop, Planner};
use crate::atomic_file;
use crate::catalogue::{IngestPlace, Ingested};
use crate::checksum::HashKind;
use crate::error::Problem;
use crate::ingest::card_history::EarlierIngest;
use crate::ingest::card_plan::{CardPlan, CardState, PlannedDestination};
use crate::ingest::destination::{self, Need};
use crate::ingest::{remaining_work, seal};
use crate::mhl;
use crate::offload::{CopyTask, Times};

impl Planner<'_, '_> {
    /// Plans the tasks of a card for its destination folders. Refuses the card if the space is
    /// insufficient.
    pub(super) fn plan_tasks(
        &mut self,
        plan: &mut CardPlan,
        earlier: Option<Box<EarlierIngest>>,
        folders: Vec<PathBuf>,
        bases: Vec<PathBuf>,
    ) -> Result<(), PlanStop> {
        let earlier = self.resume(plan, earlier, &folders)?;
        for (folder, base) in folders.iter().zip(bases) {
            plan.destinations.push(self.new_destination(folder, base));
        }
        let destination_times: Vec<(PathBuf, Times)> = plan
            .destinations
            .iter()
            .map(|planned| {
                (
                    planned.folder.clone(),
                    destination::times_of(&planned.volume),
                )
            })
            .collect();
        for item in &plan.listing.files {
            let file = earlier.files.get(&item.inside);
            let numbers = &earlier.numbers;
            let mut task =
                remaining_work::for_file(item, file, &destination_times, numbers, plan.hash);
            if earlier.doubted.contains(&item.inside) {
                task.must_reread = true;
                task.is_verified.fill(false);
            }
            // A file is read again if a manifest needs kinds of hashes that are not recorded.
            let histories = plan.histories.as_deref();
            if earlier.is_sealed.contains(&false)
                && histories.is_some_and(|all| seal::lacks_hashes(&task, all, plan.hash))
            {
                task.known_hashes = None;
                let unsealed = task.is_verified.iter_mut().zip(&earlier.is_sealed);
                unsealed.for_each(|(is_verified, is_sealed)| *is_verified &= *is_sealed);
            }
            for (at, folder) in folders.iter().enumerate() {
                let copy_path = folder.join(&item.inside);
                let is_extended = !task.is_verified[at]
                    && mhl::is_chain(&item.inside)
                    && mhl::has_grown(&copy_path, &plan.source.join(&item.inside));
                if is_extended {
                    task.is_verified[at] = true;
                    plan.extended_chains.push((plan.tasks.len(), at));
                }
                let copy = file.zip(numbers[at]);
                let copy = copy.and_then(|(file, number)| file.copies.get(number)?.as_ref());
                let problem = copy.and_then(|copy| copy.problem.as_ref());
                if let Some(problem) = problem.filter(|_| task.is_verified[at]) {
                    plan.remarks.push(Problem::new(&copy_path, problem.clone()));
                }
            }
            for (planned, _) in plan
                .destinations
                .iter_mut()
                .zip(&task.is_verified)
                .filter(|(_, is_verified)| !**is_verified)
            {
                planned.files += 1;
                planned.bytes += item.bytes;
            }
            plan.tasks.push(task);
        }
        if plan.destinations.iter().all(|planned| planned.files == 0)
            && !plan.listing.is_interrupted
        {
            plan.state = CardState::Known;
        }
        let needs: Vec<Need<'_>> = plan
            .destinations
            .iter()
            .map(|planned| space_needed(planned, plan))
            .collect();
        let reserved = self.free_space.reserve_all(&needs);
        drop(needs);
        reserved.map_err(PlanStop::Refused)?;
        self.claimed.extend(folders);
        Ok(())
    }
    /// Prepares the plan of a card that was ingested before. Returns the records of that ingest.
    fn resume(
        &self,
        plan: &mut CardPlan,
        earlier: Option<Box<EarlierIngest>>,
        folders: &[PathBuf],
    ) -> Result<EarlierCopies, PlanStop> {
        let mut copies = EarlierCopies {
            files: HashMap::new(),
            doubted: HashSet::new(),
            numbers: vec![None; folders.len()],
            is_sealed: vec![false; folders.len()],
        };
        let (Some(catalogue), Some(earlier)) = (self.catalogue, earlier) else {
            return Ok(copies);
        };
        let EarlierIngest {
            ingest,
            files,
            compared,
        } = *earlier;
        plan.samples = compared.samples;
        copies.doubted.extend(compared.doubted);
        let files = files.into_iter();
        copies.files = files.map(|file| (file.inside.clone(), file)).collect();
        plan.hash = ingest.details.hash;
        plan.kinds = hash_kinds(plan.hash, &plan.kinds);
        for (at, folder) in folders.iter().enumerate() {
            let number = self.logged_number(catalogue, &ingest, folder)?;
            let destination = number.and_then(|number| ingest.places.get(number));
            copies.numbers[at] = number;
            copies.is_sealed[at] = destination.is_some_and(IngestPlace::has_manifest);
        }
        plan.earlier = Some(ingest);
        Ok(copies)
    }
}

/// Records of an earlier ingest of the card.
struct EarlierCopies {
    /// Files by path.
    files: HashMap<PathBuf, Ingested>,
    /// Files that could not be compared with the card and must be read again.
    doubted: HashSet<PathBuf>,
    /// Number of each destination in the log; `None` if it is new.
    numbers: Vec<Option<usize>>,
    /// Per destination: true if a manifest was written there.
    is_sealed: Vec<bool>,
}

/// Returns the kinds of hashes to compute, without duplicates. The first one verifies copies.
pub(super) fn hash_kinds(hash: HashKind, others: &[HashKind]) -> Vec<HashKind> {
    let mut kinds = vec![hash];
    for kind in [HashKind::Xxh128].iter().chain(others) {
        if !kinds.contains(kind) {
            kinds.push(*kind);
        }
    }
    kinds
}

/// Returns the space needed at a destination. Existing files need none, since they are only compared.
fn space_needed<'a>(planned: &'a PlannedDestination, plan: &CardPlan) -> Need<'a> {
    let at = plan
        .destinations
        .iter()
        .position(|other| other.folder == planned.folder);
    let is_pending = |task: &&CopyTask| at.is_some_and(|at| !task.is_verified[at]);
    let path = |task: &CopyTask| planned.folder.join(&task.item.inside);
    let is_absent = |task: &&CopyTask| path(task).symlink_metadata().is_err();
    let (mut files, mut bytes) = (0, 0);
    for task in plan.tasks.iter().filter(is_pending).filter(is_absent) {
        files += 1;
        bytes += task.item.bytes;
    }
    // Leftovers of a killed ingest will be removed.
    let leftovers = plan
        .folders_at(planned)
        .map(|folder| atomic_file::sweepable_bytes(&folder));
    Need {
        volume: &planned.volume,
        folder: &planned.folder,
        files,
        bytes: bytes.saturating_sub(leftovers.sum()),
    }
}
