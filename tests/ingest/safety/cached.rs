//! Copies that were read back from a cache, not from the medium they were written to.

use std::process::Command;
use std::time::UNIX_EPOCH;

use super::day::Day;
use crate::ingest::card::{ingest_well, verify};
use crate::ingest::judges::is_here;
use crate::shoot::disk::{Disk, Loop, run};
use crate::shoot::mounts::Mount;

/// An NTFS on a loop device of its own, which is not mounted yet.
fn shelf(day: &Day) -> Option<Loop> {
    if !is_here("ntfs-3g") || !is_here("mkfs.ntfs") {
        return None;
    }
    let device = Loop::new(
        &day.shoot.folder("images").join("ntfs.img"),
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
    let Some(mut day) = Day::new() else { return };
    let Some(device) = shelf(&day) else { return };
    day.is_card_said = true;
    let at = day.shoot.folder("shelf");
    let shelf = Mount::ntfs(&device.0, &at);
    let summary = ingest_well(&day.shoot, &[&day.card], &[&at]);
    assert_eq!(summary["read_back"], "cached");
    day.say_disk("SHELF", "WD-3");
    let one = ["--copies", "1"];
    day.is_not_safe(
        &one,
        "unmount SHELF and mount it again, then verify its copies",
    );
    // However often it is read in the same mount, by whomever.
    assert_eq!(verify(&day.shoot, &at).0, 0);
    day.is_not_safe(&one, "may have been read from memory");
    day.is_not_safe(
        &["--copies", "1", "--paranoid"],
        "may have been read from memory",
    );
    shelf.unmount();
    day.is_not_safe(&one, "may have been read from memory");
    // Mounted again it is there, but was not read.
    let shelf = Mount::ntfs(&device.0, &at);
    day.is_not_safe(&one, "may have been read from memory");
    assert_eq!(verify(&day.shoot, &at).0, 0);
    day.is_safe(&one);
    // Read once more from the cache that was filled from the medium.
    assert_eq!(verify(&day.shoot, &at).0, 0);
    day.is_safe(&one);
    shelf.unmount();
    day.is_safe(&one);
}

#[test]
fn reading_every_copy_now_is_enough_once_it_was_mounted_again() {
    let Some(mut day) = Day::new() else { return };
    let Some(device) = shelf(&day) else { return };
    day.is_card_said = true;
    let at = day.shoot.folder("shelf");
    let shelf = Mount::ntfs(&device.0, &at);
    ingest_well(&day.shoot, &[&day.card], &[&at]);
    day.say_disk("SHELF", "WD-3");
    shelf.unmount();
    let shelf = Mount::ntfs(&device.0, &at);
    day.is_safe(&["--copies", "1", "--paranoid"]);
    day.is_safe(&["--copies", "1"]);
    // A file that was written in this mount is in memory again.
    let path = at.join(super::CLIP);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    day.is_not_safe(
        &["--copies", "1", "--paranoid"],
        "may have been read from memory",
    );
    shelf.unmount();
}

#[test]
fn copies_on_fat_whose_times_a_time_zone_shifted_count_once_they_were_read_again() {
    let Some(mut day) = Day::new() else { return };
    let Some(mut shelf) = Disk::camera(&day.shoot.folder("more"), "SHELF", 100) else {
        return;
    };
    day.is_card_said = true;
    let at = day.shoot.folder("shelf");
    let copies = at.join("A001");
    // A FUSE driver may have read from memory what was written in the same mount.
    let read_again = |shelf: &mut Disk| {
        for _ in 0..2 {
            shelf.unmount();
            shelf.mount(&at);
            assert_eq!(verify(&day.shoot, &copies).0, 0);
        }
    };
    shelf.mount(&at);
    ingest_well(&day.shoot, &[&day.card], &[&copies]);
    day.say_disk("SHELF", "WD-3");
    read_again(&mut shelf);
    let one = ["--copies", "1"];
    day.is_safe(&one);
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
    day.is_not_safe(&one, "after a time zone change");
    day.is_not_safe(&one, "verify the copies");
    read_again(&mut shelf);
    day.is_safe(&one);
}
