//! Two ingests at the same time.

use std::path::Path;
use std::time::{Duration, Instant};

use super::card::{
    Working, are_equal, command, fill, ingest_well, nothing_is_left_over, put, set_time, verify,
};
use super::judges::reference_agrees;
use crate::shoot::Shoot;

/// The same card to the same folder, by two people.
fn the_same(ours: &Shoot, theirs: &Shoot) {
    let card = ours.folder("A001");
    fill(&card, 300, 4096);
    let raid = ours.folder("raid");
    let to = raid.join("{card}");
    let one = Working::start(command(ours, &[&card], &[&to]));
    let other = Working::start(command(theirs, &[&card], &[&to]));
    for answer in [one.end(), other.end()] {
        assert_eq!(answer.code, 0, "{}", answer.stdout);
        let summary = answer.summary();
        assert_eq!(summary["complete"], 1, "{summary}");
    }
    let copy = raid.join("A001");
    are_equal(&card, &copy);
    nothing_is_left_over(&copy);
    reference_agrees(&copy);
    assert!(!raid.join("A001-2").exists());
    for shoot in [ours, theirs] {
        assert_eq!(verify(shoot, &copy).0, 0);
        let summary = ingest_well(shoot, &[&card], &[&to]);
        assert_eq!(summary["known"], 1, "{summary}");
    }
}

#[test]
fn one_card_twice_at_once_is_copied_once() {
    let shoot = Shoot::new();
    the_same(&shoot, &shoot);
}

#[test]
fn one_card_twice_at_once_with_two_catalogues_is_copied_once() {
    the_same(&Shoot::new(), &Shoot::new());
}

#[test]
fn two_cards_of_one_name_at_once_get_two_folders() {
    let shoot = Shoot::new();
    let (one, other) = (shoot.folder("one/Untitled"), shoot.folder("other/Untitled"));
    set_time(&put(&one, "C0001.bin", &[1; 5000]), 1_779_278_400);
    set_time(&put(&other, "C0001.bin", &[2; 5000]), 1_779_278_500);
    let raid = shoot.folder("raid");
    let to = raid.join("{card}");
    let start = |card: &Path| Working::start(command(&shoot, &[card], &[&to]));
    let both = [start(&one), start(&other)];
    let answers = both.map(Working::end);
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
fn two_cards_of_one_name_in_one_batch_get_two_folders() {
    let shoot = Shoot::new();
    let (one, other) = (shoot.folder("one/Untitled"), shoot.folder("other/Untitled"));
    set_time(&put(&one, "C0001.bin", &[1; 5000]), 1_779_278_400);
    set_time(&put(&other, "C0001.bin", &[2; 5000]), 1_779_278_500);
    let raid = shoot.folder("raid");
    let to = raid.join("{card}");
    for _ in 0..2 {
        ingest_well(&shoot, &[&one, &other], &[&to]);
        are_equal(&one, &raid.join("Untitled"));
        are_equal(&other, &raid.join("Untitled-2"));
        assert!(!raid.join("Untitled-3").exists());
    }
}

#[test]
fn a_card_that_waits_for_another_machine_holds_up_no_other_card() {
    let shoot = Shoot::new();
    let cards = ["A001", "B001", "C001"].map(|name| shoot.folder(name));
    for card in &cards {
        fill(card, 3, 1000);
    }
    let raid = shoot.folder("raid");
    // A machine that nobody knows writes the manifest of the first.
    let lock = put(
        &raid,
        "A001/ascmhl/.btsindex-000shared000.part",
        b"ffffffff-00000001-1-1 ThreadId(1) 1\n0\n",
    );
    let all = cards.each_ref().map(std::path::PathBuf::as_path);
    let working = Working::start(command(&shoot, &all, &[&raid.join("{card}")]));
    let sealed = ["B001", "C001"].map(|name| raid.join(name).join("ascmhl/ascmhl_chain.xml"));
    let begun = Instant::now();
    let is_sealed = |chain: &std::path::PathBuf| {
        std::fs::read_to_string(chain).is_ok_and(|chain| chain.contains("hashlist "))
    };
    while !sealed.iter().all(is_sealed) {
        let is_waiting = begun.elapsed() < Duration::from_secs(45);
        assert!(is_waiting, "the others are not sealed");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(lock.exists() && !raid.join("A001/ascmhl/ascmhl_chain.xml").exists());
    std::fs::remove_file(lock).unwrap();
    let answer = working.end();
    assert_eq!(answer.code, 0, "{}", answer.stdout);
    assert_eq!(answer.summary()["complete"], 3);
    for (card, name) in cards.iter().zip(["A001", "B001", "C001"]) {
        are_equal(card, &raid.join(name));
    }
}
