//! Final steps for a copied card: a last check of its files, and the manifests of its copies.
//!
//! Both may have to wait for a share or another machine, so each card is finalized on its own thread.
//! That thread sends events to the main thread, which alone writes to the catalogue.

use std::cell::Cell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;

use super::{CopyMessage, Copying, Run, offload_destination};
use crate::catalogue::{CopyFound, CopyState, Finding, unix_seconds};
use crate::error::Error;
use crate::ingest::plan::CardPlan;
use crate::ingest::seal::Sealed;
use crate::ingest::{Event, Request, seal, skipped};
use crate::offload;

/// Reason reported for a file that changed on the card after it was read.
const CHANGED: &str = "the camera wrote to it after it was copied (still recording?); the copy is outdated and in no \
                       manifest: move it away, then run the same command again";
/// Reason reported for a file that was added to the card.
const ADDED: &str = "added to the card after it was listed: run the same command again";
/// Reason reported for a file that was removed from the card.
const REMOVED: &str =
    "removed from the card after it was listed; its copies were kept: run the same command again";
/// Reason reported for a card that cannot be listed again.
const CARD_REMOVED: &str =
    "the card could not be listed again after copying: insert it and run the same command again";
/// Reason reported for a file with another kind of hash in a manifest at the destination.
const OTHER_HASH_KIND: &str = "copied and verified, but a manifest there records another kind of hash: \
                               `btsindex verify --record` computes it";
/// Reason reported for a file whose hash differs from a manifest on the card.
const DIFFERS_FROM_MANIFEST: &str = "copied as it is on the card, but its hash differs from a manifest on the card: it changed \
                                     after that was written";

/// Event of finalizing a card.
pub(super) enum FinalizeEvent {
    /// A file changed on the card after it was read, so its copies at these destinations are
    /// outdated.
    Changed(usize, Vec<usize>),
    /// The card cannot be listed again, probably because it was removed.
    CardRemoved,
    /// Problem with a file or folder: path and reason.
    Problem(PathBuf, String),
    /// Another process holds the lock of a destination's history.
    WaitingForManifest(usize),
    /// The manifest of a destination was written, or could not be.
    Sealed(usize, Result<Sealed, String>),
}

/// Card to be finalized.
pub(super) struct FinalizeCard<'a> {
    pub(super) card: usize,
    pub(super) plan: &'a CardPlan,
    pub(super) request: &'a Request,
    /// Per destination: true if an earlier run wrote a manifest there.
    pub(super) is_sealed: &'a [bool],
    /// Per destination: true if copying to it stopped after an error.
    pub(super) given_up: Vec<bool>,
    pub(super) copying: Copying,
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
    pub(super) fn run(mut self, sender: SyncSender<(usize, CopyMessage)>) {
        let mut guard = FinalizedGuard {
            card: self.card,
            sender,
            is_complete: None,
        };
        let (card, sender) = (self.card, guard.sender.clone());
        let send = |event| _ = sender.send((card, CopyMessage::Finalize(event)));
        let mut is_complete = self.plan.listing.problems.is_empty();
        is_complete &= self.recheck_files(&send);
        for at in 0..self.plan.destinations.len() {
            if self.request.cancel().is_cancelled() {
                return;
            }
            is_complete &= self.copying.verified[at].iter().all(Option::is_some);
            if !self.given_up[at] && offload_destination(&self.plan.destinations[at]).is_gone() {
                self.given_up[at] = true;
                is_complete = false;
                let given_up = offload::Event::GivenUp(at, offload::GONE.to_owned());
                let _ = sender.send((card, CopyMessage::Event(given_up)));
            }
            if !self.given_up[at] {
                is_complete &= self.seal(at, &send);
            }
        }
        // A cancelled wait looks like success above, so the cancellation is checked here.
        if !self.request.cancel().is_cancelled() {
            guard.is_complete = Some(is_complete);
        }
    }

    /// Checks all files of the card again. A file that changed after it was read has no valid copy.
    /// Returns true if the card still has exactly the listed files.
    fn recheck_files(&mut self, send: &dyn Fn(FinalizeEvent)) -> bool {
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
                send(FinalizeEvent::Changed(task, outdated));
            }
        }
        self.compare_listing(send)
    }

    /// Lists the card again. An added file was not copied; a removed file may have been renamed.
    fn compare_listing(&self, send: &dyn Fn(FinalizeEvent)) -> bool {
        let plan = self.plan;
        let listed = offload::list(&plan.source, &|| self.request.cancel().is_cancelled()).ok();
        let listed = listed.filter(|listing| !listing.files.is_empty() || plan.tasks.is_empty());
        let Some(mut listing) = listed else {
            send(FinalizeEvent::CardRemoved);
            return false;
        };
        if listing.is_interrupted {
            return false;
        }
        listing.leave_out_unfinished(&plan.source, skipped::UNFINISHED);
        let current: HashSet<&Path> = listing.files.iter().map(|item| &*item.inside).collect();
        let planned: HashSet<&Path> = plan.tasks.iter().map(|task| &*task.item.inside).collect();
        let problem = |inside: &Path, reason: &str| {
            send(FinalizeEvent::Problem(
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
    fn seal(&self, at: usize, send: &dyn Fn(FinalizeEvent)) -> bool {
        let is_reported = Cell::new(false);
        let is_cancelled = || {
            if !is_reported.replace(true) {
                send(FinalizeEvent::WaitingForManifest(at));
            }
            self.request.cancel().is_cancelled()
        };
        let (plan, author) = (self.plan, &self.request.author);
        let sealed = seal::write_manifest(
            plan,
            &self.copying,
            at,
            self.is_sealed[at],
            author,
            &is_cancelled,
        );
        if let Some(sealed) = sealed.transpose() {
            send(FinalizeEvent::Sealed(at, sealed));
        }
        if self.request.cancel().is_cancelled() {
            return false;
        }
        let unfinished =
            offload::finish_folders(&plan.destinations[at].folder, &plan.listing.folders);
        let is_finished = unfinished.is_empty();
        for (folder, reason) in unfinished {
            send(FinalizeEvent::Problem(folder, reason));
        }
        is_finished
    }
}

impl Run<'_> {
    /// Processes an event of finalizing a card.
    pub(super) fn handle_finalize_event(
        &mut self,
        card: usize,
        event: FinalizeEvent,
    ) -> Result<(), Error> {
        let plan = &self.plans[card];
        match event {
            FinalizeEvent::Changed(task, outdated) => {
                self.record_changed(card, task, &outdated);
            }
            FinalizeEvent::CardRemoved => {
                let mut reported = self.problems[card].iter();
                if !reported.any(|problem| problem.path == plan.source) {
                    self.report_problem(card, plan.source.clone(), CARD_REMOVED);
                }
            }
            FinalizeEvent::Problem(path, reason) => self.report_problem(card, path, &reason),
            FinalizeEvent::WaitingForManifest(at) => (self.on_event)(Event::Warning {
                message: format!(
                    "another process is writing the manifest in {}",
                    plan.destinations[at].folder.display()
                ),
                hint: "waiting for it; other cards continue".to_owned(),
            }),
            FinalizeEvent::Sealed(at, sealed) => self.record_manifest(card, at, sealed)?,
        }
        Ok(())
    }

    fn record_changed(&mut self, card: usize, task: usize, outdated: &[usize]) {
        let Some(logged) = &self.cards[card] else {
            return;
        };
        let file = logged.files[task];
        let reason = CHANGED.to_owned();
        self.findings.push(Finding::Unread(file, reason.clone()));
        for at in outdated {
            let found = CopyFound {
                state: CopyState::NotCopied,
                how: None,
                at: unix_seconds(),
                problem: Some(reason.clone()),
                stamp: None,
            };
            self.findings
                .push(Finding::Copy(file, logged.destination_numbers[*at], found));
        }
        let plan = &self.plans[card];
        let path = plan.source.join(&plan.tasks[task].item.inside);
        self.report_problem(card, path, CHANGED);
    }

    fn record_manifest(
        &mut self,
        card: usize,
        at: usize,
        sealed: Result<Sealed, String>,
    ) -> Result<(), Error> {
        let Some(logged) = &self.cards[card] else {
            return Ok(());
        };
        let folder = self.plans[card].destinations[at].folder.clone();
        let (ingest, number) = (logged.ingest, logged.destination_numbers[at]);
        let sealed = match sealed {
            Ok(sealed) => sealed,
            Err(reason) => {
                self.catalogue
                    .record_destination(ingest, number, None, Some(&reason))?;
                let reason = format!("manifest not written: {reason}");
                self.report_problem(card, folder, &reason);
                return Ok(());
            }
        };
        self.catalogue
            .record_destination(ingest, number, Some(&sealed.manifest), None)?;
        let differing = sealed
            .altered
            .iter()
            .map(|task| (*task, DIFFERS_FROM_MANIFEST));
        let other_kind = sealed.unproven.iter().map(|task| (*task, OTHER_HASH_KIND));
        for (task, reason) in differing.chain(other_kind) {
            let item = &self.plans[card].tasks[task].item;
            self.report_problem(card, folder.join(&item.inside), reason);
            // Stored, so that every later run reports it again.
            let remark = Finding::Remark(logged.files[task], number, reason);
            self.findings.push(remark);
        }
        let path = folder.join(&sealed.manifest);
        self.summary.manifests.push(path.clone());
        (self.on_event)(Event::Sealed(card, path));
        Ok(())
    }
}
