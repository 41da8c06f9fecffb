//! A complete ingest of one card: copies at two destinations, facts and tags in the catalogue, and
//! a second run that has nothing to do.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::card::{assert_same_files, ingest_command, ingest_ok, read_tree, set_time, write_file};
use crate::shoot::{Answer, Shoot, copy, fixtures};

const CLIP: &str = "IMG_1234.MOV";

/// Creates a card with clips, hidden files, an empty file, empty folders, and times before 1970 and
/// in the future.
fn card(shoot: &Shoot) -> std::path::PathBuf {
    let card = shoot.folder("A001");
    let scout = fixtures().join("Location Scout");
    for (fixture, inside) in [
        (CLIP, "DCIM/100APPLE/IMG_1234.MOV"),
        ("old_tape.avi", "DCIM/old/tape/old_tape.avi"),
        ("callsheet.txt", "callsheet.txt"),
    ] {
        fs::create_dir_all(card.join(inside).parent().unwrap()).unwrap();
        copy(&scout.join(fixture), &card.join(inside));
    }
    for (inside, bytes, time) in [
        (".hidden", "kept", 1_000_000_000),
        ("._IMG_1234.MOV", "attributes", 1_000_000_001),
        (".Trashes/501/gone.txt", "thrown away", 1_000_000_002),
        ("zero", "", 1_000_000_003),
        ("1974.txt", "before FAT", 132_000_000),
        ("1957.txt", "before 1970", -400_000_000),
        ("2061.txt", "a clock ahead", 2_900_000_000),
    ] {
        set_time(&write_file(&card, inside, bytes.as_bytes()), time);
    }
    fs::create_dir_all(card.join("empty/within")).unwrap();
    for (folder, time) in [
        ("DCIM/old/tape", 1_100_000_000),
        ("DCIM", 1_200_000_000),
        ("empty/within", 120_000_000),
        ("empty", 2_800_000_000),
    ] {
        set_time(&card.join(folder), time);
    }
    card
}

fn run_with_day_options(mut command: std::process::Command) -> Answer {
    command
        .args(["--production", "ACME Spring", "--number", "3"])
        .args(["--kind", "ad shoot", "--location", "Stage 4"])
        .args(["--crew", "director=Anna Kim", "--tags", "vertical,launch"]);
    Answer::from_output(&command.output().unwrap())
}

#[track_caller]
fn assert_counts(summary: &Value, expected: &[(&str, u64)]) {
    for (name, count) in expected {
        assert_eq!(summary[name], *count, "{name}: {summary}");
    }
}

#[test]
fn a_card_is_copied_to_two_destinations_and_added_to_the_catalogue() {
    let shoot = Shoot::new();
    let card = card(&shoot);
    let (raid, backup) = (shoot.folder("raid"), shoot.folder("backup"));
    let template = backup.join("{production}/{date}/{card}");
    let to: [&Path; 2] = [&raid, &template];
    let answer = run_with_day_options(ingest_command(&shoot, &[&card], &to));
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    let inside = backup.join("ACME Spring/2026-05-02/A001");
    for copy in [&raid, &inside] {
        assert_same_files(&card, copy);
        assert!(copy.join("ascmhl/ascmhl_chain.xml").is_file());
    }
    let files = read_tree(&card)
        .values()
        .filter(|thing| matches!(thing, super::card::TreeEntry::File(..)))
        .count() as u64;
    let cards = [("cards", 1), ("complete", 1), ("known", 0)];
    let copied = [
        ("files", files),
        ("copied", 2 * files),
        ("already_there", 0),
    ];
    assert_counts(&answer.summary(), &[cards.as_slice(), &copied].concat());
    assert_eq!(answer.summary()["problems"], Value::Array(Vec::new()));
    assert_eq!(answer.summary()["manifests"].as_array().unwrap().len(), 2);
    let ingests = shoot.run(&["ingests", "--json"]).json();
    assert_eq!(ingests.len(), 1);
    assert_eq!(ingests[0]["state"], "verified", "{}", ingests[0]);
    for destination in ingests[0]["places"].as_array().unwrap() {
        assert_eq!(destination["verified"], files, "{destination}");
        let method = destination["read_back"].as_str().unwrap();
        assert!(
            ["cache-bypassed", "cache-dropped"].contains(&method),
            "{method}"
        );
    }
    assert_day_is_in_catalogue(&shoot);
    assert_nothing_left_to_do(&shoot, &card, &to, &inside);
}

fn assert_day_is_in_catalogue(shoot: &Shoot) {
    let clip = &shoot.run(&["show", "--json", CLIP]).json()[0];
    for (field, expected) in [
        ("production", "ACME Spring"),
        ("shoot_date", "2026-05-02"),
        ("location", "Stage 4"),
        ("crew", "director: Anna Kim"),
    ] {
        assert_eq!(clip[field], expected, "{clip}");
        assert_eq!(clip["sources"][field], "ingest:2026-05-02", "{clip}");
    }
    assert_eq!(clip["shoot_day"], 3, "{clip}");
    assert_eq!(shoot.clip(CLIP)["production"], "ACME Spring");
    assert_eq!(
        shoot.search_names(&["production:acme", "tag:ad-shoot"]),
        [CLIP, "old_tape.avi"]
    );
    // A rule assigns the tag too; the day takes precedence over it, and edits over the day.
    let reasons = clip["tag_reasons"].as_array().unwrap();
    let vertical = reasons.iter().find(|reason| reason["tag"] == "vertical");
    assert_eq!(vertical.unwrap()["ingest"], "2026-05-02", "{clip}");
    let removed = shoot.run(&["tag", "remove", "launch", CLIP]);
    assert_eq!(removed.code, 0, "{}", removed.stderr);
    let tags = shoot.clip(CLIP)["tags"].to_string();
    assert!(!tags.contains("launch"), "{tags}");
    let copies = &shoot.run(&["copies", "--json", CLIP]).json()[0];
    assert_eq!(copies["files"].as_array().unwrap().len(), 2, "{copies}");
    assert_eq!(copies["proved_volumes"], 1, "{copies}");
    for file in copies["files"].as_array().unwrap() {
        assert!(file["xxh128"].is_string(), "{copies}");
    }
}

fn assert_nothing_left_to_do(shoot: &Shoot, card: &Path, to: &[&Path], inside: &Path) {
    let before = [
        read_tree(to[0]),
        read_tree(inside),
        read_tree(&to[0].join("ascmhl")),
        read_tree(&inside.join("ascmhl")),
    ];
    let again = run_with_day_options(ingest_command(shoot, &[card], to));
    assert_eq!(again.code, 0, "{}{}", again.stdout, again.stderr);
    let card_started = &super::card::events(&again, "card")[0];
    assert_eq!(card_started["bytes_to_read"], 0, "{card_started}");
    let expected = [("complete", 1), ("known", 1), ("copied", 0)];
    assert_counts(&again.summary(), &expected);
    assert_eq!(again.summary()["manifests"], Value::Array(Vec::new()));
    let after = [
        read_tree(to[0]),
        read_tree(inside),
        read_tree(&to[0].join("ascmhl")),
        read_tree(&inside.join("ascmhl")),
    ];
    assert!(before == after);
    assert_eq!(shoot.run(&["ingests", "--json"]).json().len(), 1);
    // A tag that a user removed is not added again.
    let tags = shoot.clip(CLIP)["tags"].to_string();
    assert!(!tags.contains("launch"), "{tags}");
}

#[test]
fn a_card_is_ingested_without_any_day_options() {
    let shoot = Shoot::new();
    let card = card(&shoot);
    let before = read_tree(&card);
    let raid = shoot.folder("raid");
    let summary = ingest_ok(&shoot, &[&card], &[&raid.join("{card}")]);
    assert_counts(&summary, &[("complete", 1)]);
    assert_same_files(&card, &raid.join("A001"));
    assert!(before == read_tree(&card), "the card was written to");
}
