//! Suggestions for a query that found nothing.

use crate::error::escape;
use crate::index::Advice;
use crate::query::Query;
use crate::value::counted;

/// Maximum number of suggestions to remove a term.
const MAX_REMOVALS: usize = 5;

/// Formats suggestions as lines, the most useful first.
#[must_use]
pub fn suggestion_lines(advice: &Advice) -> Vec<String> {
    let shown = |query: &Query| escape(&query.to_string());
    let mut lines = Vec::new();
    for unmatched in &advice.unmatched {
        let message = format!("no clip matches `{}`", shown(&unmatched.term));
        let others: Vec<String> = unmatched
            .similar
            .iter()
            .map(|(other, count)| format!("`{}` ({})", shown(other), counted(*count, "clip")))
            .collect();
        lines.push(if others.is_empty() {
            message
        } else {
            format!("{message}; did you mean {}?", others.join(" or "))
        });
    }
    for (term, count) in advice.without.iter().take(MAX_REMOVALS) {
        let count = counted(*count, "clip");
        lines.push(format!("without `{}`: {count}", shown(term)));
    }
    lines
}
