//! A mounted volume and the properties of its filesystem.

use std::path::PathBuf;

use super::drive::Drive;
use super::filesystem_kind;

/// A mounted volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Identity: `uuid:…`, `mark:…`, `share:host:/export`, or `label:` with label, size and
    /// creation time. A clone has the suffix `@…`.
    pub identity: String,
    /// Label shown to the user.
    pub label: String,
    /// True if the label is stored in the filesystem or is the name of the share; false if it is
    /// the last folder of the mount point.
    pub is_label_own: bool,
    /// Mount point.
    pub mount: PathBuf,
    /// Capacity in bytes; `None` for filesystems where querying it could block.
    pub size: Option<u64>,
    /// Serial number of its disk, or `server:` and the host of a share.
    pub hardware: Option<String>,
    /// Filesystem type; empty if the system does not report it.
    pub kind: String,
    /// Physical device or server of the volume.
    pub drive: Drive,
    /// First sector and number of sectors of its partition.
    pub extent: Option<String>,
    /// Folder of the filesystem that is mounted. Empty for the root; set for bind mounts and
    /// subvolumes.
    pub(super) root: PathBuf,
    /// True if one of its disks is in memory.
    pub(super) is_in_memory: bool,
    /// Image files on other filesystems that serve as its disks.
    pub(super) images: Vec<PathBuf>,
    /// Identity without the suffix of a clone.
    pub(super) base: String,
    /// Device or address in the mount table.
    pub(super) source: String,
    /// Device number; distinguishes mounted filesystems.
    pub(super) number: String,
}

impl Volume {
    /// Returns a volume that is not mounted, for tests of other modules.
    #[cfg(test)]
    pub(crate) fn fake(identity: &str, mount: &str) -> Self {
        Self {
            identity: identity.to_owned(),
            label: identity.to_owned(),
            is_label_own: true,
            mount: PathBuf::from(mount),
            size: None,
            hardware: None,
            kind: "ext4".to_owned(),
            drive: Drive::named(identity),
            extent: None,
            root: PathBuf::new(),
            is_in_memory: false,
            images: Vec::new(),
            base: identity.to_owned(),
            source: identity.to_owned(),
            number: identity.to_owned(),
        }
    }

    /// Returns true for network shares and for folders of a virtual machine's host.
    #[must_use]
    pub fn is_share(&self) -> bool {
        filesystem_kind::is_share(&self.kind, &self.source)
    }

    /// Returns true if the volume shows files of other filesystems.
    pub(super) fn is_view(&self) -> bool {
        filesystem_kind::is_view(&self.kind, &self.source, &self.number)
    }

    /// Returns true if the filesystem has its own cache, which can answer reads instead of the
    /// medium.
    #[must_use]
    pub fn has_own_cache(&self) -> bool {
        filesystem_kind::has_own_cache(&self.kind)
    }

    /// Returns true if unmounting drops the cache that direct I/O does not bypass.
    #[must_use]
    pub fn is_cache_dropped_on_unmount(&self) -> bool {
        filesystem_kind::is_cache_dropped_on_unmount(&self.kind)
    }

    /// Returns true if the ctime of a file changes with every write and cannot be set.
    #[must_use]
    pub fn keeps_ctime(&self) -> bool {
        filesystem_kind::keeps_ctime(&self.kind)
    }

    /// Returns true if an unchanged stamp, including the ctime, proves that a file was not written.
    /// This includes NTFS through FUSE, which stores a ctime, but not exFAT, whose ctime is the
    /// modification time.
    #[must_use]
    pub fn detects_writes_by_ctime(&self) -> bool {
        filesystem_kind::detects_writes_by_ctime(&self.kind)
    }

    /// Returns true if files on this volume get their times from this machine's clock.
    #[must_use]
    pub fn uses_local_clock(&self) -> bool {
        !self.is_share() && filesystem_kind::uses_local_clock(&self.kind)
    }

    /// Returns true if files on this volume keep their inode numbers.
    #[must_use]
    pub fn has_stable_inodes(&self) -> bool {
        filesystem_kind::has_stable_inodes(&self.kind)
    }
}
