//! Whether a card may go to some folders, and whose these are.

use std::path::{Path, PathBuf};

use super::{CardPlan, Planner};
use crate::error::Error;
use crate::ingest::Event;
use crate::ingest::card_contents::Contents;
use crate::ingest::card_history::{self, Earlier, OnDisk, Owner};
use crate::ingest::destination_disk::Ground;

impl Planner<'_> {
    /// Checks what folders are on; else returns why nothing may be copied there.
    pub(super) fn stand(
        &mut self,
        typed: &[PathBuf],
        folders: &[PathBuf],
        report: &mut dyn FnMut(Event),
    ) -> Result<(), String> {
        for (typed, folder) in typed.iter().zip(folders) {
            match self.grounds.under(typed, folder, self.volumes) {
                Ground::Firm => {}
                Ground::Soft(message, hint) => {
                    if self.warned.insert(folder.clone()) {
                        report(Event::Warning { message, hint });
                    }
                }
                Ground::None(reason, hint) => return Err(format!("{reason}; {hint}")),
            }
        }
        Ok(())
    }

    /// Whose the folders of a card would be.
    pub(super) fn owner(
        &self,
        folders: &[PathBuf],
        plan: &CardPlan,
        contents: &mut Contents<'_>,
        report: &mut dyn FnMut(Event),
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
                let compared = contents.compare(&files, folder, report);
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
                // It looks like it, but is another drive: what the log says is not believed of it.
                known = Some(Owner::Same(None));
            }
        }
        if let Some(owner) = known {
            return Ok(owner);
        }
        // What the catalogue does not know, another one may: what stands there tells.
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
            (false, false) => Owner::Nobody,
        })
    }

    fn ingests_at(&self, folder: &Path) -> Result<Vec<i64>, Error> {
        let Some(catalogue) = self.catalogue else {
            return Ok(Vec::new());
        };
        let (volume, inside) = self.volumes.of(folder);
        match catalogue.volume_id(&volume.identity)? {
            Some(volume) => catalogue.ingests_at(volume, &inside),
            None => Ok(Vec::new()),
        }
    }
}
