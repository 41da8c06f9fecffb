//! Clip of a report, with its copies.

use std::sync::Arc;

use super::clip_summary::{ClipSummary, TextInterner};
use crate::catalogue::ClipFiles;

/// Camera name of clips whose camera is unknown.
pub(super) const UNKNOWN_CAMERA: &str = "unknown camera";

/// Clip of a report.
#[derive(Debug, Clone, Default)]
pub struct Shot {
    /// Clip id in the catalogue.
    pub clip: i64,
    /// Facts for totals, timelines and checks.
    pub summary: ClipSummary,
    /// Day that the clip belongs to.
    pub day: Option<Arc<str>>,
    /// Name of the camera: `A · Sony ILME-FX3`.
    pub camera: Arc<str>,
    /// Index of the clip's card in [`ShootReport::cards`](super::ShootReport::cards).
    pub card: Option<usize>,
    /// Number of copies, and their volumes.
    pub copies: ShotCopies,
    /// Index in [`ShootReport::series`](super::ShootReport::series), and the clip's number there.
    pub number: Option<(usize, u32)>,
}

/// Copies of a clip: the number of volumes that contain it, and the number of verified copies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShotCopies {
    /// Files that were present and readable at the last scan.
    pub files: usize,
    /// Volumes that contain the clip, by its fingerprint.
    pub volumes: usize,
    /// Volumes whose copies have the same full hash; 1 for a single file.
    pub verified: usize,
    /// True if full hashes show that the files differ.
    pub do_differ: bool,
    /// Labels of the volumes, sorted and without duplicates.
    pub labels: Vec<Arc<str>>,
}

impl ShotCopies {
    pub(super) fn from_copied(copied: &ClipFiles, texts: &mut TextInterner) -> Self {
        let labels = copied.files.iter().map(|file| texts.intern(&file.label));
        let mut labels: Vec<Arc<str>> = labels.collect();
        labels.sort();
        labels.dedup();
        Self {
            files: copied.files.len(),
            volumes: copied.volumes(),
            verified: copied.verified_volumes(),
            do_differ: copied.hashes_differ(),
            labels,
        }
    }
}

impl Shot {
    /// Returns the name of the clip's file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.summary.name
    }

    /// Returns true if the camera is known.
    pub(super) fn has_camera(&self) -> bool {
        &*self.camera != UNKNOWN_CAMERA
    }

    /// Returns true if the clip has sound but no picture.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        !self.summary.has_picture && self.summary.has_sound
    }

    /// Returns the tags of the clip.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.summary.tags.iter().map(|(tag, _)| &**tag)
    }

    /// Returns the start time by the camera's clock.
    #[must_use]
    pub fn start_seconds(&self) -> Option<i64> {
        self.summary.start_seconds()
    }

    /// Returns the sort key: the day, then the camera's clock. Clips without a time come last on
    /// their day; clips without a day come at the very end.
    pub(super) fn order(&self) -> (bool, Option<Arc<str>>, bool, Option<i64>, Arc<str>) {
        let (day, start) = (self.day.clone(), self.start_seconds());
        let name = Arc::clone(&self.summary.name);
        (day.is_none(), day, start.is_none(), start, name)
    }
}
