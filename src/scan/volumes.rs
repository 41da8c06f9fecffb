//! Before the walk: volumes that may be marked are, and volumes that look alike are told of.

use std::collections::BTreeSet;
use std::fs;

use super::{Event, Request};
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::volume::{Volume, mark};

/// Marks the volumes of the paths that have nothing to be known again by; what the catalogue
/// knows of one stays its own. Whether any is known by another identity now.
pub(super) fn mark_all(
    request: &Request,
    catalogue: &Catalogue,
    report: &mut dyn FnMut(Event),
) -> Result<bool, Error> {
    let mut is_any_new = false;
    for volume in volumes(request, catalogue) {
        // What has an identity of its own, or is a share, needs no mark.
        if !volume.identity.starts_with("label:") {
            continue;
        }
        match mark(&volume) {
            Ok(identity) => {
                catalogue.identify_anew(&volume.identity, &identity)?;
                is_any_new = true;
            }
            Err(error) => report(Event::Warning {
                message: format!(
                    "{}: it could not be marked: {error}",
                    volume.mount.display()
                ),
                hint: "it is known by its label and size; another of the same may be taken for it"
                    .to_owned(),
            }),
        }
    }
    Ok(is_any_new)
}

/// Tells of mounted volumes that look like another, as copies of whole disks do.
pub(super) fn tell_clones(request: &Request, catalogue: &Catalogue, report: &mut dyn FnMut(Event)) {
    let scanned: BTreeSet<_> = volumes(request, catalogue)
        .into_iter()
        .map(|volume| volume.mount)
        .collect();
    for (clone, original) in catalogue.volumes().clones() {
        if scanned.contains(&clone) || scanned.contains(&original) {
            report(Event::Warning {
                message: format!(
                    "{} looks like {}, as a copy of a whole disk does",
                    clone.display(),
                    original.display()
                ),
                hint: "the two are told apart: each has its own files in the catalogue; `btsindex volumes` lists them".to_owned(),
            });
        }
    }
}

/// The volumes that the paths are on, each once.
fn volumes(request: &Request, catalogue: &Catalogue) -> Vec<Volume> {
    let paths = request
        .paths
        .iter()
        .filter_map(|path| fs::canonicalize(path).ok());
    let mut volumes: Vec<Volume> = paths.map(|path| catalogue.volumes().of(&path).0).collect();
    volumes.sort_by(|one, other| one.identity.cmp(&other.identity));
    volumes.dedup_by(|one, other| one.identity == other.identity);
    volumes
}
