//! What an ingest tells of itself, as it goes and at its end.

use std::path::PathBuf;
use std::time::Duration;

use super::plan::{CardPlan, State};
use crate::error::Problem;
use crate::offload;
use crate::scan;

/// Something happened. Cards are given by their numbers in the plan.
#[derive(Debug)]
pub enum Event {
    /// Another ingest is planning; this one waits for it.
    Waiting(String),
    /// A card is being listed.
    Listing(PathBuf),
    /// Bytes of a card are read to tell whether it is the one that was copied before.
    Comparing(PathBuf, u64),
    /// More bytes were read for that: how many.
    Compared(u64),
    /// Copying begins.
    Begins(Vec<Begun>),
    /// Something happened to a card's files.
    Card(usize, offload::Event),
    /// All of a card is done.
    Ends(usize),
    /// A manifest was written.
    Sealed(usize, PathBuf),
    /// Something went wrong with one file, or one card.
    Problem(Problem),
    /// Something people should know.
    Warning {
        /// What.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// A folder is watched; no card is being taken in.
    Watching(PathBuf),
    /// What was copied is being catalogued.
    Scan(scan::ScanEvent),
}

/// A card whose copying begins.
#[derive(Debug, Clone)]
pub struct Begun {
    /// What it is called.
    pub card: String,
    /// Where it is.
    pub source: PathBuf,
    /// The names of its files below it, by the numbers of tasks.
    pub files: Vec<PathBuf>,
    /// Bytes that are to be read from it.
    pub bytes: u64,
    /// Where it goes, by the numbers of destinations, each with the bytes that are to be proved there.
    pub places: Vec<(PathBuf, u64)>,
}

/// What an ingest came to.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Cards that were to be taken in.
    pub cards: usize,
    /// Cards of which every file is proved at every destination, or was told of in place.
    pub complete: usize,
    /// … of which nothing was left to do.
    pub known: usize,
    /// Files of all cards.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Copies that were made and proved.
    pub copied: usize,
    /// Bytes of these.
    pub copied_bytes: u64,
    /// Copies that were there already, and are the same.
    pub there: usize,
    /// What went wrong: files and cards.
    pub problems: Vec<Problem>,
    /// Copied files that are no readable footage, though their names say so. They are copied all the same.
    pub unreadable: Vec<Problem>,
    /// Files whose names no manifest can hold.
    pub outside: usize,
    /// What cataloguing came to.
    pub scanned: Option<scan::ScanSummary>,
    /// Manifests that were written.
    pub manifests: Vec<PathBuf>,
    /// How copies were read back, the least certain.
    pub how: Option<offload::How>,
    /// Whether it was interrupted.
    pub is_interrupted: bool,
    /// How long it took.
    pub elapsed: Duration,
    /// How long copying and proving took.
    pub copying: Duration,
}

impl Summary {
    /// Counts a card as it is planned.
    pub(super) fn count(&mut self, plan: &CardPlan) {
        self.cards += 1;
        self.files += plan.listing.files.len();
        self.bytes += plan.listing.bytes();
        self.problems.extend(plan.problems().cloned());
        if plan.state == State::Known {
            self.known += 1;
        }
    }

    /// Whether something went wrong.
    #[must_use]
    pub fn is_flawed(&self) -> bool {
        !self.problems.is_empty() || !self.unreadable.is_empty() || self.outside > 0
    }
}
