//! A card, two drives, and what is asked of them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::Connection;
use serde_json::Value;

use crate::ingest::card::{ingest_ok, write_card, write_file};
use crate::shoot::disk::Disk;
use crate::shoot::{Answer, Shoot};

/// A card and two drives; what is on the card is on both of them, below `A001`.
pub(super) struct Offload {
    pub(super) shoot: Shoot,
    pub(super) card: PathBuf,
    pub(super) drives: [PathBuf; 2],
    pub(super) card_disk: Disk,
    pub(super) disks: [Disk; 2],
    /// Whether a person says which disk the card is on.
    pub(super) is_card_disk_given: bool,
}

impl Offload {
    /// `None`, with the reason told, where nothing can be mounted.
    pub(super) fn new() -> Option<Self> {
        let shoot = Shoot::new();
        let images = shoot.folder("images");
        let made = ["CARD", "SHUTTLE", "RAID"].map(|label| Disk::new(&images, label, 100));
        let [Some(mut card_disk), Some(mut shuttle), Some(mut raid)] = made else {
            return None;
        };
        let [card, one, other] = ["card", "shuttle", "raid"].map(|name| shoot.folder(name));
        card_disk.mount(&card);
        shuttle.mount(&one);
        raid.mount(&other);
        write_card(&card, 4, 300_000);
        write_file(&card, "STATUS.BIN", b"status");
        write_file(&card, "empty", b"");
        Some(Self {
            shoot,
            card,
            drives: [one, other],
            card_disk,
            disks: [shuttle, raid],
            is_card_disk_given: false,
        })
    }

    /// Leaves the large files on the card: what is smaller than a block of btrfs is read from memory there.
    pub(super) fn leave_large_files(&self) {
        for name in ["STATUS.BIN", "empty"] {
            fs::remove_file(self.card.join(name)).unwrap();
        }
    }

    /// One that was taken in, to drives on distinct disks.
    pub(super) fn ingested() -> Option<Self> {
        let mut offload = Self::new()?;
        offload.is_card_disk_given = true;
        offload.ingest(&[0, 1]);
        offload.set_disk("SHUTTLE", "WD-1");
        offload.set_disk("RAID", "WD-2");
        Some(offload)
    }

    pub(super) fn copy(&self, drive: usize) -> PathBuf {
        self.drives[drive].join("A001")
    }

    pub(super) fn ingest(&self, drives: &[usize]) {
        let to: Vec<PathBuf> = drives.iter().map(|drive| self.copy(*drive)).collect();
        let to: Vec<&Path> = to.iter().map(PathBuf::as_path).collect();
        for folder in &to {
            fs::create_dir_all(folder).unwrap();
        }
        ingest_ok(&self.shoot, &[&self.card], &to);
    }

    pub(super) fn set_disk(&self, volume: &str, disk: &str) {
        let answer = self.shoot.run(&["volumes", "disk", volume, disk]);
        assert_eq!(answer.code, 0, "{}", answer.stderr);
    }

    pub(super) fn asked(&self, arguments: &[&str]) -> Command {
        let mut command = self.shoot.command();
        command.arg("safe").args(arguments).arg(&self.card);
        if self.is_card_disk_given {
            command.args(["--card-disk", "card"]);
        }
        command
    }

    /// The verdict, and everything that was told.
    pub(super) fn safe(&self, arguments: &[&str]) -> (bool, Vec<Value>) {
        let answer =
            Answer::from_output(&self.asked(&["--json"]).args(arguments).output().unwrap());
        let told = answer.json();
        let is_safe = told.last().unwrap()["safe"].as_bool().unwrap();
        assert_eq!(answer.code, if is_safe { 0 } else { 4 }, "{told:#?}");
        (is_safe, told)
    }

    #[track_caller]
    pub(super) fn is_safe(&self, arguments: &[&str]) {
        let (is_safe, told) = self.safe(arguments);
        assert!(is_safe, "{told:#?}");
        let text = Answer::from_output(&self.asked(arguments).output().unwrap());
        let last = text.stdout.lines().last().unwrap_or_default();
        assert!(last.starts_with("SAFE TO FORMAT: "), "{}", text.stdout);
    }

    /// It is not safe, and somewhere among what is told this is the reason.
    #[track_caller]
    pub(super) fn is_not_safe(&self, arguments: &[&str], reason: &str) {
        let (is_safe, told) = self.safe(arguments);
        assert!(!is_safe, "{told:#?}");
        let text = Answer::from_output(&self.asked(arguments).output().unwrap());
        assert!(!text.stdout.contains("SAFE TO"), "{}", text.stdout);
        assert!(text.stdout.contains("NOT SAFE: "), "{}", text.stdout);
        assert!(text.stdout.contains(reason), "{reason}: {}", text.stdout);
    }

    /// It is not safe to delete that folder, for this reason.
    #[track_caller]
    pub(super) fn is_not_deletable(&self, folder: &Path, reason: &str) {
        let answer = Answer::from_output(
            &self
                .shoot
                .command()
                .arg("safe")
                .arg(folder)
                .output()
                .unwrap(),
        );
        assert_eq!(answer.code, 4, "{}{}", answer.stdout, answer.stderr);
        assert!(
            answer.stdout.contains(reason),
            "{reason}: {}",
            answer.stdout
        );
    }

    /// Scans a folder, in which nothing need be footage.
    #[track_caller]
    pub(super) fn scan(&self, folder: &Path) {
        let mut command = self.shoot.command();
        let answer = Answer::from_output(&command.arg("scan").arg(folder).output().unwrap());
        assert!([0, 4].contains(&answer.code), "{}", answer.stderr);
    }

    /// Waits until the clock that verifications are told by has gone on.
    pub(super) fn next_second() {
        let now = || {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap()
                .as_secs()
        };
        let then = now();
        while now() == then {
            std::thread::yield_now();
        }
    }

    pub(super) fn database(&self) -> Connection {
        Connection::open(self.shoot.catalogue().join("catalogue.sqlite")).unwrap()
    }

    /// The copies on the other drive were verified so many days ago.
    pub(super) fn age(&self, days: i64) {
        let sql = "UPDATE ingest_copy SET at = unixepoch() - ?1 WHERE place = 1";
        assert!(self.database().execute(sql, [days * 86_400]).unwrap() > 0);
    }

    /// Turns one byte of a copy around, in its place.
    pub(super) fn flip(&self, drive: usize, name: &str) {
        let path = self.copy(drive).join(name);
        let mut bytes = fs::read(&path).unwrap();
        bytes[1000] ^= 1;
        let modified = path.metadata().unwrap().modified().unwrap();
        fs::write(&path, bytes).unwrap();
        restore_time(&path, modified);
    }
}

/// Gives a file the time that it had.
pub(super) fn restore_time(path: &Path, modified: SystemTime) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(modified).unwrap();
}
