//! What was found of copies, written down: in the log of ingests, and in a generation of the manifest.

use std::path::{Path, PathBuf};

use super::known::{Basis, Known, Logged};
use super::{Looked, Request, State};
use crate::catalogue::{Catalogue, CopyFound, CopyState, Finding, unix_seconds};
use crate::checksum::{Checksum, HashKind};
use crate::error::Error;
use crate::mhl::{Gatherer, Process};
use crate::offload::{How, Item, Listing};
use crate::value::Fingerprint;

/// A file, what it has to be, what it is, and how it was read.
pub(super) type Noted<'a> = (&'a Item, &'a Known, State, Looked);

/// Notes what was found of copies that the log has, and of files that the catalogue has.
pub(super) fn in_catalogue(
    basis: &Basis,
    noted: &[Noted<'_>],
    catalogue: &Catalogue,
) -> Result<(), Error> {
    let mut findings = Vec::new();
    let mut hashes: Vec<(PathBuf, u64, Option<Fingerprint>)> = Vec::new();
    for (item, _, state, looked) in noted {
        let Ok((found, how)) = &looked.outcome else {
            continue;
        };
        let state = match state {
            State::Verified => CopyState::Verified,
            State::Altered => CopyState::Altered,
            State::Missing | State::New | State::Unread => continue,
        };
        findings.extend(of_copies(basis, &item.inside, found, *how));
        let xxh128 = found.iter().find(|hash| hash.kind() == HashKind::Xxh128);
        // Of what was altered, the hash that was recorded proves nothing any more.
        let proved = xxh128
            .filter(|_| state == CopyState::Verified)
            .and_then(Checksum::fingerprint);
        if proved.is_some() || state == CopyState::Altered {
            hashes.push((item.inside.clone(), item.bytes, proved));
        }
    }
    catalogue.note_findings(&findings)?;
    if let Some((volume, root)) = &basis.on_volume {
        let hashes = hashes
            .into_iter()
            .map(|(inside, bytes, hash)| (root.join(inside), bytes, hash));
        catalogue.note_hashes(*volume, &hashes.collect::<Vec<_>>())?;
    }
    Ok(())
}

/// Notes copies that are not there any more.
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
    catalogue.note_findings(&findings.collect::<Vec<_>>())
}

/// What was found of a file, for every copy in the log that it should be: each by what its own file hashes to.
fn of_copies<'a>(
    basis: &'a Basis,
    inside: &Path,
    found: &'a [Checksum],
    how: How,
) -> impl Iterator<Item = Finding> + 'a {
    basis.logged(inside).iter().filter_map(move |copy| {
        let digest = copy.digest.clone()?;
        let same_kind = found.iter().find(|hash| hash.kind() == digest.kind())?;
        let state = if *same_kind == digest {
            CopyState::Verified
        } else {
            CopyState::Altered
        };
        Some(seen(copy, digest, state, Some(how)))
    })
}

fn seen(copy: &Logged, digest: Checksum, state: CopyState, how: Option<How>) -> Finding {
    let found = CopyFound {
        state,
        how: how.map(|how| how.name().to_owned()),
        at: unix_seconds(),
        problem: copy
            .problem
            .clone()
            .filter(|_| state == CopyState::Verified),
    };
    Finding::Seen(copy.file, copy.place, digest, found)
}

/// Writes a generation of all that was read.
pub(super) fn generation(
    root: &Path,
    basis: &Basis,
    noted: &[Noted<'_>],
    listing: &Listing,
    request: &Request,
) -> Result<Vec<PathBuf>, Error> {
    let mut generation = Gatherer::new(&basis.histories, basis.kind);
    // A folder within says nothing of those above it.
    if !listing.problems.is_empty() || basis.histories.root() != root {
        generation.leave_out();
    }
    for (item, _, _, looked) in noted {
        match &looked.outcome {
            Ok((hashes, _)) => {
                let path = basis.path(&item.inside);
                generation.file(path, item.bytes, item.modified, hashes);
            }
            Err(_) => generation.leave_out(),
        }
    }
    for (inside, modified) in &listing.folders {
        generation.folder(basis.path(inside), *modified);
    }
    let written = generation.write(&request.author, Process::InPlace);
    written.map_err(|fault| Error::Manifest(fault.to_string()))
}
