//! Final steps of a card: a last check of its files, and the manifests of its copies.
//!
//! Both may have to wait for a share or another machine. So each card has its own closing thread,
//! which sends findings to the one thread that writes to the catalogue.

use std::cell::Cell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;

use super::{CopyMessage, Copying, Run, destination};
use crate::catalogue::{CopyFound, CopyState, Finding, unix_seconds};
use crate::error::Error;
use crate::ingest::plan::CardPlan;
use crate::ingest::seal::Sealed;
use crate::ingest::{Event, Request, seal, skipped};
use crate::offload;

/// Reason reported for a file that changed between its reading and the sealing.
const WRITTEN: &str = "changed after it was copied: is the camera still recording? the copy has the earlier content \
                       and is in no manifest; move the copy, then run the same command again";
const APPEARED: &str = "added to the card after it was listed: run the same command again";
const VANISHED: &str =
    "removed from the card after it was listed; its copies were kept: run the same command again";
/// Reason reported for a card that cannot be listed again.
const UNLISTED: &str =
    "the card was removed before its files were checked again: run the same command again";
/// Reason reported for a file that a manifest has only by other kinds of hashes.
const UNPROVEN: &str = "copied and verified, but a manifest at the destination has another kind of hash, which was not computed: \
                        run `btsindex verify --record`";
/// Reason reported for a file that contradicts a manifest on its card.
const ALTERED: &str = "copied as found on the card, but a manifest on the card has another hash: the file changed \
                       after that manifest was written";

/// Finding while a card is closed.
pub(super) enum Closing {
    /// A file was written to since it was read; its copies at these destinations are not valid.
    Written(usize, Vec<usize>),
    /// The card cannot be listed again.
    Unlisted,
    /// Problem with a file or folder, with the reason.
    Problem(PathBuf, String),
    /// The manifest of a destination waits for another process.
    Waits(usize),
    /// Result of writing the manifest of a destination.
    Sealed(usize, Result<Sealed, String>),
}

/// Card to be closed.
pub(super) struct CloseCard<'a> {
    pub(super) card: usize,
    pub(super) plan: &'a CardPlan,
    pub(super) request: &'a Request,
    /// Per destination: true if an earlier run wrote a manifest there.
    pub(super) is_sealed: &'a [bool],
    /// Per destination: true if it accepts no more files.
    pub(super) given_up: Vec<bool>,
    pub(super) copying: Copying,
}

/// Sends the result of closing a card on drop, so that a panic does not make others wait forever.
struct ClosedGuard {
    card: usize,
    sender: SyncSender<(usize, CopyMessage)>,
    is_complete: Option<bool>,
}

impl Drop for ClosedGuard {
    fn drop(&mut self) {
        let _ = self
            .sender
            .send((self.card, CopyMessage::Closed(self.is_complete)));
    }
}

impl CloseCard<'_> {
    /// Closes the card and sends the findings.
    pub(super) fn run(mut self, sender: SyncSender<(usize, CopyMessage)>) {
        let mut closed = ClosedGuard {
            card: self.card,
            sender,
            is_complete: None,
        };
        let (card, sender) = (self.card, closed.sender.clone());
        let send = |found| _ = sender.send((card, CopyMessage::Closing(found)));
        let mut is_complete = self.plan.listing.problems.is_empty();
        is_complete &= self.recheck_files(&send);
        for at in 0..self.plan.places.len() {
            if self.request.cancel().is_cancelled() {
                return;
            }
            is_complete &= self.copying.verified[at].iter().all(Option::is_some);
            if !self.given_up[at] && destination(&self.plan.places[at]).is_gone() {
                self.given_up[at] = true;
                is_complete = false;
                let given_up = offload::Event::GivenUp(at, offload::GONE.to_owned());
                let _ = sender.send((card, CopyMessage::Event(given_up)));
            }
            if !self.given_up[at] {
                is_complete &= self.seal(at, &send);
            }
        }
        // A cancelled wait for another machine is not distinguishable otherwise.
        if !self.request.cancel().is_cancelled() {
            closed.is_complete = Some(is_complete);
        }
    }

    /// Checks all files of the card again. A file that was written to since it was read has no
    /// valid copy. Returns true if the card still has the listed files.
    fn recheck_files(&mut self, send: &dyn Fn(Closing)) -> bool {
        let (plan, go_on) = (self.plan, self.request.go_on());
        plan.times.wait_for_remote_writes(&|| !go_on());
        let seen = &self.copying.seen;
        let written =
            offload::changed_since_read(&plan.source, &plan.tasks, seen, plan.times, &|| !go_on());
        for task in written.unwrap_or_default() {
            let places = self.copying.verified.iter_mut().enumerate();
            let places = places.filter_map(|(at, verified)| verified[task].take().map(|_| at));
            let places: Vec<usize> = places.collect();
            if !places.is_empty() {
                send(Closing::Written(task, places));
            }
        }
        self.list_again(send)
    }

    /// Lists the card again. A file that appeared was not copied; one that vanished may have been
    /// renamed.
    fn list_again(&self, send: &dyn Fn(Closing)) -> bool {
        let plan = self.plan;
        let listed = offload::list(&plan.source, &|| self.request.cancel().is_cancelled()).ok();
        let listed = listed.filter(|now| !now.files.is_empty() || plan.tasks.is_empty());
        let Some(mut listing) = listed else {
            send(Closing::Unlisted);
            return false;
        };
        if listing.is_interrupted {
            return false;
        }
        listing.leave_out_unfinished(&plan.source, skipped::UNFINISHED);
        let now: HashSet<&Path> = listing.files.iter().map(|item| &*item.inside).collect();
        let then: HashSet<&Path> = plan.tasks.iter().map(|task| &*task.item.inside).collect();
        let problem = |inside: &Path, reason: &str| {
            send(Closing::Problem(
                plan.source.join(inside),
                reason.to_owned(),
            ));
        };
        for inside in listing.files.iter().map(|item| item.inside.as_path()) {
            if !then.contains(inside) {
                problem(inside, APPEARED);
            }
        }
        for (task, inside) in plan.tasks.iter().map(|task| &task.item.inside).enumerate() {
            let mut verified = self.copying.verified.iter();
            // Other files have a problem already.
            if !now.contains(inside.as_path()) && verified.any(|verified| verified[task].is_some())
            {
                problem(inside, VANISHED);
            }
        }
        now == then
    }

    /// Writes the manifest of a destination and sets the times of its folders. Returns true if the
    /// folders are complete.
    fn seal(&self, at: usize, send: &dyn Fn(Closing)) -> bool {
        let is_reported = Cell::new(false);
        let go_on = || {
            if !is_reported.replace(true) {
                send(Closing::Waits(at));
            }
            !self.request.cancel().is_cancelled()
        };
        let (plan, author) = (self.plan, &self.request.author);
        let sealed = seal::place(plan, &self.copying, at, self.is_sealed[at], author, &go_on);
        if let Some(sealed) = sealed.transpose() {
            send(Closing::Sealed(at, sealed));
        }
        if self.request.cancel().is_cancelled() {
            return false;
        }
        let unfinished = offload::finish_folders(&plan.places[at].folder, &plan.listing.folders);
        let is_finished = unfinished.is_empty();
        for (folder, reason) in unfinished {
            send(Closing::Problem(folder, reason));
        }
        is_finished
    }
}

impl Run<'_> {
    /// Processes a finding of closing a card.
    pub(super) fn handle_closing(&mut self, card: usize, found: Closing) -> Result<(), Error> {
        let plan = &self.plans[card];
        match found {
            Closing::Written(task, places) => self.record_written(card, task, &places),
            Closing::Unlisted => {
                let mut known = self.problems[card].iter();
                if !known.any(|problem| problem.path == plan.source) {
                    self.problem(card, plan.source.clone(), UNLISTED);
                }
            }
            Closing::Problem(path, reason) => self.problem(card, path, &reason),
            Closing::Waits(at) => (self.on_event)(Event::Warning {
                message: format!(
                    "another process is writing the manifest in {}",
                    plan.places[at].folder.display()
                ),
                hint: "waiting until it is done; other cards continue".to_owned(),
            }),
            Closing::Sealed(at, sealed) => self.sealed(card, at, sealed)?,
        }
        Ok(())
    }

    fn record_written(&mut self, card: usize, task: usize, places: &[usize]) {
        let Some(logged) = &self.cards[card] else {
            return;
        };
        let file = logged.files[task];
        let reason = WRITTEN.to_owned();
        self.findings.push(Finding::Unread(file, reason.clone()));
        for at in places {
            let found = CopyFound {
                state: CopyState::NotCopied,
                how: None,
                at: unix_seconds(),
                problem: Some(reason.clone()),
                stamp: None,
            };
            self.findings
                .push(Finding::Copy(file, logged.places[*at], found));
        }
        let plan = &self.plans[card];
        let path = plan.source.join(&plan.tasks[task].item.inside);
        self.problem(card, path, WRITTEN);
    }

    fn sealed(
        &mut self,
        card: usize,
        at: usize,
        sealed: Result<Sealed, String>,
    ) -> Result<(), Error> {
        let Some(logged) = &self.cards[card] else {
            return Ok(());
        };
        let folder = self.plans[card].places[at].folder.clone();
        let (ingest, number) = (logged.ingest, logged.places[at]);
        let sealed = match sealed {
            Ok(sealed) => sealed,
            Err(reason) => {
                self.catalogue
                    .record_destination(ingest, number, None, Some(&reason))?;
                let reason = format!("no new manifest: {reason}");
                self.problem(card, folder, &reason);
                return Ok(());
            }
        };
        self.catalogue
            .record_destination(ingest, number, Some(&sealed.manifest), None)?;
        let altered = sealed.altered.iter().map(|task| (*task, ALTERED));
        let unproven = sealed.unproven.iter().map(|task| (*task, UNPROVEN));
        for (task, reason) in altered.chain(unproven) {
            let item = &self.plans[card].tasks[task].item;
            self.problem(card, folder.join(&item.inside), reason);
            // Reported by the next run as well.
            let remark = Finding::Remark(logged.files[task], number, reason);
            self.findings.push(remark);
        }
        let path = folder.join(&sealed.manifest);
        self.summary.manifests.push(path.clone());
        (self.on_event)(Event::Sealed(card, path));
        Ok(())
    }
}
