//! Set-up of these tests: a card, two drives, and checks of what `safe` reports about them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;
use serde_json::Value;

use crate::ingest::card::{ingest_ok, write_card, write_file};
use crate::shoot::disk::Disk;
use crate::shoot::{Answer, Shoot};
use crate::skipped_tests::Skipped;

/// Card and two drives, all on separate disks. Copies go to `A001` on each drive.
pub(super) struct Offload {
    pub(super) shoot: Shoot,
    pub(super) card: PathBuf,
    pub(super) drives: [PathBuf; 2],
    pub(super) card_disk: Disk,
    pub(super) disks: [Disk; 2],
    /// True if `--card-disk` is given.
    pub(super) is_card_disk_given: bool,
}

impl Offload {
    /// Mounts a card and two empty drives; fails if nothing can be mounted.
    pub(super) fn new() -> Result<Self, Skipped> {
        let shoot = Shoot::new();
        let images = shoot.folder("images");
        let disks = ["CARD", "SHUTTLE", "RAID"].map(|label| Disk::new(&images, label, 100));
        let [card_disk, shuttle, raid] = disks;
        let (mut card_disk, mut shuttle, mut raid) = (card_disk?, shuttle?, raid?);
        let [card, one, other] = ["card", "shuttle", "raid"].map(|name| shoot.folder(name));
        card_disk.mount(&card);
        shuttle.mount(&one);
        raid.mount(&other);
        write_card(&card, 4, 300_000);
        write_file(&card, "STATUS.BIN", b"status");
        write_file(&card, "empty", b"");
        Ok(Self {
            shoot,
            card,
            drives: [one, other],
            card_disk,
            disks: [shuttle, raid],
            is_card_disk_given: false,
        })
    }

    /// Deletes the small files of the card: btrfs stores them in its metadata and reads them from
    /// memory.
    pub(super) fn delete_small_files(&self) {
        for name in ["STATUS.BIN", "empty"] {
            fs::remove_file(self.card.join(name)).unwrap();
        }
    }

    /// Mounts the same, and copies the card to both drives, whose disks are different and known.
    pub(super) fn ingested() -> Result<Self, Skipped> {
        let mut offload = Self::new()?;
        offload.ingest_to_known_disks();
        Ok(offload)
    }

    /// Copies the card to both drives and records the disks of all three.
    pub(super) fn ingest_to_known_disks(&mut self) {
        self.is_card_disk_given = true;
        self.ingest(&[0, 1]);
        self.set_disk("SHUTTLE", "WD-1");
        self.set_disk("RAID", "WD-2");
    }

    /// Folder of the copies on a drive.
    pub(super) fn copy(&self, drive: usize) -> PathBuf {
        self.drives[drive].join("A001")
    }

    /// Copies the card to some of the drives.
    pub(super) fn ingest(&self, drives: &[usize]) {
        let to: Vec<PathBuf> = drives.iter().map(|drive| self.copy(*drive)).collect();
        let to: Vec<&Path> = to.iter().map(PathBuf::as_path).collect();
        for folder in &to {
            fs::create_dir_all(folder).unwrap();
        }
        ingest_ok(&self.shoot, &[&self.card], &to);
    }

    /// Records which disk a volume is on.
    pub(super) fn set_disk(&self, volume: &str, disk: &str) {
        let answer = self.shoot.run(&["volumes", "disk", volume, disk]);
        assert_eq!(answer.code, 0, "{}", answer.stderr);
    }

    /// Returns the command `safe` for the card.
    pub(super) fn safe_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.shoot.command();
        command.arg("safe").args(arguments).arg(&self.card);
        if self.is_card_disk_given {
            command.args(["--card-disk", "card"]);
        }
        command
    }

    /// Runs `safe --json`; returns the verdict and all events.
    pub(super) fn safe(&self, arguments: &[&str]) -> (bool, Vec<Value>) {
        let answer = Answer::from_output(
            &self
                .safe_command(&["--json"])
                .args(arguments)
                .output()
                .unwrap(),
        );
        let events = answer.json();
        let is_safe = events.last().unwrap()["safe"].as_bool().unwrap();
        assert_eq!(answer.code, if is_safe { 0 } else { 4 }, "{events:#?}");
        (is_safe, events)
    }

    /// Checks that the card is safe.
    #[track_caller]
    pub(super) fn assert_safe(&self, arguments: &[&str]) {
        let (is_safe, events) = self.safe(arguments);
        assert!(is_safe, "{events:#?}");
        let text = Answer::from_output(&self.safe_command(arguments).output().unwrap());
        let last = text.stdout.lines().last().unwrap_or_default();
        assert!(last.starts_with("SAFE TO FORMAT: "), "{}", text.stdout);
    }

    /// Checks that the card is not safe and that the output contains `reason`.
    #[track_caller]
    pub(super) fn assert_not_safe(&self, arguments: &[&str], reason: &str) {
        let (is_safe, events) = self.safe(arguments);
        assert!(!is_safe, "{events:#?}");
        let text = Answer::from_output(&self.safe_command(arguments).output().unwrap());
        assert!(!text.stdout.contains("SAFE TO"), "{}", text.stdout);
        assert!(text.stdout.contains("NOT SAFE: "), "{}", text.stdout);
        assert!(text.stdout.contains(reason), "{reason}: {}", text.stdout);
    }

    /// Checks that a folder is not safe to delete and that the output contains `reason`.
    #[track_caller]
    pub(super) fn assert_folder_not_safe(&self, folder: &Path, reason: &str) {
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

    /// Scans a folder, which may contain no footage.
    #[track_caller]
    pub(super) fn scan(&self, folder: &Path) {
        let mut command = self.shoot.command();
        let answer = Answer::from_output(&command.arg("scan").arg(folder).output().unwrap());
        assert!([0, 4].contains(&answer.code), "{}", answer.stderr);
    }

    /// Waits for the next second of the clock: verification times are stored in whole seconds.
    pub(super) fn wait_for_next_second() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let next = Duration::from_secs(now.as_secs() + 1);
        std::thread::sleep(next.saturating_sub(now));
    }

    /// Opens the database of the catalogue.
    pub(super) fn database(&self) -> Connection {
        Connection::open(self.shoot.catalogue().join("catalogue.sqlite")).unwrap()
    }

    /// Changes the verification time of the copies on the second drive to `days` days ago.
    pub(super) fn set_age(&self, days: i64) {
        let sql = "UPDATE ingest_copy SET at = unixepoch() - ?1 WHERE place = 1";
        assert!(self.database().execute(sql, [days * 86_400]).unwrap() > 0);
    }

    /// Flips one bit of a copy and restores its modification time.
    pub(super) fn flip_bit(&self, drive: usize, name: &str) {
        let path = self.copy(drive).join(name);
        let mut bytes = fs::read(&path).unwrap();
        bytes[1000] ^= 1;
        let modified = path.metadata().unwrap().modified().unwrap();
        fs::write(&path, bytes).unwrap();
        restore_time(&path, modified);
    }
}

/// Sets the modification time of a file back.
pub(super) fn restore_time(path: &Path, modified: SystemTime) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(modified).unwrap();
}
