//! Serial numbers of the disks underlying a volume. They distinguish a clone from its original,
//! which is impossible by the filesystem alone. Also detects disks in memory.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::system_tables::line;
use crate::block_device::underlying_disks;

/// Files in `sysfs` that store serial numbers. Numbers of the disk itself precede numbers that its
/// enclosure may have assigned.
const SERIAL_FILES: &[&str] = &[
    "device/wwid",
    "wwid",
    "device/cid",
    "device/serial",
    "serial",
];

/// Returns the serial number of the disk of a block device. For several disks, the numbers are
/// sorted and joined by `+`. `folder` is the device's folder in `sysfs`.
pub(super) fn serial(folder: &Path) -> Option<String> {
    serials([folder.to_owned()])
}

/// Returns the serial numbers of several devices, such as those of one btrfs filesystem.
pub(super) fn serials(folders: impl IntoIterator<Item = PathBuf>) -> Option<String> {
    let mut serials = BTreeSet::new();
    for disk in folders
        .into_iter()
        .flat_map(|folder| underlying_disks(&folder))
    {
        // A disk without a serial number makes the result ambiguous: it may also be part of another
        // array.
        serials.extend(own_serials(&disk)?);
    }
    let serials: Vec<String> = serials.into_iter().collect();
    (!serials.is_empty()).then(|| serials.join("+"))
}

/// Returns true for RAM disks and compressed memory.
pub(super) fn is_memory(disk: &Path) -> bool {
    let name = disk.file_name().unwrap_or_default().to_string_lossy();
    let is_numbered = |prefix: &str| {
        let number = name.strip_prefix(prefix);
        number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    ["ram", "zram", "nullb"].into_iter().any(is_numbered)
}

/// Returns the first sector and the number of sectors of a partition or disk: `2048+1953521664`.
/// Returns `None` for devices built from other devices.
pub(super) fn extent(folder: &Path) -> Option<String> {
    let below = fs::read_dir(folder.join("slaves"));
    below
        .map_or(true, |mut below| below.next().is_none())
        .then_some(())?;
    let start = line(&folder.join("start")).unwrap_or_else(|| "0".to_owned());
    Some(format!("{start}+{}", line(&folder.join("size"))?))
}

/// Returns the serial numbers of a disk, and those of a larger device that it is a part of.
fn own_serials(disk: &Path) -> Option<BTreeSet<String>> {
    let mut serials = BTreeSet::new();
    // All namespaces of an NVMe controller or subsystem belong to one device.
    let is_nvme = disk
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with("nvme"));
    if is_nvme {
        serials.extend(read_serial(&disk.join("device/serial")));
    }
    let own = SERIAL_FILES
        .iter()
        .find_map(|file| read_serial(&disk.join(file)))
        .or_else(|| usb_serial(disk));
    serials.extend(own.iter().filter_map(|own| array_id(own)));
    serials.extend(iscsi_target(disk));
    serials.extend(own);
    (!serials.is_empty()).then_some(serials)
}

/// Returns the common part of the serial numbers of one array's logical units. SPC-4, NAA IEEE
/// Registered Extended (type 6): only the second half differs between units.
fn array_id(serial: &str) -> Option<String> {
    let digits = serial.strip_prefix("naa.")?;
    let is_extended = digits.len() == 32 && digits.starts_with('6');
    is_extended.then(|| format!("array.{}", digits.get(..16).unwrap_or(digits)))
}

/// Returns the iSCSI target of a disk.
fn iscsi_target(disk: &Path) -> Option<String> {
    let mut above = disk.ancestors();
    let session = above.find(|folder| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let number = name.strip_prefix("session");
        number.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    })?;
    let name = session.file_name()?;
    read_serial(&session.join("iscsi_session").join(name).join("targetname"))
}

/// Returns the serial number of the nearest parent USB device, recognized by its vendor id.
fn usb_serial(disk: &Path) -> Option<String> {
    disk.ancestors()
        .skip(1)
        .find(|folder| folder.join("idVendor").exists())
        .and_then(|folder| read_serial(&folder.join("serial")))
}

/// Reads a serial number. Ignores numbers of one repeated character, which cheap bridges report.
fn read_serial(file: &Path) -> Option<String> {
    let serial = line(file)?;
    let characters: Vec<u8> = serial.bytes().filter(u8::is_ascii_alphanumeric).collect();
    let is_valid = match characters[..] {
        [] | [b'0'] => false,
        [_] => true,
        [first, ..] => characters.iter().any(|&character| character != first),
    };
    is_valid.then_some(serial)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn write(root: &Path, file: &str, text: &str) {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn reads_serial_numbers_of_disks_cards_and_sticks() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, "ata/sda/device/wwid", "t10.ATA     Disk   WD-1\n");
        write(root, "ata/sda/sda1/partition", "1\n");
        write(root, "card/mmcblk0/device/serial", "0x12345678\n");
        for (namespace, number) in [("nvme0n1", "eui.0025\n"), ("nvme0n2", "eui.0026\n")] {
            write(root, &format!("{namespace}/wwid"), number);
            write(root, &format!("{namespace}/device/serial"), "S5\n");
        }
        write(root, "usb1/1-2/idVendor", "0781\n");
        write(root, "usb1/1-2/serial", "4C530001\n");
        write(root, "usb1/1-2/host6/sdb/device/vendor", "SanDisk\n");
        write(root, "loop0/size", "8\n");
        write(root, "cheap/device/serial", "00000000\n");
        for (folder, number) in [
            ("ata/sda", Some("t10.ATA Disk WD-1")),
            ("ata/sda/sda1", Some("t10.ATA Disk WD-1")),
            ("card/mmcblk0", Some("0x12345678")),
            ("nvme0n1", Some("S5+eui.0025")),
            ("nvme0n2", Some("S5+eui.0026")),
            ("usb1/1-2/host6/sdb", Some("4C530001")),
            ("loop0", None),
            ("cheap", None),
        ] {
            assert_eq!(serial(&root.join(folder)).as_deref(), number, "{folder}");
        }
    }

    #[test]
    fn units_of_one_array_and_of_one_target_are_one_device() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let number = |unit: &str| format!("naa.60a98000646e6c51{unit}");
        let session = "host3/session1";
        for (unit, digits) in [("sda", "0000000000000001"), ("sdb", "0000000000000002")] {
            let folder = format!("{session}/target3:0:0/block/{unit}");
            write(root, &format!("{folder}/device/wwid"), &number(digits));
        }
        let target = format!("{session}/iscsi_session/session1/targetname");
        write(root, &target, "iqn.2026-01.example:rushes\n");
        let serials_of = |unit: &str| {
            let folder = format!("{session}/target3:0:0/block/{unit}");
            serial(&root.join(folder)).unwrap()
        };
        let shared = "array.60a98000646e6c51+iqn.2026-01.example:rushes+naa.60a98000646e6c51";
        assert_eq!(serials_of("sda"), format!("{shared}0000000000000001"));
        assert_eq!(serials_of("sdb"), format!("{shared}0000000000000002"));
    }

    #[test]
    fn detects_disks_in_memory_and_backing_files() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for memory in ["ram0", "zram12"] {
            assert!(is_memory(&root.join(memory)), "{memory}");
        }
        for disk in ["sda", "ramdisk", "zram1p1", "loop0"] {
            assert!(!is_memory(&root.join(disk)), "{disk}");
        }
        write(root, "loop0/loop/backing_file", "/media/SHELF 7/a.img\n");
        write(root, "loop1/loop/backing_file", "/tmp/b.img (deleted)\n");
        let file = |disk: &str| crate::block_device::backing_file(&root.join(disk));
        assert_eq!(file("loop0"), Some(PathBuf::from("/media/SHELF 7/a.img")));
        assert_eq!(file("loop1"), Some(PathBuf::from("/tmp/b.img")));
        assert_eq!(file("sda"), None);
    }

    #[test]
    fn a_partition_is_identified_by_its_sectors() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, "sda/size", "2000\n");
        write(root, "sda/sda1/start", "64\n");
        write(root, "sda/sda1/size", "1936\n");
        assert_eq!(extent(&root.join("sda")).as_deref(), Some("0+2000"));
        assert_eq!(extent(&root.join("sda/sda1")).as_deref(), Some("64+1936"));
        assert_eq!(extent(&root.join("sdb")), None);
    }

    #[test]
    fn a_raid_has_the_serial_numbers_of_all_its_disks() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, "sda/device/wwid", "naa.2");
        write(root, "sda/sda1/partition", "1");
        write(root, "sdb/device/wwid", "naa.1");
        write(root, "md0/size", "8");
        write(root, "dm-0/size", "8");
        for (upper, lower) in [("md0", "sda/sda1"), ("md0", "sdb"), ("dm-0", "md0")] {
            let slaves = root.join(upper).join("slaves");
            fs::create_dir_all(&slaves).unwrap();
            let name = Path::new(lower).file_name().unwrap();
            std::os::unix::fs::symlink(root.join(lower), slaves.join(name)).unwrap();
        }
        assert_eq!(serial(&root.join("dm-0")).as_deref(), Some("naa.1+naa.2"));
        // A cycle of devices does not cause an endless loop.
        std::os::unix::fs::symlink(root.join("dm-0"), root.join("md0/slaves/dm-0")).unwrap();
        assert_eq!(serial(&root.join("dm-0")).as_deref(), Some("naa.1+naa.2"));
    }
}
