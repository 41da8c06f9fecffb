//! Cards taken in as they come: whatever is mounted, or put, in a folder that is watched.
//!
//! The folder is looked at again and again, which works on every filesystem and every share.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::event::{Event, Summary};
use super::{Request, ingest};
use crate::error::{Error, Problem};
use crate::offload::{Listing, list};
use crate::shoot_day::DayCard;

/// How a folder is watched.
#[derive(Debug, Clone)]
pub struct Watch {
    /// The folder in which cards are mounted.
    pub folder: PathBuf,
    /// Between two looks.
    pub every: Duration,
    /// A card on which nothing changed for so long is quiet.
    pub quiet: Duration,
}

/// A card as it was last seen.
struct Seen {
    listing: Listing,
    since: Instant,
    /// Whether it was taken in as it is.
    is_done: bool,
}

/// Naps between two looks at Ctrl-C.
const NAP: Duration = Duration::from_millis(100);

/// Takes in every card that is in the folder, or comes there, when it is quiet; each again when something on it
/// changes. `request` has one day, whose cards are replaced by those that come. Ends when it is cancelled; `done` hears
/// what each card came to.
///
/// # Errors
/// When the folder cannot be listed at first, or as [`ingest`].
pub fn watch(
    watched: &Watch,
    request: &Request,
    report: &mut dyn FnMut(Event),
    done: &mut dyn FnMut(&Summary),
) -> Result<(), Error> {
    std::fs::read_dir(&watched.folder).map_err(Error::path(&watched.folder))?;
    let mut seen: HashMap<PathBuf, Seen> = HashMap::new();
    report(Event::Watching(watched.folder.clone()));
    while !request.cancel().is_cancelled() {
        let there = cards(&watched.folder);
        // A card that was taken away and comes back may be another.
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
            match ingest(&one, report) {
                Ok(summary) => done(&summary),
                Err(error) if is_of_card(&error) => {
                    let problem = Problem::new(&path, error.to_string());
                    report(Event::Problem(problem.clone()));
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
            report(Event::Watching(watched.folder.clone()));
        }
        let until = Instant::now() + watched.every;
        while Instant::now() < until && !request.cancel().is_cancelled() {
            thread::sleep(NAP.min(watched.every));
        }
    }
    Ok(())
}

/// Whether only one card is at fault, so that others may still be taken in.
fn is_of_card(error: &Error) -> bool {
    matches!(error, Error::Path { .. })
}

/// The folders of a folder: each is a card.
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

/// Whether a card holds something, stood still long enough, and was not taken in as it is.
fn is_quiet(
    path: &Path,
    quiet: Duration,
    request: &Request,
    seen: &mut HashMap<PathBuf, Seen>,
) -> bool {
    let Ok(listing) = list(path, &request.go_on()) else {
        seen.remove(path);
        return false;
    };
    // A mount point without a card.
    if listing.is_cut || listing.files.is_empty() {
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
