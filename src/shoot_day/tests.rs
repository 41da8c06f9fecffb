//! Tests of day files: errors with their hints, the example, relative paths, and random text.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::{Date, Time};
use proptest::prelude::*;

use super::path_base::PathBase;
use super::*;
use crate::error::Error;

/// Invalid day files with `|` as line breaks, each with the line, reason and hint of the error.
const BAD: &str = r#"
[dya] ⇒ 1 ⇒ no setting `dya` ⇒ did you mean `day`?
[[day]] ⇒ 1 ⇒ `day` is not a table ⇒ one line `[day]`
day = 3 ⇒ 1 ⇒ `day` is not a table ⇒ `[day]`
[day]|prodction = "x" ⇒ 2 ⇒ no setting `prodction` ⇒ did you mean `production`?
[day]|weather = "fair" ⇒ 2 ⇒ no setting `weather` ⇒ available settings: production, date
[day]|production = "" ⇒ 2 ⇒ `production` is empty ⇒ production = "ACME
[day]|production = "  " ⇒ 2 ⇒ `production` is empty ⇒ production = "ACME
[day]|production = true ⇒ 2 ⇒ `production` is not text ⇒ production = "ACME
[day]|production = ["a"] ⇒ 2 ⇒ `production` is not text ⇒ production = "ACME
[day]|production = "LONG" ⇒ 2 ⇒ longer than 200 characters ⇒ production = "ACME
[day]|location = "a\nb" ⇒ 2 ⇒ control character ⇒ location = "Stage 4"
[day]|kind = "a\u001b[31m" ⇒ 2 ⇒ control character ⇒ kind = "ad shoot"
[day]|kind = ad shoot ⇒ 2 ⇒ ⇒ `btsindex ingest --example` prints an example
[day]|date = 2026-02-30 ⇒ 2 ⇒ invalid date ⇒ `btsindex ingest --example`
[day]|date = "2026-02-30" ⇒ 2 ⇒ `2026-02-30` is not a date ⇒ date = 2026-05-02
[day]|date = "2 May" ⇒ 2 ⇒ `2 May` is not a date ⇒ date = 2026-05-02
[day]|date = 20260502 ⇒ 2 ⇒ `date` is not a date ⇒ date = 2026-05-02
[day]|date = 2026-05-02T14:00:00 ⇒ 2 ⇒ is not a date ⇒ date = 2026-05-02
[day]|date = 0026-05-02 ⇒ 2 ⇒ year 26 is not from 1895 to 2199 ⇒ date = 2026-05-02
[day]|number = 0 ⇒ 2 ⇒ not a whole number from 1 to 999 ⇒ number =
[day]|number = "three" ⇒ 2 ⇒ not a whole number ⇒ number =
[day]|starts = 4 ⇒ 2 ⇒ `starts` is not a time ⇒ starts = 04:00
[day]|starts = "24:00" ⇒ 2 ⇒ `24:00` is not a time of day ⇒ starts = 04:00
[day]|starts = 04:00:30 ⇒ 2 ⇒ is not a time of day ⇒ starts = 04:00
[day]|crew = "Anna" ⇒ 2 ⇒ not a table of roles and names ⇒ director =
[day]|crew = { director = [] } ⇒ 2 ⇒ `director` has no names ⇒ director =
[day]|crew = { director = ["Anna", ""] } ⇒ 2 ⇒ `director` is empty ⇒ director = "Anna Kim"
[day]|crew = { director = { name = "x" } } ⇒ 2 ⇒ `director` is not text ⇒ director = "Anna Kim"
[day]|crew = { "" = "Anna" } ⇒ 2 ⇒ `` is not a valid role ⇒ director =
[day]|tags = ["ok",|"a,b"] ⇒ 3 ⇒ `a,b` is not a tag ⇒ tags = ["interview"]
[day]|tags = [""] ⇒ 2 ⇒ is not a tag ⇒ tags = ["interview"]
[day]|kind = "a"|kind = "b" ⇒ 3 ⇒ duplicate key ⇒
[card]|path = "/a" ⇒ 1 ⇒ `card` is not a list of tables ⇒ [[card]]
[[card]]|camera = "A" ⇒ 1 ⇒ a card has no path ⇒ path = "/media/A001"
[[card]]|path = "" ⇒ 2 ⇒ the path is empty ⇒ /media/A001
[[card]]|path = 3 ⇒ 2 ⇒ `path` is not a path ⇒ "/media/A001"
[[card]]|path = "/a\u0000" ⇒ 2 ⇒ control characters ⇒ check the path
[[card]]|path = "~anna/a" ⇒ 2 ⇒ begins with `~` ⇒ home folder
[[card]]|path = "/a"|[[card]]|path = "/a/./" ⇒ 3 ⇒ duplicate card `/a/./` ⇒ remove one
[[card]]|path = "/a"|camara = "A" ⇒ 3 ⇒ no setting `camara` ⇒ did you mean `camera`?
[[card]]|path = "/a"|clock = 3600 ⇒ 3 ⇒ `clock` is not a correction ⇒ "+01:02:00"
[[card]]|path = "/a"|clock = "1 hour" ⇒ 3 ⇒ is not a correction ⇒ "+01:02:00"
[[card]]|path = "/a"|clock = "" ⇒ 3 ⇒ is not a correction ⇒ "+01:02:00"
[[card]]|path = "/a"|clock = { shows = "14:00" } ⇒ 3 ⇒ `clock` has no `was` ⇒ shows =
[[card]]|path = "/a"|clock = { show = "14:00" } ⇒ 3 ⇒ no setting `show` ⇒ did you mean `shows`?
[[card]]|path = "/a"|clock = { shows = 14, was = 15 } ⇒ 3 ⇒ `shows` is not a time ⇒ shows =
[[card]]|path = "/a"|clock = { shows = 14:00:00, was = 2026-05-02T15:00:00 } ⇒ 3 ⇒ both have a date ⇒ shows =
[[card]]|path = "/a"|clock = { shows = 2026-05-02T14:00:00Z, was = 2026-05-02T15:00:00Z } ⇒ 3 ⇒ without a UTC offset ⇒ shows =
[to]|folder = "/raid" ⇒ 2 ⇒ no setting `folder` ⇒ did you mean `folders`?
[to]|folders = 3 ⇒ 2 ⇒ `folders` is not a path ⇒ {card}
[to]|folders = ["/raid",|""] ⇒ 3 ⇒ the path is empty ⇒
[to]|folders = "/raid/{camra}" ⇒ 2 ⇒ no placeholder `{camra}` ⇒ did you mean `{camera}`?
[to]|folders = "/raid/{volume}" ⇒ 2 ⇒ no placeholder `{volume}` ⇒ available: {production}
[to]|folders = "/raid/{card" ⇒ 2 ⇒ unmatched `{` ⇒ `{{`
[to]|folders = "/raid/card}" ⇒ 2 ⇒ unmatched `}` ⇒ `}}`
[to]|folders = "raid/{card}" ⇒ 2 ⇒ is relative ⇒ absolute path
[to]|folders = "~/raid/{card}" ⇒ 2 ⇒ is relative ⇒ absolute path
[to]|folders = "/raid/../{card}" ⇒ 2 ⇒ contains `..` ⇒ absolute path
[to]|folders = ["/raid/{card}",|"/raid//{card}/"] ⇒ 3 ⇒ duplicate folder ⇒ another drive
[to]|hash = "xxh12" ⇒ 2 ⇒ unknown hash algorithm `xxh12` ⇒ did you mean `xxh128`?
[to]|hash = "MD5" ⇒ 2 ⇒ unknown hash algorithm `MD5` ⇒ did you mean `md5`?
[to]|hash = "crc" ⇒ 2 ⇒ unknown hash algorithm `crc` ⇒ available: xxh128, xxh64, md5, sha1, c4
[to]|hash = 5 ⇒ 2 ⇒ `hash` is not the name ⇒ available
"#;

/// Checks the error of an invalid day file.
fn expect_error(text: &str, line: usize, reason: &str, expected_hint: &str) {
    match Day::parse(text, "day.toml") {
        Err(Error::InvalidFile {
            file,
            line: at,
            message,
            hint,
        }) => {
            assert_eq!(
                (file.as_str(), at),
                ("day.toml", Some(line)),
                "{text}: {message}"
            );
            assert!(message.contains(reason), "{text}: {message}");
            assert!(hint.contains(expected_hint), "{text}: {message}: {hint}");
        }
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn errors_have_line_reason_and_hint() {
    for row in BAD.trim().lines() {
        let cells: Vec<&str> = row.split('⇒').map(str::trim).collect();
        let &[text, line, reason, hint] = cells.as_slice() else {
            panic!("{row}");
        };
        let text = text.replace('|', "\n").replace("LONG", &"x".repeat(201));
        expect_error(&text, line.parse().unwrap(), reason, hint);
    }
    let card = |number| format!("[[card]]\npath = \"/{number}\"\n");
    let many = (0..1001).map(card).collect::<Vec<_>>().concat();
    expect_error(&many, 2001, "more than 1,000 cards", "each day");
}

#[test]
fn rejects_a_file_that_is_too_long() {
    let long = "#".repeat(1024 * 1024 + 1);
    let error = Day::parse(&long, "day.toml").unwrap_err();
    assert!(error.to_string().contains("larger than 1 MiB"), "{error}");
    assert!(error.hint().unwrap().starts_with("day files are small"));
}

#[test]
fn the_example_uses_all_settings() {
    let day = Day::parse(EXAMPLE, "example").unwrap();
    assert_eq!(day.production.as_deref(), Some("ACME Spring Campaign BTS"));
    assert_eq!(day.date, Some(Date::constant(2026, 5, 2)));
    assert_eq!(day.number, Some(3));
    assert_eq!(day.kind.as_deref(), Some("ad shoot"));
    assert_eq!(day.location.as_deref(), Some("Stage 4"));
    assert_eq!(
        day.crew_text().as_deref(),
        Some("director: Anna Kim; camera: Ben Ruiz, Cleo Baum")
    );
    assert_eq!(day.tags, ["product-launch"]);
    assert_eq!(day.starts, Some(Time::constant(4, 0, 0, 0)));
    assert_eq!(day.to.hash.as_deref(), Some("xxh128"));
    let [a, b] = day.cards.as_slice() else {
        panic!("{:?}", day.cards);
    };
    assert_eq!(a.path, Path::new("/media/A001"));
    assert_eq!(b.clock.unwrap().to_string(), "+01:02:00");
    assert_eq!(b.tags, ["interview"]);
    let filled = |card: &DayCard, volume| {
        let folder = day.to.folders[0].fill(&day.values(card, Some(volume)));
        folder.unwrap()
    };
    let raid = Path::new("/raid/ACME Spring Campaign BTS/2026-05-02");
    assert_eq!(filled(a, "A001"), raid.join("A/A001"));
    assert_eq!(filled(b, "UNTITLED"), raid.join("B/B001"));
    assert_eq!(day.values(a, None).location, Some("Stage 4"));
    assert_eq!(day.values(b, None).location, Some("Backstage"));
}

#[test]
fn all_settings_are_optional() {
    let day = Day::parse("", "day.toml").unwrap();
    assert!(day.cards.is_empty() && day.to.folders.is_empty() && day.crew_text().is_none());
    let day = Day::parse("[day]\nlocation = 4\n[to]\nfolders = []\n", "day.toml").unwrap();
    assert_eq!(day.location.as_deref(), Some("4"));
}

#[test]
fn accepts_times_with_and_without_quotes() {
    for clock in [
        r#""+01:02""#,
        r#""14:00=15:02""#,
        "{ shows = 14:00, was = 15:02 }",
        "{ shows = 2026-05-02 14:00:00, was = 2026-05-02T15:02:00 }",
        r#"{ shows = "2026-05-02 14:00:00", was = "2026-05-02 15:02:00" }"#,
    ] {
        let text = format!("[[card]]\npath = \"a\"\nclock = {clock}\n");
        let day = Day::parse(&text, "day.toml").unwrap();
        assert_eq!(
            day.cards[0].clock,
            ClockCorrection::from_seconds(3720),
            "{clock}"
        );
    }
    for starts in ["04:00", "04:00:00", "\"4:00\""] {
        let day = Day::parse(
            &format!("[day]\nstarts = {starts}\ndate = \"2026-05-02\""),
            "d",
        );
        assert_eq!(day.unwrap().starts, Some(Time::constant(4, 0, 0, 0)));
    }
}

#[test]
fn relative_paths_start_at_the_folder_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("day.toml");
    let text = "[[card]]\npath = \"cards/A001\"\n[[card]]\npath = \"~/A002\"\n[[card]]\npath = \"/A003\"\n\
                [to]\nfolders = [\"copies/{card}\", \"~/{card}\", \"/raid/{card}\"]\n";
    fs::write(&file, text).unwrap();
    let day = Day::read(&file).unwrap();
    let home = env::home_dir().unwrap();
    let paths: Vec<&Path> = day.cards.iter().map(|card| card.path.as_path()).collect();
    let base = folder.path();
    let root = PathBuf::from("/");
    assert_eq!(
        paths,
        [
            base.join("cards/A001"),
            home.join("A002"),
            root.join("A003")
        ]
    );
    let values = PlaceholderValues {
        card: Some("X"),
        ..PlaceholderValues::default()
    };
    let folders = day.to.folders.iter().map(|to| to.fill(&values).unwrap());
    assert_eq!(
        folders.collect::<Vec<_>>(),
        [base.join("copies/X"), home.join("X"), root.join("raid/X")]
    );
    assert_eq!(day.to.folders[0].to_string(), "copies/{card}");

    let same = format!(
        "[to]\nfolders = [\"x/{{card}}\", {:?}]\n",
        base.join("x/{card}")
    );
    fs::write(&file, same).unwrap();
    let error = Day::read(&file).unwrap_err().to_string();
    assert!(error.contains("duplicate folder"), "{error}");
}

#[test]
fn reports_an_unknown_home_folder() {
    let base = PathBase {
        folder: PathBuf::from("/days"),
        home: None,
    };
    for text in ["[[card]]\npath = \"~/a\"", "[to]\nfolders = \"~/a\""] {
        let error = parse::parse(text, "day.toml", Some(&base)).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("day.toml:2: `~/` is the home folder")
        );
        assert!(error.hint().unwrap().contains("HOME"));
    }
}

#[test]
fn reads_only_regular_files_in_utf_8() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Day::read(folder.path()), Err(Error::Path { .. })));
    let file = folder.path().join("day.toml");
    assert!(matches!(Day::read(&file), Err(Error::Path { .. })));
    fs::write(&file, b"[day]\nkind = \"\xff\"").unwrap();
    let error = Day::read(&file).unwrap_err().to_string();
    assert!(error.contains("not UTF-8 text"), "{error}");
    fs::write(&file, "é".repeat(1024 * 1024)).unwrap();
    let error = Day::read(&file).unwrap_err().to_string();
    assert!(error.contains("larger than 1 MiB"), "{error}");
}

proptest! {
    #![proptest_config(crate::property_tests::random(256))]

    /// Checks that every text is either parsed, or rejected with a hint.
    #[test]
    fn rejects_arbitrary_text_with_a_hint(
        text in "(\\[day\\]|\\[\\[card\\]\\]|\\[to\\]|\n|[a-z]{1,6} = |\"|path = \"/a\"|folders = |\\PC){0,30}"
    ) {
        if let Err(error) = Day::parse(&text, "day.toml") {
            prop_assert!(error.hint().is_some_and(|hint| !hint.is_empty()));
        }
    }
}
