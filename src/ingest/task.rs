//! Remaining work for a file, from the log and from existing copies.

use std::fs::Metadata;
use std::path::PathBuf;

use crate::catalogue::{CopyFound, Ingested};
use crate::checksum::HashKind;
use crate::mhl;
use crate::offload::{CopyTask, Item, Times};
use crate::source_file::{Stamp, modified};

/// Returns the task of a file, with earlier hashes and copies if the file is unchanged.
pub(super) fn for_file(
    item: &Item,
    known: Option<&Ingested>,
    folders: &[(PathBuf, Times)],
    numbers: &[Option<usize>],
    kind: HashKind,
) -> CopyTask {
    let known = known.filter(|file| file.bytes == item.bytes && file.modified == item.modified);
    // A file with an earlier problem is read again, even if its size and time are unchanged.
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
    // The chain of a history from the card grows at the destination.
    let is_chain = mhl::is_chain(&item.inside);
    let is_verified = folders
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
                    .is_ok_and(|there| {
                        is_chain || is_unchanged_since_verified(item, &there, copy, *times)
                    })
        });
    CopyTask {
        is_verified: is_verified.collect(),
        item: item.clone(),
        known_hashes: hashes,
        must_reread: false,
    }
}

/// Returns true if a copy is unchanged since it was verified: by its recorded size and times, or
/// else by the card's time or an older last write.
fn is_unchanged_since_verified(
    item: &Item,
    there: &Metadata,
    copy: Option<&CopyFound>,
    times: Times,
) -> bool {
    if let Some(stamp) = copy.and_then(|copy| copy.stamp) {
        return there.is_file()
            && stamp.is_like(&Stamp::from_metadata(there), times.has_change_time);
    }
    let seconds = modified(there).div_euclid(1_000_000_000);
    let is_older = copy.is_some_and(|copy| seconds < copy.at);
    item.is_like(there) || (there.is_file() && there.len() == item.bytes && is_older)
}
