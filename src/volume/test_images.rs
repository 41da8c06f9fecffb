//! Tests with real filesystems: creates and mounts images, if the system permits it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Volume, Volumes, write_marker};
use crate::skipped_tests::{Skipped, or_skip, skip_or_fail};

/// Mount that is unmounted at the end of the test.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        run(Command::new("umount").arg(&self.0));
    }
}

impl Mounted {
    fn volume(&self) -> Volume {
        let (volume, _) = Volumes::mounted().locate(&self.0);
        assert_eq!(volume.mount, self.0);
        volume
    }
}

fn run(command: &mut Command) -> bool {
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Mounts at a new folder, if mounting is permitted.
fn mount(at: PathBuf, arguments: &[&str]) -> Result<Mounted, Skipped> {
    fs::create_dir_all(&at).unwrap();
    if run(Command::new("mount").args(arguments).arg(&at)) {
        Ok(Mounted(at))
    } else {
        Err(skip_or_fail(
            "cannot mount (requires root and loop devices)",
        ))
    }
}

/// Returns a temporary folder, and its path as shown in the mount table.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    (folder, path)
}

fn image(path: &Path) -> Result<String, Skipped> {
    let file = fs::File::create(path).unwrap();
    file.set_len(8 * 1024 * 1024).unwrap();
    let mut make = Command::new("mkfs.ext4");
    if run(make.args(["-q", "-L", "SHELF-07"]).arg(path)) {
        Ok(path.to_str().unwrap().to_owned())
    } else {
        Err(skip_or_fail("`mkfs.ext4` is missing"))
    }
}

#[test]
fn a_disk_keeps_its_identity_at_another_mount_point() {
    let (_folder, path) = folder();
    let image = or_skip!(image(&path.join("a.img")));
    let first = or_skip!(mount(path.join("first"), &["-o", "loop", &image]));
    let before = first.volume();
    assert!(before.identity.starts_with("uuid:"), "{}", before.identity);
    assert_eq!(before.identity.len(), "uuid:".len() + 36);
    assert_eq!(before.label, "SHELF-07");
    assert!(before.is_label_own && before.has_stable_inodes() && !before.is_share());
    assert!(before.size.is_some_and(|bytes| bytes < 8 * 1024 * 1024));
    assert_eq!(before.kind, "ext4");
    assert!(write_marker(&before).is_err(), "it has a uuid");
    drop(first);
    let second = or_skip!(mount(path.join("second"), &["-o", "loop", &image]));
    assert_eq!(second.volume().identity, before.identity);
}

#[test]
fn clones_are_distinguished_and_a_bind_mount_is_not_a_clone() {
    let (_folder, path) = folder();
    let image = or_skip!(image(&path.join("a.img")));
    fs::copy(&image, path.join("b.img")).unwrap();
    let copy = path.join("b.img").to_str().unwrap().to_owned();
    let first = or_skip!(mount(path.join("first"), &["-o", "loop", &image]));
    let bind = [first.0.to_str().unwrap(), "--bind"];
    let bind = or_skip!(mount(path.join("bind"), &bind));
    assert_eq!(bind.volume().identity, first.volume().identity);
    let second = or_skip!(mount(path.join("second"), &["-o", "loop", &copy]));
    let (a, b) = (first.volume(), second.volume());
    assert_ne!(a.identity, b.identity);
    let (short, long) = if a.identity.len() < b.identity.len() {
        (&a, &b)
    } else {
        (&b, &a)
    };
    let identity = format!("{}@{}", short.identity, long.mount.display());
    assert_eq!(long.identity, identity);
    assert!(
        Volumes::mounted()
            .clones()
            .contains(&(long.mount.clone(), short.mount.clone()))
    );
    assert_eq!(bind.volume().identity, a.identity);
}

#[test]
fn memory_is_recognized_at_another_mount_point_only_by_its_marker() {
    let (_folder, path) = folder();
    let first = or_skip!(mount(
        path.join("first"),
        &["-t", "tmpfs", "-o", "size=1m", "x"]
    ));
    let before = first.volume();
    assert!(before.identity.starts_with("label:first:"));
    let point = first.0.to_str().unwrap();
    let second = or_skip!(mount(path.join("second"), &["--bind", point]));
    assert_ne!(second.volume().identity, before.identity);
    let marked = write_marker(&before).unwrap();
    assert!(marked.starts_with("mark:"));
    assert_eq!(write_marker(&second.volume()).unwrap(), marked);
    assert_eq!(first.volume().identity, marked);
    assert_eq!(second.volume().identity, marked);
    assert_eq!(first.volume().identity_by_label(), Some(before.identity));
    drop(first);
    assert_eq!(second.volume().identity, marked);
}
