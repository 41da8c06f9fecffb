//! `safe`: cards that may be formatted and cards that may not, on real filesystems whose disks are
//! given with `volumes disk`.

mod btrfs;
mod cached_reads;
mod case_insensitive;
mod hidden_folders;
mod image_files;
mod not_on_a_disk;
mod reformatted_drives;
mod remedies;
mod setup;
mod shares;

use std::cell::Cell;
use std::fs::{self, File};
use std::path::Path;

use btsindex::cancel::Cancel;
use btsindex::catalogue::Catalogue;
use btsindex::safe::{Event, Report, Request, safe};
use serde_json::{Value, json};

use super::card::{
    RunningCommand, assert_problem, ingest, random_bytes, set_time, verify, write_file,
};
use crate::shoot::disk::{run, unmount};
use crate::shoot::{Answer, copy, fixtures};
use crate::skipped_tests::or_skip;
use setup::{Offload, restore_time};

const CLIP: &str = "Clips/00/D00001.bin";

#[test]
fn a_card_is_safe_only_if_its_copies_are_on_two_disks() {
    let offload = or_skip!(Offload::new());
    offload.ingest(&[0]);
    // The disk of a loop device is unknown.
    offload.assert_not_safe(&["--copies", "1"], "volumes disk SHUTTLE DISK");
    offload.set_disk("SHUTTLE", "WD-1");
    offload.assert_safe(&["--copies", "1"]);
    offload.assert_not_safe(&[], "6 of 6 files not on 2 disks");
    offload.assert_not_safe(&[], "--to FOLDER-ON-ANOTHER-DISK");
    offload.ingest(&[0, 1]);
    offload.assert_not_safe(&[], "disk serial unknown");
    offload.set_disk("RAID", "WD-2");
    offload.assert_safe(&[]);
    offload.assert_safe(&["--paranoid"]);
    offload.assert_safe(&["--trust-ingest"]);
    offload.assert_not_safe(&["--copies", "3"], "6 of 6 files not on 3 disks");

    // A flipped bit, found by `verify`.
    offload.flip_bit(1, CLIP);
    assert_eq!(verify(&offload.shoot, &offload.copy(1)).0, 4);
    offload.assert_not_safe(&[], "1 of 6 files not on 2 disks");
    offload.assert_not_safe(&[], "altered: the content is different");
    offload.assert_not_safe(&[], "move away altered or different files");
    offload.flip_bit(1, CLIP);
    assert_eq!(verify(&offload.shoot, &offload.copy(1)).0, 0);
    offload.assert_safe(&[]);

    // A file added to the card.
    let added = write_file(&offload.card, "Clips/00/LATER.bin", &random_bytes(77, 5000));
    offload.assert_not_safe(&[], "Clips/00/LATER.bin: no disk");
    offload.assert_not_safe(&["--trust-ingest"], "Clips/00/LATER.bin: no disk");
    fs::remove_file(added).unwrap();
    offload.assert_safe(&[]);

    // Two partitions of one disk.
    offload.set_disk("RAID", "wd-1");
    offload.assert_not_safe(&[], "1 disk");
    offload.set_disk("RAID", "WD-2");
    offload.assert_safe(&[]);

    // An empty card is not safe: it may be the wrong one.
    for entry in fs::read_dir(&offload.card).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }
    offload.assert_not_safe(&[], "no files: ");
}

#[test]
fn disk_serials_reported_by_the_system_distinguish_disks() {
    let offload = or_skip!(Offload::new());
    offload.ingest(&[0, 1]);
    let set_serials = |volume: &str, disks: &str| {
        let sql = "UPDATE volume SET disks = ?2, hardware = ?2 WHERE label = ?1";
        assert_eq!(offload.database().execute(sql, [volume, disks]).unwrap(), 1);
    };
    set_serials("SHUTTLE", "naa.1");
    set_serials("RAID", "naa.2");
    offload.assert_safe(&[]);
    for (one, other) in [
        ("naa.1", "naa.1"),
        ("naa.1", "NAA.1"),
        ("naa.1+naa.2", "naa.2+naa.3"),
        // Once in a dock, which reports its own serial for all of its disks.
        ("naa.1\ndock", "dock"),
        ("server:nas", "server:nas.local"),
        ("server:nas", "server:10.0.0.5"),
        ("server:localhost", "naa.2"),
        ("", "naa.2"),
    ] {
        set_serials("SHUTTLE", one);
        set_serials("RAID", other);
        offload.assert_not_safe(&[], "6 of 6 files not on 2 disks");
    }
    set_serials("SHUTTLE", "server:nas");
    set_serials("RAID", "naa.2");
    offload.assert_safe(&[]);
    // Copies on the card's own disk do not count.
    let scanned = offload
        .shoot
        .command()
        .arg("scan")
        .arg(&offload.card)
        .output()
        .unwrap();
    assert!(scanned.status.success() || scanned.status.code() == Some(4));
    set_serials("CARD", "naa.2");
    offload.assert_not_safe(&[], "on the card's own disk");
}

#[test]
fn copies_on_unmounted_drives_count_by_the_age_of_their_verification() {
    let mut offload = or_skip!(Offload::ingested());
    offload.disks[1].unmount();
    offload.assert_safe(&["--max-age", "1h"]);
    // The disk of the card is unknown: it may be the disk of the unmounted drive.
    offload.is_card_disk_given = false;
    offload.assert_not_safe(&[], "may be the card's own disk");
    offload.assert_not_safe(&[], "safe --card-disk DISK");
    offload.is_card_disk_given = true;
    offload.set_age(40);
    offload.assert_not_safe(
        &["--max-age", "30d"],
        "verified 40 days ago: older than --max-age",
    );
    offload.assert_not_safe(&["--max-age", "30d"], "mount RAID, then verify its copies");
    offload.assert_safe(&["--max-age", "41d"]);
    offload.assert_safe(&[]);
    // The clock was wrong.
    offload.set_age(-1);
    offload.assert_not_safe(&[], "verified in the future");
    offload.set_age(40);
    // With `--paranoid`, copies that are read count from now on; unmounted copies cannot be read.
    offload.assert_not_safe(&["--max-age", "30d", "--paranoid"], "older than --max-age");
    let at = offload.drives[1].clone();
    offload.disks[1].mount(&at);
    offload.assert_safe(&["--max-age", "30d", "--paranoid"]);
    offload.assert_safe(&["--max-age", "30d"]);
    // The copies of a forgotten volume are forgotten as well.
    let forgotten = offload.shoot.run(&["volumes", "forget", "RAID", "--yes"]);
    assert_eq!(forgotten.code, 0, "{}", forgotten.stderr);
    offload.assert_not_safe(&[], "6 of 6 files not on 2 disks");
}

#[test]
fn every_change_of_a_mounted_copy_is_noticed() {
    let offload = or_skip!(Offload::ingested());
    let path = offload.copy(0).join(CLIP);
    let original = fs::read(&path).unwrap();
    let modified = path.metadata().unwrap().modified().unwrap();
    // Shorter; missing; different content with a time later than any verification.
    fs::write(&path, &original[1..]).unwrap();
    offload.assert_not_safe(&[], "size differs");
    fs::remove_file(&path).unwrap();
    offload.assert_not_safe(&[], "missing from the mounted volume");
    fs::write(&path, random_bytes(5, original.len())).unwrap();
    set_time(&path, 4_000_000_000);
    offload.assert_not_safe(&[], "changed since it was verified");
    // With the time restored, ext4 still shows that the copy was written to. Only reading shows
    // that the content differs, which is remembered.
    restore_time(&path, modified);
    offload.assert_not_safe(&[], "changed since it was verified");
    offload.assert_not_safe(&["--paranoid"], "altered: the content is different");
    offload.assert_not_safe(&[], "altered: the content is different");
    fs::write(&path, &original).unwrap();
    offload.assert_not_safe(&[], "altered: the content is different");
    offload.assert_safe(&["--paranoid"]);
    offload.assert_safe(&[]);
    // A folder with the same names, sizes and times replaces the folder of copies.
    let older = offload.drives[0].join("older");
    let copied = offload.copy(0).join("Clips");
    assert!(run(
        "cp",
        &["-a", copied.to_str().unwrap(), older.to_str().unwrap()]
    ));
    fs::rename(&copied, offload.drives[0].join("moved")).unwrap();
    fs::rename(&older, &copied).unwrap();
    offload.assert_not_safe(&[], "changed since it was verified");
    fs::rename(&copied, &older).unwrap();
    fs::rename(offload.drives[0].join("moved"), &copied).unwrap();
    // The other folder was seen there, so the copies are verified again.
    assert_eq!(verify(&offload.shoot, &offload.copy(0)).0, 0);
    offload.assert_safe(&[]);
    // A folder that is a link to the other drive holds no copies.
    let folder = offload.copy(1).join("Clips");
    let moved = offload.drives[0].join("aside");
    fs::create_dir(&moved).unwrap();
    assert!(run(
        "cp",
        &["-a", folder.to_str().unwrap(), moved.to_str().unwrap()]
    ));
    fs::remove_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink(moved.join("Clips"), &folder).unwrap();
    offload.assert_not_safe(&[], "leads to another volume");
    offload.assert_not_safe(&["--paranoid"], "leads to another volume");
}

#[test]
fn two_hashes_verified_at_the_same_path_are_a_doubt() {
    let mut offload = or_skip!(Offload::ingested());
    offload.disks[1].unmount();
    offload.assert_safe(&[]);
    // Another card was verified at the same paths, at a time that may be wrong.
    offload.database()
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
    offload.assert_not_safe(&[], "different content was verified at the same path");
    offload.assert_not_safe(
        &["--trust-ingest"],
        "different content was verified at the same path",
    );
}

#[test]
fn trust_ingest_compares_size_time_and_sample() {
    let offload = or_skip!(Offload::new());
    // A file with a meaningless time: the clock of the camera was never set.
    let clockless = write_file(
        &offload.card,
        "Clips/00/CLOCKLESS.bin",
        &random_bytes(60, 4000),
    );
    set_time(&clockless, 315_532_800);
    offload.ingest(&[0, 1]);
    offload.set_disk("SHUTTLE", "WD-1");
    offload.set_disk("RAID", "WD-2");
    let (is_safe, events) = offload.safe(&["--trust-ingest"]);
    assert!(is_safe, "{events:#?}");
    let is_trusted = |name: &str| {
        let file = events.iter().find(|line| line["path"] == name).unwrap();
        file["trusted"].as_bool().unwrap()
    };
    assert!(is_trusted(CLIP) && !is_trusted("Clips/00/CLOCKLESS.bin"));
    let read = events
        .iter()
        .find(|line| line["event"] == "begins")
        .unwrap();
    assert_eq!((&read["files"], &read["bytes"]), (&json!(1), &json!(4000)));
    // A file that the log marks as doubtful is read as well.
    let doubt = "UPDATE ingest_file SET problem = 'it reads otherwise' WHERE path = ?1";
    offload.database().execute(doubt, [b"empty"]).unwrap();
    let (_, events) = offload.safe(&["--trust-ingest"]);
    let read = events
        .iter()
        .find(|line| line["event"] == "begins")
        .unwrap();
    assert_eq!((&read["files"], &read["bytes"]), (&json!(2), &json!(4000)));
    // Changed outside the sample, with the same size and time.
    let large = write_file(
        &offload.card,
        "Clips/00/LARGE.bin",
        &random_bytes(62, 500_000),
    );
    set_time(&large, 1_777_000_000);
    offload.ingest(&[0, 1]);
    let mut content = random_bytes(62, 500_000);
    content[80_000] ^= 1;
    fs::write(&large, content).unwrap();
    set_time(&large, 1_777_000_000);
    assert!(
        offload.safe(&["--trust-ingest"]).0,
        "the sample is unchanged"
    );
    fs::write(&large, random_bytes(62, 500_000)).unwrap();
    set_time(&large, 1_777_000_000);
    // Changed within the sample, with the same size and time.
    for path in [offload.card.join(CLIP), clockless] {
        let modified = path.metadata().unwrap().modified().unwrap();
        let length = path.metadata().unwrap().len();
        fs::write(&path, random_bytes(61, usize::try_from(length).unwrap())).unwrap();
        restore_time(&path, modified);
    }
    let (_, events) = offload.safe(&["--trust-ingest"]);
    let unsafe_lines: Vec<&Value> = events.iter().filter(|line| line["safe"] == false).collect();
    let names: Vec<&Value> = unsafe_lines
        .iter()
        .map(|line| &line["path"])
        .take(2)
        .collect();
    assert!(
        names.contains(&&json!("Clips/00/CLOCKLESS.bin")),
        "{events:#?}"
    );
    assert!(names.contains(&&json!(CLIP)), "{events:#?}");
    assert_eq!(
        unsafe_lines.len(),
        3,
        "two files and the summary: {unsafe_lines:#?}"
    );
    offload.assert_not_safe(&[], "2 of 8 files not on 2 disks");
}

/// Checks a card and calls `act` with its path at the first event for which `is_now` returns true.
fn check_while_changing(
    offload: &Offload,
    is_now: impl Fn(&Event) -> bool,
    act: impl Fn(&Path),
) -> Report {
    let request = Request {
        card: offload.card.clone(),
        copies: 2,
        max_age: None,
        is_ingest_trusted: false,
        disk: Some("card".to_owned()),
        is_paranoid: false,
        cancel: Cancel::default(),
    };
    let mut catalogue = Catalogue::open(&offload.shoot.catalogue()).unwrap();
    let mut is_done = false;
    let report = safe(&request, &mut catalogue, &mut |event| {
        if !is_done && is_now(&event) {
            act(&offload.card);
            is_done = true;
        }
    });
    assert!(is_done);
    report.unwrap()
}

#[test]
fn a_card_that_changes_while_it_is_read_is_not_safe() {
    let offload = or_skip!(Offload::ingested());
    let undisturbed = check_while_changing(&offload, |_| true, |_| ());
    assert!(undisturbed.is_safe(), "{undisturbed:#?}");
    let card_started = |event: &Event| matches!(event, Event::CardStarted { .. });
    let remaining = Cell::new(undisturbed.files.iter().map(|file| file.bytes).sum::<u64>());
    let all_is_read = |event: &Event| {
        if let Event::Read(bytes) = event {
            remaining.set(remaining.get() - bytes);
        }
        remaining.get() == 0
    };
    let rewrite_clip = |card: &Path| {
        let clip = card.join(CLIP);
        let modified = clip.metadata().unwrap().modified().unwrap();
        let length = usize::try_from(clip.metadata().unwrap().len()).unwrap();
        fs::write(&clip, random_bytes(62, length)).unwrap();
        restore_time(&clip, modified);
    };
    let assert_noticed = |report: &Report| {
        let mut doubts = report.doubts.iter();
        assert!(!report.is_safe());
        assert!(
            doubts.any(|doubt| doubt.reason == "changed while it was read"),
            "{report:#?}"
        );
    };
    let added = check_while_changing(&offload, card_started, |card| {
        write_file(card, "DURING.bin", b"while it was read");
    });
    assert_noticed(&added);
    fs::remove_file(offload.card.join("DURING.bin")).unwrap();
    let with_folder = check_while_changing(&offload, card_started, |card| {
        fs::create_dir(card.join("DCIM")).unwrap();
    });
    assert_noticed(&with_folder);
    fs::remove_dir(offload.card.join("DCIM")).unwrap();
    offload.assert_safe(&[]);
    // Every hash matches a copy, but the clip changed after it was read.
    let rewritten = check_while_changing(&offload, all_is_read, rewrite_clip);
    assert_eq!(rewritten.unsafe_files().count(), 0);
    assert_noticed(&rewritten);
}

#[test]
fn cards_that_cannot_be_checked_completely_are_not_safe() {
    let mut offload = or_skip!(Offload::ingested());
    std::os::unix::fs::symlink("STATUS.BIN", offload.card.join("linked")).unwrap();
    offload.assert_not_safe(&[], "a link: its target");
    fs::remove_file(offload.card.join("linked")).unwrap();
    write_file(
        &offload.card,
        ".btsindex-123456.part",
        b"named like an unfinished copy",
    );
    let unfinished = offload.card.join(".btsindex-123456.part");
    let (is_safe, events) = offload.safe(&[]);
    assert!(!is_safe, "{events:#?}");
    fs::remove_file(unfinished).unwrap();
    // Another volume mounted on the card.
    let within = offload.card.join("within");
    fs::create_dir(&within).unwrap();
    let elsewhere = offload.shoot.folder("elsewhere");
    assert!(run(
        "mount",
        &[
            "--bind",
            elsewhere.to_str().unwrap(),
            within.to_str().unwrap()
        ]
    ));
    let (is_safe, events) = offload.safe(&[]);
    unmount(&within);
    assert!(!is_safe, "{events:#?}");
    let doubts = events.last().unwrap()["doubts"].to_string();
    assert!(
        doubts.contains("another volume is mounted here"),
        "{doubts}"
    );
    fs::remove_dir(within).unwrap();
    offload.assert_safe(&[]);
    // The verdict on a folder is about deleting it, not about formatting.
    let clips = offload.card.join("Clips");
    let answer = Answer::from_output(
        &offload
            .shoot
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
    // Removed: its mount point is an empty folder.
    offload.card_disk.unmount();
    offload.assert_not_safe(&[], "no files: ");
    // The rest of its disk cannot be read.
    let image = File::options()
        .write(true)
        .open(offload.card_disk.image())
        .unwrap();
    let at = offload.card.clone();
    offload.card_disk.mount(&at);
    image.set_len(3 * 1024 * 1024).unwrap();
    let (is_safe, events) = offload.safe(&[]);
    assert!(!is_safe, "{events:#?}");
    for path in ["nowhere", "images/CARD.img"] {
        let path = offload.shoot.folder("images").parent().unwrap().join(path);
        let answer = Answer::from_output(
            &offload
                .shoot
                .command()
                .arg("safe")
                .arg(path)
                .output()
                .unwrap(),
        );
        assert_eq!(answer.code, 4, "{}{}", answer.stdout, answer.stderr);
        assert!(answer.stdout.contains("NOT SAFE"), "{}", answer.stdout);
    }
}

#[test]
fn a_matching_fingerprint_is_not_enough() {
    let mut offload = or_skip!(Offload::new());
    offload.is_card_disk_given = true;
    // Longer than a file that a fingerprint covers completely.
    let footage = offload.shoot.folder("long").join("IMG_1234.MOV");
    let mut bytes = fs::read(fixtures().join("Location Scout/IMG_1234.MOV")).unwrap();
    bytes.extend(random_bytes(9, 200_000));
    fs::write(&footage, bytes).unwrap();
    for entry in fs::read_dir(&offload.card).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::remove_file(path).unwrap();
        }
    }
    fs::remove_dir_all(offload.card.join("Clips")).unwrap();
    for place in [&offload.card, &offload.drives[0], &offload.drives[1]] {
        copy(&footage, &place.join("IMG_1234.MOV"));
        let mut scan = offload.shoot.command();
        scan.args(["scan", "--no-pictures"]).arg(place);
        assert!(scan.output().unwrap().status.success());
    }
    offload.set_disk("SHUTTLE", "WD-1");
    offload.set_disk("RAID", "WD-2");
    // Scanned and recognised by its fingerprint, but not compared.
    offload.assert_not_safe(&[], "IMG_1234.MOV: no disk");
    assert_eq!(offload.shoot.run(&["copies", "--verify"]).code, 0);
    offload.assert_safe(&[]);
    // Changed and scanned: the hash is of the former content.
    let path = offload.drives[0].join("IMG_1234.MOV");
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, bytes).unwrap();
    offload.assert_not_safe(&[], "1 disk");
    let mut scan = offload.shoot.command();
    scan.args(["scan", "--no-pictures"]).arg(&offload.drives[0]);
    assert!(scan.output().unwrap().status.success());
    offload.assert_not_safe(&[], "1 disk");
    // A deleted copy does not count after its drive is unmounted, either.
    offload.assert_safe(&["--copies", "1"]);
    fs::remove_file(offload.drives[1].join("IMG_1234.MOV")).unwrap();
    verify(&offload.shoot, &offload.drives[1]);
    offload.disks[1].unmount();
    offload.assert_not_safe(&["--copies", "1"], "IMG_1234.MOV: no disk");
}

#[test]
fn files_below_a_mount_point_are_not_copies_on_the_destination() {
    let mut offload = or_skip!(Offload::new());
    offload.is_card_disk_given = true;
    offload.ingest(&[0]);
    offload.set_disk("SHUTTLE", "WD-1");
    // A folder of the second drive is a bind mount of the first.
    let within = offload.copy(1).join("Clips");
    fs::create_dir_all(&within).unwrap();
    let first = offload.copy(0).join("Clips");
    let mounted = [first.to_str().unwrap(), within.to_str().unwrap()];
    assert!(run("mount", &["--bind", mounted[0], mounted[1]]));
    let answer = ingest(&offload.shoot, &[&offload.card], &[&offload.copy(1)]);
    assert_problem(&answer, CLIP, "leads to another filesystem");
    let (code, found) = verify(&offload.shoot, &offload.copy(1));
    unmount(&within);
    assert_eq!(code, 3, "{found}");
    assert!(
        found["problems"]
            .to_string()
            .contains("another volume is mounted here"),
        "{found}"
    );
    offload.set_disk("RAID", "WD-2");
    offload.assert_not_safe(&[], "4 of 6 files not on 2 disks");
    for disk in &mut offload.disks {
        disk.unmount();
    }
    offload.assert_not_safe(&[], "4 of 6 files not on 2 disks");
}

#[test]
fn an_interrupted_check_gives_no_verdict() {
    let offload = or_skip!(Offload::ingested());
    let mut running = RunningCommand::start(offload.safe_command(&["--json"]));
    running.wait_for("begins");
    running.signal("-INT");
    let answer = running.finish();
    // The check may have ended before the signal.
    let summary = answer.summary();
    match answer.code {
        130 => assert_eq!(
            (&summary["safe"], &summary["interrupted"]),
            (&json!(false), &json!(true))
        ),
        0 => assert_eq!(summary["safe"], true),
        code => panic!("{code}: {}", answer.stdout),
    }
    // Without a catalogue, nothing is read.
    let mut command = offload.safe_command(&[]);
    command.env("BTSINDEX_CATALOGUE", offload.shoot.folder("none"));
    let answer = Answer::from_output(&command.output().unwrap());
    assert_eq!(answer.code, 1, "{}{}", answer.stdout, answer.stderr);
    assert!(!answer.stdout.contains("SAFE"), "{}", answer.stdout);
}
