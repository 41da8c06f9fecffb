//! Physical device of a volume, and the number of parallel readers it can serve.

use std::sync::Arc;
#[cfg(target_os = "linux")]
use std::{fs, path::Path};

/// A physical device, or the server of a share.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Drive {
    /// Name that is unique while the device is connected: a disk (`sda`), a server or a mount
    /// point.
    pub name: Arc<str>,
    /// Kind of device.
    pub kind: DriveKind,
}

/// Kind of device; decides how many parallel readers it can serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DriveKind {
    /// Spinning disk: additional readers make the head seek.
    Spinning,
    /// Card or stick: one controller, one bus.
    Removable,
    /// Flash storage or memory.
    Solid,
    /// Share: each request waits for the network, so parallel requests are faster.
    Network,
    /// Kind that the system does not report.
    Unknown,
}

/// Minimum number of parallel readers on a share.
const NETWORK_READERS: usize = 4;

impl DriveKind {
    /// Returns the number of parallel readers, given `jobs` worker threads.
    #[must_use]
    pub fn readers(self, jobs: usize) -> usize {
        match self {
            Self::Spinning | Self::Removable => 1,
            Self::Solid | Self::Unknown => jobs,
            Self::Network => jobs.max(NETWORK_READERS),
        }
    }

    /// Returns the kind as text for the user.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Spinning => "spinning disk",
            Self::Removable => "card or stick",
            Self::Solid => "solid state",
            Self::Network => "network",
            Self::Unknown => "unknown",
        }
    }
}

impl Drive {
    /// Returns an unknown device.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            name: "".into(),
            kind: DriveKind::Unknown,
        }
    }

    /// Returns the server of a share. All shares of a server use one connection.
    pub(super) fn share(device: &str) -> Self {
        let server = device.trim_start_matches('/').split(['/', ':']).next();
        Self {
            name: server.unwrap_or(device).into(),
            kind: DriveKind::Network,
        }
    }

    /// Returns a separate device of unknown kind.
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.into(),
            kind: DriveKind::Unknown,
        }
    }

    /// Returns the disk of a block device, given its folder in `sysfs`.
    #[cfg(target_os = "linux")]
    pub(super) fn of_block(device: &Path) -> Self {
        let mut folder = device.to_owned();
        if folder.join("partition").exists() {
            folder.pop();
        }
        // For encryption, a RAID or a volume group, the first underlying disk decides.
        for _ in 0..4 {
            let below = fs::read_dir(folder.join("slaves")).into_iter().flatten();
            let Some(lower) = below.flatten().next() else {
                break;
            };
            let Ok(lower) = fs::canonicalize(lower.path()) else {
                break;
            };
            folder = lower;
            if folder.join("partition").exists() {
                folder.pop();
            }
        }
        let is_set =
            |file: &str| fs::read_to_string(folder.join(file)).is_ok_and(|text| text.trim() == "1");
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        // All disks of a virtual machine report that they are spinning.
        let is_virtual = ["vd", "xvd", "loop", "nbd", "zram"]
            .iter()
            .any(|prefix| name.starts_with(prefix));
        let kind = if is_virtual {
            DriveKind::Unknown
        } else if is_set("removable") || name.starts_with("mmcblk") {
            DriveKind::Removable
        } else if is_set("queue/rotational") {
            DriveKind::Spinning
        } else {
            DriveKind::Solid
        };
        Self {
            name: name.into(),
            kind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_one_server_are_one_drive() {
        let server = Drive::share("nas:/export/a");
        assert_eq!(server, Drive::share("//nas/b"));
        assert_eq!(server.kind.readers(2), 4);
        assert_eq!(Drive::named("zfs").kind, DriveKind::Unknown);
    }

    #[test]
    fn spinning_and_removable_disks_get_one_reader() {
        assert_eq!(DriveKind::Spinning.readers(8), 1);
        assert_eq!(DriveKind::Removable.readers(8), 1);
        assert_eq!(DriveKind::Solid.readers(8), 8);
    }
}
