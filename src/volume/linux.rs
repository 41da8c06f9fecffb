//! Linux: reads the mount table, and facts about mounted devices from udev, `sysfs` and the
//! filesystems.
//!
//! The kernel can return the uuid of a mounted filesystem (`FS_IOC_GETFSUUID`, since 6.9). But no
//! maintained crate wraps this call safely, and this crate forbids unsafe code. So the uuid and the
//! label come from udev's links, udev's database, `sysfs` (btrfs) or the superblock, in this order.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::net::{IpAddr, UdpSocket};
use std::path::{Path, PathBuf};

use rustix::fs::statvfs;

use super::Drive;
use super::identity::{Device, MountEntry};
use super::system_tables::{System, line};
use super::udev::{Links, udev_names};
use super::{filesystem_kind, serials, superblock};
use crate::value::unescape;

/// Lists reachable mounts in mount order, without mounts that are covered by others.
pub(super) fn read_mounts(system: &System) -> Vec<MountEntry> {
    let links = OnceCell::new();
    let mut devices: HashMap<String, Device> = HashMap::new();
    let mut mounts = mounts(&system.table("/proc/self/mountinfo"));
    for mount in &mut mounts {
        mount.device = devices
            .entry(mount.number.clone())
            .or_insert_with(|| {
                let links = || links.get_or_init(|| Links::read(system));
                device(system, mount, &links)
            })
            .clone();
    }
    mounts
}

/// Parses `/proc/self/mountinfo` (proc(5)). Fields are separated by spaces; special bytes are octal
/// escapes.
fn mounts(table: &[u8]) -> Vec<MountEntry> {
    let all: Vec<MountInfoLine> = table
        .split(|&byte| byte == b'\n')
        .filter_map(MountInfoLine::parse)
        .collect();
    let parents: HashMap<u64, u64> = all.iter().map(|mount| (mount.id, mount.parent)).collect();
    let is_within = |mount: &MountInfoLine, other: &MountInfoLine| {
        let mut id = mount.id;
        // The chain ends at a mount that is its own parent, or whose parent is not in the table.
        for _ in 0..all.len() {
            match parents.get(&id) {
                Some(parent) if *parent == other.id => return true,
                Some(parent) if *parent != id => id = *parent,
                _ => return false,
            }
        }
        false
    };
    // Only the last mount on a mount point is reachable. Mounts below a mount point that was
    // covered later are not reachable.
    let mut points: HashMap<&Path, Vec<usize>> = HashMap::new();
    for (at, mount) in all.iter().enumerate() {
        points.entry(&mount.entry.point).or_default().push(at);
    }
    let is_reached = |at: usize| {
        let mount = &all[at];
        let above = mount.entry.point.ancestors();
        let mut others = above.filter_map(|point| points.get(point)).flatten();
        !others.any(|&other| other > at && !is_within(mount, &all[other]))
    };
    let reached: Vec<bool> = (0..all.len()).map(is_reached).collect();
    let reached = all
        .into_iter()
        .zip(reached)
        .filter(|(_, is_reached)| *is_reached);
    reached.map(|(mount, _)| mount.entry).collect()
}

/// Line of the mount table.
struct MountInfoLine {
    id: u64,
    parent: u64,
    entry: MountEntry,
}

impl MountInfoLine {
    fn parse(line: &[u8]) -> Option<Self> {
        let fields: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
        let dash = fields.iter().position(|field| field == b"-")?;
        let text = |at: usize| Some(String::from_utf8_lossy(fields.get(at)?).into_owned());
        let root = unescape(fields.get(3)?, b"\\", 8);
        Some(Self {
            id: text(0)?.parse().ok()?,
            parent: text(1)?.parse().ok()?,
            entry: MountEntry {
                point: unescape(fields.get(4)?, b"\\", 8).into(),
                root: Path::new(&root).strip_prefix("/").ok()?.to_owned(),
                kind: text(dash + 1)?,
                source: unescape(fields.get(dash + 2)?, b"\\", 8)
                    .to_string_lossy()
                    .into_owned(),
                number: text(2)?,
                options: text(dash + 3).unwrap_or_default(),
                device: Device::default(),
            },
        })
    }
}

/// Collects facts about the device of a mount.
fn device<'a>(system: &System, mount: &MountEntry, links: &dyn Fn() -> &'a Links) -> Device {
    if filesystem_kind::is_share(&mount.kind, &mount.source) {
        return Device {
            drive: Some(Drive::share(&mount.source)),
            hardware: server(mount),
            ..Device::default()
        };
    }
    let Some(number) = block_number(system, mount) else {
        return Device::default();
    };
    let folder = system.linked(format!("/sys/dev/block/{number}"));
    let name = block_name(mount, folder.as_deref());
    let disks = folder
        .as_deref()
        .map(crate::block_device::underlying_disks)
        .unwrap_or_default();
    let mut device = Device {
        uuid: links().uuids.get(&name).cloned(),
        label: links().labels.get(&name).cloned(),
        drive: folder.as_deref().map(Drive::of_block),
        hardware: folder.as_deref().and_then(serials::serial),
        extent: folder.as_deref().and_then(serials::extent),
        is_in_memory: disks.iter().any(|disk| is_lost(system, disk)),
        images: disks
            .iter()
            .filter_map(|disk| crate::block_device::backing_file(disk))
            .collect(),
    };
    if device.uuid.is_none() || device.label.is_none() {
        let (uuid, label) = udev_names(system, &number);
        device.uuid = device.uuid.or(uuid);
        device.label = device.label.or(label);
    }
    if mount.kind == "btrfs" {
        read_btrfs(system, mount, &name, &mut device);
    }
    if device.uuid.is_none() {
        let named = open_block(system, mount, &number)
            .and_then(|mut device| superblock::read(&mut device, &mount.kind));
        let named = named.unwrap_or_default();
        device.uuid = named.uuid;
        device.label = device.label.or(named.label);
    }
    device.uuid = device.uuid.filter(|uuid| !is_zero(uuid));
    device
}

/// Returns true if the content of a disk is lost on unmounting, because it is in memory or in a
/// file that is no longer at its path.
fn is_lost(system: &System, disk: &Path) -> bool {
    let image = crate::block_device::backing_file(disk);
    serials::is_memory(disk)
        || image
            .is_some_and(|image| !crate::block_device::is_backing_file(disk, &system.path(image)))
}

/// Returns the server of a share, named as in its source; `server:localhost` if its address is one
/// of this computer.
fn server(mount: &MountEntry) -> Option<String> {
    let host = filesystem_kind::server(&mount.kind, &mount.source)?;
    let mut options = mount.options.split(',');
    let address = options.find_map(|option| option.strip_prefix("addr="));
    let address = address.and_then(|address| address.parse::<IpAddr>().ok());
    // Binding succeeds only for an address of this computer.
    let is_own = address.is_some_and(|address| UdpSocket::bind((address, 0)).is_ok());
    let host = if is_own { "localhost" } else { host };
    Some(format!("server:{host}"))
}

/// Returns true for a uuid that was never set.
fn is_zero(uuid: &str) -> bool {
    uuid.bytes().all(|byte| matches!(byte, b'0' | b'-'))
}

/// Returns the number of the mounted block device. A filesystem with a virtual number (btrfs) is
/// looked up by its device node. The name alone is not sufficient, because a FUSE program can write
/// any name into the mount table.
fn block_number(system: &System, mount: &MountEntry) -> Option<String> {
    if !mount.number.starts_with("0:") {
        return Some(mount.number.clone());
    }
    let is_own = matches!(mount.kind.as_str(), "btrfs" | "bcachefs");
    is_own.then(|| system.block_number(&mount.source))?
}

fn block_name(mount: &MountEntry, folder: Option<&Path>) -> OsString {
    let name = |path: &Path| path.file_name().map(ToOwned::to_owned);
    folder
        .and_then(name)
        .or_else(|| name(Path::new(&mount.source)))
        .unwrap_or_default()
}

/// Returns the mount namespace of this process: `mnt:[4026531841]`.
pub(super) fn namespace() -> Option<String> {
    let link = fs::read_link("/proc/self/ns/mnt").ok()?;
    Some(link.to_string_lossy().replace(char::is_whitespace, ""))
}

/// Reads `/sys/fs/btrfs/UUID/devices/sda1`. A btrfs filesystem uses all devices listed there: those
/// of a RAID, and those of the seed that it was created from. The mount table may name the device
/// of the seed, whose superblock contains the seed's uuid.
fn read_btrfs(system: &System, mount: &MountEntry, name: &OsString, device: &mut Device) {
    let entries = fs::read_dir(system.path("/sys/fs/btrfs"));
    let folders = entries.into_iter().flatten().flatten();
    let folders = folders.map(|entry| entry.path());
    let is_on = |folder: &PathBuf| fs::symlink_metadata(folder.join("devices").join(name)).is_ok();
    let mut matches: Vec<PathBuf> = folders.filter(is_on).collect();
    // Both the seed and the filesystem created from it are mounted.
    if matches.len() > 1 && system.is_local() {
        let is_match = |folder: &&PathBuf| is_btrfs_at(folder, &mount.point);
        let certain: Vec<PathBuf> = matches.iter().filter(is_match).cloned().collect();
        matches = if certain.is_empty() { matches } else { certain };
    }
    if let [folder] = &matches[..] {
        let uuid = folder
            .file_name()
            .map(|uuid| uuid.to_string_lossy().into_owned());
        device.uuid = uuid.or(device.uuid.take());
        device.label = device.label.take().or_else(|| line(&folder.join("label")));
    }
    let devices = matches
        .iter()
        .map(|folder| fs::read_dir(folder.join("devices")));
    let devices = devices.flatten().flatten().flatten();
    let devices: Vec<PathBuf> = devices
        .filter_map(|entry| fs::canonicalize(entry.path()).ok())
        .collect();
    for disk in devices
        .iter()
        .flat_map(|folder| crate::block_device::underlying_disks(folder))
    {
        device.is_in_memory |= is_lost(system, &disk);
        device
            .images
            .extend(crate::block_device::backing_file(&disk));
    }
    if !matches.is_empty() {
        device.hardware = serials::serials(devices);
    }
}

/// Returns true if the btrfs filesystem of a `sysfs` folder is the one mounted at `point`. The
/// first half of the filesystem id (statfs(2)) depends on the uuid alone, the second half also on
/// the subvolume.
fn is_btrfs_at(folder: &Path, point: &Path) -> bool {
    let uuid = folder.file_name().unwrap_or_default().to_string_lossy();
    let digits = uuid.replace('-', "");
    let word = |at: usize| u32::from_str_radix(digits.get(at..at + 8)?, 16).ok();
    let id = word(0).zip(word(16)).map(|(a, b)| a ^ b);
    let found = statvfs(point).ok();
    let found = found.and_then(|found| u32::try_from(found.f_fsid & u64::from(u32::MAX)).ok());
    id.is_some() && id == found
}

/// Opens the device read-only, if permitted.
fn open_block(system: &System, mount: &MountEntry, number: &str) -> Option<File> {
    let path = system.path(&mount.source);
    let is_match = if system.is_local() {
        system.block_number(&mount.source).as_deref() == Some(number)
    } else {
        path.is_file()
    };
    is_match.then(|| File::open(path).ok())?
}
