//! Ingests cards as they appear in a watched folder, mounted or copied.
//!
//! The folder is polled, which works on every filesystem and share.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::event::{Event, Summary};
use super::{Request, ingest};
use crate::error::{Error, Problem};
use crate::offload::{Listing, list};
use crate::shoot_day::DayCard;

/// Watched folder and intervals.
#[derive(Debug, Clone)]
pub struct Watch {
    /// Folder in which cards are mounted.
    pub folder: PathBuf,
    /// Interval between checks.
    pub every: Duration,
    /// Time without changes after which a card is ingested.
    pub quiet: Duration,
}

/// Last state of a card.
struct Seen {
    listing: Listing,
    since: Instant,
    /// True if it was ingested in this state.
    is_done: bool,
}

/// Interval between checks for Ctrl-C.
const CANCEL_INTERVAL: Duration = Duration::from_millis(100);

/// Ingests every card in the folder once it is quiet, and again after each change. `request` has
/// one day, whose cards are replaced. Ends when cancelled; `done` receives the summary of each
/// card.
///
/// # Errors
/// Returns an error if the folder cannot be listed at first, or if [`ingest`] fails.
pub fn watch(
    watched: &Watch,
    request: &Request,
    on_event: &mut dyn FnMut(Event),
    done: &mut dyn FnMut(&Summary),
) -> Result<(), Error> {
    std::fs::read_dir(&watched.folder).map_err(Error::path(&watched.folder))?;
    let mut seen: HashMap<PathBuf, Seen> = HashMap::new();
    on_event(Event::Watching(watched.folder.clone()));
    while !request.cancel().is_cancelled() {
        let there = cards(&watched.folder);
        // A card that was removed and returns may be another one.
        seen.retain(|path, _| there.contains(path));
        let mut is_any = false;
        for path in there {
            if request.cancel().is_cancelled() {
                break;
            }
            if !is_quiet(&path, watched.quiet, request, &mut seen) {
                continue;
            }
            is_any = true;
            let mut one = request.clone();
            for day in &mut one.days {
                day.cards = vec![DayCard {
                    path: path.clone(),
                    ..day.cards.first().cloned().unwrap_or_default()
                }];
            }
            match ingest(&one, on_event) {
                Ok(summary) => done(&summary),
                Err(error) if is_about_card(&error) => {
                    let problem = Problem::new(&path, error.to_string());
                    on_event(Event::Problem(problem.clone()));
                    done(&Summary {
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
        if is_any {
            on_event(Event::Watching(watched.folder.clone()));
        }
        let until = Instant::now() + watched.every;
        while Instant::now() < until && !request.cancel().is_cancelled() {
            thread::sleep(CANCEL_INTERVAL.min(watched.every));
        }
    }
    Ok(())
}

/// Returns true if the error concerns one card, so that others can still be ingested.
fn is_about_card(error: &Error) -> bool {
    matches!(error, Error::Path { .. })
}

/// Returns the subfolders; each one is a card.
fn cards(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut cards: Vec<PathBuf> = entries
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    cards.sort();
    cards
}

/// Returns true if a card has files, has not changed for `quiet`, and was not ingested in this
/// state.
fn is_quiet(
    path: &Path,
    quiet: Duration,
    request: &Request,
    seen: &mut HashMap<PathBuf, Seen>,
) -> bool {
    let Ok(listing) = list(path, &|| request.cancel().is_cancelled()) else {
        seen.remove(path);
        return false;
    };
    // Mount point without a card.
    if listing.is_interrupted || listing.files.is_empty() {
        seen.remove(path);
        return false;
    }
    match seen.get(path) {
        Some(before) if before.listing.is_same(&listing) => {
            !before.is_done && before.since.elapsed() >= quiet
        }
        _ => {
            let new = Seen {
                listing,
                since: Instant::now(),
                is_done: false,
            };
            seen.insert(path.to_owned(), new);
            false
        }
    }
}
