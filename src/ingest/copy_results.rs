//! Results of copying one card so far.

use super::card_plan::CardPlan;
use crate::checksum::Checksum;
use crate::offload::SourceState;

/// Hashes and verified copies of a card while it is copied.
#[derive(Default)]
pub(super) struct CopyResults {
    /// Per task: hashes of the file; `None` if not read.
    pub(super) hashes: Vec<Option<Vec<Checksum>>>,
    /// Per task: state of the file on the card when it was read.
    pub(super) seen: Vec<Option<SourceState>>,
    /// Per destination and task: `None` if the copy is not verified, `Some(true)` if this run
    /// verified it, `Some(false)` if an earlier one did.
    pub(super) verified: Vec<Vec<Option<bool>>>,
    /// Per destination: true if this run verified a copy that is not in a manifest yet.
    pub(super) is_unsealed: Vec<bool>,
}

impl CopyResults {
    pub(super) fn from_plan(plan: &CardPlan) -> Self {
        let verified = |destination: usize| {
            let tasks = plan.tasks.iter();
            tasks
                .map(|task| task.is_verified[destination].then_some(false))
                .collect()
        };
        Self {
            hashes: plan
                .tasks
                .iter()
                .map(|task| task.known_hashes.clone())
                .collect(),
            seen: vec![None; plan.tasks.len()],
            verified: (0..plan.destinations.len()).map(verified).collect(),
            is_unsealed: vec![false; plan.destinations.len()],
        }
    }
}
