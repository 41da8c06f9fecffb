//! Copies the cards of a batch, in parallel if their devices allow it, and records the findings
//! while copying.

mod finalize;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::Request;
use super::destination::stamp_on_filesystem;
use super::event::{Begun, Event, Summary};
use super::plan::{CardPlan, CardState, PlannedDestination};
use crate::atomic_file;
use crate::catalogue::{
    Catalogue, CopyFound, CopyState, Finding, IngestPlace, NewIngest, unix_seconds,
};
use crate::checksum::{Checksum, HashKind};
use crate::error::{Error, Problem};
use crate::mhl;
use crate::offload::{self, CopyOrder, CopyOutcome, Destination, SourceState};
use crate::volume::{Drive, DriveKind};
use finalize::{FinalizeCard, FinalizeEvent};

/// Maximum age of unrecorded findings.
const FLUSH_INTERVAL: Duration = Duration::from_millis(500);
/// Maximum number of unrecorded findings.
const FLUSH_COUNT: usize = 2000;
/// Maximum number of cards copied in parallel.
const MAX_PARALLEL_CARDS: usize = 4;
/// Capacity of the channel from the copying threads.
const CHANNEL_CAPACITY: usize = 1024;

/// Card with its entries in the ingest log.
pub(super) struct LoggedCard {
    /// Id of its ingest.
    pub(super) ingest: i64,
    /// True if this ingest resumes an earlier one that had other shoot facts.
    pub(super) facts_changed: bool,
    /// Ids of its files, in the order of the tasks.
    files: Vec<i64>,
    /// Numbers of its destinations in the log, in the order of the plan.
    destination_numbers: Vec<usize>,
    /// Per destination: true if an earlier run wrote a manifest there.
    is_sealed: Vec<bool>,
}

/// Findings about a card while it is copied.
#[derive(Default)]
pub(super) struct Copying {
    /// Per task: hashes of the file; `None` if not read.
    pub(super) hashes: Vec<Option<Vec<Checksum>>>,
    /// Per task: state of the file on the card when it was read.
    seen: Vec<Option<SourceState>>,
    /// Per destination and task: `None` if the copy is not verified, `Some(true)` if this run
    /// verified it, `Some(false)` if an earlier one did.
    pub(super) verified: Vec<Vec<Option<bool>>>,
    /// Per destination: true if this run verified a copy that is not in a manifest yet.
    is_unsealed: Vec<bool>,
}

/// Records in the catalogue that the ingest of each accepted card begins or is resumed.
pub(super) fn begin(
    plans: &[CardPlan],
    request: &Request,
    catalogue: &Catalogue,
) -> Result<Vec<Option<LoggedCard>>, Error> {
    let begin_card = |plan: &CardPlan| {
        if plan.state == CardState::Refused {
            return Ok(None);
        }
        let new_ingest = NewIngest {
            day: plan.day.clone(),
            card: plan.card.clone(),
            source: plan.source.clone(),
            volume: plan.volume.clone(),
            inside: plan.inside.clone(),
            is_in_place: request.is_in_place,
            hash: plan.hash,
            author: request.author.clone(),
            facts: plan.facts.clone(),
        };
        let destinations = plan.locate_destinations(catalogue)?;
        let earlier = plan.earlier.as_ref();
        let facts_changed =
            earlier.is_some_and(|earlier| earlier.details.facts != new_ingest.facts);
        let (ingest, numbers) = if let Some(earlier) = earlier {
            let numbers = catalogue.resume_ingest(earlier.id, &new_ingest, &destinations)?;
            (earlier.id, numbers)
        } else {
            let ingest = catalogue.begin_ingest(&new_ingest, &destinations)?;
            (ingest, (0..destinations.len()).collect())
        };
        let files = plan.tasks.iter().map(|task| {
            let item = &task.item;
            (item.inside.as_path(), item.bytes, item.modified)
        });
        // If the manifest was deleted, a new one is written.
        let is_sealed = |number: &usize| {
            let logged = earlier.and_then(|earlier| earlier.places.get(*number));
            logged.is_some_and(IngestPlace::has_manifest)
        };
        let files = catalogue.list_ingested(ingest, files)?;
        let sampled = plan.tasks.iter().zip(&files).filter_map(|(task, file)| {
            let sample = plan.samples.get(&task.item.inside)?;
            Some(Finding::Sampled(*file, *sample))
        });
        catalogue.record_findings(&sampled.collect::<Vec<_>>())?;
        Ok(Some(LoggedCard {
            ingest,
            is_sealed: numbers.iter().map(is_sealed).collect(),
            facts_changed,
            files,
            destination_numbers: numbers,
        }))
    };
    plans.iter().map(begin_card).collect()
}

/// Copies all accepted cards, and finalizes each as soon as it is copied.
pub(super) fn copy_all(
    plans: &[CardPlan],
    cards: &[Option<LoggedCard>],
    request: &Request,
    catalogue: &Catalogue,
    summary: &mut Summary,
    on_event: &mut dyn FnMut(Event),
) -> Result<(), Error> {
    let begun = Instant::now();
    on_event(Event::Begins(plans.iter().map(describe_start).collect()));
    let (sender, receiver) = sync_channel(CHANNEL_CAPACITY);
    let mut run = Run {
        plans,
        cards,
        request,
        catalogue,
        summary,
        on_event,
        copying: plans.iter().map(Copying::from_plan).collect(),
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
    };
    thread::scope(|scope| dispatch(&mut run, scope, &sender, &receiver))?;
    summary.copying = begun.elapsed();
    Ok(())
}

fn describe_start(plan: &CardPlan) -> Begun {
    let bytes = if plan.state == CardState::Refused {
        0
    } else {
        plan.bytes_to_read()
    };
    Begun {
        card: plan.card.clone(),
        source: plan.source.clone(),
        files: plan
            .tasks
            .iter()
            .map(|task| task.item.inside.clone())
            .collect(),
        bytes,
        destinations: plan
            .destinations
            .iter()
            .map(|destination| (destination.folder.clone(), destination.bytes))
            .collect(),
    }
}

/// Messages from the copying threads.
enum CopyMessage {
    /// Event of copying a card.
    Event(offload::Event),
    /// The copying thread of a card ended.
    CopyEnded,
    /// Event of finalizing a card.
    Finalize(FinalizeEvent),
    /// Finalizing a card ended: true if all of its files are copied and verified, `None` if
    /// interrupted.
    Finalized(Option<bool>),
}

/// Sends [`CopyMessage::CopyEnded`] on drop, so that the main thread does not wait forever after a
/// panic.
struct CopyEndedGuard {
    card: usize,
    sender: SyncSender<(usize, CopyMessage)>,
}

impl Drop for CopyEndedGuard {
    fn drop(&mut self) {
        let _ = self.sender.send((self.card, CopyMessage::CopyEnded));
    }
}

/// State of a batch while its cards are copied.
struct Run<'a> {
    plans: &'a [CardPlan],
    cards: &'a [Option<LoggedCard>],
    request: &'a Request,
    catalogue: &'a Catalogue,
    summary: &'a mut Summary,
    on_event: &'a mut dyn FnMut(Event),
    copying: Vec<Copying>,
    /// Per card and destination: true if copying to it stopped after an error.
    given_up: Vec<Vec<bool>>,
    /// Per card: problems found so far.
    problems: Vec<Vec<Problem>>,
    /// Findings that are not recorded yet.
    findings: Vec<Finding>,
    last_flush: Instant,
    /// Per folder of copies: true if it is on its destination's filesystem.
    own_filesystem: HashMap<PathBuf, bool>,
}

/// Copies every card on a thread of `scope`, and finalizes each (last check, manifests) when it is
/// copied.
fn dispatch<'scope, 'a: 'scope>(
    run: &mut Run<'a>,
    scope: &'scope thread::Scope<'scope, '_>,
    sender: &SyncSender<(usize, CopyMessage)>,
    receiver: &Receiver<(usize, CopyMessage)>,
) -> Result<(), Error> {
    let plans = run.plans;
    let mut waiting: Vec<usize> = (0..plans.len())
        .filter(|&card| run.cards[card].is_some())
        .collect();
    let mut running: Vec<usize> = Vec::new();
    // Number of cards being finalized. They may wait for a share or another machine without delaying
    // the others.
    let mut finalizing = 0;
    let mut outcome = Ok(());
    loop {
        if run.request.cancel().is_cancelled() {
            waiting.clear();
        }
        let mut next = 0;
        while next < waiting.len() && running.len() < MAX_PARALLEL_CARDS {
            let card = waiting[next];
            if running
                .iter()
                .any(|&other| share_device(&plans[card], &plans[other]))
            {
                next += 1;
                continue;
            }
            waiting.remove(next);
            running.push(card);
            let (sender, is_cancelled) = (sender.clone(), run.request.is_cancelled());
            scope.spawn(move || {
                let guard = CopyEndedGuard { card, sender };
                copy(&plans[card], &is_cancelled, &mut |event| {
                    // The receiver stops only after the last event.
                    let _ = guard.sender.send((card, CopyMessage::Event(event)));
                });
            });
        }
        if running.is_empty() && finalizing == 0 {
            return outcome;
        }
        let handled = match receiver.recv_timeout(FLUSH_INTERVAL) {
            Ok((card, CopyMessage::CopyEnded)) => {
                running.retain(|&other| other != card);
                if outcome.is_ok() {
                    run.begin_finalizing(card).map(|job| {
                        finalizing += usize::from(job.is_some());
                        if let Some(job) = job {
                            let sender = sender.clone();
                            scope.spawn(move || job.run(sender));
                        }
                    })
                } else {
                    Ok(())
                }
            }
            Ok((card, CopyMessage::Finalized(is_complete))) => {
                finalizing -= 1;
                match is_complete {
                    Some(is_complete) if outcome.is_ok() => run.finish_card(card, is_complete),
                    _ => Ok(()),
                }
            }
            Ok(_) if outcome.is_err() => Ok(()),
            Ok((card, CopyMessage::Event(event))) => run.handle_event(card, event),
            Ok((card, CopyMessage::Finalize(event))) => run.handle_finalize_event(card, event),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                if outcome.is_ok() {
                    run.flush_findings()
                } else {
                    Ok(())
                }
            }
        };
        if let Err(error) = handled {
            // Stops the copying threads.
            run.request.cancel().cancel();
            outcome = Err(error);
        }
    }
}

fn copy(
    plan: &CardPlan,
    is_cancelled: &(dyn Fn() -> bool + Sync),
    on_event: &mut dyn FnMut(offload::Event),
) {
    let destinations: Vec<Destination> =
        plan.destinations.iter().map(offload_destination).collect();
    for destination in &plan.destinations {
        for folder in plan.folders_at(destination) {
            // The planned free space includes that of the leftovers.
            let _ = atomic_file::sweep(&folder);
        }
    }
    let order = CopyOrder {
        source: &plan.source,
        is_share: plan.drive.kind == DriveKind::Network,
        times: plan.times,
        listed: plan.listed,
        destinations: &destinations,
        tasks: &plan.tasks,
        kinds: &plan.kinds,
        is_cancelled,
    };
    offload::copy(&order, on_event);
}

fn offload_destination(planned: &PlannedDestination) -> Destination {
    Destination {
        folder: planned.folder.clone(),
        base: planned.base.clone(),
        filesystem: planned.filesystem,
        is_share: planned.drive.kind == DriveKind::Network,
        is_single: is_single(&planned.drive),
    }
}

/// Returns true if a device is best read by one thread at a time.
fn is_single(drive: &Drive) -> bool {
    drive.kind.readers(2) == 1
}

/// Returns true if copying two cards in parallel would make them compete for a device.
fn share_device(first: &CardPlan, second: &CardPlan) -> bool {
    let drives = |plan: &CardPlan| -> HashSet<(Drive, bool)> {
        let is_exclusive = !matches!(plan.drive.kind, DriveKind::Solid | DriveKind::Network);
        let destinations = plan.destinations.iter();
        let destinations = destinations
            .map(|destination| (destination.drive.clone(), is_single(&destination.drive)));
        std::iter::once((plan.drive.clone(), is_exclusive))
            .chain(destinations)
            .collect()
    };
    let (of_first, of_second) = (drives(first), drives(second));
    of_first.iter().any(|(drive, is_exclusive)| {
        let mut shared = of_second.iter().filter(|(other, _)| other == drive);
        shared.any(|(_, is_other_exclusive)| *is_exclusive || *is_other_exclusive)
    })
}

impl Copying {
    fn from_plan(plan: &CardPlan) -> Self {
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

impl<'a> Run<'a> {
    /// Processes an event of a card.
    fn handle_event(&mut self, card: usize, event: offload::Event) -> Result<(), Error> {
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

    fn report_problem(&mut self, card: usize, path: PathBuf, reason: &str) {
        let problem = Problem::new(path, reason);
        self.problems[card].push(problem.clone());
        self.summary.problems.push(problem.clone());
        (self.on_event)(Event::Problem(problem));
    }

    fn flush_findings(&mut self) -> Result<(), Error> {
        self.catalogue.record_findings(&self.findings)?;
        self.findings.clear();
        self.last_flush = Instant::now();
        Ok(())
    }

    /// Records that a card is copied. Returns the remaining work, which may have to wait; `None` if
    /// there is none.
    fn begin_finalizing(&mut self, card: usize) -> Result<Option<FinalizeCard<'a>>, Error> {
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
        }))
    }

    /// Records that a card is finalized.
    fn finish_card(&mut self, card: usize, is_complete: bool) -> Result<(), Error> {
        self.flush_findings()?;
        if let Some(logged) = &self.cards[card] {
            self.catalogue
                .end_ingest(logged.ingest, &self.problems[card])?;
        }
        self.summary.complete += usize::from(is_complete);
        (self.on_event)(Event::Ends(card));
        Ok(())
    }
}

/// Reason reported for a different file of the same name.
const OTHER_FILE: &str =
    "a different file of that name exists and was kept; compare the two, then move one of them";
/// Reason reported for a copy that is on another filesystem than its destination.
const OTHER_FILESYSTEM: &str = "a mount or link leads to another filesystem, so it does not count as a copy at this destination";

/// Reason reported for a file whose name cannot be stored in a manifest.
const NOT_IN_MANIFEST: &str =
    "copied, verified and catalogued, but not listed in the manifest, which cannot store its name";
