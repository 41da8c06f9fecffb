//! What a scan tells of itself, as it goes and at its end.

use std::path::PathBuf;
use std::time::Duration;

use super::Timing;
use crate::catalogue::ReadOutcome;
use crate::error::Problem;

/// Something happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// Another btsindex is scanning into this catalogue; this one waits for it.
    Waiting {
        /// What it says of itself: its process id.
        holder: String,
    },
    /// The walk has come by a folder.
    Walked {
        /// Shots seen so far.
        files: usize,
        /// The folder it is in.
        folder: PathBuf,
    },
    /// A stage begins.
    Queued {
        /// Which.
        stage: Stage,
        /// How many files or clips it deals with.
        count: usize,
    },
    /// A file is being read.
    Reading(PathBuf),
    /// A file was read.
    Read {
        /// Which.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// A file is still being written; it is left for the next scan.
    Moving(PathBuf),
    /// Pictures of a clip were made, or could not be.
    Pictured(PathBuf),
    /// A file could not be read, wholly or in part.
    Problem(Problem),
    /// Something people should know that is no fault of a file.
    Warning {
        /// What.
        message: String,
        /// What to do about it.
        hint: String,
    },
}

/// What comes after the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// What each file's header says.
    Headers,
    /// One picture of each clip.
    Posters,
    /// Several pictures of each clip.
    Strips,
}

/// What a scan came to.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Shots and sounds seen.
    pub found: usize,
    /// Of these, seen for the first time.
    pub new: usize,
    /// Seen before, but changed since.
    pub changed: usize,
    /// As they were.
    pub unchanged: usize,
    /// New or changed files whose content was known already: copies and moves.
    pub recognised: usize,
    /// Proxies, thumbnails and sidecars, which belong to a shot.
    pub companions: usize,
    /// Not where they were, but found elsewhere in the same scan.
    pub moved: usize,
    /// Known, but not there any more.
    pub missing: usize,
    /// Not there any more, but too many to believe it: nothing was changed.
    pub doubted: usize,
    /// Clips in whose place another content stood, of which people had said something.
    pub adoptable: usize,
    /// Still being written: left for the next scan.
    pub moving: usize,
    /// Could not be read, wholly or in part.
    pub unreadable: usize,
    /// Files read.
    pub read: usize,
    /// Posters made.
    pub posters: usize,
    /// Clips whose pictures are gone, but that are on no mounted volume.
    pub offline: usize,
    /// Whether it was interrupted.
    pub is_interrupted: bool,
    /// How long it took.
    pub elapsed: Duration,
    /// What each stage took.
    pub timings: Vec<Timing>,
}

impl Summary {
    /// Counts what reading one file came to.
    pub(super) fn count(&mut self, outcome: &ReadOutcome) {
        self.read += 1;
        if matches!(outcome, ReadOutcome::Recognised { .. }) {
            self.recognised += 1;
        }
    }
}
