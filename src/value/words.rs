//! Names as words: `A001_C003`, `Day2`, `BTSInterview` are found by their parts.
//!
//! Rules, queries and the index must cut names alike, so they all cut here.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Lower case without accents: `Été` is `ete`.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
    {
        // Letters with strokes and joined letters do not decompose.
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ı' => folded.push('i'),
            c => folded.push(c),
        }
    }
    folded
}

/// A name with each accent and its letter as one: some systems store them apart.
#[must_use]
pub fn composed(text: &str) -> String {
    text.nfc().collect()
}

/// Runs of letters and digits, as they stand: `A001`, `C003`, `mov` of `A001_C003.mov`.
pub fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c))
        .filter(|run| !run.is_empty())
}

/// The parts of one run: cut between letters and digits, and where a capital begins a word.
///
/// `Day2` is `Day`, `2`; `BTSInterview` is `BTS`, `Interview`.
#[must_use]
pub fn parts(run: &str) -> Vec<&str> {
    let chars: Vec<(usize, char)> = run.char_indices().collect();
    let mut parts = Vec::new();
    let mut start = 0;
    for at in 1..chars.len() {
        let (place, here) = chars[at];
        let before = chars[at - 1].1;
        let after = chars.get(at + 1).map(|&(_, c)| c);
        let digits_meet_letters = before.is_numeric() != here.is_numeric();
        let hump = before.is_lowercase() && here.is_uppercase();
        let end_of_capitals =
            before.is_uppercase() && here.is_uppercase() && after.is_some_and(char::is_lowercase);
        if digits_meet_letters || hump || end_of_capitals {
            parts.push(&run[start..place]);
            start = place;
        }
    }
    parts.push(&run[start..]);
    parts
}

/// Every part of every run, folded: how two spellings of one thing are compared.
#[must_use]
pub fn folded_parts(text: &str) -> Vec<String> {
    runs(&composed(text)).flat_map(parts).map(fold).collect()
}

/// Every run, folded but not cut further.
#[must_use]
pub fn folded_runs(text: &str) -> Vec<String> {
    runs(&composed(text)).map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_fall_into_the_parts_people_remember() {
        for (name, expected) in [
            ("A001_C003_0512AB.mov", "a 001 c 003 0512 ab mov"),
            ("Day2", "day 2"),
            ("BTSInterview", "bts interview"),
            ("AdShoot_ACME", "ad shoot acme"),
            ("GX010042", "gx 010042"),
            ("Café-Été", "cafe ete"),
            ("studio session", "studio session"),
            ("E\u{301}te\u{301}Drummer", "ete drummer"),
            ("Straße Øst", "strasse ost"),
            ("", ""),
        ] {
            assert_eq!(folded_parts(name).join(" "), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn parts_of_a_run_are_the_run(name in "\\PC*") {
            for run in runs(&name) {
                prop_assert_eq!(parts(run).concat(), run);
            }
        }
    }
}
