//! What is left to be done with a file, by what the log says of it and what stands there.

use std::fs::Metadata;
use std::path::PathBuf;

use crate::catalogue::{CopyFound, Ingested};
use crate::checksum::HashKind;
use crate::mhl;
use crate::offload::{Item, Task, Times};
use crate::source_file::{Stamp, modified};

/// What is known of a file from before, where it is as it was.
pub(super) fn of(
    item: &Item,
    known: Option<&Ingested>,
    folders: &[(PathBuf, Times)],
    numbers: &[Option<usize>],
    kind: HashKind,
) -> Task {
    let known = known.filter(|file| file.bytes == item.bytes && file.modified == item.modified);
    // A file that changed after it was read is read again, whatever its size and time say.
    let hashes = known
        .filter(|file| file.problem.is_none())
        .and_then(|file| {
            let (digest, xxh128) = (file.digest.clone()?, file.xxh128.clone()?);
            Some(if kind == HashKind::Xxh128 {
                vec![digest]
            } else {
                vec![digest, xxh128]
            })
        });
    // The history that a card brought along grew where it was copied to.
    let is_chain = mhl::is_chain(&item.inside);
    let is_proved = folders
        .iter()
        .zip(numbers)
        .map(|((folder, times), number)| {
            let copy = known
                .zip(*number)
                .and_then(|(file, number)| file.copies.get(number)?.as_ref());
            hashes.is_some()
                && copy.is_some_and(CopyFound::is_verified)
                && folder
                    .join(&item.inside)
                    .symlink_metadata()
                    .is_ok_and(|there| is_chain || is_as_proved(item, &there, copy, *times))
        });
    Task {
        is_proved: is_proved.collect(),
        item: item.clone(),
        known: hashes,
        is_doubted: false,
    }
}

/// Whether a copy is as it was when it was proved: by its stamp where one is recorded, else of the card's time, or not
/// written to since.
fn is_as_proved(item: &Item, there: &Metadata, copy: Option<&CopyFound>, times: Times) -> bool {
    if let Some(stamp) = copy.and_then(|copy| copy.stamp) {
        return there.is_file() && stamp.is_like(&Stamp::of(there), times.has_change_time);
    }
    let seconds = modified(there).div_euclid(1_000_000_000);
    let is_older = copy.is_some_and(|copy| seconds < copy.at);
    item.is_like(there) || (there.is_file() && there.len() == item.bytes && is_older)
}
