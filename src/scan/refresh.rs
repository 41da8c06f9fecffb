//! Reads clips again whose facts come from an older version of a reader, and tags clips again with
//! newer rules.
//!
//! This stage is the last of a scan, so new footage never waits for it. Each scan refreshes a
//! limited number of clips. What is left, or was interrupted, stays stale and is the work of the
//! next scans.

use std::collections::HashSet;

use super::event::ScanEvent;
use super::scan_run::ScanRun;
use super::tagging::retag;
use crate::catalogue::StaleClip;
use crate::error::Error;
use crate::volume::Drive;

/// Number of folders that are tagged again before the catalogue records that they are.
const FOLDERS: usize = 256;

impl ScanRun<'_> {
    /// Refreshes stale clips on mounted volumes, newest first, and `requested` files of walked
    /// folders, which are given with their folder and device.
    pub(super) fn refresh(&mut self, requested: Vec<(i64, i64, Drive)>) -> Result<(), Error> {
        self.writer.commit()?;
        if self.is_cancelled() {
            return Ok(());
        }
        let catalogue = self.writer.catalogue;
        let limit = self.request.refresh_limit;
        // One more than the limit shows whether clips are left.
        let mut stale = catalogue.stale_clips(limit.saturating_add(1), self.request.pictures)?;
        let is_more = stale.len() > limit;
        stale.truncate(limit);
        let mut folders: HashSet<i64> = stale.iter().map(|stale| stale.folder).collect();
        let mut files = self.with_drives(&stale)?;
        let known: HashSet<i64> = files.iter().map(|(file, _)| *file).collect();
        for (file, folder, drive) in requested {
            if !known.contains(&file) {
                files.push((file, drive));
                folders.insert(folder);
            }
        }
        if files.is_empty() {
            return Ok(());
        }
        self.writer.report(ScanEvent::Refreshing {
            clips: files.len(),
            is_requested: self.request.refresh,
            is_more,
        });
        for (file, _) in &files {
            let file = *file;
            self.writer.write(|catalogue| catalogue.read_again(file))?;
        }
        self.writer.commit()?;
        files.sort_by_key(|(file, _)| *file);
        self.is_refreshing = true;
        self.read_headers(files)?;
        self.is_refreshing = false;
        if self.request.pictures {
            self.create_all_pictures(&folders)?;
        }
        Ok(())
    }

    /// Applies the rules again to all folders whose files were tagged by older rules. Needs no
    /// drives, so it includes the folders of volumes that are not mounted.
    pub(super) fn refresh_tags(&mut self) -> Result<(), Error> {
        self.writer.commit()?;
        let catalogue = self.writer.catalogue;
        let folders = catalogue.folders_with_stale_rules()?;
        if folders.is_empty() || self.is_cancelled() {
            return Ok(());
        }
        self.writer.report(ScanEvent::Retagging {
            folders: folders.len(),
        });
        let cancel = self.request.cancel.clone();
        for part in folders.chunks(FOLDERS) {
            retag(catalogue, self.rules, part, &mut |_| !cancel.is_cancelled())?;
            if cancel.is_cancelled() {
                break;
            }
        }
        Ok(())
    }

    /// Returns the files of stale clips with their devices.
    fn with_drives(&self, stale: &[StaleClip]) -> Result<Vec<(i64, Drive)>, Error> {
        let drives = self.find_drives(stale.iter().map(|stale| stale.volume))?;
        let drive = |volume| drives.get(&volume).cloned().unwrap_or_else(Drive::unknown);
        Ok(stale
            .iter()
            .map(|stale| (stale.file, drive(stale.volume)))
            .collect())
    }
}
