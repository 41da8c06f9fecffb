//! Finds files in the catalogue that no longer exist, and marks them as missing or moved. Rows are
//! never deleted. If too many clips disappear at once, none is marked, because the drive was
//! probably disconnected.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::ScanEvent;
use super::scan_run::ScanRun;
use crate::catalogue::{Catalogue, KnownFile, VolumeRow};
use crate::clip::FileState;
use crate::error::Error;
use crate::footage::{Role, frame_paths};
use crate::volume::Volumes;

/// Files in the catalogue that the walk of a root did not see, by volume id.
#[derive(Default)]
pub(super) struct UnseenFiles(HashMap<i64, UnseenOnVolume>);

#[derive(Default)]
struct UnseenOnVolume {
    /// Number of clips recorded as present under the root, seen or not.
    known_clips: usize,
    files: Vec<UnseenFile>,
}

struct UnseenFile {
    id: i64,
    path: PathBuf,
    is_media: bool,
    is_sequence: bool,
}

/// Files of one root on one volume that no longer exist.
pub(super) struct MissingFiles {
    root: PathBuf,
    volume: i64,
    /// Number of clips recorded as present under the root.
    known_clips: usize,
    /// File ids, each with true for a clip and false for a companion.
    files: Vec<(i64, bool)>,
    /// Label of the volume if it was unmounted; `None` if it is mounted.
    unmounted: Option<String>,
}

impl MissingFiles {
    /// Returns all known files under `root` of a volume that was mounted there and no longer is.
    pub(super) fn on_unmounted_volume(
        root: &Path,
        volume: &VolumeRow,
        catalogue: &Catalogue,
    ) -> Result<Option<Self>, Error> {
        let inside = root.strip_prefix(&volume.mount).unwrap_or(Path::new(""));
        let mut missing = Self::known_files(root, volume.id, inside, catalogue)?;
        missing.unmounted = Some(volume.label.clone());
        Ok((missing.known_clips > 0).then_some(missing))
    }

    /// Returns all known files under a path that does not exist or cannot be read, although its
    /// volume is mounted.
    pub(super) fn under_path(path: &Path, catalogue: &Catalogue) -> Result<Option<Self>, Error> {
        let (volume, inside) = catalogue.volumes().locate(path);
        let Some(id) = catalogue.volume_id(&volume.identity)? else {
            return Ok(None);
        };
        let missing = Self::known_files(path, id, &inside, catalogue)?;
        Ok((missing.known_clips > 0).then_some(missing))
    }

    /// Returns all files under a folder that the catalogue records as present.
    fn known_files(
        root: &Path,
        volume: i64,
        inside: &Path,
        catalogue: &Catalogue,
    ) -> Result<Self, Error> {
        let mut files = Vec::new();
        for (folder, _) in catalogue.known_folders(volume, inside)? {
            let known = catalogue.known_files(folder)?.into_values();
            files.extend(
                known
                    .filter(|known| known.state != FileState::Missing)
                    .map(|known| (known.id, known.role == Role::Media)),
            );
        }
        Ok(Self {
            root: root.to_owned(),
            volume,
            known_clips: files.iter().filter(|(_, is_media)| *is_media).count(),
            files,
            unmounted: None,
        })
    }

    /// Returns the warning that `count` clips are missing, too many to be marked.
    fn too_many_warning(&self, count: usize) -> ScanEvent {
        let root = self.root.display();
        let message = match &self.unmounted {
            Some(label) => format!(
                "{root}: {label} is no longer mounted there; its {count} clips are left unchanged"
            ),
            None => format!(
                "{root}: {count} of {} known clips are missing; all are left unchanged",
                self.known_clips
            ),
        };
        ScanEvent::Warning {
            message,
            hint: "is the drive mounted? if the files were deleted, scan again with `--accept-missing`"
                .to_owned(),
        }
    }
}

impl UnseenFiles {
    /// Counts a file if it is a clip that the catalogue records as present.
    pub(super) fn count(&mut self, volume: i64, known: &KnownFile) {
        if known.state != FileState::Missing && known.role == Role::Media {
            self.0.entry(volume).or_default().known_clips += 1;
        }
    }

    /// Adds a file that the walk did not see, unless it is already recorded as missing.
    pub(super) fn add(&mut self, volume: i64, known: &KnownFile, path: PathBuf) {
        if known.state != FileState::Missing {
            self.0.entry(volume).or_default().files.push(UnseenFile {
                id: known.id,
                path,
                is_media: known.role == Role::Media,
                is_sequence: known.frames.is_some(),
            });
        }
    }

    /// Returns the files that no longer exist, including those in known folders that were not
    /// walked.
    ///
    /// Files that exist but were skipped, for example by an exclusion, are not returned. If the
    /// mounts under the root changed since the scan began, a drive was unmounted, and nothing is
    /// returned.
    pub(super) fn into_missing(
        mut self,
        root: &Path,
        catalogue: &Catalogue,
        walked: &HashSet<i64>,
    ) -> Result<Vec<MissingFiles>, Error> {
        for (volume, start) in catalogue.volumes().under(root) {
            let Some(id) = catalogue.volume_id(&volume.identity)? else {
                continue;
            };
            for (folder, inside) in catalogue.known_folders(id, &start)? {
                let Some(path) = catalogue.volumes().path(&volume.identity, &inside) else {
                    continue;
                };
                if walked.contains(&folder) || !path.starts_with(root) {
                    continue;
                }
                for (name, known) in catalogue.known_files(folder)? {
                    self.count(id, &known);
                    self.add(id, &known, path.join(crate::value::from_bytes(name)));
                }
            }
        }
        let missing = self.0.into_iter().map(|(id, volume)| MissingFiles {
            root: root.to_owned(),
            volume: id,
            known_clips: volume.known_clips,
            files: volume
                .files
                .into_iter()
                .filter(UnseenFile::is_gone)
                .map(|file| (file.id, file.is_media))
                .collect(),
            unmounted: None,
        });
        let missing: Vec<MissingFiles> = missing
            .filter(|missing| !missing.files.is_empty())
            .collect();
        let are_mounts_same = || Volumes::mounted().are_same_under(catalogue.volumes(), root);
        let is_root_mounted = fs::metadata(root).is_ok() && are_mounts_same();
        Ok(if is_root_mounted { missing } else { Vec::new() })
    }
}

impl UnseenFile {
    /// Returns true if the file no longer exists; false if it exists or the check failed.
    fn is_gone(&self) -> bool {
        match fs::metadata(&self.path) {
            Err(error) => matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ),
            Ok(metadata) if !metadata.is_file() => true,
            // An image sequence with a different first frame is a different file, and a single
            // frame is not a sequence.
            Ok(_) if self.is_sequence => {
                let frames = frame_paths(&self.path);
                frames.len() < 2 || frames.first() != Some(&self.path)
            }
            Ok(_) => false,
        }
    }
}

/// Marks files as missing. Returns the originals whose sidecars are gone; these have to be read
/// again.
///
/// A clip has moved if its content was found elsewhere, in this scan or since the previous one. The
/// other clips are not marked if they are more than half of the known clips, since the drive was
/// then probably disconnected. `accept_missing` overrides this.
pub(super) fn mark_missing(
    missing: &[MissingFiles],
    walked: &HashSet<i64>,
    seen_before: &HashMap<i64, i64>,
    scan: &mut ScanRun<'_>,
) -> Result<Vec<i64>, Error> {
    let mut originals = Vec::new();
    for group in missing {
        let mut moved = Vec::new();
        let mut not_found = Vec::new();
        // If this scan did not see the volume, its files cannot be known to have moved.
        let since = seen_before.get(&group.volume).copied().unwrap_or(i64::MAX);
        for &(file, is_media) in &group.files {
            let is_elsewhere = is_media
                && group.unmounted.is_none()
                && scan.writer.catalogue.is_elsewhere(file, walked, since)?;
            if is_elsewhere {
                &mut moved
            } else {
                &mut not_found
            }
            .push((file, is_media));
        }
        let count = not_found.iter().filter(|(_, is_media)| *is_media).count();
        scan.summary.moved += moved.len();
        if count * 2 > group.known_clips && !scan.request.accept_missing {
            scan.summary.doubted += count;
            scan.writer.report(group.too_many_warning(count));
            // Searches still list these files as present, but `safe` must not count them as copies.
            if group.unmounted.is_none() {
                for (file, _) in &not_found {
                    scan.writer
                        .write(|catalogue| catalogue.mark_file_suspect(*file))?;
                }
            }
            not_found.clear();
        } else {
            scan.summary.missing += count;
        }
        // Clips come before their companions, so that a missing clip is not read again when its
        // sidecar is marked.
        let mut all: Vec<(i64, bool)> = moved.into_iter().chain(not_found).collect();
        all.sort_by_key(|(_, is_media)| !is_media);
        for (file, _) in all {
            let original = scan
                .writer
                .write(|catalogue| catalogue.set_state(file, FileState::Missing))?;
            originals.extend(original);
        }
    }
    Ok(originals)
}
