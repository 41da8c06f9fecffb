//! The end of a card: a last look at its files, and the manifests of its copies.
//!
//! Both may have to wait, for a share or for another machine. So each card is closed by a thread of its own, and what it
//! finds goes to the one thread that writes to the catalogue.

use std::cell::Cell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;

use super::{Copying, Run, Told, destination};
use crate::catalogue::{CopyFound, CopyState, Finding, unix_seconds};
use crate::error::Error;
use crate::ingest::plan::CardPlan;
use crate::ingest::seal::Sealed;
use crate::ingest::{Event, Request, seal, skipped};
use crate::offload;

/// Reason for a file that changed between its reading and the sealing.
const WRITTEN: &str = "it was written to after it was copied: is the camera still recording? the copy is what it was before, \
                       and no manifest has it; move it away, then run the same command again";
const APPEARED: &str = "it appeared after the card was listed: run the same command again";
const VANISHED: &str = "it vanished from the card after the card was listed; its copies stay: run the same command again";
/// Reason for a card that cannot be listed once more.
const UNLISTED: &str =
    "it was taken away before its files could be looked at once more: run the same command again";
/// What is told of a file that a manifest has by hashes of other kinds only.
const UNPROVEN: &str = "it is copied and proved, but a manifest there has it by another kind of hash, which was not computed: \
                        `btsindex verify --record` does";
/// What is told of a file that is not what a manifest on its card says.
const ALTERED: &str = "it was copied as it is on the card, but a manifest on the card says otherwise: it is not as it \
                       was when that was written";

/// Something found while a card is closed.
pub(super) enum Closing {
    /// A file was written to since it was read; at these places it has no copy any more.
    Written(usize, Vec<usize>),
    /// The card cannot be listed once more.
    Unlisted,
    /// Something went wrong with a file or folder: why.
    Problem(PathBuf, String),
    /// The manifest of a place waits for another process.
    Waits(usize),
    /// The manifest of a place is written, or why it is not.
    Sealed(usize, Result<Sealed, String>),
}

/// A card that is to be closed.
pub(super) struct CloseCard<'a> {
    pub(super) card: usize,
    pub(super) plan: &'a CardPlan,
    pub(super) request: &'a Request,
    /// Of each place, whether an earlier run wrote a manifest there.
    pub(super) is_sealed: &'a [bool],
    /// Of each place, whether it takes nothing more.
    pub(super) given_up: Vec<bool>,
    pub(super) copying: Copying,
}

/// Tells how closing a card ended, also where that panics: nobody must wait for it for ever.
struct SaysClosed {
    card: usize,
    sender: SyncSender<(usize, Told)>,
    is_complete: Option<bool>,
}

impl Drop for SaysClosed {
    fn drop(&mut self) {
        let _ = self
            .sender
            .send((self.card, Told::Closed(self.is_complete)));
    }
}

impl CloseCard<'_> {
    /// Closes the card, telling what is found.
    pub(super) fn run(mut self, sender: SyncSender<(usize, Told)>) {
        let mut closed = SaysClosed {
            card: self.card,
            sender,
            is_complete: None,
        };
        let (card, sender) = (self.card, closed.sender.clone());
        let tell = |found| _ = sender.send((card, Told::Closing(found)));
        let mut is_complete = self.plan.listing.problems.is_empty();
        is_complete &= self.look_again(&tell);
        for at in 0..self.plan.places.len() {
            if self.request.cancel().is_cancelled() {
                return;
            }
            is_complete &= self.copying.proved[at].iter().all(Option::is_some);
            if !self.given_up[at] && destination(&self.plan.places[at]).is_gone() {
                self.given_up[at] = true;
                is_complete = false;
                let gone = offload::Event::GivenUp(at, offload::GONE.to_owned());
                let _ = sender.send((card, Told::Event(gone)));
            }
            if !self.given_up[at] {
                is_complete &= self.seal(at, &tell);
            }
        }
        // Nothing tells whether the wait for another machine ended by that.
        if !self.request.cancel().is_cancelled() {
            closed.is_complete = Some(is_complete);
        }
    }

    /// Looks at all files of the card once more: one that was written to since it was read has no copy. Returns whether the
    /// card still has the files that were listed.
    fn look_again(&mut self, tell: &dyn Fn(Closing)) -> bool {
        let (plan, go_on) = (self.plan, self.request.go_on());
        plan.times.wait_for_others(&go_on);
        let seen = &self.copying.seen;
        let written = offload::written_since(&plan.source, &plan.tasks, seen, plan.times, &go_on);
        for task in written.unwrap_or_default() {
            let places = self.copying.proved.iter_mut().enumerate();
            let places = places.filter_map(|(at, proved)| proved[task].take().map(|_| at));
            let places: Vec<usize> = places.collect();
            if !places.is_empty() {
                tell(Closing::Written(task, places));
            }
        }
        self.list_again(tell)
    }

    /// Lists the card once more: a file that appeared was not copied, and one that vanished may have been renamed.
    fn list_again(&self, tell: &dyn Fn(Closing)) -> bool {
        let plan = self.plan;
        let listed = offload::list(&plan.source, &self.request.go_on()).ok();
        let listed = listed.filter(|now| !now.files.is_empty() || plan.tasks.is_empty());
        let Some(mut listing) = listed else {
            tell(Closing::Unlisted);
            return false;
        };
        if listing.is_cut {
            return false;
        }
        listing.leave_out_unfinished(&plan.source, skipped::UNFINISHED);
        let now: HashSet<&Path> = listing.files.iter().map(|item| &*item.inside).collect();
        let then: HashSet<&Path> = plan.tasks.iter().map(|task| &*task.item.inside).collect();
        let problem = |inside: &Path, reason: &str| {
            tell(Closing::Problem(
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
            let mut proved = self.copying.proved.iter();
            // Of any other file there is a problem already.
            if !now.contains(inside.as_path()) && proved.any(|proved| proved[task].is_some()) {
                problem(inside, VANISHED);
            }
        }
        now == then
    }

    /// Writes the manifest of a place, and gives its folders their times. Returns whether they have them.
    fn seal(&self, at: usize, tell: &dyn Fn(Closing)) -> bool {
        let is_told = Cell::new(false);
        let go_on = || {
            if !is_told.replace(true) {
                tell(Closing::Waits(at));
            }
            !self.request.cancel().is_cancelled()
        };
        let (plan, author) = (self.plan, &self.request.author);
        let sealed = seal::place(plan, &self.copying, at, self.is_sealed[at], author, &go_on);
        if let Some(sealed) = sealed.transpose() {
            tell(Closing::Sealed(at, sealed));
        }
        if self.request.cancel().is_cancelled() {
            return false;
        }
        let unfinished = offload::finish_folders(&plan.places[at].folder, &plan.listing.folders);
        let is_finished = unfinished.is_empty();
        for (folder, reason) in unfinished {
            tell(Closing::Problem(folder, reason));
        }
        is_finished
    }
}

impl Run<'_> {
    /// Takes in what was found while a card was closed.
    pub(super) fn take_closing(&mut self, card: usize, found: Closing) -> Result<(), Error> {
        let plan = &self.plans[card];
        match found {
            Closing::Written(task, places) => self.written_to(card, task, &places),
            Closing::Unlisted => {
                let mut told = self.problems[card].iter();
                if !told.any(|problem| problem.path == plan.source) {
                    self.problem(card, plan.source.clone(), UNLISTED);
                }
            }
            Closing::Problem(path, reason) => self.problem(card, path, &reason),
            Closing::Waits(at) => (self.report)(Event::Warning {
                message: format!(
                    "another process writes the manifest in {}",
                    plan.places[at].folder.display()
                ),
                hint: "waiting until it is done; other cards go on".to_owned(),
            }),
            Closing::Sealed(at, sealed) => self.sealed(card, at, sealed)?,
        }
        Ok(())
    }

    fn written_to(&mut self, card: usize, task: usize, places: &[usize]) {
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
                let told = format!("it has no new manifest: {reason}");
                self.problem(card, folder, &told);
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
            // The next run tells it, too.
            let remark = Finding::Remark(logged.files[task], number, reason);
            self.findings.push(remark);
        }
        let path = folder.join(&sealed.manifest);
        self.summary.manifests.push(path.clone());
        (self.report)(Event::Sealed(card, path));
        Ok(())
    }
}
