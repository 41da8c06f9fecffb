//! Converts mounts reported by the system into volumes.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::drive::Drive;
use super::mounted_volume::Volume;
use super::system_tables::System;
use super::{filesystem_kind, marker_file};

/// Mount as reported by the system.
#[derive(Debug, Clone)]
pub(super) struct MountEntry {
    pub(super) point: PathBuf,
    /// Folder of the filesystem that is mounted; empty for the root.
    pub(super) root: PathBuf,
    /// Filesystem type.
    pub(super) kind: String,
    /// Device or address: `/dev/sda1`, `nas:/export`.
    pub(super) source: String,
    /// Device number, such as `8:1`; distinguishes mounted filesystems.
    pub(super) number: String,
    /// Options of the filesystem, separated by commas; empty if the system does not report them.
    pub(super) options: String,
    pub(super) device: Device,
}

/// Facts about a device that are available without access to its filesystem.
#[derive(Debug, Clone, Default)]
pub(super) struct Device {
    pub(super) uuid: Option<String>,
    pub(super) label: Option<String>,
    pub(super) hardware: Option<String>,
    pub(super) drive: Option<Drive>,
    /// First sector and number of sectors of its partition.
    pub(super) extent: Option<String>,
    /// True if one of its disks is in memory.
    pub(super) is_in_memory: bool,
    /// Backing files of its loop devices.
    pub(super) images: Vec<PathBuf>,
}

/// Converts mounts into volumes.
pub(super) fn volumes(system: &System, mounts: Vec<MountEntry>) -> Vec<Volume> {
    let unqueried: Vec<PathBuf> = mounts
        .iter()
        .filter(|mount| !may_query(mount))
        .map(|mount| mount.point.clone())
        .collect();
    let is_below_unqueried = |point: &Path| {
        let mut unqueried = unqueried.iter();
        unqueried.any(|other| point != other && point.starts_with(other))
    };
    let mut marks: HashMap<String, String> = HashMap::new();
    let mut volumes: Vec<Volume> = Vec::with_capacity(mounts.len());
    for mount in mounts {
        let is_queried = may_query(&mount) && !is_below_unqueried(&mount.point);
        if is_queried && mount.device.uuid.is_none() && mount.root.as_os_str().is_empty() {
            let found = marker_file::read(&system.path(&mount.point));
            marks.extend(found.map(|mark| (mount.number.clone(), mark)));
        }
        volumes.push(volume(system, mount, is_queried));
    }
    // A marker in the root also identifies folders of the volume that are mounted elsewhere.
    for volume in &mut volumes {
        if let Some(mark) = marks.get(&volume.number) {
            volume.base.clone_from(mark);
            volume.identity.clone_from(mark);
        }
    }
    volumes
}

/// Returns true if access to the root of the mount cannot block on another computer or a tool.
fn may_query(mount: &MountEntry) -> bool {
    filesystem_kind::is_local(&mount.kind) && !filesystem_kind::is_share(&mount.kind, &mount.source)
}

fn volume(system: &System, mount: MountEntry, is_queried: bool) -> Volume {
    let root_path = system.path(&mount.point);
    let size = is_queried
        .then(|| fs4::total_space(&root_path).ok())
        .flatten();
    let (label, is_label_own) = label(&mount);
    let base = if let Some(uuid) = &mount.device.uuid {
        format!("uuid:{uuid}")
    } else if filesystem_kind::is_virtual(&mount.kind) {
        // Each mount is a separate volume, because many have the same source.
        format!("{}:{}", mount.kind, mount.point.display())
    } else if filesystem_kind::is_named_share(&mount.kind) {
        format!("share:{}", mount.source)
    } else if filesystem_kind::is_local(&mount.kind) {
        let birth = is_queried.then(|| creation_time(&root_path)).flatten();
        label_identity(&label, size.unwrap_or(0), birth)
    } else {
        // The source identifies the dataset of a pool or the share.
        format!("{}:{}", mount.kind, mount.source)
    };
    Volume {
        identity: base.clone(),
        base,
        label,
        is_label_own,
        size: size.filter(|&bytes| bytes > 0),
        hardware: mount.device.hardware,
        extent: mount.device.extent,
        is_in_memory: mount.device.is_in_memory,
        images: mount.device.images,
        drive: mount
            .device
            .drive
            .unwrap_or_else(|| Drive::named(&mount.source)),
        mount: mount.point,
        root: mount.root,
        kind: mount.kind,
        source: mount.source,
        number: mount.number,
    }
}

impl Volume {
    /// Returns the identity that the volume had before its uuid was readable or a marker was
    /// written; a catalogue may still use it. Returns `None` if the volume never had such an
    /// identity.
    #[must_use]
    pub fn identity_by_label(&self) -> Option<String> {
        let size = self.size.filter(|_| !self.is_share())?;
        Some(label_identity(
            &mount_point_name(&self.mount),
            size,
            creation_time(&self.mount),
        ))
    }

    /// Returns the size of the filesystem and the creation time of its root, if they are stable:
    /// `SIZE:SECONDS`, each empty if unknown. Returns `None` for shares, and if only a folder is
    /// mounted.
    #[must_use]
    pub fn creation_key(&self) -> Option<String> {
        if self.is_share() || !self.root.as_os_str().is_empty() {
            return None;
        }
        let is_fixed = filesystem_kind::has_fixed_size(&self.kind);
        let size = self.size.filter(|_| is_fixed);
        // Some filesystems, such as exFAT, report the mount time as the root's creation time.
        let is_stored = filesystem_kind::keeps_birth(&self.kind);
        let created = is_stored.then(|| creation_time(&self.mount)).flatten();
        let shown =
            |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
        Some(format!("{}:{}", shown(size), shown(created)))
    }
}

/// Returns the identity `label:LABEL:SIZE:BIRTH`. Two cards with equal label and size differ in the
/// second in which they were formatted.
fn label_identity(label: &str, size: u64, birth: Option<u64>) -> String {
    format!("label:{label}:{size}:{}", birth.unwrap_or(0))
}

/// Returns the creation time of the root folder in Unix seconds.
fn creation_time(root: &Path) -> Option<u64> {
    let birth = fs::metadata(root).ok()?.created().ok()?;
    Some(birth.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

/// Returns the label, and true if it is the volume's own: the label of the filesystem or the name
/// of a share. Otherwise the label is the last folder of the mount point, or `system disk`.
fn label(mount: &MountEntry) -> (String, bool) {
    let own = mount.device.label.clone();
    if let Some(own) = own.filter(|label| !label.trim().is_empty()) {
        return (own, true);
    }
    if filesystem_kind::is_share(&mount.kind, &mount.source) {
        let name = mount.source.trim_end_matches(['/', '\\']);
        let name = name.rsplit(['/', '\\', ':']).next();
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            return (name.to_owned(), true);
        }
    }
    (mount_point_name(&mount.point), false)
}

/// Returns the last folder of a mount point.
fn mount_point_name(point: &Path) -> String {
    point.file_name().map_or_else(
        || "system disk".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}
