//! Drives that were formatted, or used for something else, while their copies were thought to be on the shelf.

use super::day::Day;
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
    day.is_not_safe(&[], "its disk has held NEW since");
    day.is_not_safe(&[], "--to FOLDER-ON-ANOTHER-DISK");
    // Neither taking it away nor forgetting it brings the copies back.
    day.disks[1].unmount();
    day.is_not_safe(&[], "its disk has held NEW since");
    let forgotten = day.shoot.run(&["volumes", "forget", "NEW", "--yes"]);
    assert_eq!(forgotten.code, 0, "{}", forgotten.stderr);
    day.is_not_safe(&[], "its disk has held NEW since");
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
    day.is_not_safe(&[], "its disk has held NEW since");
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
    day.is_not_safe(&[], "its disk has held OTHER since");
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
    day.disks[1].format("RAID", &["-U", &uuid]);
    day.mount(1);
    // Mounted, it is looked at; away, it is known to be another.
    day.is_not_safe(&[], "not there");
    day.disks[1].unmount();
    day.is_not_safe(&[], "its volume was formatted since");
    // What is copied there from now on counts.
    day.mount(1);
    Day::next_second();
    day.ingest(&[0, 1]);
    day.is_safe(&[]);
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
    day.is_not_safe(&[], "its volume was formatted since");
    day.mount(1);
    Day::next_second();
    day.is_safe(&["--paranoid"]);
    day.disks[1].unmount();
    day.is_safe(&[]);
}
