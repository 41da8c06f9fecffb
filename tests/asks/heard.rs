//! Whether a text has words that were asked for, found by looking through it from each place:
//! whole words first (`day2`), then their parts (`day`, `2`), of scripts without blanks each
//! letter.

use btsindex::value::words::{composed, fold, parts, runs, stem};
use btsindex::value::{How, Words};

pub(crate) fn says(text: &str, words: &Words, is_prose: bool) -> bool {
    let whole = |text: &str| -> Vec<String> { runs(&composed(text)).map(fold).collect() };
    let (asked, said) = (whole(&words.text), whole(text));
    match words.how {
        How::Pattern => return fits_pattern(&words.text, &said, text),
        How::Like => {
            let mut single = said.into_iter().chain(pieces(text));
            return single.any(|word| is_like(&word, &asked[0]));
        }
        _ => {}
    }
    let is_begun = words.how == How::Begun;
    let (parts, cut) = (pieces(&words.text), pieces(text));
    let is_one = asked.len() == 1 && parts.len() == 1;
    let is_same = |said: &String, asked: &String, is_last: bool| {
        said == asked
            || is_begun && is_last && said.starts_with(asked.as_str())
            || is_one && words.how == How::Forms && is_prose && stem(said) == stem(asked)
    };
    stands(&said, &asked, is_same) || stands(&cut, &parts, is_same)
}

/// Whether words stand in others together and in order.
fn stands(
    said: &[String],
    asked: &[String],
    is_same: impl Fn(&String, &String, bool) -> bool,
) -> bool {
    let last = asked.len() - 1;
    let fits = |here: &[String]| {
        let mut pairs = here.iter().zip(asked).enumerate();
        pairs.all(|(at, (said, asked))| is_same(said, asked, at == last))
    };
    said.windows(asked.len()).any(fits)
}

/// The parts of every word, and of scripts without blanks each letter.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    for part in runs(&composed(text)).flat_map(parts).map(fold) {
        if part.chars().any(|c| c >= '\u{2e80}') {
            pieces.extend(part.chars().map(String::from));
        } else {
            pieces.push(part);
        }
    }
    pieces
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
fn fits_pattern(pattern: &str, said: &[String], text: &str) -> bool {
    let patterns: Vec<String> = pattern.split(['-', ' ']).map(fold).collect();
    let is_star = |pattern: &&String| pattern.chars().all(|c| c == '*');
    let begin = patterns.iter().take_while(is_star).count();
    let end = patterns.len() - patterns.iter().rev().take_while(is_star).count();
    let patterns = &patterns[begin..end];
    if let [pattern] = patterns {
        // Of scripts without blanks, any part of a word.
        let cut = runs(&composed(text))
            .flat_map(parts)
            .map(fold)
            .collect::<Vec<_>>();
        let mut single = said.iter().chain(&cut);
        return single.any(|word| fits(pattern.as_bytes(), word.as_bytes()));
    }
    let is_same = |word: &String, pattern: &String, _| fits(pattern.as_bytes(), word.as_bytes());
    stands(said, patterns, is_same)
}

fn fits(pattern: &[u8], word: &[u8]) -> bool {
    match pattern {
        [] => word.is_empty(),
        [b'*', rest @ ..] => (0..=word.len()).any(|skipped| fits(rest, &word[skipped..])),
        [first, rest @ ..] => word.first() == Some(first) && fits(rest, &word[1..]),
    }
}
