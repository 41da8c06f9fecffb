//! Copies that were read back from a cache, not from the medium they were written to.

use std::process::Command;
use std::time::UNIX_EPOCH;

use super::offload::Offload;
use crate::ingest::card::{ingest_ok, verify};
use crate::ingest::reference_tools::is_installed;
use crate::shoot::disk::{Disk, Loop, run};
use crate::shoot::mounts::Mount;

/// An NTFS on a loop device of its own, which is not mounted yet.
fn shelf(offload: &Offload) -> Option<Loop> {
    if !is_installed("ntfs-3g") || !is_installed("mkfs.ntfs") {
        return None;
    }
    let device = Loop::new(
        &offload.shoot.folder("images").join("ntfs.img"),
        100,
        &["--direct-io=on"],
    );
    let made = Command::new("mkfs.ntfs")
        .args(["-q", "-f", "-L", "SHELF", &device.0])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    Some(device)
}

#[test]
fn what_an_ntfs_driver_has_in_memory_proves_nothing_until_it_is_mounted_again() {
    let Some(mut offload) = Offload::new() else {
        return;
    };
    let Some(device) = shelf(&offload) else {
        return;
    };
    offload.is_card_disk_given = true;
    let at = offload.shoot.folder("shelf");
    let shelf = Mount::ntfs(&device.0, &at);
    let summary = ingest_ok(&offload.shoot, &[&offload.card], &[&at]);
    assert_eq!(summary["read_back"], "cached");
    offload.set_disk("SHELF", "WD-3");
    let one = ["--copies", "1"];
    offload.is_not_safe(
        &one,
        "unmount SHELF and mount it again, then verify its copies",
    );
    // However often it is read in the same mount, by whomever.
    assert_eq!(verify(&offload.shoot, &at).0, 0);
    offload.is_not_safe(&one, "may have been read from memory");
    offload.is_not_safe(
        &["--copies", "1", "--paranoid"],
        "may have been read from memory",
    );
    shelf.unmount();
    offload.is_not_safe(&one, "may have been read from memory");
    // Mounted again it is there, but was not read.
    let shelf = Mount::ntfs(&device.0, &at);
    offload.is_not_safe(&one, "may have been read from memory");
    assert_eq!(verify(&offload.shoot, &at).0, 0);
    offload.is_safe(&one);
    // Read once more from the cache that was filled from the medium.
    assert_eq!(verify(&offload.shoot, &at).0, 0);
    offload.is_safe(&one);
    shelf.unmount();
    offload.is_safe(&one);
}

#[test]
fn reading_every_copy_now_is_enough_once_it_was_mounted_again() {
    let Some(mut offload) = Offload::new() else {
        return;
    };
    let Some(device) = shelf(&offload) else {
        return;
    };
    offload.is_card_disk_given = true;
    let at = offload.shoot.folder("shelf");
    let shelf = Mount::ntfs(&device.0, &at);
    ingest_ok(&offload.shoot, &[&offload.card], &[&at]);
    offload.set_disk("SHELF", "WD-3");
    shelf.unmount();
    let shelf = Mount::ntfs(&device.0, &at);
    offload.is_safe(&["--copies", "1", "--paranoid"]);
    offload.is_safe(&["--copies", "1"]);
    // A file that was written in this mount is in memory again.
    let path = at.join(super::CLIP);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    offload.is_not_safe(
        &["--copies", "1", "--paranoid"],
        "may have been read from memory",
    );
    shelf.unmount();
}

#[test]
fn copies_on_fat_whose_times_a_time_zone_shifted_count_once_they_were_read_again() {
    let Some(mut offload) = Offload::new() else {
        return;
    };
    let Some(mut shelf) = Disk::camera(&offload.shoot.folder("more"), "SHELF", 100) else {
        return;
    };
    offload.is_card_disk_given = true;
    let at = offload.shoot.folder("shelf");
    let copies = at.join("A001");
    // A FUSE driver may have read from memory what was written in the same mount.
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
    offload.is_safe(&one);
    for entry in walkdir::WalkDir::new(&copies) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let modified = entry.metadata().unwrap().modified().unwrap();
            // exfat-fuse sets no time of a file alone, without the other one.
            let later = modified.duration_since(UNIX_EPOCH).unwrap().as_secs() + 3600;
            let later = format!("@{later}");
            assert!(run(
                "touch",
                &["-d", &later, entry.path().to_str().unwrap()]
            ));
        }
    }
    offload.is_not_safe(&one, "after a time zone change");
    offload.is_not_safe(&one, "verify the copies");
    read_again(&mut shelf);
    offload.is_safe(&one);
}
