//! Names as words: `A001_C003`, `Day2`, `BTSInterview` are found by their parts.
//!
//! Rules, queries and the index must cut names alike, so they all cut here.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Lower case without accents: `Été` is `ete`. Marks that make another letter stay: `ガ` is
/// not `カ`.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    let is_kept = |c: &char| !is_combining_mark(*c) || matches!(c, '\u{3099}' | '\u{309a}');
    let letters: String = text.nfkd().filter(is_kept).collect();
    for c in letters.nfc().flat_map(char::to_lowercase) {
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

/// Whether it is a mark on the letter before it.
#[must_use]
pub fn is_mark(c: char) -> bool {
    is_combining_mark(c)
}

/// A name with each accent and its letter as one: some systems store them apart.
#[must_use]
pub fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// Runs of letters and digits, with the marks on them, as they stand: `A001`, `C003`, `mov` of `A001_C003.mov`.
pub fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c))
        .filter(|run| !run.chars().all(is_combining_mark))
}

/// The parts of one run: cut between letters and digits, where a capital begins a word, and
/// where a script that is written without blanks begins or ends.
///
/// `Day2` is `Day`, `2`; `BTSInterview` is `BTS`, `Interview`.
#[must_use]
pub fn parts(run: &str) -> Vec<&str> {
    let is_one = |same: fn(&u8) -> bool| run.bytes().all(|byte| same(&byte));
    if is_one(u8::is_ascii_lowercase)
        || is_one(u8::is_ascii_digit)
        || is_one(u8::is_ascii_uppercase)
    {
        return vec![run];
    }
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
        let scripts_meet = is_unspaced(before) != is_unspaced(here);
        if digits_meet_letters || hump || end_of_capitals || scripts_meet {
            parts.push(&run[start..place]);
            start = place;
        }
    }
    parts.push(&run[start..]);
    parts
}

/// Whether a letter is of a script that is written without blanks between words: Chinese,
/// Japanese, Korean (where endings stick to words), Thai, Lao, Khmer, Burmese.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{1100}'..='\u{11ff}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}'
        | '\u{3130}'..='\u{318f}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

/// A text as it can be found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Its runs, folded, one after the other.
    pub runs: Vec<String>,
    /// The parts of its runs, one after the other, where they are not the runs themselves. Of
    /// scripts without blanks, each two letters that follow each other are a word, and the last
    /// letter is.
    pub parts: Option<Vec<String>>,
}

/// Cuts a text that is to be found.
#[must_use]
pub fn cut(text: &str) -> Cut {
    let text = composed(text);
    let (mut whole, mut further) = (Vec::new(), Vec::new());
    let mut is_cut = false;
    for run in runs(&text) {
        let folded = fold(run);
        for part in parts(run) {
            if part.len() < run.len() {
                is_cut = true;
                put(fold(part), &mut further);
            } else {
                is_cut |= folded.chars().nth(1).is_some() && folded.starts_with(is_unspaced);
                put(folded.clone(), &mut further);
            }
        }
        whole.push(folded);
    }
    Cut {
        runs: whole,
        parts: is_cut.then_some(further),
    }
}

/// Puts a folded part behind those before it.
fn put(part: String, words: &mut Vec<String>) {
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

/// The parts of a text that is asked for, one after the other: as they are in a text that is to
/// be found, but for the last letter of a script without blanks, which need not end there.
#[must_use]
pub fn asked_parts(text: &str) -> Vec<String> {
    let mut asked = Vec::new();
    let mut parts = folded_parts(text);
    parts.retain(|part| !part.is_empty());
    let is_open = parts
        .last()
        .is_some_and(|last| last.starts_with(is_unspaced) && !is_lone_letter(last));
    for part in parts {
        put(part, &mut asked);
    }
    if is_open {
        asked.pop();
    }
    asked
}

/// Whether a folded word is a single letter of a script without blanks: it begins many pairs.
#[must_use]
pub fn is_lone_letter(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(is_unspaced) && letters.next().is_none()
}

/// What an English word comes from, as far as its ending tells: `laughing` is `laugh`
/// (Porter's second algorithm, as Snowball has it). For folded words.
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
            ("東京タワー2", "東京タワー 2"),
            ("ABCスタジオ", "abc スタジオ"),
            ("ガス", "ガス"),
            ("", ""),
        ] {
            assert_eq!(folded_parts(name).join(" "), expected, "{name}");
        }
    }

    #[test]
    fn scripts_without_blanks_are_found_by_any_part() {
        let placed = |text| {
            let words = cut(text).parts.unwrap_or_default().into_iter();
            words
                .enumerate()
                .map(|(place, word)| format!("{place}{word}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            placed("東京タワー drum"),
            "0東京 1京タ 2タワ 3ワー 4ー 5drum"
        );
        assert_eq!(placed("京 drum a1"), "0京 1drum 2a 31");
        assert_eq!(cut("京 drum").parts, None);
        let asked = |text| {
            let words = asked_parts(text).into_iter();
            words
                .enumerate()
                .map(|(place, word)| format!("{place}{word}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(asked("タワー drum"), "0タワ 1ワー 2ー 3drum");
        assert_eq!(asked("drum 東京"), "0drum 1東京");
        assert_eq!(asked("東2"), "0東 12");
        assert!(is_lone_letter("京") && !is_lone_letter("京タ") && !is_lone_letter("a"));
    }

    #[test]
    fn english_endings_are_taken_off_and_nothing_else_is_touched() {
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
        #![proptest_config(crate::random_tests::random(256))]

        /// What is asked for stands in what is placed, each word at the next place.
        #[test]
        fn a_part_of_a_text_is_found_in_it(before in "[a東ガ]{0,4}", asked in "[ab東京ガ한]{1,5}", after in "[b京 ]{0,4}") {
            let cut = cut(&format!("{before} {asked}{after}"));
            let placed = cut.parts.unwrap_or(cut.runs);
            let asked = asked_parts(&asked);
            let stands = |from: usize| asked.iter().enumerate().all(|(at, word)| {
                placed.get(from + at).is_some_and(|other| {
                    other == word || at + 1 == asked.len() && other.starts_with(word.as_str())
                })
            });
            prop_assert!((0..=placed.len()).any(stands), "{placed:?} {asked:?}");
        }

        #[test]
        fn parts_of_a_run_are_the_run(name in "\\PC*") {
            for run in runs(&name) {
                prop_assert_eq!(parts(run).concat(), run);
            }
        }
    }
}
