//! Copies that were read back from a cache instead of the medium.

use std::process::Command;
use std::time::UNIX_EPOCH;

use super::setup::Offload;
use crate::ingest::card::{ingest_ok, verify};
use crate::shoot::disk::{Disk, Loop, run};
use crate::shoot::mounts::Mount;
use crate::skipped_tests::{Skipped, find_installed, or_skip};

/// Creates an NTFS on a loop device, which is not mounted.
fn create_ntfs(offload: &Offload) -> Result<Loop, Skipped> {
    find_installed("ntfs-3g")?;
    find_installed("mkfs.ntfs")?;
    let device = Loop::new(
        &offload.shoot.folder("images").join("ntfs.img"),
        100,
        &["--direct-io=on"],
    );
    let output = Command::new("mkfs.ntfs")
        .args(["-q", "-f", "-L", "SHELF", &device.0])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    // mkfs.ntfs derives the serial number from the time in seconds: two tests could get the same one.
    let number: String = device.0.chars().filter(char::is_ascii_digit).collect();
    let serial = format!("--new-serial={:08x}{number:0>8}", std::process::id());
    assert!(run("ntfslabel", &[&serial, &device.0]), "{serial}");
    Ok(device)
}

#[test]
fn copies_on_ntfs_count_only_if_read_after_a_remount() {
    let mut offload = or_skip!(Offload::new());
    let device = or_skip!(create_ntfs(&offload));
    offload.is_card_disk_given = true;
    let at = offload.shoot.folder("shelf");
    let shelf = Mount::ntfs(&device.0, &at);
    let summary = ingest_ok(&offload.shoot, &[&offload.card], &[&at]);
    assert_eq!(summary["read_back"], "cached");
    offload.set_disk("SHELF", "WD-3");
    let one = ["--copies", "1"];
    offload.assert_not_safe(
        &one,
        "unmount SHELF and mount it again, then verify its copies",
    );
    // Reading in the same mount is not enough.
    assert_eq!(verify(&offload.shoot, &at).0, 0);
    offload.assert_not_safe(&one, "may have been read from memory");
    offload.assert_not_safe(
        &["--copies", "1", "--paranoid"],
        "may have been read from memory",
    );
    shelf.unmount();
    offload.assert_not_safe(&one, "may have been read from memory");
    // The drive is mounted again, but the copies were not read.
    let shelf = Mount::ntfs(&device.0, &at);
    offload.assert_not_safe(&one, "may have been read from memory");
    assert_eq!(verify(&offload.shoot, &at).0, 0);
    offload.assert_safe(&one);
    // Read again, from a cache that was filled from the medium.
    assert_eq!(verify(&offload.shoot, &at).0, 0);
    offload.assert_safe(&one);
    shelf.unmount();
    offload.assert_safe(&one);
}

#[test]
fn paranoid_reads_are_enough_after_a_remount() {
    let mut offload = or_skip!(Offload::new());
    let device = or_skip!(create_ntfs(&offload));
    offload.is_card_disk_given = true;
    let at = offload.shoot.folder("shelf");
    let shelf = Mount::ntfs(&device.0, &at);
    ingest_ok(&offload.shoot, &[&offload.card], &[&at]);
    offload.set_disk("SHELF", "WD-3");
    shelf.unmount();
    let shelf = Mount::ntfs(&device.0, &at);
    offload.assert_safe(&["--copies", "1", "--paranoid"]);
    offload.assert_safe(&["--copies", "1"]);
    // A file written in this mount is in memory again.
    let path = at.join(super::CLIP);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    offload.assert_not_safe(
        &["--copies", "1", "--paranoid"],
        "may have been read from memory",
    );
    shelf.unmount();
}

#[test]
fn copies_on_fat_with_times_shifted_by_a_time_zone_count_once_read_again() {
    let mut offload = or_skip!(Offload::new());
    let mut shelf = or_skip!(Disk::camera(&offload.shoot.folder("more"), "SHELF", 100));
    offload.is_card_disk_given = true;
    let at = offload.shoot.folder("shelf");
    let copies = at.join("A001");
    // A FUSE driver may read data written in the same mount from memory.
    let read_again = |shelf: &mut Disk| {
        for _ in 0..2 {
            shelf.unmount();
            shelf.mount(&at);
            assert_eq!(verify(&offload.shoot, &copies).0, 0);
        }
    };
    shelf.mount(&at);
    ingest_ok(&offload.shoot, &[&offload.card], &[&copies]);
    offload.set_disk("SHELF", "WD-3");
    read_again(&mut shelf);
    let one = ["--copies", "1"];
    offload.assert_safe(&one);
    for entry in walkdir::WalkDir::new(&copies) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let modified = entry.metadata().unwrap().modified().unwrap();
            // exfat-fuse cannot set the modification time alone.
            let later = modified.duration_since(UNIX_EPOCH).unwrap().as_secs() + 3600;
            let later = format!("@{later}");
            assert!(run(
                "touch",
                &["-d", &later, entry.path().to_str().unwrap()]
            ));
        }
    }
    offload.assert_not_safe(&one, "after a time zone change");
    offload.assert_not_safe(&one, "verify the copies");
    read_again(&mut shelf);
    offload.assert_safe(&one);
}
