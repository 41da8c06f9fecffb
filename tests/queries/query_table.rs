//! Matches of many queries (`matches.txt`) and errors of invalid ones (`errors.txt`), one per line:
//! `query → names` and `query → message → hint`.

use std::collections::BTreeSet;

use btsindex::error::Error;
use btsindex::index::SortOrder;
use btsindex::query::{Context, FORMS, Query};

use super::naive_filter::Exported;
use super::{TODAY, clips, sample_catalogue};

const MATCHES: &str = include_str!("matches.txt");
const ERRORS: &str = include_str!("errors.txt");

/// Rows of a table without comments; escaped combining accents are decoded.
fn rows(table: &'static str) -> impl Iterator<Item = (String, Vec<&'static str>)> {
    let lines = table.lines().filter(|line| !line.starts_with("# "));
    lines.map(|line| {
        let mut cells = line.split('→').map(str::trim);
        let query = cells.next().unwrap().replace("\\u0301", "\u{301}");
        (query, cells.collect())
    })
}

fn parsed(query: &str) -> Result<Query, Error> {
    Query::parse_line(query, &Context::plain(TODAY))
}

#[test]
fn every_query_finds_these_clips_and_no_others() {
    let (set, names) = clips::set();
    let exported = Exported::from_catalogue(&set.catalogue);
    let mut finder = set.finder();
    assert!(set.segment_count() > 1);
    let mut failures = Vec::new();
    for (typed, expected) in rows(MATCHES) {
        let query = parsed(&typed).unwrap();
        let order = SortOrder::default();
        let hits = finder.find(
            &query,
            &order,
            usize::MAX,
            &mut sample_catalogue::fail_on_notice,
        );
        let hits = hits.unwrap();
        assert_eq!(hits.total, hits.clips.len(), "{typed}");
        let found: BTreeSet<&str> = hits.clips.iter().map(|clip| names[clip]).collect();
        let expected: BTreeSet<&str> = expected[0].split_whitespace().collect();
        if found != expected {
            failures.push(format!("{typed}\n  finds {found:?}\n not {expected:?}"));
        }
        let naive = exported.matches(&query);
        let naive: BTreeSet<&str> = naive.iter().map(|clip| names[clip]).collect();
        assert_eq!(naive, expected, "{typed}, by the naive filter");
        let again = parsed(&query.to_string()).unwrap();
        assert_eq!(again, query, "{typed}");
        assert_eq!(
            finder
                .count(&query, &mut sample_catalogue::fail_on_notice)
                .unwrap(),
            hits.total
        );
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Kind of the first term of a query, such as `dur:` or `any:`; for words, their match mode.
fn kind(query: &str) -> &str {
    let ends = ["..", "*", "~"]
        .into_iter()
        .find(|end| query.ends_with(end));
    match query.trim_start_matches('-').split_once(':') {
        Some((name, _)) => name,
        None => ends.unwrap_or(""),
    }
}

#[test]
fn the_table_has_every_form() {
    let asked: BTreeSet<String> = rows(MATCHES).map(|(query, _)| query).collect();
    assert!(asked.len() >= 150 && rows(ERRORS).count() >= 30);
    let kinds: BTreeSet<&str> = asked.iter().map(|query| kind(query)).collect();
    for (form, also, _) in FORMS {
        let forms = std::iter::once(*form).chain(also.split(", "));
        for form in forms.filter(|form| !form.is_empty()) {
            // Saved searches are tested through the program: `program.rs`.
            let is_there = kinds.contains(kind(form)) || form.contains("selects");
            assert!(is_there, "{form}");
        }
    }
}

#[test]
fn invalid_queries_are_rejected_with_a_hint() {
    for (typed, cells) in rows(ERRORS) {
        let Err(Error::Query { message, hint }) = parsed(&typed) else {
            panic!("{typed} was accepted");
        };
        assert_eq!([message, hint], cells[..], "{typed}");
    }
}

#[test]
fn quotes_removed_by_the_shell_change_nothing() {
    let (set, names) = clips::set();
    let mut finder = set.finder();
    for (arguments, expected) in [
        (&["tag:ad shoot"][..], "crane gaffer laugh makeup slate"),
        (&["tag:ad shoot", "-crane"], "gaffer laugh makeup slate"),
        (&["tag:ad shoot -crane"], "gaffer laugh makeup slate"),
        (&["path:cam a", "dur:..2m"], "bass vocal"),
        (&["volume:Vault 3", "tag:drone", "stars:3.."], "fall geysir"),
        (&["drummer laughing"], "bass laugh"),
        (
            &["drummer", "OR", "singing", "-apart"],
            "bass drop drums1 laugh vocal",
        ),
        (&["(drummer", "stick)", "OR", "waterfall"], "fall laugh"),
        (&["lens:FE 24-70mm F2.8 GM II", "rate:60"], "party"),
        (&["", " "], ""),
    ] {
        let query = Query::parse(arguments, &Context::plain(TODAY)).unwrap();
        let order = "name".parse().unwrap();
        let hits = finder
            .find(
                &query,
                &order,
                usize::MAX,
                &mut sample_catalogue::fail_on_notice,
            )
            .unwrap();
        let found: BTreeSet<&str> = hits.clips.iter().map(|clip| names[clip]).collect();
        if query.is_everything() {
            assert_eq!(found.len(), names.len());
        } else {
            let expected: BTreeSet<&str> = expected.split_whitespace().collect();
            assert_eq!(found, expected, "{arguments:?}");
        }
    }
}
