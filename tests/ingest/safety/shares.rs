//! Shares, and the drives that may have been in their servers. A FUSE filesystem of the type `sshfs` stands for the share.

use std::path::Path;

use super::offload::Offload;
use crate::ingest::card::{ingest_ok, set_time, verify};
use crate::ingest::reference_tools::is_installed;
use crate::shoot::mounts::Mount;

/// Mounts a share and verifies it, twice: what a share told of a file that was just written may have been of a moment before.
fn read_again(offload: &Offload, at: &Path, mount: &dyn Fn() -> Mount) {
    for _ in 0..2 {
        let share = mount();
        assert_eq!(verify(&offload.shoot, at).0, 0);
        share.unmount();
    }
}

/// Gives the files of the card times of long ago: near the time of a change, that says nothing.
fn make_old(offload: &Offload) {
    for entry in walkdir::WalkDir::new(&offload.card) {
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
    let Some(mut offload) = Offload::new() else {
        return;
    };
    if !is_installed("btsindex-fuse-python") {
        return;
    }
    offload.is_card_disk_given = true;
    // The drive is in another machine, which shares it; here it is not mounted as a drive.
    let elsewhere = offload.shoot.folder("elsewhere");
    offload.disks[0].unmount();
    offload.disks[0].mount(&elsewhere);
    let nas = offload.shoot.folder("nas");
    let mount = || Mount::passthrough(&elsewhere, &nas, &host("macmini", "Shuttle"), "sshfs");
    let share = mount();
    ingest_ok(&offload.shoot, &[&offload.card], &[&nas]);
    share.unmount();
    // What was read back from the share's cache counts once it was mounted again, and read.
    read_again(&offload, &nas, &mount);
    offload.is_safe(&["--copies", "1"]);
    // It is unplugged there, and plugged in here.
    offload.disks[0].unmount();
    let at = offload.drives[0].clone();
    offload.disks[0].mount(&at);
    ingest_ok(&offload.shoot, &[&offload.card], &[&at]);
    offload.set_disk("SHUTTLE", "WD-1");
    offload.is_not_safe(&[], "6 of 6 files not on 2 disks");
    offload.is_not_safe(&[], "at the same time");
    // A person knows better.
    offload.set_disk("Shuttle", "MACMINI-1");
    offload.is_safe(&[]);
    offload.set_disk("Shuttle", "wd-1");
    offload.is_not_safe(&[], "6 of 6 files not on 2 disks");
}

#[test]
fn a_share_and_a_drive_that_are_there_at_the_same_time_are_two_disks() {
    let Some(mut offload) = Offload::new() else {
        return;
    };
    if !is_installed("btsindex-fuse-python") {
        return;
    }
    offload.is_card_disk_given = true;
    let elsewhere = offload.shoot.folder("elsewhere");
    let nas = offload.shoot.folder("nas");
    let mount = || Mount::passthrough(&elsewhere, &nas, &host("nas", "rushes"), "sshfs");
    let share = mount();
    ingest_ok(&offload.shoot, &[&offload.card], &[&nas, &offload.copy(0)]);
    offload.set_disk("SHUTTLE", "WD-1");
    share.unmount();
    read_again(&offload, &nas, &mount);
    offload.is_safe(&[]);
    // Its copies were verified while the drive was mounted here.
    offload.is_safe(&[]);
    offload.disks[0].unmount();
    offload.is_safe(&[]);
    // Verified again while the drive was away: nothing tells any more where the drive was.
    let share = mount();
    Offload::next_second();
    assert_eq!(verify(&offload.shoot, &nas).0, 0);
    offload.is_not_safe(&[], "at the same time");
    let at = offload.drives[0].clone();
    offload.disks[0].mount(&at);
    offload.is_safe(&[]);
    share.unmount();
    offload.is_not_safe(&[], "at the same time");
}

#[test]
fn a_clock_that_is_set_back_does_not_mount_a_drive_beside_a_share() {
    let Some(mut offload) = Offload::new() else {
        return;
    };
    if !is_installed("btsindex-fuse-python") {
        return;
    }
    offload.is_card_disk_given = true;
    let elsewhere = offload.shoot.folder("elsewhere");
    let nas = offload.shoot.folder("nas");
    let mount = || Mount::passthrough(&elsewhere, &nas, &host("clock", "rushes"), "sshfs");
    let share = mount();
    ingest_ok(&offload.shoot, &[&offload.card], &[&nas, &offload.copy(0)]);
    offload.set_disk("SHUTTLE", "WD-1");
    share.unmount();
    read_again(&offload, &nas, &mount);
    offload.is_safe(&[]);
    let then = "SELECT max(at) FROM ingest_copy";
    let then: i64 = offload
        .database()
        .query_row(then, [], |row| row.get(0))
        .unwrap();
    // The drive is in the server when the share is verified again, at a time that the clock told before.
    offload.disks[0].unmount();
    let share = mount();
    assert_eq!(verify(&offload.shoot, &nas).0, 0);
    share.unmount();
    for table in ["ingest_copy", "hash"] {
        let sql = format!("UPDATE {table} SET at = ?1");
        offload.database().execute(&sql, [then]).unwrap();
    }
    offload.is_not_safe(&[], "at the same time");
    // The drive is plugged in while the share is there, and goes again before the share is read.
    let share = mount();
    let at = offload.drives[0].clone();
    offload.disks[0].mount(&at);
    offload.is_safe(&[]);
    offload.disks[0].unmount();
    assert_eq!(verify(&offload.shoot, &nas).0, 0);
    offload.is_not_safe(&[], "at the same time");
    // It is there when the share is read.
    offload.disks[0].mount(&at);
    assert_eq!(verify(&offload.shoot, &nas).0, 0);
    share.unmount();
    offload.disks[0].unmount();
    offload.is_safe(&[]);
}

#[test]
fn a_share_that_may_be_the_card_is_no_copy_of_it() {
    let Some(mut offload) = Offload::new() else {
        return;
    };
    if !is_installed("btsindex-fuse-python") {
        return;
    }
    offload.is_card_disk_given = true;
    // The card is in another machine's reader, and scanned over the network.
    let card = offload.card.clone();
    let elsewhere = offload.shoot.folder("elsewhere");
    offload.card_disk.unmount();
    offload.card_disk.mount(&elsewhere);
    let nas = offload.shoot.folder("nas");
    let mount = || Mount::passthrough(&elsewhere, &nas, &host("reader", "Card"), "sshfs");
    let more = offload.shoot.folder("more");
    let share = mount();
    // Its own files, written down as copies of themselves.
    ingest_ok(&offload.shoot, &[&nas], &[&more]);
    ingest_ok(&offload.shoot, &[&more], &[&nas]);
    share.unmount();
    let share = mount();
    assert_eq!(verify(&offload.shoot, &nas).0, 0);
    share.unmount();
    offload.card_disk.unmount();
    offload.card_disk.mount(&card);
    offload.is_not_safe(&["--copies", "1"], "may be the card's own disk");
}

#[test]
fn a_card_on_a_share_of_this_machine_may_be_any_copy() {
    let Some(offload) = Offload::ingested() else {
        return;
    };
    if !is_installed("btsindex-fuse-python") {
        return;
    }
    let nas = offload.shoot.folder("nas");
    for source in ["localhost:/card", "127.0.0.1:/card", "gvfsd"] {
        let share = Mount::passthrough(&offload.copy(0), &nas, source, "sshfs");
        offload.is_not_deletable(&nas, "whose disk is unknown");
        share.unmount();
    }
}

#[test]
fn a_drive_that_two_machines_shared_one_after_the_other_is_one_disk() {
    let Some(mut offload) = Offload::new() else {
        return;
    };
    if !is_installed("btsindex-fuse-python") {
        return;
    }
    offload.is_card_disk_given = true;
    make_old(&offload);
    let elsewhere = offload.shoot.folder("elsewhere");
    let [one, other] = ["one", "other"].map(|name| offload.shoot.folder(name));
    let mount =
        |at: &Path, name: &str| Mount::passthrough(&elsewhere, at, &host(name, "Drive"), "sshfs");
    for (at, name) in [(&one, "cart"), (&other, "suite")] {
        let share = mount(at, name);
        ingest_ok(&offload.shoot, &[&offload.card], &[at]);
        share.unmount();
        read_again(&offload, at, &|| mount(at, name));
    }
    offload.is_safe(&["--copies", "1"]);
    offload.is_not_safe(&[], "6 of 6 files not on 2 disks");
    // Seen at once, they are the same files.
    let _one = mount(&one, "cart");
    let _other = mount(&other, "suite");
    offload.is_not_safe(&[], "6 of 6 files not on 2 disks");
    offload.is_not_safe(&["--paranoid"], "6 of 6 files not on 2 disks");
}
