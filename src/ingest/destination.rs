//! Destinations: whether they are there, on which volumes they are, how much they can take.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use same_file::Handle;

use crate::catalogue::Catalogue;
use crate::error::{Error, escape};
use crate::offload::{Times, filesystem};
use crate::source_file::{self, Stamp};
use crate::value::Bytes;
use crate::volume::Volume;

/// A folder may not be there yet: its path with the links resolved of what is there.
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

/// The number of the volume that a path is on, noted as seen, and the path below it.
pub(super) fn on_volume(catalogue: &Catalogue, path: &Path) -> Result<(i64, PathBuf), Error> {
    let (volume, inside) = catalogue.volumes().locate(&resolved(path));
    Ok((catalogue.see_volume(&volume)?.id, inside))
}

/// What a copy looks like now, where it is on the filesystem of its destination; `None` where it is not there, or a mount
/// or a link on the way leads elsewhere. `homes` remembers that of folders.
pub(super) fn at_home(
    destination: &Path,
    path: &Path,
    homes: &mut HashMap<PathBuf, bool>,
) -> Option<Stamp> {
    let folder = path.parent()?;
    let is_home = if let Some(is_home) = homes.get(folder) {
        *is_home
    } else {
        let is_home = filesystem(folder) == filesystem(destination);
        homes.insert(folder.to_owned(), is_home);
        is_home
    };
    let metadata = path.symlink_metadata().ok().filter(|_| is_home)?;
    Some(Stamp::of(&metadata))
}

/// Filesystems without one whose times this machine's clock gives. Memory has a change time, which writes through a
/// mapping do not change.
const OF_OWN_CLOCK: [&str; 9] = [
    "", "vfat", "msdos", "exfat", "fuseblk", "ntfs", "tmpfs", "ramfs", "iso9660",
];

/// How a card's filesystem keeps the times of its files.
pub(super) fn times_of(volume: &Volume) -> Times {
    let kind = volume.kind.as_str();
    let has_change_time = volume.keeps_ctime();
    Times {
        is_own_clock: !volume.is_share() && (has_change_time || OF_OWN_CLOCK.contains(&kind)),
        has_change_time,
    }
}

/// Why nothing may be copied below `base`, the part of a destination that must be there; and what to do.
pub(super) fn refused(base: &Path) -> Option<(String, String)> {
    (!base.is_dir()).then(|| {
        (
            format!(
                "the folder {} is not there",
                escape(&base.to_string_lossy())
            ),
            "is its drive mounted? what comes before the first {placeholder} is never made"
                .to_owned(),
        )
    })
}

/// Why nothing may be copied to `folder` now; and what to do.
pub(super) fn away(folder: &Path, catalogue: &Catalogue) -> Option<(String, String)> {
    // Where a drive is usually mounted and is not now, its folder is an empty one of the system disk.
    let away = catalogue.away_from(folder).ok()?.into_iter().next()?;
    Some((
        format!(
            "{} was mounted at {} and is not",
            escape(&away.label),
            escape(&away.mount.to_string_lossy())
        ),
        "mount it; if it is gone for good, `btsindex volumes forget` says so".to_owned(),
    ))
}

/// Why a card cannot be copied to some folders, for where they are.
pub(super) fn overlap(folders: &[PathBuf], source: &Path) -> Option<String> {
    for (at, folder) in folders.iter().enumerate() {
        let shown = escape(&folder.to_string_lossy());
        if do_overlap(folder, source) {
            return Some(format!("it would be copied into itself: {shown}"));
        }
        if folders[..at].iter().any(|other| do_overlap(folder, other)) {
            return Some(format!(
                "two of its destinations lie in each other: {shown}"
            ));
        }
    }
    None
}

/// Whether one folder lies in the other, or is it: by their paths, and by what stands there, as one folder can be
/// mounted at several places.
fn do_overlap(one: &Path, other: &Path) -> bool {
    one.starts_with(other) || other.starts_with(one) || is_in(one, other) || is_in(other, one)
}

/// Whether a folder is another, or in it, wherever that is mounted; neither need be there yet.
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

/// How much room is left where cards go, as cards are planned one after another.
#[derive(Default)]
pub(super) struct Room(HashMap<String, u64>);

/// Room that is left free on every volume.
const RESERVE: u64 = 64 * 1024 * 1024;
/// What a file takes beside its bytes, at least.
const A_FILE: u64 = 4096;

/// What a card would take at one place.
pub(super) struct Need<'a> {
    pub(super) volume: &'a Volume,
    pub(super) folder: &'a Path,
    pub(super) files: u64,
    pub(super) bytes: u64,
}

impl Room {
    /// Takes room for a card at all of its places, or for none of it: then gives why.
    pub(super) fn take_all(&mut self, needs: &[Need<'_>]) -> Result<(), String> {
        let mut left = self.0.clone();
        for need in needs {
            let Some(there) = need.folder.ancestors().find(|folder| folder.is_dir()) else {
                continue;
            };
            let free = match left.get(&need.volume.identity) {
                Some(free) => *free,
                // Where a system does not say, the copying finds out.
                None => match fs4::available_space(there) {
                    Ok(free) => free.saturating_sub(RESERVE),
                    Err(_) => continue,
                },
            };
            let wanted = need.bytes.saturating_add(need.files.saturating_mul(A_FILE));
            let Some(rest) = free.checked_sub(wanted) else {
                return Err(format!(
                    "it needs {} on {}, where {} are free",
                    Bytes(wanted),
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
