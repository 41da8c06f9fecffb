//! Checks whether a card can be formatted. Every file on it is read and hashed. A file is safe if
//! the catalogue knows verified copies of its content on enough distinct disks. Nothing is copied,
//! and every doubt makes the card unsafe.

mod card;
mod copies;
mod copy_state;
mod independence;
mod remedy;
mod verdict;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::cancel::Cancel;
use crate::catalogue::{Catalogue, unix_seconds};
use crate::error::{Error, Problem};
use crate::offload::ReadMethod;
use crate::value::{Age, Fingerprint};
use card::CardCheck;

pub use crate::catalogue::Disks;
pub use copy_state::{Doubt, Observation, Proof, check_copy};
pub use remedy::Remedy;
pub use verdict::{
    CandidateCopy, CardLocation, CopyVolume, CountedCopies, Requirements, VolumeCache, count_copies,
};

/// Default number of disks that must hold each file.
pub const COPIES: u8 = 2;

/// Card to check, and how strict the check is.
#[derive(Debug, Clone)]
pub struct Request {
    /// Root of the card, or a folder on it.
    pub card: PathBuf,
    /// Number of disks that must hold each file, not counting the card's own.
    pub copies: usize,
    /// Maximum age of the last verification of each copy.
    pub max_age: Option<Age>,
    /// Reuse the hashes of the ingest for files with the same size, time and sample.
    pub is_ingest_trusted: bool,
    /// Name that the user gave the card's disk, for readers that report no serial number.
    pub disk: Option<String>,
    /// Read every copy whose volume is mounted.
    pub is_paranoid: bool,
    /// True if the catalogue is not at its default location, so that suggested commands must name
    /// it.
    pub is_catalogue_named: bool,
    /// Cancels the check.
    pub cancel: Cancel,
}

/// Progress of a check.
#[derive(Debug)]
pub enum Event {
    /// Sent before the files of the card are read.
    CardStarted {
        /// Number of files to read.
        files: usize,
        /// Bytes to read.
        bytes: u64,
    },
    /// Sent before mounted copies are read.
    CopiesStarted {
        /// Number of files to read.
        files: usize,
        /// Bytes to read.
        bytes: u64,
    },
    /// Sent when reading of a file begins.
    Reading(PathBuf),
    /// Number of bytes read since the previous event.
    Read(u64),
}

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

/// Checks a card against the copies known to the catalogue. Reads the mount table again after the
/// card is hashed.
///
/// # Errors
/// If the catalogue cannot be read, or cannot be written with `--paranoid`. Problems of the card
/// itself are listed in the report.
pub fn safe(
    request: &Request,
    catalogue: &mut Catalogue,
    on_event: &mut dyn FnMut(Event),
) -> Result<Report, Error> {
    let mut card = CardCheck::open(request, catalogue);
    if request.is_ingest_trusted {
        card.trust_ingests(catalogue, &request.cancel)?;
    }
    card.hash(&request.cancel, on_event);
    // Hashing can take hours.
    catalogue.refresh_mounts()?;
    let catalogue = &*catalogue;
    let contents: BTreeSet<(Fingerprint, u64)> = card.contents().collect();
    let mut found = copies::find(&contents, card.drive(), catalogue)?;
    let location = card.location(catalogue)?;
    found.record_doubts(catalogue);
    if request.is_paranoid {
        found.read(&location, catalogue, &request.cancel, on_event)?;
    }
    let requirements = Requirements {
        copies: request.copies,
        max_age: request.max_age,
        now: unix_seconds(),
    };
    let counts: BTreeMap<(Fingerprint, u64), CountedCopies> = contents
        .into_iter()
        .map(|content| {
            (
                content,
                found.count_copies(content, &location, requirements),
            )
        })
        .collect();
    card.recheck(&request.cancel);
    let mut found = Report {
        is_interrupted: request.cancel.is_cancelled(),
        copy_volumes: found.copy_volumes,
        requirements,
        ..card.into_report(&counts)
    };
    found.remedies = remedy::suggest(&found, request, catalogue)?;
    Ok(found)
}
