//! Facts improve: what an older version of a reader read is read again by a newer one.
//!
//! An older version is simulated in the catalogue: it gets other facts, and the label of an older
//! version.

use std::fs;
use std::path::PathBuf;

use btsindex::scan::{ScanEvent, ScanRequest, scan};
use rusqlite::Connection;
use serde_json::Value;

use crate::shoot::{Shoot, find_program, write_program};

const PRORES: &str = "AdShoot_ACME/A_CAM/A001/A001_C003_0512AB.mov";
const OTHER: &str = "AdShoot_ACME/A_CAM/A001/A001_C004_0512AB.mov";

/// Footage of two clips, scanned.
fn two_clips() -> Shoot {
    let shoot = Shoot::new();
    shoot.add(PRORES, "a.mov");
    shoot.add("Location Scout/drone/DJI_0042.MP4", "DJI_0042.MP4");
    shoot.add("Location Scout/drone/DJI_0042.SRT", "DJI_0042.SRT");
    assert_eq!(shoot.scan_counts(&["--strip", "0"])["unreadable"], 0);
    shoot
}

fn database(shoot: &Shoot) -> Connection {
    Connection::open(shoot.catalogue().join("catalogue.sqlite")).unwrap()
}

fn run_sql(shoot: &Shoot, sql: &str) {
    database(shoot).execute_batch(sql).unwrap();
}

fn seq(shoot: &Shoot) -> i64 {
    let query = "SELECT max(seq) FROM clip";
    database(shoot)
        .query_row(query, [], |row| row.get(0))
        .unwrap()
}

/// Exchanges the facts of the two contents, which an older reader produced.
const SWAP_FACTS: &str = "
    UPDATE reader SET label = 'iso header 0' WHERE label LIKE 'iso header %';
    CREATE TABLE swapped AS
        SELECT a.id, b.facts FROM clip a JOIN clip b ON a.id <> b.id WHERE a.facts IS NOT NULL;
    UPDATE clip SET facts = (SELECT facts FROM swapped s WHERE s.id = clip.id), seq = seq + 10;
    DROP TABLE swapped;";

/// Facts of all clips that come from the header.
fn header_facts(shoot: &Shoot) -> Vec<Value> {
    let fields = ["name", "id", "width", "video_codec", "duration", "rate"];
    let clips = shoot.clips();
    let facts = clips.iter().map(|clip| {
        let facts = fields.map(|field| clip[field].clone());
        Value::Array(facts.to_vec())
    });
    facts.collect()
}

fn poster_times(shoot: &Shoot) -> Vec<(PathBuf, std::time::SystemTime)> {
    let mut posters = Vec::new();
    let mut folders = vec![shoot.catalogue().join("posters")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let time = path.metadata().unwrap().modified().unwrap();
                posters.push((path, time));
            }
        }
    }
    posters.sort();
    posters
}

#[test]
fn a_newer_reader_corrects_the_facts_of_an_old_catalogue() {
    let shoot = two_clips();
    let edits: [&[&str]; 2] = [
        &["tag", "add", "interview", "a.mov"],
        &["note", "keep this", "a.mov"],
    ];
    for edit in edits {
        let answer = shoot.run(edit);
        assert_eq!(answer.code, 0, "{}", answer.stderr);
    }
    let (facts, posters) = (header_facts(&shoot), poster_times(&shoot));
    assert_eq!(posters.len(), 2);
    run_sql(&shoot, SWAP_FACTS);
    assert_ne!(header_facts(&shoot), facts);
    let codec = shoot.clip("a.mov")["video_codec"].clone();
    assert_ne!(codec, "prores");

    let answer = shoot.scan();
    assert!(
        answer
            .stderr
            .contains("refreshing 2 clips read by an older version"),
        "{}",
        answer.stderr
    );
    assert_eq!(header_facts(&shoot), facts);
    assert_eq!(shoot.search_names(&["codec:prores"]), ["a.mov"]);
    let clip = shoot.clip("a.mov");
    assert!(clip["notes"].to_string().contains("keep this"), "{clip}");
    assert_eq!(shoot.search_names(&["tag:interview"]), ["a.mov"]);
    shoot.assert_consistent("refreshed");
    let counts = shoot.scan_counts(&[]);
    assert_eq!(
        (&counts["refreshed"], &counts["read"]),
        (&0.into(), &0.into())
    );
}

#[test]
fn facts_that_stay_the_same_change_neither_the_clip_nor_its_poster() {
    let shoot = two_clips();
    let (before, posters) = (seq(&shoot), poster_times(&shoot));
    run_sql(
        &shoot,
        "UPDATE clip SET reader = 0; UPDATE file SET sidecar_reader = 0",
    );
    let counts = shoot.scan_counts(&["--strip", "0"]);
    assert_eq!(
        (&counts["refreshed"], &counts["read"], &counts["recognised"]),
        (&2.into(), &0.into(), &0.into())
    );
    assert_eq!(seq(&shoot), before);
    assert_eq!(poster_times(&shoot), posters);
}

#[test]
fn a_newer_sidecar_reader_corrects_the_facts_of_its_clip() {
    let shoot = two_clips();
    let before = shoot.clip("DJI_0042.MP4");
    assert!(
        before["gps"].is_object() || before["gps"].is_string(),
        "{before}"
    );
    run_sql(
        &shoot,
        "UPDATE reader SET label = 'srt sidecar 0' WHERE label = 'srt sidecar 1';
         UPDATE file SET facts = (SELECT o.facts FROM file o WHERE o.name = CAST('a.mov' AS BLOB))
         WHERE name = CAST('DJI_0042.MP4' AS BLOB);
         UPDATE clip SET seq = seq + 10",
    );
    assert_eq!(shoot.clip("DJI_0042.MP4")["gps"], Value::Null);
    let counts = shoot.scan_counts(&[]);
    assert_eq!(counts["refreshed"], 1, "{counts}");
    assert_eq!(shoot.clip("DJI_0042.MP4")["gps"], before["gps"]);
}

#[test]
fn newer_rules_tag_the_clips_of_drives_that_are_not_mounted() {
    let shoot = Shoot::new();
    shoot.add(PRORES, "Studio Session/a.mov");
    shoot.scan_facts();
    assert_eq!(shoot.search_names(&["tag:studio-session"]), ["a.mov"]);
    let new = shoot.folder("new card");
    run_sql(
        &shoot,
        "UPDATE reader SET label = 'rules 0 older' WHERE label LIKE 'rules %';
         UPDATE file SET facts = (SELECT facts FROM file WHERE facts IS NOT NULL);
         UPDATE volume SET identity = 'uuid:of-another-drive'",
    );
    // The rules of this catalogue have another name for studio sessions.
    run_sql(&shoot, "UPDATE dir SET rules = 0");
    let mut command = shoot.command();
    command.args(["scan", "--no-pictures"]).arg(&new);
    let output = command.output().unwrap();
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(
        messages.contains("tagging the clips of 1 folder with newer rules"),
        "{messages}"
    );
    assert_eq!(shoot.search_names(&["tag:studio-session"]), ["a.mov"]);
    let output = command.output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stderr).contains("tagging"));
}

#[test]
fn newer_poster_rules_create_the_posters_again() {
    let shoot = two_clips();
    let before = poster_times(&shoot);
    run_sql(&shoot, "UPDATE clip SET poster_version = 0");
    assert_eq!(shoot.scan_counts(&["--no-pictures"])["refreshed"], 0);
    assert_eq!(poster_times(&shoot), before);
    let counts = shoot.scan_counts(&["--strip", "0"]);
    assert_eq!(counts["refreshed"], 2, "{counts}");
    let after = poster_times(&shoot);
    assert_eq!(after.len(), before.len());
    for (former, new) in before.iter().zip(&after) {
        assert!(former.0 == new.0 && former.1 < new.1, "{former:?} {new:?}");
    }
    assert_eq!(shoot.scan_counts(&["--strip", "0"])["refreshed"], 0);
}

#[test]
fn each_scan_refreshes_a_limited_number_of_clips_after_the_new_ones() {
    let shoot = two_clips();
    shoot.add(OTHER, "new.mov");
    run_sql(&shoot, "UPDATE clip SET reader = 0");
    let mut request = ScanRequest::new(shoot.catalogue());
    request.paths = vec![shoot.footage()];
    request.pictures = false;
    request.refresh_limit = 1;
    let mut events = Vec::new();
    let first = scan(&request, &mut |event| match event {
        ScanEvent::Refreshing { clips, is_more, .. } => events.push(format!("{clips} {is_more}")),
        ScanEvent::Read { path, .. } => {
            events.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
        _ => {}
    })
    .unwrap();
    assert_eq!((first.refreshed, first.read), (1, 1));
    assert_eq!(events[..2], ["new.mov", "1 true"]);
    let second = scan(&request, &mut |_| {}).unwrap();
    assert_eq!((second.refreshed, second.read), (1, 0));
    assert_eq!(scan(&request, &mut |_| {}).unwrap().refreshed, 0);
}

#[test]
fn an_interrupted_refresh_resumes() {
    let shoot = two_clips();
    run_sql(&shoot, SWAP_FACTS);
    let mut request = ScanRequest::new(shoot.catalogue());
    request.paths = vec![shoot.footage()];
    request.pictures = false;
    request.jobs = 1;
    request.readers = Some(1);
    let cancel = request.cancel.clone();
    let first = scan(&request, &mut |event| {
        if matches!(event, ScanEvent::Refreshing { .. }) {
            cancel.cancel();
        }
    })
    .unwrap();
    assert!(first.is_interrupted);
    request.cancel = ScanRequest::new(shoot.catalogue()).cancel;
    let other = shoot.folder("other");
    request.paths = vec![other];
    assert_eq!(scan(&request, &mut |_| {}).unwrap().refreshed, 2);
    assert_eq!(shoot.clip("a.mov")["video_codec"], "prores");
}

#[test]
fn a_requested_refresh_reads_all_clips_with_the_requested_reader() {
    let shoot = two_clips();
    assert_eq!(shoot.clip("a.mov")["reader"], "iso header");
    let counts = shoot.scan_counts(&["--refresh", "--reader", "ffprobe"]);
    assert_eq!(counts["refreshed"], 2, "{counts}");
    let reader = shoot.clip("a.mov")["reader"].to_string();
    assert!(reader.contains("ffprobe"), "{reader}");
    // Without the option, current facts are kept.
    assert_eq!(shoot.scan_counts(&[])["refreshed"], 0);
}

#[test]
fn a_reader_that_fails_keeps_the_facts_of_the_older_one() {
    let shoot = Shoot::new();
    shoot.add("Broken/really_mxf.mp4", "a.mp4");
    shoot.scan_counts(&["--reader", "ffprobe", "--no-pictures"]);
    let before = header_facts(&shoot);
    run_sql(&shoot, "UPDATE clip SET reader = 0");
    let ffprobe = find_program("ffprobe");
    let tool = shoot.folder("tools").join("ffprobe");
    write_program(
        &tool,
        &format!(
            "#!/bin/sh\n[ \"$3\" = -version ] && exec {ffprobe} -version\necho odd >&2\nexit 1\n"
        ),
    );
    let mut command = shoot.command();
    command
        .args(["scan", "--reader", "ffprobe", "--no-pictures"])
        .arg(shoot.footage())
        .env("BTSINDEX_FFPROBE", &tool);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let summary = String::from_utf8_lossy(&output.stdout);
    assert!(summary.contains(" 1  could not be read"), "{summary}");
    assert_eq!(header_facts(&shoot), before);
    assert_eq!(shoot.clip("a.mp4")["state"], Value::Null);
    assert_eq!(shoot.scan_counts(&[])["refreshed"], 0);
}

#[test]
fn a_file_that_stays_unreadable_is_reported_once() {
    let shoot = Shoot::new();
    shoot.add("Broken/truncated.mp4", "a.mp4");
    assert_eq!(shoot.scan_counts(&[])["unreadable"], 1);
    run_sql(&shoot, "UPDATE clip SET reader = 0");
    let counts = shoot.scan_counts(&[]);
    assert_eq!(
        (&counts["refreshed"], &counts["unreadable"]),
        (&1.into(), &1.into())
    );
}

#[test]
fn a_copy_of_a_clip_with_older_facts_is_read() {
    let shoot = two_clips();
    run_sql(&shoot, SWAP_FACTS);
    let copy = shoot.folder("copy");
    fs::copy(shoot.footage().join("a.mov"), copy.join("b.mov")).unwrap();
    let mut request = ScanRequest::new(shoot.catalogue());
    request.paths = vec![copy];
    request.pictures = false;
    request.refresh_limit = 0;
    let summary = scan(&request, &mut |_| {}).unwrap();
    assert_eq!((summary.read, summary.recognised), (1, 0));
    assert_eq!(shoot.clip("b.mov")["video_codec"], "prores");
}

#[test]
fn doctor_and_stats_count_stale_facts_by_volume() {
    let shoot = two_clips();
    assert_eq!(
        shoot.doctor(&[])["facts"]["found"],
        "all read by this version"
    );
    run_sql(
        &shoot,
        "UPDATE clip SET reader = 0; UPDATE volume SET name = 'SHELF-7'",
    );
    let expected = "2 clips read by an older version: 2 on SHELF-7";
    let doctor = shoot.doctor(&[]);
    assert_eq!(doctor["facts"]["found"], expected);
    assert_eq!(doctor["facts"]["well"], true);
    assert!(
        shoot
            .run(&["stats"])
            .stdout
            .ends_with(&format!("\n\n{expected}\n"))
    );
    run_sql(
        &shoot,
        "UPDATE volume SET identity = 'uuid:of-another-drive'",
    );
    let stats = shoot.run(&["stats", "--json"]).json();
    assert_eq!(
        stats[0]["stale"],
        serde_json::json!({
            "clips": 2,
            "volumes": [{ "volume": "SHELF-7", "mounted": false, "clips": 2 }],
        })
    );
    assert_eq!(
        shoot.doctor(&[])["facts"]["found"],
        format!("{expected} (not mounted)")
    );
}
