//! Final steps for a copied card: a last check of its files, and the manifests of its copies.
//!
//! Both may have to wait for a share or another machine, so each card is finalized on its own thread.
//! That thread sends events to the main thread, which alone writes to the catalogue.

use std::cell::Cell;
use std::collections::HashSet;
use std::path::Path;
use std::sync::mpsc::SyncSender;

use super::message::{CopyMessage, FinalizeEvent};
use crate::ingest::card_plan::CardPlan;
use crate::ingest::copy_results::CopyResults;
use crate::ingest::request::Request;
use crate::ingest::seal::ManifestOrder;
use crate::ingest::skipped;
use crate::offload;

/// Reason reported for a file that was added to the card.
const ADDED: &str = "added to the card after it was listed: run the same command again";
/// Reason reported for a file that was removed from the card.
const REMOVED: &str =
    "removed from the card after it was listed; its copies were kept: run the same command again";
/// Card to be finalized.
pub(super) struct FinalizeCard<'a> {
    pub(super) card: usize,
    pub(super) plan: &'a CardPlan,
    pub(super) request: &'a Request,
    /// Per destination: true if an earlier run wrote a manifest there.
    pub(super) is_sealed: &'a [bool],
    /// Per destination: true if copying to it stopped after an error.
    pub(super) given_up: Vec<bool>,
    pub(super) copying: CopyResults,
    pub(super) sender: SyncSender<(usize, CopyMessage)>,
}

/// Sends [`CopyMessage::Finalized`] on drop, so that the main thread does not wait forever after a
/// panic.
struct FinalizedGuard {
    card: usize,
    sender: SyncSender<(usize, CopyMessage)>,
    is_complete: Option<bool>,
}

impl Drop for FinalizedGuard {
    fn drop(&mut self) {
        let _ = self
            .sender
            .send((self.card, CopyMessage::Finalized(self.is_complete)));
    }
}

impl FinalizeCard<'_> {
    /// Finalizes the card and sends the events.
    pub(super) fn run(mut self) {
        let mut guard = FinalizedGuard {
            card: self.card,
            sender: self.sender.clone(),
            is_complete: None,
        };
        let mut is_complete = self.plan.listing.problems.is_empty();
        is_complete &= self.recheck_files();
        for at in 0..self.plan.destinations.len() {
            if self.request.cancel().is_cancelled() {
                return;
            }
            is_complete &= self.copying.verified[at].iter().all(Option::is_some);
            if !self.given_up[at] && self.plan.destinations[at].for_copying().is_gone() {
                self.given_up[at] = true;
                is_complete = false;
                let given_up = offload::Event::GivenUp(at, offload::GONE.to_owned());
                self.send_message(CopyMessage::Event(given_up));
            }
            if !self.given_up[at] {
                is_complete &= self.seal(at);
            }
        }
        // A cancelled wait looks like success above, so the cancellation is checked here.
        if !self.request.cancel().is_cancelled() {
            guard.is_complete = Some(is_complete);
        }
    }

    fn send(&self, event: FinalizeEvent) {
        self.send_message(CopyMessage::Finalize(event));
    }

    fn send_message(&self, message: CopyMessage) {
        // The receiver stops only after the last message.
        let _ = self.sender.send((self.card, message));
    }

    /// Checks all files of the card again. A file that changed after it was read has no valid copy.
    /// Returns true if the card still has exactly the listed files.
    fn recheck_files(&mut self) -> bool {
        let (plan, cancel) = (self.plan, self.request.cancel());
        let is_cancelled = || cancel.is_cancelled();
        plan.times.wait_for_remote_writes(&is_cancelled);
        let seen = &self.copying.seen;
        let changed =
            offload::changed_since_read(&plan.source, &plan.tasks, seen, plan.times, &is_cancelled);
        for task in changed.unwrap_or_default() {
            let destinations = self.copying.verified.iter_mut().enumerate();
            let outdated: Vec<usize> = destinations
                .filter_map(|(at, verified)| verified[task].take().map(|_| at))
                .collect();
            if !outdated.is_empty() {
                self.send(FinalizeEvent::Changed(task, outdated));
            }
        }
        self.compare_listing()
    }

    /// Lists the card again. An added file was not copied; a removed file may have been renamed.
    fn compare_listing(&self) -> bool {
        let plan = self.plan;
        let listed = offload::list(&plan.source, &|| self.request.cancel().is_cancelled()).ok();
        let listed = listed.filter(|listing| !listing.files.is_empty() || plan.tasks.is_empty());
        let Some(mut listing) = listed else {
            self.send(FinalizeEvent::CardRemoved);
            return false;
        };
        if listing.is_interrupted {
            return false;
        }
        listing.leave_out_unfinished(&plan.source, skipped::UNFINISHED);
        let current: HashSet<&Path> = listing.files.iter().map(|item| &*item.inside).collect();
        let planned: HashSet<&Path> = plan.tasks.iter().map(|task| &*task.item.inside).collect();
        let problem = |inside: &Path, reason: &str| {
            self.send(FinalizeEvent::Problem(
                plan.source.join(inside),
                reason.to_owned(),
            ));
        };
        for inside in listing.files.iter().map(|item| item.inside.as_path()) {
            if !planned.contains(inside) {
                problem(inside, ADDED);
            }
        }
        for (task, inside) in plan.tasks.iter().map(|task| &task.item.inside).enumerate() {
            let mut verified = self.copying.verified.iter();
            // Without a verified copy, the file has been reported already.
            if !current.contains(inside.as_path())
                && verified.any(|verified| verified[task].is_some())
            {
                problem(inside, REMOVED);
            }
        }
        current == planned
    }

    /// Writes the manifest of a destination and sets the times of its folders. Returns true if all
    /// folders have their times.
    fn seal(&self, at: usize) -> bool {
        let is_reported = Cell::new(false);
        let is_cancelled = || {
            if !is_reported.replace(true) {
                self.send(FinalizeEvent::WaitingForManifest(at));
            }
            self.request.cancel().is_cancelled()
        };
        let plan = self.plan;
        let order = ManifestOrder {
            plan,
            copying: &self.copying,
            at,
            is_sealed: self.is_sealed[at],
            author: &self.request.author,
            is_cancelled: &is_cancelled,
        };
        if let Some(sealed) = order.write().transpose() {
            self.send(FinalizeEvent::Sealed(at, sealed));
        }
        if self.request.cancel().is_cancelled() {
            return false;
        }
        let unfinished =
            offload::finish_folders(&plan.destinations[at].folder, &plan.listing.folders);
        let is_finished = unfinished.is_empty();
        for (folder, reason) in unfinished {
            self.send(FinalizeEvent::Problem(folder, reason));
        }
        is_finished
    }
}
