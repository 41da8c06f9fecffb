//! Events and summary of an ingest.

use std::path::PathBuf;
use std::time::Duration;

use super::plan::{CardPlan, CardState};
use crate::error::Problem;
use crate::offload;
use crate::scan;

/// Progress of an ingest. Cards are given by their index in the plan.
#[derive(Debug)]
pub enum Event {
    /// Another ingest is planning, and this one waits for it; its name.
    Waiting(String),
    /// A card is being listed.
    Listing(PathBuf),
    /// Bytes that must be read to find out whether this card was copied before.
    Comparing(PathBuf, u64),
    /// Number of further bytes read for that.
    Compared(u64),
    /// Copying began.
    Begins(Vec<Begun>),
    /// Progress of a card's files.
    Card(usize, offload::Event),
    /// A card is done.
    Ends(usize),
    /// A manifest was written.
    Sealed(usize, PathBuf),
    /// Problem with a file or a card.
    Problem(Problem),
    /// Warning for the user.
    Warning {
        /// Text of the warning.
        message: String,
        /// Suggested action.
        hint: String,
    },
    /// A folder is watched, and no card is being ingested.
    Watching(PathBuf),
    /// Progress of cataloguing the copies.
    Scan(scan::ScanEvent),
}

/// Card whose copying begins.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Name of the card at its destinations.
    pub card: String,
    /// Root of the card.
    pub source: PathBuf,
    /// Paths of its files, relative to the root, by task.
    pub files: Vec<PathBuf>,
    /// Bytes to be read.
    pub bytes: u64,
    /// Per destination: path and bytes still to be verified.
    pub places: Vec<(PathBuf, u64)>,
}

/// Result of an ingest.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Cards that were requested.
    pub cards: usize,
    /// Cards with every file verified at every destination, or reported in place.
    pub complete: usize,
    /// Cards that needed no action.
    pub known: usize,
    /// Files on all cards.
    pub files: usize,
    /// Size of these files.
    pub bytes: u64,
    /// Copies that were written and verified.
    pub copied: usize,
    /// Size of these copies.
    pub copied_bytes: u64,
    /// Identical copies that existed already.
    pub there: usize,
    /// Problems with files and cards.
    pub problems: Vec<Problem>,
    /// Copied files that are not readable as footage, despite their names.
    pub unreadable: Vec<Problem>,
    /// Files whose names cannot be stored in a manifest.
    pub outside: usize,
    /// Result of cataloguing.
    pub scanned: Option<scan::ScanSummary>,
    /// Manifests that were written.
    pub manifests: Vec<PathBuf>,
    /// Least certain read method of the verified copies.
    pub how: Option<offload::ReadMethod>,
    /// True if the ingest was interrupted.
    pub is_interrupted: bool,
    /// Total duration.
    pub elapsed: Duration,
    /// Duration of copying and verification.
    pub copying: Duration,
}

impl Summary {
    /// Adds a planned card.
    pub(super) fn count(&mut self, plan: &CardPlan) {
        self.cards += 1;
        self.files += plan.listing.files.len();
        self.bytes += plan.listing.bytes();
        self.problems.extend(plan.problems().cloned());
        if plan.state == CardState::Known {
            self.known += 1;
        }
    }

    /// Returns true if there were problems.
    #[must_use]
    pub fn is_flawed(&self) -> bool {
        !self.problems.is_empty() || !self.unreadable.is_empty() || self.outside > 0
    }
}
