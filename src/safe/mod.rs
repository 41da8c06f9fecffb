//! Checks whether a card can be formatted. Every file on it is read and hashed. A file is safe if
//! the catalogue knows verified copies of its content on enough distinct disks. Nothing is copied,
//! and every doubt makes the card unsafe.

mod card;
mod check_run;
mod copies;
mod copy_state;
mod copy_volume;
mod independence;
mod remedy;
mod report;
mod request;
mod suggest;
mod verdict;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::catalogue::{Catalogue, unix_seconds};
use crate::error::Error;
use crate::value::Fingerprint;
use card::CardCheck;
use check_run::CheckRun;

pub use crate::catalogue::Disks;
pub use check_run::Event;
pub use copy_state::{Doubt, Observation, Proof, check_copy};
pub use copy_volume::{CopyVolume, VolumeCache};
pub use remedy::{MountStep, NamedVolume, Remedy, RemedyDestinations};
pub use report::{CheckedFile, Report};
pub use request::{COPIES, Request};
pub use verdict::{CandidateCopy, CardLocation, CountedCopies, Requirements, count_copies};

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
    let mut run = CheckRun { request, on_event };
    card.hash(&mut run);
    // Hashing can take hours.
    catalogue.refresh_mounts()?;
    let catalogue = &*catalogue;
    let contents: BTreeSet<(Fingerprint, u64)> = card.contents().collect();
    let mut found = copies::find(&contents, card.drive(), catalogue)?;
    let location = card.location(catalogue)?;
    found.record_doubts(catalogue);
    if request.is_paranoid {
        found.read(&location, catalogue, &mut run)?;
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
    found.remedies = suggest::suggest(&found, catalogue)?;
    Ok(found)
}
