//! What each of many queries finds (`finds.txt`), and what is said of those that cannot be
//! understood (`wrong.txt`): `query → names` and `query → message → hint`, a line each.

use std::collections::BTreeSet;

use btsindex::error::Error;
use btsindex::index::SortOrder;
use btsindex::query::{Context, FORMS, Query};

use super::obvious::Exported;
use super::{TODAY, clips, set};

const FINDS: &str = include_str!("finds.txt");
const WRONG: &str = include_str!("wrong.txt");

/// The rows of a table, comments left out; accents that stand apart are spelled out.
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
    let exported = Exported::of(&set.catalogue);
    let mut finder = set.finder();
    assert!(set.segments() > 1);
    let mut wrong = Vec::new();
    for (typed, wanted) in rows(FINDS) {
        let query = parsed(&typed).unwrap();
        let order = SortOrder::default();
        let hits = finder.find(&query, &order, usize::MAX, &mut set::told);
        let hits = hits.unwrap();
        assert_eq!(hits.total, hits.clips.len(), "{typed}");
        let found: BTreeSet<&str> = hits.clips.iter().map(|clip| names[clip]).collect();
        let wanted: BTreeSet<&str> = wanted[0].split_whitespace().collect();
        if found != wanted {
            wrong.push(format!("{typed}\n  finds {found:?}\n not {wanted:?}"));
        }
        let obvious = exported.found(&query);
        let obvious: BTreeSet<&str> = obvious.iter().map(|clip| names[clip]).collect();
        assert_eq!(obvious, wanted, "{typed}, by the obvious filter");
        let again = parsed(&query.to_string()).unwrap();
        assert_eq!(again, query, "{typed}");
        assert_eq!(finder.count(&query, &mut set::told).unwrap(), hits.total);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The first word of what a form asks: `dur:`, `any:`; of words, how they match.
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
    let asked: BTreeSet<String> = rows(FINDS).map(|(query, _)| query).collect();
    assert!(asked.len() >= 150 && rows(WRONG).count() >= 30);
    let kinds: BTreeSet<&str> = asked.iter().map(|query| kind(query)).collect();
    for (form, also, _) in FORMS {
        let forms = std::iter::once(*form).chain(also.split(", "));
        for form in forms.filter(|form| !form.is_empty()) {
            // Saved searches are asked for by the program: `program.rs`.
            let is_there = kinds.contains(kind(form)) || form.contains("selects");
            assert!(is_there, "{form}");
        }
    }
}

#[test]
fn what_is_wrong_is_said_with_what_would_be_right() {
    for (typed, cells) in rows(WRONG) {
        let Err(Error::Query { message, hint }) = parsed(&typed) else {
            panic!("{typed} was understood");
        };
        assert_eq!([message, hint], cells[..], "{typed}");
    }
}

#[test]
fn a_shell_that_took_quotes_away_changes_nothing() {
    let (set, names) = clips::set();
    let mut finder = set.finder();
    for (arguments, wanted) in [
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
            .find(&query, &order, usize::MAX, &mut set::told)
            .unwrap();
        let found: BTreeSet<&str> = hits.clips.iter().map(|clip| names[clip]).collect();
        if query.is_everything() {
            assert_eq!(found.len(), names.len());
        } else {
            let wanted: BTreeSet<&str> = wanted.split_whitespace().collect();
            assert_eq!(found, wanted, "{arguments:?}");
        }
    }
}
