//! Formats the results as a Markdown table.

use super::measure::Measurement;
use super::queries::Goal;

/// Header of the table.
pub(crate) const HEADER: &str = "\
| query | btsindex p50 | p95 | FTS5 p50 | p95 | p50 ÷ | p95 ÷ | goal | |
|---|---:|---:|---:|---:|---:|---:|---|---|";

/// Formats a row: milliseconds, factors by which btsindex is faster, and the goal.
pub(crate) fn row(measurement: &Measurement) -> String {
    let Measurement {
        name,
        goal,
        btsindex,
        fts5,
        remark,
    } = measurement;
    let (their_p50, their_p95) = (percentile(fts5, 0.5), percentile(fts5, 0.95));
    let Some(ours) = btsindex else {
        return format!(
            "| {name} | | | {} | {} | | | {} | {remark} |",
            format_number(their_p50),
            format_number(their_p95),
            format_goal(*goal, None)
        );
    };
    let (our_p50, our_p95) = (percentile(ours, 0.5), percentile(ours, 0.95));
    let factors = (their_p50 / our_p50, their_p95 / our_p95);
    format!(
        "| {name} | {} | {} | {} | {} | {} | {} | {} | {remark} |",
        format_number(our_p50),
        format_number(our_p95),
        format_number(their_p50),
        format_number(their_p95),
        format_number(factors.0),
        format_number(factors.1),
        format_goal(*goal, Some(factors))
    )
}

/// Formats a row of one rate per engine; higher is better.
pub(crate) fn rate_row(name: &str, ours: f64, theirs: f64, min: f64, remark: &str) -> String {
    let factor = ours / theirs;
    format!(
        "| {name} | {ours:.0} | | {theirs:.0} | | {} | | ≥ {min}x {} | {remark} |",
        format_number(factor),
        mark(factor >= min)
    )
}

/// Formats a row of one size per engine; lower is better.
pub(crate) fn size_row(name: &str, ours: f64, theirs: f64, max: f64, remark: &str) -> String {
    let factor = ours / theirs;
    format!(
        "| {name} | {ours:.0} | | {theirs:.0} | | {:.2} | | ≤ {max}x {} | {remark} |",
        factor,
        mark(factor <= max)
    )
}

/// Formats a goal, with a mark for each factor that is met or missed.
fn format_goal(goal: Goal, factors: Option<(f64, f64)>) -> String {
    let part = |name: &str, min: Option<f64>, factor: Option<f64>| {
        let min = min?;
        let mark = factor.map_or("", |factor| mark(factor >= min));
        Some(format!("{name} ≥ {min}x {mark}"))
    };
    let p50 = part("p50", goal.p50, factors.map(|(p50, _)| p50));
    let p95 = part("p95", goal.p95, factors.map(|(_, p95)| p95));
    p50.into_iter().chain(p95).collect::<Vec<_>>().join(", ")
}

fn mark(is_met: bool) -> &'static str {
    if is_met { "✓" } else { "✗" }
}

fn format_number(number: f64) -> String {
    if number < 9.95 {
        format!("{number:.1}")
    } else {
        format!("{number:.0}")
    }
}

/// Returns the percentile of values; `fraction` is from 0 to 1.
fn percentile(values: &[f64], fraction: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index of the list"
    )]
    let index = (fraction * (sorted.len() as f64 - 1.0)).round() as usize;
    sorted.get(index).copied().unwrap_or(f64::NAN)
}
