//! Naive text matching, from every position of the text: whole words first (`day2`), then their
//! parts (`day`, `2`).

use btsindex::value::words::{composed, fold, parts, runs, stem};
use btsindex::value::{MatchMode, SearchWords};

pub(crate) fn has_words(text: &str, words: &SearchWords, is_prose: bool) -> bool {
    let whole = |text: &str| -> Vec<String> { runs(&composed(text)).map(fold).collect() };
    let split_parts = |text: &str| -> Vec<String> {
        let text = composed(text);
        runs(&text).flat_map(parts).map(fold).collect()
    };
    let (query_words, words_of_text) = (whole(&words.text), whole(text));
    match words.mode {
        MatchMode::Wildcard => {
            return matches_wildcards(&words.text, &words_of_text, &split_parts(text));
        }
        MatchMode::Fuzzy => {
            let mut single = words_of_text.into_iter().chain(split_parts(text));
            return single.any(|word| is_similar(&word, &query_words[0]));
        }
        _ => {}
    }
    let query_parts = split_parts(&words.text);
    let is_one = query_words.len() == 1 && query_parts.len() == 1;
    let is_same = |word: &str, query_word: &str, is_last: bool| {
        word == query_word
            || words.mode == MatchMode::Prefix && is_last && word.starts_with(query_word)
            || is_one
                && words.mode == MatchMode::Stemmed
                && is_prose
                && stem(word) == stem(query_word)
    };
    let is_whole = |word: &str, query_word: &str, _, is_last| is_same(word, query_word, is_last);
    let is_part = |word: &str, query_word: &str, is_first, is_last| {
        is_same(word, query_word, is_last)
            || is_unspaced(query_word)
                && match (is_first, is_last) {
                    (true, true) => word.contains(query_word),
                    (true, false) => word.ends_with(query_word),
                    (false, true) => word.starts_with(query_word),
                    (false, false) => false,
                }
    };
    contains_in_order(&words_of_text, &query_words, is_whole)
        || contains_in_order(&split_parts(text), &query_parts, is_part)
}

/// Returns true for scripts without spaces, in which any part of a text matches.
fn is_unspaced(part: &str) -> bool {
    part.starts_with(|c| c >= '\u{2e80}')
}

/// Returns true if the words occur in the others consecutively and in order; `is_same` also gets
/// whether a word is the first and the last.
fn contains_in_order(
    words_of_text: &[String],
    query_words: &[String],
    is_same: impl Fn(&str, &str, bool, bool) -> bool,
) -> bool {
    let last = query_words.len() - 1;
    let fits = |here: &[String]| {
        let mut pairs = here.iter().zip(query_words).enumerate();
        pairs.all(|(at, (words_of_text, query_words))| {
            is_same(words_of_text, query_words, at == 0, at == last)
        })
    };
    words_of_text.windows(query_words.len()).any(fits)
}

/// Returns true if few enough edits turn one word into the other: letters are changed, added, left
/// out or swapped with their neighbour, each position at most once.
fn is_similar(word: &str, query_word: &str) -> bool {
    let furthest = if query_word.chars().count() < 8 { 1 } else { 2 };
    let (a, b): (Vec<char>, Vec<char>) = (word.chars().collect(), query_word.chars().collect());
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

/// Words with `*` for any letters: one pattern is compared with whole words and parts, several with
/// whole words; a `*` alone is any word.
fn matches_wildcards(pattern: &str, words_of_text: &[String], parts: &[String]) -> bool {
    let patterns: Vec<String> = pattern.split(['-', ' ']).map(fold).collect();
    let is_star = |pattern: &&String| pattern.chars().all(|c| c == '*');
    let begin = patterns.iter().take_while(is_star).count();
    let end = patterns.len() - patterns.iter().rev().take_while(is_star).count();
    let patterns = &patterns[begin..end];
    if let [pattern] = patterns {
        let mut single = words_of_text.iter().chain(parts);
        return single.any(|word| fits(pattern.as_bytes(), word.as_bytes()));
    }
    let is_same = |word: &str, pattern: &str, _, _| fits(pattern.as_bytes(), word.as_bytes());
    contains_in_order(words_of_text, patterns, is_same)
}

fn fits(pattern: &[u8], word: &[u8]) -> bool {
    match pattern {
        [] => word.is_empty(),
        [b'*', rest @ ..] => (0..=word.len()).any(|skipped| fits(rest, &word[skipped..])),
        [first, rest @ ..] => word.first() == Some(first) && fits(rest, &word[1..]),
    }
}
