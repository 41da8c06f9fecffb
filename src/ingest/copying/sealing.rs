//! The end of a card: a last look at its files, and the manifests of its copies.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::path::Path;

use super::{Card, Run};
use crate::catalogue::{CopyFound, CopyState, Finding, unix_seconds};
use crate::error::Error;
use crate::ingest::{Event, left_out, seal};
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

impl Run<'_> {
    /// Looks at all files of a card once more before it is sealed: one that was written to since it was read has no copy.
    /// Returns whether the card still has the files that were listed.
    pub(super) fn look_again(&mut self, card: usize, logged: &Card) -> bool {
        let plan = &self.plans[card];
        let seen = &self.copying[card].seen;
        plan.times.wait_for_others(&self.request.go_on());
        let go_on = self.request.go_on();
        let written = offload::written_since(&plan.source, &plan.tasks, seen, plan.times, &go_on);
        for task in written.unwrap_or_default() {
            let file = logged.files[task];
            let is_copied = |proved: &Vec<Option<bool>>| proved[task].is_some();
            if !self.copying[card].proved.iter().any(is_copied) {
                continue;
            }
            self.findings
                .push(Finding::Unread(file, WRITTEN.to_owned()));
            for (proved, number) in self.copying[card].proved.iter_mut().zip(&logged.places) {
                if proved[task].take().is_some() {
                    let found = CopyFound {
                        state: CopyState::NotCopied,
                        how: None,
                        at: unix_seconds(),
                        problem: Some(WRITTEN.to_owned()),
                        stamp: None,
                    };
                    self.findings.push(Finding::Copy(file, *number, found));
                }
            }
            let path = plan.source.join(&plan.tasks[task].item.inside);
            self.problem(card, path, WRITTEN);
        }
        self.list_again(card)
    }

    /// Lists a card once more: a file that appeared was not copied, and one that vanished may have been renamed.
    fn list_again(&mut self, card: usize) -> bool {
        let plan = &self.plans[card];
        let listed = offload::list(&plan.source, &self.request.go_on()).ok();
        let listed = listed.filter(|now| !now.files.is_empty() || plan.tasks.is_empty());
        let Some(mut listing) = listed else {
            let mut told = self.copying[card].problems.iter();
            if !told.any(|problem| problem.path == plan.source) {
                self.problem(card, plan.source.clone(), UNLISTED);
            }
            return false;
        };
        if listing.is_cut {
            return false;
        }
        listing.leave_out_unfinished(&plan.source, left_out::UNFINISHED);
        let now: HashSet<&Path> = listing.files.iter().map(|item| &*item.inside).collect();
        let then: HashSet<&Path> = plan.tasks.iter().map(|task| &*task.item.inside).collect();
        for inside in listing.files.iter().map(|item| item.inside.as_path()) {
            if !then.contains(inside) {
                self.problem(card, plan.source.join(inside), APPEARED);
            }
        }
        for (task, inside) in plan.tasks.iter().map(|task| &task.item.inside).enumerate() {
            let proved = &self.copying[card].proved;
            // Of any other file there is a problem already.
            if !now.contains(inside.as_path()) && proved.iter().any(|proved| proved[task].is_some())
            {
                self.problem(card, plan.source.join(inside), VANISHED);
            }
        }
        now == then
    }

    pub(super) fn seal(&mut self, card: usize, logged: &Card, at: usize) -> Result<(), Error> {
        let folder = self.plans[card].places[at].folder.clone();
        let (ingest, number) = (logged.ingest, logged.places[at]);
        let author = &self.request.author;
        let is_sealed = logged.is_sealed[at];
        let (is_told, report) = (Cell::new(false), RefCell::new(&mut *self.report));
        let go_on = || {
            if !is_told.replace(true) {
                (report.borrow_mut())(Event::Warning {
                    message: format!(
                        "another process writes the manifest in {}",
                        folder.display()
                    ),
                    hint: "waiting until it is done".to_owned(),
                });
            }
            !self.request.cancel().is_cancelled()
        };
        match seal::place(
            &self.plans[card],
            &self.copying[card],
            at,
            is_sealed,
            author,
            &go_on,
        ) {
            Ok(None) => {}
            Ok(Some(sealed)) => {
                self.catalogue
                    .note_place(ingest, number, Some(&sealed.manifest), None)?;
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
            }
            Err(reason) => {
                self.catalogue
                    .note_place(ingest, number, None, Some(&reason))?;
                let told = format!("it has no new manifest: {reason}");
                self.problem(card, folder, &told);
            }
        }
        Ok(())
    }
}
