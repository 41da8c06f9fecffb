//! What was measured, as a table in markdown.

use super::measure::Measured;
use super::queries::Goal;

/// The table's head.
pub(crate) const HEAD: &str = "\
| query | btsindex p50 | p95 | FTS5 p50 | p95 | p50 ÷ | p95 ÷ | goal | |
|---|---:|---:|---:|---:|---:|---:|---|---|";

/// A line of it: milliseconds, how many times faster btsindex is, what is asked for.
pub(crate) fn line(measured: &Measured) -> String {
    let Measured {
        name,
        goal,
        btsindex,
        fts5,
        remark,
    } = measured;
    let (their_p50, their_p95) = (percentile(fts5, 0.5), percentile(fts5, 0.95));
    let Some(ours) = btsindex else {
        return format!(
            "| {name} | | | {} | {} | | | {} | {remark} |",
            shown(their_p50),
            shown(their_p95),
            asked(*goal, None)
        );
    };
    let (our_p50, our_p95) = (percentile(ours, 0.5), percentile(ours, 0.95));
    let factors = (their_p50 / our_p50, their_p95 / our_p95);
    format!(
        "| {name} | {} | {} | {} | {} | {} | {} | {} | {remark} |",
        shown(our_p50),
        shown(our_p95),
        shown(their_p50),
        shown(their_p95),
        shown(factors.0),
        shown(factors.1),
        asked(*goal, Some(factors))
    )
}

/// A line for what is measured once: more is better.
pub(crate) fn rate_line(name: &str, ours: f64, theirs: f64, least: f64, remark: &str) -> String {
    let factor = ours / theirs;
    format!(
        "| {name} | {ours:.0} | | {theirs:.0} | | {} | | ≥ {least}x {} | {remark} |",
        shown(factor),
        met(factor >= least)
    )
}

/// A line for what is measured once: less is better.
pub(crate) fn size_line(name: &str, ours: f64, theirs: f64, most: f64, remark: &str) -> String {
    let factor = ours / theirs;
    format!(
        "| {name} | {ours:.0} | | {theirs:.0} | | {:.2} | | ≤ {most}x {} | {remark} |",
        factor,
        met(factor <= most)
    )
}

fn asked(goal: Goal, factors: Option<(f64, f64)>) -> String {
    let one = |name: &str, least: Option<f64>, factor: Option<f64>| {
        let least = least?;
        let met = factor.map_or("", |factor| met(factor >= least));
        Some(format!("{name} ≥ {least}x {met}"))
    };
    let p50 = one("p50", goal.p50, factors.map(|it| it.0));
    let p95 = one("p95", goal.p95, factors.map(|it| it.1));
    p50.into_iter().chain(p95).collect::<Vec<_>>().join(", ")
}

fn met(is_met: bool) -> &'static str {
    if is_met { "✓" } else { "✗" }
}

fn shown(number: f64) -> String {
    if number < 9.95 {
        format!("{number:.1}")
    } else {
        format!("{number:.0}")
    }
}

/// The value that so much of all is not above.
fn percentile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list"
    )]
    let at = (part * (sorted.len() as f64 - 1.0)).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}
