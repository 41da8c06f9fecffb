//! Disks that are plugged in, mounted or not, with the filesystems on their partitions: whether the disk of a volume
//! that is not mounted still holds it.

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

/// A disk that is plugged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectedDisk {
    /// Its serial numbers, joined by `+` as those of a [`super::Volume`].
    pub hardware: String,
    /// Itself and its partitions.
    parts: Vec<DiskPart>,
}

/// A disk as a whole, or one of its partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DiskPart {
    extent: String,
    /// The uuid of the filesystem on it; empty where there is none; `None` where that may not be read.
    uuid: Option<String>,
}

impl Volumes {
    /// All disks that tell a serial number; none where this is not known of the system.
    #[must_use]
    pub fn connected_disks() -> Vec<ConnectedDisk> {
        #[cfg(target_os = "linux")]
        return all(&System::local());
        #[cfg(not(target_os = "linux"))]
        Vec::new()
    }
}

impl ConnectedDisk {
    /// Whether a filesystem of that uuid is on it.
    #[must_use]
    pub fn holds(&self, uuid: Option<&str>) -> bool {
        let mut parts = self.parts.iter();
        uuid.is_some() && parts.any(|part| part.uuid.as_deref() == uuid)
    }

    /// Whether it surely does not hold a volume any more that was on it: by its uuid, and by its partition's first sector
    /// and number of sectors where these were recorded.
    #[must_use]
    pub fn lacks(&self, uuid: Option<&str>, extent: Option<&str>) -> bool {
        if self.holds(uuid) {
            return false;
        }
        // It was not on a partition alone, or where it was is not known: in a container, or on a RAID, it is not seen here.
        let Some(extent) = extent else {
            return false;
        };
        let place = self.parts.iter().find(|part| part.extent == extent);
        place.is_none_or(|part| uuid.is_some() && part.uuid.is_some())
    }
}

#[cfg(target_os = "linux")]
fn all(system: &System) -> Vec<ConnectedDisk> {
    let links = Links::read(system);
    let entries = fs::read_dir(system.path("/sys/block"));
    let folders = entries.into_iter().flatten().flatten();
    let folders = folders.filter_map(|entry| fs::canonicalize(entry.path()).ok());
    let disks = folders.filter_map(|folder| {
        // What is made of other disks is found on them.
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
        // Who may read it sees that there is none.
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
    fn a_disk_lacks_what_another_filesystem_took_the_place_of() {
        let new = disk(&[("0+2000", None), ("64+1936", Some("new"))]);
        assert!(new.lacks(Some("old"), Some("64+1936")));
        assert!(!new.lacks(Some("new"), Some("64+1936")));
        // Resized, moved: its uuid is there.
        assert!(!new.lacks(Some("new"), Some("64+900")));
    }

    #[test]
    fn a_disk_lacks_what_its_partition_table_has_no_place_for() {
        let new = disk(&[("0+2000", None), ("2048+500", None)]);
        assert!(new.lacks(Some("old"), Some("64+1936")));
        assert!(new.lacks(None, Some("64+1936")));
    }

    #[test]
    fn what_nobody_may_read_is_not_taken_for_another() {
        let locked = disk(&[("0+2000", None), ("64+1936", None)]);
        assert!(!locked.lacks(Some("old"), Some("64+1936")));
        assert!(!locked.lacks(Some("old"), None));
        let read = disk(&[("0+2000", Some("a")), ("64+1936", Some("b"))]);
        // In a container, such as LUKS, whose own uuid this is.
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
        let found = all(&System::at(root.path()));
        assert_eq!(
            found,
            [disk(&[("0+2000", None), ("64+1936", Some("abcd"))])]
        );
    }
}
