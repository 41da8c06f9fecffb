//! Catalogues of other versions, damaged ones, copies of them, and ones that cannot be written:
//! nothing that they hold is lost.

#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::shoot::disk::ReadOnly;
use crate::shoot::{Answer, Dice, Shoot, SlowTools, copy, fixtures, number, wait_until};
use crate::skipped_tests::or_skip;
use rusqlite::Connection;
use serde_json::Value;

const SESSION: &str = "Studio Session - Night Owls";
const LAUGH: &str = "BTSInterview_Drummer_Laughing.mov";

/// Current schema version.
const NOW: u32 = 7;

/// A catalogue of this version, frozen: later versions must open it.
const FROZEN: &str = include_str!("old/catalogue-6.sql");

/// Commands that only read.
const READING: [&[&str]; 13] = [
    &["search"],
    &["search", "drummer"],
    &["search", "--json"],
    &["show", LAUGH],
    &["show", "--json", LAUGH],
    &["history", LAUGH],
    &["copies"],
    &["copies", "--json"],
    &["volumes"],
    &["volumes", "--json"],
    &["edits", "export"],
    &["fields"],
    &["doctor"],
];

/// One with the session only: a scan of it takes less.
fn session() -> Shoot {
    let shoot = Shoot::new();
    copy(&fixtures().join(SESSION), &shoot.footage());
    shoot
}

fn scan(shoot: &Shoot) {
    assert_eq!(shoot.scan_counts(&["--strip", "0"])["unreadable"], 0);
}

fn database(shoot: &Shoot) -> Connection {
    Connection::open(shoot.catalogue().join("catalogue.sqlite")).unwrap()
}

fn old(sql: &str) -> Shoot {
    let shoot = Shoot::new();
    fs::create_dir_all(shoot.catalogue()).unwrap();
    let database = database(&shoot);
    database.execute_batch(sql).unwrap();
    database.pragma_update(None, "journal_mode", "WAL").unwrap();
    shoot
}

fn version(shoot: &Shoot) -> u32 {
    let database = database(shoot);
    database
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap()
}

fn bytes(shoot: &Shoot) -> Vec<u8> {
    fs::read(shoot.catalogue().join("catalogue.sqlite")).unwrap()
}

#[test]
fn a_frozen_catalogue_opens_with_every_command_and_scans_on() {
    let shoot = old(FROZEN);
    assert_eq!(version(&shoot), 6);
    for arguments in READING {
        let answer = shoot.run(arguments);
        assert_eq!(answer.code, 0, "{arguments:?}: {}", answer.stderr);
    }
    assert_eq!(shoot.run(&["ingests", "--json"]).json().len(), 1);
    let volume = &shoot.run(&["volumes", "--json"]).json()[0];
    // If this machine has the volume, its own disk is added.
    let disks = volume["disks"].as_array().unwrap();
    assert_eq!(disks[..2], ["disk-0", "said:shelf 7, bay 2"]);
    let clips = shoot.clips();
    shoot.assert_consistent("the frozen catalogue");
    assert_eq!(version(&shoot), NOW);
    assert!(shoot.catalogue().join("backups/version-6.sqlite").exists());
    copy(&fixtures().join(SESSION), &shoot.footage().join(SESSION));
    let counts = shoot.scan_counts(&["--strip", "0"]);
    // An unknown version read their facts, so they are read, too.
    assert_eq!(
        (&counts["read"], &counts["recognised"]),
        (&4.into(), &0.into()),
        "{counts}"
    );
    assert_eq!(shoot.clips().len(), clips.len());
    let laugh = shoot.clip(LAUGH);
    assert!(laugh["files"].as_array().unwrap().len() >= 2, "{laugh}");
    assert_eq!(shoot.run(&["note", "still here", LAUGH]).code, 0);
    assert_eq!(shoot.search_names(&["notes:still"]), [LAUGH]);
    shoot.assert_consistent("scanned");
}

#[test]
fn an_unreleased_version_is_rejected_and_left_unchanged() {
    let shoot = old(FROZEN);
    database(&shoot)
        .execute_batch("PRAGMA user_version = 5; PRAGMA wal_checkpoint(TRUNCATE);")
        .unwrap();
    let before = bytes(&shoot);
    let footage = shoot.footage();
    let writing: [&[&str]; 2] = [&["scan", footage.to_str().unwrap()], &["note", "a", LAUGH]];
    for arguments in READING.iter().chain(&writing) {
        if ["fields", "doctor"].contains(&arguments[0]) {
            continue;
        }
        let answer = shoot.run(arguments);
        assert_eq!(answer.code, 1, "{arguments:?}");
        assert!(
            answer
                .stderr
                .contains("has version 5, this btsindex supports 6 and later")
                && answer.stderr.contains("scan again")
                && answer.stderr.contains("edits export"),
            "{}",
            answer.stderr
        );
    }
    assert_eq!(shoot.run(&["doctor"]).code, 1);
    assert!(bytes(&shoot) == before, "it was written to");
}

#[test]
fn files_at_the_recorded_paths_are_the_same_clips() {
    let shoot = old(FROZEN);
    for name in [SESSION, "Location Scout"] {
        copy(&fixtures().join(name), &shoot.footage().join(name));
    }
    // Where the footage is now, as a scan on this machine has it.
    let here = Shoot::new();
    here.add("Location Scout/old_tape.avi", "a.avi");
    here.scan();
    let (identity, mount): (String, Vec<u8>) = database(&here)
        .query_row("SELECT identity, mount FROM volume", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    let mount = PathBuf::from(String::from_utf8(mount).unwrap());
    let footage = shoot.footage();
    let inside = footage.strip_prefix(mount).unwrap();
    database(&shoot)
        .execute_batch(&format!(
            "UPDATE volume SET identity = '{identity}';
             UPDATE dir SET path = CAST(replace(CAST(path AS TEXT), 'srv/shoot', '{}') AS BLOB);",
            inside.display()
        ))
        .unwrap();
    let before = shoot.clips().len();
    let counts = shoot.scan_counts(&["--strip", "0"]);
    assert_eq!(
        (&counts["new"], &counts["missing"], &counts["unreadable"]),
        (&0.into(), &0.into(), &0.into()),
        "{counts}"
    );
    // The former content of IMG_1234.MOV is back in its place, with the same id.
    assert_eq!(shoot.clips().len(), before, "{counts}");
    let counts = shoot.scan_counts(&["--strip", "0"]);
    assert_eq!(
        (&counts["read"], &counts["unchanged"]),
        (&0.into(), &8.into())
    );
    shoot.assert_consistent("in place");
}

#[test]
fn the_frozen_catalogue_keeps_all_edits() {
    let shoot = old(FROZEN);
    let laugh = shoot.clip(LAUGH);
    assert_eq!(
        laugh["tags"],
        serde_json::json!(["drums", "interview", "laughing", "studio-session"])
    );
    let notes = laugh["notes"].as_array().unwrap();
    let texts: Vec<_> = notes
        .iter()
        .map(|note| {
            (
                note["text"].as_str().unwrap(),
                note["person"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        texts,
        [("the good one", "anna"), ("ask for the release", "ben")]
    );
    assert_eq!(laugh["markers"][0]["text"], "stick drops");
    assert!(shoot.clip("SC01T03.WAV")["tags"].is_null());
    let first = shoot.clip("C0001.MP4");
    assert_eq!(
        (&first["rating"], &first["selection"]),
        (&5.into(), &"selected".into())
    );
    let drone = shoot.clip("DJI_0042.MP4");
    assert!(drone["rating"].is_null() && drone["selection"] == "rejected");
    assert!(shoot.clip("C0002.MP4")["notes"].is_null());
    let history = shoot.run(&["history", "--json", "C0002.MP4"]).json();
    assert_eq!(
        (history.len(), &history[0]["counts"]),
        (2, &Value::from(false))
    );
    // The replaced content is kept with its edits, which can be adopted.
    let offers = shoot.run(&["edits", "adopt"]);
    assert_eq!(offers.code, 0, "{}", offers.stderr);
    assert!(offers.stdout.contains("from the car"), "{}", offers.stdout);
    let hashed = shoot.run(&["copies", "--json", "drummer"]).json();
    assert_eq!(
        hashed[0]["files"][0]["xxh128"],
        "df6c67d82508e30547811e1ef3fcadac"
    );
}

#[test]
fn a_newer_catalogue_is_left_alone_byte_for_byte() {
    let shoot = session();
    scan(&shoot);
    database(&shoot)
        .pragma_update(None, "user_version", NOW + 1)
        .unwrap();
    let before = bytes(&shoot);
    let footage = shoot.footage();
    let writing: [&[&str]; 4] = [
        &["scan", footage.to_str().unwrap()],
        &["note", "a", LAUGH],
        &["backup", "copy.sqlite"],
        &["rebuild"],
    ];
    for arguments in READING.iter().chain(&writing) {
        if ["fields", "doctor"].contains(&arguments[0]) {
            continue;
        }
        let answer = shoot.run(arguments);
        assert_eq!(answer.code, 1, "{arguments:?}");
        assert!(
            answer.stderr.contains(&format!("has version {}", NOW + 1))
                && answer.stderr.contains("hint: update"),
            "{}",
            answer.stderr
        );
    }
    assert_eq!(shoot.run(&["doctor"]).code, 1);
    assert!(bytes(&shoot) == before, "it was written to");
}

/// Overwrites a byte of the catalogue.
fn overwrite(shoot: &Shoot, at: u64, byte: u8) {
    let path = shoot.catalogue().join("catalogue.sqlite");
    let mut file = File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&[byte]).unwrap();
}

#[test]
fn reports_a_damaged_catalogue_and_never_recreates_it() {
    let whole = session();
    scan(&whole);
    let clean = bytes(&whole);
    let pages = clean.len() as u64 / 4096;
    for seed in 0..2 {
        let shoot = session();
        fs::create_dir_all(shoot.catalogue()).unwrap();
        fs::write(shoot.catalogue().join("catalogue.sqlite"), &clean).unwrap();
        // Without this, the check runs once a week.
        database(&shoot)
            .execute("DELETE FROM meta WHERE key = 'checked'", [])
            .unwrap();
        let mut dice = Dice::new(seed);
        for _ in 0..8 {
            overwrite(&shoot, (1 + dice.below(pages - 1)) * 4096, 0x7f);
        }
        let before = bytes(&shoot);
        let scan = shoot.scan();
        assert_eq!(scan.code, 1, "seed {seed}: {}", scan.stdout);
        assert!(
            scan.stderr.contains("hint:") && scan.stderr.contains("backup"),
            "seed {seed}: {}",
            scan.stderr
        );
        assert_eq!(shoot.run(&["doctor"]).code, 1, "seed {seed}");
        assert!(bytes(&shoot) == before, "seed {seed}: it was written to");
    }
    // Anywhere: whatever can be noticed is, and nothing panics.
    for seed in 0..number("BTSINDEX_ROUNDS", 2) {
        let shoot = Shoot::new();
        fs::create_dir_all(shoot.catalogue()).unwrap();
        fs::write(shoot.catalogue().join("catalogue.sqlite"), &clean).unwrap();
        let mut dice = Dice::new(1000 + seed);
        for _ in 0..40 {
            let byte = u8::try_from(dice.below(256)).unwrap();
            overwrite(&shoot, 100 + dice.below(clean.len() as u64 - 100), byte);
        }
        for arguments in READING {
            let answer = shoot.run(arguments);
            assert!(
                [0, 1, 3, 4].contains(&answer.code) && !answer.stderr.contains("panicked"),
                "seed {seed}: {arguments:?}: {}",
                answer.stderr
            );
        }
    }
}

#[test]
fn does_not_silently_recreate_a_deleted_catalogue() {
    let shoot = session();
    scan(&shoot);
    let journal = shoot.folder("journals").join("none.ndjson");
    fs::write(&journal, "").unwrap();
    let journal = journal.to_str().unwrap();
    for name in [
        "catalogue.sqlite",
        "catalogue.sqlite-wal",
        "catalogue.sqlite-shm",
    ] {
        let _ = fs::remove_file(shoot.catalogue().join(name));
    }
    let refuses = || {
        for answer in [shoot.scan(), shoot.run(&["edits", "import", journal])] {
            assert_eq!(answer.code, 1);
            assert!(
                answer.stderr.contains("hint: restore the file"),
                "{}",
                answer.stderr
            );
        }
        assert_eq!(shoot.run(&["search", "drummer"]).code, 1);
        let path = shoot.catalogue().join("catalogue.sqlite");
        assert_eq!(path.metadata().map_or(0, |file| file.len()), 0);
    };
    refuses();
    // Backups alone are sufficient evidence, too.
    fs::remove_dir_all(shoot.catalogue().join("posters")).unwrap();
    fs::create_dir(shoot.catalogue().join("backups")).unwrap();
    refuses();
}

#[test]
fn a_backup_during_a_scan_is_a_complete_catalogue() {
    let shoot = session();
    scan(&shoot);
    assert_eq!(shoot.run(&["note", "before the backup", LAUGH]).code, 0);
    fs::remove_dir_all(shoot.catalogue().join("posters")).unwrap();
    shoot.add("Location Scout/old_tape.avi", "more/new.avi");
    let tools = SlowTools::new(&shoot, "exec sleep 600");
    let mut running = tools.scan(&shoot);
    wait_until("the scan reaches the file", || {
        shoot.run(&["search", "more"]).code == 0
    });
    assert_eq!(shoot.run(&["stars", "4", LAUGH]).code, 0);
    let answer = shoot.run(&["backup", "copies/today.sqlite"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(running.try_wait().unwrap().is_none(), "the scan still runs");
    let exported = shoot.run(&["edits", "export"]).stdout;
    let again = shoot.run(&["backup", "copies/today.sqlite"]);
    assert_eq!(again.code, 1, "nothing is replaced");
    let copied = shoot.folder("copies").join("today.sqlite");

    // The backup works as a separate catalogue.
    let other = Shoot::new();
    fs::create_dir_all(other.catalogue()).unwrap();
    fs::copy(&copied, other.catalogue().join("catalogue.sqlite")).unwrap();
    assert_eq!(other.run(&["edits", "export"]).stdout, exported);
    assert_eq!(other.search_names(&["notes:before"]), [LAUGH]);
    other.assert_consistent("the copy");

    // Written after the backup; still in the log when the power fails.
    let reader = database(&shoot);
    let _: i64 = reader
        .query_row("SELECT count(*) FROM edit", [], |row| row.get(0))
        .unwrap();
    assert_eq!(shoot.run(&["note", "after the backup", LAUGH]).code, 0);
    let path = shoot.catalogue().join("catalogue.sqlite");
    let log = shoot.catalogue().join("catalogue.sqlite-wal");
    let kept = fs::read(&log).unwrap();
    running.kill().unwrap();
    running.wait().unwrap();
    drop(reader);
    shoot.run(&["search", "drummer"]);
    fs::copy(&copied, &path).unwrap();
    fs::write(&log, &kept).unwrap();

    // The log of the replaced catalogue is set aside; the copy is used, whatever the index contains.
    let answer = shoot.run(&["search", "--json", "notes:after"]);
    assert_eq!(answer.code, 4, "{}", answer.stdout);
    assert!(
        answer.stderr.contains("rebuilding it from the catalogue"),
        "{}",
        answer.stderr
    );
    let aside = fs::read_dir(shoot.catalogue())
        .unwrap()
        .flatten()
        .find(|entry| {
            let name = entry.file_name();
            name.to_string_lossy()
                .starts_with("catalogue.sqlite-wal.replaced")
        });
    assert!(fs::read(aside.unwrap().path()).unwrap() == kept);
    assert_eq!(shoot.search_names(&["notes:before"]), [LAUGH]);
    assert_eq!(shoot.run(&["edits", "export"]).stdout, exported);
    shoot.assert_consistent("restored");
    let mode: String = database(&shoot)
        .query_row("PRAGMA journal_mode", [], |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal", "readers do not wait for writers");
    scan(&shoot);
    shoot.assert_consistent("restored and scanned");
}

#[test]
fn a_read_only_catalogue_can_be_searched_and_refuses_edits() {
    let shoot = session();
    scan(&shoot);
    assert_eq!(shoot.run(&["note", "a word", LAUGH]).code, 0);
    // Closed, nothing of it is open any more; the index is as the last search left it.
    let wanted: Vec<String> = READING
        .iter()
        .map(|arguments| shoot.run(arguments).stdout)
        .collect();
    let log = shoot.catalogue().join("catalogue.sqlite-wal");
    assert!(!log.exists(), "it was closed");
    let at = shoot.folder("read-only");
    let mounted = or_skip!(ReadOnly::mount(&shoot.catalogue(), &at));
    let run = |arguments: &[&str]| {
        let mut command = shoot.command();
        command
            .env("BTSINDEX_CATALOGUE", &mounted.0)
            .args(arguments);
        Answer::from_output(&command.output().unwrap())
    };
    for (arguments, wanted) in READING.iter().zip(wanted) {
        let answer = run(arguments);
        assert_eq!(answer.code, 0, "{arguments:?}: {}", answer.stderr);
        // These print the catalogue's path.
        if !["doctor", "show"].contains(&arguments[0]) {
            assert_eq!(answer.stdout, wanted, "{arguments:?}");
        }
    }
    let footage = shoot.footage();
    for arguments in [
        &["tag", "add", "no", LAUGH][..],
        &["note", "no", LAUGH],
        &["undo"],
        &["scan", footage.to_str().unwrap()],
    ] {
        let answer = run(arguments);
        assert_eq!(answer.code, 1, "{arguments:?}: {}", answer.stdout);
        assert!(
            answer.stderr.to_lowercase().contains("read-only")
                || answer.stderr.contains("cannot be written"),
            "{arguments:?}: {}",
            answer.stderr
        );
    }
    drop(mounted);
    assert!(Path::new(&shoot.catalogue()).exists());
    shoot.assert_consistent("written again");
    assert_eq!(shoot.run(&["tag", "add", "yes", LAUGH]).code, 0);
}
