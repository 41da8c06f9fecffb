//! Volumes: drives and shares that hold files, recognized wherever they are mounted.
//!
//! A volume is identified by the uuid of its filesystem, or by a marker file that the user allowed,
//! or by its label, size and creation time. A share is identified by its address. One file per
//! operating system reads the mounts; the code that interprets them is shared.

mod backing;
mod clones;
mod connected_disks;
mod drive;
mod filesystem_kind;
mod identity;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(test, target_os = "macos"))]
mod macos;
mod marker_file;
mod mount_session;
#[cfg(target_os = "linux")]
mod serials;
#[cfg(target_os = "linux")]
mod superblock;
mod system_tables;
#[cfg(any(test, target_os = "macos", windows))]
mod system_tool;
#[cfg(target_os = "linux")]
mod udev;
#[cfg(any(test, windows))]
mod windows;

#[cfg(all(test, target_os = "linux"))]
mod test_images;
#[cfg(all(test, target_os = "linux"))]
mod tests;

use std::path::{Component, Path, PathBuf, Prefix};

use system_tables::System;

pub use backing::{Backing, Image};
pub use clones::KnownVolume;
pub use connected_disks::ConnectedDisk;
pub use drive::{Drive, DriveKind};
pub use filesystem_kind::{is_memory as is_memory_filesystem, is_virtual as is_kernel_filesystem};
pub use marker_file::write_marker;
pub use mount_session::{MountChange, MountKey};

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
    root: PathBuf,
    /// True if one of its disks is in memory.
    is_in_memory: bool,
    /// Image files on other filesystems that serve as its disks.
    images: Vec<PathBuf>,
    /// Identity without the suffix of a clone.
    base: String,
    /// Device or address in the mount table.
    source: String,
    /// Device number; distinguishes mounted filesystems.
    number: String,
}

impl Volume {
    /// Returns true for network shares and for folders of a virtual machine's host.
    #[must_use]
    pub fn is_share(&self) -> bool {
        filesystem_kind::is_share(&self.kind, &self.source)
    }

    /// Returns true if the volume shows files of other filesystems.
    pub(super) fn is_view(&self) -> bool {
        filesystem_kind::is_view(&self.kind, &self.source, &self.number)
    }

    /// Returns the identity that the volume had before its uuid was readable or a marker was
    /// written; a catalogue may still use it. Returns `None` if the volume never had such an
    /// identity.
    #[must_use]
    pub fn identity_by_label(&self) -> Option<String> {
        let size = self.size.filter(|_| !self.is_share())?;
        Some(identity::label_identity(
            &identity::mount_point_name(&self.mount),
            size,
            identity::creation_time(&self.mount),
        ))
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

    /// Returns the size of the filesystem and the creation time of its root, if they are stable:
    /// `SIZE:SECONDS`, each empty if unknown. Returns `None` for shares, and if only a folder is
    /// mounted.
    #[must_use]
    pub fn creation_key(&self) -> Option<String> {
        if self.is_share() || !self.root.as_os_str().is_empty() {
            return None;
        }
        let is_fixed = filesystem_kind::is_local(&self.kind)
            && !matches!(self.kind.as_str(), "btrfs" | "apfs");
        let size = self.size.filter(|_| is_fixed);
        // Some filesystems, such as exFAT, report the mount time as the root's creation time.
        let is_stored = filesystem_kind::keeps_birth(&self.kind);
        let created = is_stored
            .then(|| identity::creation_time(&self.mount))
            .flatten();
        let shown =
            |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
        Some(format!("{}:{}", shown(size), shown(created)))
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
        self.keeps_ctime() || matches!(self.kind.as_str(), "fuseblk" | "tmpfs")
    }

    /// Returns true if files on this volume keep their inode numbers.
    #[must_use]
    pub fn has_stable_inodes(&self) -> bool {
        filesystem_kind::has_stable_inodes(&self.kind)
    }
}

/// Mounted volumes.
#[derive(Debug, Clone)]
pub struct Volumes {
    /// Sorted by mount point, longest first.
    all: Vec<Volume>,
    /// Mount points of clones, each with the mount point of the original.
    clones: Vec<(PathBuf, PathBuf)>,
}

impl Volumes {
    /// Reads the system's mount table.
    #[must_use]
    pub fn mounted() -> Self {
        #[cfg(target_os = "linux")]
        let mounts = linux::read_mounts(&System::local());
        #[cfg(target_os = "macos")]
        let mounts = macos::read_mounts();
        #[cfg(windows)]
        let mounts = windows::read_mounts();
        #[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
        let mounts = Vec::new();
        Self::new(&System::local(), mounts)
    }

    fn new(system: &System, mounts: Vec<identity::MountEntry>) -> Self {
        let mut all = identity::volumes(system, mounts);
        all.sort_by_key(|volume| std::cmp::Reverse(volume.mount.as_os_str().len()));
        let mut volumes = Self {
            all,
            clones: Vec::new(),
        };
        volumes.distinguish_clones(&[]);
        volumes
    }

    /// Assigns different identities to clones, based on the recorded facts about each volume. The
    /// clone on the recorded disk keeps the identity; otherwise the one at the recorded mount
    /// point, otherwise the first. The other clones get `IDENTITY@DISK` or `IDENTITY@MOUNT`, which
    /// stays the same when they are mounted again.
    pub fn distinguish_clones(&mut self, known: &[KnownVolume]) {
        self.clones = clones::distinguish_clones(&mut self.all, known);
    }

    /// Returns the mount points of clones, each with the mount point of the original.
    #[must_use]
    pub fn clones(&self) -> Vec<(PathBuf, PathBuf)> {
        self.clones.clone()
    }

    /// Returns the volume of an absolute path, and the path relative to the volume's root.
    #[must_use]
    pub fn locate(&self, path: &Path) -> (Volume, PathBuf) {
        if let Some((volume, inside)) = self.find(path) {
            return (volume.clone(), inside);
        }
        let root: PathBuf = path
            .components()
            .take_while(|part| !matches!(part, Component::Normal(_)))
            .collect();
        let inside = path.strip_prefix(&root).unwrap_or(path).to_owned();
        let label = root.to_string_lossy().into_owned();
        let volume = Volume {
            identity: format!("label:{label}"),
            base: format!("label:{label}"),
            is_label_own: false,
            size: None,
            hardware: None,
            kind: String::new(),
            drive: Drive::named(&label),
            source: label.clone(),
            number: label.clone(),
            label,
            mount: root,
            root: PathBuf::new(),
            extent: None,
            is_in_memory: false,
            images: Vec::new(),
        };
        (volume, inside)
    }

    fn find(&self, path: &Path) -> Option<(&Volume, PathBuf)> {
        self.all.iter().find_map(|volume| {
            let below = path.strip_prefix(&volume.mount).ok()?;
            Some((volume, volume.root.join(below)))
        })
    }

    /// Returns all volumes at or below `root`, each with the folder where the walk enters it.
    #[must_use]
    pub fn under(&self, root: &Path) -> Vec<(Volume, PathBuf)> {
        let mut under = vec![self.locate(root)];
        for volume in &self.all {
            if volume.mount.starts_with(root) && volume.mount != root {
                under.push((volume.clone(), volume.root.clone()));
            }
        }
        under
    }

    /// Returns true if the same filesystems as `then` are mounted at and below `root`. Identities
    /// of clones may differ.
    #[must_use]
    pub fn are_same_under(&self, then: &Self, root: &Path) -> bool {
        let under = |volumes: &Self| -> Vec<_> {
            let under = volumes.under(root).into_iter();
            under
                .map(|(volume, begin)| (volume.base, volume.number, volume.mount, begin))
                .collect()
        };
        under(self) == under(then)
    }

    /// Returns all mounted volumes, longest mount point first.
    #[must_use]
    pub fn all(&self) -> &[Volume] {
        &self.all
    }

    /// Returns the mount point of a volume; prefers a mount of its root.
    #[must_use]
    pub fn mount_of(&self, identity: &str) -> Option<PathBuf> {
        let mounts = || self.all.iter().filter(|volume| volume.identity == identity);
        let whole = mounts().find(|volume| volume.root.as_os_str().is_empty());
        whole
            .or_else(|| mounts().next())
            .map(|volume| volume.mount.clone())
    }

    /// Returns the device of a mounted volume.
    #[must_use]
    pub fn drive(&self, identity: &str) -> Option<Drive> {
        let volume = self.all.iter().find(|volume| volume.identity == identity)?;
        Some(volume.drive.clone())
    }

    /// Returns the current path of a file; `None` if its part of the volume is not mounted.
    #[must_use]
    pub fn path(&self, identity: &str, inside: &Path) -> Option<PathBuf> {
        self.all
            .iter()
            .filter(|volume| volume.identity == identity)
            .find_map(|volume| Some(volume.mount.join(inside.strip_prefix(&volume.root).ok()?)))
    }

    /// Returns the address of the share (`nas:/export`) of a path, which need not exist; links are
    /// followed. Returns `None` if it is on a disk of this computer.
    #[must_use]
    pub fn share_of(&self, path: &Path) -> Option<String> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        // A path that names a share is not accessed, since the server may not answer.
        if let Some(address) = self.share_at(&path) {
            return Some(address);
        }
        let existing = path.ancestors().find_map(|part| part.canonicalize().ok())?;
        self.share_at(&existing)
    }

    fn share_at(&self, path: &Path) -> Option<String> {
        if let Some(Component::Prefix(prefix)) = path.components().next()
            && let Prefix::UNC(server, share) | Prefix::VerbatimUNC(server, share) = prefix.kind()
        {
            let (server, share) = (server.to_string_lossy(), share.to_string_lossy());
            return Some(format!("//{server}/{share}"));
        }
        let (volume, _) = self.find(path)?;
        volume.is_share().then(|| volume.source.clone())
    }
}
