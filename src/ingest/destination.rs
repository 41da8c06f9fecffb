//! Destinations: existence, volumes and free space.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use same_file::Handle;

use crate::catalogue::Catalogue;
use crate::error::{Error, escape};
use crate::offload::{Times, filesystem};
use crate::source_file::{self, Stamp};
use crate::value::Bytes;
use crate::volume::Volume;

/// Resolves the links of a folder's existing ancestors; the folder itself may not exist yet.
pub(super) fn resolved(folder: &Path) -> PathBuf {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    for there in absolute.ancestors() {
        if let (Ok(real), Ok(rest)) = (source_file::canonical(there), absolute.strip_prefix(there))
        {
            return if rest.as_os_str().is_empty() {
                real
            } else {
                real.join(rest)
            };
        }
    }
    absolute
}

/// Returns the id of a path's volume, recorded as seen, and the path relative to it.
pub(super) fn on_volume(catalogue: &Catalogue, path: &Path) -> Result<(i64, PathBuf), Error> {
    let (volume, inside) = catalogue.volumes().locate(&resolved(path));
    Ok((catalogue.record_volume(&volume)?.id, inside))
}

/// Returns size and times of a copy on its destination's own filesystem. `None` if the file is
/// missing, or if a mount or link leads elsewhere. `own_filesystem` caches the answer per folder.
pub(super) fn stamp_on_filesystem(
    destination: &Path,
    path: &Path,
    own_filesystem: &mut HashMap<PathBuf, bool>,
) -> Option<Stamp> {
    let folder = path.parent()?;
    let is_own = if let Some(is_own) = own_filesystem.get(folder) {
        *is_own
    } else {
        let is_own = filesystem(folder) == filesystem(destination);
        own_filesystem.insert(folder.to_owned(), is_own);
        is_own
    };
    let metadata = path.symlink_metadata().ok().filter(|_| is_own)?;
    Some(Stamp::from_metadata(&metadata))
}

/// Filesystems whose times come from this machine's clock, but whose change time is missing or
/// unreliable. Memory filesystems have one, but writes through a mapping do not update it.
const LOCAL_CLOCK_KINDS: [&str; 9] = [
    "", "vfat", "msdos", "exfat", "fuseblk", "ntfs", "tmpfs", "ramfs", "iso9660",
];

/// Returns the time-keeping properties of a card's filesystem.
pub(super) fn times_of(volume: &Volume) -> Times {
    let kind = volume.kind.as_str();
    let has_change_time = volume.keeps_ctime();
    Times {
        is_own_clock: !volume.is_share() && (has_change_time || LOCAL_CLOCK_KINDS.contains(&kind)),
        has_change_time,
    }
}

/// Returns a reason and a hint if `base`, the part of a destination that must exist, is missing.
pub(super) fn missing_base(base: &Path) -> Option<(String, String)> {
    (!base.is_dir()).then(|| {
        (
            format!("folder {} not found", escape(&base.to_string_lossy())),
            "is its drive mounted? folders before the first {placeholder} are never created"
                .to_owned(),
        )
    })
}

/// Returns a reason and a hint if the volume of `folder` is not mounted.
pub(super) fn unmounted(folder: &Path, catalogue: &Catalogue) -> Option<(String, String)> {
    // While a drive is not mounted, its mount point is an empty folder of the system disk.
    let unmounted = catalogue
        .unmounted_volumes_at(folder)
        .ok()?
        .into_iter()
        .next()?;
    Some((
        format!(
            "{} is not mounted; it was mounted at {}",
            escape(&unmounted.label),
            escape(&unmounted.mount.to_string_lossy())
        ),
        "mount it, or run `btsindex volumes forget` if it will not return".to_owned(),
    ))
}

/// Returns a reason if destinations overlap with the card or with each other.
pub(super) fn overlap(folders: &[PathBuf], source: &Path) -> Option<String> {
    for (at, folder) in folders.iter().enumerate() {
        let shown = escape(&folder.to_string_lossy());
        if overlaps(folder, source) {
            return Some(format!(
                "the destination is within the card, or the card within it: {shown}"
            ));
        }
        if folders[..at].iter().any(|other| overlaps(folder, other)) {
            return Some(format!("two destinations overlap: {shown}"));
        }
    }
    None
}

/// Returns true if one folder is the other or within it. Paths and inodes are compared, since one
/// folder can be mounted at several places.
fn overlaps(one: &Path, other: &Path) -> bool {
    one.starts_with(other) || other.starts_with(one) || is_in(one, other) || is_in(other, one)
}

/// Returns true if a folder is `other` or within it, wherever that is mounted; neither must exist.
fn is_in(folder: &Path, other: &Path) -> bool {
    let there = |path: &Path| Handle::from_path(path).ok();
    let known = other
        .ancestors()
        .find_map(|above| Some((there(above)?, above)));
    let Some((other_there, above)) = known else {
        return false;
    };
    let rest = other.strip_prefix(above).unwrap_or(Path::new(""));
    folder.ancestors().any(|above| {
        there(above).is_some_and(|there| there == other_there)
            && folder
                .strip_prefix(above)
                .is_ok_and(|below| below.starts_with(rest))
    })
}

/// Free space per volume, reduced by each planned card.
#[derive(Default)]
pub(super) struct FreeSpace(HashMap<String, u64>);

/// Bytes left free on every volume.
const RESERVE: u64 = 64 * 1024 * 1024;
/// Minimum overhead of a file, in bytes.
const FILE_OVERHEAD: u64 = 4096;

/// Space that a card needs at one destination.
pub(super) struct Need<'a> {
    pub(super) volume: &'a Volume,
    pub(super) folder: &'a Path,
    pub(super) files: u64,
    pub(super) bytes: u64,
}

impl FreeSpace {
    /// Reserves space for a card at all of its destinations, or at none and returns the reason.
    pub(super) fn reserve_all(&mut self, needs: &[Need<'_>]) -> Result<(), String> {
        let mut left = self.0.clone();
        for need in needs {
            let Some(there) = need.folder.ancestors().find(|folder| folder.is_dir()) else {
                continue;
            };
            let free = match left.get(&need.volume.identity) {
                Some(free) => *free,
                // If the system does not report free space, copying finds out.
                None => match fs4::available_space(there) {
                    Ok(free) => free.saturating_sub(RESERVE),
                    Err(_) => continue,
                },
            };
            let required = need
                .bytes
                .saturating_add(need.files.saturating_mul(FILE_OVERHEAD));
            let Some(rest) = free.checked_sub(required) else {
                return Err(format!(
                    "needs {} on {}, which has {} free",
                    Bytes(required),
                    escape(&need.volume.label),
                    Bytes(free)
                ));
            };
            left.insert(need.volume.identity.clone(), rest);
        }
        self.0 = left;
        Ok(())
    }
}
