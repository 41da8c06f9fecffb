//! Records the events of copying in the ingest log, in batches, and reports them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::catalogue::{Catalogue, CopyFound, CopyState, Finding, unix_seconds};
use crate::checksum::HashKind;
use crate::error::{Error, Problem};
use crate::ingest::card_plan::CardPlan;
use crate::ingest::copy_results::CopyResults;
use crate::ingest::destination::stamp_on_filesystem;
use crate::ingest::event::{Event, Summary};
use crate::ingest::ingest_run::IngestRun;
use crate::ingest::logged_card::LoggedCard;
use crate::ingest::request::Request;
use crate::offload::{self, CopyOutcome};

/// Maximum age of unrecorded findings.
pub(super) const FLUSH_INTERVAL: Duration = Duration::from_millis(500);
/// Maximum number of unrecorded findings.
const FLUSH_COUNT: usize = 2000;

/// Reason reported for a different file of the same name.
const OTHER_FILE: &str =
    "a different file of that name exists and was kept; compare the two, then move one of them";
/// Reason reported for a copy that is on another filesystem than its destination.
const OTHER_FILESYSTEM: &str = "a mount or link leads to another filesystem, so it does not count as a copy at this destination";

/// State of a batch while its cards are copied.
pub(super) struct CopyRun<'a> {
    pub(super) plans: &'a [CardPlan],
    pub(super) cards: &'a [Option<LoggedCard>],
    pub(super) request: &'a Request,
    pub(super) catalogue: &'a Catalogue,
    pub(super) summary: &'a mut Summary,
    pub(super) on_event: &'a mut dyn FnMut(Event),
    pub(super) copying: Vec<CopyResults>,
    /// Per card and destination: true if copying to it stopped after an error.
    pub(super) given_up: Vec<Vec<bool>>,
    /// Per card: problems found so far.
    pub(super) problems: Vec<Vec<Problem>>,
    /// Findings that are not recorded yet.
    pub(super) findings: Vec<Finding>,
    last_flush: Instant,
    /// Per folder of copies: true if it is on its destination's filesystem.
    own_filesystem: HashMap<PathBuf, bool>,
}

impl<'a> CopyRun<'a> {
    pub(super) fn new(
        plans: &'a [CardPlan],
        cards: &'a [Option<LoggedCard>],
        catalogue: &'a Catalogue,
        run: &'a mut IngestRun<'_>,
    ) -> Self {
        Self {
            plans,
            cards,
            request: run.request,
            catalogue,
            summary: &mut run.summary,
            on_event: run.on_event,
            copying: plans.iter().map(CopyResults::from_plan).collect(),
            given_up: plans
                .iter()
                .map(|plan| vec![false; plan.destinations.len()])
                .collect(),
            problems: plans
                .iter()
                .map(|plan| plan.problems().cloned().collect())
                .collect(),
            findings: Vec::new(),
            last_flush: Instant::now(),
            own_filesystem: HashMap::new(),
        }
    }
}

impl CopyRun<'_> {
    /// Processes an event of a card.
    pub(super) fn handle_event(&mut self, card: usize, event: offload::Event) -> Result<(), Error> {
        let plan = &self.plans[card];
        let Some(logged) = &self.cards[card] else {
            return Ok(());
        };
        match &event {
            offload::Event::Hashed(task, hashes, seen) => {
                let xxh128 = hashes.iter().find(|hash| hash.kind() == HashKind::Xxh128);
                if let Some((digest, xxh128)) = hashes.first().zip(xxh128) {
                    let file = logged.files[*task];
                    let (digest, xxh128) = (digest.clone(), xxh128.clone());
                    let finding = Finding::Hashed(file, digest, xxh128, seen.sample);
                    self.findings.push(finding);
                }
                self.copying[card].seen[*task] = Some(*seen);
                self.copying[card].hashes[*task] = Some(hashes.clone());
            }
            offload::Event::Finished(task, destination, outcome) => {
                self.record_copy(card, *task, *destination, outcome);
            }
            offload::Event::ReadFailed(task, reason) => {
                let file = logged.files[*task];
                self.findings.push(Finding::Unread(file, reason.clone()));
                let path = plan.source.join(&plan.tasks[*task].item.inside);
                self.report_problem(card, path, reason);
            }
            offload::Event::GivenUp(destination, reason) => {
                let folder = plan.destinations[*destination].folder.clone();
                let number = logged.destination_numbers[*destination];
                self.catalogue
                    .record_destination(logged.ingest, number, None, Some(reason))?;
                self.given_up[card][*destination] = true;
                let problem = format!("copying to this destination stopped: {reason}");
                self.report_problem(card, folder, &problem);
            }
            offload::Event::CardGone(reason) => {
                self.report_problem(card, plan.source.clone(), reason);
            }
            _ => {}
        }
        (self.on_event)(Event::Card(card, event));
        if self.findings.len() >= FLUSH_COUNT || self.last_flush.elapsed() >= FLUSH_INTERVAL {
            self.flush_findings()?;
        }
        Ok(())
    }

    /// Records the outcome of a file at one destination.
    fn record_copy(&mut self, card: usize, task: usize, destination: usize, outcome: &CopyOutcome) {
        let plan = &self.plans[card];
        let Some(logged) = &self.cards[card] else {
            return;
        };
        let item = &plan.tasks[task].item;
        let path = plan.destinations[destination].folder.join(&item.inside);
        let now = stamp_on_filesystem(
            &plan.destinations[destination].folder,
            &path,
            &mut self.own_filesystem,
        );
        let on_other_filesystem = CopyOutcome::Failed(OTHER_FILESYSTEM.to_owned());
        let outcome = match outcome {
            CopyOutcome::Copied(_) | CopyOutcome::Existed(_) if now.is_none() => {
                &on_other_filesystem
            }
            outcome => outcome,
        };
        let (read, problem) = match outcome {
            CopyOutcome::Copied(read) | CopyOutcome::Existed(read) => (Some(*read), None),
            CopyOutcome::Conflict => (None, Some(OTHER_FILE.to_owned())),
            CopyOutcome::Failed(reason) => (None, Some(reason.clone())),
        };
        match outcome {
            CopyOutcome::Copied(_) => {
                self.summary.copied += 1;
                self.summary.copied_bytes += item.bytes;
            }
            CopyOutcome::Existed(_) => self.summary.already_there += 1,
            CopyOutcome::Conflict | CopyOutcome::Failed(_) => {}
        }
        let how = read.map(|read| read.how);
        if let Some(how) = how {
            let before = self.summary.how;
            self.summary.how = Some(before.map_or(how, |before| before.min(how)));
            // If this run writes no manifest, the next one lists all verified copies.
            if !std::mem::replace(&mut self.copying[card].is_unsealed[destination], true) {
                let (ingest, number) = (logged.ingest, logged.destination_numbers[destination]);
                self.findings.push(Finding::Unsealed(ingest, number));
            }
            self.copying[card].verified[destination][task] = Some(true);
        }
        let found = CopyFound {
            state: how.map_or(CopyState::NotCopied, |_| CopyState::Verified),
            how: how.map(|how| how.name().to_owned()),
            at: unix_seconds(),
            problem: problem.clone(),
            // The state when it was read back: the copy may have changed since.
            stamp: read.map(|read| read.stamp),
        };
        let (file, number) = (logged.files[task], logged.destination_numbers[destination]);
        self.findings.push(Finding::Copy(file, number, found));
        if let Some(problem) = problem {
            self.report_problem(card, path, &problem);
        }
    }

    pub(super) fn report_problem(&mut self, card: usize, path: PathBuf, reason: &str) {
        let problem = Problem::new(path, reason);
        self.problems[card].push(problem.clone());
        self.summary.problems.push(problem.clone());
        (self.on_event)(Event::Problem(problem));
    }

    pub(super) fn flush_findings(&mut self) -> Result<(), Error> {
        self.catalogue.record_findings(&self.findings)?;
        self.findings.clear();
        self.last_flush = Instant::now();
        Ok(())
    }
}
