//! Messages from the workers of a scan to the thread that writes.

use std::path::PathBuf;

use crate::catalogue::Reading;
use crate::clip::Source;
use crate::error::Error;
use crate::media::ThumbnailPlan;
use crate::value::Fingerprint;

/// Message from a worker to the writing thread.
pub(super) enum WorkerMessage {
    /// Starts reading a file.
    Started(PathBuf),
    /// A file was read.
    Finished {
        reading: Box<Reading>,
        path: PathBuf,
        bytes: u64,
        /// Reason why the file could not be read completely.
        problem: Option<String>,
    },
    /// A file changed while it was read; the next scan reads it.
    StillGrowing(PathBuf),
    /// Only ffprobe can read the header; it runs after all other files are read.
    Deferred(ReadTask),
    /// The pictures of a clip were processed, successfully or not.
    Pictured {
        clip: i64,
        path: PathBuf,
        outcome: ThumbnailOutcome,
    },
    /// ffmpeg timed out on several clips.
    FfmpegStalled,
    /// The scan cannot continue.
    Fatal(Error),
}

/// File to read, with its queue.
#[derive(Debug, Clone)]
pub(super) struct ReadTask {
    /// Id of the file in the catalogue.
    pub file: i64,
    /// Index of the device's queue.
    pub queue: usize,
    /// Fingerprint of a deferred file, whose header only ffprobe can read; `None` before the first
    /// attempt.
    pub deferred: Option<Fingerprint>,
}

/// Result of creating the pictures of one clip.
#[derive(Debug)]
pub(super) enum ThumbnailOutcome {
    /// The poster was written. Contains the plan for the strip.
    Poster(Box<ThumbnailPlan>),
    /// The strip was written. Contains its number of pictures.
    Strip(usize),
    /// The tool could not decode any picture.
    Failed {
        reason: String,
        source: Source,
        failed_with: String,
    },
    /// The clip has a poster, but the tool could not create the strip.
    NoStrip { reason: String, failed_with: String },
    /// The file changed since it was read, or its drive was unmounted. The next scan tries again.
    Postponed,
    /// The plan comes from another version of btsindex, so the file has to be read again.
    PlanOutdated,
}
