//! File names that are hard to copy, to print and to store in manifests.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::card::{
    assert_nothing_unfinished, assert_problem, assert_same_files, ingest, ingest_ok, random_bytes,
    verify, write_file,
};
use super::reference_tools::assert_reference_verifies;
use crate::shoot::Shoot;
use crate::shoot::disk::Disk;
use crate::skipped_tests::{Skipped, or_skip};

/// Creates and mounts a FAT or exFAT drive, where names that differ by case are the same.
fn case_insensitive_drive(shoot: &Shoot) -> Result<(Disk, PathBuf), Skipped> {
    let folder = shoot.folder("disks");
    let mut disk = Disk::camera(&folder, "CAMERA", 90)?;
    let at = folder.join("CAMERA");
    disk.mount(&at);
    Ok((disk, at))
}

#[test]
fn every_name_is_copied_and_those_no_manifest_can_store_are_reported() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    let storable = [
        "line\nend.bin",
        "tab\there",
        "cafe\u{301}",
        "caf\u{e9}",
        "-rf",
        "a&b<c>\"d'",
    ];
    for name in storable {
        write_file(&card, name, name.as_bytes());
    }
    let raid = shoot.folder("raid");
    ingest_ok(&shoot, &[&card], &[&raid]);
    assert_same_files(&card, &raid);
    assert_eq!(verify(&shoot, &raid).0, 0);
    let not_storable: [&[u8]; 3] = [b"esc\x1b[31mred", b"\xff\xfe.bin", b"folder\x07/bell"];
    for name in not_storable {
        write_file(&card, OsStr::from_bytes(name), name);
    }
    let answer = ingest(&shoot, &[&card], &[&raid]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    assert_same_files(&card, &raid);
    let summary = answer.summary();
    assert_eq!(summary["outside_manifests"], 3, "{summary}");
    assert_eq!(summary["complete"], 1, "{summary}");
    assert_problem(&answer, "red", "cannot store its name");
    let ingest = &shoot.run(&["ingests", "1", "--files", "--json"]).json()[0];
    assert_eq!(ingest["places"][0]["verified"], 9, "{ingest}");
    let (code, found) = verify(&shoot, &raid);
    assert_eq!(code, 3, "{found}");
    assert_eq!(found["verified"], 9, "{found}");
    assert_eq!(found["outside_manifest"].as_array().unwrap().len(), 3);
    // Files outside the manifest are verified as well.
    let path = raid.join(OsStr::from_bytes(not_storable[0]));
    fs::write(&path, "another thing").unwrap();
    let (code, found) = verify(&shoot, &raid);
    assert_eq!(code, 4, "{found}");
    assert_eq!(found["altered"].as_array().unwrap().len(), 1, "{found}");
    // Their names are escaped on the terminal.
    for arguments in [
        ["verify", "-v", raid.to_str().unwrap()].as_slice(),
        &["ingests", "1", "--files"],
    ] {
        let shown = shoot.run(arguments);
        let text = shown.stdout + &shown.stderr;
        assert!(text.contains("red") && !text.contains('\u{1b}'), "{text}");
    }
}

#[test]
fn names_that_differ_by_case_do_not_overwrite_each_other() {
    let shoot = Shoot::new();
    let (_disk, at) = or_skip!(case_insensitive_drive(&shoot));
    let card = shoot.folder("A001");
    for (name, text) in [
        ("SAME.bin", "one content"),
        ("same.bin", "one content"),
        ("OTHER.bin", "this content"),
        ("other.bin", "that one, which is longer"),
        ("EQUAL.bin", "of a length"),
        ("equal.bin", "OF A LENGTH"),
    ] {
        write_file(&card, name, text.as_bytes());
    }
    let answer = ingest(&shoot, &[&card], &[&at.join("{card}")]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    assert_problem(
        &answer,
        "/other.bin",
        "a different file of that name exists",
    );
    assert_problem(
        &answer,
        "/equal.bin",
        "a different file of that name exists",
    );
    assert_eq!(answer.summary()["problems"].as_array().unwrap().len(), 2);
    let copy = at.join("A001");
    assert_eq!(fs::read(copy.join("OTHER.bin")).unwrap(), b"this content");
    assert_eq!(fs::read(copy.join("EQUAL.bin")).unwrap(), b"of a length");
    assert_eq!(fs::read(copy.join("SAME.bin")).unwrap(), b"one content");
    assert_nothing_unfinished(&copy);
    // A case-sensitive destination gets all of them.
    let raid = shoot.folder("raid");
    ingest_ok(&shoot, &[&card], &[&raid]);
    assert_same_files(&card, &raid);
}

#[test]
fn names_that_a_destination_cannot_store_fail_one_by_one() {
    let shoot = Shoot::new();
    let (_disk, at) = or_skip!(case_insensitive_drive(&shoot));
    let card = shoot.folder("A001");
    for (number, name) in ["a.bin", "b:c.bin", "what?.bin", "z.bin"]
        .iter()
        .enumerate()
    {
        write_file(&card, name, &random_bytes(number as u64, 3000));
    }
    let raid = shoot.folder("raid");
    let answer = ingest(&shoot, &[&card], &[&at.join("{card}"), &raid]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    for name in ["b:c.bin", "what?.bin"] {
        assert_problem(&answer, &format!("CAMERA/A001/{name}"), "");
    }
    assert_eq!(answer.summary()["problems"].as_array().unwrap().len(), 2);
    assert_same_files(&card, &raid);
    let copy = at.join("A001");
    for name in ["a.bin", "z.bin"] {
        assert_eq!(
            fs::read(copy.join(name)).unwrap(),
            fs::read(card.join(name)).unwrap()
        );
    }
    assert_nothing_unfinished(&copy);
    assert_reference_verifies(&copy);
}

/// Copies a card with one file below the folder `on_card` to a drive where that folder exists as
/// `at_destination`; returns the copied file and the folder of copies.
fn ingest_with_other_case(
    shoot: &Shoot,
    at: &Path,
    at_destination: &str,
    on_card: &str,
) -> (PathBuf, PathBuf) {
    let card = shoot.folder("A001");
    write_file(&card, format!("{on_card}/A1.bin"), &random_bytes(7, 3000));
    write_file(&card, "B1.bin", &random_bytes(8, 3000));
    let copy = at.join("A001");
    fs::create_dir_all(copy.join(at_destination)).unwrap();
    ingest_ok(shoot, &[&card], &[&copy]);
    let names = fs::read_dir(&copy).unwrap();
    let mut names = names.map(|entry| entry.unwrap().file_name());
    assert!(
        names.any(|name| name == at_destination),
        "the folder was renamed"
    );
    (copy.join(at_destination).join("A1.bin"), copy)
}

#[test]
fn an_altered_copy_in_a_folder_with_other_case_is_found_and_never_recorded_as_new() {
    let shoot = Shoot::new();
    let (_disk, at) = or_skip!(case_insensitive_drive(&shoot));
    let (file, copy) = ingest_with_other_case(&shoot, &at, "private", "PRIVATE");
    let (code, found) = verify(&shoot, &copy);
    assert_eq!((code, &found["verified"]), (0, &2.into()), "{found}");
    let record = |code: i32| {
        let path = copy.to_str().unwrap();
        let answer = shoot.run(&["verify", "--record", "--json", path]);
        assert_eq!(answer.code, code, "{}{}", answer.stdout, answer.stderr);
        answer.summary()
    };
    // For an unaltered copy, a new generation uses the name of the first one.
    assert_eq!(record(0)["new"].as_array().unwrap().len(), 0);
    let mut bytes = fs::read(&file).unwrap();
    bytes[1500] ^= 1;
    fs::write(&file, &bytes).unwrap();
    for _ in 0..2 {
        let found = record(4);
        assert_eq!(found["altered"].as_array().unwrap().len(), 1, "{found}");
        assert_eq!(found["new"].as_array().unwrap().len(), 0, "{found}");
    }
    assert_eq!(verify(&shoot, &copy).0, 4);
    // Without the catalogue, the manifests show it.
    let other = Shoot::new();
    assert_eq!(verify(&other, &copy).0, 4);
    let manifests = fs::read_dir(copy.join("ascmhl")).unwrap();
    for manifest in manifests {
        let text = fs::read_to_string(manifest.unwrap().path()).unwrap();
        assert!(!text.contains("private/"), "{text}");
    }
}

#[test]
fn a_deleted_file_whose_name_had_other_case_is_missing() {
    let shoot = Shoot::new();
    let (_disk, at) = or_skip!(case_insensitive_drive(&shoot));
    let (file, copy) = ingest_with_other_case(&shoot, &at, "caf\u{e9}", "CAF\u{c9}");
    let renamed = file.with_file_name("a1.BIN");
    fs::rename(&file, file.with_file_name("aside")).unwrap();
    fs::rename(file.with_file_name("aside"), &renamed).unwrap();
    let (code, found) = verify(&shoot, &copy);
    assert_eq!((code, &found["verified"]), (0, &2.into()), "{found}");
    fs::remove_file(&renamed).unwrap();
    let (code, found) = verify(&shoot, &copy);
    assert_eq!(code, 4, "{found}");
    assert_eq!(found["missing"].as_array().unwrap().len(), 1, "{found}");
}
