//! Events and summary of a scan: what the caller needs to show progress and the result.

use std::path::PathBuf;
use std::time::Duration;

use super::StageTiming;
use crate::catalogue::ReadOutcome;
use crate::error::Problem;

/// Progress of a running scan.
#[derive(Debug, Clone)]
pub enum ScanEvent {
    /// Another process is scanning into this catalogue; this scan waits until it finishes.
    Waiting {
        /// Name and process id of the lock holder.
        holder: String,
    },
    /// The files of a folder were compared with the catalogue.
    Walked {
        /// Clips seen so far, in all folders.
        clips: usize,
        /// Folder that was compared.
        folder: PathBuf,
    },
    /// Clips whose facts come from an older version are read again.
    Refreshing {
        /// Number of clips that this scan reads again.
        clips: usize,
        /// True if the user requested it, so that the facts may be current.
        is_requested: bool,
        /// True if the next scans have to read further clips again.
        is_more: bool,
    },
    /// The clips of folders are tagged again, because the rules are newer than their tags.
    Retagging {
        /// Number of folders.
        folders: usize,
    },
    /// A stage starts.
    Queued {
        /// Stage that starts.
        stage: ScanStage,
        /// Files or clips that the stage will process.
        count: usize,
    },
    /// Starts reading a file.
    Reading(PathBuf),
    /// A file was read.
    Read {
        /// The file, or the first frame of an image sequence.
        path: PathBuf,
        /// Size in bytes.
        bytes: u64,
    },
    /// A file is still being written; the next scan reads it.
    StillGrowing(PathBuf),
    /// The poster or strip of a clip was processed, successfully or not.
    Pictured(PathBuf),
    /// A file could not be read completely.
    Problem(Problem),
    /// Verified copies of cards no longer count as verified.
    CopiesDoubted {
        /// Folder that was scanned.
        root: PathBuf,
        /// Number of copies that are missing.
        missing: usize,
        /// Number of copies that may have changed.
        changed: usize,
        /// Path of one of them, relative to the root of its volume.
        example: PathBuf,
    },
    /// Something other than an unreadable file needs the user's attention.
    Warning {
        /// Description, with the path if there is one.
        message: String,
        /// Advice for the user.
        hint: String,
    },
}

/// Stages that follow the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanStage {
    /// Fingerprint and header of each new or changed file.
    Headers,
    /// One picture per clip.
    Posters,
    /// Several pictures per clip, side by side.
    Strips,
}

/// Result of a scan: counts of files and clips, and times.
#[derive(Debug, Clone, Default)]
pub struct ScanSummary {
    /// Clips seen, both video and sound.
    pub found: usize,
    /// Clips seen for the first time; part of `found`.
    pub new: usize,
    /// Clips whose size, times or inode changed since the last scan.
    pub changed: usize,
    /// Clips that did not change since the last scan.
    pub unchanged: usize,
    /// New or changed files whose content is already in the catalogue: copies and moved files.
    pub recognised: usize,
    /// Proxies, thumbnails and sidecars, which belong to a clip.
    pub companions: usize,
    /// Files that disappeared from their path and were found elsewhere by their content.
    pub moved: usize,
    /// Clips marked as missing.
    pub missing: usize,
    /// Missing clips that were not marked, because too many are missing at once.
    pub doubted: usize,
    /// Clips that replaced an annotated clip at the same path and can adopt its edits.
    pub adoptable: usize,
    /// Files that are still being written; the next scan reads them.
    pub still_growing: usize,
    /// Files that could not be read completely.
    pub unreadable: usize,
    /// Files read in this scan.
    pub read: usize,
    /// Files read again because an older version read them, or because the user requested it.
    pub refreshed: usize,
    /// Posters written in this scan.
    pub posters: usize,
    /// Clips that lack pictures and have no file on a mounted volume.
    pub offline: usize,
    /// True if the user interrupted the scan.
    pub is_interrupted: bool,
    /// Duration of the whole scan.
    pub elapsed: Duration,
    /// Resources used by each stage, in execution order.
    pub timings: Vec<StageTiming>,
}

impl ScanSummary {
    /// Counts one file that was read.
    pub(super) fn count(&mut self, outcome: &ReadOutcome) {
        self.read += 1;
        if matches!(outcome, ReadOutcome::Recognised { .. }) {
            self.recognised += 1;
        }
    }
}
