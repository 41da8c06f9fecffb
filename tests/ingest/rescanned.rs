//! Copies that are changed or deleted after they were verified, on a drive that is scanned and taken away.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::card::{fill, ingest_well, put, verify};
use crate::shoot::disk::{Disk, run};
use crate::shoot::{Answer, Shoot};

const SIDECAR: &str = "Clips/00/D00001.xml";
const DATA: &str = "STATUS/CARD.BIN";

/// A card that was copied to two drives; the second is at hand, the first was taken away.
struct Day {
    shoot: Shoot,
    card: PathBuf,
    raid: PathBuf,
    disks: [Disk; 3],
}

impl Day {
    /// `None` where nothing can be mounted.
    fn new() -> Option<Self> {
        let shoot = Shoot::new();
        let images = shoot.folder("images");
        let [card, shuttle, raid] = ["card", "shuttle", "raid"].map(|name| shoot.folder(name));
        let labels = ["CARD", "SHUTTLE", "RAID"];
        let [Some(one), Some(two), Some(three)] =
            labels.map(|label| Disk::new(&images, label, 100))
        else {
            return None;
        };
        let mut disks = [one, two, three];
        for (disk, folder) in disks.iter_mut().zip([&card, &shuttle, &raid]) {
            disk.mount(folder);
        }
        fill(&card, 2, 2000);
        put(&card, SIDECAR, b"<clip/>");
        put(&card, DATA, b"status");
        let to = [&shuttle, &raid].map(|drive| drive.join("A001"));
        ingest_well(&shoot, &[&card], &[&to[0], &to[1]]);
        for (label, disk) in labels.iter().zip(["WD-0", "WD-1", "WD-2"]) {
            // The card's volume is not in the catalogue.
            shoot.run(&["volumes", "disk", label, disk]);
        }
        Some(Self {
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

    /// The verdict on the card while the second drive is away.
    fn is_safe_without_drive(&mut self) -> bool {
        self.disks[2].unmount();
        let mut command = self.shoot.command();
        command.args(["safe", "--json", "--card-disk", "WD-0"]);
        let answer = Answer::from_output(&command.arg(&self.card).output().unwrap());
        self.disks[2].mount(&self.raid);
        answer.json().last().unwrap()["safe"].as_bool().unwrap()
    }

    /// State of a copy on the second drive, as the log has it.
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
fn a_sidecar_that_is_deleted_from_a_scanned_drive_counts_as_missing() {
    let Some(mut day) = Day::new() else { return };
    assert!(day.is_safe_without_drive());
    day.scan(&day.raid);
    assert!(day.is_safe_without_drive(), "a scan changes nothing");
    fs::remove_file(day.copy(SIDECAR)).unwrap();
    let told = day.scan(&day.raid);
    assert!(told.stderr.contains("1 verified copies"), "{}", told.stderr);
    assert!(told.stderr.contains("btsindex verify"), "{}", told.stderr);
    assert_eq!(day.state(SIDECAR), "missing");
    assert!(!day.is_safe_without_drive());
    // It is told once, and mended as ever.
    assert!(!day.scan(&day.raid).stderr.contains("verified copies"));
    ingest_well(
        &day.shoot,
        &[&day.card],
        &[
            &day.shoot.folder("shuttle").join("A001"),
            &day.raid.join("A001"),
        ],
    );
    assert!(day.is_safe_without_drive());
}

#[test]
fn a_file_that_is_changed_or_replaced_by_a_folder_or_a_link_counts_no_more() {
    let Some(mut day) = Day::new() else { return };
    let bytes = fs::read(day.copy(DATA)).unwrap();
    let modified = day.copy(DATA).metadata().unwrap().modified().unwrap();
    let put_back = |day: &Day| {
        let file = fs::File::create(day.copy(DATA)).unwrap();
        file.set_modified(modified).unwrap();
        drop(file);
        fs::write(day.copy(DATA), &bytes).unwrap();
        assert_eq!(verify(&day.shoot, &day.raid.join("A001")).0, 0);
        assert_eq!(day.state(DATA), "verified");
    };
    // Same size and time: only the change time tells.
    let file = fs::File::options()
        .write(true)
        .open(day.copy(DATA))
        .unwrap();
    fs::write(day.copy(DATA), b"STATUS").unwrap();
    file.set_modified(modified).unwrap();
    drop(file);
    day.scan(&day.raid.join("A001/STATUS"));
    assert_eq!(day.state(DATA), "could not be read");
    assert!(!day.is_safe_without_drive());
    put_back(&day);
    // A folder of its name.
    fs::remove_file(day.copy(DATA)).unwrap();
    fs::create_dir(day.copy(DATA)).unwrap();
    day.scan(&day.raid);
    assert_eq!(day.state(DATA), "missing");
    fs::remove_dir(day.copy(DATA)).unwrap();
    put_back(&day);
    // A link in place of the folder.
    fs::rename(day.copy("STATUS"), day.raid.join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", day.copy("STATUS")).unwrap();
    day.scan(&day.raid);
    assert_eq!(day.state(DATA), "could not be read");
    assert!(!day.is_safe_without_drive());
}

#[test]
fn copies_outside_the_scanned_folder_or_below_another_mount_stay_as_they_are() {
    let Some(mut day) = Day::new() else { return };
    fs::remove_file(day.copy(SIDECAR)).unwrap();
    day.scan(&day.raid.join("A001/STATUS"));
    assert_eq!(day.state(SIDECAR), "verified");
    // Something mounted over the folder hides the copies; they are there.
    let images = day.shoot.folder("images");
    let Some(mut cover) = Disk::new(&images, "COVER", 100) else {
        return;
    };
    cover.mount(&day.copy("STATUS"));
    day.scan(&day.raid);
    assert_eq!(day.state(SIDECAR), "missing");
    assert_eq!(day.state(DATA), "verified");
    cover.unmount();
    // A drive that is not mounted says nothing of its copies.
    day.disks[2].unmount();
    day.scan(&day.raid);
    let raid = day.raid.clone();
    day.disks[2].mount(&raid);
    assert_eq!(day.state(DATA), "verified");
    assert!(run("sync", &[]));
}
