//! Content of a report as page, JSON and CSV, and where it may be written.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::day::{DAY, HARM, ingested_day};
use crate::shoot::Shoot;

fn json(arguments: &[&str]) -> Value {
    let answer = ingested_day().run(&[&["report", "--json"], arguments].concat());
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(answer.stdout.lines().count(), 1);
    serde_json::from_str(&answer.stdout).unwrap()
}

fn names(of: &Value) -> Vec<&str> {
    let all = of.as_array().unwrap().iter();
    all.map(|one| one["name"].as_str().unwrap_or("-")).collect()
}

/// Names of the clips with irregularities of a kind.
fn with_irregularity<'a>(report: &'a Value, kind: &str) -> Vec<(&'a str, &'a str)> {
    let found = report["odd"].as_array().unwrap().iter();
    let found = found.filter(|one| one["kind"] == kind);
    found
        .map(|one| (one["name"].as_str().unwrap(), one["text"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_report_as_json_is_one_object() {
    let report = json(&[DAY]);
    assert_eq!(report["report"]["day"], DAY);
    assert_eq!(report["productions"][0], "ACME Spring Campaign BTS");
    assert_eq!(
        report["crew"][0],
        "director: Anna Kim; camera: Ben Ruiz, Cleo Baum"
    );
    assert_eq!(report["kinds"][0], "ad-shoot");
    assert_eq!(report["totals"]["clips"], 18);
    assert_eq!(report["clips"].as_array().unwrap().len(), 18);
    let cards = report["cards"].as_array().unwrap();
    assert_eq!(cards.len(), 5);
    assert!(
        cards
            .iter()
            .all(|card| card["places"].as_array().unwrap().len() == 2)
    );
    let cameras = names(&report["totals"]["by_camera"]);
    assert!(cameras.contains(&"A · Sony ILME-FX3"), "{cameras:?}");
    // Unreadable files are assigned to the one camera with the card's letter.
    assert!(!cameras.contains(&"camera A"), "{cameras:?}");
    let sum = |by: &str| -> u64 {
        let all = report["totals"][by].as_array().unwrap().iter();
        all.map(|one| one["clips"].as_u64().unwrap()).sum()
    };
    assert_eq!(
        (sum("by_camera"), sum("by_card"), sum("by_day")),
        (18, 18, 18)
    );
}

#[test]
fn irregularities_are_found() {
    let report = json(&[DAY]);
    assert_eq!(
        with_irregularity(&report, "unreadable"),
        [("C0009.MP4", "contains text, not media")]
    );
    assert_eq!(
        with_irregularity(&report, "gap"),
        [("C0006.MP4", "C0005 is missing")]
    );
    assert_eq!(
        with_irregularity(&report, "rate"),
        [("C0004.MP4", "23.976, where 12 of 15 clips have 25")]
    );
    assert_eq!(
        with_irregularity(&report, "no-sound"),
        [("C0007.MP4", "6 of 7 clips of this camera have sound")]
    );
    let fast: Vec<&str> = with_irregularity(&report, "high-rate")
        .iter()
        .map(|it| it.0)
        .collect();
    assert_eq!(fast, ["GX010042.MP4", "GX010043.MP4"]);
    // Two folders on one disk count as one copy.
    assert_eq!(with_irregularity(&report, "one-copy").len(), 17);
}

#[test]
fn a_query_narrows_a_report_and_keeps_the_gaps_of_the_card() {
    let report = json(&[DAY, "tag:drummer"]);
    assert_eq!(
        names(&report["clips"]),
        ["C0001.MP4", "C0003.MP4", "B001C002_260520_CANON.MOV"]
    );
    assert_eq!(with_irregularity(&report, "gap"), []);
    let report = json(&["camera:hero12"]);
    assert_eq!(report["report"]["day"], Value::Null);
    assert_eq!(names(&report["clips"]), ["GX010042.MP4", "GX010043.MP4"]);
    let empty = ingested_day().run(&["report", "2026-05-21", "-o", "-"]);
    assert_eq!((empty.code, empty.stdout.as_str()), (4, ""));
}

#[test]
fn a_shoot_day_file_selects_its_day() {
    let day = ingested_day();
    let file = day.shoot.folder("").join("day.toml");
    let report = json(&[file.to_str().unwrap()]);
    assert_eq!(report["report"]["day"], DAY);
    let bare = day.shoot.folder("").join("bare.toml");
    fs::write(&bare, "[day]\nnumber = 3\n").unwrap();
    let answer = day.run(&["report", bare.to_str().unwrap()]);
    assert_eq!(answer.code, 2, "{}", answer.stderr);
    assert!(answer.stderr.contains("has no date"), "{}", answer.stderr);
}

#[test]
fn invalid_dates_and_missing_folders_are_reported() {
    let day = ingested_day();
    let answer = day.run(&["report", "2026-02-30"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (2, ""));
    assert!(
        answer.stderr.contains("2026-02-30 is not a date"),
        "{}",
        answer.stderr
    );
    for kind in [&["--folder"][..], &["--csv"], &["--json"], &[]] {
        let nowhere = day.shoot.folder("").join("nowhere/day.html");
        let arguments = ["report", DAY, "-o", nowhere.to_str().unwrap()];
        let answer = day.run(&[&arguments, kind].concat());
        assert_eq!((answer.code, answer.stdout.as_str()), (1, ""), "{kind:?}");
        let message = answer.stderr.lines().next().unwrap_or_default();
        assert!(
            message.ends_with("its folder does not exist"),
            "{}",
            answer.stderr
        );
    }
}

#[test]
fn csv_has_one_row_per_clip() {
    let answer = ingested_day().run(&["report", DAY, "--csv"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let mut rows = csv::Reader::from_reader(answer.stdout.as_bytes());
    let headings = rows.headers().unwrap().clone();
    let at = |name: &str| headings.iter().position(|heading| heading == name).unwrap();
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 18);
    let row = rows
        .iter()
        .find(|row| &row[at("name")] == "C0002.MP4")
        .unwrap();
    assert_eq!((&row[at("day")], &row[at("card")]), (DAY, "A001"));
    assert!(row[at("notes")].contains(HARM), "{row:?}");
    let gap = rows
        .iter()
        .find(|row| &row[at("name")] == "C0006.MP4")
        .unwrap();
    assert!(gap[at("odd")].contains("gap: C0005 is missing"), "{gap:?}");
}

#[test]
fn edits_appear_in_the_page_as_text_only() {
    let page = fs::read_to_string(ingested_day().create("whole.html", &["report", DAY])).unwrap();
    assert!(page.starts_with(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"generator\""
    ));
    assert!(!page.contains("<img src=x") && !page.contains("<script>alert"));
    assert!(page.contains("&lt;img src=x onerror=alert(3)&gt;.mov"));
    assert!(
        !page.contains('\u{202e}'),
        "a name reorders the text next to it"
    );
    assert_eq!(page.matches("<script").count(), 1);
    assert!(!page.contains(" style=") && !page.contains("http://") && !page.contains("https://"));
    assert_eq!(page.matches("<article").count(), 18);
    assert!(page.matches("data-strip=\"data:image/webp;base64,").count() >= 14);
    let sheet = ingested_day().create("strips.html", &["sheet", DAY, "--strips"]);
    let sheet = fs::read_to_string(sheet).unwrap();
    assert!(sheet.contains(".grid{--columns:1}") && sheet.contains("class=\"film\""));
}

#[test]
fn a_report_to_a_blocked_pipe_ends_at_the_first_signal() {
    let day = ingested_day();
    let mut report = day.shoot.command();
    report.args(["report", DAY, "-o", "-"]);
    let mut report = report
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The command prints, and blocks until its output is read.
    let mut begin = [0; 9];
    let mut stdout = report.stdout.take().unwrap();
    stdout.read_exact(&mut begin).unwrap();
    assert_eq!(&begin, b"<!DOCTYPE");
    let killed = Command::new("kill")
        .args(["-TERM", &report.id().to_string()])
        .status();
    assert!(killed.unwrap().success());
    let ended = report.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    let stderr = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(stderr.lines().last(), Some("interrupted"), "{stderr}");
}

#[test]
fn footage_is_never_replaced_by_a_report() {
    let day = ingested_day();
    let folder = day.shoot.folder("precious");
    for (name, arguments) in [
        ("C0001.MP4", &["report", DAY][..]),
        ("list.csv", &["report", DAY, "--csv"]),
        ("all.json", &["report", DAY, "--json"]),
        ("sheet.html", &["sheet", DAY]),
    ] {
        let path = folder.join(name);
        fs::write(&path, "precious").unwrap();
        let answer = day.run(&[arguments, &["-o", path.to_str().unwrap()]].concat());
        assert_eq!(answer.code, 1, "{name}");
        assert!(
            answer.stderr.contains("is not a btsindex report"),
            "{}",
            answer.stderr
        );
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        fs::remove_file(&path).unwrap();
        for _ in 0..2 {
            let answer = day.run(&[arguments, &["-o", path.to_str().unwrap()]].concat());
            assert_eq!(answer.code, 0, "{name}: {}", answer.stderr);
        }
    }
    let inside = folder.join("book");
    fs::create_dir_all(inside.join("pictures")).unwrap();
    fs::write(inside.join("pictures/C0001.MP4"), "precious").unwrap();
    let answer = day.run(&[
        "report",
        DAY,
        "--folder",
        "-o",
        inside.with_extension("html").to_str().unwrap(),
    ]);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    assert_eq!(
        fs::read(inside.join("pictures/C0001.MP4")).unwrap(),
        b"precious"
    );
    let hidden = fs::read_dir(&folder).unwrap();
    assert_eq!(hidden.count(), 5, "temporary files are left");
}

#[test]
fn a_page_without_a_name_is_named_after_its_day() {
    let shoot = Shoot::new();
    shoot.add("Location Scout/IMG_1234.MOV", "IMG_1234.MOV");
    assert_eq!(shoot.scan().code, 0);
    let place = shoot.folder("here");
    let run = |arguments: &[&str]| {
        let mut command = shoot.command();
        command.args(arguments).current_dir(&place);
        assert!(command.status().unwrap().success(), "{arguments:?}");
    };
    run(&["report", "2026-05-14"]);
    run(&["report", "img"]);
    run(&["sheet", "2026-05-14"]);
    let mut names: Vec<String> = fs::read_dir(&place)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["2026-05-14-sheet.html", "2026-05-14.html", "report.html"]
    );
}
