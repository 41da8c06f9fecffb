//! Words of a query and the match mode of each.

use std::fmt;

use super::Malformed;
use super::words::{composed, folded_parts, folded_runs, is_mark};

/// Match mode of the words of a search term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatchMode {
    /// Any English form of a single word; several parts match like [`MatchMode::Exact`].
    Stemmed,
    /// The words as written, adjacent and in order.
    Exact,
    /// Adjacent and in order; the last word is a prefix.
    Prefix,
    /// A single word that may differ by one or two characters.
    Fuzzy,
    /// Adjacent and in order; `*` matches any characters.
    Wildcard,
}

/// Words of one search term, without separators.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SearchWords {
    /// Runs of letters and digits as typed, separated by a space ([`MatchMode::Exact`]) or a dash.
    pub text: String,
    /// Match mode of all the words.
    pub mode: MatchMode,
}

/// Maximum length of a search term in bytes.
const MAX_BYTES: usize = 1000;
/// Maximum length of a prefix or wildcard term in characters. The limit is lower because such a
/// term is compared with every word of the index.
const MAX_PARTIAL_CHARS: usize = 100;
/// Maximum number of `*` in a search term.
pub const MAX_WILDCARDS: usize = 8;
/// Words that are query operators unless they are quoted.
const OPERATORS: [&str; 3] = ["OR", "AND", "NOT"];

impl SearchWords {
    /// Parses words that were in quotes.
    ///
    /// # Errors
    /// Fails if they contain no letters or digits, or are too long.
    pub fn exact(text: &str) -> Result<Self, Malformed> {
        Self::with_mode(text, MatchMode::Exact, " ", char::is_alphanumeric)
    }

    /// Parses unquoted words: `drum`, `drum..` and `drum*`, `drumer~`, `*00?7*`; words with a space
    /// between them are matched exactly.
    ///
    /// # Errors
    /// Fails if they contain no letters or digits, if they are too long, or if `~` follows more
    /// than one word.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if text.trim().contains(char::is_whitespace) {
            return Self::exact(text);
        }
        let letters = |c: char| c.is_alphanumeric();
        // `day2/*` means everything below `day2`.
        let text = text.trim_start_matches("*/").trim_end_matches("/*");
        if let Some(prefix) = text.strip_suffix("..") {
            return Self::with_mode(prefix, MatchMode::Prefix, "-", letters);
        }
        if let Some(fuzzy) = text.strip_suffix('~') {
            let words = Self::with_mode(fuzzy, MatchMode::Fuzzy, "-", letters)?;
            return match folded_runs(&words.text).len() {
                1 => Ok(words),
                _ => Err(Malformed::new(
                    text,
                    "one word with `~` after it, such as `drumer~`",
                )),
            };
        }
        if !text.contains('*') {
            return Self::with_mode(text, MatchMode::Stemmed, "-", letters);
        }
        let words = Self::with_mode(text, MatchMode::Wildcard, "-", |c| {
            c.is_alphanumeric() || c == '*'
        })?;
        let wildcards = words.text.matches('*').count();
        match words.text.strip_suffix('*') {
            Some(prefix) if wildcards == 1 && prefix.ends_with(letters) => {
                Self::with_mode(prefix, MatchMode::Prefix, "-", letters)
            }
            _ => Ok(words),
        }
    }

    fn with_mode(
        text: &str,
        mode: MatchMode,
        separator: &str,
        is_kept: fn(char) -> bool,
    ) -> Result<Self, Malformed> {
        let text = composed(text);
        let runs: Vec<String> = text
            .split(|c: char| !is_kept(c) && !is_mark(c))
            .filter(|run| run.chars().any(|c| is_kept(c) && !is_mark(c)))
            .map(|run| {
                if OPERATORS.contains(&run) && mode != MatchMode::Exact {
                    run.to_lowercase()
                } else {
                    run.to_owned()
                }
            })
            .collect();
        let is_partial = matches!(mode, MatchMode::Prefix | MatchMode::Wildcard);
        let wildcards = text.matches('*').count();
        let chars = text.chars().count() - wildcards;
        if is_partial && (chars > MAX_PARTIAL_CHARS || wildcards > MAX_WILDCARDS) {
            return Err(Malformed::new(
                &text,
                "part of a word: up to 100 letters and digits, with up to 8 `*` among them",
            ));
        }
        let is_searchable = runs.iter().any(|run| !folded_parts(run).is_empty());
        if !is_searchable || text.len() > MAX_BYTES {
            return Err(Malformed::new(
                &text,
                "a word: up to 1,000 letters and digits",
            ));
        }
        Ok(Self {
            text: runs.join(separator),
            mode,
        })
    }

    /// Returns the patterns of a [`MatchMode::Wildcard`] term, folded, each with its zero-based
    /// word position. Runs of `*` alone are skipped.
    #[must_use]
    pub fn patterns(&self) -> Vec<(usize, String)> {
        self.text
            .split(['-', ' '])
            .enumerate()
            .map(|(position, run)| (position, super::words::fold(run)))
            .filter(|(_, run)| run.chars().any(|c| c != '*'))
            .collect()
    }
}

impl fmt::Display for SearchWords {
    /// Formats the words as a user would type them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mode {
            MatchMode::Stemmed | MatchMode::Wildcard => f.write_str(&self.text),
            MatchMode::Exact => write!(f, "\"{}\"", self.text),
            MatchMode::Prefix => write!(f, "{}..", self.text),
            MatchMode::Fuzzy => write!(f, "{}~", self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_form_of_a_word_selects_its_match_mode() {
        for (text, mode, shown) in [
            ("drum", MatchMode::Stemmed, "drum"),
            ("ad_shoot", MatchMode::Stemmed, "ad-shoot"),
            ("ad shoot", MatchMode::Exact, "\"ad shoot\""),
            ("drum..", MatchMode::Prefix, "drum.."),
            ("drum*", MatchMode::Prefix, "drum.."),
            ("AdShoot_AC*", MatchMode::Prefix, "AdShoot-AC.."),
            ("*0042*", MatchMode::Wildcard, "*0042*"),
            ("A*/C001", MatchMode::Wildcard, "A*-C001"),
            ("day2/*", MatchMode::Stemmed, "day2"),
            ("day2/*/clip", MatchMode::Wildcard, "day2-*-clip"),
            ("drumer~", MatchMode::Fuzzy, "drumer~"),
            ("(OR)", MatchMode::Stemmed, "or"),
        ] {
            let words = SearchWords::parse(text).unwrap();
            assert_eq!(
                (words.mode, words.to_string().as_str()),
                (mode, shown),
                "{text}"
            );
        }
        for text in ["", "-", "*", "..", "a-b~", "\u{301}"] {
            assert!(SearchWords::parse(text).is_err(), "{text}");
        }
        assert!(SearchWords::parse(&"x".repeat(1001)).is_err());
        assert!(SearchWords::parse(&"x".repeat(1000)).is_ok());
        assert!(SearchWords::parse(&format!("{}..", "x".repeat(101))).is_err());
        assert!(SearchWords::parse(&"a*".repeat(9)).is_err());
        assert!(SearchWords::parse(&"a*".repeat(8)).is_ok());
    }

    proptest! {
        #![proptest_config(crate::property_tests::random(256))]

        #[test]
        fn printed_words_parse_back(text in "[ -~é京\u{301}]{0,12}|\\PC{0,8}") {
            if let Ok(words) = SearchWords::parse(&text) {
                let again = match words.mode {
                    MatchMode::Exact => SearchWords::exact(&words.text),
                    _ => SearchWords::parse(&words.to_string()),
                };
                prop_assert_eq!(again, Ok(words));
            }
        }
    }
}
