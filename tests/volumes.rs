//! Life of a drive: scanned, annotated, put on a shelf, found there, mounted elsewhere,
//! reorganized, copied, moved, cloned, forgotten. Uses real mounted filesystems.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;

use crate::shoot::disk::Disk;
use crate::shoot::{Answer, Shoot, copy, fixtures};
use crate::skipped_tests::or_skip;
use serde_json::Value;

const SESSION: &str = "Studio Session - Night Owls";
const LAUGH: &str = "BTSInterview_Drummer_Laughing.mov";

fn scan(shoot: &Shoot, arguments: &[&str], path: &Path) -> Answer {
    let mut command = shoot.command();
    command.args(["scan", "--json"]).args(arguments).arg(path);
    Answer::from_output(&command.output().unwrap())
}

/// Tags and note of the clip, and its reported location.
fn laugh_clip(shoot: &Shoot) -> (Value, Value, String) {
    let clip = shoot.clip(LAUGH);
    let table = shoot.run(&["search", "drummer"]).stdout;
    let place = table.lines().nth(1).unwrap().rsplit("  ").next().unwrap();
    (
        clip["tags"].clone(),
        clip["notes"][0]["text"].clone(),
        place.trim().to_owned(),
    )
}

fn counts(summary: &Value, names: &[&str]) -> Vec<u64> {
    names
        .iter()
        .map(|name| summary[name].as_u64().unwrap())
        .collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one scenario in many steps")]
fn a_drive_on_a_shelf_stays_in_the_catalogue() {
    let shoot = Shoot::new();
    let folder = shoot.folder("disks");
    let mut shelf = or_skip!(Disk::new(&folder, "SHELF-07", 24));
    let (here, there) = (folder.join("here"), folder.join("there"));
    shelf.mount(&here);
    copy(&fixtures().join(SESSION), &here.join(SESSION));
    assert_eq!(
        counts(&scan(&shoot, &[], &here).summary(), &["new", "unreadable"]),
        [4, 0]
    );
    assert_eq!(shoot.run(&["tag", "add", "drummer laughs", LAUGH]).code, 0);
    assert_eq!(shoot.run(&["note", "the good one", LAUGH]).code, 0);
    let tags = serde_json::json!(["drummer-laughs", "interview", "studio-session"]);
    let expected_at = |place: &str| (tags.clone(), Value::from("the good one"), place.to_owned());
    // The filesystem of a loop device is named by its own label.
    assert_eq!(laugh_clip(&shoot), expected_at("SHELF-07"));

    // On the shelf.
    shelf.unmount();
    assert_eq!(laugh_clip(&shoot), expected_at("SHELF-07 (offline)"));
    let answer = scan(&shoot, &[], &here);
    assert!(
        answer.stderr.is_empty()
            && answer
                .stdout
                .contains("SHELF-07 is no longer mounted there"),
        "{}",
        answer.stdout
    );
    assert_eq!(counts(&answer.summary(), &["doubted", "missing"]), [4, 0]);
    assert_eq!(laugh_clip(&shoot), expected_at("SHELF-07 (offline)"));

    // Mounted elsewhere: nothing is read, nothing is lost.
    shelf.mount(&there);
    let summary = shoot.scan_without_tools(&there);
    assert_eq!(
        counts(&summary, &["unchanged", "read", "new"]),
        [4, 0, 0],
        "{summary}"
    );
    assert_eq!(laugh_clip(&shoot), expected_at("SHELF-07"));
    let path = shoot.clip(LAUGH)["path"].as_str().unwrap().to_owned();
    assert!(path.starts_with(there.to_str().unwrap()), "{path}");

    // Reorganized.
    fs::rename(there.join(SESSION), there.join("2026-05 Night Owls")).unwrap();
    let summary = shoot.scan_without_tools(&there);
    assert_eq!(
        counts(&summary, &["recognised", "missing", "unreadable"]),
        [4, 0, 0],
        "{summary}"
    );
    assert_eq!(laugh_clip(&shoot), expected_at("SHELF-07"));

    // Copied to another volume and compared.
    let mut raid = Disk::new(&folder, "RAID-A", 24).unwrap();
    let raid_at = folder.join("raid");
    raid.mount(&raid_at);
    copy(&there.join("2026-05 Night Owls"), &raid_at.join("Owls"));
    let summary = shoot.scan_without_tools(&raid_at);
    assert_eq!(
        counts(&summary, &["new", "recognised", "unreadable"]),
        [4, 4, 0],
        "{summary}"
    );
    let copies = |arguments: &[&str]| {
        let lines = shoot
            .run(&[&["copies", "--json"], arguments].concat())
            .json();
        let number = |line: &Value, key: &str| line[key].as_u64().unwrap();
        lines
            .iter()
            .map(|line| (number(line, "volumes"), number(line, "proved_volumes")))
            .collect::<Vec<_>>()
    };
    assert_eq!(shoot.run(&["copies", "--fewer-than", "2"]).code, 4);
    // For small files the fingerprint is a full hash; one file is large enough to be sampled.
    assert_eq!(copies(&["drummer"]), [(2, 1)]);
    assert_eq!(copies(&["--verify", "drummer"]), [(2, 2)]);
    let place = laugh_clip(&shoot).2;
    assert!(
        place == "RAID-A, also SHELF-07" || place == "SHELF-07, also RAID-A",
        "{place}"
    );

    // Moved off the shelf drive: files that exist elsewhere are not lost.
    fs::remove_dir_all(there.join("2026-05 Night Owls")).unwrap();
    let summary = scan(&shoot, &[], &there).summary();
    assert_eq!(
        counts(&summary, &["doubted", "missing"]),
        [0, 0],
        "{summary}"
    );
    assert_eq!(laugh_clip(&shoot).2, "RAID-A");
    assert_eq!(laugh_clip(&shoot).1, "the good one");

    // Forgotten: the losses are listed and confirmed, and edits are kept.
    let refused = shoot.run(&["volumes", "forget", "RAID-A"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("4  on no other volume"),
        "{}",
        refused.stderr
    );
    assert_eq!(shoot.run(&["volumes", "forget", "RAID-A", "--yes"]).code, 0);
    assert_eq!(
        shoot.search_names(&["notes:good"]),
        [LAUGH],
        "missing on SHELF-07"
    );
    assert_eq!(
        shoot.run(&["volumes", "forget", "SHELF-07", "--yes"]).code,
        0
    );
    assert_eq!(shoot.run(&["search", "drummer"]).code, 4);
    let summary = shoot.scan_without_tools(&raid_at);
    assert_eq!(
        counts(&summary, &["new", "recognised"]),
        [4, 4],
        "{summary}"
    );
    assert_eq!(laugh_clip(&shoot).1, "the good one");
}

#[test]
fn clones_are_distinguished_and_reported() {
    let shoot = Shoot::new();
    let folder = shoot.folder("disks");
    let mut disk = or_skip!(Disk::new(&folder, "MASTER", 24));
    let (one, two) = (folder.join("one"), folder.join("two"));
    disk.mount(&one);
    copy(
        &fixtures().join("Location Scout/old_tape.avi"),
        &one.join("a.avi"),
    );
    scan(&shoot, &[], &one);
    disk.unmount();
    let mut clone = disk.clone_to(&folder.join("clone.img"));
    disk.mount(&one);
    clone.mount(&two);
    let answer = scan(&shoot, &[], &two);
    assert!(
        answer.stdout.contains("looks like a clone of"),
        "{}",
        answer.stdout
    );
    assert_eq!(counts(&answer.summary(), &["new", "recognised"]), [1, 1]);
    let clip = shoot.clip("a.avi");
    let mounted: Vec<&Value> = clip["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| &file["mounted"])
        .collect();
    assert_eq!(mounted, [&Value::from(true), &Value::from(true)], "{clip}");
    // Once it is alone again, the original is identified as before.
    clone.unmount();
    assert_eq!(
        counts(&scan(&shoot, &[], &one).summary(), &["unchanged", "new"]),
        [1, 0]
    );
}

#[test]
fn a_full_disk_is_reported_and_loses_no_edit() {
    let shoot = Shoot::with_fixtures();
    let folder = shoot.folder("disks");
    let mut disk = or_skip!(Disk::new(&folder, "SMALL", 8));
    let at = folder.join("small");
    disk.mount(&at);
    let command = |arguments: &[&str]| {
        let mut command = shoot.command();
        command
            .env("BTSINDEX_CATALOGUE", at.join("catalogue"))
            .args(arguments);
        Answer::from_output(&command.output().unwrap())
    };
    let footage = shoot.footage();
    let footage = footage.to_str().unwrap();
    assert_eq!(command(&["scan", "--no-pictures", footage]).code, 3);
    assert_eq!(command(&["tag", "add", "before", LAUGH]).code, 0);
    // All but a few blocks are in use.
    let ballast = at.join("ballast");
    let mut file = fs::File::create(&ballast).unwrap();
    let block = [7_u8; 4096];
    while std::io::Write::write_all(&mut file, &block).is_ok() {}
    drop(file);
    let mut refused = 0;
    for number in 0..40 {
        let answer = command(&["tag", "add", &format!("full {number}"), LAUGH]);
        if answer.code != 0 {
            refused += 1;
            assert!(
                answer.stderr.contains("full") && answer.stderr.contains("hint:"),
                "{}",
                answer.stderr
            );
        }
    }
    assert!(refused > 0, "the disk was not full");
    let half = at.join("journal.ndjson");
    if command(&["edits", "export", half.to_str().unwrap()]).code != 0 {
        assert!(!half.exists(), "a partial journal looks complete");
    }
    let scan = command(&["scan", footage]);
    assert_ne!(scan.code, 0, "{}", scan.stdout);
    // Searches work, and earlier edits are still there.
    assert_eq!(command(&["show", LAUGH]).code, 0);
    fs::remove_file(&ballast).unwrap();
    let found = command(&["search", "--json", "tag:before"]).json();
    assert_eq!(found[0]["name"], LAUGH);
    let tags = found[0]["tags"].as_array().unwrap().len();
    assert_eq!(
        tags,
        3 + 40 - refused,
        "exactly the acknowledged edits: {}",
        found[0]["tags"]
    );
    assert_eq!(command(&["scan", footage]).code, 3);
    assert_eq!(command(&["tag", "add", "after", LAUGH]).code, 0);
    assert_eq!(command(&["search", "tag:after"]).code, 0);
    for line in command(&["doctor", "--json"]).json() {
        let is_ours = line["check"] == "catalogue" || line["check"] == "index";
        assert!(!is_ours || line["well"] == true, "{line}");
    }
}

/// Writes a clip that is larger than its samples, and one that differs outside the samples.
fn write_similar_clips(folder: &Path) -> (Vec<u8>, Vec<u8>) {
    fs::create_dir_all(folder).unwrap();
    let mut clip = fs::read(fixtures().join(SESSION).join("Day2").join(LAUGH)).unwrap();
    clip.resize(3_000_000, 7);
    let mut other = clip.clone();
    other[400_000] = 8;
    (clip, other)
}

#[test]
fn a_hash_of_changed_content_proves_no_copy() {
    let shoot = Shoot::new();
    let (one, other) = write_similar_clips(&shoot.footage());
    for name in ["a.mov", "b.mov"] {
        let path = shoot.footage().join(name);
        fs::write(&path, &one).unwrap();
        crate::shoot::set_modified(&path, 1_700_000_000);
    }
    let verdict = |arguments: &[&str]| {
        let answer = shoot.run(&[&["duplicates", "--json"], arguments].concat());
        let line = &answer.json()[0];
        (line["verdict"].to_string(), line["spare_bytes"].as_u64())
    };
    shoot.scan_counts(&[]);
    assert_eq!(
        verdict(&["--verify"]),
        (
            "\"identical, compared completely\"".to_owned(),
            Some(3_000_000)
        )
    );
    // Size, time and every sampled byte stay the same.
    fs::write(shoot.footage().join("b.mov"), &other).unwrap();
    crate::shoot::set_modified(&shoot.footage().join("b.mov"), 1_700_000_000);
    shoot.scan_counts(&[]);
    assert_eq!(
        verdict(&[]).0,
        "\"same fingerprint, not compared completely\""
    );
    let (verdict, spare) = verdict(&["--verify"]);
    assert!(verdict.contains("DIFFER"), "{verdict}");
    assert_eq!(spare, Some(0), "neither counts as a copy of the other");
}

#[test]
fn forgetting_a_volume_requires_a_copy_of_each_file() {
    let shoot = Shoot::new();
    let folder = shoot.folder("disks");
    let mut shelf = or_skip!(Disk::new(&folder, "SHELF-08", 24));
    let at = folder.join("shelf");
    shelf.mount(&at);
    let (one, other) = write_similar_clips(&shoot.footage());
    fs::write(at.join("a.mov"), &one).unwrap();
    fs::write(shoot.footage().join("a.mov"), &one).unwrap();
    let warnings = || shoot.run(&["volumes", "forget", "SHELF-08"]).stderr;
    let scan_all = || {
        scan(&shoot, &[], &at);
        scan(&shoot, &[], &shoot.footage());
        shoot.run(&["copies", "--verify"]);
    };
    scan_all();
    assert!(!warnings().contains("other volume"), "{}", warnings());
    fs::write(at.join("b.mov"), &other).unwrap();
    scan_all();
    assert!(
        warnings().contains("1  on no other volume"),
        "{}",
        warnings()
    );
}

#[test]
fn a_card_at_the_mount_point_of_another_does_not_affect_it() {
    let shoot = Shoot::new();
    let folder = shoot.folder("disks");
    let mut first = or_skip!(Disk::new(&folder, "CARD-A", 16));
    let mut second = Disk::new(&folder, "CARD-B", 16).unwrap();
    let at = folder.join("card");
    for (disk, name) in [(&mut first, "a.mov"), (&mut second, "b.mov")] {
        disk.mount(&at);
        fs::copy(
            fixtures().join(SESSION).join("Day2").join(LAUGH),
            at.join(name),
        )
        .unwrap();
        let answer = scan(&shoot, &["--accept-missing"], &at);
        assert_eq!(counts(&answer.summary(), &["missing", "doubted"]), [0, 0]);
        assert!(!answer.stderr.contains("not mounted"), "{}", answer.stderr);
        disk.unmount();
    }
    let volumes = shoot.run(&["volumes", "--json"]).json();
    let missing: Vec<_> = volumes.iter().map(|volume| &volume["missing"]).collect();
    assert_eq!(missing, [0, 0]);
}

#[test]
fn copies_are_named_and_located_like_their_clips() {
    let shoot = Shoot::with_fixtures();
    // One clip with two copies, one missing, one with two copies and one missing, one whose path
    // another file took.
    let scout = |name: &str, to: &str| shoot.add(&format!("Location Scout/{name}"), to);
    scout("old_tape.avi", "again/tape.avi");
    let gone = [
        scout("old_tape.avi", "Gone/tape.avi"),
        scout("drone/DJI_0042.MP4", "Gone/only.mp4"),
    ];
    let mut bytes = fs::read(&gone[1]).unwrap();
    bytes.extend([3; 99]);
    fs::write(&gone[1], &bytes).unwrap();
    let replaced = scout("IMG_1234.MOV", "again/x.mov");
    shoot.scan_facts();
    for path in &gone {
        fs::remove_file(path).unwrap();
    }
    bytes.extend([4; 99]);
    fs::write(replaced, bytes).unwrap();
    shoot.scan_facts();
    let catalogue = btsindex::catalogue::Catalogue::open(&shoot.catalogue()).unwrap();
    let last = catalogue.last_clip().unwrap();
    let clips: Vec<i64> = (1..=last + 1).collect();
    let found = catalogue.clip_copies(&clips).unwrap();
    assert_eq!(found.len(), clips.len());
    let (mut missing, mut several) = (0, 0);
    for found in found {
        let number = found.present.clip;
        let clip = catalogue.clip(number).unwrap().unwrap_or_default();
        let best = clip.files.first().map(without_companions);
        assert_eq!(found.best, best, "{number}");
        let name = clip.name.as_ref().map(|name| name.value.clone());
        assert_eq!(best.map(|best| best.name()), name, "{number}");
        if found.best.is_some() {
            assert_eq!(found.id, clip.id.map(|id| id.value), "{number}");
        }
        let files = |files: &[btsindex::catalogue::HashedFile]| format!("{files:?}");
        let alone = catalogue.clip_files(number).unwrap().files;
        assert_eq!(files(&found.present.files), files(&alone), "{number}");
        missing += usize::from(found.best.is_some() && alone.is_empty());
        several += usize::from(alone.len() > 1);
    }
    assert!(missing >= 1 && several >= 1, "{missing} {several}");
}

/// Copies have no companions.
fn without_companions(file: &btsindex::clip::FileCopy) -> btsindex::clip::FileCopy {
    btsindex::clip::FileCopy {
        companions: Vec::new(),
        ..file.clone()
    }
}
