//! Manifests (ASC MHL) of cards and destinations: histories that a card brings along, lost or
//! damaged manifests, and files that no manifest lists.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::card::{
    assert_problem, assert_same_files, ingest, ingest_command, ingest_ok, verify, write_card,
    write_file,
};
use super::false_success::UNFINISHED;
use super::reference_tools::assert_reference_verifies;
use super::verify::create_generation;
use crate::shoot::{Answer, Shoot};
use crate::skipped_tests::{find_installed, or_skip};

#[test]
fn files_in_a_manifest_folder_that_are_not_manifests_are_copied_and_verified() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    write_file(&card, "a.bin", b"a clip");
    write_file(&card, "ascmhl/b.bin", b"another clip");
    write_file(&card, "Reel/ascmhl/c.bin", b"a third clip");
    ingest_ok(&shoot, &[&card], &[&raid]);
    assert_eq!(verify(&shoot, &raid).0, 0);
    for (name, bytes) in [
        ("ascmhl/b.bin", "other"),
        ("Reel/ascmhl/c.bin", "A THIRD CLIP"),
    ] {
        write_file(&raid, name, bytes.as_bytes());
        let (code, found) = verify(&shoot, &raid);
        assert_eq!((code, &found["altered"]), (4, &json!([name])), "{found}");
        fs::remove_file(raid.join(name)).unwrap();
        let (code, found) = verify(&shoot, &raid);
        assert_eq!((code, &found["missing"]), (4, &json!([name])), "{found}");
        write_file(&raid, name, b"other");
        let answer = ingest(&shoot, &[&card], &[&raid]);
        assert_eq!(answer.code, 3, "{}", answer.stdout);
        assert_problem(&answer, name, "a different file of that name exists");
        fs::remove_file(raid.join(name)).unwrap();
        ingest_ok(&shoot, &[&card], &[&raid]);
        assert_eq!(verify(&shoot, &raid).0, 0);
    }
}

/// Creates a card of three files with a manifest.
fn card_with_history(shoot: &Shoot) -> std::path::PathBuf {
    let card = shoot.folder("A001");
    write_card(&card, 3, 500);
    let other = Shoot::new();
    let mut command = other.command();
    command.args(["verify", "--record"]).arg(&card);
    assert!(command.output().unwrap().status.success());
    card
}

#[test]
fn a_file_that_differs_from_the_manifest_of_the_card_is_reported_by_each_run() {
    let shoot = Shoot::new();
    let (card, raid) = (card_with_history(&shoot), shoot.folder("raid"));
    write_file(&card, "Clips/00/D00001.bin", &[7; 500]);
    for round in 0..3 {
        let answer = ingest(&shoot, &[&card], &[&raid]);
        assert_eq!(answer.code, 3, "round {round}: {}", answer.stdout);
        assert_problem(&answer, "D00001.bin", "differs from a manifest on the card");
        let ingest = &shoot.run(&["ingests", "--json"]).json()[0];
        assert_eq!(ingest["state"], "with problems", "round {round}: {ingest}");
        let (code, found) = verify(&shoot, &raid);
        let altered = json!(["Clips/00/D00001.bin"]);
        assert_eq!((code, &found["altered"]), (4, &altered), "{found}");
    }
}

#[test]
fn a_card_with_a_history_is_complete_for_every_catalogue() {
    let shoot = Shoot::new();
    let (card, raid) = (card_with_history(&shoot), shoot.folder("raid"));
    ingest_ok(&shoot, &[&card], &[&raid]);
    assert_reference_verifies(&raid);
    // The chain of the copy has one more entry; it still belongs to the card.
    let elsewhere = Shoot::new();
    for shoot in [&shoot, &elsewhere, &elsewhere] {
        let summary = ingest_ok(shoot, &[&card], &[&raid]);
        assert_eq!(summary["complete"], 1, "{summary}");
        let ingest = &shoot.run(&["ingests", "--json"]).json()[0];
        assert_eq!(ingest["state"], "verified", "{ingest}");
    }
    // A chain of another card does not.
    let chain = raid.join("ascmhl/ascmhl_chain.xml");
    let text = fs::read_to_string(&chain).unwrap();
    fs::write(
        &chain,
        text.replacen("sequencenr=\"1\"", "sequencenr=\"0\"", 1),
    )
    .unwrap();
    let answer = ingest(&Shoot::new(), &[&card], &[&raid]);
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    assert_problem(
        &answer,
        "ascmhl_chain.xml",
        "a different file of that name exists",
    );
}

#[test]
fn lost_manifests_are_written_again_and_a_damaged_history_is_reported() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    write_card(&card, 3, 500);
    ingest_ok(&shoot, &[&card], &[&raid]);
    fs::remove_dir_all(raid.join("ascmhl")).unwrap();
    let summary = ingest_ok(&shoot, &[&card], &[&raid]);
    assert_eq!(
        summary["manifests"].as_array().unwrap().len(),
        1,
        "{summary}"
    );
    assert_reference_verifies(&raid);
    let manifest = summary["manifests"][0].as_str().unwrap();
    fs::remove_file(manifest).unwrap();
    let answer = ingest(&shoot, &[&card], &[&raid]);
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    assert_problem(&answer, "raid", "manifest not written");
}

#[test]
fn files_that_the_history_of_a_card_leaves_out_are_reported() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    write_card(&card, 3, 500);
    or_skip!(find_installed("ascmhl"));
    let mut create = std::process::Command::new("ascmhl");
    create.args(["create", "-h", "md5", "-i", "D0000*", "."]);
    create
        .env("https_proxy", "http://127.0.0.1:9")
        .current_dir(&card);
    assert!(create.output().unwrap().status.success());
    for _ in 0..2 {
        let answer = ingest(&shoot, &[&card], &[&raid]);
        assert_eq!(answer.code, 3, "{}", answer.stdout);
        assert_problem(&answer, "D00000.bin", "match this file and 2 more");
    }
    assert_same_files(&card, &raid);
    // The ingest log of this catalogue has their hashes; another catalogue has none.
    assert_eq!(verify(&shoot, &raid).1["verified"], 3);
    let (code, found) = verify(&Shoot::new(), &raid);
    assert_eq!(code, 3, "{found}");
    assert_eq!(found["left_out"].as_array().unwrap().len(), 3, "{found}");
}

/// Text of the latest manifest of a folder.
fn read_latest_manifest(folder: &Path) -> String {
    let entries = fs::read_dir(folder.join("ascmhl")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let manifests = paths.filter(|path| path.extension().is_some_and(|kind| kind == "mhl"));
    fs::read_to_string(manifests.max().unwrap()).unwrap()
}

#[test]
fn verified_but_unsealed_copies_are_sealed_by_the_next_run() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    write_card(&card, 3, 500);
    ingest_ok(&shoot, &[&card], &[&raid]);
    // One more clip is shot; the run that copies it cannot write a manifest.
    write_file(&card, "Clips/00/E00001.bin", b"one more clip");
    let chain = raid.join("ascmhl/ascmhl_chain.xml");
    let whole = fs::read(&chain).unwrap();
    fs::write(&chain, b"<").unwrap();
    let answer = ingest(&shoot, &[&card], &[&raid]);
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    assert_problem(&answer, "raid", "manifest not written");
    fs::write(&chain, whole).unwrap();
    let summary = ingest_ok(&shoot, &[&card], &[&raid]);
    assert_eq!(summary["manifests"].as_array().unwrap().len(), 1);
    assert!(read_latest_manifest(&raid).contains("E00001.bin"));
    assert_reference_verifies(&raid);
    let summary = ingest_ok(&shoot, &[&card], &[&raid]);
    assert_eq!(summary["manifests"], json!([]));
    assert_eq!(verify(&Shoot::new(), &raid).1["verified"], 4);
    // A generation that adds one file has no hashes of folders.
    write_file(&card, "Clips/00/E00002.bin", b"and another");
    ingest_ok(&shoot, &[&card], &[&raid]);
    let manifest = read_latest_manifest(&raid);
    assert!(manifest.contains("E00002.bin"), "{manifest}");
    assert_eq!(manifest.matches("<xxh128").count(), 1, "{manifest}");
    assert_reference_verifies(&raid);
}

#[test]
fn hashes_of_a_card_are_computed_again_while_no_manifest_has_them() {
    or_skip!(find_installed("ascmhl"));
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    write_card(&card, 3, 500);
    create_generation(&card);
    write_file(&card, "Clips/00/D00001.bin", &[7; 500]);
    // A file in the place of the manifest folder: nothing can be sealed.
    write_file(&raid, "ascmhl", b"");
    let run = || {
        let mut command = ingest_command(&shoot, &[&card], &[&raid]);
        Answer::from_output(&command.args(["--hash", "xxh128"]).output().unwrap())
    };
    let answer = run();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    fs::remove_file(raid.join("ascmhl")).unwrap();
    let answer = run();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    assert_problem(&answer, "D00001.bin", "differs from a manifest on the card");
    let manifest = read_latest_manifest(&raid);
    assert_eq!(manifest.matches("<md5").count(), 3, "{manifest}");
}

#[test]
fn unfinished_copies_are_in_no_manifest() {
    let shoot = Shoot::new();
    let folder = shoot.folder("raid");
    write_card(&folder, 3, 500);
    write_file(&folder, UNFINISHED, b"half");
    let run = || shoot.run(&["verify", "--record", "--json", folder.to_str().unwrap()]);
    let answer = run();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    assert!(!read_latest_manifest(&folder).contains(UNFINISHED));
    fs::remove_file(folder.join(UNFINISHED)).unwrap();
    assert_eq!(verify(&shoot, &folder).0, 0);
}

#[test]
fn a_folder_with_a_control_character_is_not_verified_by_manifests_above_it() {
    let shoot = Shoot::new();
    let folder = shoot.folder("raid");
    write_card(&folder, 3, 500);
    write_file(&folder, "a.bin", b"one");
    write_file(&folder, "odd\u{1}/a.bin", b"two");
    let run = |folder: &Path| {
        let folder = folder.to_str().unwrap();
        shoot.run(&["verify", "--record", "--json", folder])
    };
    run(&folder);
    let (code, found) = verify(&shoot, &folder.join("odd\u{1}"));
    assert_eq!(code, 3, "{found}");
    assert_eq!(found["new"], json!(["a.bin"]), "{found}");
    assert_eq!(found["missing"], json!([]), "{found}");
}
