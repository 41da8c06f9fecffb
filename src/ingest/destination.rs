//! Checks of destination folders: existence, volume, overlap and free space.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use same_file::Handle;

use crate::catalogue::Catalogue;
use crate::error::{Error, escape};
use crate::offload::{Times, filesystem};
use crate::source_file::{self, Stamp};
use crate::value::Bytes;
use crate::volume::Volume;

/// Resolves the links in a path. The folder and some of its ancestors may not exist yet.
pub(super) fn resolve_links(folder: &Path) -> PathBuf {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    for ancestor in absolute.ancestors() {
        if let (Ok(real), Ok(rest)) = (
            source_file::canonical(ancestor),
            absolute.strip_prefix(ancestor),
        ) {
            return if rest.as_os_str().is_empty() {
                real
            } else {
                real.join(rest)
            };
        }
    }
    absolute
}

/// Returns the id of a path's volume and the path relative to it. Records the volume as seen.
pub(super) fn locate_on_volume(
    catalogue: &Catalogue,
    path: &Path,
) -> Result<(i64, PathBuf), Error> {
    let (volume, inside) = catalogue.volumes().locate(&resolve_links(path));
    Ok((catalogue.record_volume(&volume)?.id, inside))
}

/// Returns the size and times of a copy. `None` if the file is missing, or if a mount or link leads
/// to another filesystem than the destination's. `own_filesystem` caches the latter per folder.
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

/// Returns the clock and time stamp properties of a volume's filesystem.
pub(super) fn times_of(volume: &Volume) -> Times {
    Times {
        is_own_clock: volume.uses_local_clock(),
        has_change_time: volume.keeps_ctime(),
    }
}

/// Returns a reason and a hint if `base`, the folder that must exist, is missing.
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
    // The mount point of an unmounted drive is an empty folder on the system disk.
    let unmounted = catalogue
        .unmounted_volumes_at(folder)
        .ok()?
        .into_iter()
        .next()?;
    Some((
        unmounted.describe_unmounted(),
        "mount it, or run `btsindex volumes forget` if it will not return".to_owned(),
    ))
}

/// Returns a reason if a destination overlaps with the card or with another destination.
pub(super) fn find_overlap(folders: &[PathBuf], source: &Path) -> Option<String> {
    for (at, folder) in folders.iter().enumerate() {
        let shown = escape(&folder.to_string_lossy());
        if overlaps(folder, source) {
            return Some(format!("the destination overlaps with the card: {shown}"));
        }
        if folders[..at].iter().any(|other| overlaps(folder, other)) {
            return Some(format!("two destinations overlap: {shown}"));
        }
    }
    None
}

/// Returns true if two folders are the same or one is inside the other. Compares both paths and
/// inodes, since a folder can be mounted at several mount points.
fn overlaps(first: &Path, second: &Path) -> bool {
    first.starts_with(second)
        || second.starts_with(first)
        || is_inside(first, second)
        || is_inside(second, first)
}

/// Returns true if `folder` is `outer` or inside it. Compares inodes of existing ancestors, since
/// neither folder needs to exist yet.
fn is_inside(folder: &Path, outer: &Path) -> bool {
    let handle = |path: &Path| Handle::from_path(path).ok();
    let existing = outer
        .ancestors()
        .find_map(|ancestor| Some((handle(ancestor)?, ancestor)));
    let Some((outer_handle, ancestor)) = existing else {
        return false;
    };
    let rest = outer.strip_prefix(ancestor).unwrap_or(Path::new(""));
    folder.ancestors().any(|ancestor| {
        handle(ancestor).is_some_and(|handle| handle == outer_handle)
            && folder
                .strip_prefix(ancestor)
                .is_ok_and(|below| below.starts_with(rest))
    })
}

/// Free space by volume identity, less the space reserved for planned cards.
#[derive(Default)]
pub(super) struct FreeSpace(HashMap<String, u64>);

/// Bytes that copies leave free on each volume.
const RESERVE: u64 = 64 * 1024 * 1024;
/// Estimated overhead per file, in bytes.
const FILE_OVERHEAD: u64 = 4096;

/// Space that a card needs at one destination.
pub(super) struct Need<'a> {
    pub(super) volume: &'a Volume,
    pub(super) folder: &'a Path,
    pub(super) files: u64,
    pub(super) bytes: u64,
}

impl FreeSpace {
    /// Reserves space at all destinations of a card. If one has too little, reserves nothing and
    /// returns the reason.
    pub(super) fn reserve_all(&mut self, needs: &[Need<'_>]) -> Result<(), String> {
        let mut left = self.0.clone();
        for need in needs {
            let Some(existing) = need.folder.ancestors().find(|folder| folder.is_dir()) else {
                continue;
            };
            let free = match left.get(&need.volume.identity) {
                Some(free) => *free,
                // If the free space is unknown, copying may still succeed.
                None => match fs4::available_space(existing) {
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
