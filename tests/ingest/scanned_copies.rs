//! Copies that changed or were deleted after verification, on a drive that is scanned and then
//! unmounted.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::card::{ingest_ok, verify, write_card, write_file};
use crate::shoot::disk::{Disk, run};
use crate::shoot::{Answer, Shoot};
use crate::skipped_tests::{Skipped, or_skip};

const SIDECAR: &str = "Clips/00/D00001.xml";
const DATA: &str = "STATUS/CARD.BIN";

/// Card that was copied to two drives. The tests change the copies on the second drive.
struct TwoDrives {
    shoot: Shoot,
    card: PathBuf,
    raid: PathBuf,
    disks: [Disk; 3],
}

impl TwoDrives {
    /// Fails if nothing can be mounted.
    fn new() -> Result<Self, Skipped> {
        let shoot = Shoot::new();
        let images = shoot.folder("images");
        let [card, shuttle, raid] = ["card", "shuttle", "raid"].map(|name| shoot.folder(name));
        let labels = ["CARD", "SHUTTLE", "RAID"];
        let [one, two, three] = labels.map(|label| Disk::new(&images, label, 100));
        let mut disks = [one?, two?, three?];
        for (disk, folder) in disks.iter_mut().zip([&card, &shuttle, &raid]) {
            disk.mount(folder);
        }
        write_card(&card, 2, 2000);
        write_file(&card, SIDECAR, b"<clip/>");
        write_file(&card, DATA, b"status");
        let to = [&shuttle, &raid].map(|drive| drive.join("A001"));
        ingest_ok(&shoot, &[&card], &[&to[0], &to[1]]);
        for (label, disk) in labels.iter().zip(["WD-0", "WD-1", "WD-2"]) {
            // Fails for the card, whose volume is not in the catalogue.
            shoot.run(&["volumes", "disk", label, disk]);
        }
        Ok(Self {
            shoot,
            card,
            raid,
            disks,
        })
    }

    fn copy(&self, inside: &str) -> PathBuf {
        self.raid.join("A001").join(inside)
    }

    fn scan(&self, folder: &Path) -> Answer {
        let mut command = self.shoot.command();
        let answer = Answer::from_output(&command.arg("scan").arg(folder).output().unwrap());
        assert!([0, 4].contains(&answer.code), "{}", answer.stderr);
        answer
    }

    /// Returns the verdict on the card while the second drive is unmounted.
    fn is_safe_without_drive(&mut self) -> bool {
        self.disks[2].unmount();
        let mut command = self.shoot.command();
        command.args(["safe", "--json", "--card-disk", "WD-0"]);
        let answer = Answer::from_output(&command.arg(&self.card).output().unwrap());
        self.disks[2].mount(&self.raid);
        answer.json().last().unwrap()["safe"].as_bool().unwrap()
    }

    /// State of a copy on the second drive according to the ingest log.
    fn state(&self, inside: &str) -> String {
        let ingest = &self
            .shoot
            .run(&["ingests", "1", "--files", "--json"])
            .json()[0];
        let files = ingest["copies"].as_array().unwrap();
        let is_it = |file: &&Value| file["path"] == inside;
        let file = files.iter().find(is_it).unwrap();
        file["copies"][1]["state"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_sidecar_deleted_from_a_scanned_drive_counts_as_missing() {
    let mut drives = or_skip!(TwoDrives::new());
    assert!(drives.is_safe_without_drive());
    drives.scan(&drives.raid);
    assert!(drives.is_safe_without_drive(), "a scan changes nothing");
    fs::remove_file(drives.copy(SIDECAR)).unwrap();
    let answer = drives.scan(&drives.raid);
    assert!(
        answer
            .stderr
            .contains("verified copies of cards: 1 missing, 0 changed"),
        "{}",
        answer.stderr
    );
    assert!(
        answer.stderr.contains("btsindex verify"),
        "{}",
        answer.stderr
    );
    assert_eq!(drives.state(SIDECAR), "missing");
    assert!(!drives.is_safe_without_drive());
    // It is reported once; another ingest replaces it.
    assert!(!drives.scan(&drives.raid).stderr.contains("verified copies"));
    ingest_ok(
        &drives.shoot,
        &[&drives.card],
        &[
            &drives.shoot.folder("shuttle").join("A001"),
            &drives.raid.join("A001"),
        ],
    );
    assert!(drives.is_safe_without_drive());
}

#[test]
fn a_changed_copy_or_one_replaced_by_a_folder_or_link_no_longer_counts() {
    let mut drives = or_skip!(TwoDrives::new());
    let bytes = fs::read(drives.copy(DATA)).unwrap();
    let modified = drives.copy(DATA).metadata().unwrap().modified().unwrap();
    let restore = |drives: &TwoDrives| {
        let file = fs::File::create(drives.copy(DATA)).unwrap();
        file.set_modified(modified).unwrap();
        drop(file);
        fs::write(drives.copy(DATA), &bytes).unwrap();
        assert_eq!(verify(&drives.shoot, &drives.raid.join("A001")).0, 0);
        assert_eq!(drives.state(DATA), "verified");
    };
    // Same size and modification time: only the change time differs.
    let file = fs::File::options()
        .write(true)
        .open(drives.copy(DATA))
        .unwrap();
    fs::write(drives.copy(DATA), b"STATUS").unwrap();
    file.set_modified(modified).unwrap();
    drop(file);
    drives.scan(&drives.raid.join("A001/STATUS"));
    assert_eq!(drives.state(DATA), "could not be read");
    assert!(!drives.is_safe_without_drive());
    restore(&drives);
    // A folder with its name.
    fs::remove_file(drives.copy(DATA)).unwrap();
    fs::create_dir(drives.copy(DATA)).unwrap();
    drives.scan(&drives.raid);
    assert_eq!(drives.state(DATA), "missing");
    fs::remove_dir(drives.copy(DATA)).unwrap();
    restore(&drives);
    // A link in place of the folder.
    fs::rename(drives.copy("STATUS"), drives.raid.join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", drives.copy("STATUS")).unwrap();
    drives.scan(&drives.raid);
    assert_eq!(drives.state(DATA), "could not be read");
    assert!(!drives.is_safe_without_drive());
}

#[test]
fn a_scan_leaves_copies_outside_its_folder_or_below_another_mount_unchanged() {
    let mut drives = or_skip!(TwoDrives::new());
    fs::remove_file(drives.copy(SIDECAR)).unwrap();
    drives.scan(&drives.raid.join("A001/STATUS"));
    assert_eq!(drives.state(SIDECAR), "verified");
    // A mount hides the copies below it, but they still exist.
    let images = drives.shoot.folder("images");
    let mut cover = or_skip!(Disk::new(&images, "COVER", 100));
    cover.mount(&drives.copy("STATUS"));
    drives.scan(&drives.raid);
    assert_eq!(drives.state(SIDECAR), "missing");
    assert_eq!(drives.state(DATA), "verified");
    cover.unmount();
    // A drive that is not mounted gives no information on its copies.
    drives.disks[2].unmount();
    drives.scan(&drives.raid);
    let raid = drives.raid.clone();
    drives.disks[2].mount(&raid);
    assert_eq!(drives.state(DATA), "verified");
    assert!(run("sync", &[]));
}
