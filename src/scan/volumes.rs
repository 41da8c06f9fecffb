//! Volume checks before the walk: writes marker files to volumes without a uuid, and warns about
//! clones.

use std::collections::BTreeSet;
use std::fs;

use super::{ScanEvent, ScanRequest};
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::volume::{Volume, write_marker};

/// Writes a marker file to each volume of the paths that is identified by its label only. Files
/// that are already in the catalogue stay assigned to the volume. Returns true if the identity of
/// any volume changed.
pub(super) fn mark_all(
    request: &ScanRequest,
    catalogue: &Catalogue,
    on_event: &mut dyn FnMut(ScanEvent),
) -> Result<bool, Error> {
    let mut is_any_changed = false;
    for volume in volumes(request, catalogue) {
        // A volume with a uuid, or a share, needs no marker file.
        if !volume.identity.starts_with("label:") {
            continue;
        }
        match write_marker(&volume) {
            Ok(identity) => {
                catalogue.change_identity(&volume.identity, &identity)?;
                is_any_changed = true;
            }
            Err(error) => on_event(ScanEvent::Warning {
                message: format!(
                    "{}: cannot write a marker file: {error}",
                    volume.mount.display()
                ),
                hint: "the volume is identified by label and size only; a similar one may be mistaken for it"
                    .to_owned(),
            }),
        }
    }
    Ok(is_any_changed)
}

/// Returns a warning for each scanned volume that looks like another mounted volume, as copies of
/// whole disks do.
pub(super) fn clone_warnings(request: &ScanRequest, catalogue: &Catalogue) -> Vec<ScanEvent> {
    let scanned: BTreeSet<_> = volumes(request, catalogue)
        .into_iter()
        .map(|volume| volume.mount)
        .collect();
    let clones = catalogue.volumes().clones().into_iter();
    clones
        .filter(|(clone, original)| scanned.contains(clone) || scanned.contains(original))
        .map(|(clone, original)| ScanEvent::Warning {
            message: format!(
                "{} looks like a clone of {}",
                clone.display(),
                original.display()
            ),
            hint: "they are treated as two volumes; `btsindex volumes` lists both".to_owned(),
        })
        .collect()
}

/// Returns the volumes of the paths, without duplicates.
fn volumes(request: &ScanRequest, catalogue: &Catalogue) -> Vec<Volume> {
    let paths = request
        .paths
        .iter()
        .filter_map(|path| fs::canonicalize(path).ok());
    let mut volumes: Vec<Volume> = paths
        .map(|path| catalogue.volumes().locate(&path).0)
        .collect();
    volumes.sort_by(|a, b| a.identity.cmp(&b.identity));
    volumes.dedup_by(|a, b| a.identity == b.identity);
    volumes
}
