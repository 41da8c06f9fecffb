//! Records the findings of a verification in the log of ingests and in a generation of the
//! manifest.

use std::path::{Path, PathBuf};

use super::expected::{Basis, CopyRecord, ExpectedHashes};
use super::{FileRead, Request, VerifyState};
use crate::catalogue::{Catalogue, CopyFound, CopyState, Finding, WholeHash, unix_seconds};
use crate::checksum::{Checksum, HashKind};
use crate::error::Error;
use crate::mhl::{GenerationBuilder, Histories, Process};
use crate::offload::{Hashed, Item, Listing};

/// File, expected hashes, result, and outcome of the read.
pub(super) type FileResult<'a> = (&'a Item, &'a ExpectedHashes, VerifyState, FileRead);

/// Records findings of logged copies and of catalogued files.
pub(super) fn in_catalogue(
    basis: &Basis,
    results: &[FileResult<'_>],
    catalogue: &Catalogue,
) -> Result<(), Error> {
    let mut findings = Vec::new();
    let mut hashes: Vec<(PathBuf, u64, Option<WholeHash>)> = Vec::new();
    for (item, _, state, reading) in results {
        let read = match &reading.outcome {
            Ok(read) => read,
            Err(reason) => {
                let copies = basis.logged(&item.inside);
                findings.extend(copies.filter_map(|copy| unread(copy, reason)));
                let spellings = basis.spellings(&item.inside);
                hashes.extend(spellings.map(|inside| (inside.to_owned(), item.bytes, None)));
                continue;
            }
        };
        let state = match state {
            VerifyState::Verified => CopyState::Verified,
            VerifyState::Altered => CopyState::Altered,
            VerifyState::Missing | VerifyState::New | VerifyState::Unread => continue,
        };
        findings.extend(copy_findings(basis, &item.inside, read));
        let xxh128 = read
            .hashes
            .iter()
            .find(|hash| hash.kind() == HashKind::Xxh128);
        // The recorded hash of an altered file is not valid any more.
        let proved = xxh128
            .filter(|_| state == CopyState::Verified)
            .and_then(Checksum::fingerprint)
            .map(|digest| WholeHash {
                digest,
                at: unix_seconds(),
                how: Some(read.how),
                changed: read.stamp.changed,
            });
        if proved.is_some() || state == CopyState::Altered {
            let spellings = basis.spellings(&item.inside);
            hashes.extend(spellings.map(|inside| (inside.to_owned(), item.bytes, proved)));
        }
    }
    catalogue.record_findings(&findings)?;
    if let Some((volume, root)) = &basis.on_volume {
        let hashes = hashes
            .into_iter()
            .map(|(inside, bytes, hash)| (root.join(inside), bytes, hash));
        catalogue.record_hashes(*volume, &hashes.collect::<Vec<_>>())?;
    }
    Ok(())
}

/// Records copies that no longer exist.
pub(super) fn missing(
    basis: &Basis,
    missing: &[PathBuf],
    catalogue: &Catalogue,
) -> Result<(), Error> {
    let copies = missing.iter().flat_map(|inside| basis.logged(inside));
    let findings = copies.filter_map(|copy| {
        let digest = copy.digest.clone()?;
        Some(seen(copy, digest, CopyState::Missing, None))
    });
    catalogue.record_findings(&findings.collect::<Vec<_>>())
}

/// Removes the hashes of files that no longer exist: if one returns, it may have different content.
pub(super) fn forget_hashes(
    basis: &Basis,
    is_there: &dyn Fn(&Path) -> bool,
    catalogue: &Catalogue,
) -> Result<(), Error> {
    let Some((volume, root)) = &basis.on_volume else {
        return Ok(());
    };
    let removed = basis.catalogued().filter(|inside| !is_there(inside));
    let removed: Vec<_> = removed.map(|inside| (root.join(inside), 0, None)).collect();
    if removed.is_empty() {
        return Ok(());
    }
    catalogue.record_hashes(*volume, &removed)
}

/// Returns findings for every logged copy at this path, each compared with its own recorded hash.
fn copy_findings<'a>(
    basis: &'a Basis,
    inside: &'a Path,
    read: &'a Hashed,
) -> impl Iterator<Item = Finding> + 'a {
    basis.logged(inside).filter_map(move |copy| {
        let digest = copy.digest.clone()?;
        let mut hashes = read.hashes.iter();
        let same_kind = hashes.find(|hash| hash.kind() == digest.kind())?;
        let state = if *same_kind == digest {
            CopyState::Verified
        } else {
            CopyState::Altered
        };
        Some(seen(copy, digest, state, Some(read)))
    })
}

/// Returns a finding that makes an unreadable copy unverified until it is read again.
fn unread(copy: &CopyRecord, reason: &str) -> Option<Finding> {
    let found = CopyFound {
        state: CopyState::Unread,
        how: None,
        at: unix_seconds(),
        problem: Some(reason.to_owned()),
        stamp: None,
    };
    let digest = copy.digest.clone()?;
    Some(Finding::Rechecked(copy.file, copy.place, digest, found))
}

fn seen(copy: &CopyRecord, digest: Checksum, state: CopyState, read: Option<&Hashed>) -> Finding {
    let found = CopyFound {
        state,
        how: read.map(|read| read.how.name().to_owned()),
        stamp: read.map(|read| read.stamp),
        at: unix_seconds(),
        problem: copy
            .problem
            .clone()
            .filter(|_| state == CopyState::Verified),
    };
    Finding::Rechecked(copy.file, copy.place, digest, found)
}

/// Writes a generation of all files that were read.
pub(super) fn generation(
    root: &Path,
    basis: &Basis,
    results: &[FileResult<'_>],
    listing: &Listing,
    request: &Request,
) -> Result<Vec<PathBuf>, Error> {
    let go_on = || !request.cancel.is_cancelled();
    let below = |inside: &Path| basis.recorded(inside).unwrap_or_default();
    let is_written = |place: &str| {
        let files = results.iter().map(|(item, ..)| below(&item.inside));
        let folders = listing.folders.iter().map(|(inside, _)| below(inside));
        files
            .chain(folders)
            .any(|path| Path::new(&path).starts_with(place))
    };
    // Other processes may have added generations while the files were read.
    let histories = Histories::lock(basis.histories.root(), &is_written, &go_on);
    let Some(histories) = histories.map_err(|fault| Error::Manifest(fault.to_string()))? else {
        return Ok(Vec::new());
    };
    let mut generation = GenerationBuilder::new(&histories, basis.kind);
    // A subfolder is not enough for the hashes of folders above it.
    if !listing.problems.is_empty() || basis.histories.root() != root {
        generation.leave_out();
    }
    for (item, _, _, reading) in results {
        match &reading.outcome {
            Ok(read) => {
                let path = basis.recorded(&item.inside);
                generation.file(path, item.bytes, item.modified, &read.hashes);
            }
            Err(_) => generation.leave_out(),
        }
    }
    for (inside, modified) in &listing.folders {
        generation.folder(basis.recorded(inside), *modified);
    }
    let written = generation.write(&request.author, Process::InPlace);
    if written.is_ok() && !histories.are_held() {
        drop(histories);
        // Another process wrote meanwhile: the next lock restores generations that the chain lost.
        let _ = Histories::lock(basis.histories.root(), &is_written, &go_on);
    }
    written.map_err(|fault| Error::Manifest(fault.to_string()))
}
