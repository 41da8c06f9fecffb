//! Cameras without a clock: cards that look alike by serial, names, sizes and times, and are not.

use std::fs;
use std::path::{Path, PathBuf};

use super::card::{are_equal, ingest, ingest_well, noise, put, set_time, told};
use crate::shoot::disk::Disk;
use crate::shoot::{Answer, Shoot};

/// 1980-01-01: what such cameras write.
const EPOCH: i64 = 315_532_800;
/// 2026-05-02: a time that could be.
const PLAUSIBLE: i64 = 1_777_680_000;
/// Larger than what a sample covers.
const LENGTH: usize = 600_000;

/// Two cards of one serial.
struct Cards {
    disks: [Disk; 2],
    /// Where each is mounted in turn.
    at: PathBuf,
}

impl Cards {
    /// Formats both; `None` where nothing can be mounted, which CI does not accept.
    fn new(shoot: &Shoot) -> Option<Self> {
        let folder = shoot.folder("disks");
        let Some(one) = Disk::new(&folder, "UNTITLED", 16) else {
            assert!(std::env::var_os("BTSINDEX_REQUIRE_JUDGES").is_none());
            return None;
        };
        let other = one.clone_to(&folder.join("other.img"));
        Some(Self {
            disks: [one, other],
            at: folder.join("card"),
        })
    }

    /// Does something with a card while it is mounted.
    fn with<T>(&mut self, number: usize, act: impl FnOnce(&Path) -> T) -> T {
        self.disks[number].mount(&self.at);
        let done = act(&self.at);
        self.disks[number].unmount();
        done
    }
}

/// Records three clips with one time each.
fn record(card: &Path, contents: [&[u8]; 3], times: [i64; 3]) {
    for (number, (content, time)) in contents.iter().zip(times).enumerate() {
        let path = put(card, format!("DCIM/REC{number:04}.bin"), content);
        set_time(&path, time);
    }
    set_time(&card.join("DCIM"), EPOCH);
}

/// Takes two cards in, one after the other, to the same destination; the second is another card.
#[track_caller]
fn are_two_cards(first: [&[u8]; 3], second: [&[u8]; 3], times: [i64; 3]) {
    let shoot = Shoot::new();
    let Some(mut cards) = Cards::new(&shoot) else {
        return;
    };
    let raid = shoot.folder("raid");
    let mut drive = Disk::new(&shoot.folder("disks"), "RAID", 100).unwrap();
    drive.mount(&raid);
    let to = raid.join("{card}");
    for (number, (contents, copy)) in [(first, "UNTITLED"), (second, "UNTITLED-2")]
        .into_iter()
        .enumerate()
    {
        cards.with(number, |card| {
            record(card, contents, times);
            let summary = ingest_well(&shoot, &[card], &[&to]);
            assert_eq!(summary["copied"], 3, "{copy}: {summary}");
            are_equal(card, &raid.join(copy));
        });
    }
    assert_eq!(shoot.run(&["volumes", "disk", "RAID", "WD-1"]).code, 0);
    // Each is known again, and the other has not changed.
    for number in [0, 1] {
        cards.with(number, |card| {
            let summary = ingest_well(&shoot, &[card], &[&to]);
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
fn two_cards_of_a_camera_without_a_clock_are_two_cards() {
    let (a, b) = (noise(1, LENGTH), noise(2, LENGTH));
    are_two_cards([&a; 3], [&b; 3], [EPOCH; 3]);
}

#[test]
fn two_cards_whose_files_all_have_one_plausible_time_are_two_cards() {
    let (a, b) = (noise(1, LENGTH), noise(2, LENGTH));
    are_two_cards([&a; 3], [&b; 3], [PLAUSIBLE; 3]);
}

#[test]
fn one_file_of_three_makes_another_card() {
    let (a, b) = (noise(1, LENGTH), noise(2, LENGTH));
    let times = [PLAUSIBLE, PLAUSIBLE + 60, PLAUSIBLE + 120];
    are_two_cards([&a; 3], [&a, &a, &b], times);
}

#[test]
fn a_difference_behind_the_sample_makes_another_card_where_times_tell_nothing() {
    let a = noise(1, LENGTH);
    let mut b = a.clone();
    b[100_000] ^= 1;
    for time in [EPOCH, PLAUSIBLE] {
        are_two_cards([&a; 3], [&a, &b, &a], [time; 3]);
    }
}

#[test]
fn a_card_that_is_formatted_and_used_again_is_another_card() {
    let shoot = Shoot::new();
    let Some(mut cards) = Cards::new(&shoot) else {
        return;
    };
    let raid = shoot.folder("raid");
    for (seed, copy) in [(1, "UNTITLED"), (2, "UNTITLED-2")] {
        cards.with(0, |card| {
            record(card, [&noise(seed, LENGTH); 3], [EPOCH; 3]);
            ingest_well(&shoot, &[card], &[&raid.join("{card}")]);
            are_equal(card, &raid.join(copy));
        });
    }
}

#[test]
fn where_no_folder_is_its_own_another_content_is_told_and_nothing_is_replaced() {
    let shoot = Shoot::new();
    let Some(mut cards) = Cards::new(&shoot) else {
        return;
    };
    let raid = shoot.folder("raid");
    let (a, b) = (noise(1, LENGTH), noise(2, LENGTH));
    cards.with(0, |card| {
        record(card, [&a; 3], [EPOCH; 3]);
        ingest_well(&shoot, &[card], &[&raid]);
    });
    cards.with(1, |card| {
        record(card, [&b; 3], [EPOCH; 3]);
        let answer = ingest(&shoot, &[card], &[&raid]);
        assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
        assert_eq!(told(&answer, "problem").len(), 3, "{}", answer.stdout);
        assert_eq!(fs::read(raid.join("DCIM/REC0000.bin")).unwrap(), a);
    });
    cards.with(0, |card| {
        let summary = ingest_well(&shoot, &[card], &[&raid]);
        assert_eq!(summary["known"], 1, "{summary}");
    });
}

#[test]
fn another_catalogue_knows_the_second_card_by_what_stands_there() {
    let shoot = Shoot::new();
    let Some(mut cards) = Cards::new(&shoot) else {
        return;
    };
    let raid = shoot.folder("raid");
    let to = raid.join("{card}");
    for (number, copy) in ["UNTITLED", "UNTITLED-2"].into_iter().enumerate() {
        let host = Shoot::new();
        cards.with(number, |card| {
            record(card, [&noise(number as u64, LENGTH); 3], [EPOCH; 3]);
            ingest_well(&host, &[card], &[&to]);
            are_equal(card, &raid.join(copy));
        });
    }
}

/// Forgets the samples in the log, as if an earlier version had written it.
fn forget_samples(shoot: &Shoot) {
    let catalogue = rusqlite::Connection::open(shoot.catalogue().join("catalogue.sqlite"));
    let forget = "UPDATE ingest_file SET sample = NULL";
    assert_eq!(catalogue.unwrap().execute(forget, []).unwrap(), 3);
}

#[test]
fn a_log_without_samples_is_compared_with_the_copies_or_the_whole_card() {
    let times = [PLAUSIBLE, PLAUSIBLE + 60, PLAUSIBLE + 120];
    for is_copy_there in [true, false] {
        let shoot = Shoot::new();
        let Some(mut cards) = Cards::new(&shoot) else {
            return;
        };
        let raid = shoot.folder("raid");
        let to = raid.join("{card}");
        let copy = raid.join("UNTITLED/DCIM/REC0001.bin");
        cards.with(0, |card| {
            record(card, [&noise(1, LENGTH); 3], times);
            ingest_well(&shoot, &[card], &[&to]);
            forget_samples(&shoot);
            if !is_copy_there {
                fs::remove_file(&copy).unwrap();
            }
            let summary = ingest_well(&shoot, &[card], &[&to]);
            let copied = u64::from(!is_copy_there);
            assert_eq!(summary["copied"], copied, "{summary}");
            are_equal(card, &raid.join("UNTITLED"));
            forget_samples(&shoot);
        });
        if !is_copy_there {
            fs::remove_file(&copy).unwrap();
        }
        cards.with(1, |card| {
            let (a, b) = (noise(1, LENGTH), noise(2, LENGTH));
            record(card, [&a, &b, &a], times);
            ingest_well(&shoot, &[card], &[&to]);
            are_equal(card, &raid.join("UNTITLED-2"));
        });
    }
}
