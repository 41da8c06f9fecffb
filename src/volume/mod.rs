//! Volumes: the drives and shares that files are on, known again wherever they are mounted.
//!
//! A volume is known by its filesystem's uuid, else by a mark that a person allowed, else by
//! label, size and birth; a share by its address. What a system tells of its mounts is read
//! in a file for each system; what follows from it is decided here, for all alike.

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
    /// What it is known by: `uuid:…`, `mark:…`, `share:host:/export`, or label, size and
    /// birth; with `@…` where it is a clone that was told apart.
    pub identity: String,
    /// What people call it.
    pub label: String,
    /// Whether that is the filesystem's own label or the share's name, not taken from the
    /// place where it is mounted.
    pub is_label_own: bool,
    /// Where it is mounted.
    pub mount: PathBuf,
    /// Bytes that it holds; `None` for what could keep us waiting.
    pub size: Option<u64>,
    /// The serial number of the disk it is on, or `server:` and the machine that shares it.
    pub hardware: Option<String>,
    /// The filesystem's type, as the system calls it; empty where it does not say.
    pub kind: String,
    /// The device it is on.
    pub drive: Drive,
    /// First sector and number of sectors of the partition that it fills.
    pub extent: Option<String>,
    /// Which of its folders is mounted there: its root, but for binds and subvolumes.
    root: PathBuf,
    /// Whether a disk that it is on is memory.
    is_in_memory: bool,
    /// Files of other filesystems that are its disks.
    images: Vec<PathBuf>,
    /// The identity, before clones were told apart.
    base: String,
    /// The device or address, as the mount table has it.
    source: String,
    /// Tells filesystems apart while they are mounted.
    number: String,
}

impl Volume {
    /// Whether another machine answers for it.
    #[must_use]
    pub fn is_share(&self) -> bool {
        filesystem_kind::is_share(&self.kind, &self.source)
    }

    /// Returns whether it shows files of other filesystems.
    pub(super) fn is_view(&self) -> bool {
        filesystem_kind::is_view(&self.kind, &self.source, &self.number)
    }

    /// What it was known by while nobody could tell its uuid, and it bore no mark; a catalogue
    /// may know it by that still. `None` for what never was known so.
    #[must_use]
    pub fn identity_by_label(&self) -> Option<String> {
        let size = self.size.filter(|_| !self.is_share())?;
        Some(identity::label_identity(
            &identity::mount_point_name(&self.mount),
            size,
            identity::creation_time(&self.mount),
        ))
    }

    /// Whether a cache of the filesystem's own may answer instead of the medium.
    #[must_use]
    pub fn has_own_cache(&self) -> bool {
        filesystem_kind::has_own_cache(&self.kind)
    }

    /// Whether a cache that reading past the system's does not touch is gone once it is unmounted.
    #[must_use]
    pub fn is_cache_dropped_on_unmount(&self) -> bool {
        filesystem_kind::is_cache_dropped_on_unmount(&self.kind)
    }

    /// The size of the filesystem and the time at which its root was made, as far as they are told and stay the same:
    /// `SIZE:SECONDS`, each empty where it is not. `None` for shares, and where only a folder of it is mounted.
    #[must_use]
    pub fn creation_key(&self) -> Option<String> {
        if self.is_share() || !self.root.as_os_str().is_empty() {
            return None;
        }
        let is_fixed = filesystem_kind::is_local(&self.kind)
            && !matches!(self.kind.as_str(), "btrfs" | "apfs");
        let size = self.size.filter(|_| is_fixed);
        // exFAT, for one, tells the time of the mount.
        let is_stored = filesystem_kind::keeps_birth(&self.kind);
        let created = is_stored
            .then(|| identity::creation_time(&self.mount))
            .flatten();
        let shown =
            |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
        Some(format!("{}:{}", shown(size), shown(created)))
    }

    /// Whether the time of the last change of a file (ctime) follows every write there, and cannot be set.
    #[must_use]
    pub fn keeps_ctime(&self) -> bool {
        filesystem_kind::keeps_ctime(&self.kind)
    }

    /// Whether a file that looks just as it did, ctime included, was not written to. NTFS through FUSE keeps a ctime, too; on
    /// exFAT it is the modification time, and compares as that.
    #[must_use]
    pub fn detects_writes_by_ctime(&self) -> bool {
        self.keeps_ctime() || matches!(self.kind.as_str(), "fuseblk" | "tmpfs")
    }

    /// Whether a file on it keeps its inode number for as long as it lives there.
    #[must_use]
    pub fn has_stable_inodes(&self) -> bool {
        filesystem_kind::has_stable_inodes(&self.kind)
    }
}

/// Everything mounted now.
#[derive(Debug, Clone)]
pub struct Volumes {
    /// Longest mount point first.
    all: Vec<Volume>,
    /// Mounts that were told apart, each with the one it looks like.
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

    /// Tells clones apart by what was recorded of each volume when it was last seen: of several
    /// under one identity, the one on the same disk keeps it, else the one mounted where it
    /// was, else the first; the others go by `IDENTITY@DISK`, or `IDENTITY@MOUNT`, and do so
    /// again the next time.
    pub fn distinguish_clones(&mut self, known: &[KnownVolume]) {
        self.clones = clones::distinguish_clones(&mut self.all, known);
    }

    /// Mounts of clones, each with the mount that it is told apart from.
    #[must_use]
    pub fn clones(&self) -> Vec<(PathBuf, PathBuf)> {
        self.clones.clone()
    }

    /// The volume that an absolute path is on, and the path below its root.
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

    /// Every volume that a walk of `root` may come to, each with the folder where it begins.
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

    /// Whether the same filesystems are mounted at and below `root` as then, whatever their
    /// clones are called by now.
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

    /// Everything mounted, longest mount point first.
    #[must_use]
    pub fn all(&self) -> &[Volume] {
        &self.all
    }

    /// Where a volume is mounted now, its root where that is mounted too.
    #[must_use]
    pub fn mount_of(&self, identity: &str) -> Option<PathBuf> {
        let mounts = || self.all.iter().filter(|volume| volume.identity == identity);
        let whole = mounts().find(|volume| volume.root.as_os_str().is_empty());
        whole
            .or_else(|| mounts().next())
            .map(|volume| volume.mount.clone())
    }

    /// The device that a volume is on, if it is mounted.
    #[must_use]
    pub fn drive(&self, identity: &str) -> Option<Drive> {
        let volume = self.all.iter().find(|volume| volume.identity == identity)?;
        Some(volume.drive.clone())
    }

    /// Where a path below a volume's root is now, if that part of the volume is mounted.
    #[must_use]
    pub fn path(&self, identity: &str, inside: &Path) -> Option<PathBuf> {
        self.all
            .iter()
            .filter(|volume| volume.identity == identity)
            .find_map(|volume| Some(volume.mount.join(inside.strip_prefix(&volume.root).ok()?)))
    }

    /// The address of the share (`nas:/export`) that a path is on, or would be once it is
    /// made; links in it are followed. `None` when it is on a disk of this machine.
    #[must_use]
    pub fn share_of(&self, path: &Path) -> Option<String> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        // What is written as a share is one, and is not touched: it could keep us waiting.
        if let Some(address) = self.share_at(&path) {
            return Some(address);
        }
        let there = path.ancestors().find_map(|part| part.canonicalize().ok())?;
        self.share_at(&there)
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
