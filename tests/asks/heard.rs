//! Whether a text has words that were asked for, found by looking through it from each place:
//! whole words first (`day2`), then their parts (`day`, `2`).

use btsindex::value::words::{composed, fold, parts, runs, stem};
use btsindex::value::{MatchMode, SearchWords};

pub(crate) fn says(text: &str, words: &SearchWords, is_prose: bool) -> bool {
    let whole = |text: &str| -> Vec<String> { runs(&composed(text)).map(fold).collect() };
    let cut = |text: &str| -> Vec<String> {
        let text = composed(text);
        runs(&text).flat_map(parts).map(fold).collect()
    };
    let (asked, said) = (whole(&words.text), whole(text));
    match words.mode {
        MatchMode::Wildcard => return fits_pattern(&words.text, &said, &cut(text)),
        MatchMode::Fuzzy => {
            let mut single = said.into_iter().chain(cut(text));
            return single.any(|word| is_like(&word, &asked[0]));
        }
        _ => {}
    }
    let asked_parts = cut(&words.text);
    let is_one = asked.len() == 1 && asked_parts.len() == 1;
    let is_same = |said: &str, asked: &str, is_last: bool| {
        said == asked
            || words.mode == MatchMode::Prefix && is_last && said.starts_with(asked)
            || is_one && words.mode == MatchMode::Stemmed && is_prose && stem(said) == stem(asked)
    };
    let is_whole = |said: &str, asked: &str, _, is_last| is_same(said, asked, is_last);
    let is_part = |said: &str, asked: &str, is_first, is_last| {
        is_same(said, asked, is_last)
            || is_unspaced(asked)
                && match (is_first, is_last) {
                    (true, true) => said.contains(asked),
                    (true, false) => said.ends_with(asked),
                    (false, true) => said.starts_with(asked),
                    (false, false) => false,
                }
    };
    stands(&said, &asked, is_whole) || stands(&cut(text), &asked_parts, is_part)
}

/// Whether a part is of a script without blanks, of which any letters are found.
fn is_unspaced(part: &str) -> bool {
    part.starts_with(|c| c >= '\u{2e80}')
}

/// Whether words stand in others together and in order; whether each is the first and the last
/// of them matters.
fn stands(
    said: &[String],
    asked: &[String],
    is_same: impl Fn(&str, &str, bool, bool) -> bool,
) -> bool {
    let last = asked.len() - 1;
    let fits = |here: &[String]| {
        let mut pairs = here.iter().zip(asked).enumerate();
        pairs.all(|(at, (said, asked))| is_same(said, asked, at == 0, at == last))
    };
    said.windows(asked.len()).any(fits)
}

/// Letters that must be changed, added, left out or swapped with their neighbour, each place
/// touched once.
fn is_like(word: &str, asked: &str) -> bool {
    let furthest = if asked.chars().count() < 8 { 1 } else { 2 };
    let (a, b): (Vec<char>, Vec<char>) = (word.chars().collect(), asked.chars().collect());
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = usize::from(a[i - 1] != b[j - 1]);
                let mut least = table[i - 1][j - 1] + change;
                least = least.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    least = least.min(table[i - 2][j - 2] + 1);
                }
                least
            };
        }
    }
    table[a.len()][b.len()] <= furthest
}

/// Words with `*` for any letters: one against whole words and parts, several against whole
/// words; a `*` alone is any word.
fn fits_pattern(pattern: &str, said: &[String], cut: &[String]) -> bool {
    let patterns: Vec<String> = pattern.split(['-', ' ']).map(fold).collect();
    let is_star = |pattern: &&String| pattern.chars().all(|c| c == '*');
    let begin = patterns.iter().take_while(is_star).count();
    let end = patterns.len() - patterns.iter().rev().take_while(is_star).count();
    let patterns = &patterns[begin..end];
    if let [pattern] = patterns {
        let mut single = said.iter().chain(cut);
        return single.any(|word| fits(pattern.as_bytes(), word.as_bytes()));
    }
    let is_same = |word: &str, pattern: &str, _, _| fits(pattern.as_bytes(), word.as_bytes());
    stands(said, patterns, is_same)
}

fn fits(pattern: &[u8], word: &[u8]) -> bool {
    match pattern {
        [] => word.is_empty(),
        [b'*', rest @ ..] => (0..=word.len()).any(|skipped| fits(rest, &word[skipped..])),
        [first, rest @ ..] => word.first() == Some(first) && fits(rest, &word[1..]),
    }
}
