//! Head of a page: day, production, location and crew.

use std::sync::Arc;

use jiff::civil::Date;
use maud::{Markup, html};

use super::markup::{escape_text, escape_truncated};
use crate::report::{ReportScope, ShootReport};

/// Maximum number of values shown for a fact; the rest is counted.
const MAX_VALUES: usize = 4;
/// Maximum number of characters in a title.
const MAX_CHARS: usize = 160;

/// Returns the title of a report: `ACME Spring Campaign BTS, 2026-05-02`.
pub(in crate::report) fn title(report: &ShootReport) -> String {
    let production = only_value(report.distinct(|summary| summary.production.as_ref()));
    let what = match &report.about {
        ReportScope::Day(date, query) if query.is_empty() => date.to_string(),
        ReportScope::Day(date, query) => format!("{date}, {query}"),
        ReportScope::Query(query) => query.clone(),
    };
    escape_truncated(
        &production.map_or_else(
            || what.clone(),
            |production| format!("{production}, {what}"),
        ),
        MAX_CHARS,
    )
}

/// Draws the head of a page; `kind` is the type of the page.
pub(in crate::report) fn head(report: &ShootReport, kind: &str) -> Markup {
    let production = only_value(report.distinct(|summary| summary.production.as_ref()));
    let about = match &report.about {
        ReportScope::Day(date, query) if query.is_empty() => long_date(*date),
        ReportScope::Day(date, query) => {
            format!(
                "{}, filtered by {}",
                long_date(*date),
                escape_truncated(query, MAX_CHARS)
            )
        }
        ReportScope::Query(query) => format!("Results for {}", escape_truncated(query, MAX_CHARS)),
    };
    let (heading, below) = match production {
        Some(production) => (escape_truncated(&production, MAX_CHARS), Some(about)),
        None => (about, None),
    };
    html! {
        a.skip href="#clips" { "Skip to the clips" }
        header.head {
            div.masthead {
                p.kind { (kind) }
                div.controls hidden {
                    button type="button" id="theme" { "Theme: auto" }
                    button type="button" id="help" { "Keys" }
                }
            }
            h1 { (heading) }
            @if let Some(below) = below { p.about { (below) } }
            (facts(report))
        }
    }
}

fn facts(report: &ShootReport) -> Markup {
    let number = report.distinct(|summary| summary.shoot_day.as_ref());
    let productions = report.distinct(|summary| summary.production.as_ref());
    let location = report.distinct(|summary| summary.location.as_ref());
    let crew = report.distinct(|summary| summary.crew.as_ref());
    let rows = [
        (
            "Productions",
            if productions.len() > 1 {
                productions
            } else {
                Vec::new()
            },
        ),
        ("Shoot day", number),
        ("Location", location),
        ("Kind", report.tags_of_day()),
    ];
    html! {
        dl.facts {
            @for (what, values) in rows.iter().filter(|(_, values)| !values.is_empty()) {
                div { dt { (what) } dd { (join_values(values)) } }
            }
            @for (role, names) in roles(&crew) {
                div { dt { (escape_text(&role)) } dd { (escape_text(&names)) } }
            }
            div { dt { "Report created" } dd.tc { (report.created) } }
        }
    }
}

/// Splits `director: Anna Kim; camera: Ben Ruiz` into pairs of a role and names, without
/// duplicates.
fn roles(crew: &[Arc<str>]) -> Vec<(String, String)> {
    let mut roles = Vec::new();
    for text in crew.iter().flat_map(|crew| crew.split("; ")) {
        let (role, names) = text.split_once(": ").unwrap_or(("crew", text));
        let role = (role.to_owned(), names.to_owned());
        if !roles.contains(&role) && roles.len() < 4 * MAX_VALUES {
            roles.push(role);
        }
    }
    roles
}

fn join_values(values: &[Arc<str>]) -> String {
    let mut texts: Vec<String> = values
        .iter()
        .take(MAX_VALUES)
        .map(|it| escape_text(it))
        .collect();
    if values.len() > MAX_VALUES {
        texts.push(format!("{} more", values.len() - MAX_VALUES));
    }
    texts.join(", ")
}

fn only_value(mut values: Vec<Arc<str>>) -> Option<Arc<str>> {
    if values.len() == 1 {
        values.pop()
    } else {
        None
    }
}

/// Formats a date as `Wednesday, 20 May 2026`.
pub(super) fn long_date(date: Date) -> String {
    date.strftime("%A, %-d %B %Y").to_string()
}
