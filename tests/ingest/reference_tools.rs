//! Copies and manifests checked by other programs: md5sum and similar tools, and the reference
//! implementation of ASC MHL.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::card::{assert_same_files, ingest_command, ingest_ok, random_bytes, verify, write_file};
use crate::shoot::{Answer, Shoot, copy, fixtures};
use crate::skipped_tests::{find_installed, or_skip};

/// Runs a program in a folder; returns its exit code and its output.
fn run_in(program: &str, arguments: &[&str], folder: &Path) -> (i32, String) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        // The reference tool looks for updates of itself.
        .env("https_proxy", "http://127.0.0.1:9")
        .output()
        .unwrap();
    let answer = Answer::from_output(&output);
    (answer.code, answer.stdout + &answer.stderr)
}

/// Checks with the reference tool of ASC MHL, if installed, that every file matches the manifests.
#[track_caller]
pub(crate) fn assert_reference_verifies(folder: &Path) {
    if find_installed("ascmhl-debug").is_ok() {
        let (code, output) = run_in("ascmhl-debug", &["verify", "."], folder);
        assert_eq!(code, 0, "{}: {output}", folder.display());
    }
}

fn card(shoot: &Shoot) -> std::path::PathBuf {
    let card = shoot.folder("A001");
    fs::create_dir_all(card.join("Clips")).unwrap();
    let clip = fixtures().join("Location Scout/old_tape.avi");
    copy(&clip, &card.join("Clips/old_tape.avi"));
    // Lengths around the sizes of the blocks in which files are read.
    for (number, length) in [0, 1, 4095, 4096, 4_194_303, 4_194_304, 4_194_305]
        .into_iter()
        .enumerate()
    {
        write_file(
            &card,
            format!("data/{length} bytes"),
            &random_bytes(number as u64, length),
        );
    }
    card
}

/// Digests of an ingest in the format of `md5sum`.
fn checksum_list(shoot: &Shoot) -> String {
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

/// Ingests with a hash and checks the digests with another program.
fn assert_hashes_match(hash: &str, program: &str) {
    or_skip!(find_installed(program));
    let shoot = Shoot::new();
    let card = card(&shoot);
    let destinations = [shoot.folder("raid"), shoot.folder("backup")];
    let mut command = ingest_command(&shoot, &[&card], &[&destinations[0], &destinations[1]]);
    let answer = Answer::from_output(&command.args(["--hash", hash]).output().unwrap());
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    let list = shoot.folder("lists").join("sums");
    fs::write(&list, checksum_list(&shoot)).unwrap();
    for destination in &destinations {
        assert_same_files(&card, destination);
        if program != "ascmhl-debug" {
            let (code, output) = run_in(program, &["-c", list.to_str().unwrap()], destination);
            assert_eq!(code, 0, "{output}");
            assert!(output.contains("4194305 bytes: OK"), "{output}");
        }
        let manifest = fs::read_dir(destination.join("ascmhl"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|extension| extension == "mhl"))
            .unwrap();
        let manifest = fs::read_to_string(manifest).unwrap();
        assert!(manifest.contains(&format!("<{hash} action=\"original\"")));
    }
    assert_reference_verifies(&destinations[1]);
}

#[test]
fn xxh128_agrees_with_xxhsum() {
    assert_hashes_match("xxh128", "xxhsum");
}

#[test]
fn xxh64_agrees_with_xxhsum() {
    assert_hashes_match("xxh64", "xxhsum");
}

#[test]
fn md5_agrees_with_md5sum() {
    assert_hashes_match("md5", "md5sum");
}

#[test]
fn sha1_agrees_with_sha1sum() {
    assert_hashes_match("sha1", "sha1sum");
}

#[test]
fn c4_agrees_with_the_reference_tool() {
    assert_hashes_match("c4", "ascmhl-debug");
}

#[test]
fn every_program_finds_a_flipped_byte() {
    let shoot = Shoot::new();
    let card = card(&shoot);
    let (raid, backup) = (shoot.folder("raid"), shoot.folder("backup"));
    ingest_ok(&shoot, &[&card], &[&raid, &backup]);
    assert_eq!(verify(&shoot, &raid).0, 0);
    if find_installed("ascmhl").is_ok() {
        let (code, output) = run_in("ascmhl", &["create", "-v", "."], &raid);
        assert_eq!(code, 0, "{output}");
        assert_reference_verifies(&raid);
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
    let verified = |destination: usize| ingest["places"][destination]["verified"].as_u64().unwrap();
    assert_eq!(verified(0) + 1, verified(1), "{ingest}");
    let copies = &shoot.run(&["copies", "--json", "old_tape.avi"]).json()[0];
    for file in copies["files"].as_array().unwrap() {
        let is_on_raid = file["path"].as_str().unwrap().contains("/raid/");
        assert_eq!(file["xxh128"].is_null(), is_on_raid, "{copies}");
    }
    if find_installed("ascmhl").is_ok() {
        for (program, action) in [("ascmhl-debug", "verify"), ("ascmhl", "create")] {
            let (code, output) = run_in(program, &[action, "."], &raid);
            assert_ne!(code, 0, "{output}");
        }
    }
    // The copy is damaged; running the command again does not replace it.
    let again = super::card::ingest(&shoot, &[&card], &[&raid, &backup]);
    assert_eq!(again.code, 3, "{}{}", again.stdout, again.stderr);
    super::card::assert_problem(
        &again,
        "Clips/old_tape.avi",
        "a different file of that name exists",
    );
}
