//! Whether a card may be formatted: every file on it is read and hashed, and counted are the distinct disks on which the
//! catalogue knows a verified copy of just that content. Nothing is copied, and every doubt ends in no.

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

use crate::catalogue::{Catalogue, unix_seconds};
use crate::error::{Error, Problem};
use crate::media::Cancel;
use crate::offload::How;
use crate::value::{Age, Fingerprint};
use card::Card;

pub use crate::catalogue::Disks;
pub use copy_state::{Doubt, Observation, Proof, check_copy};
pub use remedy::Remedy;
pub use verdict::{
    CandidateCopy, CardLocation, CopyVolume, CountedCopies, Requirements, VolumeCache, count_copies,
};

/// On how many disks each file has to be when nobody says otherwise.
pub const COPIES: u8 = 2;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The card's root, or a folder of it.
    pub card: PathBuf,
    /// On how many disks each file has to be, beside the card.
    pub copies: usize,
    /// How long ago each has to have been verified at most.
    pub max_age: Option<Age>,
    /// Whether files are believed to hold what they held when they were ingested, where size and time are the same.
    pub is_ingest_trusted: bool,
    /// Which disk the card is on, where its reader tells no number: what a person calls it.
    pub disk: Option<String>,
    /// Whether each mounted copy is read whole now.
    pub is_paranoid: bool,
    /// Whether the catalogue is another than the usual one, which commands then have to name.
    pub is_catalogue_named: bool,
    /// Interrupts it.
    pub cancel: Cancel,
}

/// Something happened.
#[derive(Debug)]
pub enum Event {
    /// So much is to be read of the card.
    Begins {
        /// Files.
        files: usize,
        /// Their bytes.
        bytes: u64,
    },
    /// So much is to be read of copies.
    Copies {
        /// Files.
        files: usize,
        /// Their bytes.
        bytes: u64,
    },
    /// A file is being read.
    Reading(PathBuf),
    /// So many more bytes were read.
    Read(u64),
}

/// A file of the card, and where it is.
#[derive(Debug, Clone)]
pub struct FileState {
    /// Below the card's root.
    pub inside: PathBuf,
    /// Bytes.
    pub bytes: u64,
    /// The xxh128 of its content, or why that is not known.
    pub content: Result<Fingerprint, String>,
    /// Whether it was not read now: its hash is the one that its ingest found.
    pub is_trusted: bool,
    /// Its copies, and on how many distinct disks they surely are.
    pub counted: CountedCopies,
}

impl FileState {
    /// Whether it is on that many disks.
    #[must_use]
    pub fn is_safe(&self, copies: usize) -> bool {
        self.content.is_ok() && self.counted.disks >= copies
    }
}

/// What it came to.
#[derive(Debug, Clone)]
pub struct Report {
    /// The card's root.
    pub card: PathBuf,
    /// What people call its volume.
    pub label: String,
    /// Whether that is all of its volume: what is beside a folder was not looked at.
    pub is_whole_volume: bool,
    /// What was asked for.
    pub requirements: Requirements,
    /// Every file that was listed.
    pub files: Vec<FileState>,
    /// Whatever says no, of the card as a whole or of what could not be looked at.
    pub doubts: Vec<Problem>,
    /// Folders of operating systems, which are not looked at.
    pub left_out: Vec<PathBuf>,
    /// The volumes that copies are on, by their numbers.
    pub copy_volumes: BTreeMap<i64, CopyVolume>,
    /// How the card's files were read, the least certain.
    pub how: Option<How>,
    /// What would help, in this order.
    pub remedies: Vec<Remedy>,
    /// Whether it was interrupted.
    pub is_interrupted: bool,
}

impl Report {
    /// Whether every file is surely on as many disks as were asked for, and nothing is in doubt.
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

    /// Files that are not on as many disks.
    pub fn unsafe_files(&self) -> impl Iterator<Item = &FileState> {
        let copies = self.requirements.copies;
        self.files.iter().filter(move |file| !file.is_safe(copies))
    }
}

/// Looks at a card and at what is known of copies, telling `report` what happens.
///
/// # Errors
/// When the catalogue cannot be read, or, where copies are read, written. Whatever is wrong with the card is in the
/// report.
pub fn safe(
    request: &Request,
    catalogue: &Catalogue,
    report: &mut dyn FnMut(Event),
) -> Result<Report, Error> {
    let mut card = Card::open(request, catalogue);
    if request.is_ingest_trusted {
        card.trust_ingests(catalogue, &request.cancel)?;
    }
    card.hash(&request.cancel, report);
    // Hours may have passed: what is mounted now is what counts, and what was found out meanwhile.
    let catalogue = Catalogue::open(catalogue.folder())?;
    let contents: BTreeSet<(Fingerprint, u64)> = card.contents().collect();
    let mut found = copies::find(&contents, card.drive(), &catalogue)?;
    let location = card.location(&catalogue)?;
    found.record_doubts(&catalogue);
    if request.is_paranoid {
        found.read(&location, &catalogue, &request.cancel, report)?;
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
    found.remedies = remedy::suggest(&found, request, &catalogue)?;
    Ok(found)
}
