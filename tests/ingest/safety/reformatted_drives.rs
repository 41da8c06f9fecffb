//! Drives that were formatted, resized or reused while they were believed to hold copies.

use std::fs;

use super::CLIP;
use super::setup::Offload;
use crate::ingest::card::{random_bytes, verify};
use crate::shoot::disk::{Disk, run};
use crate::skipped_tests::or_skip;

impl Offload {
    fn scan_drive(&self, drive: usize) {
        self.scan(&self.drives[drive]);
    }

    fn mount(&mut self, drive: usize) {
        let at = self.drives[drive].clone();
        self.disks[drive].mount(&at);
    }

    /// Formats the second drive with the same label and UUID.
    fn format_with_same_uuid(&mut self) {
        let uuid = self.uuid("RAID");
        // mke2fs writes the creation time of the root folder in whole seconds.
        Self::wait_for_next_second();
        self.disks[1].format("RAID", &["-U", &uuid]);
    }

    /// Mounts the second drive for one command, which notices the format; checks that its copies do
    /// not count afterwards.
    #[track_caller]
    fn assert_format_is_noticed(&mut self) {
        self.mount(1);
        assert_eq!(self.shoot.run(&["volumes"]).code, 0);
        self.disks[1].unmount();
        self.assert_not_safe(&[], "volume formatted since");
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
fn copies_on_a_formatted_drive_no_longer_count() {
    let mut offload = or_skip!(Offload::ingested());
    offload.disks[1].unmount();
    offload.assert_safe(&[]);
    offload.disks[1].format("NEW", &[]);
    offload.mount(1);
    offload.scan_drive(1);
    offload.set_disk("NEW", "wd-2");
    offload.assert_not_safe(&[], "its disk was later seen with NEW");
    offload.assert_not_safe(&[], "--to FOLDER-ON-ANOTHER-DISK");
    // Unmounting or forgetting the new volume does not bring the copies back.
    offload.disks[1].unmount();
    offload.assert_not_safe(&[], "its disk was later seen with NEW");
    let forgotten = offload.shoot.run(&["volumes", "forget", "NEW", "--yes"]);
    assert_eq!(forgotten.code, 0, "{}", forgotten.stderr);
    offload.assert_not_safe(&[], "its disk was later seen with NEW");
}

#[test]
fn a_disk_named_after_its_drive_was_formatted_counts_as_well() {
    let mut offload = or_skip!(Offload::ingested());
    offload.disks[1].format("NEW", &[]);
    offload.mount(1);
    offload.scan_drive(1);
    offload.disks[1].unmount();
    // It is not known yet that both volumes were on one disk.
    offload.assert_safe(&[]);
    offload.set_disk("NEW", "WD-2");
    offload.assert_not_safe(&[], "its disk was later seen with NEW");
}

#[test]
fn copies_count_again_once_their_drive_is_seen_again() {
    let mut offload = or_skip!(Offload::ingested());
    // Another partition of the same disk, mounted alone.
    let images = offload.shoot.folder("more");
    let mut other = or_skip!(Disk::new(&images, "OTHER", 40));
    let at = offload.shoot.folder("other");
    other.mount(&at);
    offload.scan(&at);
    offload.set_disk("OTHER", "WD-2");
    offload.assert_safe(&[]);
    offload.disks[1].unmount();
    offload.assert_not_safe(&[], "its disk was later seen with OTHER");
    offload.mount(1);
    offload.assert_safe(&[]);
    // Both were mounted at once and unmounted at once.
    offload.disks[1].unmount();
    other.unmount();
    offload.assert_safe(&[]);
}

#[test]
fn copies_on_a_drive_formatted_with_the_same_uuid_do_not_count() {
    let mut offload = or_skip!(Offload::ingested());
    offload.format_with_same_uuid();
    offload.assert_format_is_noticed();
    // Copies written from now on count.
    offload.mount(1);
    Offload::wait_for_next_second();
    offload.ingest(&[0, 1]);
    offload.assert_safe(&[]);
    offload.disks[1].unmount();
    offload.assert_safe(&[]);
}

#[test]
fn a_format_with_the_same_uuid_is_noticed_on_btrfs_and_xfs() {
    for make in [Disk::btrfs, Disk::xfs] {
        let mut offload = or_skip!(Offload::new());
        offload.is_card_disk_given = true;
        offload.disks[1].unmount();
        let disk = or_skip!(make(&offload.shoot.folder("more"), "RAID"));
        offload.disks[1] = disk;
        offload.mount(1);
        offload.delete_small_files();
        offload.ingest(&[0, 1]);
        offload.set_disk("SHUTTLE", "WD-1");
        offload.set_disk("RAID", "WD-2");
        offload.disks[1].unmount();
        offload.mount(1);
        offload.assert_safe(&[]);
        let uuid = offload.uuid("RAID");
        Offload::wait_for_next_second();
        offload.disks[1].format_with_uuid("RAID", &uuid);
        offload.assert_format_is_noticed();
        offload.mount(1);
        offload.ingest(&[0, 1]);
        offload.disks[1].unmount();
        offload.assert_safe(&[]);
    }
}

#[test]
fn verification_times_after_the_format_do_not_make_copies_count() {
    let mut offload = or_skip!(Offload::ingested());
    offload.format_with_same_uuid();
    offload.assert_format_is_noticed();
    // The clock was ahead when the copies were verified.
    Offload::wait_for_next_second();
    offload.set_age(0);
    offload.assert_not_safe(&[], "volume formatted since");
    // The clock was set back: copies verified now count, although their time is before the format.
    offload.mount(1);
    offload.ingest(&[0, 1]);
    offload.set_age(400);
    offload.disks[1].unmount();
    offload.assert_safe(&[]);
}

#[test]
fn a_resized_volume_counts_as_formatted_until_its_copies_are_read() {
    let mut offload = or_skip!(Offload::ingested());
    offload.disks[1].unmount();
    let image = offload.disks[1].image().to_str().unwrap().to_owned();
    assert!(run("e2fsck", &["-fp", &image]) && run("resize2fs", &[&image, "60M"]));
    offload.mount(1);
    // While the volume is mounted, its copies are checked and count.
    offload.assert_safe(&[]);
    offload.disks[1].unmount();
    offload.assert_not_safe(&[], "volume formatted since");
    offload.mount(1);
    Offload::wait_for_next_second();
    offload.assert_safe(&["--paranoid"]);
    offload.disks[1].unmount();
    offload.assert_safe(&[]);
}

#[test]
fn a_damaged_copy_is_remembered_after_its_drive_is_unmounted() {
    let mut offload = or_skip!(Offload::ingested());
    let path = offload.copy(1).join(CLIP);
    let original = fs::read(&path).unwrap();
    let restore = || fs::write(&path, &original).unwrap();
    let spoils: [&dyn Fn(); 3] = [
        &|| fs::remove_file(&path).unwrap(),
        &|| fs::write(&path, random_bytes(8, original.len())).unwrap(),
        &|| fs::write(&path, &original[1..]).unwrap(),
    ];
    for (number, spoil) in spoils.into_iter().enumerate() {
        spoil();
        let reasons = [
            "missing from the mounted volume",
            "changed since it was verified",
            "size differs",
        ];
        offload.assert_not_safe(&[], reasons[number]);
        let at = offload.drives[1].clone();
        offload.disks[1].unmount();
        offload.assert_not_safe(&[], "1 of 6 files not on 2 disks");
        offload.disks[1].mount(&at);
        // The restored copy is not verified yet.
        restore();
        offload.assert_not_safe(&[], "1 of 6 files not on 2 disks");
        assert_eq!(verify(&offload.shoot, &offload.copy(1)).0, 0);
        offload.assert_safe(&[]);
    }
}

#[test]
fn a_missing_folder_of_copies_is_remembered_after_its_drive_is_unmounted() {
    let mut offload = or_skip!(Offload::ingested());
    let moved = offload.drives[1].join("moved");
    for command in ["verify", "scan"] {
        fs::rename(offload.copy(1), &moved).unwrap();
        let answer = offload
            .shoot
            .run(&[command, offload.copy(1).to_str().unwrap()]);
        assert_ne!(answer.code, 0, "{command}");
        let at = offload.drives[1].clone();
        offload.disks[1].unmount();
        offload.assert_not_safe(&[], "missing at the last check");
        offload.disks[1].mount(&at);
        fs::rename(&moved, offload.copy(1)).unwrap();
        assert_eq!(verify(&offload.shoot, &offload.copy(1)).0, 0);
        offload.assert_safe(&[]);
    }
}
