//! Searching with the program itself: flags, output streams and exit codes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::clips;
use super::sample_catalogue::Set;
use crate::shoot::Answer;

/// Command of the program with a catalogue.
fn command(set: &Set) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_btsindex"));
    command
        .env("BTSINDEX_CATALOGUE", set.catalogue.folder())
        .stdin(Stdio::null())
        .current_dir(set.folder.path());
    command
}

fn run(set: &Set, arguments: &[&str]) -> Answer {
    Answer::from_output(&command(set).args(arguments).output().unwrap())
}

/// Runs a search that has matches, and returns its output.
fn searched(set: &Set, arguments: &[&str]) -> String {
    let answer = run(set, &[&["search"], arguments].concat());
    assert_eq!(answer.code, 0, "{arguments:?}: {}", answer.stderr);
    answer.stdout
}

/// Runs a search that fails or has no matches; returns its exit code and message.
fn refused(set: &Set, arguments: &[&str]) -> (i32, String) {
    let answer = run(set, &[&["search"], arguments].concat());
    (answer.code, answer.stderr)
}

#[test]
fn a_dash_before_a_word_excludes_it() {
    let (set, _) = clips::set();
    let without = searched(&set, &["-laughing", "drummer", "--paths", "--sort", "name"]);
    let paths = [
        "/Studio Session - Night Owls/cam a/C0001.MP4",
        "/apart/Été_Drummer.mov",
        "/Studio Session - Night Owls/cam c/MVI_0007.MOV",
    ];
    let mut found: Vec<&str> = without.lines().collect();
    found.sort_unstable();
    let mut expected = paths
        .map(|path| path.replace("Été", "E\u{301}te\u{301}"))
        .to_vec();
    expected.sort();
    assert_eq!(found, expected);
    // The shell removed the quotes.
    for spelling in ["-tag:ad shoot", "not:tag:ad shoot", "not:tag:ad-shoot"] {
        let count = searched(&set, &["--count", "sony", spelling]);
        assert_eq!(count, "7\n", "{spelling}");
    }
    let zeros = searched(&set, &["drone", "-0", "--sort", "name"]);
    assert_eq!(zeros.matches('\0').count(), 4);
}

#[test]
fn a_query_is_explained_part_by_part() {
    let (set, _) = clips::set();
    let fail_on_notice = searched(
        &set,
        &["--explain", "a", "b", "OR", "drummer", "size:>10GB"],
    );
    let expected = "\
a any:b,drummer bytes:10000000001..
part                 clips
a                    9
any:b,drummer        6
bytes:10000000001..  4
all parts            2
";
    assert_eq!(fail_on_notice, expected);
    assert_eq!(searched(&set, &["--explain"]), "every clip\n");
}

#[test]
fn matches_are_counted() {
    let (set, _) = clips::set();
    assert_eq!(searched(&set, &["--count", "drummer"]), "5\n");
    assert_eq!(
        searched(&set, &["--count", "drummer", "--json"]),
        "{\"clips\":5}\n"
    );
    let zero = run(&set, &["search", "--count", "zzz"]);
    assert_eq!((zero.code, zero.stdout.as_str()), (4, "0\n"));
    let facets = searched(&set, &["--facets", "tag,camera", "path:owls"]);
    let expected = "\
tags            clips
studio-session  4
drums           2
sound           2
(no tags)       2

camera                     clips
Sony ILME-FX3              3
Canon EOS C70              2
Sound Devices MixPre-6 II  2
Canon XH A1                1
";
    assert_eq!(facets, expected);
    let lines = searched(&set, &["--facets", "tag", "--json", "path:owls", "-n", "1"]);
    let expected = "\
{\"facet\":\"tags\",\"value\":\"studio-session\",\"clips\":4}
{\"facet\":\"tags\",\"value\":null,\"clips\":2}
";
    assert_eq!(lines, expected);
}

#[test]
fn statistics_cover_the_matches_of_a_query() {
    let (set, _) = clips::set();
    let stats = run(&set, &["stats", "path:owls", "--by", "volume", "--json"]);
    let expected = "\
{\"clips\":8,\"duration\":11295.5,\"bytes\":85200000001}
{\"facet\":\"volume\",\"value\":\"RAID-A\",\"clips\":7,\"duration\":11175.5,\"bytes\":85000000001}
{\"facet\":\"volume\",\"value\":\"Vault 3\",\"clips\":1,\"duration\":120.0,\"bytes\":200000000}
";
    assert_eq!(stats.stdout, expected);
    let stats = run(&set, &["stats", "tag:ad-shoot", "--by", "camera"]).stdout;
    assert!(
        stats.starts_with("5 clips, 7 min, 47 GB\n\ncamera\n"),
        "{stats}"
    );
    assert!(
        stats.contains("ARRI ALEXA Mini LF  2  5 min   43 GB  █"),
        "{stats}"
    );
    let none = run(&set, &["stats", "zzz"]);
    assert_eq!((none.code, none.stdout.as_str()), (4, ""));
    assert_eq!(none.stderr, "nothing found\nno clip matches `zzz`\n");
}

#[test]
fn clips_are_grouped_under_headings() {
    let (set, _) = clips::set();
    let fail_on_notice = searched(
        &set,
        &["--group", "day", "tag:ad-shoot", "--columns", "name,rating"],
    );
    let expected = "\
2026-05-02 (3 clips)
name                               rating
BTSInterview_Drummer_Laughing.mov  4
A001_C004_0512AB.mov               5
A001_C003_0512AB.mov

2026-05-03 (2 clips)
name                  rating
Gaffer_Lights_10.mp4
Day2_Makeup_Room.mp4  1
";
    assert_eq!(fail_on_notice, expected);
    let none = searched(
        &set,
        &[
            "--group",
            "camera",
            "any:problem:moov,tag:crane",
            "--columns",
            "name",
        ],
    );
    let headings: Vec<&str> = none.lines().filter(|line| line.ends_with(')')).collect();
    assert_eq!(
        headings,
        ["ARRI ALEXA Mini LF (1 clip)", "no camera (1 clip)"]
    );
    // Listed under each of its tags; the total covers all matches.
    let tags = searched(
        &set,
        &[
            "--group",
            "tag",
            "path:owls",
            "--columns",
            "name",
            "-n",
            "4",
        ],
    );
    let headings: Vec<&str> = tags.lines().filter(|line| line.ends_with(')')).collect();
    let expected = [
        "drums (2 clips)",
        "sound (2 clips)",
        "studio-session (2 of 4 clips)",
    ];
    assert_eq!(headings, expected);
}

#[test]
fn clips_are_printed_as_json_csv_and_columns() {
    let (set, _) = clips::set();
    let line = searched(&set, &["laughing", "drummer", "--json", "-n", "1"]);
    let clip: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(clip["name"], "BTSInterview_Drummer_Laughing.mov");
    assert_eq!(
        clip["tags"],
        serde_json::json!(["ad-shoot", "drummer", "interview"])
    );
    let columns = "name,stars,tags,camera,captured";
    let csv = searched(
        &set,
        &["--csv", "stars:5", "--columns", columns, "--sort", "-date"],
    );
    let expected = "\
name,rating,tags,camera,captured
DJI_0042.MP4,5,drone,DJI FC3582,2026-06-21T23:30:00
A001_C004_0512AB.mov,5,ad-shoot; crane,ARRI ALEXA Mini LF,2026-05-02T15:31:00
C0010.MP4,5,studio-session,Sony ILME-FX3,2025-11-24T21:00:00
";
    assert_eq!(csv, expected);
    let drone = [
        "drone",
        "-n",
        "2",
        "--sort",
        "-size",
        "--columns",
        "name,bytes",
    ];
    let answer = run(&set, &[&["search"], &drone[..]].concat());
    assert_eq!(
        answer.stdout,
        "name          bytes\nDJI_0043.MP4  7.0 GB\nDJI_0042.MP4  5.0 GB\n"
    );
    let message = "4 clips found, first 2 shown; `--limit 0` shows all\n";
    assert_eq!(answer.stderr, message);
    // Match in a field that no other column shows.
    let columns = [
        "drummer",
        "has:notes",
        "--columns",
        "name,match",
        "--sort",
        "name",
    ];
    let expected = "\
name                               match
BTSInterview_Drummer_Laughing.mov
C0002.MP4                          notes: Bassist tunes, then the drummer laughs
MVI_0007.MOV                       notes: Drummers' break
";
    assert_eq!(searched(&set, &columns), expected);
}

#[test]
fn hostile_names_break_no_table_and_no_line_of_csv() {
    let (set, _) = clips::set();
    let table = searched(
        &set,
        &["path:hostile", "--sort", "name", "--columns", "name,notes"],
    );
    let expected = "\
name                           notes
=HYPERLINK(\"x\"), \"quoted\".mov  line one\\nline two
red\\u{1b}[31m\\u{202e}gpj.mov
";
    assert_eq!(table, expected);
    let csv = searched(
        &set,
        &[
            "path:hostile",
            "--csv",
            "--sort",
            "name",
            "--columns",
            "name,notes",
        ],
    );
    let mut lines = csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<Vec<String>> = lines
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect();
    let expected = [
        // A spreadsheet would follow the formula.
        ["'=HYPERLINK(\"x\"), \"quoted\".mov", "line one\nline two"],
        ["red\u{1b}[31m\u{202e}gpj.mov", ""],
    ];
    assert_eq!(rows, expected);
    let json = searched(&set, &["path:hostile", "--json"]);
    assert!(!json.contains(['\u{1b}', '\u{202e}']), "{json}");
}

#[test]
fn a_search_is_saved_run_by_name_and_deleted() {
    let (set, _) = clips::set();
    let save = ["--save", "tuesday selects", "is:selected", "date:2026.."];
    let answer = run(&set, &[&["search"], &save[..], &["--count"]].concat());
    assert_eq!(
        (answer.stdout.as_str(), answer.stderr.as_str()),
        ("2\n", "saved as `tuesday selects`\n")
    );
    for name in [
        "@tuesday selects",
        "saved:tuesday selects",
        "saved:tuesday-selects",
        "@Tuesday_Selects",
    ] {
        assert_eq!(searched(&set, &[name, "--count"]), "2\n", "{name}");
        assert_eq!(
            searched(&set, &[name, "-drone", "--count"]),
            "1\n",
            "{name}"
        );
    }
    assert_eq!(
        searched(&set, &["not:saved:tuesday-selects", "tag:drone", "--count"]),
        "3\n"
    );
    searched(&set, &["--save", "calm", "@tuesday selects", "-drone"]);
    assert_eq!(
        searched(&set, &["@calm", "OR", "tag:slate", "--count"]),
        "2\n"
    );
    let list = "\
name             query
calm             @tuesday selects not:drone
tuesday selects  is:selected date:2026..
";
    assert_eq!(searched(&set, &["--saved"]), list);
    let line = "{\"name\":\"tuesday selects\",\"words\":[\"is:selected\",\"date:2026..\"]}";
    assert_eq!(
        searched(&set, &["--saved", "--json"]).lines().last(),
        Some(line)
    );
    assert_eq!(
        searched(&set, &["--saved", "--csv"]).lines().last(),
        Some("tuesday selects,is:selected date:2026..")
    );
    for other in ["--paths", "--count"] {
        assert_eq!(refused(&set, &["--saved", other]).0, 2, "{other}");
    }
    // Replacing a search is reported; a circular reference replaces nothing.
    let again = run(
        &set,
        &[
            "search",
            "--save",
            "calm",
            "@tuesday selects",
            "-night",
            "--count",
        ],
    );
    let fail_on_notice = "saved as `calm`\nreplaced `@tuesday selects not:drone`\n";
    assert_eq!(again.stderr, fail_on_notice);
    let round = refused(&set, &["--save", "tuesday-selects", "@calm"]);
    assert!(round.1.contains("refers to itself"), "{}", round.1);
    let round = refused(&set, &["--save", "tuesday selects", "@calm"]);
    assert_eq!(round.0, 2);
    searched(&set, &["@tuesday selects", "--count"]);
    // A search that refers to itself cannot be saved; one with deleted parts reports that.
    let unknown = |name: &str| {
        let hint = "`btsindex search --saved` lists them all";
        (
            2,
            format!("error: no saved search `{name}`\nhint: {hint}\n"),
        )
    };
    assert_eq!(refused(&set, &["--save", "loop", "@loop"]), unknown("loop"));
    searched(&set, &["--forget", "tuesday selects"]);
    assert_eq!(refused(&set, &["@calm"]), unknown("tuesday selects"));
    assert_eq!(refused(&set, &["--forget", "tuesday selects"]).0, 4);
    assert_eq!(refused(&set, &["--save", "nothing"]).0, 2);
    assert_eq!(refused(&set, &["--save", "bad", "camara:x"]).0, 2);
}

#[test]
fn queries_without_matches_get_suggestions() {
    let (set, _) = clips::set();
    for (typed, message) in [
        (
            &["drumer"][..],
            "no clip matches `drumer`; did you mean `drummer` (5 clips) or `drummers` (4 clips) or `drums` (3 clips)?\n",
        ),
        (
            &["interviw", "tag:slat", "res:4k"],
            "no clip matches `interviw`; did you mean `interview` (1 clip)?\n\
             no clip matches `tags:slat`; did you mean `tags:slate` (1 clip)?\n",
        ),
        (
            &["drummer", "is:vr"],
            "without `is:vr`: 5 clips\nwithout `drummer`: 2 clips\n",
        ),
        (
            &["tag:ad shot"],
            "no clip matches `tags:\"ad shot\"`; did you mean `tags:\"ad shoot\"` (5 clips)?\n",
        ),
        (
            &["drummer", "zzz"],
            "no clip matches `zzz`\nwithout `zzz`: 5 clips\n",
        ),
        (
            &["qqqq", "-qqqq"],
            "no clip matches `qqqq`\nwithout `qqqq`: 45 clips\n",
        ),
    ] {
        let answer = run(&set, &[&["search"], typed].concat());
        assert_eq!((answer.code, answer.stdout.as_str()), (4, ""), "{typed:?}");
        assert_eq!(answer.stderr, format!("nothing found\n{message}"));
    }
}

#[test]
fn unknown_flag_values_get_suggestions() {
    let (set, _) = clips::set();
    for (typed, message) in [
        (
            &["camara:fx3"][..],
            "error: no field `camara`\nhint: did you mean `camera`? `btsindex fields` lists them all\n",
        ),
        (
            &["--sort", "captred"],
            "error: cannot sort by `captred`\nhint: did you mean `captured`?\n",
        ),
        (
            &["--columns", "nam"],
            "error: no column `nam`\nhint: did you mean `name`?\n",
        ),
        (
            &["--facets", "tagg"],
            "error: `tagg` is not a facet\nhint: did you mean `tags`?\n",
        ),
        (
            &["--group", "dya"],
            "error: `dya` is not a facet\nhint: did you mean `day`?\n",
        ),
    ] {
        assert_eq!(refused(&set, typed), (2, message.to_owned()), "{typed:?}");
    }
}

#[test]
fn a_closed_pipe_is_not_a_failure() {
    let (set, _) = clips::set();
    for arguments in [
        &["search", "--json"][..],
        &["search", "not:zzz", "--csv"],
        &["search", "not:zzz", "-n", "0"],
        &["search", "not:zzz", "--facets", "folder"],
        &["stats", "--by", "folder"],
    ] {
        let mut command = command(&set);
        command
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        lines.read_line(&mut String::new()).unwrap();
        drop(lines);
        // Once after some output was read, and once when nothing is ever read.
        let mut unread = command.spawn().unwrap();
        drop(unread.stdout.take());
        for child in [child, unread] {
            let answer = child.wait_with_output().unwrap();
            let message = String::from_utf8_lossy(&answer.stderr);
            assert!(answer.status.success(), "{arguments:?}: {message}");
            assert!(!message.contains("error"), "{arguments:?}: {message}");
        }
    }
}
