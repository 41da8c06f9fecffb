//! Clones: filesystems with the same identity because one is a byte-for-byte copy of the other.
//! They are distinguished by their disks, or by their mount points if the disks do not differ.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use super::Volume;

/// Facts recorded when a volume was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownVolume {
    /// Recorded identity; for a clone, that of the original followed by `@` and a suffix.
    pub identity: String,
    /// Last mount point.
    pub mount: PathBuf,
    /// Serial number of its disk; `None` if unknown.
    pub hardware: Option<String>,
}

/// Mounted filesystem: one or more mounts of one device.
struct Filesystem {
    /// Device numbers; a share has one for each of its mounts.
    numbers: Vec<String>,
    hardware: Option<String>,
    mounts: Vec<PathBuf>,
    identity: Option<String>,
}

/// Assigns the identity of each volume. Returns the mount points of clones, each with that of its
/// original.
pub(super) fn distinguish_clones(
    volumes: &mut [Volume],
    known: &[KnownVolume],
) -> Vec<(PathBuf, PathBuf)> {
    let mut clones = Vec::new();
    for (base, mut filesystems) in by_identity(volumes) {
        clones.extend(assign_identities(&base, &mut filesystems, known));
        for filesystem in filesystems {
            let members = volumes.iter_mut().filter(|volume| {
                volume.base == base && filesystem.numbers.contains(&volume.number)
            });
            for volume in members {
                volume.identity = filesystem.identity.clone().unwrap_or_else(|| base.clone());
            }
        }
    }
    clones.sort();
    clones
}

/// Groups filesystems by identity, sorted by device number.
fn by_identity(volumes: &[Volume]) -> BTreeMap<String, Vec<Filesystem>> {
    let mut order: Vec<&Volume> = volumes.iter().collect();
    // The mount of the whole filesystem comes before the mounts of its folders.
    order.sort_by_key(|volume| (ordinal(&volume.number), volume.root.as_os_str().len()));
    let mut all: BTreeMap<String, Vec<Filesystem>> = BTreeMap::new();
    for volume in order {
        let filesystems = all.entry(volume.base.clone()).or_default();
        match filesystems.last_mut() {
            // A share is one filesystem, even if mounted several times.
            Some(last)
                if last.numbers.contains(&volume.number) || volume.base.starts_with("share:") =>
            {
                last.numbers.push(volume.number.clone());
                last.mounts.push(volume.mount.clone());
            }
            _ => filesystems.push(Filesystem {
                numbers: vec![volume.number.clone()],
                hardware: volume.hardware.clone(),
                mounts: vec![volume.mount.clone()],
                identity: None,
            }),
        }
    }
    all
}

/// Returns a sort key that orders `8:17` after `8:2`.
fn ordinal(number: &str) -> (Vec<u64>, &str) {
    let parts = number.split(':').map_while(|part| part.parse().ok());
    (parts.collect(), number)
}

fn assign_identities(
    base: &str,
    filesystems: &mut [Filesystem],
    known: &[KnownVolume],
) -> Vec<(PathBuf, PathBuf)> {
    let original = known.iter().find(|known| known.identity == base);
    recognize_clones(base, filesystems, known, original);
    let keeper = find_keeper(filesystems, original);
    let mut taken: HashSet<String> = filesystems
        .iter()
        .filter_map(|filesystem| filesystem.identity.clone())
        .collect();
    let keeper_hardware = keeper.map(|at| {
        filesystems[at].identity = Some(base.to_owned());
        filesystems[at].hardware.clone()
    });
    let keeper_hardware = keeper_hardware.flatten();
    for filesystem in &mut *filesystems {
        if filesystem.identity.is_none() {
            let name = filesystem.choose_name(base, keeper_hardware.as_deref(), &taken);
            taken.insert(name.clone());
            filesystem.identity = Some(name);
        }
    }
    // All others are clones of the filesystem that keeps the identity, or of the first if none
    // keeps it.
    let first = keeper.unwrap_or(0);
    let from = filesystems
        .get(first)
        .and_then(Filesystem::mount)
        .map(Path::to_owned);
    let others = filesystems
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != first);
    others
        .filter_map(|(_, other)| Some((other.mount()?.to_owned(), from.clone()?)))
        .collect()
}

/// Assigns the recorded identities of clones. A clone is recognized by its disk, or by its mount
/// point if the original has the same disk.
fn recognize_clones(
    base: &str,
    filesystems: &mut [Filesystem],
    known: &[KnownVolume],
    original: Option<&KnownVolume>,
) {
    let clones = known.iter().filter(|known| {
        let suffix = known.identity.strip_prefix(base);
        suffix.is_some_and(|rest| rest.starts_with('@'))
    });
    for clone in clones {
        let is_same_disk = |filesystem: &Filesystem| {
            clone.hardware.is_some() && filesystem.hardware == clone.hardware
        };
        let is_original_disk = original.is_some_and(|original| original.hardware == clone.hardware);
        let is_original_mount = |filesystem: &Filesystem| {
            original.is_some_and(|original| filesystem.is_at(&original.mount))
        };
        let position = filesystems.iter().position(|filesystem| {
            filesystem.identity.is_none()
                && if is_same_disk(filesystem) && !is_original_disk {
                    true
                } else {
                    filesystem.hardware == clone.hardware
                        && filesystem.is_at(&clone.mount)
                        && !is_original_mount(filesystem)
                }
        });
        if let Some(at) = position {
            filesystems[at].identity = Some(clone.identity.clone());
        }
    }
}

/// Returns the index of the filesystem that keeps the identity. Prefers the recorded disk, then the
/// recorded mount point, then the first filesystem.
fn find_keeper(filesystems: &[Filesystem], original: Option<&KnownVolume>) -> Option<usize> {
    let closeness = |filesystem: &Filesystem| {
        let Some(original) = original else {
            return (false, false);
        };
        let is_disk = original.hardware.is_some() && original.hardware == filesystem.hardware;
        (is_disk, filesystem.is_at(&original.mount))
    };
    let unnamed = filesystems.iter().enumerate();
    unnamed
        .filter(|(_, filesystem)| filesystem.identity.is_none())
        .min_by_key(|(_, filesystem)| Reverse(closeness(filesystem)))
        .map(|(at, _)| at)
}

impl Filesystem {
    fn mount(&self) -> Option<&Path> {
        self.mounts.first().map(PathBuf::as_path)
    }

    fn is_at(&self, mount: &Path) -> bool {
        self.mounts.iter().any(|own| own == mount)
    }

    /// Returns an unused identity, with the disk, the mount point, or the mount point and the
    /// device number as suffix.
    fn choose_name(
        &self,
        base: &str,
        keeper_hardware: Option<&str>,
        taken: &HashSet<String>,
    ) -> String {
        let by_disk = self
            .hardware
            .as_deref()
            .filter(|own| Some(*own) != keeper_hardware);
        let by_disk = by_disk.map(|hardware| format!("{base}@{hardware}"));
        let mount = self.mount().unwrap_or(Path::new("")).display();
        let by_mount = format!("{base}@{mount}");
        let names = by_disk.into_iter().chain([by_mount]);
        names
            .into_iter()
            .find(|name| !taken.contains(name))
            .unwrap_or_else(|| format!("{base}@{mount}@{}", self.numbers.join("+")))
    }
}
