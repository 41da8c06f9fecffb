//! Snapshot of the mounted volumes.

use std::path::{Component, Path, PathBuf, Prefix};

use super::clones::{self, KnownVolume};
use super::drive::Drive;
use super::identity;
#[cfg(target_os = "linux")]
use super::linux;
#[cfg(target_os = "macos")]
use super::macos;
use super::mounted_volume::Volume;
use super::system_tables::System;
#[cfg(windows)]
use super::windows;

/// Mounted volumes.
#[derive(Debug, Clone)]
pub struct Volumes {
    /// Sorted by mount point, longest first.
    pub(super) all: Vec<Volume>,
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

    /// Returns a snapshot of given volumes, for tests of other modules.
    #[cfg(test)]
    pub(crate) fn of(all: Vec<Volume>) -> Self {
        let clones = Vec::new();
        Self { all, clones }
    }

    pub(super) fn new(system: &System, mounts: Vec<identity::MountEntry>) -> Self {
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
