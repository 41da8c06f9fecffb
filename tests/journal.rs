//! Journals from elsewhere: late, hostile, or from machines with wrong clocks.

use std::fs;
use std::path::PathBuf;

use crate::shoot::{Answer, Shoot};
use btsindex::clip::{Action, Edit, EditContent, MAX_CLOCK};
use btsindex::value::{Fingerprint, Marker};
use serde_json::json;

const LAUGH: &str = "BTSInterview_Drummer_Laughing.mov";

/// A scanned clip and its fingerprint.
fn laugh() -> (Shoot, Fingerprint) {
    let shoot = Shoot::new();
    shoot.add(
        "Studio Session - Night Owls/Day2/BTSInterview_Drummer_Laughing.mov",
        LAUGH,
    );
    shoot.scan_counts(&["--no-pictures"]);
    let id = shoot.clip(LAUGH)["id"].as_str().unwrap().parse();
    (shoot, id.unwrap())
}

fn edit(clip: Fingerprint, clock: i64, author: &str, action: Action) -> Edit {
    Edit::new(EditContent {
        clip,
        clock,
        at: clock,
        author: author.to_owned(),
        batch: Fingerprint(u128::from(clock.unsigned_abs())),
        action,
    })
}

fn note(text: &str) -> Action {
    Action::Note(text.to_owned())
}

fn import(shoot: &Shoot, edits: &[Edit]) -> Answer {
    let path: PathBuf = shoot.folder("journals").join("journal.ndjson");
    let lines: Vec<String> = edits.iter().map(|edit| edit.to_line() + "\n").collect();
    fs::write(&path, lines.concat()).unwrap();
    shoot.run(&["edits", "import", path.to_str().unwrap()])
}

#[test]
fn wrong_clocks_do_not_block_later_edits() {
    let (here, clip) = laugh();
    let poison = edit(clip, MAX_CLOCK - 1, "mallory", note("from 2199"));
    let beyond = edit(clip, MAX_CLOCK, "mallory", note("from 2200"));
    let last = edit(clip, i64::MAX, "mallory", note("the last of all"));
    let answer = import(&here, &[last, poison, beyond]);
    assert!(
        answer.stderr.contains("journal.ndjson:1: clock"),
        "{}",
        answer.stderr
    );
    assert!(
        answer.stdout.starts_with("2 edits imported"),
        "{}",
        answer.stdout
    );
    // Later edits sort after it, and can be imported elsewhere in any order.
    assert_eq!(here.run(&["note", "said now", LAUGH]).code, 0);
    assert_eq!(here.run(&["undo"]).code, 0);
    let journal = here.run(&["edits", "export", "-"]).stdout;
    let mut lines: Vec<&str> = journal.lines().collect();
    assert_eq!(lines.len(), 4);
    lines.reverse();
    let (there, _) = laugh();
    let path = there.folder("journals").join("from-here.ndjson");
    fs::write(&path, lines.join("\n")).unwrap();
    let answer = there.run(&["edits", "import", path.to_str().unwrap()]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let notes = |shoot: &Shoot| shoot.clip(LAUGH)["notes"].clone();
    assert_eq!(notes(&there), notes(&here));
    assert_eq!(notes(&here).as_array().unwrap().len(), 2);
}

#[test]
fn imported_edits_with_extreme_values_can_be_shown() {
    let (shoot, clip) = laugh();
    let far = Marker {
        micros: 366 * 86_400 * 1_000_000,
        timecode: None,
        text: "at the end of the year".to_owned(),
    };
    let farther = Marker {
        micros: u64::MAX,
        ..far.clone()
    };
    let lines = [
        edit(clip, 1, "anna", Action::Mark(far)),
        edit(clip, 1, "anna", Action::Mark(farther)),
        edit(clip, 2, &"a".repeat(500_000), note("by a name without end")),
        edit(clip, 3, "a\x1b[31m", note("by a name that paints")),
        edit(clip, 4, " ", note("without an author")),
    ];
    let answer = import(&shoot, &lines);
    assert!(
        answer.stdout.starts_with("1 edit imported"),
        "{}",
        answer.stdout
    );
    assert!(answer.stderr.len() < 1000, "{}", answer.stderr);
    for command in [
        &["show", LAUGH][..],
        &["history", LAUGH],
        &["search", "drummer"],
    ] {
        assert_eq!(shoot.run(command).code, 0, "{command:?}");
    }
    let long = shoot.run(&["note", "x", LAUGH, "--author", &"a".repeat(100_000)]);
    assert_eq!(long.code, 1);
    assert!(long.stderr.len() < 1000, "{}", long.stderr);
}

#[test]
fn undo_reverts_the_latest_edit_not_the_latest_import() {
    let (shoot, clip) = laugh();
    let noted = ["note", "said today", LAUGH, "--author", "anna"];
    assert_eq!(shoot.run(&noted).code, 0);
    let earlier = edit(clip, 1_700_000_000_000_000, "anna", note("said in 2023"));
    import(&shoot, &[earlier]);
    let undone = shoot.run(&["undo", "--author", "anna"]).stdout;
    assert!(undone.contains("said today"), "{undone}");
    let undone = shoot.run(&["undo", "--author", "anna"]).stdout;
    assert!(undone.contains("said in 2023"), "{undone}");
    assert_eq!(shoot.run(&["undo", "--author", "anna"]).code, 4);
}

#[test]
fn adopted_edits_are_undone_together() {
    let (shoot, _) = laugh();
    for text in ["first", "second"] {
        assert_eq!(
            shoot.run(&["note", text, LAUGH, "--author", "anna"]).code,
            0
        );
    }
    let path = shoot.footage().join(LAUGH);
    let mut content = fs::read(&path).unwrap();
    content.extend_from_slice(&[0, 0, 0, 8, b'f', b'r', b'e', b'e']);
    fs::write(&path, &content).unwrap();
    shoot.scan_counts(&["--no-pictures"]);
    let adopted = shoot.run(&["edits", "adopt", LAUGH]).stdout;
    assert!(adopted.contains("2 edits adopted"), "{adopted}");
    let undone = shoot.run(&["undo", "--author", "anna"]).stdout;
    assert!(undone.contains("undid 2 edits"), "{undone}");
}

/// Journal that an earlier build of the program exported. Its ids and effects must never change.
const FROZEN: &str = include_str!("data/journal.ndjson");

#[test]
fn a_frozen_journal_keeps_its_ids_and_effects() {
    let (shoot, _) = laugh();
    let session = "Studio Session - Night Owls";
    for name in [
        "Day1/PRIVATE/M4ROOT/CLIP/C0001.MP4",
        "Day1/PRIVATE/M4ROOT/CLIP/C0002.MP4",
        "Day2/Sound/SC01T03.WAV",
    ] {
        let path = format!("{session}/{name}");
        shoot.add(&path, &path);
    }
    shoot.add("Location Scout/drone/DJI_0042.MP4", "DJI_0042.MP4");
    shoot.scan_counts(&["--no-pictures"]);
    let sound = shoot.clip("SC01T03.WAV");
    assert_eq!(sound["tags"], json!(["studio-session"]));

    let path = shoot.folder("journals").join("frozen.ndjson");
    fs::write(&path, FROZEN).unwrap();
    for expected in ["15 edits imported", "0 edits imported"] {
        let answer = shoot.run(&["edits", "import", path.to_str().unwrap()]);
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
        assert!(answer.stdout.starts_with(expected), "{}", answer.stdout);
    }
    let mut exported = shoot.run(&["edits", "export", "-"]).stdout;
    exported.truncate(exported.trim_end().len());
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&exported), sorted(FROZEN), "byte for byte");
    for line in FROZEN.lines() {
        assert_eq!(Edit::from_line(line).unwrap().to_line(), line);
    }

    let laugh = shoot.clip(LAUGH);
    assert_eq!(laugh["tags"], json!(["drums", "interview", "laughing"]));
    let notes = json!([
        {"text": "the good one", "person": "anna", "at": "2026-11-26T12:43:11Z"},
        {"text": "ask for the release", "person": "ben", "at": "2026-11-26T12:43:11Z"}
    ]);
    assert_eq!(laugh["notes"], notes);
    let marker = json!({"micros": 480_000, "timecode": "00:00:00:12", "text": "stick drops"});
    assert_eq!(laugh["markers"], json!([marker]));
    let first = shoot.clip("C0001.MP4");
    assert_eq!(first["rating"], 5);
    assert_eq!(first["selection"], "selected");
    assert!(shoot.clip("C0002.MP4")["notes"].is_null());
    let drone = shoot.clip("DJI_0042.MP4");
    assert!(drone["rating"].is_null());
    assert_eq!(drone["selection"], "rejected");
    assert!(shoot.clip("SC01T03.WAV")["tags"].is_null());
}
