//! Cameras without a clock: different cards with the same serial, names, sizes and times.

use std::fs;
use std::path::{Path, PathBuf};

use super::card::{
    assert_same_files, events, ingest, ingest_ok, random_bytes, set_time, write_file,
};
use crate::shoot::disk::Disk;
use crate::shoot::{Answer, Shoot};
use crate::skipped_tests::{Skipped, or_skip};

/// 1980-01-01, the time that such cameras write.
const EPOCH: i64 = 315_532_800;
/// 2026-05-02, a plausible time.
const PLAUSIBLE: i64 = 1_777_680_000;
/// File size in bytes, larger than the sampled part.
const LENGTH: usize = 600_000;

/// Two cards with the same serial.
struct Cards {
    disks: [Disk; 2],
    /// Mount point that the cards use in turn.
    at: PathBuf,
}

impl Cards {
    /// Formats both; fails if nothing can be mounted.
    fn new(shoot: &Shoot) -> Result<Self, Skipped> {
        let folder = shoot.folder("disks");
        let one = Disk::new(&folder, "UNTITLED", 16)?;
        let other = one.clone_to(&folder.join("other.img"));
        Ok(Self {
            disks: [one, other],
            at: folder.join("card"),
        })
    }

    /// Calls `act` with the mount point while a card is mounted.
    fn with<T>(&mut self, number: usize, act: impl FnOnce(&Path) -> T) -> T {
        self.disks[number].mount(&self.at);
        let result = act(&self.at);
        self.disks[number].unmount();
        result
    }
}

/// Writes three clips with one time each.
fn write_clips(card: &Path, contents: [&[u8]; 3], times: [i64; 3]) {
    for (number, (content, time)) in contents.iter().zip(times).enumerate() {
        let path = write_file(card, format!("DCIM/REC{number:04}.bin"), content);
        set_time(&path, time);
    }
    set_time(&card.join("DCIM"), EPOCH);
}

/// Ingests two cards one after the other to the same destination; checks that the second is treated
/// as another card.
#[track_caller]
fn assert_two_cards(first: [&[u8]; 3], second: [&[u8]; 3], times: [i64; 3]) {
    let shoot = Shoot::new();
    let mut cards = or_skip!(Cards::new(&shoot));
    let raid = shoot.folder("raid");
    let mut drive = Disk::new(&shoot.folder("disks"), "RAID", 100).unwrap();
    drive.mount(&raid);
    let to = raid.join("{card}");
    for (number, (contents, copy)) in [(first, "UNTITLED"), (second, "UNTITLED-2")]
        .into_iter()
        .enumerate()
    {
        cards.with(number, |card| {
            write_clips(card, contents, times);
            let summary = ingest_ok(&shoot, &[card], &[&to]);
            assert_eq!(summary["copied"], 3, "{copy}: {summary}");
            assert_same_files(card, &raid.join(copy));
        });
    }
    assert_eq!(shoot.run(&["volumes", "disk", "RAID", "WD-1"]).code, 0);
    // Each card is recognised, and the other is unchanged.
    for number in [0, 1] {
        cards.with(number, |card| {
            let summary = ingest_ok(&shoot, &[card], &[&to]);
            assert_eq!(summary["known"], 1, "card {number}: {summary}");
            let mut safe = shoot.command();
            safe.args([
                "safe",
                "--json",
                "--copies",
                "1",
                "--trust-ingest",
                "--card-disk",
                "C",
            ]);
            let answer = Answer::from_output(&safe.arg(card).output().unwrap());
            assert_eq!(answer.code, 0, "{}", answer.stdout);
        });
    }
    assert!(!raid.join("UNTITLED-3").exists());
}

#[test]
fn two_cards_of_a_camera_without_a_clock_are_distinguished() {
    let (a, b) = (random_bytes(1, LENGTH), random_bytes(2, LENGTH));
    assert_two_cards([&a; 3], [&b; 3], [EPOCH; 3]);
}

#[test]
fn two_cards_with_one_plausible_time_in_all_files_are_distinguished() {
    let (a, b) = (random_bytes(1, LENGTH), random_bytes(2, LENGTH));
    assert_two_cards([&a; 3], [&b; 3], [PLAUSIBLE; 3]);
}

#[test]
fn one_different_file_of_three_makes_another_card() {
    let (a, b) = (random_bytes(1, LENGTH), random_bytes(2, LENGTH));
    let times = [PLAUSIBLE, PLAUSIBLE + 60, PLAUSIBLE + 120];
    assert_two_cards([&a; 3], [&a, &a, &b], times);
}

#[test]
fn a_difference_outside_the_sample_makes_another_card_if_all_times_are_equal() {
    let a = random_bytes(1, LENGTH);
    let mut b = a.clone();
    b[100_000] ^= 1;
    for time in [EPOCH, PLAUSIBLE] {
        assert_two_cards([&a; 3], [&a, &b, &a], [time; 3]);
    }
}

#[test]
fn a_card_formatted_and_used_again_is_another_card() {
    let shoot = Shoot::new();
    let mut cards = or_skip!(Cards::new(&shoot));
    let raid = shoot.folder("raid");
    for (seed, copy) in [(1, "UNTITLED"), (2, "UNTITLED-2")] {
        cards.with(0, |card| {
            write_clips(card, [&random_bytes(seed, LENGTH); 3], [EPOCH; 3]);
            ingest_ok(&shoot, &[card], &[&raid.join("{card}")]);
            assert_same_files(card, &raid.join(copy));
        });
    }
}

#[test]
fn without_a_folder_per_card_different_files_are_reported_and_not_replaced() {
    let shoot = Shoot::new();
    let mut cards = or_skip!(Cards::new(&shoot));
    let raid = shoot.folder("raid");
    let (a, b) = (random_bytes(1, LENGTH), random_bytes(2, LENGTH));
    cards.with(0, |card| {
        write_clips(card, [&a; 3], [EPOCH; 3]);
        ingest_ok(&shoot, &[card], &[&raid]);
    });
    cards.with(1, |card| {
        write_clips(card, [&b; 3], [EPOCH; 3]);
        let answer = ingest(&shoot, &[card], &[&raid]);
        assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
        assert_eq!(events(&answer, "problem").len(), 3, "{}", answer.stdout);
        assert_eq!(fs::read(raid.join("DCIM/REC0000.bin")).unwrap(), a);
    });
    cards.with(0, |card| {
        let summary = ingest_ok(&shoot, &[card], &[&raid]);
        assert_eq!(summary["known"], 1, "{summary}");
    });
}

#[test]
fn another_catalogue_distinguishes_the_second_card_by_the_existing_copies() {
    let shoot = Shoot::new();
    let mut cards = or_skip!(Cards::new(&shoot));
    let raid = shoot.folder("raid");
    let to = raid.join("{card}");
    for (number, copy) in ["UNTITLED", "UNTITLED-2"].into_iter().enumerate() {
        let host = Shoot::new();
        cards.with(number, |card| {
            write_clips(card, [&random_bytes(number as u64, LENGTH); 3], [EPOCH; 3]);
            ingest_ok(&host, &[card], &[&to]);
            assert_same_files(card, &raid.join(copy));
        });
    }
}

/// Deletes the samples from the log, as if an earlier version had written it.
fn delete_samples(shoot: &Shoot) {
    let catalogue = rusqlite::Connection::open(shoot.catalogue().join("catalogue.sqlite"));
    let sql = "UPDATE ingest_file SET sample = NULL";
    assert_eq!(catalogue.unwrap().execute(sql, []).unwrap(), 3);
}

#[test]
fn a_log_without_samples_is_compared_with_the_copies_or_the_whole_card() {
    let times = [PLAUSIBLE, PLAUSIBLE + 60, PLAUSIBLE + 120];
    for is_copy_there in [true, false] {
        let shoot = Shoot::new();
        let mut cards = or_skip!(Cards::new(&shoot));
        let raid = shoot.folder("raid");
        let to = raid.join("{card}");
        let copy = raid.join("UNTITLED/DCIM/REC0001.bin");
        cards.with(0, |card| {
            write_clips(card, [&random_bytes(1, LENGTH); 3], times);
            ingest_ok(&shoot, &[card], &[&to]);
            delete_samples(&shoot);
            if !is_copy_there {
                fs::remove_file(&copy).unwrap();
            }
            let summary = ingest_ok(&shoot, &[card], &[&to]);
            let copied = u64::from(!is_copy_there);
            assert_eq!(summary["copied"], copied, "{summary}");
            assert_same_files(card, &raid.join("UNTITLED"));
            delete_samples(&shoot);
        });
        if !is_copy_there {
            fs::remove_file(&copy).unwrap();
        }
        cards.with(1, |card| {
            let (a, b) = (random_bytes(1, LENGTH), random_bytes(2, LENGTH));
            write_clips(card, [&a, &b, &a], times);
            ingest_ok(&shoot, &[card], &[&to]);
            assert_same_files(card, &raid.join("UNTITLED-2"));
        });
    }
}
