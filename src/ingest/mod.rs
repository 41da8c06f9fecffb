//! Ingest of a shoot day: copies cards to every destination, verifies the copies, writes ASC MHL
//! manifests, catalogues the copies and attaches the shoot facts.
//!
//! Combines scanning, copying and manifests. A copy is recorded in the catalogue once it is durable
//! on its drive, so the same command resumes an interrupted ingest. The progress display is
//! separate.

mod card_contents;
mod card_history;
mod card_plan;
mod copy_results;
mod copying;
mod destination;
mod destination_disk;
mod event;
mod ingest_run;
mod logged_card;
mod plan;
mod remaining_work;
mod request;
mod seal;
mod shoot_facts;
mod skipped;
mod watch;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::catalogue::Catalogue;
use crate::error::{Error, Problem};
use crate::lock;
use crate::scan;
use ingest_run::IngestRun;
use logged_card::LoggedCard;

pub use card_plan::{CardPlan, CardState, PlannedDestination};
pub use event::{Begun, Event, Summary};
pub use request::Request;
pub use watch::{Watch, watch};

/// Plans an ingest without changing anything.
///
/// # Errors
/// Returns an error if the catalogue cannot be read or a day's facts are invalid.
pub fn plan(request: &Request, on_event: &mut dyn FnMut(Event)) -> Result<Vec<CardPlan>, Error> {
    let catalogue = match Catalogue::open(&request.scan.catalogue) {
        Err(Error::NoCatalogue { .. }) => None,
        opened => Some(opened?),
    };
    plan::plan_all(&mut IngestRun::new(request, on_event), catalogue.as_ref())
}

/// Ingests cards and reports events to `on_event`.
///
/// # Errors
/// Returns an error if the catalogue cannot be written, ffmpeg is missing, or a day's facts are
/// invalid. A problem with one card is reported, and the others continue.
pub fn ingest(request: &Request, on_event: &mut dyn FnMut(Event)) -> Result<Summary, Error> {
    ingest_into(
        &Catalogue::create(&request.scan.catalogue)?,
        request,
        on_event,
    )
}

/// Ingests cards like [`ingest`], after a fresh look at the mounted volumes. Opens the catalogue if
/// it is not open.
fn ingest_again(
    opened: &mut Option<Catalogue>,
    request: &Request,
    on_event: &mut dyn FnMut(Event),
) -> Result<Summary, Error> {
    let refreshed = opened.take().and_then(|mut catalogue| {
        let is_current = catalogue.refresh_mounts().is_ok();
        is_current.then_some(catalogue)
    });
    let catalogue = match refreshed {
        Some(catalogue) => catalogue,
        None => Catalogue::create(&request.scan.catalogue)?,
    };
    ingest_into(opened.insert(catalogue), request, on_event)
}

fn ingest_into(
    catalogue: &Catalogue,
    request: &Request,
    on_event: &mut dyn FnMut(Event),
) -> Result<Summary, Error> {
    let begun = std::time::Instant::now();
    let mut run = IngestRun::new(request, on_event);
    let (plans, cards) = {
        let on_wait = &mut |holder: &str| run.report(Event::Waiting(holder.to_owned()));
        let file = request.scan.catalogue.join("ingest.lock");
        let is_cancelled = request.is_cancelled();
        // Two ingests that plan in parallel could give two cards the same folder.
        let Some(_planning) = lock::hold(&file, "ingest", &is_cancelled, on_wait)? else {
            run.summary.is_interrupted = true;
            return Ok(run.summary);
        };
        let plans = plan::plan_all(&mut run, Some(catalogue))?;
        let cards = logged_card::begin(&plans, request, catalogue)?;
        (plans, cards)
    };
    for plan in &plans {
        run.summary.count(plan);
    }
    if !request.is_in_place {
        copying::copy_all(&plans, &cards, catalogue, &mut run)?;
    }
    if !run.is_cancelled() {
        catalogue_cards(&plans, &cards, catalogue, &mut run)?;
    }
    run.summary.is_interrupted = run.is_cancelled();
    run.summary.elapsed = begun.elapsed();
    Ok(run.summary)
}

/// Converts the path of a copy to the index of its card and the path relative to the card's root.
/// Other paths are returned unchanged, without an index.
fn relative_to_card(path: &Path, plans: &[CardPlan]) -> (Option<usize>, PathBuf) {
    let copied = plans.iter().enumerate().find_map(|(card, plan)| {
        let mut destinations = plan.destinations.iter();
        let inside =
            destinations.find_map(|destination| path.strip_prefix(&destination.folder).ok())?;
        Some((Some(card), inside.to_owned()))
    });
    copied.unwrap_or_else(|| (None, path.to_owned()))
}

/// Scans the copies, or the footage in place, and attaches the shoot facts to the clips.
fn catalogue_cards(
    plans: &[CardPlan],
    cards: &[Option<LoggedCard>],
    catalogue: &Catalogue,
    run: &mut IngestRun<'_>,
) -> Result<(), Error> {
    let request = run.request;
    let mut paths: Vec<PathBuf> = Vec::new();
    for (plan, _) in plans.iter().zip(cards).filter(|(_, card)| card.is_some()) {
        if request.is_in_place {
            paths.push(plan.source.clone());
        } else {
            let folders = plan
                .destinations
                .iter()
                .map(|destination| destination.folder.clone());
            paths.extend(folders.filter(|folder| folder.is_dir()));
        }
    }
    paths.sort();
    paths.dedup();
    if !paths.is_empty() {
        let scan = scan::ScanRequest {
            paths,
            // Somebody may be waiting to format the card; the next scan refreshes older facts.
            refresh_limit: 0,
            ..request.scan.clone()
        };
        let mut reported = HashSet::new();
        let scanned = scan::scan(&scan, &mut |event| {
            // All copies of a file have the same problems; they are reported for one copy.
            if let scan::ScanEvent::Problem(problem) = &event
                && reported.insert((
                    relative_to_card(&problem.path, plans),
                    problem.reason.clone(),
                ))
            {
                run.summary.unreadable.push(problem.clone());
            }
            run.report(Event::Scan(event));
        });
        match scanned {
            Ok(scanned) => run.summary.scanned = Some(scanned),
            Err(error) if request.is_in_place => return Err(error),
            // The copies are complete; running the command again catalogues them.
            Err(error) => {
                let hint = error.hint().unwrap_or_default();
                let reason = format!("the copies are not catalogued yet: {error}; {hint}");
                let problem = Problem::new(&request.scan.catalogue, reason);
                run.report(Event::Problem(problem.clone()));
                run.summary.problems.push(problem);
                return Ok(());
            }
        }
    }
    if run.is_cancelled() {
        return Ok(());
    }
    for (plan, card) in plans.iter().zip(cards) {
        let Some(card) = card else { continue };
        if request.is_in_place {
            let (volume, inside) = destination::locate_on_volume(catalogue, &plan.source)?;
            catalogue.attach_facts_in_place(card.ingest, volume, &inside, card.facts_changed)?;
            let problems: Vec<Problem> = plan.problems().cloned().collect();
            catalogue.end_ingest(card.ingest, &problems)?;
        } else {
            catalogue.attach_facts_to_copies(card.ingest, card.facts_changed)?;
        }
    }
    // Makes the first search after an ingest fast. If this fails, that search updates the index.
    scan::update_index(catalogue, "ingest", &mut |event| {
        run.report(Event::Scan(event));
    });
    Ok(())
}
