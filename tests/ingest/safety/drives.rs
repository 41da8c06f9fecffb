//! Drives that were formatted, or used for something else, while their copies were thought to be on the shelf.

use std::fs;

use super::CLIP;
use super::day::Day;
use crate::ingest::card::{noise, verify};
use crate::shoot::disk::{Disk, run};

impl Day {
    fn scan_drive(&self, drive: usize) {
        self.scan(&self.drives[drive]);
    }

    fn mount(&mut self, drive: usize) {
        let at = self.drives[drive].clone();
        self.disks[drive].mount(&at);
    }

    fn uuid(&self, label: &str) -> String {
        let identity: String = self
            .database()
            .query_row(
                "SELECT identity FROM volume WHERE label = ?1",
                [label],
                |row| row.get(0),
            )
            .unwrap();
        identity.strip_prefix("uuid:").unwrap().to_owned()
    }
}

#[test]
fn a_drive_that_was_formatted_holds_no_copy_any_more() {
    let Some(mut day) = Day::taken_in() else {
        return;
    };
    day.disks[1].unmount();
    day.is_safe(&[]);
    day.disks[1].format("NEW", &[]);
    day.mount(1);
    day.scan_drive(1);
    day.say_disk("NEW", "wd-2");
    day.is_not_safe(&[], "its disk was later seen with NEW");
    day.is_not_safe(&[], "--to FOLDER-ON-ANOTHER-DISK");
    // Neither taking it away nor forgetting it brings the copies back.
    day.disks[1].unmount();
    day.is_not_safe(&[], "its disk was later seen with NEW");
    let forgotten = day.shoot.run(&["volumes", "forget", "NEW", "--yes"]);
    assert_eq!(forgotten.code, 0, "{}", forgotten.stderr);
    day.is_not_safe(&[], "its disk was later seen with NEW");
}

#[test]
fn what_a_person_says_later_of_a_formatted_drive_counts_as_well() {
    let Some(mut day) = Day::taken_in() else {
        return;
    };
    day.disks[1].format("NEW", &[]);
    day.mount(1);
    day.scan_drive(1);
    day.disks[1].unmount();
    // Nothing tells yet that both were on one disk.
    day.is_safe(&[]);
    day.say_disk("NEW", "WD-2");
    day.is_not_safe(&[], "its disk was later seen with NEW");
}

#[test]
fn a_drive_that_is_seen_again_holds_its_copies() {
    let Some(mut day) = Day::taken_in() else {
        return;
    };
    // Another partition of the same disk, mounted alone.
    let images = day.shoot.folder("more");
    let Some(mut other) = Disk::new(&images, "OTHER", 40) else {
        return;
    };
    let at = day.shoot.folder("other");
    other.mount(&at);
    day.scan(&at);
    day.say_disk("OTHER", "WD-2");
    day.is_safe(&[]);
    day.disks[1].unmount();
    day.is_not_safe(&[], "its disk was later seen with OTHER");
    day.mount(1);
    day.is_safe(&[]);
    // Both were there at once, and went at once.
    day.disks[1].unmount();
    other.unmount();
    day.is_safe(&[]);
}

#[test]
fn a_drive_that_kept_its_identity_when_it_was_formatted_holds_no_copy() {
    let Some(mut day) = Day::taken_in() else {
        return;
    };
    let uuid = day.uuid("RAID");
    // mke2fs keeps the time at which a root was made in whole seconds.
    Day::next_second();
    day.disks[1].format("RAID", &["-U", &uuid]);
    day.mount(1);
    // Whatever command is the first to see it.
    assert_eq!(day.shoot.run(&["volumes"]).code, 0);
    day.disks[1].unmount();
    day.is_not_safe(&[], "volume formatted since");
    // What is copied there from now on counts.
    day.mount(1);
    Day::next_second();
    day.ingest(&[0, 1]);
    day.is_safe(&[]);
    day.disks[1].unmount();
    day.is_safe(&[]);
}

#[test]
fn every_filesystem_that_kept_its_identity_when_it_was_formatted_holds_no_copy() {
    for make in [Disk::btrfs, Disk::xfs] {
        let Some(mut day) = Day::new() else { return };
        day.is_card_said = true;
        day.disks[1].unmount();
        let Some(disk) = make(&day.shoot.folder("more"), "RAID") else {
            return;
        };
        day.disks[1] = disk;
        day.mount(1);
        day.leave_large_files();
        day.ingest(&[0, 1]);
        day.say_disk("SHUTTLE", "WD-1");
        day.say_disk("RAID", "WD-2");
        day.disks[1].unmount();
        day.mount(1);
        day.is_safe(&[]);
        let uuid = day.uuid("RAID");
        Day::next_second();
        day.disks[1].format_with_uuid("RAID", &uuid);
        day.mount(1);
        assert_eq!(day.shoot.run(&["volumes"]).code, 0);
        day.disks[1].unmount();
        day.is_not_safe(&[], "volume formatted since");
        day.mount(1);
        day.ingest(&[0, 1]);
        day.disks[1].unmount();
        day.is_safe(&[]);
    }
}

#[test]
fn no_clock_says_that_a_copy_was_verified_after_its_drive_was_formatted() {
    let Some(mut day) = Day::taken_in() else {
        return;
    };
    let uuid = day.uuid("RAID");
    Day::next_second();
    day.disks[1].format("RAID", &["-U", &uuid]);
    day.mount(1);
    assert_eq!(day.shoot.run(&["volumes"]).code, 0);
    day.disks[1].unmount();
    day.is_not_safe(&[], "volume formatted since");
    // The clock was ahead when the copies were verified.
    Day::next_second();
    day.age(0);
    day.is_not_safe(&[], "volume formatted since");
    // Set back since: what is verified now is after the format, whatever the clock says.
    day.mount(1);
    day.ingest(&[0, 1]);
    day.age(400);
    day.disks[1].unmount();
    day.is_safe(&[]);
}

#[test]
fn a_volume_of_another_size_is_another_volume() {
    let Some(mut day) = Day::taken_in() else {
        return;
    };
    day.disks[1].unmount();
    let image = day.disks[1].image().to_str().unwrap().to_owned();
    assert!(run("e2fsck", &["-fp", &image]) && run("resize2fs", &[&image, "60M"]));
    day.mount(1);
    // Nothing is wrong with what is there, and it is seen.
    day.is_safe(&[]);
    day.disks[1].unmount();
    day.is_not_safe(&[], "volume formatted since");
    day.mount(1);
    Day::next_second();
    day.is_safe(&["--paranoid"]);
    day.disks[1].unmount();
    day.is_safe(&[]);
}

#[test]
fn what_was_seen_of_a_copy_is_remembered_when_its_drive_goes() {
    let Some(mut day) = Day::taken_in() else {
        return;
    };
    let path = day.copy(1).join(CLIP);
    let kept = fs::read(&path).unwrap();
    let restore = || fs::write(&path, &kept).unwrap();
    let spoils: [&dyn Fn(); 3] = [
        &|| fs::remove_file(&path).unwrap(),
        &|| fs::write(&path, noise(8, kept.len())).unwrap(),
        &|| fs::write(&path, &kept[1..]).unwrap(),
    ];
    for (at, spoil) in spoils.into_iter().enumerate() {
        spoil();
        let said = [
            "missing from the mounted volume",
            "changed since it was verified",
            "size differs",
        ];
        day.is_not_safe(&[], said[at]);
        let there = day.drives[1].clone();
        day.disks[1].unmount();
        day.is_not_safe(&[], "1 of 6 files not on 2 disks");
        day.disks[1].mount(&there);
        // Back again, it was not verified.
        restore();
        day.is_not_safe(&[], "1 of 6 files not on 2 disks");
        assert_eq!(verify(&day.shoot, &day.copy(1)).0, 0);
        day.is_safe(&[]);
    }
}

#[test]
fn a_folder_of_copies_that_is_gone_is_remembered_when_its_drive_goes() {
    let Some(mut day) = Day::taken_in() else {
        return;
    };
    let aside = day.drives[1].join("away");
    for command in ["verify", "scan"] {
        fs::rename(day.copy(1), &aside).unwrap();
        let answer = day.shoot.run(&[command, day.copy(1).to_str().unwrap()]);
        assert_ne!(answer.code, 0, "{command}");
        let at = day.drives[1].clone();
        day.disks[1].unmount();
        day.is_not_safe(&[], "missing at the last check");
        day.disks[1].mount(&at);
        fs::rename(&aside, day.copy(1)).unwrap();
        assert_eq!(verify(&day.shoot, &day.copy(1)).0, 0);
        day.is_safe(&[]);
    }
}
