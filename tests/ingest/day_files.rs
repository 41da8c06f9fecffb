//! Facts of a shooting day: from day files, from the command line, and corrections of camera
//! clocks.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::card::{
    assert_same_files, events, ingest_command, problems, random_bytes, read_tree, set_time, verify,
    write_card, write_file,
};
use crate::shoot::{Answer, Shoot, copy, fixtures};

/// Fixture that was shot at 2026-05-14T18:05:33+02:00 according to its camera's clock.
const CLIP: &str = "IMG_1234.MOV";

fn write_clip(card: &Path, name: &str, seed: u64) {
    fs::create_dir_all(card).unwrap();
    let fixture = fixtures().join("Location Scout").join(CLIP);
    let mut bytes = fs::read(fixture).unwrap();
    // A different `free` box, which players skip, in each clip.
    bytes.extend([0, 0, 0, 16]);
    bytes.extend(b"free");
    bytes.extend(random_bytes(seed, 8));
    set_time(&write_file(card, name, &bytes), 1_779_278_400);
}

fn ingest_with(shoot: &Shoot, arguments: &[&str]) -> Answer {
    let fixed: &[&str] = &["ingest", "--json", "--no-pictures"];
    shoot.run(&[fixed, arguments].concat())
}

fn write_text(shoot: &Shoot, name: &str, text: &str) -> PathBuf {
    let path = shoot.folder("").join(name);
    fs::write(&path, text).unwrap();
    path
}

fn show(shoot: &Shoot, name: &str) -> Value {
    shoot.run(&["show", "--json", name]).json().remove(0)
}

/// Creates two cards and a day file that describes them.
fn two_cards(shoot: &Shoot) -> PathBuf {
    write_clip(&shoot.folder("media/A001"), "A.MOV", 1);
    write_clip(&shoot.folder("media/UNTITLED"), "B.MOV", 2);
    for destination in ["raid", "backup"] {
        shoot.folder(destination);
    }
    write_text(
        shoot,
        "day.toml",
        r#"
[day]
production = "ACME Spring Campaign BTS"
date = 2026-05-02
number = 3
kind = "ad shoot"
location = "Stage 4"
crew = { director = "Anna Kim", camera = ["Ben Ruiz", "Cleo Baum"] }
tags = ["product launch"]

[[card]]
path = "media/A001"
camera = "A"

[[card]]
path = "media/UNTITLED"
name = "B001"
camera = "B"
location = "Backstage"
clock = { shows = "14:00:00", was = "15:02:00" }

[to]
folders = ["raid/{production}/{date}/{camera}/{card}", "backup/{production}/{date}/{camera}/{card}"]
hash = "md5"
"#,
    )
}

#[test]
fn a_day_file_describes_a_whole_day() {
    let shoot = Shoot::new();
    let day = two_cards(&shoot);
    let answer = ingest_with(&shoot, &[day.to_str().unwrap()]);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    for destination in ["raid", "backup"] {
        let of_day = shoot
            .folder(destination)
            .join("ACME Spring Campaign BTS/2026-05-02");
        assert_same_files(&shoot.folder("media/A001"), &of_day.join("A/A001"));
        assert_same_files(&shoot.folder("media/UNTITLED"), &of_day.join("B/B001"));
        assert_eq!(verify(&shoot, &of_day.join("B/B001")).0, 0);
    }
    for ingest in shoot.run(&["ingests", "--json"]).json() {
        assert_eq!(
            (&ingest["hash"], &ingest["state"]),
            (&json!("md5"), &json!("verified"))
        );
    }
    let (one, other) = (show(&shoot, "A.MOV"), show(&shoot, "B.MOV"));
    for clip in [&one, &other] {
        assert_eq!(clip["production"], "ACME Spring Campaign BTS");
        assert_eq!(
            clip["crew"],
            "director: Anna Kim; camera: Ben Ruiz, Cleo Baum"
        );
        assert_eq!(clip["shoot_day"], 3);
        let tags = clip["tags"].as_array().unwrap();
        assert!(tags.contains(&json!("ad-shoot")) && tags.contains(&json!("product-launch")));
    }
    assert_eq!(
        (&one["location"], &other["location"]),
        (&json!("Stage 4"), &json!("Backstage"))
    );
    assert_eq!(
        (&one["camera_letter"], &other["camera_letter"]),
        (&json!("A"), &json!("B"))
    );
    // One clock was correct, the other is corrected.
    assert_eq!(one["captured"], "2026-05-14T18:05:33+02:00");
    assert_eq!(other["captured"], "2026-05-14T19:07:33+02:00", "{other}");
    assert_eq!(other["sources"]["captured"], "ingest:2026-05-02", "{other}");
    assert_eq!(other["recorded"], "2026-05-14T18:05:33+02:00", "{other}");
    assert_eq!(
        shoot.search_names(&["crew:cleo", "location:backstage"]),
        ["B.MOV"]
    );
}

#[test]
fn options_take_precedence_over_the_day_file() {
    let shoot = Shoot::new();
    let day = two_cards(&shoot);
    let other = shoot.folder("other");
    let to = other.join("{card}");
    let options = [
        "--location",
        "Roof",
        "--hash",
        "xxh64",
        "--number",
        "4",
        "--to",
    ];
    let arguments = [
        &[day.to_str().unwrap()],
        options.as_slice(),
        &[to.to_str().unwrap()],
    ];
    let answer = ingest_with(&shoot, &arguments.concat());
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    let clip = show(&shoot, "A.MOV");
    assert_eq!(
        (&clip["location"], &clip["shoot_day"]),
        (&json!("Roof"), &json!(4))
    );
    assert_eq!(clip["production"], "ACME Spring Campaign BTS");
    assert!(other.join("A001/A.MOV").is_file() && other.join("B001/B.MOV").is_file());
    assert!(read_tree(&shoot.folder("raid")).is_empty());
    assert_eq!(shoot.run(&["ingests", "--json"]).json()[0]["hash"], "xxh64");
}

#[test]
fn one_command_ingests_several_day_files() {
    let shoot = Shoot::new();
    let raid = shoot.folder("raid").join("{date}/{card}");
    let mut files = Vec::new();
    for day in 1..=3 {
        let name = format!("D{day}.MOV");
        write_clip(&shoot.folder(&format!("card{day}")), &name, day);
        let text = format!(
            "[day]\ndate = 2026-06-0{day}\nnumber = {day}\n[[card]]\npath = \"card{day}\"\n[to]\nfolders = [\"{}\"]\n",
            raid.display()
        );
        let path = write_text(&shoot, &format!("{day}.toml"), &text);
        files.push(path.to_str().unwrap().to_owned());
    }
    let names: Vec<&str> = files.iter().map(String::as_str).collect();
    let answer = ingest_with(&shoot, &names);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    assert_eq!(answer.summary()["complete"], 3);
    for day in 1..=3 {
        let clip = show(&shoot, &format!("D{day}.MOV"));
        assert_eq!(clip["shoot_day"], day);
        assert_eq!(
            clip["sources"]["shoot_day"],
            format!("ingest:2026-06-0{day}")
        );
        let copy = shoot
            .folder("raid")
            .join(format!("2026-06-0{day}/card{day}"));
        assert_same_files(&shoot.folder(&format!("card{day}")), &copy);
    }
}

#[test]
fn an_error_in_a_day_file_is_reported_before_anything_is_copied() {
    let shoot = Shoot::new();
    let valid = two_cards(&shoot);
    let text = fs::read_to_string(&valid).unwrap();
    for (from, to, line, word) in [
        ("number = 3", "number = 0", 5, "number"),
        ("date = 2026-05-02", "date = \"someday\"", 4, "date"),
        (
            "location = \"Stage 4\"",
            "locatoin = \"Stage 4\"",
            7,
            "locatoin",
        ),
        ("\"md5\"", "\"sha256\"", 24, "sha256"),
        ("{card}\"]", "{crad}\"]", 23, "crad"),
        ("was = \"15:02:00\"", "was = \"later\"", 20, "was"),
        ("[day]", "[day", 2, ""),
    ] {
        let invalid = write_text(&shoot, "bad.toml", &text.replace(from, to));
        let answer = ingest_with(
            &shoot,
            &[invalid.to_str().unwrap(), valid.to_str().unwrap()],
        );
        assert_eq!(answer.code, 1, "{to}: {}{}", answer.stdout, answer.stderr);
        let position = format!("bad.toml:{line}");
        assert!(answer.stderr.contains(&position), "{to}: {}", answer.stderr);
        assert!(answer.stderr.contains(word), "{to}: {}", answer.stderr);
        assert!(answer.stderr.contains("hint: "), "{to}: {}", answer.stderr);
        assert!(read_tree(&shoot.folder("raid")).is_empty(), "{to}");
    }
    assert!(!shoot.catalogue().exists());
    let missing = shoot.folder("").join("none.toml");
    let answer = ingest_with(&shoot, &[missing.to_str().unwrap()]);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    assert!(answer.stderr.contains("none.toml"), "{}", answer.stderr);
}

#[test]
fn a_dry_run_writes_nothing() {
    let shoot = Shoot::new();
    let day = two_cards(&shoot);
    let before = read_tree(&shoot.folder(""));
    let answer = ingest_with(&shoot, &[day.to_str().unwrap(), "--dry-run"]);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    let plans = events(&answer, "plan");
    assert_eq!(plans.len(), 2);
    assert_eq!(plans[1]["card"], "B001");
    assert_eq!(plans[0]["state"], "ready");
    assert_eq!(plans[0]["places"].as_array().unwrap().len(), 2);
    assert_eq!(plans[0]["bytes_to_read"], plans[0]["bytes"]);
    assert!(
        before == read_tree(&shoot.folder("")),
        "something was written"
    );
    assert!(!shoot.catalogue().exists());
    let printed = shoot.run(&["ingest", day.to_str().unwrap(), "--dry-run"]);
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    assert!(
        printed.stdout.contains("location: Backstage"),
        "{}",
        printed.stdout
    );
    // After the ingest, there is nothing to do.
    assert_eq!(ingest_with(&shoot, &[day.to_str().unwrap()]).code, 0);
    let before = read_tree(&shoot.folder("raid"));
    let answer = ingest_with(&shoot, &[day.to_str().unwrap(), "--dry-run"]);
    assert_eq!(answer.code, 0);
    for plan in events(&answer, "plan") {
        assert_eq!(
            (&plan["state"], &plan["bytes_to_read"]),
            (&json!("known"), &json!(0))
        );
    }
    assert!(before == read_tree(&shoot.folder("raid")));
}

#[test]
fn clips_shot_after_midnight_belong_to_the_previous_day() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    // 2026-05-03 02:30 UTC.
    set_time(
        &write_file(&card, "late.bin", &random_bytes(1, 100)),
        1_777_775_400,
    );
    for (starts, date) in [
        ("04:00", "2026-05-02"),
        ("02:00", "2026-05-03"),
        ("00:00", "2026-05-03"),
    ] {
        let to = shoot
            .folder(&format!("raid{}", &starts[..2]))
            .join("{date}");
        let mut command = shoot.command();
        command.args(["ingest", "--json", "--day-starts", starts, "--to"]);
        command.arg(&to).arg(&card).env("TZ", "UTC");
        let answer = Answer::from_output(&command.output().unwrap());
        assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
        let copy = to.parent().unwrap().join(date);
        assert_same_files(&card, &copy);
    }
    let days: Vec<Value> = shoot.run(&["ingests", "--json"]).json();
    assert!(
        days.iter().any(|ingest| ingest["day"] == "2026-05-02"),
        "{days:?}"
    );
}

#[test]
fn scan_only_adds_the_facts_of_the_day_and_copies_nothing() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    write_clip(&card, "A.MOV", 1);
    let before = read_tree(&shoot.folder("A001"));
    let mut command = ingest_command(&shoot, &[&card], &[]);
    command.args([
        "--scan-only",
        "--production",
        "ACME",
        "--clock",
        "+01:00:00",
    ]);
    for _ in 0..2 {
        let answer = Answer::from_output(&command.output().unwrap());
        assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
        assert_eq!(problems(&answer.summary()), Vec::<String>::new());
    }
    assert!(before == read_tree(&card) && !card.join("ascmhl").exists());
    let clip = show(&shoot, "A.MOV");
    assert_eq!(clip["production"], "ACME");
    assert_eq!(clip["sources"]["production"], "ingest:2026-05-02");
    assert_eq!(clip["captured"], "2026-05-14T19:05:33+02:00");
    assert_eq!(clip["recorded"], "2026-05-14T18:05:33+02:00");
    let ingests = shoot.run(&["ingests", "--json"]).json();
    assert_eq!(ingests.len(), 1, "{ingests:?}");
    assert_eq!(ingests[0]["in_place"], true);
}

#[test]
fn the_example_is_a_valid_day_file() {
    let shoot = Shoot::new();
    let example = shoot.run(&["ingest", "--example"]);
    assert_eq!(example.code, 0, "{}", example.stderr);
    let day = write_text(&shoot, "example.toml", &example.stdout);
    let answer = ingest_with(&shoot, &[day.to_str().unwrap(), "--dry-run"]);
    // The only problem is that its cards do not exist.
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    assert_eq!(events(&answer, "plan").len(), 2);
}

#[test]
fn an_ingest_requires_a_destination_outside_the_card() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    write_card(&card, 1, 10);
    let answer = ingest_with(&shoot, &[card.to_str().unwrap()]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    super::card::assert_problem(&answer, "/A001", "--to FOLDER");
    let inside = card.join("copies");
    fs::create_dir(&inside).unwrap();
    let answer = super::card::ingest(&shoot, &[&card], &[&inside]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    super::card::assert_problem(&answer, "/A001", "the destination overlaps with the card");
    copy(&fixtures().join("Broken"), &shoot.folder("broken"));
    // Unreadable footage is copied and reported.
    let raid = shoot.folder("raid");
    let answer = super::card::ingest(&shoot, &[&shoot.folder("broken")], &[&raid]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    assert!(
        !answer.summary()["unreadable"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_same_files(&shoot.folder("broken"), &raid);
}
