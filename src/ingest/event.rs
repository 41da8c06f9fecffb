//! Events and summary of an ingest.

use std::path::PathBuf;
use std::time::Duration;

use super::card_plan::{CardPlan, CardState};
use crate::error::Problem;
use crate::offload;
use crate::scan;

/// Event of an ingest. Cards are identified by their index in the plan.
#[derive(Debug)]
pub enum Event {
    /// Waiting for another ingest, which is planning. Holds the description of that process.
    Waiting(String),
    /// Listing the files of a card began.
    Listing(PathBuf),
    /// Comparison of a card with an earlier ingest began: root of the card, and bytes to read.
    Comparing(PathBuf, u64),
    /// Bytes read for the comparison since the previous event.
    Compared(u64),
    /// Copying began; one description per card.
    Begins(Vec<Begun>),
    /// Event of copying a card.
    Card(usize, offload::Event),
    /// A card is copied and finalized.
    Ends(usize),
    /// A manifest was written: card, and path of the manifest.
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
    /// No card is being ingested; the folder is watched for new ones.
    Watching(PathBuf),
    /// Event of cataloguing the copies.
    Scan(scan::ScanEvent),
}

/// Description of a card at the start of copying.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Name of the card at its destinations.
    pub card: String,
    /// Root of the card.
    pub source: PathBuf,
    /// Paths of its files, relative to the root, in the order of the tasks.
    pub files: Vec<PathBuf>,
    /// Bytes to read from the card.
    pub bytes: u64,
    /// Per destination: path and bytes still to be verified.
    pub destinations: Vec<(PathBuf, u64)>,
}

/// Counts and findings of an ingest.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Cards that were requested.
    pub cards: usize,
    /// Cards with every file verified at every destination.
    pub complete: usize,
    /// Cards that were ingested before and needed no copying.
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
    pub already_there: usize,
    /// Problems with files and cards.
    pub problems: Vec<Problem>,
    /// Copied files that have the name of a clip but cannot be read as footage.
    pub unreadable: Vec<Problem>,
    /// Files whose names cannot be stored in a manifest.
    pub outside: usize,
    /// Summary of the scan; `None` if nothing was scanned.
    pub scanned: Option<scan::ScanSummary>,
    /// Manifests that were written.
    pub manifests: Vec<PathBuf>,
    /// Method by which copies were read back; if several were used, the least certain.
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
