//! Network shares, and drives that may have been in their servers. The share is a FUSE filesystem
//! of the type `sshfs`.

use std::path::{Path, PathBuf};

use super::setup::Offload;
use crate::ingest::card::{ingest_ok, set_time, verify};
use crate::shoot::mounts::Mount;
use crate::skipped_tests::{Skipped, find_installed, or_skip};

/// Mounts a card, two drives, and a folder that is shared by another machine; returns `None` if
/// that is impossible here.
fn offload_and_server() -> Result<(Offload, PathBuf), Skipped> {
    let mut offload = Offload::new()?;
    find_installed("btsindex-fuse-python")?;
    offload.is_card_disk_given = true;
    let server = offload.shoot.folder("elsewhere");
    Ok((offload, server))
}

/// Mounts a share and verifies it, twice: the share may have reported outdated attributes of a file
/// that was just written.
fn remount_and_verify_twice(offload: &Offload, at: &Path, mount: &dyn Fn() -> Mount) {
    for _ in 0..2 {
        let share = mount();
        assert_eq!(verify(&offload.shoot, at).0, 0);
        share.unmount();
    }
}

/// Sets old times on the files of the card: a recent time does not show that a file is unchanged.
fn set_old_times(offload: &Offload) {
    for entry in walkdir::WalkDir::new(&offload.card) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            set_time(entry.path(), 1_700_000_000);
        }
    }
}

/// Address of a share, unique to this run of the tests: the same address is the same share for the
/// whole system.
fn address(name: &str, share: &str) -> String {
    format!("{name}{}:/{share}", std::process::id())
}

#[test]
fn a_drive_first_shared_and_later_plugged_in_is_one_disk() {
    let (mut offload, server) = or_skip!(offload_and_server());
    // The drive is in another machine, which shares it. It is not mounted here as a drive.
    offload.disks[0].unmount();
    offload.disks[0].mount(&server);
    let nas = offload.shoot.folder("nas");
    let mount = || Mount::passthrough(&server, &nas, &address("macmini", "Shuttle"), "sshfs");
    let share = mount();
    ingest_ok(&offload.shoot, &[&offload.card], &[&nas]);
    share.unmount();
    // Copies read back from the cache of the share count once they are read after a remount.
    remount_and_verify_twice(&offload, &nas, &mount);
    offload.assert_safe(&["--copies", "1"]);
    // The drive is unplugged there and plugged in here.
    offload.disks[0].unmount();
    let at = offload.drives[0].clone();
    offload.disks[0].mount(&at);
    ingest_ok(&offload.shoot, &[&offload.card], &[&at]);
    offload.set_disk("SHUTTLE", "WD-1");
    offload.assert_not_safe(&[], "6 of 6 files not on 2 disks");
    offload.assert_not_safe(&[], "at the same time");
    // The user states the disk.
    offload.set_disk("Shuttle", "MACMINI-1");
    offload.assert_safe(&[]);
    offload.set_disk("Shuttle", "wd-1");
    offload.assert_not_safe(&[], "6 of 6 files not on 2 disks");
}

#[test]
fn a_share_and_a_drive_mounted_at_the_same_time_are_two_disks() {
    let (mut offload, server) = or_skip!(offload_and_server());
    let nas = offload.shoot.folder("nas");
    let mount = || Mount::passthrough(&server, &nas, &address("nas", "rushes"), "sshfs");
    let share = mount();
    ingest_ok(&offload.shoot, &[&offload.card], &[&nas, &offload.copy(0)]);
    offload.set_disk("SHUTTLE", "WD-1");
    share.unmount();
    remount_and_verify_twice(&offload, &nas, &mount);
    offload.assert_safe(&[]);
    // The copies on the share were verified while the drive was mounted here.
    offload.assert_safe(&[]);
    offload.disks[0].unmount();
    offload.assert_safe(&[]);
    // Verified again while the drive was unmounted: it may have been in the server then.
    let share = mount();
    Offload::wait_for_next_second();
    assert_eq!(verify(&offload.shoot, &nas).0, 0);
    offload.assert_not_safe(&[], "at the same time");
    let at = offload.drives[0].clone();
    offload.disks[0].mount(&at);
    offload.assert_safe(&[]);
    share.unmount();
    offload.assert_not_safe(&[], "at the same time");
}

#[test]
fn a_clock_set_back_does_not_make_a_drive_and_a_share_two_disks() {
    let (mut offload, server) = or_skip!(offload_and_server());
    let nas = offload.shoot.folder("nas");
    let mount = || Mount::passthrough(&server, &nas, &address("clock", "rushes"), "sshfs");
    let share = mount();
    ingest_ok(&offload.shoot, &[&offload.card], &[&nas, &offload.copy(0)]);
    offload.set_disk("SHUTTLE", "WD-1");
    share.unmount();
    remount_and_verify_twice(&offload, &nas, &mount);
    offload.assert_safe(&[]);
    let sql = "SELECT max(at) FROM ingest_copy";
    let earlier: i64 = offload
        .database()
        .query_row(sql, [], |row| row.get(0))
        .unwrap();
    // The drive is in the server when the share is verified again; the clock shows an earlier time.
    offload.disks[0].unmount();
    let share = mount();
    assert_eq!(verify(&offload.shoot, &nas).0, 0);
    share.unmount();
    for table in ["ingest_copy", "hash"] {
        let sql = format!("UPDATE {table} SET at = ?1");
        offload.database().execute(&sql, [earlier]).unwrap();
    }
    offload.assert_not_safe(&[], "at the same time");
    // The drive is mounted while the share is, and unmounted before the share is read.
    let share = mount();
    let at = offload.drives[0].clone();
    offload.disks[0].mount(&at);
    offload.assert_safe(&[]);
    offload.disks[0].unmount();
    assert_eq!(verify(&offload.shoot, &nas).0, 0);
    offload.assert_not_safe(&[], "at the same time");
    // The drive is mounted when the share is read.
    offload.disks[0].mount(&at);
    assert_eq!(verify(&offload.shoot, &nas).0, 0);
    share.unmount();
    offload.disks[0].unmount();
    offload.assert_safe(&[]);
}

#[test]
fn a_share_that_may_be_the_card_is_not_a_copy_of_it() {
    let (mut offload, server) = or_skip!(offload_and_server());
    // The card is in a reader of another machine and is ingested over the network.
    let card = offload.card.clone();
    offload.card_disk.unmount();
    offload.card_disk.mount(&server);
    let nas = offload.shoot.folder("nas");
    let mount = || Mount::passthrough(&server, &nas, &address("reader", "Card"), "sshfs");
    let more = offload.shoot.folder("more");
    let share = mount();
    // Its own files are recorded as their copies.
    ingest_ok(&offload.shoot, &[&nas], &[&more]);
    ingest_ok(&offload.shoot, &[&more], &[&nas]);
    share.unmount();
    let share = mount();
    assert_eq!(verify(&offload.shoot, &nas).0, 0);
    share.unmount();
    offload.card_disk.unmount();
    offload.card_disk.mount(&card);
    offload.assert_not_safe(&["--copies", "1"], "may be the card's own disk");
}

#[test]
fn a_card_on_a_share_of_this_machine_is_on_an_unknown_disk() {
    let offload = or_skip!(Offload::ingested());
    or_skip!(find_installed("btsindex-fuse-python"));
    let nas = offload.shoot.folder("nas");
    for source in ["localhost:/card", "127.0.0.1:/card", "gvfsd"] {
        let share = Mount::passthrough(&offload.copy(0), &nas, source, "sshfs");
        offload.assert_folder_not_safe(&nas, "whose disk is unknown");
        share.unmount();
    }
}

#[test]
fn a_drive_shared_by_two_machines_in_turn_is_one_disk() {
    let (offload, server) = or_skip!(offload_and_server());
    set_old_times(&offload);
    let [one, other] = ["one", "other"].map(|name| offload.shoot.folder(name));
    let mount =
        |at: &Path, name: &str| Mount::passthrough(&server, at, &address(name, "Drive"), "sshfs");
    for (at, name) in [(&one, "cart"), (&other, "suite")] {
        let share = mount(at, name);
        ingest_ok(&offload.shoot, &[&offload.card], &[at]);
        share.unmount();
        remount_and_verify_twice(&offload, at, &|| mount(at, name));
    }
    offload.assert_safe(&["--copies", "1"]);
    offload.assert_not_safe(&[], "6 of 6 files not on 2 disks");
    // Both shares are mounted at once and show the same files.
    let _one = mount(&one, "cart");
    let _other = mount(&other, "suite");
    offload.assert_not_safe(&[], "6 of 6 files not on 2 disks");
    offload.assert_not_safe(&["--paranoid"], "6 of 6 files not on 2 disks");
}
