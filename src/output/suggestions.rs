//! What could be asked instead of a query that found nothing.

use super::counted;
use crate::error::escape;
use crate::index::Advice;
use crate::query::Query;

/// Terms that are told of, of those that the others find something without.
const MOST_WITHOUT: usize = 5;

/// What there is to say, a line each, what helps most first.
#[must_use]
pub fn advised(advice: &Advice) -> Vec<String> {
    let shown = |query: &Query| escape(&query.to_string());
    let mut lines = Vec::new();
    for lost in &advice.unmatched {
        let said = format!("no clip matches `{}`", shown(&lost.term));
        let others: Vec<String> = lost
            .similar
            .iter()
            .map(|(other, count)| format!("`{}` ({})", shown(other), counted(*count, "clip")))
            .collect();
        lines.push(if others.is_empty() {
            said
        } else {
            format!("{said}; did you mean {}?", others.join(" or "))
        });
    }
    for (term, count) in advice.without.iter().take(MOST_WITHOUT) {
        let count = counted(*count, "clip");
        lines.push(format!("without `{}`: {count}", shown(term)));
    }
    lines
}
