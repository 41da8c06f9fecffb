//! Recording of a verification's findings: in the catalogue, and in a new generation of the
//! manifest.

use std::path::{Path, PathBuf};

use super::expected::{CopyRecord, ExpectedHashes, HashSources};
use super::report::VerifyState;
use super::request::Request;
use crate::catalogue::{Catalogue, CopyFound, CopyState, Finding, WholeHash, unix_seconds};
use crate::checksum::{Checksum, HashKind};
use crate::error::Error;
use crate::mhl::{GenerationBuilder, Histories, Process};
use crate::offload::{Hashed, Item, Listing};

/// Result of reading a file: its hashes and read method, or the reason why it could not be read.
pub(super) struct FileRead {
    /// Index of the file.
    pub(super) item: usize,
    pub(super) outcome: Result<Hashed, String>,
}

/// File with its expected hashes, the result of the verification, and the outcome of the read.
pub(super) type FileResult<'a> = (&'a Item, &'a ExpectedHashes, VerifyState, FileRead);

/// Records the findings for copies in the ingest log and for files with a hash in the catalogue.
pub(super) fn write_to_catalogue(
    sources: &HashSources,
    results: &[FileResult<'_>],
    catalogue: &Catalogue,
) -> Result<(), Error> {
    let mut findings = Vec::new();
    let mut hashes: Vec<(PathBuf, u64, Option<WholeHash>)> = Vec::new();
    for (item, _, state, file_read) in results {
        let read = match &file_read.outcome {
            Ok(read) => read,
            Err(reason) => {
                let copies = sources.logged(&item.inside);
                findings.extend(copies.filter_map(|copy| unreadable(copy, reason)));
                let variants = sources.variants(&item.inside);
                hashes.extend(variants.map(|inside| (inside.to_owned(), item.bytes, None)));
                continue;
            }
        };
        let state = match state {
            VerifyState::Verified => CopyState::Verified,
            VerifyState::Altered => CopyState::Altered,
            VerifyState::Missing | VerifyState::New | VerifyState::Unread => continue,
        };
        findings.extend(copy_findings(sources, &item.inside, read));
        let xxh128 = read
            .hashes
            .iter()
            .find(|hash| hash.kind() == HashKind::Xxh128);
        // The recorded hash of an altered file is no longer valid, so it is removed.
        let verified_hash = xxh128
            .filter(|_| state == CopyState::Verified)
            .and_then(Checksum::fingerprint)
            .map(|digest| WholeHash {
                digest,
                at: unix_seconds(),
                how: Some(read.how),
                changed: read.stamp.changed,
            });
        if verified_hash.is_some() || state == CopyState::Altered {
            let variants = sources.variants(&item.inside);
            hashes.extend(variants.map(|inside| (inside.to_owned(), item.bytes, verified_hash)));
        }
    }
    catalogue.record_findings(&findings)?;
    if let Some((volume, root)) = &sources.on_volume {
        let hashes = hashes
            .into_iter()
            .map(|(inside, bytes, hash)| (root.join(inside), bytes, hash));
        catalogue.record_hashes(*volume, &hashes.collect::<Vec<_>>())?;
    }
    Ok(())
}

/// Marks copies that no longer exist as missing in the ingest log.
pub(super) fn mark_missing(
    sources: &HashSources,
    missing: &[PathBuf],
    catalogue: &Catalogue,
) -> Result<(), Error> {
    let copies = missing.iter().flat_map(|inside| sources.logged(inside));
    let findings = copies.filter_map(|copy| {
        let digest = copy.digest.clone()?;
        Some(rechecked(copy, digest, CopyState::Missing, None))
    });
    catalogue.record_findings(&findings.collect::<Vec<_>>())
}

/// Removes the hashes of files that no longer exist. A file that reappears may have different
/// content.
pub(super) fn forget_hashes(
    sources: &HashSources,
    exists: &dyn Fn(&Path) -> bool,
    catalogue: &Catalogue,
) -> Result<(), Error> {
    let Some((volume, root)) = &sources.on_volume else {
        return Ok(());
    };
    let removed = sources.catalogued().filter(|inside| !exists(inside));
    let removed: Vec<_> = removed.map(|inside| (root.join(inside), 0, None)).collect();
    if removed.is_empty() {
        return Ok(());
    }
    catalogue.record_hashes(*volume, &removed)
}

/// Returns a finding for every copy at this path in the ingest log. Each copy is compared with its
/// own recorded hash.
fn copy_findings<'a>(
    sources: &'a HashSources,
    inside: &'a Path,
    read: &'a Hashed,
) -> impl Iterator<Item = Finding> + 'a {
    sources.logged(inside).filter_map(move |copy| {
        let digest = copy.digest.clone()?;
        let mut hashes = read.hashes.iter();
        let same_kind = hashes.find(|hash| hash.kind() == digest.kind())?;
        let state = if *same_kind == digest {
            CopyState::Verified
        } else {
            CopyState::Altered
        };
        Some(rechecked(copy, digest, state, Some(read)))
    })
}

/// Returns the finding for an unreadable copy, which is unverified until it is read again.
fn unreadable(copy: &CopyRecord, reason: &str) -> Option<Finding> {
    let found = CopyFound {
        state: CopyState::Unread,
        how: None,
        at: unix_seconds(),
        problem: Some(reason.to_owned()),
        stamp: None,
    };
    let digest = copy.digest.clone()?;
    Some(Finding::Rechecked(
        copy.file,
        copy.destination,
        digest,
        found,
    ))
}

fn rechecked(
    copy: &CopyRecord,
    digest: Checksum,
    state: CopyState,
    read: Option<&Hashed>,
) -> Finding {
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
    Finding::Rechecked(copy.file, copy.destination, digest, found)
}

/// Writes a generation with all files that were read. Returns the manifests; none if the run was
/// cancelled.
pub(super) fn write_generation(
    root: &Path,
    sources: &HashSources,
    results: &[FileResult<'_>],
    listing: &Listing,
    request: &Request,
) -> Result<Vec<PathBuf>, Error> {
    let keep_waiting = || !request.cancel.is_cancelled();
    let manifest_path = |inside: &Path| sources.manifest_path(inside).unwrap_or_default();
    let is_written = |folder: &str| {
        let files = results.iter().map(|(item, ..)| manifest_path(&item.inside));
        let folders = listing
            .folders
            .iter()
            .map(|(inside, _)| manifest_path(inside));
        files
            .chain(folders)
            .any(|path| Path::new(&path).starts_with(folder))
    };
    // The histories are read again, since other processes may have added generations in the
    // meantime.
    let histories = Histories::lock(sources.histories.root(), &is_written, &keep_waiting);
    let Some(histories) = histories.map_err(|error| Error::Manifest(error.to_string()))? else {
        return Ok(Vec::new());
    };
    let mut generation = GenerationBuilder::new(&histories, sources.kind);
    // The hash of a folder requires all its files, so folders above a verified subfolder get none.
    if !listing.problems.is_empty() || sources.histories.root() != root {
        generation.mark_incomplete();
    }
    for (item, _, _, file_read) in results {
        match &file_read.outcome {
            Ok(read) => {
                let path = sources.manifest_path(&item.inside);
                generation.add_file(path, item.bytes, item.modified, &read.hashes);
            }
            Err(_) => generation.mark_incomplete(),
        }
    }
    for (inside, modified) in &listing.folders {
        generation.add_folder(sources.manifest_path(inside), *modified);
    }
    let written = generation.write(&request.author, Process::InPlace);
    if written.is_ok() && !histories.holds_all_locks() {
        drop(histories);
        // A lock was lost, so another process may have written. Locking again adds generations that
        // the chain lost.
        let _ = Histories::lock(sources.histories.root(), &is_written, &keep_waiting);
    }
    written.map_err(|error| Error::Manifest(error.to_string()))
}
