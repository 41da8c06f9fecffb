//! Two ingests at the same time.

use std::path::Path;

use super::card::{
    RunningCommand, assert_nothing_unfinished, assert_same_files, ingest_command, ingest_ok,
    set_time, verify, write_card, write_file,
};
use super::reference_tools::assert_reference_verifies;
use crate::shoot::{Shoot, wait_until};

/// Ingests the same card twice at the same time to the same folder; checks that it is copied once.
fn assert_copied_once(ours: &Shoot, theirs: &Shoot) {
    let card = ours.folder("A001");
    write_card(&card, 300, 4096);
    let raid = ours.folder("raid");
    let to = raid.join("{card}");
    let one = RunningCommand::start(ingest_command(ours, &[&card], &[&to]));
    let other = RunningCommand::start(ingest_command(theirs, &[&card], &[&to]));
    for answer in [one.finish(), other.finish()] {
        assert_eq!(answer.code, 0, "{}", answer.stdout);
        let summary = answer.summary();
        assert_eq!(summary["complete"], 1, "{summary}");
    }
    let copy = raid.join("A001");
    assert_same_files(&card, &copy);
    assert_nothing_unfinished(&copy);
    assert_reference_verifies(&copy);
    assert!(!raid.join("A001-2").exists());
    for shoot in [ours, theirs] {
        assert_eq!(verify(shoot, &copy).0, 0);
        let summary = ingest_ok(shoot, &[&card], &[&to]);
        assert_eq!(summary["known"], 1, "{summary}");
    }
}

#[test]
fn a_card_ingested_twice_at_once_is_copied_once() {
    let shoot = Shoot::new();
    assert_copied_once(&shoot, &shoot);
}

#[test]
fn a_card_ingested_at_once_into_two_catalogues_is_copied_once() {
    assert_copied_once(&Shoot::new(), &Shoot::new());
}

#[test]
fn two_cards_with_the_same_name_ingested_at_once_get_two_folders() {
    let shoot = Shoot::new();
    let (one, other) = (shoot.folder("one/Untitled"), shoot.folder("other/Untitled"));
    set_time(&write_file(&one, "C0001.bin", &[1; 5000]), 1_779_278_400);
    set_time(&write_file(&other, "C0001.bin", &[2; 5000]), 1_779_278_500);
    let raid = shoot.folder("raid");
    let to = raid.join("{card}");
    let start = |card: &Path| RunningCommand::start(ingest_command(&shoot, &[card], &[&to]));
    let both = [start(&one), start(&other)];
    let answers = both.map(RunningCommand::finish);
    for answer in &answers {
        assert_eq!(answer.code, 0, "{}", answer.stdout);
    }
    let copied = |name: &str| {
        let copy = std::fs::read(raid.join(name).join("C0001.bin"));
        copy.unwrap_or_else(|_| panic!("{name}: {}{}", answers[0].stdout, answers[1].stdout))
    };
    let mut found = ["Untitled", "Untitled-2"].map(copied);
    found.sort();
    assert_eq!(found, [vec![1; 5000], vec![2; 5000]]);
}

#[test]
fn two_cards_with_the_same_name_in_one_command_get_two_folders() {
    let shoot = Shoot::new();
    let (one, other) = (shoot.folder("one/Untitled"), shoot.folder("other/Untitled"));
    set_time(&write_file(&one, "C0001.bin", &[1; 5000]), 1_779_278_400);
    set_time(&write_file(&other, "C0001.bin", &[2; 5000]), 1_779_278_500);
    let raid = shoot.folder("raid");
    let to = raid.join("{card}");
    for _ in 0..2 {
        ingest_ok(&shoot, &[&one, &other], &[&to]);
        assert_same_files(&one, &raid.join("Untitled"));
        assert_same_files(&other, &raid.join("Untitled-2"));
        assert!(!raid.join("Untitled-3").exists());
    }
}

#[test]
fn a_card_that_waits_for_another_machine_does_not_delay_the_others() {
    let shoot = Shoot::new();
    let cards = ["A001", "B001", "C001"].map(|name| shoot.folder(name));
    for card in &cards {
        write_card(card, 3, 1000);
    }
    let raid = shoot.folder("raid");
    // An unknown machine holds the lock for the manifest of the first card.
    let lock = write_file(
        &raid,
        "A001/ascmhl/.btsindex-000shared000.part",
        b"ffffffff-00000001-1-1 ThreadId(1) 1\n0\n",
    );
    let all = cards.each_ref().map(std::path::PathBuf::as_path);
    let running = RunningCommand::start(ingest_command(&shoot, &all, &[&raid.join("{card}")]));
    let sealed = ["B001", "C001"].map(|name| raid.join(name).join("ascmhl/ascmhl_chain.xml"));
    let is_sealed = |chain: &std::path::PathBuf| {
        std::fs::read_to_string(chain).is_ok_and(|chain| chain.contains("hashlist "))
    };
    wait_until("the others are sealed", || sealed.iter().all(is_sealed));
    // A lock without signs of life is removed after a while; the others did not wait for that.
    assert!(lock.exists() && !raid.join("A001/ascmhl/ascmhl_chain.xml").exists());
    std::fs::remove_file(lock).unwrap();
    let answer = running.finish();
    assert_eq!(answer.code, 0, "{}", answer.stdout);
    assert_eq!(answer.summary()["complete"], 3);
    for (card, name) in cards.iter().zip(["A001", "B001", "C001"]) {
        assert_same_files(card, &raid.join(name));
    }
}
