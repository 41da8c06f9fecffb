//! Records that cards are finalized: changed files, manifests, and the end of their ingests.

use std::sync::mpsc::SyncSender;

use super::copy_run::CopyRun;
use super::finalize::FinalizeCard;
use super::message::{CopyMessage, FinalizeEvent};
use crate::catalogue::{CopyFound, CopyState, Finding, unix_seconds};
use crate::error::Error;
use crate::ingest::event::Event;
use crate::ingest::seal::Sealed;
use crate::mhl;

/// Reason reported for a file whose name cannot be stored in a manifest.
const NOT_IN_MANIFEST: &str =
    "copied, verified and catalogued, but not listed in the manifest, which cannot store its name";
/// Reason reported for a file that changed on the card after it was read.
const CHANGED: &str = "the camera wrote to it after it was copied (still recording?); the copy is outdated and in no \
                       manifest: move it away, then run the same command again";
/// Reason reported for a card that cannot be listed again.
const CARD_REMOVED: &str =
    "the card could not be listed again after copying: insert it and run the same command again";
/// Reason reported for a file with another kind of hash in a manifest at the destination.
const OTHER_HASH_KIND: &str = "copied and verified, but a manifest there records another kind of hash: \
                               `btsindex verify --record` computes it";
/// Reason reported for a file whose hash differs from a manifest on the card.
const DIFFERS_FROM_MANIFEST: &str = "copied as it is on the card, but its hash differs from a manifest on the card: it changed \
                                     after that was written";

impl<'a> CopyRun<'a> {
    /// Records that a card is copied. Returns the remaining work, which may have to wait; `None` if
    /// there is none.
    pub(super) fn begin_finalizing(
        &mut self,
        card: usize,
        sender: &SyncSender<(usize, CopyMessage)>,
    ) -> Result<Option<FinalizeCard<'a>>, Error> {
        self.flush_findings()?;
        let Some(logged) = &self.cards[card] else {
            return Ok(None);
        };
        if self.request.cancel().is_cancelled() {
            return Ok(None);
        }
        let plan = &self.plans[card];
        for task in &plan.tasks {
            // Reported by every run, for users who rely on the manifest.
            if mhl::manifest_path(&task.item.inside).is_none() {
                self.summary.outside += 1;
                self.report_problem(card, plan.source.join(&task.item.inside), NOT_IN_MANIFEST);
            }
        }
        for (task, destination) in &plan.extended_chains {
            let found = CopyFound {
                state: CopyState::Verified,
                how: None,
                at: unix_seconds(),
                problem: None,
                stamp: None,
            };
            let (file, number) = (
                logged.files[*task],
                logged.destination_numbers[*destination],
            );
            self.findings.push(Finding::Copy(file, number, found));
        }
        for remark in &plan.remarks {
            self.report_problem(card, remark.path.clone(), &remark.reason);
        }
        Ok(Some(FinalizeCard {
            card,
            plan,
            request: self.request,
            is_sealed: &logged.is_sealed,
            given_up: self.given_up[card].clone(),
            copying: std::mem::take(&mut self.copying[card]),
            sender: sender.clone(),
        }))
    }

    /// Records that a card is finalized.
    pub(super) fn finish_card(&mut self, card: usize, is_complete: bool) -> Result<(), Error> {
        self.flush_findings()?;
        if let Some(logged) = &self.cards[card] {
            self.catalogue
                .end_ingest(logged.ingest, &self.problems[card])?;
        }
        self.summary.complete += usize::from(is_complete);
        (self.on_event)(Event::Ends(card));
        Ok(())
    }

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
