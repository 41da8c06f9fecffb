//! Overview: a few key numbers, and tables with a bar in each row that serve as charts.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::markup::escape_truncated;
use crate::index::Sum;
use crate::report::ShootReport;
use crate::report::anomalies::{Anomaly, Severity};
use crate::report::totals::{self, Total};
use crate::value::{Bytes, grouped};

/// Maximum number of rows; the rest is combined in one row.
const MAX_ROWS: usize = 12;
/// Maximum number of characters in a name in a table.
const MAX_CHARS: usize = 80;

pub(super) fn glance(report: &ShootReport, anomalies: &[Anomaly]) -> Markup {
    let sum = totals::sum_of(&report.shots);
    let cameras = totals::by_camera(report);
    let cards = totals::by_card(report);
    let days = totals::by_day(report);
    let serious_kinds = count_serious_kinds(anomalies);
    let with_camera = report
        .shots
        .iter()
        .filter(|shot| shot.has_camera() && !shot.is_sound());
    let of_cameras: BTreeSet<&str> = with_camera.map(|shot| &*shot.camera).collect();
    html! {
        section aria-labelledby="glance-title" {
            h2 id="glance-title" { "At a glance" }
            dl.numbers {
                (count(report.shots.len(), "clip"))
                (number(&hours(sum), "running time"))
                (number(&size(sum), "of footage"))
                (count(of_cameras.len(), "camera"))
                @if count_named(&cards) > 0 { (count(count_named(&cards), "card")) }
                div.number.alert[serious_kinds > 0] {
                    dt { @if serious_kinds == 1 { "anomaly" } @else { "anomalies" } }
                    dd { a href="#odd" { (grouped(serious_kinds)) } }
                }
            }
            div.charts {
                (chart("Cameras", "camera", &cameras))
                @if count_named(&cards) > 0 { (chart("Cards", "card", &cards)) }
                (chart("Tags", "tag", &totals::by_tag(report)))
                @if days.len() > 1 { (chart("Days", "day", &days)) }
            }
        }
    }
}

fn count_named(totals: &[Total]) -> usize {
    totals.iter().filter(|total| total.name.is_some()).count()
}

fn count(count: usize, what: &str) -> Markup {
    let plural = if count == 1 { "" } else { "s" };
    number(&grouped(count), &format!("{what}{plural}"))
}

fn number(value: &str, what: &str) -> Markup {
    html! { div.number { dt { (what) } dd { (value) } } }
}

/// Draws a table with a bar in each row. `facet` is the filter that the names link to.
pub(super) fn chart(title: &str, facet: &str, totals: &[Total]) -> Markup {
    let longest = totals
        .iter()
        .map(|total| total.sum.micros)
        .max()
        .unwrap_or(0);
    let largest = totals
        .iter()
        .map(|total| total.sum.bytes)
        .max()
        .unwrap_or(0);
    let rest = totals.get(MAX_ROWS..).unwrap_or_default();
    html! {
        @if !totals.is_empty() {
            table.chart {
                caption { (title) }
                thead { tr {
                    th scope="col" { (facet) }
                    th.bar scope="col" { span.unseen { "share" } }
                    th.figure scope="col" { "clips" }
                    th.figure scope="col" { "length" }
                    th.figure scope="col" { "size" }
                } }
                tbody {
                    @for total in totals.iter().take(MAX_ROWS) {
                        tr {
                            th scope="row" { (name(facet, total)) }
                            td.bar { (bar(total.sum, longest, largest)) }
                            (figures(total.sum))
                        }
                    }
                    @if !rest.is_empty() {
                        tr.rest {
                            th scope="row" { "and " (grouped(rest.len())) " more" }
                            td.bar {}
                            (figures(sum_of(rest)))
                        }
                    }
                }
            }
        }
    }
}

fn name(facet: &str, total: &Total) -> Markup {
    let is_filter = matches!(facet, "camera" | "card" | "tag");
    match &total.name {
        None if facet == "volume" => html! { span.none { "no readable copy" } },
        None => html! { span.none { "no " (facet) } },
        Some(name) if is_filter => {
            html! { a href={ "#" (facet) "=" (percent_encode(name)) } { bdi { (escape_truncated(name, MAX_CHARS)) } } }
        }
        Some(name) => html! { bdi { (escape_truncated(name, MAX_CHARS)) } },
    }
}

/// Draws the bar of a total: running time above, size below, relative to the largest total.
fn bar(sum: Sum, longest: i64, largest: i64) -> Markup {
    let share = |part: i64, whole: i64| format!("{}%", percent(part, whole));
    html! {
        svg width="100%" height="14" aria-hidden="true" focusable="false" {
            rect.length x="0" y="0" height="9" rx="1.5" width=(share(sum.micros, longest)) {}
            rect.size x="0" y="11" height="3" rx="1" width=(share(sum.bytes, largest)) {}
        }
    }
}

fn figures(sum: Sum) -> Markup {
    let clips = usize::try_from(sum.clips).unwrap_or(usize::MAX);
    html! {
        td.figure { (grouped(clips)) }
        td.figure { (hours(sum)) }
        td.figure { (size(sum)) }
    }
}

fn sum_of(totals: &[Total]) -> Sum {
    let mut sum = Sum::default();
    for total in totals {
        sum.add(total.sum);
    }
    sum
}

/// Returns a percentage with one decimal place.
fn percent(part: i64, whole: i64) -> f64 {
    let thousandths = i128::from(part) * 1000 / i128::from(whole.max(1));
    f64::from(i32::try_from(thousandths).unwrap_or(1000)) / 10.0
}

/// Formats the running time as `3:12:05`, or a dash if it is unknown.
pub(super) fn hours(sum: Sum) -> String {
    match u64::try_from(sum.micros).unwrap_or(0) {
        0 => "–".to_owned(),
        micros => super::length(crate::value::Duration::from_micros(micros)),
    }
}

pub(super) fn size(sum: Sum) -> String {
    Bytes(u64::try_from(sum.bytes).unwrap_or(0)).to_string()
}

/// Percent-encodes a name for a URL.
fn percent_encode(name: &str) -> String {
    let mut address = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            address.push(char::from(byte));
        } else {
            address.push('%');
            let digits = [byte >> 4, byte & 15];
            address.extend(
                digits
                    .iter()
                    .filter_map(|&digit| char::from_digit(digit.into(), 16)),
            );
        }
    }
    address
}

/// Counts the kinds of anomalies that should be checked.
fn count_serious_kinds(anomalies: &[Anomaly]) -> usize {
    let kinds = anomalies.chunk_by(|a, b| a.kind == b.kind);
    kinds
        .filter(|anomalies| anomalies[0].kind.severity() != Severity::Note)
        .count()
}
