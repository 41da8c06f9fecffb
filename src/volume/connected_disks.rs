//! Connected disks and the filesystems on their partitions, mounted or not. They show whether the
//! disk of an unmounted volume still contains it.

#[cfg(target_os = "linux")]
use std::fs::{self, File};
#[cfg(target_os = "linux")]
use std::path::Path;

use super::Volumes;
#[cfg(target_os = "linux")]
use super::system_tables::{System, line};
#[cfg(target_os = "linux")]
use super::udev::{Links, udev_names};
#[cfg(target_os = "linux")]
use super::{serials, superblock};

/// Disk that is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectedDisk {
    /// Serial numbers, joined by `+` like those of a [`super::Volume`].
    pub hardware: String,
    /// The whole disk, then its partitions.
    parts: Vec<DiskPart>,
}

/// Whole disk, or one of its partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DiskPart {
    extent: String,
    /// Uuid of the filesystem; empty if there is none, `None` if reading is not permitted.
    uuid: Option<String>,
}

impl Volumes {
    /// Lists all disks that report a serial number; empty on unsupported systems.
    #[must_use]
    pub fn connected_disks() -> Vec<ConnectedDisk> {
        #[cfg(target_os = "linux")]
        return all(&System::local());
        #[cfg(not(target_os = "linux"))]
        Vec::new()
    }
}

impl ConnectedDisk {
    /// Returns true if the disk contains a filesystem with this uuid.
    #[must_use]
    pub fn holds(&self, uuid: Option<&str>) -> bool {
        let mut parts = self.parts.iter();
        uuid.is_some() && parts.any(|part| part.uuid.as_deref() == uuid)
    }

    /// Returns true if the disk certainly no longer contains a volume. Checks the uuid, and the
    /// first sector and size recorded for its partition.
    #[must_use]
    pub fn lacks(&self, uuid: Option<&str>, extent: Option<&str>) -> bool {
        if self.holds(uuid) {
            return false;
        }
        // The volume was not directly on a partition, or its partition is unknown. It may be inside
        // a container or a RAID, which is not listed here.
        let Some(extent) = extent else {
            return false;
        };
        let partition = self.parts.iter().find(|part| part.extent == extent);
        partition.is_none_or(|part| uuid.is_some() && part.uuid.is_some())
    }
}

#[cfg(target_os = "linux")]
fn all(system: &System) -> Vec<ConnectedDisk> {
    let links = Links::read(system);
    let entries = fs::read_dir(system.path("/sys/block"));
    let folders = entries.into_iter().flatten().flatten();
    let folders = folders.filter_map(|entry| fs::canonicalize(entry.path()).ok());
    let disks = folders.filter_map(|folder| {
        // Devices built from other devices are covered by their disks.
        let is_whole = crate::block_device::underlying_disks(&folder) == [folder.clone()];
        let hardware = is_whole.then(|| serials::serial(&folder))??;
        let inner = fs::read_dir(&folder).into_iter().flatten().flatten();
        let inner = inner.map(|entry| entry.path());
        let partitions = inner.filter(|path| path.join("partition").exists());
        let parts = std::iter::once(folder.clone()).chain(partitions);
        let parts = parts.filter_map(|folder| part(system, &links, &folder));
        Some(ConnectedDisk {
            hardware,
            parts: parts.collect(),
        })
    });
    disks.collect()
}

#[cfg(target_os = "linux")]
fn part(system: &System, links: &Links, folder: &Path) -> Option<DiskPart> {
    let name = folder.file_name()?;
    let known = links.uuids.get(name).cloned();
    let recorded = || udev_names(system, &line(&folder.join("dev"))?).0;
    let read = || {
        let mut device = File::open(system.path(Path::new("/dev").join(name))).ok()?;
        // With read permission, no result means that there is no filesystem.
        Some(
            superblock::read_any_kind(&mut device)
                .and_then(|named| named.uuid)
                .unwrap_or_default(),
        )
    };
    Some(DiskPart {
        extent: serials::extent(folder)?,
        uuid: known.or_else(recorded).or_else(read),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(parts: &[(&str, Option<&str>)]) -> ConnectedDisk {
        let parts = parts.iter().map(|(extent, uuid)| DiskPart {
            extent: (*extent).to_owned(),
            uuid: uuid.map(str::to_owned),
        });
        ConnectedDisk {
            hardware: "WD-1".to_owned(),
            parts: parts.collect(),
        }
    }

    #[test]
    fn a_disk_lacks_a_filesystem_that_was_replaced() {
        let new = disk(&[("0+2000", None), ("64+1936", Some("new"))]);
        assert!(new.lacks(Some("old"), Some("64+1936")));
        assert!(!new.lacks(Some("new"), Some("64+1936")));
        // The partition was resized or moved, but its uuid still exists.
        assert!(!new.lacks(Some("new"), Some("64+900")));
    }

    #[test]
    fn a_disk_lacks_a_filesystem_without_its_partition() {
        let new = disk(&[("0+2000", None), ("2048+500", None)]);
        assert!(new.lacks(Some("old"), Some("64+1936")));
        assert!(new.lacks(None, Some("64+1936")));
    }

    #[test]
    fn an_unreadable_partition_is_not_confused_with_another() {
        let locked = disk(&[("0+2000", None), ("64+1936", None)]);
        assert!(!locked.lacks(Some("old"), Some("64+1936")));
        assert!(!locked.lacks(Some("old"), None));
        let read = disk(&[("0+2000", Some("a")), ("64+1936", Some("b"))]);
        // The uuid may be inside a container such as LUKS.
        assert!(!read.lacks(Some("old"), None));
        assert!(!read.lacks(None, None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn disks_of_the_system_are_listed_with_their_partitions() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("sys/devices/sda/device/wwid", "WD-1\n");
        write("sys/devices/sda/size", "2000\n");
        write("sys/devices/sda/sda1/partition", "1\n");
        write("sys/devices/sda/sda1/start", "64\n");
        write("sys/devices/sda/sda1/size", "1936\n");
        write("sys/devices/loop0/size", "8\n");
        write("dev/disk/by-label/x", "");
        fs::create_dir_all(root.path().join("sys/block")).unwrap();
        fs::create_dir_all(root.path().join("dev/disk/by-uuid")).unwrap();
        for name in ["sda", "loop0"] {
            let target = format!("../devices/{name}");
            std::os::unix::fs::symlink(target, root.path().join("sys/block").join(name)).unwrap();
        }
        let link = root.path().join("dev/disk/by-uuid/abcd");
        std::os::unix::fs::symlink("../../sda1", link).unwrap();
        let found = all(&System::in_folder(root.path()));
        assert_eq!(
            found,
            [disk(&[("0+2000", None), ("64+1936", Some("abcd"))])]
        );
    }
}
