//! The serial numbers of the disks under a volume: they tell a clone from its original,
//! which no filesystem does.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::system::line;

/// Devices upon devices (a volume group in a LUKS container on a RAID) are not deeper.
const DEEPEST: usize = 6;

/// Where a disk, a card or a controller says its number, the disk's own before any that its
/// enclosure may have given it.
const PLACES: &[&str] = &[
    "device/wwid",
    "wwid",
    "device/cid",
    "device/serial",
    "serial",
];

/// The number of the disk that a block device is, or is a part of; of all disks below it,
/// sorted and joined by `+`, when it lies on several. `folder` is the device's own in `sysfs`.
pub(super) fn serial(folder: &Path) -> Option<String> {
    serials([folder.to_owned()])
}

/// The numbers of several devices, such as those of one btrfs.
pub(super) fn serials(folders: impl IntoIterator<Item = PathBuf>) -> Option<String> {
    let mut serials = BTreeSet::new();
    for folder in folders {
        collect(&folder, DEEPEST, &mut serials);
    }
    // A disk that says nothing may be one of another array, too.
    let serials: Option<Vec<String>> = serials.into_iter().collect();
    let serials = serials.filter(|serials| !serials.is_empty())?;
    Some(serials.join("+"))
}

/// Adds the number of each disk below a device, or that one of them says none.
fn collect(folder: &Path, depth: usize, serials: &mut BTreeSet<Option<String>>) {
    let disk = if folder.join("partition").exists() {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    };
    let below: Vec<PathBuf> = fs::read_dir(disk.join("slaves"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| fs::canonicalize(entry.path()).ok())
        .collect();
    if !below.is_empty() {
        // A ring ends where it is too deep.
        for lower in below.iter().filter(|_| depth > 0) {
            collect(lower, depth - 1, serials);
        }
        return;
    }
    serials.insert(own_serial(disk));
}

fn own_serial(disk: &Path) -> Option<String> {
    PLACES
        .iter()
        .find_map(|place| told(&disk.join(place)))
        .or_else(|| usb_serial(disk))
}

/// A USB device further up: the one that says who made it.
fn usb_serial(disk: &Path) -> Option<String> {
    disk.ancestors()
        .skip(1)
        .find(|folder| folder.join("idVendor").exists())
        .and_then(|folder| told(&folder.join("serial")))
}

/// A number; those of one repeated sign are what makers of cheap bridges leave there.
fn told(file: &Path) -> Option<String> {
    let serial = line(file)?;
    let signs: Vec<u8> = serial.bytes().filter(u8::is_ascii_alphanumeric).collect();
    let is_said = match signs[..] {
        [] | [b'0'] => false,
        [_] => true,
        [first, ..] => signs.iter().any(|&sign| sign != first),
    };
    is_said.then_some(serial)
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
    fn disks_cards_and_sticks_say_their_numbers() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, "ata/sda/device/wwid", "t10.ATA     Disk   WD-1\n");
        write(root, "ata/sda/sda1/partition", "1\n");
        write(root, "card/mmcblk0/device/serial", "0x12345678\n");
        write(root, "nvme0n1/wwid", "eui.0025\n");
        write(root, "usb1/1-2/idVendor", "0781\n");
        write(root, "usb1/1-2/serial", "4C530001\n");
        write(root, "usb1/1-2/host6/sdb/device/vendor", "SanDisk\n");
        write(root, "loop0/size", "8\n");
        write(root, "cheap/device/serial", "00000000\n");
        for (folder, number) in [
            ("ata/sda", Some("t10.ATA Disk WD-1")),
            ("ata/sda/sda1", Some("t10.ATA Disk WD-1")),
            ("card/mmcblk0", Some("0x12345678")),
            ("nvme0n1", Some("eui.0025")),
            ("usb1/1-2/host6/sdb", Some("4C530001")),
            ("loop0", None),
            ("cheap", None),
        ] {
            assert_eq!(serial(&root.join(folder)).as_deref(), number, "{folder}");
        }
    }

    #[test]
    fn a_raid_is_all_its_disks() {
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
        // A ring of devices ends too.
        std::os::unix::fs::symlink(root.join("dm-0"), root.join("md0/slaves/dm-0")).unwrap();
        assert_eq!(serial(&root.join("dm-0")).as_deref(), Some("naa.1+naa.2"));
    }
}
