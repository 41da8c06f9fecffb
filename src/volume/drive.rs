//! The physical device under a volume, and how many may read from it at a time.

use std::sync::Arc;
#[cfg(target_os = "linux")]
use std::{fs, path::Path};

/// A physical device, or the server of a share.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Drive {
    /// What tells it from others now: `sda`, a server, a mount.
    pub name: Arc<str>,
    /// What kind it is.
    pub kind: DriveKind,
}

/// Kinds of devices, by what many readers at once do to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DriveKind {
    /// A spinning disk: each further reader makes its head jump.
    Spinning,
    /// A card or stick: one controller, one bus.
    Removable,
    /// Flash inside, or memory.
    Solid,
    /// A share: each answer is a wait, so several questions at once pay.
    Network,
    /// Nobody is_set.
    Unknown,
}

/// Shares are asked at least so many questions at once.
const NETWORK_READERS: usize = 4;

impl DriveKind {
    /// How many may read at a time, of `jobs` that could.
    #[must_use]
    pub fn readers(self, jobs: usize) -> usize {
        match self {
            Self::Spinning | Self::Removable => 1,
            Self::Solid | Self::Unknown => jobs,
            Self::Network => jobs.max(NETWORK_READERS),
        }
    }

    /// One word for people.
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
    /// A device of which nothing is known.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            name: "".into(),
            kind: DriveKind::Unknown,
        }
    }

    /// A share, by its server: all shares of one server hang on one wire.
    pub(super) fn share(device: &str) -> Self {
        let server = device.trim_start_matches('/').split(['/', ':']).next();
        Self {
            name: server.unwrap_or(device).into(),
            kind: DriveKind::Network,
        }
    }

    /// A device of its own, of which nothing is known.
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.into(),
            kind: DriveKind::Unknown,
        }
    }

    /// The disk that a block device is, or is a part of, as its folder in `sysfs` tells it.
    #[cfg(target_os = "linux")]
    pub(super) fn of_block(device: &Path) -> Self {
        let mut folder = device.to_owned();
        if folder.join("partition").exists() {
            folder.pop();
        }
        // Encrypted, in a RAID or a volume group: the first disk below decides.
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
        // A virtual machine's disks all say that they spin.
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
    fn shares_of_one_server_are_one_drive_and_files_are_none() {
        let server = Drive::share("nas:/export/a");
        assert_eq!(server, Drive::share("//nas/b"));
        assert_eq!(server.kind.readers(2), 4);
        assert_eq!(Drive::named("zfs").kind, DriveKind::Unknown);
    }

    #[test]
    fn one_reader_is_enough_for_a_head_or_a_bus() {
        assert_eq!(DriveKind::Spinning.readers(8), 1);
        assert_eq!(DriveKind::Removable.readers(8), 1);
        assert_eq!(DriveKind::Solid.readers(8), 8);
    }
}
