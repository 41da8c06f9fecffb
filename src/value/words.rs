//! Splitting of names into words, so that `A001_C003`, `Day2` and `BTSInterview` are found by their
//! parts.
//!
//! Rules, queries and the index must split names in the same way, so all of them use this module.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Converts to lower case without accents: `Été` becomes `ete`. Marks that form a different letter
/// are preserved: `ガ` is not `カ`.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    let is_kept = |c: &char| !is_combining_mark(*c) || matches!(c, '\u{3099}' | '\u{309a}');
    let letters: String = text.nfkd().filter(is_kept).collect();
    for c in letters.nfc().flat_map(char::to_lowercase) {
        // Letters with strokes and ligatures do not decompose.
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

/// Returns true for a combining mark, which belongs to the letter before it.
#[must_use]
pub fn is_mark(c: char) -> bool {
    is_combining_mark(c)
}

/// Converts to Unicode normalization form C, since some systems store an accent separately from its
/// letter.
#[must_use]
pub fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// Iterates over the runs of letters and digits, with their combining marks: `A001`, `C003` and
/// `mov` in `A001_C003.mov`.
pub fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c))
        .filter(|run| !run.chars().all(is_combining_mark))
}

/// Splits a run between letters and digits, before a capital that starts a word, and where a script
/// without spaces starts or ends.
///
/// `Day2` becomes `Day`, `2`; `BTSInterview` becomes `BTS`, `Interview`.
#[must_use]
pub fn parts(run: &str) -> Vec<&str> {
    let all_bytes = |is_class: fn(&u8) -> bool| run.bytes().all(|byte| is_class(&byte));
    if all_bytes(u8::is_ascii_lowercase)
        || all_bytes(u8::is_ascii_digit)
        || all_bytes(u8::is_ascii_uppercase)
    {
        return vec![run];
    }
    let chars: Vec<(usize, char)> = run.char_indices().collect();
    let mut parts = Vec::new();
    let mut start = 0;
    for at in 1..chars.len() {
        let (offset, here) = chars[at];
        let before = chars[at - 1].1;
        let after = chars.get(at + 1).map(|&(_, c)| c);
        let is_digit_boundary = before.is_numeric() != here.is_numeric();
        let is_hump = before.is_lowercase() && here.is_uppercase();
        let ends_capitals =
            before.is_uppercase() && here.is_uppercase() && after.is_some_and(char::is_lowercase);
        let is_script_boundary = is_unspaced(before) != is_unspaced(here);
        if is_digit_boundary || is_hump || ends_capitals || is_script_boundary {
            parts.push(&run[start..offset]);
            start = offset;
        }
    }
    parts.push(&run[start..]);
    parts
}

/// Returns true for a letter of a script without spaces between words: Chinese, Japanese, Korean
/// (where endings attach to words), Thai, Lao, Khmer, Burmese.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{1100}'..='\u{11ff}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}'
        | '\u{3130}'..='\u{318f}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

/// Words of an indexed text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct IndexedWords {
    /// Folded runs, in order.
    pub runs: Vec<String>,
    /// Folded parts of all runs, in order; `None` if they equal the runs. In scripts without
    /// spaces, each pair of adjacent letters is a word, and so is the last letter.
    pub parts: Option<Vec<String>>,
}

/// Splits a text into words for the index.
#[must_use]
pub fn split_for_index(text: &str) -> IndexedWords {
    let text = composed(text);
    let (mut folded_runs, mut split) = (Vec::new(), Vec::new());
    let mut is_split = false;
    for run in runs(&text) {
        let folded = fold(run);
        for part in parts(run) {
            if part.len() < run.len() {
                is_split = true;
                push_part(fold(part), &mut split);
            } else {
                is_split |= folded.chars().nth(1).is_some() && folded.starts_with(is_unspaced);
                push_part(folded.clone(), &mut split);
            }
        }
        folded_runs.push(folded);
    }
    IndexedWords {
        runs: folded_runs,
        parts: is_split.then_some(split),
    }
}

/// Appends a folded part to the words, as pairs of letters if its script has no spaces.
fn push_part(part: String, words: &mut Vec<String>) {
    if part.is_ascii() || !part.starts_with(is_unspaced) {
        words.push(part);
        return;
    }
    let letters: Vec<char> = part.chars().collect();
    words.extend(
        letters
            .windows(2)
            .map(|pair| pair.iter().collect::<String>()),
    );
    words.extend(letters.last().map(char::to_string));
}

/// Returns the parts of a query text, in order.
///
/// They equal the parts of an indexed text, except for the last letter of a script without spaces:
/// the indexed text may continue after it.
#[must_use]
pub fn query_parts(text: &str) -> Vec<String> {
    let mut query = Vec::new();
    let mut parts = folded_parts(text);
    parts.retain(|part| !part.is_empty());
    let is_open = parts
        .last()
        .is_some_and(|last| last.starts_with(is_unspaced) && !is_lone_letter(last));
    for part in parts {
        push_part(part, &mut query);
    }
    if is_open {
        query.pop();
    }
    query
}

/// Returns true if a folded word is a single letter of a script without spaces, which is a prefix
/// of many pairs.
#[must_use]
pub fn is_lone_letter(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(is_unspaced) && letters.next().is_none()
}

/// Returns the stem of a folded English word: `laughing` becomes `laugh`. The algorithm is the
/// English (Porter2) stemmer of Snowball.
#[must_use]
pub fn stem(word: &str) -> String {
    thread_local! {
        static ENGLISH: frostem::Stemmer = frostem::Stemmer::new(frostem::Algorithm::English);
    }
    if !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return word.to_owned();
    }
    ENGLISH.with(|english| english.stem(word).into_owned())
}

/// Returns the folded parts of all runs, to compare two spellings of a name.
#[must_use]
pub fn folded_parts(text: &str) -> Vec<String> {
    runs(&composed(text)).flat_map(parts).map(fold).collect()
}

/// Returns the folded runs, not split into parts.
#[must_use]
pub fn folded_runs(text: &str) -> Vec<String> {
    runs(&composed(text)).map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_split_into_the_parts_that_users_search_for() {
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
            ("東京タワー2", "東京タワー 2"),
            ("ABCスタジオ", "abc スタジオ"),
            ("ガス", "ガス"),
            ("", ""),
        ] {
            assert_eq!(folded_parts(name).join(" "), expected, "{name}");
        }
    }

    #[test]
    fn scripts_without_spaces_are_found_by_any_part() {
        let numbered = |text| {
            let words = split_for_index(text).parts.unwrap_or_default().into_iter();
            words
                .enumerate()
                .map(|(position, word)| format!("{position}{word}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            numbered("東京タワー drum"),
            "0東京 1京タ 2タワ 3ワー 4ー 5drum"
        );
        assert_eq!(numbered("京 drum a1"), "0京 1drum 2a 31");
        assert_eq!(split_for_index("京 drum").parts, None);
        let query = |text| {
            let words = query_parts(text).into_iter();
            words
                .enumerate()
                .map(|(position, word)| format!("{position}{word}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(query("タワー drum"), "0タワ 1ワー 2ー 3drum");
        assert_eq!(query("drum 東京"), "0drum 1東京");
        assert_eq!(query("東2"), "0東 12");
        assert!(is_lone_letter("京") && !is_lone_letter("京タ") && !is_lone_letter("a"));
    }

    #[test]
    fn only_english_endings_are_removed() {
        for (word, expected) in [
            ("laughing", "laugh"),
            ("interviews", "interview"),
            ("c0001", "c0001"),
            ("京", "京"),
        ] {
            assert_eq!(stem(word), expected);
        }
    }

    proptest! {
        #![proptest_config(crate::property_tests::random(256))]

        /// The query parts occur in the indexed text, at consecutive positions.
        #[test]
        fn a_part_of_a_text_is_found_in_it(before in "[a東ガ]{0,4}", text in "[ab東京ガ한]{1,5}", after in "[b京 ]{0,4}") {
            let indexed = split_for_index(&format!("{before} {text}{after}"));
            let words = indexed.parts.unwrap_or(indexed.runs);
            let query = query_parts(&text);
            let matches_at = |from: usize| query.iter().enumerate().all(|(at, word)| {
                words.get(from + at).is_some_and(|other| {
                    other == word || at + 1 == query.len() && other.starts_with(word.as_str())
                })
            });
            prop_assert!((0..=words.len()).any(matches_at), "{words:?} {query:?}");
        }

        #[test]
        fn the_parts_of_a_run_add_up_to_it(name in "\\PC*") {
            for run in runs(&name) {
                prop_assert_eq!(parts(run).concat(), run);
            }
        }
    }
}
