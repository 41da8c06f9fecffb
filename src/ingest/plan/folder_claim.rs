//! Checks whether a card may use its destination folders, or whether another card uses them.

use std::path::{Path, PathBuf};

use super::planner::Planner;
use crate::error::Error;
use crate::ingest::card_contents::Contents;
use crate::ingest::card_history::{self, EarlierIngest, FolderClaim, FolderContents};
use crate::ingest::card_plan::CardPlan;
use crate::ingest::destination_disk::Suitability;
use crate::ingest::event::Event;

impl Planner<'_, '_> {
    /// Checks the disks of the destination folders. Returns the reason if one must not be used.
    pub(super) fn check_disks(
        &mut self,
        typed: &[PathBuf],
        folders: &[PathBuf],
    ) -> Result<(), String> {
        for (typed, folder) in typed.iter().zip(folders) {
            match self.mount_points.check(typed, folder, self.volumes) {
                Suitability::Usable => {}
                Suitability::Warning(message, hint) => {
                    if self.warned.insert(folder.clone()) {
                        self.run.report(Event::Warning { message, hint });
                    }
                }
                Suitability::Refused(reason, hint) => return Err(format!("{reason}; {hint}")),
            }
        }
        Ok(())
    }

    /// Finds out which card uses the destination folders, from the ingest log and their contents.
    pub(super) fn find_claim(
        &mut self,
        folders: &[PathBuf],
        plan: &CardPlan,
        contents: &mut Contents<'_>,
    ) -> Result<FolderClaim, Error> {
        if folders.iter().any(|folder| self.claimed.contains(folder)) {
            return Ok(FolderClaim::OtherCard);
        }
        let mut logged_claim = None;
        for folder in folders {
            for ingest in self.ingests_at(folder)? {
                let Some(catalogue) = self.catalogue else {
                    continue;
                };
                let Some(ingest) = catalogue.ingest(ingest)? else {
                    continue;
                };
                let files = catalogue.ingested(ingest.id)?;
                if !card_history::is_same(&files, &plan.listing) {
                    logged_claim.get_or_insert(FolderClaim::OtherCard);
                    continue;
                }
                let compared = contents.compare(&files, folder, self.run);
                if compared.is_other_card {
                    logged_claim.get_or_insert(FolderClaim::OtherCard);
                    continue;
                }
                if ingest.details.volume == plan.volume && ingest.details.inside == plan.inside {
                    return Ok(FolderClaim::SameCard(Some(Box::new(EarlierIngest {
                        ingest,
                        files,
                        compared,
                    }))));
                }
                // The same contents on another drive, such as a clone: that ingest does not apply.
                logged_claim = Some(FolderClaim::SameCard(None));
            }
        }
        if let Some(claim) = logged_claim {
            return Ok(claim);
        }
        // Another catalogue may have ingested into these folders, so their contents decide.
        let (mut is_other, mut is_same) = (false, false);
        for folder in folders {
            match card_history::classify_folder(folder, &plan.listing, contents) {
                FolderContents::DifferentContent => return Ok(FolderClaim::OtherCard),
                FolderContents::SameFiles => is_same = true,
                FolderContents::OtherFiles => is_other = true,
                FolderContents::Empty => {}
            }
        }
        Ok(match (is_same, is_other) {
            (true, _) => FolderClaim::SameCard(None),
            (false, true) => FolderClaim::OtherCard,
            (false, false) => FolderClaim::Unused,
        })
    }

    fn ingests_at(&self, folder: &Path) -> Result<Vec<i64>, Error> {
        let Some(catalogue) = self.catalogue else {
            return Ok(Vec::new());
        };
        let (volume, inside) = self.volumes.locate(folder);
        match catalogue.volume_id(&volume.identity)? {
            Some(volume) => catalogue.ingests_at(volume, &inside),
            None => Ok(Vec::new()),
        }
    }
}
