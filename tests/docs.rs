//! The documentation matches the program.

use std::fs;
use std::path::Path;

use crate::shoot::Shoot;
use btsindex::output::query_guide;
use btsindex::tag::schemes;

#[test]
fn the_query_guide_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/query.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, query_guide()).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap() == query_guide(),
        "docs/query.md is stale: `UPDATE_DOCS=1 cargo test --test all docs::` updates it"
    );
}

#[test]
fn queries_in_the_readme_print_the_documented_output() {
    let shoot = Shoot::with_fixtures();
    shoot.scan_facts();
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let readme = readme.unwrap();
    let section = readme.split("## Queries").nth(1).unwrap();
    let shown = section.split("```").nth(1).unwrap();
    let shown = shown.strip_prefix("console\n").unwrap();
    let mut count = 0;
    for example in shown.split("$ btsindex ").skip(1) {
        let (command, output) = example.split_once('\n').unwrap();
        let words: Vec<&str> = command.split(' ').collect();
        let answer = shoot.run(&words);
        let printed = format!("{}{}", answer.stdout, answer.stderr);
        assert_eq!(printed.trim(), output.trim(), "{command}");
        count += 1;
    }
    assert!(count >= 10, "{count} queries are shown");
}

/// Exit codes and their meanings, as `btsindex --help` lists them.
fn exit_codes() -> Vec<(String, String)> {
    let help = Shoot::new().run(&["--help"]).stdout;
    let list = help.split("Exit codes:\n").nth(1).unwrap();
    let lines = list.lines().take_while(|line| !line.is_empty());
    let codes = lines.map(|line| line.trim().split_once(' ').unwrap());
    codes
        .map(|(code, meaning)| (code.to_owned(), meaning.trim().to_owned()))
        .collect()
}

/// Rows of the tables of exit codes in a document.
fn exit_code_rows(text: &str) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for table in text.split("| exit code |").skip(1) {
        let lines = table.lines().skip(2);
        for line in lines.take_while(|line| line.starts_with('|')) {
            let mut cells = line.split('|').skip(1).map(|cell| cell.trim().to_owned());
            rows.push((cells.next().unwrap(), cells.next().unwrap()));
        }
    }
    rows
}

#[test]
fn documents_describe_exit_codes_as_the_help_does() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let codes = exit_codes();
    assert_eq!(codes.len(), 6);
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    assert_eq!(exit_code_rows(&readme), codes);
    for entry in fs::read_dir(root.join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        for row in exit_code_rows(&fs::read_to_string(&path).unwrap()) {
            assert!(codes.contains(&row), "{}: {row:?}", path.display());
        }
    }
}

#[test]
fn the_tag_guide_lists_every_naming_scheme() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tags.md");
    let guide = fs::read_to_string(path).unwrap();
    for (maker, examples) in schemes() {
        let row = format!("| {maker} |");
        let row = guide.lines().find(|line| line.starts_with(&row));
        let row = row.unwrap_or_else(|| panic!("{maker} is missing from the guide"));
        assert!(
            row.contains(&format!("`{}`", examples[0])),
            "{maker}: {}",
            examples[0]
        );
    }
}
