//! Copies the cards of a batch, in parallel where their devices allow it, and records the findings
//! continuously.

mod closing;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::event::{Begun, Event, Summary};
use super::plan::{CardPlan, CardState, PlannedPlace};
use super::{Request, destination as places};
use crate::atomic_file;
use crate::catalogue::{
    Catalogue, CopyFound, CopyState, Finding, IngestPlace, NewIngest, unix_seconds,
};
use crate::checksum::{Checksum, HashKind};
use crate::error::{Error, Problem};
use crate::mhl;
use crate::offload::{self, CopyOrder, CopyOutcome, Destination, SourceState};
use crate::volume::{Drive, DriveKind};
use closing::{CloseCard, Closing};

/// Interval after which findings are recorded …
const FLUSH_INTERVAL: Duration = Duration::from_millis(500);
/// … or number of findings that triggers it.
const FLUSH_COUNT: usize = 2000;
/// Maximum number of cards read in parallel.
const MAX_PARALLEL_CARDS: usize = 4;
/// Capacity of the channel from the copying threads.
const CHANNEL_CAPACITY: usize = 1024;

/// Card in the log of ingests.
pub(super) struct LoggedCard {
    /// Id of its ingest.
    pub(super) ingest: i64,
    /// True if the facts of the day changed since the ingest began.
    pub(super) facts_changed: bool,
    /// Ids of its files, by task.
    files: Vec<i64>,
    /// Indices of its destinations in the log.
    places: Vec<usize>,
    /// Per destination: true if an earlier run wrote a manifest there.
    is_sealed: Vec<bool>,
}

/// State of a card while it is copied.
#[derive(Default)]
pub(super) struct Copying {
    /// Hashes, by task.
    pub(super) hashes: Vec<Option<Vec<Checksum>>>,
    /// State of each file when it was read, by task.
    seen: Vec<Option<SourceState>>,
    /// Per destination and task: `Some` if the copy is verified, `Some(true)` if by this run.
    pub(super) verified: Vec<Vec<Option<bool>>>,
    /// Per destination: true if this run verified a copy there.
    is_unsealed: Vec<bool>,
}

/// Records in the catalogue that cards begin or resume their ingest.
pub(super) fn begin(
    plans: &[CardPlan],
    request: &Request,
    catalogue: &Catalogue,
) -> Result<Vec<Option<LoggedCard>>, Error> {
    let one = |plan: &CardPlan| {
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
        let places = plan.catalogued(catalogue)?;
        let before = plan.earlier.as_ref();
        let facts_changed = before.is_some_and(|before| before.details.facts != new_ingest.facts);
        let (ingest, numbers) = if let Some(before) = before {
            let numbers = catalogue.resume_ingest(before.id, &new_ingest, &places)?;
            (before.id, numbers)
        } else {
            let ingest = catalogue.begin_ingest(&new_ingest, &places)?;
            (ingest, (0..places.len()).collect())
        };
        let files = plan.tasks.iter().map(|task| {
            let item = &task.item;
            (item.inside.as_path(), item.bytes, item.modified)
        });
        // A deleted manifest is written again.
        let is_sealed = |number: &usize| {
            let place = before.and_then(|before| before.places.get(*number));
            place.is_some_and(IngestPlace::has_manifest)
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
            places: numbers,
        }))
    };
    plans.iter().map(one).collect()
}

/// Copies all accepted cards and seals each one when it is done.
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
            .map(|plan| vec![false; plan.places.len()])
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
        places: plan
            .places
            .iter()
            .map(|place| (place.folder.clone(), place.bytes))
            .collect(),
    }
}

/// Messages from the copying threads.
enum CopyMessage {
    /// Progress of copying.
    Event(offload::Event),
    /// Copying of the card ended.
    Done,
    /// Finding while the card was closed.
    Closing(Closing),
    /// The card is closed; true if all of it is copied and verified. `None` if interrupted.
    Closed(Option<bool>),
}

/// Sends `Done` for a card on drop, so that a panic does not make others wait forever.
struct DoneGuard {
    card: usize,
    sender: SyncSender<(usize, CopyMessage)>,
}

impl Drop for DoneGuard {
    fn drop(&mut self) {
        let _ = self.sender.send((self.card, CopyMessage::Done));
    }
}

/// Running batch.
struct Run<'a> {
    plans: &'a [CardPlan],
    cards: &'a [Option<LoggedCard>],
    request: &'a Request,
    catalogue: &'a Catalogue,
    summary: &'a mut Summary,
    on_event: &'a mut dyn FnMut(Event),
    copying: Vec<Copying>,
    /// Per card and destination: true if it accepts no more files.
    given_up: Vec<Vec<bool>>,
    /// Problems, by card.
    problems: Vec<Vec<Problem>>,
    findings: Vec<Finding>,
    last_flush: Instant,
    /// Folders of copies: true if on their destination's own filesystem.
    own_filesystem: HashMap<PathBuf, bool>,
}

/// Copies every card within a scope, and closes each when it is done.
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
    // Cards waiting for a share or for another machine; they do not block other cards.
    let mut closing = 0;
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
            let (sender, go_on) = (sender.clone(), run.request.go_on());
            scope.spawn(move || {
                let done = DoneGuard { card, sender };
                copy(&plans[card], &go_on, &mut |event| {
                    // The receiver stops only after the last event.
                    let _ = done.sender.send((card, CopyMessage::Event(event)));
                });
            });
        }
        if running.is_empty() && closing == 0 {
            return outcome;
        }
        let handled = match receiver.recv_timeout(FLUSH_INTERVAL) {
            Ok((card, CopyMessage::Done)) => {
                running.retain(|&other| other != card);
                if outcome.is_ok() {
                    run.begin_closing(card).map(|job| {
                        closing += usize::from(job.is_some());
                        if let Some(job) = job {
                            let sender = sender.clone();
                            scope.spawn(move || job.run(sender));
                        }
                    })
                } else {
                    Ok(())
                }
            }
            Ok((card, CopyMessage::Closed(is_complete))) => {
                closing -= 1;
                match is_complete {
                    Some(is_complete) if outcome.is_ok() => run.end(card, is_complete),
                    _ => Ok(()),
                }
            }
            Ok(_) if outcome.is_err() => Ok(()),
            Ok((card, CopyMessage::Event(event))) => run.handle_event(card, event),
            Ok((card, CopyMessage::Closing(found))) => run.handle_closing(card, found),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                if outcome.is_ok() {
                    run.flush_findings()
                } else {
                    Ok(())
                }
            }
        };
        if let Err(error) = handled {
            // Stops the threads that still copy.
            run.request.cancel().cancel();
            outcome = Err(error);
        }
    }
}

fn copy(
    plan: &CardPlan,
    go_on: &(dyn Fn() -> bool + Sync),
    on_event: &mut dyn FnMut(offload::Event),
) {
    let destinations: Vec<Destination> = plan.places.iter().map(destination).collect();
    for place in &plan.places {
        for folder in plan.folders_at(place) {
            // Free space was computed without these leftovers.
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
        is_cancelled: &|| !go_on(),
    };
    offload::copy(&order, on_event);
}

fn destination(place: &PlannedPlace) -> Destination {
    Destination {
        folder: place.folder.clone(),
        base: place.base.clone(),
        filesystem: place.filesystem,
        is_share: place.drive.kind == DriveKind::Network,
        is_single: is_single(&place.drive),
    }
}

/// Returns true if a device handles one request at a time.
fn is_single(drive: &Drive) -> bool {
    drive.kind.readers(2) == 1
}

/// Returns true if two cards would compete for one device.
fn share_device(one: &CardPlan, other: &CardPlan) -> bool {
    let drives = |plan: &CardPlan| -> HashSet<(Drive, bool)> {
        let is_alone = !matches!(plan.drive.kind, DriveKind::Solid | DriveKind::Network);
        let places = plan.places.iter();
        let places = places.map(|place| (place.drive.clone(), is_single(&place.drive)));
        std::iter::once((plan.drive.clone(), is_alone))
            .chain(places)
            .collect()
    };
    let (ours, theirs) = (drives(one), drives(other));
    ours.iter().any(|(drive, is_alone)| {
        let mut meeting = theirs.iter().filter(|(other, _)| other == drive);
        meeting.any(|(_, is_other_alone)| *is_alone || *is_other_alone)
    })
}

impl Copying {
    fn from_plan(plan: &CardPlan) -> Self {
        let verified = |place: usize| {
            let tasks = plan.tasks.iter();
            tasks
                .map(|task| task.is_verified[place].then_some(false))
                .collect()
        };
        Self {
            hashes: plan
                .tasks
                .iter()
                .map(|task| task.known_hashes.clone())
                .collect(),
            seen: vec![None; plan.tasks.len()],
            verified: (0..plan.places.len()).map(verified).collect(),
            is_unsealed: vec![false; plan.places.len()],
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
                let of_catalogue = hashes.iter().find(|hash| hash.kind() == HashKind::Xxh128);
                if let Some((digest, xxh128)) = hashes.first().zip(of_catalogue) {
                    let file = logged.files[*task];
                    let (digest, xxh128) = (digest.clone(), xxh128.clone());
                    let finding = Finding::Hashed(file, digest, xxh128, seen.sample);
                    self.findings.push(finding);
                }
                self.copying[card].seen[*task] = Some(*seen);
                self.copying[card].hashes[*task] = Some(hashes.clone());
            }
            offload::Event::Finished(task, place, outcome) => {
                self.settle(card, *task, *place, outcome);
            }
            offload::Event::ReadFailed(task, reason) => {
                let file = logged.files[*task];
                self.findings.push(Finding::Unread(file, reason.clone()));
                let path = plan.source.join(&plan.tasks[*task].item.inside);
                self.problem(card, path, reason);
            }
            offload::Event::GivenUp(place, reason) => {
                let folder = plan.places[*place].folder.clone();
                let number = logged.places[*place];
                self.catalogue
                    .record_destination(logged.ingest, number, None, Some(reason))?;
                self.given_up[card][*place] = true;
                let problem = format!("copying there stopped: {reason}");
                self.problem(card, folder, &problem);
            }
            offload::Event::CardGone(reason) => self.problem(card, plan.source.clone(), reason),
            _ => {}
        }
        (self.on_event)(Event::Card(card, event));
        if self.findings.len() >= FLUSH_COUNT || self.last_flush.elapsed() >= FLUSH_INTERVAL {
            self.flush_findings()?;
        }
        Ok(())
    }

    fn settle(&mut self, card: usize, task: usize, place: usize, outcome: &CopyOutcome) {
        let plan = &self.plans[card];
        let Some(logged) = &self.cards[card] else {
            return;
        };
        let item = &plan.tasks[task].item;
        let path = plan.places[place].folder.join(&item.inside);
        let now = places::stamp_on_filesystem(
            &plan.places[place].folder,
            &path,
            &mut self.own_filesystem,
        );
        let elsewhere = CopyOutcome::Failed(ELSEWHERE.to_owned());
        let outcome = match outcome {
            CopyOutcome::Copied(_) | CopyOutcome::Existed(_) if now.is_none() => &elsewhere,
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
            CopyOutcome::Existed(_) => self.summary.there += 1,
            CopyOutcome::Conflict | CopyOutcome::Failed(_) => {}
        }
        let how = read.map(|read| read.how);
        if let Some(how) = how {
            let before = self.summary.how;
            self.summary.how = Some(before.map_or(how, |before| before.min(how)));
            // If this run does not seal the destination, the next one seals all verified copies.
            if !std::mem::replace(&mut self.copying[card].is_unsealed[place], true) {
                let (ingest, number) = (logged.ingest, logged.places[place]);
                self.findings.push(Finding::Unsealed(ingest, number));
            }
            self.copying[card].verified[place][task] = Some(true);
        }
        let found = CopyFound {
            state: how.map_or(CopyState::NotCopied, |_| CopyState::Verified),
            how: how.map(|how| how.name().to_owned()),
            at: unix_seconds(),
            problem: problem.clone(),
            // Not the current state: the copy may have been written to since it was read.
            stamp: read.map(|read| read.stamp),
        };
        let (file, number) = (logged.files[task], logged.places[place]);
        self.findings.push(Finding::Copy(file, number, found));
        if let Some(problem) = problem {
            self.problem(card, path, &problem);
        }
    }

    fn problem(&mut self, card: usize, path: PathBuf, reason: &str) {
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

    /// Records the end of copying a card and returns the closing work, which may have to wait.
    /// `None` if there is none.
    fn begin_closing(&mut self, card: usize) -> Result<Option<CloseCard<'a>>, Error> {
        self.flush_findings()?;
        let Some(logged) = &self.cards[card] else {
            return Ok(None);
        };
        if self.request.cancel().is_cancelled() {
            return Ok(None);
        }
        let plan = &self.plans[card];
        for task in &plan.tasks {
            // Reported on every run, for users who rely on the manifest.
            if mhl::manifest_path(&task.item.inside).is_none() {
                self.summary.outside += 1;
                self.problem(card, plan.source.join(&task.item.inside), OUTSIDE);
            }
        }
        for (task, place) in &plan.grown {
            let found = CopyFound {
                state: CopyState::Verified,
                how: None,
                at: unix_seconds(),
                problem: None,
                stamp: None,
            };
            let (file, number) = (logged.files[*task], logged.places[*place]);
            self.findings.push(Finding::Copy(file, number, found));
        }
        for remark in &plan.remarks {
            self.problem(card, remark.path.clone(), &remark.reason);
        }
        Ok(Some(CloseCard {
            card,
            plan,
            request: self.request,
            is_sealed: &logged.is_sealed,
            given_up: self.given_up[card].clone(),
            copying: std::mem::take(&mut self.copying[card]),
        }))
    }

    /// Records that a card is closed.
    fn end(&mut self, card: usize, is_complete: bool) -> Result<(), Error> {
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
/// Reason reported for a copy on another filesystem than its destination.
const ELSEWHERE: &str = "a mount or link leads to another filesystem than the destination's, so this is not a copy on the destination";

/// Reason reported for a file that is in no manifest because of its name.
const OUTSIDE: &str = "copied, verified and catalogued, but a manifest cannot store its name";
