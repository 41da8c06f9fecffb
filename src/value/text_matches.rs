//! Positions of matched words in a text, to show where a clip matches a query.

use std::ops::Range;

use super::words::{composed, fold, folded_parts, folded_runs, is_mark, parts, stem};
use super::{MatchMode, SearchWords};

impl SearchWords {
    /// Returns the byte range of the first match in `text`, or `None`.
    #[must_use]
    pub fn find_in(&self, text: &str) -> Option<Range<usize>> {
        let runs = run_ranges(text);
        let terms = folded_runs(&self.text);
        let match_at = |from: usize| {
            let here = runs.get(from..from + terms.len())?;
            let last = terms.len().checked_sub(1)?;
            let matches = here
                .iter()
                .zip(&terms)
                .enumerate()
                .all(|(at, (run, terms))| {
                    let run = fold(&composed(&text[run.clone()]));
                    match self.mode {
                        MatchMode::Prefix if at == last => run.starts_with(terms.as_str()),
                        MatchMode::Fuzzy => {
                            strsim::osa_distance(&run, terms)
                                <= usize::from(max_edit_distance(terms))
                        }
                        MatchMode::Stemmed if terms.len() == 1 || last == 0 => {
                            run == *terms || stem(&run) == stem(terms)
                        }
                        _ => run == *terms,
                    }
                });
            matches.then(|| here[0].start..here[last].end)
        };
        if self.mode == MatchMode::Wildcard {
            let (_, pattern) = self.patterns().into_iter().next()?;
            return runs
                .into_iter()
                .find(|run| matches_wildcard(&pattern, &fold(&composed(&text[run.clone()]))));
        }
        (0..runs.len()).find_map(match_at).or_else(|| {
            // Match parts of words: `interview` in `BTSInterview`, `京` in `東京`.
            let terms = folded_parts(&self.text);
            let first = terms.first()?;
            runs.iter().find_map(|run| {
                let mut at = run.start;
                parts(&text[run.clone()]).into_iter().find_map(|part| {
                    let here = at..at + part.len();
                    at = here.end;
                    let folded = fold(&composed(part));
                    let is_match = folded == *first
                        || stem(&folded) == stem(first)
                        || !first.is_ascii() && folded.contains(first.as_str())
                        || self.mode == MatchMode::Prefix
                            && terms.len() == 1
                            && folded.starts_with(first.as_str());
                    is_match.then_some(here)
                })
            })
        })
    }
}

/// Returns the number of edits allowed in a fuzzy match: two for words of eight or more characters,
/// otherwise one.
#[must_use]
pub fn max_edit_distance(word: &str) -> u8 {
    if word.chars().count() < 8 { 1 } else { 2 }
}

/// Returns true if the word matches the pattern, in which `*` matches any characters.
#[must_use]
pub fn matches_wildcard(pattern: &str, word: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = word.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return rest.is_empty();
    };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Returns the byte ranges of the runs of letters and digits in a text.
fn run_ranges(text: &str) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        if !c.is_alphanumeric() && !is_mark(c) {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.end == at => run.end = end,
            _ => runs.push(at..end),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_is_located_in_the_text() {
        for (query, text, found) in [
            ("laughing", "the drummer laughs loud", Some("laughs")),
            (
                "\"the drummer\"",
                "See: The  Drummer!",
                Some("The  Drummer"),
            ),
            ("dru..", "a Drummer", Some("Drummer")),
            ("drumer~", "a Drummer", Some("Drummer")),
            ("*umm*", "a Drummer", Some("Drummer")),
            ("interview", "BTSInterview_2", Some("Interview")),
            ("京", "in 東京で", Some("東京で")),
            ("ete", "L'Été 2026", Some("Été")),
            ("drummer", "a singer", None),
        ] {
            let words = match query.strip_prefix('"') {
                Some(phrase) => SearchWords::exact(phrase.trim_end_matches('"')).unwrap(),
                None => SearchWords::parse(query).unwrap(),
            };
            assert_eq!(words.find_in(text).map(|at| &text[at]), found, "{query}");
        }
    }

    #[test]
    fn wildcards_match_any_characters() {
        for (pattern, word, expected) in [
            ("a*c", "abc", true),
            ("a*c", "ab", false),
            ("*b*", "abc", true),
            ("a**", "a", true),
            ("abc", "abcd", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(
                matches_wildcard(pattern, word),
                expected,
                "{pattern} {word}"
            );
        }
    }
}
