//! Drives that were formatted, or used for something else, while their copies were thought to be on the shelf.

use std::fs;

use super::CLIP;
use super::offload::Offload;
use crate::ingest::card::{random_bytes, verify};
use crate::shoot::disk::{Disk, run};

impl Offload {
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
    let Some(mut offload) = Offload::ingested() else {
        return;
    };
    offload.disks[1].unmount();
    offload.is_safe(&[]);
    offload.disks[1].format("NEW", &[]);
    offload.mount(1);
    offload.scan_drive(1);
    offload.set_disk("NEW", "wd-2");
    offload.is_not_safe(&[], "its disk was later seen with NEW");
    offload.is_not_safe(&[], "--to FOLDER-ON-ANOTHER-DISK");
    // Neither taking it away nor forgetting it brings the copies back.
    offload.disks[1].unmount();
    offload.is_not_safe(&[], "its disk was later seen with NEW");
    let forgotten = offload.shoot.run(&["volumes", "forget", "NEW", "--yes"]);
    assert_eq!(forgotten.code, 0, "{}", forgotten.stderr);
    offload.is_not_safe(&[], "its disk was later seen with NEW");
}

#[test]
fn what_a_person_says_later_of_a_formatted_drive_counts_as_well() {
    let Some(mut offload) = Offload::ingested() else {
        return;
    };
    offload.disks[1].format("NEW", &[]);
    offload.mount(1);
    offload.scan_drive(1);
    offload.disks[1].unmount();
    // Nothing tells yet that both were on one disk.
    offload.is_safe(&[]);
    offload.set_disk("NEW", "WD-2");
    offload.is_not_safe(&[], "its disk was later seen with NEW");
}

#[test]
fn a_drive_that_is_seen_again_holds_its_copies() {
    let Some(mut offload) = Offload::ingested() else {
        return;
    };
    // Another partition of the same disk, mounted alone.
    let images = offload.shoot.folder("more");
    let Some(mut other) = Disk::new(&images, "OTHER", 40) else {
        return;
    };
    let at = offload.shoot.folder("other");
    other.mount(&at);
    offload.scan(&at);
    offload.set_disk("OTHER", "WD-2");
    offload.is_safe(&[]);
    offload.disks[1].unmount();
    offload.is_not_safe(&[], "its disk was later seen with OTHER");
    offload.mount(1);
    offload.is_safe(&[]);
    // Both were there at once, and went at once.
    offload.disks[1].unmount();
    other.unmount();
    offload.is_safe(&[]);
}

#[test]
fn a_drive_that_kept_its_identity_when_it_was_formatted_holds_no_copy() {
    let Some(mut offload) = Offload::ingested() else {
        return;
    };
    let uuid = offload.uuid("RAID");
    // mke2fs keeps the time at which a root was made in whole seconds.
    Offload::next_second();
    offload.disks[1].format("RAID", &["-U", &uuid]);
    offload.mount(1);
    // Whatever command is the first to see it.
    assert_eq!(offload.shoot.run(&["volumes"]).code, 0);
    offload.disks[1].unmount();
    offload.is_not_safe(&[], "volume formatted since");
    // What is copied there from now on counts.
    offload.mount(1);
    Offload::next_second();
    offload.ingest(&[0, 1]);
    offload.is_safe(&[]);
    offload.disks[1].unmount();
    offload.is_safe(&[]);
}

#[test]
fn every_filesystem_that_kept_its_identity_when_it_was_formatted_holds_no_copy() {
    for make in [Disk::btrfs, Disk::xfs] {
        let Some(mut offload) = Offload::new() else {
            return;
        };
        offload.is_card_disk_given = true;
        offload.disks[1].unmount();
        let Some(disk) = make(&offload.shoot.folder("more"), "RAID") else {
            return;
        };
        offload.disks[1] = disk;
        offload.mount(1);
        offload.leave_large_files();
        offload.ingest(&[0, 1]);
        offload.set_disk("SHUTTLE", "WD-1");
        offload.set_disk("RAID", "WD-2");
        offload.disks[1].unmount();
        offload.mount(1);
        offload.is_safe(&[]);
        let uuid = offload.uuid("RAID");
        Offload::next_second();
        offload.disks[1].format_with_uuid("RAID", &uuid);
        offload.mount(1);
        assert_eq!(offload.shoot.run(&["volumes"]).code, 0);
        offload.disks[1].unmount();
        offload.is_not_safe(&[], "volume formatted since");
        offload.mount(1);
        offload.ingest(&[0, 1]);
        offload.disks[1].unmount();
        offload.is_safe(&[]);
    }
}

#[test]
fn no_clock_says_that_a_copy_was_verified_after_its_drive_was_formatted() {
    let Some(mut offload) = Offload::ingested() else {
        return;
    };
    let uuid = offload.uuid("RAID");
    Offload::next_second();
    offload.disks[1].format("RAID", &["-U", &uuid]);
    offload.mount(1);
    assert_eq!(offload.shoot.run(&["volumes"]).code, 0);
    offload.disks[1].unmount();
    offload.is_not_safe(&[], "volume formatted since");
    // The clock was ahead when the copies were verified.
    Offload::next_second();
    offload.age(0);
    offload.is_not_safe(&[], "volume formatted since");
    // Set back since: what is verified now is after the format, whatever the clock says.
    offload.mount(1);
    offload.ingest(&[0, 1]);
    offload.age(400);
    offload.disks[1].unmount();
    offload.is_safe(&[]);
}

#[test]
fn a_volume_of_another_size_is_another_volume() {
    let Some(mut offload) = Offload::ingested() else {
        return;
    };
    offload.disks[1].unmount();
    let image = offload.disks[1].image().to_str().unwrap().to_owned();
    assert!(run("e2fsck", &["-fp", &image]) && run("resize2fs", &[&image, "60M"]));
    offload.mount(1);
    // Nothing is wrong with what is there, and it is seen.
    offload.is_safe(&[]);
    offload.disks[1].unmount();
    offload.is_not_safe(&[], "volume formatted since");
    offload.mount(1);
    Offload::next_second();
    offload.is_safe(&["--paranoid"]);
    offload.disks[1].unmount();
    offload.is_safe(&[]);
}

#[test]
fn what_was_seen_of_a_copy_is_remembered_when_its_drive_goes() {
    let Some(mut offload) = Offload::ingested() else {
        return;
    };
    let path = offload.copy(1).join(CLIP);
    let kept = fs::read(&path).unwrap();
    let restore = || fs::write(&path, &kept).unwrap();
    let spoils: [&dyn Fn(); 3] = [
        &|| fs::remove_file(&path).unwrap(),
        &|| fs::write(&path, random_bytes(8, kept.len())).unwrap(),
        &|| fs::write(&path, &kept[1..]).unwrap(),
    ];
    for (at, spoil) in spoils.into_iter().enumerate() {
        spoil();
        let said = [
            "missing from the mounted volume",
            "changed since it was verified",
            "size differs",
        ];
        offload.is_not_safe(&[], said[at]);
        let there = offload.drives[1].clone();
        offload.disks[1].unmount();
        offload.is_not_safe(&[], "1 of 6 files not on 2 disks");
        offload.disks[1].mount(&there);
        // Back again, it was not verified.
        restore();
        offload.is_not_safe(&[], "1 of 6 files not on 2 disks");
        assert_eq!(verify(&offload.shoot, &offload.copy(1)).0, 0);
        offload.is_safe(&[]);
    }
}

#[test]
fn a_folder_of_copies_that_is_gone_is_remembered_when_its_drive_goes() {
    let Some(mut offload) = Offload::ingested() else {
        return;
    };
    let aside = offload.drives[1].join("away");
    for command in ["verify", "scan"] {
        fs::rename(offload.copy(1), &aside).unwrap();
        let answer = offload
            .shoot
            .run(&[command, offload.copy(1).to_str().unwrap()]);
        assert_ne!(answer.code, 0, "{command}");
        let at = offload.drives[1].clone();
        offload.disks[1].unmount();
        offload.is_not_safe(&[], "missing at the last check");
        offload.disks[1].mount(&at);
        fs::rename(&aside, offload.copy(1)).unwrap();
        assert_eq!(verify(&offload.shoot, &offload.copy(1)).0, 0);
        offload.is_safe(&[]);
    }
}
