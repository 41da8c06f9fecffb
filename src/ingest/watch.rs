//! Ingests cards as they are mounted in, or copied to, a watched folder.
//!
//! Polls the folder, which works on every filesystem and share.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::event::{Event, Summary};
use super::{Request, ingest_again};
use crate::catalogue::Catalogue;
use crate::error::{Error, Problem};
use crate::offload::{Listing, list};
use crate::shoot_day::DayCard;

/// Watched folder and intervals.
#[derive(Debug, Clone)]
pub struct Watch {
    /// Folder whose subfolders are cards.
    pub folder: PathBuf,
    /// Interval between checks.
    pub every: Duration,
    /// Time without changes after which a card is ingested.
    pub quiet: Duration,
}

/// Latest listing of a card.
struct WatchedCard {
    listing: Listing,
    /// Time of the last change.
    since: Instant,
    /// True if the card was ingested with this listing.
    is_done: bool,
}

/// Interval between checks for Ctrl-C.
const CANCEL_INTERVAL: Duration = Duration::from_millis(100);

/// Ingests every card in the folder once it is quiet, and again after each change, until cancelled.
/// The cards of the days in `request` are replaced. Calls `on_done` with the summary of each card.
///
/// # Errors
/// Returns an error if the folder cannot be listed at the start, or if an ingest fails for a reason
/// that is not limited to one card.
pub fn watch(
    watched: &Watch,
    request: &Request,
    on_event: &mut dyn FnMut(Event),
    on_done: &mut dyn FnMut(&Summary),
) -> Result<(), Error> {
    std::fs::read_dir(&watched.folder).map_err(Error::path(&watched.folder))?;
    let mut seen: HashMap<PathBuf, WatchedCard> = HashMap::new();
    let mut catalogue: Option<Catalogue> = None;
    on_event(Event::Watching(watched.folder.clone()));
    while !request.cancel().is_cancelled() {
        let cards = list_cards(&watched.folder);
        // After a card is removed, the next one at its path may be another card.
        seen.retain(|path, _| cards.contains(path));
        let mut has_ingested = false;
        for path in cards {
            if request.cancel().is_cancelled() {
                break;
            }
            if !is_quiet(&path, watched.quiet, request, &mut seen) {
                continue;
            }
            has_ingested = true;
            let mut card_request = request.clone();
            for day in &mut card_request.days {
                day.cards = vec![DayCard {
                    path: path.clone(),
                    ..day.cards.first().cloned().unwrap_or_default()
                }];
            }
            match ingest_again(&mut catalogue, &card_request, on_event) {
                Ok(summary) => on_done(&summary),
                Err(error) if is_about_card(&error) => {
                    let problem = Problem::new(&path, error.to_string());
                    on_event(Event::Problem(problem.clone()));
                    on_done(&Summary {
                        cards: 1,
                        problems: vec![problem],
                        ..Summary::default()
                    });
                }
                Err(error) => return Err(error),
            }
            if let Some(seen) = seen.get_mut(&path) {
                seen.is_done = true;
            }
        }
        if has_ingested {
            on_event(Event::Watching(watched.folder.clone()));
        }
        let until = Instant::now() + watched.every;
        while Instant::now() < until && !request.cancel().is_cancelled() {
            thread::sleep(CANCEL_INTERVAL.min(watched.every));
        }
    }
    Ok(())
}

/// Returns true if an error concerns a single path, so other cards can still be ingested.
fn is_about_card(error: &Error) -> bool {
    matches!(error, Error::Path { .. })
}

/// Lists the subfolders, sorted and without hidden ones; each is a card.
fn list_cards(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut cards: Vec<PathBuf> = entries
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    cards.sort();
    cards
}

/// Returns true if a card has files, has not changed for `quiet`, and was not ingested since its last
/// change. Updates its entry in `seen`.
fn is_quiet(
    path: &Path,
    quiet: Duration,
    request: &Request,
    seen: &mut HashMap<PathBuf, WatchedCard>,
) -> bool {
    let Ok(listing) = list(path, &|| request.cancel().is_cancelled()) else {
        seen.remove(path);
        return false;
    };
    // The folder may be a mount point without a card.
    if listing.is_interrupted || listing.files.is_empty() {
        seen.remove(path);
        return false;
    }
    match seen.get(path) {
        Some(before) if before.listing.is_same(&listing) => {
            !before.is_done && before.since.elapsed() >= quiet
        }
        _ => {
            let new = WatchedCard {
                listing,
                since: Instant::now(),
                is_done: false,
            };
            seen.insert(path.to_owned(), new);
            false
        }
    }
}
