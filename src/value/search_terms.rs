//! Words that a query asks for, and how they are to be matched.

use std::fmt;

use super::Malformed;
use super::words::{composed, folded_parts, folded_runs, is_mark};

/// How words match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// One word in any of its English forms, or, of several parts, as [`How::Exact`].
    Forms,
    /// Together and in order, as they are written.
    Exact,
    /// Together and in order, the last one only begun.
    Begun,
    /// One word, give or take a letter or two.
    Like,
    /// Together and in order, a `*` standing for any letters.
    Pattern,
}

/// Words of one text, without what stands between them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Words {
    /// Runs of letters and digits as they were typed, with one blank (exact) or dash between.
    pub text: String,
    /// How they match.
    pub how: How,
}

/// More letters than this are no word that anybody looks for.
const MOST_LETTERS: usize = 1000;
/// Nor is a longer one half remembered, or one with more gaps: what may stand in each is tried
/// against every word there is.
const MOST_BEGUN: usize = 100;
/// A text has no more stars than these.
pub const MOST_STARS: usize = 8;
/// Words that mean something else when they stand in a query as they are.
const OPERATORS: [&str; 3] = ["OR", "AND", "NOT"];

impl Words {
    /// Words that stood in quotes.
    ///
    /// # Errors
    /// When there is no letter and no digit in them.
    pub fn exact(text: &str) -> Result<Self, Malformed> {
        Self::of(text, How::Exact, " ", char::is_alphanumeric)
    }

    /// Words as they are typed: `drum`, `drum..` and `drum*`, `drumer~`, `*00?7*`; with a blank
    /// between them they are meant exactly.
    ///
    /// # Errors
    /// When there is no letter and no digit in them, or `~` stands after several.
    pub fn read(text: &str) -> Result<Self, Malformed> {
        if text.trim().contains(char::is_whitespace) {
            return Self::exact(text);
        }
        let letters = |c: char| c.is_alphanumeric();
        // `day2/*`: whatever is below it.
        let text = text.trim_start_matches("*/").trim_end_matches("/*");
        if let Some(begun) = text.strip_suffix("..") {
            return Self::of(begun, How::Begun, "-", letters);
        }
        if let Some(like) = text.strip_suffix('~') {
            let words = Self::of(like, How::Like, "-", letters)?;
            return match folded_runs(&words.text).len() {
                1 => Ok(words),
                _ => Err(Malformed::new(
                    text,
                    "one word with `~` after it, such as `drumer~`",
                )),
            };
        }
        if !text.contains('*') {
            return Self::of(text, How::Forms, "-", letters);
        }
        let words = Self::of(text, How::Pattern, "-", |c| c.is_alphanumeric() || c == '*')?;
        let stars = words.text.matches('*').count();
        match words.text.strip_suffix('*') {
            Some(begun) if stars == 1 && begun.ends_with(letters) => {
                Self::of(begun, How::Begun, "-", letters)
            }
            _ => Ok(words),
        }
    }

    fn of(
        text: &str,
        how: How,
        between: &str,
        is_kept: fn(char) -> bool,
    ) -> Result<Self, Malformed> {
        let text = composed(text);
        let runs: Vec<String> = text
            .split(|c: char| !is_kept(c) && !is_mark(c))
            .filter(|run| run.chars().any(|c| is_kept(c) && !is_mark(c)))
            .map(|run| {
                if OPERATORS.contains(&run) && how != How::Exact {
                    run.to_lowercase()
                } else {
                    run.to_owned()
                }
            })
            .collect();
        let is_partial = matches!(how, How::Begun | How::Pattern);
        let stars = text.matches('*').count();
        let letters = text.chars().count() - stars;
        if is_partial && (letters > MOST_BEGUN || stars > MOST_STARS) {
            return Err(Malformed::new(
                &text,
                "part of a word: up to 100 letters and digits, with up to 8 `*` among them",
            ));
        }
        let is_something = runs.iter().any(|run| !folded_parts(run).is_empty());
        if !is_something || text.len() > MOST_LETTERS {
            return Err(Malformed::new(
                &text,
                "a word: up to 1,000 letters and digits",
            ));
        }
        Ok(Self {
            text: runs.join(between),
            how,
        })
    }

    /// Each run with its place, for [`How::Pattern`]: folded, `*` kept; lone stars left out.
    #[must_use]
    pub fn patterns(&self) -> Vec<(usize, String)> {
        self.text
            .split(['-', ' '])
            .enumerate()
            .map(|(place, run)| (place, super::words::fold(run)))
            .filter(|(_, run)| run.chars().any(|c| c != '*'))
            .collect()
    }
}

impl fmt::Display for Words {
    /// As it would be typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.how {
            How::Forms | How::Pattern => f.write_str(&self.text),
            How::Exact => write!(f, "\"{}\"", self.text),
            How::Begun => write!(f, "{}..", self.text),
            How::Like => write!(f, "{}~", self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_say_how_they_match() {
        for (text, how, shown) in [
            ("drum", How::Forms, "drum"),
            ("ad_shoot", How::Forms, "ad-shoot"),
            ("ad shoot", How::Exact, "\"ad shoot\""),
            ("drum..", How::Begun, "drum.."),
            ("drum*", How::Begun, "drum.."),
            ("AdShoot_AC*", How::Begun, "AdShoot-AC.."),
            ("*0042*", How::Pattern, "*0042*"),
            ("A*/C001", How::Pattern, "A*-C001"),
            ("day2/*", How::Forms, "day2"),
            ("day2/*/clip", How::Pattern, "day2-*-clip"),
            ("drumer~", How::Like, "drumer~"),
            ("(OR)", How::Forms, "or"),
        ] {
            let words = Words::read(text).unwrap();
            assert_eq!(
                (words.how, words.to_string().as_str()),
                (how, shown),
                "{text}"
            );
        }
        for text in ["", "-", "*", "..", "a-b~", "\u{301}"] {
            assert!(Words::read(text).is_err(), "{text}");
        }
        assert!(Words::read(&"x".repeat(1001)).is_err());
        assert!(Words::read(&"x".repeat(1000)).is_ok());
        assert!(Words::read(&format!("{}..", "x".repeat(101))).is_err());
        assert!(Words::read(&"a*".repeat(9)).is_err());
        assert!(Words::read(&"a*".repeat(8)).is_ok());
    }

    proptest! {
        #![proptest_config(crate::random_tests::random(256))]

        #[test]
        fn words_are_written_and_read_again(text in "[ -~é京\u{301}]{0,12}|\\PC{0,8}") {
            if let Ok(words) = Words::read(&text) {
                let again = match words.how {
                    How::Exact => Words::exact(&words.text),
                    _ => Words::read(&words.to_string()),
                };
                prop_assert_eq!(again, Ok(words));
            }
        }
    }
}
