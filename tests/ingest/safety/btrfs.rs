//! btrfs on several disks: a sprout of a seed device, and RAID 1 on two devices.

use std::path::Path;

use super::setup::Offload;
use crate::ingest::card::{ingest_ok, verify};
use crate::shoot::disk::{Loop, run};
use crate::shoot::mounts::Mount;
use crate::skipped_tests::{Skipped, find_installed, or_skip};

/// Mounts a card of large files and two empty drives; fails if nothing can be
/// mounted or the tools of btrfs are missing.
fn offload_of_large_files() -> Result<Offload, Skipped> {
    let mut offload = Offload::new()?;
    for tool in ["mkfs.btrfs", "btrfs", "btrfstune"] {
        find_installed(tool)?;
    }
    offload.is_card_disk_given = true;
    offload.delete_small_files();
    Ok(offload)
}

/// Identity of the volume that is mounted at a folder.
fn identity(offload: &Offload, at: &Path) -> String {
    let volumes = offload.shoot.run(&["volumes", "--json"]).json();
    let mut volumes = volumes.iter();
    let volume = volumes.find(|volume| volume["mounted"] == at.to_str().unwrap());
    volume.unwrap()["identity"].as_str().unwrap().to_owned()
}

#[test]
fn a_seed_and_its_sprout_are_on_one_disk_despite_other_disk_names() {
    let offload = or_skip!(offload_of_large_files());
    let images = offload.shoot.folder("images");
    let seed = Loop::new(&images.join("seed.img"), 200, &[]);
    let more = Loop::new(&images.join("more.img"), 200, &[]);
    assert!(run("mkfs.btrfs", &["-q", "-f", "-L", "SEED", &seed.0]));
    let (one, other) = (offload.shoot.folder("one"), offload.shoot.folder("other"));
    let mount = Mount::new(&[&seed.0], &one);
    ingest_ok(&offload.shoot, &[&offload.card], &[&one.join("A001")]);
    offload.set_disk("SEED", "WD-1");
    let first = identity(&offload, &one);
    mount.unmount();
    assert!(run("btrfstune", &["-f", "-S", "1", &seed.0]));
    let mount = Mount::new(&[&seed.0], &other);
    let add_device = ["device", "add", "-f", &more.0, other.to_str().unwrap()];
    assert!(run("btrfs", &add_device));
    mount.unmount();
    let sprout = Mount::new(&[&more.0], &other);
    offload.scan(&other);
    assert_eq!(verify(&offload.shoot, &other.join("A001")).0, 0);
    let second = identity(&offload, &other);
    assert_ne!(first, second);
    offload.set_disk(&second, "WD-2");
    assert!(run("mount", &["-o", "remount,rw", other.to_str().unwrap()]));
    ingest_ok(&offload.shoot, &[&offload.card], &[&other.join("again")]);
    offload.assert_safe(&["--copies", "1"]);
    offload.assert_not_safe(&[], "4 of 4 files not on 2 disks");
    sprout.unmount();
    offload.assert_not_safe(&[], "4 of 4 files not on 2 disks");
}

#[test]
fn a_filesystem_on_two_devices_shares_a_disk_with_every_other_on_them() {
    let offload = or_skip!(offload_of_large_files());
    let images = offload.shoot.folder("images");
    let shared = images.join("shared.img");
    std::fs::File::create(&shared)
        .unwrap()
        .set_len(400 << 20)
        .unwrap();
    let first = Loop::new(&images.join("first.img"), 200, &[]);
    let second = Loop::attach(&shared, &["--sizelimit", "209715200"]);
    let rest = Loop::attach(&shared, &["--offset", "209715200"]);
    let options = ["-q", "-f", "-L", "PAIR", "-d", "raid1", &first.0, &second.0];
    assert!(run("mkfs.btrfs", &options));
    assert!(run("mkfs.ext4", &["-q", "-L", "REST", &rest.0]));
    let (one, other) = (offload.shoot.folder("one"), offload.shoot.folder("other"));
    let pair = Mount::new(&[&first.0], &one);
    let other_mount = Mount::new(&[&rest.0], &other);
    ingest_ok(&offload.shoot, &[&offload.card], &[&one, &other]);
    offload.set_disk("PAIR", "WD-1");
    offload.set_disk("REST", "WD-2");
    offload.assert_safe(&["--copies", "1"]);
    offload.assert_not_safe(&[], "4 of 4 files not on 2 disks");
    pair.unmount();
    other_mount.unmount();
    offload.assert_not_safe(&[], "4 of 4 files not on 2 disks");
}
