//! Disks for tests: filesystems in image files, mounted through loop devices.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::skipped_tests::{Skipped, skip_or_fail};

/// Filesystem in an image file; unmounted when it is dropped.
pub(crate) struct Disk {
    image: PathBuf,
    mounted: Option<PathBuf>,
    tools: &'static FilesystemTools,
}

/// Commands and options to create and mount a filesystem.
struct FilesystemTools {
    make: &'static str,
    /// Options before the label.
    label: &'static [&'static str],
    mount: &'static [&'static str],
    /// Options to replace a filesystem by one with a given UUID.
    replace: &'static [&'static str],
}

const EXT4: FilesystemTools = FilesystemTools {
    make: "mkfs.ext4",
    label: &["-q", "-L"],
    mount: &["-o", "loop"],
    replace: &["-F", "-U"],
};

const BTRFS: FilesystemTools = FilesystemTools {
    make: "mkfs.btrfs",
    label: &["-q", "-L"],
    mount: &["-o", "loop"],
    replace: &["-f", "-U"],
};

const XFS: FilesystemTools = FilesystemTools {
    make: "mkfs.xfs",
    label: &["-q", "-L"],
    mount: &["-o", "loop"],
    replace: &["-f", "-m"],
};

/// Filesystems of cameras and recorders; systems support different ones.
const CAMERAS: [FilesystemTools; 3] = [
    FilesystemTools {
        make: "mkfs.vfat",
        label: &["-n"],
        mount: &["-t", "vfat", "-o", "loop,utf8"],
        replace: &[],
    },
    FilesystemTools {
        make: "mkfs.exfat",
        label: &["-n"],
        mount: &["-t", "exfat", "-o", "loop"],
        replace: &[],
    },
    FilesystemTools {
        make: "mkfs.exfat",
        label: &["-n"],
        mount: &["-t", "exfat-fuse", "-o", "loop"],
        replace: &[],
    },
];

impl Disk {
    /// Creates an ext4 filesystem of `megabytes` megabytes, if this machine can mount one.
    pub(crate) fn new(folder: &Path, label: &str, megabytes: u64) -> Result<Self, Skipped> {
        Self::create(folder, label, megabytes, &EXT4)
            .ok_or_else(|| skip_or_fail("cannot mount ext4 (requires root and loop devices)"))
    }

    /// Creates a btrfs, if this machine can mount one.
    pub(crate) fn btrfs(folder: &Path, label: &str) -> Result<Self, Skipped> {
        Self::create(folder, label, 200, &BTRFS).ok_or_else(|| {
            skip_or_fail("cannot mount btrfs: scripts/filesystems installs btrfs-progs")
        })
    }

    /// Creates an XFS, if this machine can mount one.
    pub(crate) fn xfs(folder: &Path, label: &str) -> Result<Self, Skipped> {
        Self::create(folder, label, 320, &XFS)
            .ok_or_else(|| skip_or_fail("cannot mount XFS: scripts/filesystems installs xfsprogs"))
    }

    /// Creates a FAT or exFAT filesystem, where names that differ only by case are the same.
    pub(crate) fn camera(folder: &Path, label: &str, megabytes: u64) -> Result<Self, Skipped> {
        CAMERAS
            .iter()
            .find_map(|tools| Self::create(folder, label, megabytes, tools))
            .ok_or_else(|| skip_or_fail("cannot mount FAT or exFAT"))
    }

    fn create(
        folder: &Path,
        label: &str,
        megabytes: u64,
        tools: &'static FilesystemTools,
    ) -> Option<Self> {
        let image = folder.join(format!("{label}.img"));
        let file = fs::File::create(&image).unwrap();
        file.set_len(megabytes * 1024 * 1024).unwrap();
        let mut disk = Self {
            image,
            mounted: None,
            tools,
        };
        let image = disk.image.to_str().unwrap().to_owned();
        let probe = folder.join(format!("{label}.probe"));
        let is_created = run(tools.make, &[tools.label, &[label, &image]].concat());
        if !is_created || !disk.try_mount(&probe) {
            return None;
        }
        disk.unmount();
        Some(disk)
    }

    /// Copies the whole image, like a cloned disk.
    pub(crate) fn clone_to(&self, image: &Path) -> Self {
        fs::copy(&self.image, image).unwrap();
        Self {
            image: image.to_owned(),
            mounted: None,
            tools: self.tools,
        }
    }

    /// Mounts the filesystem.
    pub(crate) fn mount(&mut self, at: &Path) {
        assert!(self.try_mount(at), "mounted before, but not again");
    }

    fn try_mount(&mut self, at: &Path) -> bool {
        fs::create_dir_all(at).unwrap();
        let paths = [self.image.to_str().unwrap(), at.to_str().unwrap()];
        let is_mounted = run("mount", &[self.tools.mount, &paths].concat());
        self.mounted = is_mounted.then(|| at.to_owned());
        is_mounted
    }

    /// Unmounts the filesystem.
    pub(crate) fn unmount(&mut self) {
        if let Some(at) = self.mounted.take() {
            unmount(&at);
        }
    }

    /// Unmounts the filesystem while it is in use: its mount point becomes an empty folder.
    pub(crate) fn pull(&mut self) {
        if let Some(at) = self.mounted.take() {
            assert!(
                run("umount", &["-l", at.to_str().unwrap()]),
                "{}",
                at.display()
            );
        }
    }

    /// Replaces the filesystem by a new one, which is not mounted.
    pub(crate) fn format(&mut self, label: &str, options: &[&str]) {
        self.unmount();
        let image = self.image.to_str().unwrap();
        let label = [self.tools.label, &[label]].concat();
        assert!(run(
            self.tools.make,
            &[&label, options, &["-F", image]].concat()
        ));
    }

    /// Replaces the filesystem by a new one with the given UUID.
    pub(crate) fn format_with_uuid(&mut self, label: &str, uuid: &str) {
        self.unmount();
        // Some versions of mkfs.btrfs mix the new filesystem with the old one.
        let length = self.image.metadata().unwrap().len();
        fs::File::create(&self.image)
            .unwrap()
            .set_len(length)
            .unwrap();
        let image = self.image.to_str().unwrap();
        let named = format!("uuid={uuid}");
        let uuid = if self.tools.make == "mkfs.xfs" {
            &named
        } else {
            uuid
        };
        let label = [self.tools.label, &[label]].concat();
        assert!(run(
            self.tools.make,
            &[&label, self.tools.replace, &[uuid, image]].concat()
        ));
        // Linux remembers every btrfs it saw, and mounts no older one with the same UUID.
        if self.tools.make == "mkfs.btrfs" {
            assert!(run("btrfs", &["device", "scan", "--forget"]));
        }
    }

    /// Remounts the filesystem read-only or writable.
    pub(crate) fn set_writable(&self, is_writable: bool) {
        let options = if is_writable {
            "remount,rw"
        } else {
            "remount,ro"
        };
        let at = self.mounted.as_ref().unwrap().to_str().unwrap();
        assert!(run("mount", &["-o", options, at]), "{at}");
    }

    /// Path of the image file; truncating it makes the rest unreadable.
    pub(crate) fn image(&self) -> &Path {
        &self.image
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Some(at) = self.mounted.take() {
            run("umount", &["-l", at.to_str().unwrap()]);
        }
    }
}

/// Loop device; detached when it is dropped.
pub(crate) struct Loop(pub(crate) String);

impl Loop {
    /// Creates an image file of `megabytes` megabytes and attaches it.
    pub(crate) fn new(image: &Path, megabytes: u64, options: &[&str]) -> Self {
        let file = fs::File::create(image).unwrap();
        file.set_len(megabytes * 1024 * 1024).unwrap();
        Self::attach(image, options)
    }

    /// Attaches an existing image file.
    pub(crate) fn attach(image: &Path, options: &[&str]) -> Self {
        let made = Command::new("losetup")
            .args(["-f", "--show"])
            .args(options)
            .arg(image)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        Self(String::from_utf8(made.stdout).unwrap().trim().to_owned())
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup").args(["-d", &self.0]).status();
    }
}

/// Read-only bind mount of a folder; unmounted when it is dropped.
pub(crate) struct ReadOnly(pub(crate) PathBuf);

impl ReadOnly {
    /// Mounts the folder, if this machine can mount anything.
    pub(crate) fn mount(folder: &Path, at: &Path) -> Result<Self, Skipped> {
        fs::create_dir_all(at).unwrap();
        let (from, to) = (folder.to_str().unwrap(), at.to_str().unwrap());
        if !run("mount", &["--bind", from, to]) {
            return Err(skip_or_fail("cannot mount (requires root)"));
        }
        let mounted = Self(at.to_owned());
        assert!(run("mount", &["-o", "remount,ro,bind", to]), "{to}");
        Ok(mounted)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        run("umount", &[self.0.to_str().unwrap()]);
    }
}

/// Unmounts a filesystem once it is no longer in use: a driver in user space may still be closing
/// the last file, and a scan of another test may be looking at all mounts.
pub(crate) fn unmount(at: &Path) {
    let is_unmounted = (0..100).any(|attempt| {
        if attempt > 0 {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        run("umount", &[at.to_str().unwrap()])
    });
    assert!(is_unmounted, "{} is in use", at.display());
}

/// Runs a system tool; returns true if it exists and succeeds.
pub(crate) fn run(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
