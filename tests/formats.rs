//! Every listing in every format, and the errors for formats that a command does not have.

use btsindex::output::{FormatNeeds, OutputFormat};
use serde_json::Value;

use crate::shoot::{Answer, Shoot};

const LAUGH: &str = "BTSInterview_Drummer_Laughing.mov";

/// Listings, without clips as rows.
const LISTINGS: &[&[&str]] = &[
    &["stats"],
    &["search", "--facets", "tag,camera"],
    &["search", "--explain", "drummer"],
    &["search", "--saved"],
    &["volumes"],
    &["tags"],
    &["history", LAUGH],
    &["fields"],
    &["doctor"],
];
/// Listings whose rows have paths.
const FILE_LISTINGS: &[&[&str]] = &[&["search"], &["copies"], &["duplicates"]];
/// Commands that print one object.
const OBJECTS: &[&[&str]] = &[
    &["show", LAUGH],
    &["tags", "explain", LAUGH],
    &["search", "--count"],
];

fn shoot() -> Shoot {
    let shoot = Shoot::with_fixtures();
    shoot.add("Location Scout/IMG_1234.MOV", "copy/IMG_1234.MOV");
    shoot.scan_facts();
    assert_eq!(shoot.run(&["tag", "add", "laughing", LAUGH]).code, 0);
    assert_eq!(shoot.run(&["search", "--save", "laugh", "drummer"]).code, 0);
    shoot
}

fn run(shoot: &Shoot, command: &[&str], options: &[&str]) -> Answer {
    let answer = shoot.run(&[command, options].concat());
    assert_eq!(answer.code, 0, "{command:?} {options:?}: {}", answer.stderr);
    answer
}

/// Returns the names of some formats, as messages list them.
fn names(is_listed: impl Fn(OutputFormat) -> bool) -> String {
    let all = OutputFormat::ALL.iter().copied();
    let names: Vec<&str> = all
        .filter(|&format| is_listed(format))
        .map(OutputFormat::name)
        .collect();
    names.join(", ")
}

fn for_columns(format: OutputFormat) -> bool {
    format.needs() <= FormatNeeds::Columns
}

fn for_objects(format: OutputFormat) -> bool {
    format.needs() == FormatNeeds::Rows
}

/// Returns the error of an invalid combination of options.
fn usage_error(shoot: &Shoot, arguments: &[&str]) -> String {
    let answer = shoot.run(arguments);
    assert_eq!(
        (answer.code, answer.stdout.as_str()),
        (2, ""),
        "{arguments:?}"
    );
    answer.stderr
}

#[test]
fn every_listing_has_json_and_csv_with_the_same_names() {
    let shoot = shoot();
    for command in [LISTINGS, FILE_LISTINGS].concat() {
        let json = run(&shoot, command, &["--json"]);
        assert_eq!(
            run(&shoot, command, &["--format", "json"]).stdout,
            json.stdout
        );
        let objects = json.json();
        let csv = run(&shoot, command, &["--csv"]).stdout;
        assert_eq!(run(&shoot, command, &["--format", "csv"]).stdout, csv);
        let mut csv = csv::Reader::from_reader(csv.as_bytes());
        let names: Vec<String> = csv.headers().unwrap().iter().map(str::to_owned).collect();
        let rows = csv.records().map(Result::unwrap).count();
        assert_eq!(rows, objects.len(), "{command:?}");
        assert!(rows > 0, "{command:?}");
        for object in objects.iter().filter_map(Value::as_object) {
            for name in object.keys().filter(|_| command != ["search"]) {
                assert!(
                    names.contains(name),
                    "{command:?}: {name} is not in {names:?}"
                );
            }
        }
        let table = run(&shoot, command, &[]).stdout;
        assert_eq!(run(&shoot, command, &["--format", "table"]).stdout, table);
    }
}

#[test]
fn rows_with_files_have_paths() {
    let shoot = shoot();
    for command in FILE_LISTINGS {
        let lines = run(&shoot, command, &["--paths"]).stdout;
        assert_eq!(run(&shoot, command, &["--format", "paths"]).stdout, lines);
        assert!(lines.lines().all(|line| line.starts_with('/')), "{lines}");
        let separated = run(&shoot, command, &["-0"]).stdout;
        assert_eq!(
            run(&shoot, command, &["--format", "paths0"]).stdout,
            separated
        );
        assert_eq!(separated.replace('\0', "\n"), lines);
    }
    let duplicates = run(&shoot, &["duplicates"], &["--paths"]).stdout;
    assert_eq!(
        duplicates.matches("IMG_1234.MOV").count(),
        2,
        "{duplicates}"
    );
}

#[test]
fn a_command_without_a_format_lists_those_that_it_has() {
    let shoot = shoot();
    let formats = names(for_columns);
    for command in LISTINGS {
        let error = usage_error(&shoot, &[command, &["--format", "paths"][..]].concat());
        assert!(error.contains(&formats), "{command:?}: {error}");
        if command[0] != "search" {
            for option in ["--paths", "-0"] {
                let error = usage_error(&shoot, &[command, &[option][..]].concat());
                let tip = format!("formats of `{}`: {formats}\n", command[0]);
                assert!(error.contains(&tip), "{command:?}: {error}");
            }
        }
    }
    for command in OBJECTS {
        let json = run(&shoot, command, &["--json"]).json();
        assert_eq!(json.len(), 1, "{command:?}");
        let error = usage_error(&shoot, &[command, &["--format", "csv"][..]].concat());
        assert!(error.contains(&names(for_objects)), "{command:?}: {error}");
    }
    let error = usage_error(&shoot, &["scan", ".", "--csv"]);
    assert!(
        error.contains("formats of `scan`: table, json\n"),
        "{error}"
    );
    let error = usage_error(&shoot, &["report", "drummer", "--paths"]);
    let data = names(|format| format != OutputFormat::Table && for_columns(format));
    assert!(
        error.contains(&format!("formats of `report`: {data}\n")),
        "{error}"
    );
}

#[test]
fn modes_and_formats_of_a_search_that_exclude_each_other_are_named() {
    let shoot = shoot();
    let table = "table".to_owned();
    let is_paths = |format: OutputFormat| format.needs() == FormatNeeds::Paths;
    let has_columns = |format: OutputFormat| {
        format == OutputFormat::Table || format.needs() == FormatNeeds::Columns
    };
    for (arguments, message, formats) in [
        (
            &["--group", "day", "--json"][..],
            "`--group` cannot print json",
            &table,
        ),
        (
            &["--thumbs", "--csv"],
            "`--thumbs` cannot print csv",
            &table,
        ),
        (
            &["--open", "1", "-0"],
            "`--open` cannot print paths0",
            &table,
        ),
        (
            &["--count", "--csv"],
            "`--count` cannot print csv",
            &names(for_objects),
        ),
        (
            &["--saved", "--all-files"],
            "`--saved` cannot print paths",
            &names(for_columns),
        ),
        (
            &["--all-files", "--csv"],
            "`--all-files` does not apply to csv",
            &names(is_paths),
        ),
        (
            &["--columns", "name", "--json"],
            "`--columns` does not apply to json",
            &names(has_columns),
        ),
    ] {
        let error = usage_error(&shoot, &[&["search"], arguments].concat());
        let option = message.split('`').nth(1).unwrap();
        let expected = format!("error: {message}\nhint: formats of `{option}`: {formats}\n");
        assert_eq!(error, expected, "{arguments:?}");
    }
    for arguments in [
        &["--count", "--explain"][..],
        &["--thumbs", "--group", "day"],
        &["--open", "1", "--reveal", "1"],
        &["--facets", "tag", "--saved"],
        &["--json", "--csv"],
        &["--format", "json", "--paths"],
    ] {
        let error = usage_error(&shoot, &[&["search"], arguments].concat());
        assert!(
            error.contains("cannot be used with"),
            "{arguments:?}: {error}"
        );
    }
}

#[test]
fn completions_offer_only_the_formats_of_a_command() {
    let script = Shoot::new().run(&["completions", "bash"]).stdout;
    let options_of = |command: &str| {
        let start = format!("btsindex__subcmd__{command})\n");
        let after = script.split(&start).nth(1).unwrap();
        after.lines().next().unwrap().to_owned()
    };
    assert!(options_of("search").contains("--paths"));
    assert!(options_of("fields").contains("--csv") && !options_of("fields").contains("--paths"));
    assert!(options_of("show").contains("--json") && !options_of("show").contains("--csv"));
}
