//! Shares, and the drives that may have been in their servers. A FUSE filesystem of the type `sshfs` stands for the share.

use std::path::Path;

use super::day::Day;
use crate::ingest::card::{ingest_well, set_time, verify};
use crate::ingest::judges::is_here;
use crate::shoot::mounts::Mount;

/// Mounts a share and verifies it, twice: what a share told of a file that was just written may have been of a moment before.
fn read_again(day: &Day, at: &Path, mount: &dyn Fn() -> Mount) {
    for _ in 0..2 {
        let share = mount();
        assert_eq!(verify(&day.shoot, at).0, 0);
        share.unmount();
    }
}

/// Gives the files of the card times of long ago: near the time of a change, that says nothing.
fn make_old(day: &Day) {
    for entry in walkdir::WalkDir::new(&day.card) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            set_time(entry.path(), 1_700_000_000);
        }
    }
}

/// A share of a machine that no other run of the tests knows: one address is one share for the whole system.
fn host(name: &str, share: &str) -> String {
    format!("{name}{}:/{share}", std::process::id())
}

#[test]
fn a_drive_that_was_shared_and_is_plugged_in_later_is_one_disk() {
    let Some(mut day) = Day::new() else { return };
    if !is_here("btsindex-fuse-python") {
        return;
    }
    day.is_card_said = true;
    // The drive is in another machine, which shares it; here it is not mounted as a drive.
    let elsewhere = day.shoot.folder("elsewhere");
    day.disks[0].unmount();
    day.disks[0].mount(&elsewhere);
    let nas = day.shoot.folder("nas");
    let mount = || Mount::passthrough(&elsewhere, &nas, &host("macmini", "Shuttle"), "sshfs");
    let share = mount();
    ingest_well(&day.shoot, &[&day.card], &[&nas]);
    share.unmount();
    // What was read back from the share's cache counts once it was mounted again, and read.
    read_again(&day, &nas, &mount);
    day.is_safe(&["--copies", "1"]);
    // It is unplugged there, and plugged in here.
    day.disks[0].unmount();
    let at = day.drives[0].clone();
    day.disks[0].mount(&at);
    ingest_well(&day.shoot, &[&day.card], &[&at]);
    day.say_disk("SHUTTLE", "WD-1");
    day.is_not_safe(&[], "6 of 6 files not on 2 disks");
    day.is_not_safe(&[], "at the same time");
    // A person knows better.
    day.say_disk("Shuttle", "MACMINI-1");
    day.is_safe(&[]);
    day.say_disk("Shuttle", "wd-1");
    day.is_not_safe(&[], "6 of 6 files not on 2 disks");
}

#[test]
fn a_share_and_a_drive_that_are_there_at_the_same_time_are_two_disks() {
    let Some(mut day) = Day::new() else { return };
    if !is_here("btsindex-fuse-python") {
        return;
    }
    day.is_card_said = true;
    let elsewhere = day.shoot.folder("elsewhere");
    let nas = day.shoot.folder("nas");
    let mount = || Mount::passthrough(&elsewhere, &nas, &host("nas", "rushes"), "sshfs");
    let share = mount();
    ingest_well(&day.shoot, &[&day.card], &[&nas, &day.copy(0)]);
    day.say_disk("SHUTTLE", "WD-1");
    share.unmount();
    read_again(&day, &nas, &mount);
    day.is_safe(&[]);
    // Its copies were verified while the drive was mounted here.
    day.is_safe(&[]);
    day.disks[0].unmount();
    day.is_safe(&[]);
    // Verified again while the drive was away: nothing tells any more where the drive was.
    let share = mount();
    Day::next_second();
    assert_eq!(verify(&day.shoot, &nas).0, 0);
    day.is_not_safe(&[], "at the same time");
    let at = day.drives[0].clone();
    day.disks[0].mount(&at);
    day.is_safe(&[]);
    share.unmount();
    day.is_not_safe(&[], "at the same time");
}

#[test]
fn a_clock_that_is_set_back_does_not_mount_a_drive_beside_a_share() {
    let Some(mut day) = Day::new() else { return };
    if !is_here("btsindex-fuse-python") {
        return;
    }
    day.is_card_said = true;
    let elsewhere = day.shoot.folder("elsewhere");
    let nas = day.shoot.folder("nas");
    let mount = || Mount::passthrough(&elsewhere, &nas, &host("clock", "rushes"), "sshfs");
    let share = mount();
    ingest_well(&day.shoot, &[&day.card], &[&nas, &day.copy(0)]);
    day.say_disk("SHUTTLE", "WD-1");
    share.unmount();
    read_again(&day, &nas, &mount);
    day.is_safe(&[]);
    let then = "SELECT max(at) FROM ingest_copy";
    let then: i64 = day
        .database()
        .query_row(then, [], |row| row.get(0))
        .unwrap();
    // The drive is in the server when the share is verified again, at a time that the clock told before.
    day.disks[0].unmount();
    let share = mount();
    assert_eq!(verify(&day.shoot, &nas).0, 0);
    share.unmount();
    for table in ["ingest_copy", "hash"] {
        let sql = format!("UPDATE {table} SET at = ?1");
        day.database().execute(&sql, [then]).unwrap();
    }
    day.is_not_safe(&[], "at the same time");
    // The drive is plugged in while the share is there, and goes again before the share is read.
    let share = mount();
    let at = day.drives[0].clone();
    day.disks[0].mount(&at);
    day.is_safe(&[]);
    day.disks[0].unmount();
    assert_eq!(verify(&day.shoot, &nas).0, 0);
    day.is_not_safe(&[], "at the same time");
    // It is there when the share is read.
    day.disks[0].mount(&at);
    assert_eq!(verify(&day.shoot, &nas).0, 0);
    share.unmount();
    day.disks[0].unmount();
    day.is_safe(&[]);
}

#[test]
fn a_share_that_may_be_the_card_is_no_copy_of_it() {
    let Some(mut day) = Day::new() else { return };
    if !is_here("btsindex-fuse-python") {
        return;
    }
    day.is_card_said = true;
    // The card is in another machine's reader, and scanned over the network.
    let card = day.card.clone();
    let elsewhere = day.shoot.folder("elsewhere");
    day.card_disk.unmount();
    day.card_disk.mount(&elsewhere);
    let nas = day.shoot.folder("nas");
    let mount = || Mount::passthrough(&elsewhere, &nas, &host("reader", "Card"), "sshfs");
    let more = day.shoot.folder("more");
    let share = mount();
    // Its own files, written down as copies of themselves.
    ingest_well(&day.shoot, &[&nas], &[&more]);
    ingest_well(&day.shoot, &[&more], &[&nas]);
    share.unmount();
    let share = mount();
    assert_eq!(verify(&day.shoot, &nas).0, 0);
    share.unmount();
    day.card_disk.unmount();
    day.card_disk.mount(&card);
    day.is_not_safe(&["--copies", "1"], "may be the card's own disk");
}

#[test]
fn a_card_on_a_share_of_this_machine_may_be_any_copy() {
    let Some(day) = Day::taken_in() else { return };
    if !is_here("btsindex-fuse-python") {
        return;
    }
    let nas = day.shoot.folder("nas");
    for source in ["localhost:/card", "127.0.0.1:/card", "gvfsd"] {
        let share = Mount::passthrough(&day.copy(0), &nas, source, "sshfs");
        day.no_card(&nas, "whose disk is unknown");
        share.unmount();
    }
}

#[test]
fn a_drive_that_two_machines_shared_one_after_the_other_is_one_disk() {
    let Some(mut day) = Day::new() else { return };
    if !is_here("btsindex-fuse-python") {
        return;
    }
    day.is_card_said = true;
    make_old(&day);
    let elsewhere = day.shoot.folder("elsewhere");
    let [one, other] = ["one", "other"].map(|name| day.shoot.folder(name));
    let mount =
        |at: &Path, name: &str| Mount::passthrough(&elsewhere, at, &host(name, "Drive"), "sshfs");
    for (at, name) in [(&one, "cart"), (&other, "suite")] {
        let share = mount(at, name);
        ingest_well(&day.shoot, &[&day.card], &[at]);
        share.unmount();
        read_again(&day, at, &|| mount(at, name));
    }
    day.is_safe(&["--copies", "1"]);
    day.is_not_safe(&[], "6 of 6 files not on 2 disks");
    // Seen at once, they are the same files.
    let _one = mount(&one, "cart");
    let _other = mount(&other, "suite");
    day.is_not_safe(&[], "6 of 6 files not on 2 disks");
    day.is_not_safe(&["--paranoid"], "6 of 6 files not on 2 disks");
}
