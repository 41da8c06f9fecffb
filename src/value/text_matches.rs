//! Where in a text words are that were asked for: what is shown of a match.

use std::ops::Range;

use super::words::{composed, fold, folded_parts, folded_runs, is_mark, parts, stem};
use super::{How, Words};

impl Words {
    /// The place in a text of what these words match, the first one.
    #[must_use]
    pub fn found_in(&self, text: &str) -> Option<Range<usize>> {
        let runs = placed_runs(text);
        let wanted = folded_runs(&self.text);
        let whole = |from: usize| {
            let here = runs.get(from..from + wanted.len())?;
            let last = wanted.len().checked_sub(1)?;
            let matches = here
                .iter()
                .zip(&wanted)
                .enumerate()
                .all(|(at, (run, wanted))| {
                    let run = fold(&composed(&text[run.clone()]));
                    match self.how {
                        How::Begun if at == last => run.starts_with(wanted.as_str()),
                        How::Like => {
                            strsim::osa_distance(&run, wanted) <= usize::from(letters_off(wanted))
                        }
                        How::Forms if wanted.len() == 1 || last == 0 => {
                            run == *wanted || stem(&run) == stem(wanted)
                        }
                        _ => run == *wanted,
                    }
                });
            matches.then(|| here[0].start..here[last].end)
        };
        if self.how == How::Pattern {
            let (_, pattern) = self.patterns().into_iter().next()?;
            return runs
                .into_iter()
                .find(|run| fits(&pattern, &fold(&composed(&text[run.clone()]))));
        }
        (0..runs.len()).find_map(whole).or_else(|| {
            // By its parts: `interview` in `BTSInterview`, `京` in `東京`.
            let wanted = folded_parts(&self.text);
            let first = wanted.first()?;
            runs.iter().find_map(|run| {
                let mut at = run.start;
                parts(&text[run.clone()]).into_iter().find_map(|part| {
                    let here = at..at + part.len();
                    at = here.end;
                    let folded = fold(&composed(part));
                    let is_it = folded == *first
                        || stem(&folded) == stem(first)
                        || !first.is_ascii() && folded.contains(first.as_str())
                        || self.how == How::Begun
                            && wanted.len() == 1
                            && folded.starts_with(first.as_str());
                    is_it.then_some(here)
                })
            })
        })
    }
}

/// In how many letters a word may differ from one that is asked for: in one, or in two of eight
/// and more.
#[must_use]
pub fn letters_off(asked: &str) -> u8 {
    if asked.chars().count() < 8 { 1 } else { 2 }
}

/// Whether a word is as a pattern says, `*` standing for any letters.
#[must_use]
pub fn fits(pattern: &str, word: &str) -> bool {
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

/// The runs of letters and digits of a text, by their places.
fn placed_runs(text: &str) -> Vec<Range<usize>> {
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
    fn the_match_is_shown_where_it_is() {
        for (asked, text, found) in [
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
            let words = match asked.strip_prefix('"') {
                Some(phrase) => Words::exact(phrase.trim_end_matches('"')).unwrap(),
                None => Words::read(asked).unwrap(),
            };
            assert_eq!(words.found_in(text).map(|at| &text[at]), found, "{asked}");
        }
    }

    #[test]
    fn patterns_fit_as_people_expect() {
        for (pattern, word, fit) in [
            ("a*c", "abc", true),
            ("a*c", "ab", false),
            ("*b*", "abc", true),
            ("a**", "a", true),
            ("abc", "abcd", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(fits(pattern, word), fit, "{pattern} {word}");
        }
    }
}
