//! Ingests killed at random points: every file under its final name is complete, and the same
//! command resumes. `BTSINDEX_KILLS` is the number of rounds.

use std::fs;
use std::path::Path;

use super::card::{
    RunningCommand, assert_no_wrong_copies, assert_nothing_unfinished, assert_same_files,
    ingest_command, ingest_ok, random_bytes, write_card, write_file,
};
use super::reference_tools::assert_reference_verifies;
use crate::shoot::kill::KillableCommand;
use crate::shoot::{Dice, Shoot, copy, fixtures, number};

fn card(shoot: &Shoot) -> std::path::PathBuf {
    let card = shoot.folder("A001");
    write_card(&card, 800, 4 * 1024);
    write_file(&card, "large.bin", &random_bytes(77, 12 * 1024 * 1024));
    fs::create_dir_all(card.join("empty/within")).unwrap();
    let clip = fixtures().join("Location Scout/IMG_1234.MOV");
    copy(&clip, &card.join("IMG_1234.MOV"));
    card
}

#[test]
fn no_copy_is_incomplete_after_a_kill_at_any_moment() {
    let cards = Shoot::new();
    let card = card(&cards);
    let clean = Shoot::new();
    let to = [clean.folder("raid"), clean.folder("backup")];
    let command = ingest_command(&clean, &[&card], &[&to[0], &to[1]]);
    let (answer, whole) = KillableCommand::start(&clean, command).measure();
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    let (mut killed, mut finished) = (0, 0);
    for round in 0..number("BTSINDEX_KILLS", 4) {
        let mut dice = Dice::new(round + 500);
        let shoot = Shoot::new();
        let destinations = [shoot.folder("raid"), shoot.folder("backup")];
        let to: [&Path; 2] = [&destinations[0], &destinations[1]];
        for _ in 0..=dice.below(3) {
            let command = ingest_command(&shoot, &[&card], &to);
            let running = KillableCommand::start(&shoot, command);
            let (_, is_killed) = running.kill_after_writing(dice.below(whole));
            killed += usize::from(is_killed);
            finished += usize::from(!is_killed);
            for destination in to {
                assert_no_wrong_copies(&card, destination, &format!("round {round}"));
            }
        }
        let summary = ingest_ok(&shoot, &[&card], &to);
        assert_eq!(summary["complete"], 1, "round {round}: {summary}");
        for destination in to {
            assert_same_files(&card, destination);
            assert_nothing_unfinished(destination);
        }
        assert_reference_verifies(to[1]);
        let ingests = shoot.run(&["ingests", "--json"]).json();
        assert_eq!(ingests.len(), 1, "round {round}");
        assert_eq!(ingests[0]["state"], "verified", "round {round}");
        assert_eq!(shoot.clip("IMG_1234.MOV")["shoot_date"], "2026-05-02");
        shoot.assert_catalogue_sound(&format!("round {round}"));
    }
    assert!(
        killed > finished,
        "{killed} killed, {finished} finished before"
    );
    eprintln!("ingests: {killed} killed, {finished} finished before");
}

#[test]
fn an_interrupted_ingest_resumes() {
    let shoot = Shoot::new();
    let card = card(&shoot);
    let (raid, backup) = (shoot.folder("raid"), shoot.folder("backup"));
    let mut running = RunningCommand::start(ingest_command(&shoot, &[&card], &[&raid, &backup]));
    running.wait_for("file");
    running.signal("-INT");
    let answer = running.finish();
    assert_eq!(answer.code, 130, "{}", answer.stdout);
    assert_eq!(answer.summary()["interrupted"], true);
    for destination in [&raid, &backup] {
        assert_no_wrong_copies(&card, destination, "interrupted");
        assert_nothing_unfinished(destination);
    }
    let summary = ingest_ok(&shoot, &[&card], &[&raid, &backup]);
    assert_eq!(summary["complete"], 1, "{summary}");
    for destination in [&raid, &backup] {
        assert_same_files(&card, destination);
        assert_reference_verifies(destination);
    }
}
