//! Checks whether a card may use its destination folders, and who owns them.

use std::path::{Path, PathBuf};

use super::{CardPlan, Planner};
use crate::error::Error;
use crate::ingest::Event;
use crate::ingest::card_contents::Contents;
use crate::ingest::card_history::{self, Earlier, OnDisk, Owner};
use crate::ingest::destination_disk::Suitability;

impl Planner<'_> {
    /// Checks the disks of destination folders; returns a reason if one must not be used.
    pub(super) fn check_disks(
        &mut self,
        typed: &[PathBuf],
        folders: &[PathBuf],
        on_event: &mut dyn FnMut(Event),
    ) -> Result<(), String> {
        for (typed, folder) in typed.iter().zip(folders) {
            match self.mount_points.check(typed, folder, self.volumes) {
                Suitability::Usable => {}
                Suitability::Warning(message, hint) => {
                    if self.warned.insert(folder.clone()) {
                        on_event(Event::Warning { message, hint });
                    }
                }
                Suitability::Refused(reason, hint) => return Err(format!("{reason}; {hint}")),
            }
        }
        Ok(())
    }

    /// Returns the owner of a card's folders.
    pub(super) fn owner(
        &self,
        folders: &[PathBuf],
        plan: &CardPlan,
        contents: &mut Contents<'_>,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Owner, Error> {
        if folders.iter().any(|folder| self.claimed.contains(folder)) {
            return Ok(Owner::Other);
        }
        let mut known = None;
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
                    known.get_or_insert(Owner::Other);
                    continue;
                }
                let compared = contents.compare(&files, folder, on_event);
                if compared.is_other {
                    known.get_or_insert(Owner::Other);
                    continue;
                }
                if ingest.details.volume == plan.volume && ingest.details.inside == plan.inside {
                    return Ok(Owner::Same(Some(Box::new(Earlier {
                        ingest,
                        files,
                        compared,
                    }))));
                }
                // Another drive with the same contents: the log does not apply to it.
                known = Some(Owner::Same(None));
            }
        }
        if let Some(owner) = known {
            return Ok(owner);
        }
        // Another catalogue may know these folders, so their contents decide.
        let (mut is_other, mut is_same) = (false, false);
        for folder in folders {
            match card_history::on_disk(folder, &plan.listing, contents) {
                OnDisk::Differs => return Ok(Owner::Other),
                OnDisk::Same => is_same = true,
                OnDisk::Unlike => is_other = true,
                OnDisk::Nothing => {}
            }
        }
        Ok(match (is_same, is_other) {
            (true, _) => Owner::Same(None),
            (false, true) => Owner::Other,
            (false, false) => Owner::Unclaimed,
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
