//! Plan of one card: its files, its destinations and the work that remains.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crate::catalogue::{Catalogue, Ingest};
use crate::checksum::HashKind;
use crate::clip::Clip;
use crate::error::{Error, Problem};
use crate::mhl::Histories;
use crate::offload::{self, CopyTask, Listing, Times};
use crate::value::Fingerprint;
use crate::volume::{Drive, DriveKind, Volume};

/// State of a planned card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardState {
    /// Files remain to be copied or verified.
    Ready,
    /// The card was ingested before, and all copies are verified.
    Known,
    /// The card cannot be ingested.
    Refused,
}

/// Work planned for one card.
#[derive(Debug, Clone)]
pub struct CardPlan {
    /// Name at the destinations, with a number appended if another card has the same name.
    pub card: String,
    /// Root of the card.
    pub source: PathBuf,
    /// Shoot date, which is also the name of the source of its facts.
    pub day: String,
    /// Shoot facts for its clips.
    pub facts: Clip,
    /// Kind of hash that verifies copies.
    pub hash: HashKind,
    /// All kinds of hashes to compute: `hash`, xxh128 for the catalogue, and the kinds in manifests
    /// on the card.
    pub(super) kinds: Vec<HashKind>,
    /// Files and folders of the card.
    pub listing: Listing,
    /// Destinations, in the order of the day's templates.
    pub destinations: Vec<PlannedDestination>,
    /// Copy tasks, one per file, in the order of the listing.
    pub tasks: Vec<CopyTask>,
    /// Result of planning.
    pub state: CardState,
    /// Earlier ingest that this one resumes.
    pub(super) earlier: Option<Ingest>,
    /// Device of the card.
    pub(super) drive: Drive,
    /// Identity of its volume.
    pub(super) volume: String,
    /// Root relative to that volume.
    pub(super) inside: PathBuf,
    /// Problems that every run reports: recorded findings, and files missing in the manifest.
    pub(super) remarks: Vec<Problem>,
    /// Chains of MHL histories that need no copy, as task and destination: the destination's chain
    /// extends the card's by further generations.
    pub(super) extended_chains: Vec<(usize, usize)>,
    /// Clock and time stamps of the card's filesystem.
    pub(super) times: Times,
    /// Time at which the listing ended.
    pub(super) listed: Instant,
    /// Samples that are missing in the log, by path.
    pub(super) samples: HashMap<PathBuf, Fingerprint>,
    /// MHL histories on the card; `None` if unreadable.
    pub(super) histories: Option<Arc<Histories>>,
    pub(super) refused: Option<Problem>,
}

/// Destination of one card.
#[derive(Debug, Clone)]
pub struct PlannedDestination {
    /// Folder that corresponds to the card's root.
    pub folder: PathBuf,
    /// Label of its volume.
    pub label: String,
    /// Files that are not verified there yet.
    pub files: usize,
    /// Size of these files.
    pub bytes: u64,
    /// Ancestor of `folder` that must exist before copying.
    pub(super) base: PathBuf,
    /// Id of its filesystem at planning time.
    pub(super) filesystem: Option<u64>,
    /// Device of the destination.
    pub(super) drive: Drive,
    pub(super) volume: Volume,
    pub(super) inside: PathBuf,
}

impl CardPlan {
    /// Returns the reason for refusal, if any, and the problems of listing the card.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.refused.iter().chain(&self.listing.problems)
    }

    /// Returns the reason why the card cannot be ingested.
    #[must_use]
    pub fn refusal(&self) -> Option<&Problem> {
        self.refused.as_ref()
    }

    /// Returns the number of bytes to read from the card.
    #[must_use]
    pub fn bytes_to_read(&self) -> u64 {
        let is_pending = |task: &&CopyTask| task.is_verified.contains(&false);
        self.tasks
            .iter()
            .filter(is_pending)
            .map(|task| task.item.bytes)
            .sum()
    }

    /// Returns the volume id and path of each destination. Records the volumes as seen.
    pub(super) fn locate_destinations(
        &self,
        catalogue: &Catalogue,
    ) -> Result<Vec<(i64, PathBuf)>, Error> {
        let locate = |destination: &PlannedDestination| {
            Ok((
                catalogue.record_volume(&destination.volume)?.id,
                destination.inside.clone(),
            ))
        };
        self.destinations.iter().map(locate).collect()
    }

    /// Returns all folders of the copy at a destination. They may not exist yet.
    pub(super) fn folders_at(
        &self,
        destination: &PlannedDestination,
    ) -> impl Iterator<Item = PathBuf> {
        let inside = self.listing.folders.iter();
        let inside = inside.map(|(inside, _)| destination.folder.join(inside));
        std::iter::once(destination.folder.clone()).chain(inside)
    }

    /// Refuses the card.
    pub(super) fn refuse(&mut self, reason: String) {
        self.state = CardState::Refused;
        self.refused = Some(Problem::new(&self.source, reason));
    }
}

impl PlannedDestination {
    /// Returns the destination for copying.
    pub(super) fn for_copying(&self) -> offload::Destination {
        offload::Destination {
            folder: self.folder.clone(),
            base: self.base.clone(),
            filesystem: self.filesystem,
            is_share: self.drive.kind == DriveKind::Network,
            is_single: self.is_single(),
        }
    }

    /// Returns true if its device is best read by one thread at a time.
    pub(super) fn is_single(&self) -> bool {
        self.drive.kind.readers(2) == 1
    }
}
