//! The journal of edits travels between catalogues, and no edit is lost or invented on the way.

use std::fs;
use std::path::{Path, PathBuf};

use crate::shoot::{Answer, Shoot, copy, fixtures};
use serde_json::{Value, json};

const SESSION: &str = "Studio Session - Night Owls";
const LAUGH: &str = "BTSInterview_Drummer_Laughing.mov";

/// Machine that has the session on its disk.
fn machine() -> Shoot {
    let shoot = Shoot::new();
    copy(&fixtures().join(SESSION), &shoot.footage().join(SESSION));
    assert_eq!(shoot.scan_counts(&["--no-pictures"])["new"], 4);
    shoot
}

/// Runs a command as the given author; it must succeed.
fn run_as(shoot: &Shoot, author: &str, arguments: &[&str]) -> String {
    let mut command = shoot.command();
    command.env("BTSINDEX_AUTHOR", author).args(arguments);
    let answer = Answer::from_output(&command.output().unwrap());
    assert_eq!(answer.code, 0, "{arguments:?}: {}", answer.stderr);
    answer.stdout
}

/// Exports into a separate file.
fn export(shoot: &Shoot, name: &str) -> PathBuf {
    let path = shoot.folder("journals").join(name);
    let answer = shoot.run(&["edits", "export", path.to_str().unwrap()]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    path
}

fn import(shoot: &Shoot, path: &Path) -> Answer {
    shoot.run(&["edits", "import", path.to_str().unwrap()])
}

/// Edits of each clip.
fn edits_of_clips(shoot: &Shoot) -> Vec<Value> {
    let of = |clip: &Value| {
        json!([
            clip["name"],
            clip["tags"],
            clip["notes"],
            clip["rating"],
            clip["selection"],
            clip["markers"]
        ])
    };
    let mut edits_of_clips: Vec<Value> = shoot.clips().iter().map(of).collect();
    edits_of_clips.sort_by_key(|clip| clip[0].to_string());
    edits_of_clips
}

/// Adds eight notes of 19 KB each, together more than the limit of [`export_with_limit`].
#[cfg(unix)]
fn add_long_notes(shoot: &Shoot) {
    for letter in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        run_as(shoot, "anna", &["note", &letter.repeat(19_000), LAUGH]);
    }
}

/// Exports in a process that may not write files larger than 100 KB; the system kills it at that
/// size.
#[cfg(unix)]
fn export_with_limit(shoot: &Shoot, journal: &str) -> Answer {
    let usual = shoot.command();
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -c 0; ulimit -f 200; exec \"$@\"", "sh"]);
    command.arg(usual.get_program()).args(usual.get_args());
    command.envs(
        usual
            .get_envs()
            .filter_map(|(key, value)| Some((key, value?))),
    );
    command.args(["edits", "export", journal]);
    command.current_dir(shoot.folder("journals"));
    Answer::from_output(&command.output().unwrap())
}

#[cfg(unix)]
#[test]
fn a_killed_export_leaves_no_journal() {
    let shoot = machine();
    add_long_notes(&shoot);
    let path = shoot.folder("journals").join("half.jsonl");
    let answer = export_with_limit(&shoot, path.to_str().unwrap());
    assert_eq!(answer.code, -1, "it is killed: {}", answer.stderr);
    assert!(!path.exists());
    let path = export(&shoot, "half.jsonl");
    assert_eq!(fs::read_to_string(path).unwrap().lines().count(), 8);
}

#[cfg(unix)]
#[test]
fn an_export_goes_to_a_path_relative_to_the_current_folder() {
    let shoot = machine();
    run_as(&shoot, "anna", &["note", "loud", LAUGH]);
    let answer = export_with_limit(&shoot, "relative.jsonl");
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let names: Vec<_> = fs::read_dir(shoot.folder("journals"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["relative.jsonl"]);
}

#[cfg(unix)]
#[test]
fn an_export_replaces_no_file_and_no_link() {
    let shoot = machine();
    let path = export(&shoot, "first.jsonl");
    fs::write(&path, "theirs").unwrap();
    let link = path.with_file_name("link.jsonl");
    std::os::unix::fs::symlink(path.with_file_name("nowhere"), &link).unwrap();
    for path in [&path, &link] {
        let answer = shoot.run(&["edits", "export", path.to_str().unwrap()]);
        assert_eq!(answer.code, 1, "{}", answer.stderr);
        assert!(answer.stderr.contains("exists"), "{}", answer.stderr);
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
    assert!(link.is_symlink() && !link.exists());
}

#[test]
fn journals_merged_in_any_order_give_the_same_result() {
    let (anna, ben, third) = (machine(), machine(), machine());
    run_as(&anna, "anna", &["tag", "add", "drums,loud", LAUGH]);
    run_as(&ben, "ben", &["tag", "remove", "studio session", LAUGH]);
    run_as(&ben, "ben", &["tag", "add", "loud", LAUGH]);
    run_as(&anna, "anna", &["tag", "remove", "loud", LAUGH]);
    run_as(&anna, "anna", &["note", "first\nand \"second\" 🥁", LAUGH]);
    run_as(&ben, "ben", &["note", "from Ben", LAUGH]);
    run_as(&anna, "anna", &["stars", "3", "C0001.MP4"]);
    run_as(&ben, "ben", &["stars", "5", "C0001.MP4"]);
    run_as(&ben, "ben", &["select", "C0001.MP4"]);
    run_as(&anna, "anna", &["reject", "C0001.MP4"]);
    run_as(&anna, "anna", &["mark", "0.5s", "stick drops", LAUGH]);
    run_as(&ben, "ben", &["mark", "0.25s", "count-in", LAUGH]);
    run_as(&anna, "anna", &["note", "never mind", "C0002.MP4"]);
    run_as(&anna, "anna", &["undo"]);
    let (a, b) = (export(&anna, "a"), export(&ben, "b"));
    for _ in 0..2 {
        assert_eq!(import(&ben, &a).code, 0);
        assert_eq!(import(&anna, &b).code, 0);
    }
    assert_eq!(edits_of_clips(&anna), edits_of_clips(&ben));
    // Edits made after the first merge; merged again in other orders.
    run_as(&ben, "ben", &["stars", "0", "C0001.MP4"]);
    let history = anna.run(&["history", "--json", LAUGH]).json();
    let of_ben = history
        .iter()
        .find(|edit| edit["action"] == json!({"note": "from Ben"}));
    let id = of_ben.unwrap()["edit"].as_str().unwrap().to_owned();
    run_as(&anna, "anna", &["undo", &id[..8]]);
    let (a2, b2) = (export(&anna, "a2"), export(&ben, "b2"));
    let both = format!(
        "{}{}",
        fs::read_to_string(&a2).unwrap(),
        fs::read_to_string(&b2).unwrap()
    );
    let mut lines: Vec<&str> = both.lines().collect();
    lines.sort_unstable();
    let mixed = third.folder("journals").join("mixed");
    fs::write(&mixed, lines.join("\r\n")).unwrap();
    assert_eq!(import(&anna, &b2).code, 0);
    assert_eq!(import(&ben, &a2).code, 0);
    for path in [&b2, &mixed, &a, &a2, &b] {
        assert_eq!(import(&third, path).code, 0);
    }
    let expected = edits_of_clips(&anna);
    assert_eq!(edits_of_clips(&ben), expected);
    assert_eq!(edits_of_clips(&third), expected);
    let texts = expected.iter().map(Value::to_string).collect::<String>();
    assert!(
        texts.contains("stick drops")
            && !texts.contains("from Ben")
            && !texts.contains("never mind")
    );
    let exported = anna.run(&["edits", "export"]).stdout;
    for shoot in [&anna, &ben, &third] {
        assert_eq!(shoot.run(&["edits", "export"]).stdout, exported);
        assert_eq!(shoot.search_names(&["notes:second"]), [LAUGH]);
        assert_eq!(shoot.run(&["search", "notes:ben"]).code, 4);
        shoot.assert_consistent("after the merge");
    }
}

#[test]
fn imported_edits_wait_for_clips_not_scanned_yet() {
    let (anna, ben) = (machine(), Shoot::new());
    run_as(&anna, "anna", &["note", "wait for me", LAUGH]);
    run_as(&anna, "anna", &["stars", "4", "C0001.MP4"]);
    let journal = export(&anna, "a");
    // No drive was scanned there yet.
    let answer = import(&ben, &journal);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(
        answer.stdout.contains("2  clips not scanned yet"),
        "{}",
        answer.stdout
    );
    assert_eq!(ben.run(&["search", "notes:wait"]).code, 4);
    ben.add(&format!("{SESSION}/Day2/{LAUGH}"), "other name.mov");
    ben.scan_counts(&["--no-pictures"]);
    assert_eq!(ben.search_names(&["notes:wait"]), ["other name.mov"]);
    let known = import(&ben, &journal);
    assert!(
        known.stdout.starts_with("0 edits imported") && known.stdout.contains("2  already known"),
        "{}",
        known.stdout
    );
    ben.add(
        &format!("{SESSION}/Day1/PRIVATE/M4ROOT/CLIP/C0001.MP4"),
        "C0001.MP4",
    );
    ben.scan_counts(&["--no-pictures"]);
    assert_eq!(ben.clip("C0001.MP4")["rating"], 4);
    assert_eq!(ben.search_names(&["rating:4"]), ["C0001.MP4"]);
    ben.assert_consistent("waited");
}

#[test]
fn invalid_journal_lines_are_rejected_by_number_and_the_others_imported() {
    let (anna, ben) = (machine(), machine());
    for text in ["one", "two", "three", "four"] {
        run_as(&anna, "anna", &["note", text, LAUGH]);
    }
    let journal = fs::read(export(&anna, "a")).unwrap();
    let lines: Vec<&[u8]> = journal.split(|&byte| byte == b'\n').collect();
    let altered = String::from_utf8(lines[1].to_vec())
        .unwrap()
        .replace("two", "too");
    let long = vec![b'x'; 2 * 1024 * 1024];
    let long_json = format!("{{\"edit\":\"{}\"}}", "0".repeat(2 * 1024 * 1024));
    let parts: Vec<&[u8]> = vec![
        lines[0],
        altered.as_bytes(),
        &lines[2][..lines[2].len() / 2],
        &long,
        b"\xff\xfe\x00\x80 binary \x00",
        b"edit,clip,clock",
        b"",
        long_json.as_bytes(),
        b"null",
        b"[]",
        // Without a final line feed.
        lines[3],
    ];
    let path = ben.folder("journals").join("bad\u{202e}.ndjson");
    fs::write(&path, parts.join(&b'\n')).unwrap();
    let answer = import(&ben, &path);
    assert_eq!(answer.code, 3);
    assert!(
        answer.stdout.starts_with("2 edits imported"),
        "{}",
        answer.stdout
    );
    let output: Vec<&str> = answer.stderr.lines().collect();
    assert_eq!(output.len(), 8, "{}", answer.stderr);
    for (line, number) in output.iter().zip([2, 3, 4, 5, 6, 8, 9, 10]) {
        let begin = format!("bad\\u{{202e}}.ndjson:{number}: ");
        let (_, reason) = line.split_once(&begin).unwrap_or_else(|| panic!("{line}"));
        assert!(
            line.starts_with("warning: ") && !reason.is_empty(),
            "{line}"
        );
        assert!(line.len() < 1000, "a reason of {} bytes", line.len());
    }
    assert!(
        output[0].ends_with("altered: its id does not match its content"),
        "{}",
        output[0]
    );
    let notes = |shoot: &Shoot| {
        let clip = shoot.clip(LAUGH);
        let notes = clip["notes"].as_array().unwrap().iter();
        notes
            .map(|note| note["text"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(notes(&ben), ["one", "four"]);
    // The complete journal fills the gap, in the original order of the edits.
    assert_eq!(import(&ben, &anna.folder("journals").join("a")).code, 0);
    assert_eq!(notes(&ben), ["one", "two", "three", "four"]);
    // From standard input, and from a missing file.
    let mut command = ben.command();
    command.args(["edits", "import", "-"]);
    command.stdin(fs::File::open(&path).unwrap());
    assert_eq!(Answer::from_output(&command.output().unwrap()).code, 3);
    assert_eq!(ben.run(&["edits", "import", "nowhere.ndjson"]).code, 1);
    ben.assert_consistent("after invalid lines");
}

#[test]
fn undo_reverts_the_authors_last_command_and_can_be_undone() {
    let shoot = machine();
    let notes = || {
        let clip = shoot.clip(LAUGH);
        clip["notes"].as_array().map_or(0, Vec::len)
    };
    run_as(&shoot, "anna", &["note", "mine", LAUGH]);
    run_as(
        &shoot,
        "anna",
        &["tag", "add", "kept,too", "--yes", "--query", "tag:studio"],
    );
    let tagged = || shoot.search_names(&["tag:kept"]).len();
    assert_eq!(tagged(), 4);
    run_as(&shoot, "ben", &["note", "another's", LAUGH]);
    // Ben's edit is the latest; Anna's command is undone completely, and nothing else.
    let output = run_as(&shoot, "anna", &["undo"]);
    assert!(output.starts_with("undid 8 edits"), "{output}");
    assert_eq!((tagged(), notes()), (0, 2));
    run_as(&shoot, "anna", &["undo"]);
    assert_eq!(notes(), 1);
    let mut command = shoot.command();
    command.env("BTSINDEX_AUTHOR", "anna").arg("undo");
    let answer = Answer::from_output(&command.output().unwrap());
    assert_eq!(answer.code, 4, "{}", answer.stdout);
    assert_eq!(shoot.clip(LAUGH)["notes"][0]["text"], "another's");
    // An undo is an edit: undoing it by its id restores the reverted edit.
    let history = shoot.run(&["history", "--json", LAUGH]).json();
    let undo = history
        .iter()
        .rfind(|edit| !edit["action"]["undo"].is_null())
        .unwrap();
    let id = undo["edit"].as_str().unwrap();
    run_as(&shoot, "anna", &["undo", id]);
    assert_eq!(notes(), 2);
    let history = shoot.run(&["history", "--json", LAUGH]).json();
    let undo = history.last().unwrap()["edit"].as_str().unwrap();
    run_as(&shoot, "anna", &["undo", undo]);
    assert_eq!(notes(), 1);
    for wrong in ["zzzz", "00", "", "ffffffff"] {
        assert_eq!(shoot.run(&["undo", wrong]).code, 1, "{wrong}");
    }
    // Nothing was erased.
    let exported = shoot.run(&["edits", "export"]).json().len();
    assert_eq!(exported, 1 + 8 + 1 + 8 + 1 + 1 + 1);
    shoot.assert_consistent("undone");
}

#[test]
fn a_batch_of_edits_is_undone_together() {
    let shoot = machine();
    let output = run_as(&shoot, "anna", &["stars", "2", "--yes", "--query", "mp4"]);
    assert!(output.starts_with("2 stars given to 2 clips"), "{output}");
    run_as(
        &shoot,
        "anna",
        &["stars", "3", "--yes", "--query", "night", "owls"],
    );
    let rated = |stars: &str| shoot.search_names(&[&format!("rating:{stars}")]).len();
    assert_eq!((rated("3"), rated("2")), (4, 0));
    run_as(&shoot, "anna", &["undo"]);
    assert_eq!((rated("3"), rated("2")), (0, 2));
    // Without `--yes` and without a terminal to ask, nothing changes.
    let answer = shoot.run(&["stars", "1", "--query", "mp4"]);
    assert_eq!(answer.code, 1, "{}", answer.stdout);
    assert_eq!(rated("1"), 0);
    let three = ["select", LAUGH, "C0001.MP4", "SC01T03.WAV"];
    assert_eq!(run_as(&shoot, "anna", &three), "3 clips selected\n");
    assert_eq!(shoot.search_names(&["selection:selected"]).len(), 3);
    run_as(&shoot, "anna", &["undo"]);
    assert_eq!(shoot.run(&["search", "selection:selected"]).code, 4);
}

/// A journal from elsewhere may give other people's edits the batch id of one's own.
#[test]
fn undo_leaves_edits_of_other_authors_unchanged() {
    use btsindex::clip::{Action, Edit, EditContent};
    let shoot = machine();
    run_as(&shoot, "anna", &["note", "mine", LAUGH]);
    let exported = shoot.run(&["edits", "export"]).stdout;
    let mine = Edit::from_line(exported.trim()).unwrap();
    let forged = Edit::new(EditContent {
        author: "ben".to_owned(),
        action: Action::Note("Ben's".to_owned()),
        ..mine.content
    });
    let path = shoot.folder("journals").join("forged");
    fs::write(&path, forged.to_line()).unwrap();
    assert_eq!(import(&shoot, &path).code, 0);
    let output = run_as(&shoot, "anna", &["undo"]);
    assert!(output.starts_with("undid 1 edit\n  note: mine"), "{output}");
    let clip = shoot.clip(LAUGH);
    assert_eq!(clip["notes"][0]["text"], "Ben's", "{clip}");
}
