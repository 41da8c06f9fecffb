//! Checks that a destination is on a drive, rather than on the system disk below the mount point of
//! an unmounted drive, in memory, or on a kernel filesystem.
//!
//! The mount point of an unmounted drive is an empty folder on the system disk. A copy written there
//! seems to be on the drive, fills the system disk, and is hidden when the drive is mounted.

use std::fs;
use std::path::{Path, PathBuf};

use crate::catalogue::Catalogue;
use crate::error::{Error, escape};
use crate::offload::filesystem;
use crate::value::unescape;
use crate::volume::{Volume, Volumes, is_kernel_filesystem, is_memory_filesystem};

/// Folders in which systems and users mount drives.
const MOUNT_FOLDERS: [&str; 4] = ["/mnt", "/media", "/run/media", "/Volumes"];
/// Mount points of kernel filesystems, which store no files.
const KERNEL_FOLDERS: [&str; 3] = ["/proc", "/sys", "/dev"];
/// Shared memory: the exception below [`KERNEL_FOLDERS`] that stores files.
const SHARED_MEMORY: &str = "/dev/shm";

/// Suitability of a folder as a destination.
pub(super) enum Suitability {
    Usable,
    /// Usable with a warning: message and hint.
    Warning(String, String),
    /// Not usable: reason and hint.
    Refused(String, String),
}

/// Known mount points, mounted or not.
pub(super) struct MountPoints {
    /// Mount points from `/etc/fstab`, automounts and the catalogue.
    points: Vec<PathBuf>,
    /// Current mounts of all kinds, with their filesystem types.
    mounted: Vec<(PathBuf, String)>,
    is_system_disk_allowed: bool,
}

impl MountPoints {
    /// Reads mount points from the system's mount tables and from the catalogue.
    pub(super) fn read(
        catalogue: Option<&Catalogue>,
        is_system_disk_allowed: bool,
    ) -> Result<Self, Error> {
        let table = |path: &str| fs::read(path).unwrap_or_default();
        let mut mount_points = Self::parse(&table("/etc/fstab"), &table("/proc/self/mountinfo"));
        if let Some(catalogue) = catalogue {
            let rows = catalogue.seen_volumes()?.into_iter();
            let known = rows
                .map(|row| row.mount)
                .filter(|mount| mount.parent().is_some());
            mount_points.points.extend(known);
        }
        mount_points.is_system_disk_allowed = is_system_disk_allowed;
        Ok(mount_points)
    }

    fn parse(fstab: &[u8], mountinfo: &[u8]) -> Self {
        let lines = |table: &[u8]| -> Vec<Vec<Vec<u8>>> {
            let lines = table.split(|&byte| byte == b'\n');
            let fields = |line: &[u8]| {
                let fields = line.split(u8::is_ascii_whitespace);
                let fields = fields.filter(|field| !field.is_empty());
                fields.map(<[u8]>::to_vec).collect::<Vec<_>>()
            };
            lines.map(fields).collect()
        };
        // fstab(5): the fields are device, mount point, …; a swap area has the mount point `none`.
        let fstab = lines(fstab);
        let points = fstab
            .iter()
            .filter(|fields| fields.first().is_some_and(|field| !field.starts_with(b"#")))
            .filter_map(|fields| Some(decode_path(fields.get(1)?)));
        let mut points: Vec<PathBuf> = points
            .filter(|point| point.is_absolute() && point.parent().is_some())
            .collect();
        // proc(5): the fifth field is the mount point; the filesystem type follows a dash.
        let mountinfo = lines(mountinfo);
        let mounted = mountinfo.iter().filter_map(|fields| {
            let dash = fields.iter().position(|field| field == b"-")?;
            let kind = String::from_utf8_lossy(fields.get(dash + 1)?).into_owned();
            Some((decode_path(fields.get(4)?), kind))
        });
        let (automounts, mounted): (Vec<_>, Vec<_>) =
            mounted.partition(|(_, kind)| kind == "autofs");
        points.extend(automounts.into_iter().map(|(point, _)| point));
        Self {
            points,
            mounted,
            is_system_disk_allowed: false,
        }
    }

    /// Checks a destination. `typed` is its path as typed, `folder` the path with links resolved.
    pub(super) fn check(&self, typed: &Path, folder: &Path, volumes: &Volumes) -> Suitability {
        let shown = || escape(&folder.to_string_lossy());
        let kind = self.kind(folder);
        if is_below_kernel_folder(folder) || kind.is_some_and(is_kernel_filesystem) {
            return Suitability::Refused(
                format!("{} is a kernel filesystem and stores no files", shown()),
                "use a folder on a drive".to_owned(),
            );
        }
        let (volume, _) = volumes.locate(folder);
        let point = [typed, folder]
            .into_iter()
            .find_map(|path| self.unmounted_point(path, &volume));
        if let Some(point) = point
            && !self.is_system_disk_allowed
            && is_on_system_disk(folder)
        {
            let label = Some(&volume.label).filter(|_| volume.is_label_own);
            return Suitability::Refused(
                format!(
                    "no drive is mounted for {}: it is below {} but on the system disk{}",
                    shown(),
                    escape(&point.to_string_lossy()),
                    label.map_or_else(String::new, |label| format!(" ({})", escape(label)))
                ),
                "mount the drive, or use `--allow-system-disk`".to_owned(),
            );
        }
        if kind.is_some_and(is_memory_filesystem) {
            return Suitability::Warning(
                format!(
                    "{} is in memory: copies there are lost at shutdown",
                    shown()
                ),
                "`btsindex safe` never counts them; also copy to a drive".to_owned(),
            );
        }
        Suitability::Usable
    }

    /// Returns the filesystem type of a path: the type of the deepest mount above it. If several
    /// are mounted there, the last one counts.
    fn kind(&self, path: &Path) -> Option<&str> {
        let above = self
            .mounted
            .iter()
            .filter(|(point, _)| path.starts_with(point));
        let deepest = above.max_by_key(|(point, _)| point.as_os_str().len())?;
        Some(&deepest.1)
    }

    /// Returns the deepest known mount point at or above a path that has no drive mounted: the path's
    /// volume is mounted further up.
    fn unmounted_point<'a>(&'a self, path: &Path, volume: &Volume) -> Option<&'a Path> {
        let points = self.points.iter().map(PathBuf::as_path);
        let points = points.chain(MOUNT_FOLDERS.iter().map(Path::new));
        points
            .filter(|point| path.starts_with(point) && !volume.mount.starts_with(point))
            .max_by_key(|point| point.as_os_str().len())
    }
}

fn is_below_kernel_folder(folder: &Path) -> bool {
    let is_below = |root: &&str| folder.starts_with(root);
    KERNEL_FOLDERS.iter().any(is_below) && !is_below(&SHARED_MEMORY)
}

/// Returns true if a folder is on the same filesystem as `/`, `/run`, the folder for temporary
/// files, or the user's home.
#[cfg(unix)]
fn is_on_system_disk(folder: &Path) -> bool {
    let home = std::env::home_dir();
    let system = [
        PathBuf::from("/"),
        std::env::temp_dir(),
        PathBuf::from("/run"),
    ];
    let on = filesystem(folder);
    system
        .into_iter()
        .chain(home)
        .any(|part| filesystem(&part) == on)
}

/// Returns true if the filesystem is unknown. Drives have letters on Windows, so an unmounted drive
/// has no folder on the system disk.
#[cfg(not(unix))]
fn is_on_system_disk(folder: &Path) -> bool {
    filesystem(folder).is_none()
}

/// Decodes a path in a mount table, in which special bytes are octal: `\040` is a space.
fn decode_path(field: &[u8]) -> PathBuf {
    unescape(field, b"\\", 8).into()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const FSTAB: &[u8] = b"# /dev/sdz1 /commented ext4\nUUID=1 / ext4 defaults 0 1\n\
        LABEL=RAID\t/srv/raid\text4 noauto 0 0\nUUID=2 none swap sw 0 0\n\
        /dev/sdb1 /srv/two\\040words xfs\n\ngarbage\n//nas/x /srv/raid/nas cifs\n\xff\xfe /srv/\xff ext4\n";
    const MOUNTINFO: &[u8] = b"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
        23 22 0:5 / /proc rw - proc proc rw\n24 22 0:30 / /srv/auto rw - autofs systemd-1 rw\n\
        25 22 0:31 / /srv/memory rw shared:1 - tmpfs tmpfs rw\n26 22 0:6 / /odd rw - devtmpfs udev rw\nshort\n";

    fn refusal(path: &str) -> Option<String> {
        // The paths do not exist, so they count as being on the system disk.
        let mount_points = MountPoints::parse(FSTAB, MOUNTINFO);
        let path = Path::new(path);
        match mount_points.check(path, path, &Volumes::mounted()) {
            Suitability::Refused(reason, _) => Some(reason),
            Suitability::Warning(..) | Suitability::Usable => None,
        }
    }

    #[test]
    fn refuses_a_folder_below_a_mount_point_without_a_drive() {
        for (path, point) in [
            ("/srv/raid/A001", "/srv/raid"),
            ("/srv/raid", "/srv/raid"),
            ("/srv/raid/nas/day", "/srv/raid/nas"),
            ("/srv/two words/day", "/srv/two words"),
            ("/srv/auto/disk", "/srv/auto"),
            ("/media/nobody/DISK/day", "/media"),
            ("/mnt/raid/day", "/mnt"),
        ] {
            let reason = refusal(path).unwrap_or_else(|| panic!("{path}"));
            assert!(
                reason.contains(&format!("below {point} but on")),
                "{reason}"
            );
        }
        for path in [
            "/srv/raid2",
            "/commented",
            "/tmp/x/to",
            "/none",
            "/home/kim/Footage",
        ] {
            assert_eq!(refusal(path), None, "{path}");
        }
    }

    #[test]
    fn refuses_kernel_folders_and_warns_about_memory() {
        for path in ["/proc/x", "/sys/fs/cgroup/x", "/dev/x", "/odd/x"] {
            let reason = refusal(path).unwrap_or_else(|| panic!("{path}"));
            assert!(reason.contains("kernel filesystem"), "{reason}");
        }
        let mount_points = MountPoints::parse(FSTAB, MOUNTINFO);
        let path = Path::new("/srv/memory/x");
        let suitability = mount_points.check(path, path, &Volumes::mounted());
        assert!(matches!(suitability, Suitability::Warning(..)));
        assert_eq!(refusal("/dev/shm/x"), None);
    }

    #[test]
    fn allows_the_system_disk_on_request() {
        let mut mount_points = MountPoints::parse(FSTAB, MOUNTINFO);
        mount_points.is_system_disk_allowed = true;
        let path = Path::new("/srv/raid/A001");
        let suitability = mount_points.check(path, path, &Volumes::mounted());
        assert!(matches!(suitability, Suitability::Usable));
    }
}
