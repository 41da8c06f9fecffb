//! Names that are hard to copy, to show and to list.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::card::{
    are_equal, ingest, ingest_well, is_told, noise, nothing_is_left_over, put, verify,
};
use super::judges::reference_agrees;
use crate::shoot::Shoot;
use crate::shoot::disk::Disk;

#[test]
fn any_name_is_copied_and_what_no_manifest_can_hold_is_told() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    let held = [
        "line\nend.bin",
        "tab\there",
        "cafe\u{301}",
        "caf\u{e9}",
        "-rf",
        "a&b<c>\"d'",
    ];
    for name in held {
        put(&card, name, name.as_bytes());
    }
    let raid = shoot.folder("raid");
    ingest_well(&shoot, &[&card], &[&raid]);
    are_equal(&card, &raid);
    assert_eq!(verify(&shoot, &raid).0, 0);
    let outside: [&[u8]; 3] = [b"esc\x1b[31mred", b"\xff\xfe.bin", b"folder\x07/bell"];
    for name in outside {
        put(&card, OsStr::from_bytes(name), name);
    }
    let answer = ingest(&shoot, &[&card], &[&raid]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    are_equal(&card, &raid);
    let summary = answer.summary();
    assert_eq!(summary["outside_manifests"], 3, "{summary}");
    assert_eq!(summary["complete"], 1, "{summary}");
    is_told(&answer, "red", "cannot store its name");
    let ingest = &shoot.run(&["ingests", "1", "--files", "--json"]).json()[0];
    assert_eq!(ingest["places"][0]["verified"], 9, "{ingest}");
    let (code, found) = verify(&shoot, &raid);
    assert_eq!(code, 3, "{found}");
    assert_eq!(found["verified"], 9, "{found}");
    assert_eq!(found["outside_manifest"].as_array().unwrap().len(), 3);
    // They are verified all the same.
    let path = raid.join(OsStr::from_bytes(outside[0]));
    fs::write(&path, "another thing").unwrap();
    let (code, found) = verify(&shoot, &raid);
    assert_eq!(code, 4, "{found}");
    assert_eq!(found["altered"].as_array().unwrap().len(), 1, "{found}");
    // Nothing of them reaches a terminal as it is.
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
fn two_names_that_are_one_where_they_go_do_not_overwrite_each_other() {
    let shoot = Shoot::new();
    let folder = shoot.folder("disks");
    let Some(mut disk) = Disk::camera(&folder, "CAMERA", 90) else {
        return;
    };
    let at = folder.join("CAMERA");
    disk.mount(&at);
    let card = shoot.folder("A001");
    for (name, text) in [
        ("SAME.bin", "one content"),
        ("same.bin", "one content"),
        ("OTHER.bin", "this content"),
        ("other.bin", "that one, which is longer"),
        ("EQUAL.bin", "of a length"),
        ("equal.bin", "OF A LENGTH"),
    ] {
        put(&card, name, text.as_bytes());
    }
    let answer = ingest(&shoot, &[&card], &[&at.join("{card}")]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    is_told(
        &answer,
        "/other.bin",
        "a different file of that name exists",
    );
    is_told(
        &answer,
        "/equal.bin",
        "a different file of that name exists",
    );
    assert_eq!(answer.summary()["problems"].as_array().unwrap().len(), 2);
    let copy = at.join("A001");
    assert_eq!(fs::read(copy.join("OTHER.bin")).unwrap(), b"this content");
    assert_eq!(fs::read(copy.join("EQUAL.bin")).unwrap(), b"of a length");
    assert_eq!(fs::read(copy.join("SAME.bin")).unwrap(), b"one content");
    nothing_is_left_over(&copy);
    // All of it goes to a place that tells them apart.
    let raid = shoot.folder("raid");
    ingest_well(&shoot, &[&card], &[&raid]);
    are_equal(&card, &raid);
}

#[test]
fn names_that_a_place_cannot_have_fail_file_by_file() {
    let shoot = Shoot::new();
    let folder = shoot.folder("disks");
    let Some(mut disk) = Disk::camera(&folder, "CAMERA", 90) else {
        return;
    };
    let at = folder.join("CAMERA");
    disk.mount(&at);
    let card = shoot.folder("A001");
    for (number, name) in ["a.bin", "b:c.bin", "what?.bin", "z.bin"]
        .iter()
        .enumerate()
    {
        put(&card, name, &noise(number as u64, 3000));
    }
    let raid = shoot.folder("raid");
    let answer = ingest(&shoot, &[&card], &[&at.join("{card}"), &raid]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    for name in ["b:c.bin", "what?.bin"] {
        is_told(&answer, &format!("CAMERA/A001/{name}"), "");
    }
    assert_eq!(answer.summary()["problems"].as_array().unwrap().len(), 2);
    are_equal(&card, &raid);
    let copy = at.join("A001");
    for name in ["a.bin", "z.bin"] {
        assert_eq!(
            fs::read(copy.join(name)).unwrap(),
            fs::read(card.join(name)).unwrap()
        );
    }
    nothing_is_left_over(&copy);
    reference_agrees(&copy);
}

/// A card with one file below a folder, copied to a drive where that folder exists under another spelling.
fn respelled(shoot: &Shoot, at: &Path, there: &str, on_card: &str) -> (PathBuf, PathBuf) {
    let card = shoot.folder("A001");
    put(&card, format!("{on_card}/A1.bin"), &noise(7, 3000));
    put(&card, "B1.bin", &noise(8, 3000));
    let copy = at.join("A001");
    fs::create_dir_all(copy.join(there)).unwrap();
    ingest_well(shoot, &[&card], &[&copy]);
    let names = fs::read_dir(&copy).unwrap();
    let mut names = names.map(|entry| entry.unwrap().file_name());
    assert!(names.any(|name| name == there), "the folder is respelled");
    (copy.join(there).join("A1.bin"), copy)
}

#[test]
fn an_altered_copy_in_a_folder_of_another_case_is_found_and_never_recorded_as_new() {
    let shoot = Shoot::new();
    let folder = shoot.folder("disks");
    let Some(mut disk) = Disk::camera(&folder, "CAMERA", 90) else {
        return;
    };
    let at = folder.join("CAMERA");
    disk.mount(&at);
    let (file, copy) = respelled(&shoot, &at, "private", "PRIVATE");
    let (code, found) = verify(&shoot, &copy);
    assert_eq!((code, &found["verified"]), (0, &2.into()), "{found}");
    let record = |code: i32| {
        let path = copy.to_str().unwrap();
        let answer = shoot.run(&["verify", "--record", "--json", path]);
        assert_eq!(answer.code, code, "{}{}", answer.stdout, answer.stderr);
        answer.summary()
    };
    // Of an unaltered copy, a new generation has the name that the first one has.
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
    // Without a catalogue, the manifests say so.
    let other = Shoot::new();
    assert_eq!(verify(&other, &copy).0, 4);
    let manifests = fs::read_dir(copy.join("ascmhl")).unwrap();
    for manifest in manifests {
        let text = fs::read_to_string(manifest.unwrap().path()).unwrap();
        assert!(!text.contains("private/"), "{text}");
    }
}

#[test]
fn a_file_whose_name_has_another_case_is_missing_once_it_is_gone() {
    let shoot = Shoot::new();
    let folder = shoot.folder("disks");
    let Some(mut disk) = Disk::camera(&folder, "CAMERA", 90) else {
        return;
    };
    let at = folder.join("CAMERA");
    disk.mount(&at);
    let (file, copy) = respelled(&shoot, &at, "caf\u{e9}", "CAF\u{c9}");
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
