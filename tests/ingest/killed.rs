//! The power goes at any moment: what bears a name is whole, and the same command goes on.
//! `BTSINDEX_KILLS` says how often.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use super::card::{
    are_equal, command, fill, ingest_well, noise, nothing_is_left_over, nothing_is_wrong, put,
};
use super::judges::reference_agrees;
use crate::shoot::{Dice, Shoot, copy, fixtures, number};

fn card(shoot: &Shoot) -> std::path::PathBuf {
    let card = shoot.folder("A001");
    fill(&card, 800, 4 * 1024);
    put(&card, "large.bin", &noise(77, 12 * 1024 * 1024));
    fs::create_dir_all(card.join("empty/within")).unwrap();
    let clip = fixtures().join("Location Scout/IMG_1234.MOV");
    copy(&clip, &card.join("IMG_1234.MOV"));
    card
}

#[test]
fn what_bears_a_name_is_whole_whenever_it_is_killed() {
    let cards = Shoot::new();
    let card = card(&cards);
    let begun = Instant::now();
    let clean = Shoot::new();
    ingest_well(
        &clean,
        &[&card],
        &[&clean.folder("raid"), &clean.folder("backup")],
    );
    let whole = u64::try_from(begun.elapsed().as_micros()).unwrap();
    let (mut killed, mut ended) = (0, 0);
    for round in 0..number("BTSINDEX_KILLS", 4) {
        let mut dice = Dice::new(round + 500);
        let shoot = Shoot::new();
        let places = [shoot.folder("raid"), shoot.folder("backup")];
        let to: [&Path; 2] = [&places[0], &places[1]];
        for _ in 0..=dice.below(3) {
            let mut command = command(&shoot, &[&card], &to);
            let mut child = command.stdout(Stdio::null()).spawn().unwrap();
            thread::sleep(Duration::from_micros(dice.below(whole)));
            let is_running = child.try_wait().unwrap().is_none();
            child.kill().unwrap();
            child.wait().unwrap();
            killed += usize::from(is_running);
            ended += usize::from(!is_running);
            for place in to {
                nothing_is_wrong(&card, place, &format!("round {round}"));
            }
        }
        let summary = ingest_well(&shoot, &[&card], &to);
        assert_eq!(summary["complete"], 1, "round {round}: {summary}");
        for place in to {
            are_equal(&card, place);
            nothing_is_left_over(place);
        }
        reference_agrees(to[1]);
        let ingests = shoot.run(&["ingests", "--json"]).json();
        assert_eq!(ingests.len(), 1, "round {round}");
        assert_eq!(ingests[0]["state"], "verified", "round {round}");
        assert_eq!(shoot.clip("IMG_1234.MOV")["shoot_date"], "2026-05-02");
        shoot.assert_catalogue_sound(&format!("round {round}"));
    }
    eprintln!("ingests: {killed} killed, {ended} ended before");
}

#[test]
fn an_ingest_that_is_interrupted_goes_on() {
    use super::card::Working;
    let shoot = Shoot::new();
    let card = card(&shoot);
    let (raid, backup) = (shoot.folder("raid"), shoot.folder("backup"));
    let mut working = Working::start(command(&shoot, &[&card], &[&raid, &backup]));
    working.until("file");
    working.signal("-INT");
    let answer = working.end();
    assert_eq!(answer.code, 130, "{}", answer.stdout);
    assert_eq!(answer.summary()["interrupted"], true);
    for place in [&raid, &backup] {
        nothing_is_wrong(&card, place, "interrupted");
        nothing_is_left_over(place);
    }
    let summary = ingest_well(&shoot, &[&card], &[&raid, &backup]);
    assert_eq!(summary["complete"], 1, "{summary}");
    for place in [&raid, &backup] {
        are_equal(&card, place);
        reference_agrees(place);
    }
}
