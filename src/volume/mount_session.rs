//! Mount sessions: detects whether a volume was unmounted since an earlier check.

use std::collections::BTreeSet;
use std::fmt;

use super::Volumes;

/// Mounts of a volume at one point in time, as seen in one mount namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountKey {
    boot: String,
    namespace: String,
    /// Mount ids (statx(2)). They are never reused since Linux 6.8; older kernels may reuse them.
    ids: BTreeSet<u64>,
}

/// Mount state of a volume between two checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MountChange {
    /// Stayed mounted.
    Mounted,
    /// Was unmounted, or the computer was restarted.
    Unmounted,
    /// Unknown, because the checks ran in different namespaces, where ids differ.
    Unknown,
}

impl MountKey {
    /// Parses the output of [`fmt::Display`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let (boot, namespace, ids) = (parts.next()?, parts.next()?, parts.next()?);
        let ids: Option<BTreeSet<u64>> = ids.split(',').map(|id| id.parse().ok()).collect();
        Some(Self {
            boot: boot.to_owned(),
            namespace: namespace.to_owned(),
            ids: ids?,
        })
    }

    /// Compares the mounts with those of an earlier check. Additional mounts, such as bind mounts,
    /// do not start a new session while one of the earlier mounts remains.
    #[must_use]
    pub fn since(&self, before: &Self) -> MountChange {
        if self.boot != before.boot {
            MountChange::Unmounted
        } else if self.namespace != before.namespace {
            MountChange::Unknown
        } else if self.ids.is_disjoint(&before.ids) {
            MountChange::Unmounted
        } else {
            MountChange::Mounted
        }
    }
}

impl fmt::Display for MountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<String> = self.ids.iter().map(u64::to_string).collect();
        write!(f, "{} {} {}", self.boot, self.namespace, ids.join(","))
    }
}

impl Volumes {
    /// Returns the mounts of a volume whose own cache is dropped on unmounting. Returns `None` for
    /// other volumes, or if the mount ids are unknown.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn mount_key(&self, identity: &str) -> Option<MountKey> {
        use super::linux::namespace;
        use crate::machine::{boot_id, mount_id};
        let all = self.all.iter();
        let mounts = all
            .filter(|volume| volume.identity == identity && volume.is_cache_dropped_on_unmount());
        let ids: Option<BTreeSet<u64>> = mounts.map(|volume| mount_id(&volume.mount)).collect();
        Some(MountKey {
            ids: ids.filter(|ids| !ids.is_empty())?,
            boot: boot_id()?,
            namespace: namespace()?,
        })
    }

    /// Returns `None`, because this system does not number its mounts.
    #[cfg(not(target_os = "linux"))]
    #[must_use]
    pub fn mount_key(&self, _identity: &str) -> Option<MountKey> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> MountKey {
        let key = MountKey::parse(text).unwrap();
        assert_eq!(key.to_string(), text);
        key
    }

    #[test]
    fn a_volume_was_unmounted_if_no_earlier_mount_remains() {
        let before = key("boot-1 mnt:[1] 7,9");
        for (now, between) in [
            ("boot-1 mnt:[1] 7,9", MountChange::Mounted),
            ("boot-1 mnt:[1] 9", MountChange::Mounted),
            ("boot-1 mnt:[1] 7,9,12", MountChange::Mounted),
            ("boot-1 mnt:[1] 12", MountChange::Unmounted),
            ("boot-1 mnt:[2] 12", MountChange::Unknown),
            ("boot-2 mnt:[1] 7,9", MountChange::Unmounted),
        ] {
            assert_eq!(key(now).since(&before), between, "{now}");
        }
        for malformed in ["", "boot-1", "boot-1 mnt:[1] ", "boot-1 mnt:[1] x"] {
            assert_eq!(MountKey::parse(malformed), None, "{malformed}");
        }
    }
}
