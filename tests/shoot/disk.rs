//! Real drives to test with: filesystems in image files, mounted through loop devices.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A filesystem in a file, unmounted when it is dropped.
pub(crate) struct Disk {
    image: PathBuf,
    mounted: Option<PathBuf>,
    tools: &'static FilesystemTools,
}

/// FilesystemTools a filesystem is made and mounted.
struct FilesystemTools {
    make: &'static str,
    /// What comes before the label.
    label: &'static [&'static str],
    mount: &'static [&'static str],
    /// What makes a filesystem in the place of another, under a given uuid.
    again: &'static [&'static str],
}

const EXT4: FilesystemTools = FilesystemTools {
    make: "mkfs.ext4",
    label: &["-q", "-L"],
    mount: &["-o", "loop"],
    again: &["-F", "-U"],
};

const BTRFS: FilesystemTools = FilesystemTools {
    make: "mkfs.btrfs",
    label: &["-q", "-L"],
    mount: &["-o", "loop"],
    again: &["-f", "-U"],
};

const XFS: FilesystemTools = FilesystemTools {
    make: "mkfs.xfs",
    label: &["-q", "-L"],
    mount: &["-o", "loop"],
    again: &["-f", "-m"],
};

/// What cameras and recorders write; which of them a system knows differs.
const CAMERAS: [FilesystemTools; 3] = [
    FilesystemTools {
        make: "mkfs.vfat",
        label: &["-n"],
        mount: &["-t", "vfat", "-o", "loop,utf8"],
        again: &[],
    },
    FilesystemTools {
        make: "mkfs.exfat",
        label: &["-n"],
        mount: &["-t", "exfat", "-o", "loop"],
        again: &[],
    },
    FilesystemTools {
        make: "mkfs.exfat",
        label: &["-n"],
        mount: &["-t", "exfat-fuse", "-o", "loop"],
        again: &[],
    },
];

impl Disk {
    /// A new ext4 filesystem of so many megabytes; `None`, with the reason told, where this
    /// machine makes or mounts none.
    pub(crate) fn new(folder: &Path, label: &str, megabytes: u64) -> Option<Self> {
        let disk = Self::create(folder, label, megabytes, &EXT4);
        if disk.is_none() {
            skip("no ext4 can be mounted here (that takes root and loop devices)");
        }
        disk
    }

    /// A new btrfs; `None`, with the reason told, where this machine makes or mounts none.
    pub(crate) fn btrfs(folder: &Path, label: &str) -> Option<Self> {
        let disk = Self::create(folder, label, 200, &BTRFS);
        if disk.is_none() {
            skip("no btrfs can be mounted here: scripts/filesystems installs btrfs-progs");
        }
        disk
    }

    /// A new XFS; `None`, with the reason told, where this machine makes or mounts none.
    pub(crate) fn xfs(folder: &Path, label: &str) -> Option<Self> {
        let disk = Self::create(folder, label, 320, &XFS);
        if disk.is_none() {
            skip("no XFS can be mounted here: scripts/filesystems installs xfsprogs");
        }
        disk
    }

    /// A new FAT or exFAT filesystem, where two names that differ by case are one.
    pub(crate) fn camera(folder: &Path, label: &str, megabytes: u64) -> Option<Self> {
        let disk = CAMERAS
            .iter()
            .find_map(|tools| Self::create(folder, label, megabytes, tools));
        if disk.is_none() {
            skip("neither FAT nor exFAT can be mounted here");
        }
        disk
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

    /// A copy of all of it, as a disk that was cloned.
    pub(crate) fn clone_to(&self, image: &Path) -> Self {
        fs::copy(&self.image, image).unwrap();
        Self {
            image: image.to_owned(),
            mounted: None,
            tools: self.tools,
        }
    }

    /// Mounts it there.
    pub(crate) fn mount(&mut self, at: &Path) {
        assert!(self.try_mount(at), "it was mounted a moment ago");
    }

    fn try_mount(&mut self, at: &Path) -> bool {
        fs::create_dir_all(at).unwrap();
        let paths = [self.image.to_str().unwrap(), at.to_str().unwrap()];
        let is_mounted = run("mount", &[self.tools.mount, &paths].concat());
        self.mounted = is_mounted.then(|| at.to_owned());
        is_mounted
    }

    /// Takes it away.
    pub(crate) fn unmount(&mut self) {
        if let Some(at) = self.mounted.take() {
            // A driver in user space may still be closing the last file.
            let is_unmounted = (0..100).any(|attempt| {
                if attempt > 0 {
                    std::thread::sleep(std::time::Duration::from_millis(100));
                }
                run("umount", &[at.to_str().unwrap()])
            });
            assert!(is_unmounted, "{}", at.display());
        }
    }

    /// Pulls it while it is used: its mount point is an empty folder from then on.
    pub(crate) fn pull(&mut self) {
        if let Some(at) = self.mounted.take() {
            assert!(
                run("umount", &["-l", at.to_str().unwrap()]),
                "{}",
                at.display()
            );
        }
    }

    /// Makes another filesystem in its place, which is not mounted then.
    pub(crate) fn format(&mut self, label: &str, options: &[&str]) {
        self.unmount();
        let image = self.image.to_str().unwrap();
        let label = [self.tools.label, &[label]].concat();
        assert!(run(
            self.tools.make,
            &[&label, options, &["-F", image]].concat()
        ));
    }

    /// Makes another filesystem in its place that has the uuid that it had.
    pub(crate) fn format_with_uuid(&mut self, label: &str, uuid: &str) {
        self.unmount();
        // Some versions of mkfs.btrfs mix the new filesystem with what is there.
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
            &[&label, self.tools.again, &[uuid, image]].concat()
        ));
        // Linux remembers a btrfs that it saw, and mounts no older one of its uuid.
        if self.tools.make == "mkfs.btrfs" {
            assert!(run("btrfs", &["device", "scan", "--forget"]));
        }
    }

    /// Makes it read-only, or writable again, while it is mounted.
    pub(crate) fn set_writable(&self, is_writable: bool) {
        let options = if is_writable {
            "remount,rw"
        } else {
            "remount,ro"
        };
        let at = self.mounted.as_ref().unwrap().to_str().unwrap();
        assert!(run("mount", &["-o", options, at]), "{at}");
    }

    /// Where its bytes are: what is cut off cannot be read any more.
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

/// A loop device; detached when it is dropped.
pub(crate) struct Loop(pub(crate) String);

impl Loop {
    /// Makes a file of so many megabytes the disk of a new loop device.
    pub(crate) fn new(image: &Path, megabytes: u64, options: &[&str]) -> Self {
        let file = fs::File::create(image).unwrap();
        file.set_len(megabytes * 1024 * 1024).unwrap();
        Self::attach(image, options)
    }

    /// Makes a file that is there the disk of a new loop device.
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

/// A folder that is mounted a second time so that it cannot be written there; unmounted when it is
/// dropped.
pub(crate) struct ReadOnly(pub(crate) PathBuf);

impl ReadOnly {
    /// Mounts it; `None`, with the reason told, where nothing can be mounted.
    pub(crate) fn mount(folder: &Path, at: &Path) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let (from, to) = (folder.to_str().unwrap(), at.to_str().unwrap());
        if !run("mount", &["--bind", from, to]) {
            skip("nothing can be mounted here (that takes root)");
            return None;
        }
        let mounted = Self(at.to_owned());
        run("mount", &["-o", "remount,ro,bind", to]).then_some(mounted)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        run("umount", &[self.0.to_str().unwrap()]);
    }
}

/// Says why a test proves nothing; where it has to run, it fails.
fn skip(reason: &str) {
    assert!(
        std::env::var_os("BTSINDEX_REQUIRE_JUDGES").is_none(),
        "{reason}"
    );
    eprintln!("skipped: {reason}");
}

/// Runs a system tool; whether it is there and did what it was told.
pub(crate) fn run(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
