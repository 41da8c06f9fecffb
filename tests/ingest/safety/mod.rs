//! Cards that may be formatted, and all those that may not: on real filesystems, whose disks a person tells.

mod btrfs;
mod cached;
mod day;
mod drives;
mod hidden;
mod images;
mod mending;
mod shares;
mod spelling;
mod views;

use std::cell::Cell;
use std::fs::{self, File};
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::media::Cancel;
use btsindex::safe::{Event, Report, Request, safe};
use serde_json::{Value, json};

use super::card::{Working, ingest, is_told, noise, put, set_time, verify};
use crate::shoot::disk::run;
use crate::shoot::{Answer, copy, fixtures};
use day::{Day, put_back};

const CLIP: &str = "Clips/00/D00001.bin";

#[test]
fn a_card_is_safe_on_two_disks_and_on_nothing_less() {
    let Some(day) = Day::new() else { return };
    day.ingest(&[0]);
    // Nobody knows which disk a loop device is.
    day.is_not_safe(&["--copies", "1"], "volumes disk SHUTTLE DISK");
    day.say_disk("SHUTTLE", "WD-1");
    day.is_safe(&["--copies", "1"]);
    day.is_not_safe(&[], "6 of 6 files not on 2 disks");
    day.is_not_safe(&[], "--to FOLDER-ON-ANOTHER-DISK");
    day.ingest(&[0, 1]);
    day.is_not_safe(&[], "disk serial unknown");
    day.say_disk("RAID", "WD-2");
    day.is_safe(&[]);
    day.is_safe(&["--paranoid"]);
    day.is_safe(&["--trust-ingest"]);
    day.is_not_safe(&["--copies", "3"], "6 of 6 files not on 3 disks");

    // A byte that turned, found by `verify`.
    day.flip(1, CLIP);
    assert_eq!(verify(&day.shoot, &day.copy(1)).0, 4);
    day.is_not_safe(&[], "1 of 6 files not on 2 disks");
    day.is_not_safe(&[], "altered: the content is different");
    day.is_not_safe(&[], "move away altered or different files");
    day.flip(1, CLIP);
    assert_eq!(verify(&day.shoot, &day.copy(1)).0, 0);
    day.is_safe(&[]);

    // A file that came to the card.
    let added = put(&day.card, "Clips/00/LATER.bin", &noise(77, 5000));
    day.is_not_safe(&[], "Clips/00/LATER.bin: no disk");
    day.is_not_safe(&["--trust-ingest"], "Clips/00/LATER.bin: no disk");
    fs::remove_file(added).unwrap();
    day.is_safe(&[]);

    // Two partitions of one disk.
    day.say_disk("RAID", "wd-1");
    day.is_not_safe(&[], "1 disk");
    day.say_disk("RAID", "WD-2");
    day.is_safe(&[]);

    // Emptied: whoever formats the wrong card next is not told that it is safe.
    for entry in fs::read_dir(&day.card).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }
    day.is_not_safe(&[], "no files: ");
}

#[test]
fn serials_that_systems_told_tell_disks_apart() {
    let Some(day) = Day::new() else { return };
    day.ingest(&[0, 1]);
    let told = |volume: &str, disks: &str| {
        let sql = "UPDATE volume SET disks = ?2, hardware = ?2 WHERE label = ?1";
        assert_eq!(day.database().execute(sql, [volume, disks]).unwrap(), 1);
    };
    told("SHUTTLE", "naa.1");
    told("RAID", "naa.2");
    day.is_safe(&[]);
    for (one, other) in [
        ("naa.1", "naa.1"),
        ("naa.1", "NAA.1"),
        ("naa.1+naa.2", "naa.2+naa.3"),
        // In a dock once, which tells a number of its own for all of its disks.
        ("naa.1\ndock", "dock"),
        ("server:nas", "server:nas.local"),
        ("server:nas", "server:10.0.0.5"),
        ("server:localhost", "naa.2"),
        ("", "naa.2"),
    ] {
        told("SHUTTLE", one);
        told("RAID", other);
        day.is_not_safe(&[], "6 of 6 files not on 2 disks");
    }
    told("SHUTTLE", "server:nas");
    told("RAID", "naa.2");
    day.is_safe(&[]);
    // The card's own disk is nowhere else, whatever is on it.
    let scanned = day
        .shoot
        .command()
        .arg("scan")
        .arg(&day.card)
        .output()
        .unwrap();
    assert!(scanned.status.success() || scanned.status.code() == Some(4));
    told("CARD", "naa.2");
    day.is_not_safe(&[], "on the card's own disk");
}

#[test]
fn drives_that_are_away_count_by_when_they_were_verified() {
    let Some(mut day) = Day::taken_in() else {
        return;
    };
    day.disks[1].unmount();
    day.is_safe(&["--max-age", "1h"]);
    // Nobody knows which disk the card is on: it may be that of the drive that is away.
    day.is_card_said = false;
    day.is_not_safe(&[], "may be the card's own disk");
    day.is_not_safe(&[], "safe --card-disk DISK");
    day.is_card_said = true;
    day.age(40);
    day.is_not_safe(
        &["--max-age", "30d"],
        "verified 40 days ago: older than --max-age",
    );
    day.is_not_safe(&["--max-age", "30d"], "mount RAID, then verify its copies");
    day.is_safe(&["--max-age", "41d"]);
    day.is_safe(&[]);
    // A clock that was wrong.
    day.age(-1);
    day.is_not_safe(&[], "verified in the future");
    day.age(40);
    // What is read counts from now on; what is away cannot be.
    day.is_not_safe(&["--max-age", "30d", "--paranoid"], "older than --max-age");
    let at = day.drives[1].clone();
    day.disks[1].mount(&at);
    day.is_safe(&["--max-age", "30d", "--paranoid"]);
    day.is_safe(&["--max-age", "30d"]);
    // Forgotten, its copies are.
    let forgotten = day.shoot.run(&["volumes", "forget", "RAID", "--yes"]);
    assert_eq!(forgotten.code, 0, "{}", forgotten.stderr);
    day.is_not_safe(&[], "6 of 6 files not on 2 disks");
}

#[test]
fn what_was_done_to_a_mounted_copy_is_seen() {
    let Some(day) = Day::taken_in() else { return };
    let path = day.copy(0).join(CLIP);
    let kept = fs::read(&path).unwrap();
    let modified = path.metadata().unwrap().modified().unwrap();
    // Shorter; gone; another content with a time of its own, later than any verification.
    fs::write(&path, &kept[1..]).unwrap();
    day.is_not_safe(&[], "size differs");
    fs::remove_file(&path).unwrap();
    day.is_not_safe(&[], "missing from the mounted volume");
    fs::write(&path, noise(5, kept.len())).unwrap();
    set_time(&path, 4_000_000_000);
    day.is_not_safe(&[], "changed since it was verified");
    // With its time put back, that it was written to is still seen here; what it is, only reading
    // tells; and what was read is known from then on.
    put_back(&path, modified);
    day.is_not_safe(&[], "changed since it was verified");
    day.is_not_safe(&["--paranoid"], "altered: the content is different");
    day.is_not_safe(&[], "altered: the content is different");
    fs::write(&path, &kept).unwrap();
    day.is_not_safe(&[], "altered: the content is different");
    day.is_safe(&["--paranoid"]);
    day.is_safe(&[]);
    // An older folder of the same names, sizes and times that is moved into its place.
    let aside = day.drives[0].join("older");
    let copied = day.copy(0).join("Clips");
    assert!(run(
        "cp",
        &["-a", copied.to_str().unwrap(), aside.to_str().unwrap()]
    ));
    fs::rename(&copied, day.drives[0].join("was")).unwrap();
    fs::rename(&aside, &copied).unwrap();
    day.is_not_safe(&[], "changed since it was verified");
    fs::rename(&copied, &aside).unwrap();
    fs::rename(day.drives[0].join("was"), &copied).unwrap();
    // Something else was seen there.
    assert_eq!(verify(&day.shoot, &day.copy(0)).0, 0);
    day.is_safe(&[]);
    // A folder that is a link to the other drive holds no copy, however good it looks.
    let folder = day.copy(1).join("Clips");
    let aside = day.drives[0].join("aside");
    fs::create_dir(&aside).unwrap();
    assert!(run(
        "cp",
        &["-a", folder.to_str().unwrap(), aside.to_str().unwrap()]
    ));
    fs::remove_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink(aside.join("Clips"), &folder).unwrap();
    day.is_not_safe(&[], "leads to another volume");
    day.is_not_safe(&["--paranoid"], "leads to another volume");
}

#[test]
fn two_words_about_one_path_are_a_doubt() {
    let Some(mut day) = Day::taken_in() else {
        return;
    };
    day.disks[1].unmount();
    day.is_safe(&[]);
    // Another card was once verified at the same paths, by a clock that may have been wrong.
    day.database()
        .execute_batch(
            "INSERT INTO ingest SELECT 99, day, card, source, volume, inside, in_place, hash, author, begun, ended,
                    problems, facts FROM ingest LIMIT 1;
             INSERT INTO ingest_place SELECT 99, place, volume, path, manifest, problem FROM ingest_place;
             INSERT INTO ingest_file (id, ingest, path, bytes, modified, digest, xxh128)
                    SELECT id + 1000, 99, path, bytes, modified, randomblob(16), randomblob(16) FROM ingest_file;
             INSERT INTO ingest_copy SELECT file + 1000, place, state, how, 1000, problem, modified, changed, session,
                    mounted_set, formats FROM ingest_copy
                    WHERE place = 1;",
        )
        .unwrap();
    day.is_not_safe(&[], "different content was verified at the same path");
    day.is_not_safe(
        &["--trust-ingest"],
        "different content was verified at the same path",
    );
}

#[test]
fn an_ingest_is_trusted_by_size_time_and_sample_when_that_is_asked_for() {
    let Some(day) = Day::new() else { return };
    // One whose time says nothing: the camera's clock was never set.
    let clockless = put(&day.card, "Clips/00/CLOCKLESS.bin", &noise(60, 4000));
    set_time(&clockless, 315_532_800);
    day.ingest(&[0, 1]);
    day.say_disk("SHUTTLE", "WD-1");
    day.say_disk("RAID", "WD-2");
    let (is_safe, told) = day.safe(&["--trust-ingest"]);
    assert!(is_safe, "{told:#?}");
    let is_trusted = |name: &str| {
        let file = told.iter().find(|line| line["path"] == name).unwrap();
        file["trusted"].as_bool().unwrap()
    };
    assert!(is_trusted(CLIP) && !is_trusted("Clips/00/CLOCKLESS.bin"));
    let read = told.iter().find(|line| line["event"] == "begins").unwrap();
    assert_eq!((&read["files"], &read["bytes"]), (&json!(1), &json!(4000)));
    // What the log itself doubts is read, too.
    let doubt = "UPDATE ingest_file SET problem = 'it reads otherwise' WHERE path = ?1";
    day.database().execute(doubt, [b"empty"]).unwrap();
    let (_, told) = day.safe(&["--trust-ingest"]);
    let read = told.iter().find(|line| line["event"] == "begins").unwrap();
    assert_eq!((&read["files"], &read["bytes"]), (&json!(2), &json!(4000)));
    // Written again behind what a sample covers, with the size and the time that it had.
    let large = put(&day.card, "Clips/00/LARGE.bin", &noise(62, 500_000));
    set_time(&large, 1_777_000_000);
    day.ingest(&[0, 1]);
    let mut content = noise(62, 500_000);
    content[80_000] ^= 1;
    fs::write(&large, content).unwrap();
    set_time(&large, 1_777_000_000);
    assert!(day.safe(&["--trust-ingest"]).0, "no sample shows that");
    fs::write(&large, noise(62, 500_000)).unwrap();
    set_time(&large, 1_777_000_000);
    // Written again, with the size and the time that it had.
    for path in [day.card.join(CLIP), clockless] {
        let modified = path.metadata().unwrap().modified().unwrap();
        let length = path.metadata().unwrap().len();
        fs::write(&path, noise(61, usize::try_from(length).unwrap())).unwrap();
        put_back(&path, modified);
    }
    let (_, told) = day.safe(&["--trust-ingest"]);
    let few: Vec<&Value> = told.iter().filter(|line| line["safe"] == false).collect();
    let names: Vec<&Value> = few.iter().map(|line| &line["path"]).take(2).collect();
    assert!(
        names.contains(&&json!("Clips/00/CLOCKLESS.bin")),
        "{told:#?}"
    );
    assert!(names.contains(&&json!(CLIP)), "{told:#?}");
    assert_eq!(few.len(), 3, "and the summary: {few:#?}");
    day.is_not_safe(&[], "2 of 8 files not on 2 disks");
}

/// What is found out about a card to which something is done at one of the moments that are told.
fn meanwhile(day: &Day, is_now: impl Fn(&Event) -> bool, act: impl Fn(&Path)) -> Report {
    let request = Request {
        card: day.card.clone(),
        copies: 2,
        max_age: None,
        is_ingest_trusted: false,
        disk: Some("card".to_owned()),
        is_paranoid: false,
        is_catalogue_named: false,
        cancel: Cancel::default(),
    };
    let catalogue = Catalogue::open(&day.shoot.catalogue()).unwrap();
    let mut is_done = false;
    let report = safe(&request, &catalogue, &mut |event| {
        if !is_done && is_now(&event) {
            act(&day.card);
            is_done = true;
        }
    });
    assert!(is_done);
    report.unwrap()
}

#[test]
fn a_card_that_changes_while_it_is_read_is_not_safe() {
    let Some(day) = Day::taken_in() else { return };
    let undisturbed = meanwhile(&day, |_| true, |_| ());
    assert!(undisturbed.is_safe(), "{undisturbed:#?}");
    let begins = |event: &Event| matches!(event, Event::CardStarted { .. });
    let left = Cell::new(undisturbed.files.iter().map(|file| file.bytes).sum::<u64>());
    let everything_was_read = |event: &Event| {
        if let Event::Read(bytes) = event {
            left.set(left.get() - bytes);
        }
        left.get() == 0
    };
    let clip_is_written_again = |card: &Path| {
        let clip = card.join(CLIP);
        let modified = clip.metadata().unwrap().modified().unwrap();
        let length = usize::try_from(clip.metadata().unwrap().len()).unwrap();
        fs::write(&clip, noise(62, length)).unwrap();
        put_back(&clip, modified);
    };
    let is_seen = |report: &Report| {
        let mut doubts = report.doubts.iter();
        assert!(!report.is_safe());
        assert!(
            doubts.any(|doubt| doubt.reason == "changed while it was read"),
            "{report:#?}"
        );
    };
    let added = meanwhile(&day, begins, |card| {
        put(card, "DURING.bin", b"while it was read");
    });
    is_seen(&added);
    fs::remove_file(day.card.join("DURING.bin")).unwrap();
    let with_folder = meanwhile(&day, begins, |card| {
        fs::create_dir(card.join("DCIM")).unwrap();
    });
    is_seen(&with_folder);
    fs::remove_dir(day.card.join("DCIM")).unwrap();
    day.is_safe(&[]);
    // Every hash is that of a copy; what was read is not there any more.
    let rewritten = meanwhile(&day, everything_was_read, clip_is_written_again);
    assert_eq!(rewritten.unsafe_files().count(), 0);
    is_seen(&rewritten);
}

#[test]
fn what_cannot_be_looked_at_is_not_safe() {
    let Some(mut day) = Day::taken_in() else {
        return;
    };
    std::os::unix::fs::symlink("STATUS.BIN", day.card.join("linked")).unwrap();
    day.is_not_safe(&[], "a link: its target");
    fs::remove_file(day.card.join("linked")).unwrap();
    put(
        &day.card,
        ".btsindex-123456.part",
        b"named like an unfinished copy",
    );
    let unfinished = day.card.join(".btsindex-123456.part");
    let (is_safe, told) = day.safe(&[]);
    assert!(!is_safe, "{told:#?}");
    fs::remove_file(unfinished).unwrap();
    // Another volume within the card.
    let within = day.card.join("within");
    fs::create_dir(&within).unwrap();
    let elsewhere = day.shoot.folder("elsewhere");
    assert!(run(
        "mount",
        &[
            "--bind",
            elsewhere.to_str().unwrap(),
            within.to_str().unwrap()
        ]
    ));
    let (is_safe, told) = day.safe(&[]);
    assert!(run("umount", &[within.to_str().unwrap()]));
    assert!(!is_safe, "{told:#?}");
    let doubts = told.last().unwrap()["doubts"].to_string();
    assert!(
        doubts.contains("another volume is mounted here"),
        "{doubts}"
    );
    fs::remove_dir(within).unwrap();
    day.is_safe(&[]);
    // A folder of it says nothing about formatting.
    let clips = day.card.join("Clips");
    let answer = Answer::from_output(
        &day.shoot
            .command()
            .arg("safe")
            .arg(&clips)
            .output()
            .unwrap(),
    );
    assert_eq!(answer.code, 0, "{}", answer.stdout);
    assert!(
        answer.stdout.contains("SAFE TO DELETE: "),
        "{}",
        answer.stdout
    );
    assert!(
        !answer.stdout.contains("SAFE TO FORMAT"),
        "{}",
        answer.stdout
    );
    // Pulled: its mount point is an empty folder.
    day.card_disk.unmount();
    day.is_not_safe(&[], "no files: ");
    // What its disk does not give any more.
    let image = File::options()
        .write(true)
        .open(day.card_disk.image())
        .unwrap();
    let at = day.card.clone();
    day.card_disk.mount(&at);
    image.set_len(3 * 1024 * 1024).unwrap();
    let (is_safe, told) = day.safe(&[]);
    assert!(!is_safe, "{told:#?}");
    for wrong in ["nowhere", "images/CARD.img"] {
        let path = day.shoot.folder("images").parent().unwrap().join(wrong);
        let answer =
            Answer::from_output(&day.shoot.command().arg("safe").arg(path).output().unwrap());
        assert_eq!(answer.code, 4, "{}{}", answer.stdout, answer.stderr);
        assert!(answer.stdout.contains("NOT SAFE"), "{}", answer.stdout);
    }
}

#[test]
fn a_fingerprint_proves_nothing() {
    let Some(mut day) = Day::new() else { return };
    day.is_card_said = true;
    // Longer than what a fingerprint reads whole.
    let footage = day.shoot.folder("long").join("IMG_1234.MOV");
    let mut bytes = fs::read(fixtures().join("Location Scout/IMG_1234.MOV")).unwrap();
    bytes.extend(noise(9, 200_000));
    fs::write(&footage, bytes).unwrap();
    for entry in fs::read_dir(&day.card).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::remove_file(path).unwrap();
        }
    }
    fs::remove_dir_all(day.card.join("Clips")).unwrap();
    for place in [&day.card, &day.drives[0], &day.drives[1]] {
        copy(&footage, &place.join("IMG_1234.MOV"));
        let mut scan = day.shoot.command();
        scan.args(["scan", "--no-pictures"]).arg(place);
        assert!(scan.output().unwrap().status.success());
    }
    day.say_disk("SHUTTLE", "WD-1");
    day.say_disk("RAID", "WD-2");
    // Scanned and known by its fingerprint, but compared by nobody.
    day.is_not_safe(&[], "IMG_1234.MOV: no disk");
    assert_eq!(day.shoot.run(&["copies", "--verify"]).code, 0);
    day.is_safe(&[]);
    // Changed, and scanned: the hash was of something else.
    let path = day.drives[0].join("IMG_1234.MOV");
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, bytes).unwrap();
    day.is_not_safe(&[], "1 disk");
    let mut scan = day.shoot.command();
    scan.args(["scan", "--no-pictures"]).arg(&day.drives[0]);
    assert!(scan.output().unwrap().status.success());
    day.is_not_safe(&[], "1 disk");
    // One that is gone proves nothing when its drive is away, either.
    day.is_safe(&["--copies", "1"]);
    fs::remove_file(day.drives[1].join("IMG_1234.MOV")).unwrap();
    verify(&day.shoot, &day.drives[1]);
    day.disks[1].unmount();
    day.is_not_safe(&["--copies", "1"], "IMG_1234.MOV: no disk");
}

#[test]
fn what_a_mount_or_a_link_leads_to_is_no_copy_here() {
    let Some(mut day) = Day::new() else { return };
    day.is_card_said = true;
    day.ingest(&[0]);
    day.say_disk("SHUTTLE", "WD-1");
    // The other drive's folder is the first one's.
    let within = day.copy(1).join("Clips");
    fs::create_dir_all(&within).unwrap();
    let first = day.copy(0).join("Clips");
    let mounted = [first.to_str().unwrap(), within.to_str().unwrap()];
    assert!(run("mount", &["--bind", mounted[0], mounted[1]]));
    let answer = ingest(&day.shoot, &[&day.card], &[&day.copy(1)]);
    is_told(&answer, CLIP, "leads to another filesystem");
    let (code, found) = verify(&day.shoot, &day.copy(1));
    assert!(run("umount", &[mounted[1]]));
    assert_eq!(code, 3, "{found}");
    assert!(
        found["problems"]
            .to_string()
            .contains("another volume is mounted here"),
        "{found}"
    );
    day.say_disk("RAID", "WD-2");
    day.is_not_safe(&[], "4 of 6 files not on 2 disks");
    for disk in &mut day.disks {
        disk.unmount();
    }
    day.is_not_safe(&[], "4 of 6 files not on 2 disks");
}

#[test]
fn whoever_interrupts_it_gets_no_verdict() {
    let Some(day) = Day::taken_in() else { return };
    let mut working = Working::start(day.asked(&["--json"]));
    working.until("begins");
    working.signal("-INT");
    let answer = working.end();
    // It may have been at its end.
    let summary = answer.summary();
    match answer.code {
        130 => assert_eq!(
            (&summary["safe"], &summary["interrupted"]),
            (&json!(false), &json!(true))
        ),
        0 => assert_eq!(summary["safe"], true),
        code => panic!("{code}: {}", answer.stdout),
    }
    // Without a catalogue nothing is known, and nothing is read.
    let mut command = day.asked(&[]);
    command.env("BTSINDEX_CATALOGUE", day.shoot.folder("none"));
    let answer = Answer::from_output(&command.output().unwrap());
    assert_eq!(answer.code, 1, "{}{}", answer.stdout, answer.stderr);
    assert!(!answer.stdout.contains("SAFE"), "{}", answer.stdout);
}
