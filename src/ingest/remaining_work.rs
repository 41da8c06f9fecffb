//! Remaining work for each file of a card, from the ingest log and the existing copies.

use std::fs::Metadata;
use std::path::PathBuf;

use crate::catalogue::{CopyFound, Ingested};
use crate::checksum::HashKind;
use crate::mhl;
use crate::offload::{CopyTask, Item, Times};
use crate::source_file::{Stamp, modified};

/// Returns the copy task of a file, with its recorded hashes and verified copies if it is unchanged.
/// `numbers`: number of each destination in the log; `None` if it is new.
pub(super) fn for_file(
    item: &Item,
    logged: Option<&Ingested>,
    folders: &[(PathBuf, Times)],
    numbers: &[Option<usize>],
    kind: HashKind,
) -> CopyTask {
    let logged = logged.filter(|file| file.bytes == item.bytes && file.modified == item.modified);
    // A file with an earlier problem is read again, even if its size and time are unchanged.
    let hashes = logged
        .filter(|file| file.problem.is_none())
        .and_then(|file| {
            let (digest, xxh128) = (file.digest.clone()?, file.xxh128.clone()?);
            Some(if kind == HashKind::Xxh128 {
                vec![digest]
            } else {
                vec![digest, xxh128]
            })
        });
    // The chain of an MHL history from the card grows at the destination.
    let is_chain = mhl::is_chain(&item.inside);
    let is_verified = folders
        .iter()
        .zip(numbers)
        .map(|((folder, times), number)| {
            let copy = logged
                .zip(*number)
                .and_then(|(file, number)| file.copies.get(number)?.as_ref());
            hashes.is_some()
                && copy.is_some_and(CopyFound::is_verified)
                && folder
                    .join(&item.inside)
                    .symlink_metadata()
                    .is_ok_and(|metadata| {
                        is_chain || is_unchanged_since_verified(item, &metadata, copy, *times)
                    })
        });
    CopyTask {
        is_verified: is_verified.collect(),
        item: item.clone(),
        known_hashes: hashes,
        must_reread: false,
    }
}

/// Returns true if a copy has not changed since it was verified. Compares the recorded size and
/// times; without a record, the copy must match the card's file or be older than the verification.
fn is_unchanged_since_verified(
    item: &Item,
    metadata: &Metadata,
    copy: Option<&CopyFound>,
    times: Times,
) -> bool {
    if let Some(stamp) = copy.and_then(|copy| copy.stamp) {
        return metadata.is_file()
            && stamp.is_like(&Stamp::from_metadata(metadata), times.has_change_time);
    }
    let seconds = modified(metadata).div_euclid(1_000_000_000);
    let is_older = copy.is_some_and(|copy| seconds < copy.at);
    item.is_like(metadata) || (metadata.is_file() && metadata.len() == item.bytes && is_older)
}
