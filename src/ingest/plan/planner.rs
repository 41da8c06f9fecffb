//! State of planning, which all cards of an ingest share, and lookups in it.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use crate::catalogue::{Catalogue, Ingest, NewIngest};
use crate::error::Error;
use crate::ingest::card_plan::{CardPlan, PlannedDestination};
use crate::ingest::destination::FreeSpace;
use crate::ingest::destination_disk::MountPoints;
use crate::ingest::ingest_run::IngestRun;
use crate::offload::filesystem;
use crate::tag::Vocabulary;
use crate::volume::Volumes;

/// Reason why a card was not planned.
pub(super) enum PlanStop {
    /// The card cannot be ingested, for this reason.
    Refused(String),
    /// No card can be planned.
    Failed(Error),
}

impl From<Error> for PlanStop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Catalogue, mounted volumes and reservations that the plans of all cards share.
pub(super) struct Planner<'a, 'r> {
    pub(super) run: &'a mut IngestRun<'r>,
    pub(super) catalogue: Option<&'a Catalogue>,
    pub(super) volumes: &'a Volumes,
    pub(super) vocabulary: Vocabulary,
    /// Destination folders of the cards planned so far.
    pub(super) claimed: Vec<PathBuf>,
    pub(super) free_space: FreeSpace,
    pub(super) mount_points: MountPoints,
    /// Folders with a reported warning, so that it is not repeated.
    pub(super) warned: HashSet<PathBuf>,
}

impl<'a, 'r> Planner<'a, 'r> {
    pub(super) fn new(
        run: &'a mut IngestRun<'r>,
        catalogue: Option<&'a Catalogue>,
        volumes: &'a Volumes,
    ) -> Result<Self, Error> {
        Ok(Self {
            catalogue,
            volumes,
            vocabulary: match catalogue {
                Some(catalogue) => catalogue.vocabulary()?,
                None => Vocabulary::new(None, BTreeMap::new())?,
            },
            claimed: Vec::new(),
            free_space: FreeSpace::default(),
            mount_points: MountPoints::read(catalogue, run.request.is_system_disk_allowed)?,
            warned: HashSet::new(),
            run,
        })
    }

    /// Returns the earlier ingest of the same footage in place.
    pub(super) fn earlier_in_place(&self, plan: &CardPlan) -> Result<Option<Ingest>, Error> {
        let Some(catalogue) = self.catalogue else {
            return Ok(None);
        };
        let is_same_ingest = |details: &NewIngest| {
            details.is_in_place && details.source == plan.source && details.day == plan.day
        };
        let mut all = catalogue.ingests()?.into_iter();
        Ok(all.find(|ingest| is_same_ingest(&ingest.details)))
    }

    /// Creates a destination without planned files.
    pub(super) fn new_destination(&self, folder: &Path, base: PathBuf) -> PlannedDestination {
        let (volume, inside) = self.volumes.locate(folder);
        PlannedDestination {
            label: volume.label.clone(),
            files: 0,
            bytes: 0,
            filesystem: filesystem(folder),
            base,
            drive: volume.drive.clone(),
            folder: folder.to_owned(),
            volume,
            inside,
        }
    }

    /// Returns the number of a destination folder in the log of an ingest; `None` if it is new.
    pub(super) fn logged_number(
        &self,
        catalogue: &Catalogue,
        ingest: &Ingest,
        folder: &Path,
    ) -> Result<Option<usize>, Error> {
        let (volume, inside) = self.volumes.locate(folder);
        let Some(volume) = catalogue.volume_id(&volume.identity)? else {
            return Ok(None);
        };
        let mut at_volume = catalogue.ingests_on(volume)?.into_iter();
        let logged = at_volume.find(|(id, _, path)| *id == ingest.id && *path == inside);
        Ok(logged.map(|(_, number, _)| number))
    }
}
