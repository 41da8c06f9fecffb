//! Copies the cards of a batch, in parallel if their devices allow it, and records the findings
//! while copying.

mod copy_run;
mod finalize;
mod finalize_events;
mod message;

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

use super::card_plan::{CardPlan, CardState, PlannedDestination};
use super::event::{Begun, Event};
use super::ingest_run::IngestRun;
use super::logged_card::LoggedCard;
use crate::atomic_file;
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::offload::{self, CopyOrder, Destination};
use crate::volume::{Drive, DriveKind};
use copy_run::{CopyRun, FLUSH_INTERVAL};
use message::CopyMessage;

/// Maximum number of cards copied in parallel.
const MAX_PARALLEL_CARDS: usize = 4;
/// Capacity of the channel from the copying threads.
const CHANNEL_CAPACITY: usize = 1024;

/// Copies all accepted cards, and finalizes each as soon as it is copied.
pub(super) fn copy_all(
    plans: &[CardPlan],
    cards: &[Option<LoggedCard>],
    catalogue: &Catalogue,
    run: &mut IngestRun<'_>,
) -> Result<(), Error> {
    let begun = Instant::now();
    run.report(Event::Begins(plans.iter().map(describe_start).collect()));
    let (sender, receiver) = sync_channel(CHANNEL_CAPACITY);
    let mut copy_run = CopyRun::new(plans, cards, catalogue, run);
    thread::scope(|scope| dispatch(&mut copy_run, scope, &sender, &receiver))?;
    run.summary.copying = begun.elapsed();
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

/// Copies every card on a thread of `scope`, and finalizes each (last check, manifests) when it is
/// copied.
fn dispatch<'scope, 'a: 'scope>(
    run: &mut CopyRun<'a>,
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
                    run.begin_finalizing(card, sender).map(|job| {
                        finalizing += usize::from(job.is_some());
                        if let Some(job) = job {
                            scope.spawn(move || job.run());
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
    let destinations: Vec<Destination> = plan
        .destinations
        .iter()
        .map(PlannedDestination::for_copying)
        .collect();
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

/// Returns true if copying two cards in parallel would make them compete for a device.
fn share_device(first: &CardPlan, second: &CardPlan) -> bool {
    let drives = |plan: &CardPlan| -> HashSet<(Drive, bool)> {
        let is_exclusive = !matches!(plan.drive.kind, DriveKind::Solid | DriveKind::Network);
        let destinations = plan.destinations.iter();
        let destinations =
            destinations.map(|destination| (destination.drive.clone(), destination.is_single()));
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
