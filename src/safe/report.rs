//! Result of checking a card.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::copy_volume::CopyVolume;
use super::remedy::Remedy;
use super::verdict::{CountedCopies, Requirements};
use crate::error::Problem;
use crate::offload::ReadMethod;
use crate::value::Fingerprint;

/// File on the card, with its known copies.
#[derive(Debug, Clone)]
pub struct CheckedFile {
    /// Path relative to the card's root.
    pub inside: PathBuf,
    /// Size in bytes.
    pub bytes: u64,
    /// XXH128 of its content, or the reason why the file could not be hashed.
    pub content: Result<Fingerprint, String>,
    /// True if the file was not read, and its hash is the one recorded by its ingest.
    pub is_trusted: bool,
    /// Known copies, and the number of distinct disks that hold valid ones.
    pub counted: CountedCopies,
}

impl CheckedFile {
    /// Returns true if at least `copies` distinct disks hold the file.
    #[must_use]
    pub fn is_safe(&self, copies: usize) -> bool {
        self.content.is_ok() && self.counted.disks >= copies
    }
}

/// Result of a check.
#[derive(Debug, Clone)]
pub struct Report {
    /// Root of the card.
    pub card: PathBuf,
    /// Label of the card's volume.
    pub label: String,
    /// True if the whole volume was checked. Otherwise files outside the checked folder are not
    /// covered.
    pub is_whole_volume: bool,
    /// Conditions that copies had to meet.
    pub requirements: Requirements,
    /// All files found on the card.
    pub files: Vec<CheckedFile>,
    /// Problems that make the card unsafe as a whole, such as entries that could not be read.
    pub doubts: Vec<Problem>,
    /// Skipped folders of operating systems.
    pub left_out: Vec<PathBuf>,
    /// Volumes that hold copies, by volume id.
    pub copy_volumes: BTreeMap<i64, CopyVolume>,
    /// Least reliable read mode among the files of the card.
    pub how: Option<ReadMethod>,
    /// Suggested steps, in the order in which they should be taken.
    pub remedies: Vec<Remedy>,
    /// True if the check was cancelled.
    pub is_interrupted: bool,
}

impl Report {
    /// Returns true if every file has enough valid copies and no doubt remains.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        let are_all_safe = || {
            let mut files = self.files.iter();
            files.all(|file| file.is_safe(self.requirements.copies))
        };
        !self.is_interrupted
            && self.requirements.copies > 0
            && self.doubts.is_empty()
            && !self.files.is_empty()
            && are_all_safe()
    }

    /// Returns the files with too few valid copies.
    pub fn unsafe_files(&self) -> impl Iterator<Item = &CheckedFile> {
        let copies = self.requirements.copies;
        self.files.iter().filter(move |file| !file.is_safe(copies))
    }
}
