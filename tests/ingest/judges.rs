//! Other programs as judges: what was copied is what was hashed, by their word too.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::card::{are_equal, command, ingest_well, noise, put, verify};
use crate::shoot::{Answer, Shoot, copy, fixtures};

/// Whether another program is here; where it has to be, the test fails when it is not.
pub(crate) fn is_here(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_here = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !is_here {
        assert!(
            std::env::var_os("BTSINDEX_REQUIRE_JUDGES").is_none(),
            "{program} is not on the PATH: scripts/test installs it"
        );
        eprintln!("skipped: {program} is not installed");
    }
    is_here
}

/// Runs another program in a folder; its exit code, and what it said.
fn judged(program: &str, arguments: &[&str], folder: &Path) -> (i32, String) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        // The reference asks for updates of itself.
        .env("https_proxy", "http://127.0.0.1:9")
        .output()
        .unwrap();
    let answer = Answer::from_output(&output);
    (answer.code, answer.stdout + &answer.stderr)
}

/// The reference tool of ASC MHL finds every file to be what the manifests say, where it is here.
#[track_caller]
pub(crate) fn reference_agrees(folder: &Path) {
    if is_here("ascmhl-debug") {
        let (code, said) = judged("ascmhl-debug", &["verify", "."], folder);
        assert_eq!(code, 0, "{}: {said}", folder.display());
    }
}

fn card(shoot: &Shoot) -> std::path::PathBuf {
    let card = shoot.folder("A001");
    fs::create_dir_all(card.join("Clips")).unwrap();
    let clip = fixtures().join("Location Scout/old_tape.avi");
    copy(&clip, &card.join("Clips/old_tape.avi"));
    // Lengths around the pieces in which files are read.
    for (number, length) in [0, 1, 4095, 4096, 4_194_303, 4_194_304, 4_194_305]
        .into_iter()
        .enumerate()
    {
        put(
            &card,
            format!("data/{length} bytes"),
            &noise(number as u64, length),
        );
    }
    card
}

/// The digests of an ingest, as `md5sum` and its like print them.
fn sums(shoot: &Shoot) -> String {
    let ingest = &shoot.run(&["ingests", "1", "--files", "--json"]).json()[0];
    let mut sums = String::new();
    for file in ingest["copies"].as_array().unwrap() {
        for part in [
            file["digest"].as_str().unwrap(),
            "  ",
            file["path"].as_str().unwrap(),
            "\n",
        ] {
            sums.push_str(part);
        }
    }
    sums
}

fn by(hash: &str, program: &str) {
    if !is_here(program) {
        return;
    }
    let shoot = Shoot::new();
    let card = card(&shoot);
    let places = [shoot.folder("raid"), shoot.folder("backup")];
    let mut command = command(&shoot, &[&card], &[&places[0], &places[1]]);
    let answer = Answer::from_output(&command.args(["--hash", hash]).output().unwrap());
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    let list = shoot.folder("lists").join("sums");
    fs::write(&list, sums(&shoot)).unwrap();
    for place in &places {
        are_equal(&card, place);
        if program != "ascmhl-debug" {
            let (code, said) = judged(program, &["-c", list.to_str().unwrap()], place);
            assert_eq!(code, 0, "{said}");
            assert!(said.contains("4194305 bytes: OK"), "{said}");
        }
        let manifest = fs::read_dir(place.join("ascmhl"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|extension| extension == "mhl"))
            .unwrap();
        let manifest = fs::read_to_string(manifest).unwrap();
        assert!(manifest.contains(&format!("<{hash} action=\"original\"")));
    }
    reference_agrees(&places[1]);
}

#[test]
fn xxh128_is_that_of_xxhsum() {
    by("xxh128", "xxhsum");
}

#[test]
fn xxh64_is_that_of_xxhsum() {
    by("xxh64", "xxhsum");
}

#[test]
fn md5_is_that_of_md5sum() {
    by("md5", "md5sum");
}

#[test]
fn sha1_is_that_of_sha1sum() {
    by("sha1", "sha1sum");
}

#[test]
fn c4_is_that_of_the_reference() {
    by("c4", "ascmhl-debug");
}

#[test]
fn a_flipped_byte_is_found_by_all() {
    let shoot = Shoot::new();
    let card = card(&shoot);
    let (raid, backup) = (shoot.folder("raid"), shoot.folder("backup"));
    ingest_well(&shoot, &[&card], &[&raid, &backup]);
    assert_eq!(verify(&shoot, &raid).0, 0);
    if is_here("ascmhl") {
        let (code, said) = judged("ascmhl", &["create", "-v", "."], &raid);
        assert_eq!(code, 0, "{said}");
        reference_agrees(&raid);
    }
    let path = raid.join("Clips/old_tape.avi");
    let modified = path.metadata().unwrap().modified().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(modified).unwrap();
    let (code, found) = verify(&shoot, &raid);
    assert_eq!(code, 4, "{found}");
    assert_eq!(found["altered"], serde_json::json!(["Clips/old_tape.avi"]));
    assert_eq!(found["missing"], Value::Array(Vec::new()));
    assert_eq!(verify(&shoot, &backup).0, 0);
    let ingest = &shoot.run(&["ingests", "--json"]).json()[0];
    let verified = |place: usize| ingest["places"][place]["verified"].as_u64().unwrap();
    assert_eq!(verified(0) + 1, verified(1), "{ingest}");
    let copies = &shoot.run(&["copies", "--json", "old_tape.avi"]).json()[0];
    for file in copies["files"].as_array().unwrap() {
        let is_of_raid = file["path"].as_str().unwrap().contains("/raid/");
        assert_eq!(file["xxh128"].is_null(), is_of_raid, "{copies}");
    }
    if is_here("ascmhl") {
        for (program, action) in [("ascmhl-debug", "verify"), ("ascmhl", "create")] {
            let (code, said) = judged(program, &[action, "."], &raid);
            assert_ne!(code, 0, "{said}");
        }
    }
    // The copy is bad, and the same command does not put another in its place.
    let again = super::card::ingest(&shoot, &[&card], &[&raid, &backup]);
    assert_eq!(again.code, 3, "{}{}", again.stdout, again.stderr);
    super::card::is_told(
        &again,
        "Clips/old_tape.avi",
        "a different file of that name exists",
    );
}
