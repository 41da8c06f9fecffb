//! Matcher that finds the phrases of all rules in a name or text in one pass.
//!
//! Names are split into words in the same way as in queries and the index. A phrase matches if its
//! words are adjacent. Case and a final plural `s` are ignored: `ad shoot` matches `AdShoot_ACME`,
//! `ad-shoots` and `ADSHOOT`. Long words may have one misspelled letter. A phrase does not count
//! after a negation (`no interview`) or in a street or company name (`Commercial Road`, `Wrap
//! GmbH`).

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::vocabulary::singular;
use crate::value::words::{composed, fold, folded_parts, folded_runs, parts, runs};

/// Index of a phrase in [`PhraseMatcher`].
pub(super) type PhraseId = usize;

/// Occurrence of a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) phrase: PhraseId,
    /// Byte range in the text.
    pub(super) range: Range<usize>,
    pub(super) is_misspelled: bool,
    /// True if the context cancels the phrase, such as a negation before it.
    pub(super) is_void: bool,
}

/// Text with the phrases that occur in it.
#[derive(Debug, Clone, Default)]
pub(super) struct MatchedText {
    pub(super) text: String,
    pub(super) hits: Vec<Hit>,
}

impl MatchedText {
    /// Marks all hits as void; they still count under a negated condition.
    pub(super) fn void_all(&mut self) {
        for hit in &mut self.hits {
            hit.is_void = true;
        }
    }
}

/// Returns true if a name looks like a film title with its year: `Interview (1971)`.
fn is_title(text: &str) -> bool {
    let mut brackets = text.split('(').skip(1);
    brackets.any(|inside| {
        let year: String = inside.chars().take_while(char::is_ascii_digit).collect();
        year.len() == 4 && (year.starts_with("19") || year.starts_with("20"))
    })
}

/// Word of a text.
struct Word {
    folded: String,
    range: Range<usize>,
    /// Correct word, if this one is misspelled.
    corrected: Option<String>,
    /// True if the word follows the previous one without a separator.
    is_joined: bool,
}

/// Index of the phrases of all rules.
#[derive(Debug, Default)]
pub(super) struct PhraseMatcher {
    phrases: Vec<Vec<String>>,
    /// Phrases by their words.
    ids: HashMap<Vec<String>, PhraseId>,
    by_first: HashMap<String, Vec<PhraseId>>,
    /// Phrases of several words, written as one word: `adshoot`.
    joined: HashMap<String, PhraseId>,
    /// Phrases that are a prefix of a word: `drohn*`.
    prefixes: Vec<(String, PhraseId)>,
    /// Phrases in scripts without spaces, which match anywhere in a text.
    unspaced: Vec<(String, PhraseId)>,
    /// Words for spelling correction by first letter and length, each with a bit set of its
    /// letters.
    spellings: HashMap<(u8, usize), Vec<(u32, String)>>,
    /// Words that void a phrase before them.
    not_before: HashSet<String>,
    /// Words that void a phrase after them.
    not_after: HashSet<String>,
    /// Correctly spelled words, which are excluded from spelling correction.
    correct: HashSet<String>,
}

/// Minimum length of a word in which two swapped letters are corrected.
const MIN_LEN_SWAPPED: usize = 5;
/// Minimum length of a word in which a missing letter is corrected.
const MIN_LEN_MISSING: usize = 7;
/// Minimum length of a word in which any other wrong letter is corrected.
const MIN_LEN_OTHER: usize = 8;
/// Minimum length of each word in a phrase that also matches when written as one word.
const MIN_LEN_JOINED: usize = 3;

impl PhraseMatcher {
    /// Adds a phrase; a `*` at the end of a single word makes it a prefix.
    pub(super) fn add(&mut self, text: &str) -> PhraseId {
        let prefix = text.strip_suffix('*');
        let mut words = folded_parts(prefix.unwrap_or(text));
        if prefix.is_some() {
            // No word of a text contains a `*`.
            words.push("*".to_owned());
        }
        if let Some(&id) = self.ids.get(&words) {
            return id;
        }
        let id = self.phrases.len();
        self.ids.insert(words.clone(), id);
        if let Some(prefix) = prefix {
            self.prefixes.push((folded_runs(prefix).concat(), id));
        } else if words.iter().any(|word| is_unspaced(word)) {
            self.unspaced.push((fold(&composed(text)), id));
        } else if let Some(last) = words.last_mut() {
            *last = singular(last).to_owned();
            let is_long = |word: &String| word.chars().count() >= MIN_LEN_JOINED;
            if words.len() > 1 && words.iter().all(is_long) {
                self.joined.insert(words.concat(), id);
            }
            if let ([run], 2..) = (folded_runs(text).as_slice(), words.len()) {
                self.joined.insert(singular(run).to_owned(), id);
            }
            self.by_first.entry(words[0].clone()).or_default().push(id);
        }
        self.phrases.push(words);
        id
    }

    /// Adds words that void a phrase after them (`not_after`) or before them (`not_before`), and
    /// correct words that must not be treated as misspellings.
    pub(super) fn add_exceptions(
        &mut self,
        not_after: &[&str],
        not_before: &[&str],
        correct: &[&str],
    ) {
        let folded = |words: &[&str]| words.iter().map(|word| fold(word)).collect::<Vec<_>>();
        self.not_after.extend(folded(not_after));
        self.not_before.extend(folded(not_before));
        self.correct.extend(folded(correct));
    }

    /// Builds the index for spelling correction. Call this after adding the last phrase.
    pub(super) fn build_spelling_index(&mut self) {
        let words = self.phrases.iter().flatten().chain(self.joined.keys());
        let mut seen: HashSet<&String> = HashSet::new();
        for word in words.filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())) {
            self.correct.insert(word.clone());
            if seen.insert(word) && word.len() >= MIN_LEN_SWAPPED {
                let key = (word.as_bytes()[0], word.len());
                let similar = self.spellings.entry(key).or_default();
                similar.push((letters(word), word.clone()));
            }
        }
    }

    /// Finds the phrases that occur in a text.
    pub(super) fn find_phrases(&self, text: &str) -> MatchedText {
        let text = composed(text).into_owned();
        let (mut run_words, mut part_words) = (Vec::new(), Vec::new());
        for run in runs(&text) {
            run_words.push(self.word(&text, run, false));
            let parts = parts(run).into_iter().enumerate();
            part_words.extend(parts.map(|(at, part)| self.word(&text, part, at > 0)));
        }
        let mut hits = Vec::new();
        for words in [&part_words, &run_words] {
            self.find_adjacent(words, &mut hits);
        }
        for word in &run_words {
            self.find_in_run(word, &part_words, &mut hits);
        }
        if !self.unspaced.is_empty() && !text.is_ascii() {
            self.find_unspaced(&text, &mut hits);
        }
        hits.sort_by_key(|hit| (hit.phrase, hit.is_void, hit.is_misspelled, hit.range.start));
        hits.dedup_by_key(|hit| hit.phrase);
        let mut found = MatchedText { text, hits };
        if is_title(&found.text) {
            found.void_all();
        }
        found
    }

    fn word(&self, text: &str, piece: &str, is_joined: bool) -> Word {
        let start = piece.as_ptr() as usize - text.as_ptr() as usize;
        let folded = fold(piece);
        Word {
            corrected: self.corrected(&folded),
            folded,
            range: start..start + piece.len(),
            is_joined,
        }
    }

    /// Finds phrases whose words are adjacent.
    fn find_adjacent(&self, words: &[Word], hits: &mut Vec<Hit>) {
        for (at, word) in words.iter().enumerate() {
            let without_s = singular(&word.folded);
            let spellings = [
                Some(word.folded.as_str()),
                Some(without_s),
                word.corrected.as_deref(),
            ];
            for (nth, first) in spellings.into_iter().enumerate() {
                if nth == 1 && without_s.len() == word.folded.len() {
                    continue;
                }
                for &id in first
                    .and_then(|first| self.by_first.get(first))
                    .into_iter()
                    .flatten()
                {
                    let is_misspelled = nth == 2;
                    if let Some(hit) = self.match_at(id, words, at, is_misspelled, nth == 1) {
                        hits.push(hit);
                    }
                }
            }
        }
    }

    /// Matches the phrase `id` against the words from index `at` on. The first word is known to
    /// match.
    fn match_at(
        &self,
        id: PhraseId,
        words: &[Word],
        at: usize,
        is_misspelled: bool,
        is_singular: bool,
    ) -> Option<Hit> {
        let phrase = &self.phrases[id];
        if is_singular && phrase.len() > 1 {
            return None;
        }
        let candidates = words.get(at..at + phrase.len())?;
        let mut is_misspelled = is_misspelled;
        for (nth, (word, expected)) in candidates.iter().zip(phrase).enumerate().skip(1) {
            let is_last = nth + 1 == phrase.len();
            let is_match =
                word.folded == *expected || is_last && singular(&word.folded) == expected;
            if is_match {
                continue;
            }
            // Only one word of a phrase may be misspelled.
            if is_misspelled || word.corrected.as_deref() != Some(expected) {
                return None;
            }
            is_misspelled = true;
        }
        Some(Hit {
            is_void: self.is_void(words, at, at + phrase.len()),
            phrase: id,
            range: candidates.first()?.range.start..candidates.last()?.range.end,
            is_misspelled,
        })
    }

    /// Finds phrases that match a whole run, because they are written as one word or are a prefix
    /// of it.
    fn find_in_run(&self, word: &Word, parts: &[Word], hits: &mut Vec<Hit>) {
        let Some(at) = parts
            .iter()
            .position(|part| part.range.start == word.range.start)
        else {
            return;
        };
        let after = parts
            .iter()
            .position(|part| part.range.start >= word.range.end);
        let is_void = self.is_void(parts, at, after.unwrap_or(parts.len()));
        let mut push = |phrase, is_misspelled| {
            hits.push(Hit {
                is_void,
                phrase,
                range: word.range.clone(),
                is_misspelled,
            });
        };
        if let Some(&id) = self.joined.get(singular(&word.folded)) {
            push(id, false);
        } else if let Some(&id) = word
            .corrected
            .as_ref()
            .and_then(|corrected| self.joined.get(corrected))
        {
            push(id, true);
        }
        for (prefix, id) in &self.prefixes {
            if word.folded.starts_with(prefix) {
                push(*id, false);
            }
        }
    }

    /// Finds phrases in scripts without spaces.
    fn find_unspaced(&self, text: &str, hits: &mut Vec<Hit>) {
        let folded = fold(text);
        for (phrase, id) in &self.unspaced {
            if folded.contains(phrase.as_str()) {
                let start = text.find(phrase.as_str());
                let range = start.map_or(0..text.len(), |at| at..at + phrase.len());
                hits.push(Hit {
                    phrase: *id,
                    range,
                    is_misspelled: false,
                    is_void: false,
                });
            }
        }
    }

    /// Returns true if the words before or after a phrase cancel it.
    fn is_void(&self, words: &[Word], from: usize, to: usize) -> bool {
        let before = words[..from].iter().rev().take(2);
        let after = words[to..].iter().take(2);
        // A negation before the phrase, possibly with `of` or `the` between them: `no interview`,
        // `instead of drone`.
        let negated = before
            .take_while(|word| {
                self.not_after.contains(&word.folded) || is_function_word(&word.folded)
            })
            .any(|word| self.not_after.contains(&word.folded));
        // Matches `Hill Rd`, but not `3rd`.
        let is_name = |word: &Word| !word.is_joined && self.not_before.contains(&word.folded);
        negated || after.into_iter().any(is_name)
    }

    /// Returns the correct spelling of a misspelled word: the only known word that differs in one
    /// letter or in two swapped letters.
    fn corrected(&self, word: &str) -> Option<String> {
        let is_candidate =
            word.len() + 1 >= MIN_LEN_SWAPPED && word.bytes().all(|byte| byte.is_ascii_lowercase());
        if !is_candidate || self.correct.contains(word) || self.correct.contains(singular(word)) {
            return None;
        }
        self.closest_spelling(word).or_else(|| {
            let without_s = singular(word);
            (without_s.len() < word.len())
                .then(|| self.closest_spelling(without_s))
                .flatten()
        })
    }

    fn closest_spelling(&self, word: &str) -> Option<String> {
        let word_letters = letters(word);
        let first = *word.as_bytes().first()?;
        let mut found: Option<&String> = None;
        for length in word.len().saturating_sub(1)..=word.len() + 1 {
            for (correct_letters, correct) in
                self.spellings.get(&(first, length)).into_iter().flatten()
            {
                // A single edit changes at most two bits of the set.
                if (word_letters ^ correct_letters).count_ones() > 2
                    || !is_misspelling(word, correct)
                {
                    continue;
                }
                if found.is_some_and(|found| found != correct) {
                    return None;
                }
                found = Some(correct);
            }
        }
        found.cloned()
    }
}

/// Returns a bit set of the letters in a word.
fn letters(word: &str) -> u32 {
    word.bytes()
        .filter(u8::is_ascii_lowercase)
        .fold(0, |all, byte| all | 1 << (byte - b'a'))
}

/// Returns true if `word` is a plausible misspelling of `correct`; shorter words allow fewer kinds
/// of errors.
fn is_misspelling(word: &str, correct: &str) -> bool {
    let is_swapped = || {
        let sorted = |word: &str| {
            let mut bytes = word.as_bytes().to_vec();
            bytes.sort_unstable();
            bytes
        };
        word.len() == correct.len() && sorted(word) == sorted(correct)
    };
    let is_missing = word.len() + 1 == correct.len();
    let is_plausible = correct.len() >= MIN_LEN_OTHER
        || correct.len() >= MIN_LEN_MISSING && is_missing
        || is_swapped();
    is_plausible && strsim::osa_distance(word, correct) == 1
}

fn is_function_word(word: &str) -> bool {
    matches!(word, "of" | "the" | "a" | "de")
}

fn is_unspaced(word: &str) -> bool {
    !word.is_ascii()
        && crate::value::words::split_for_index(word)
            .parts
            .is_some_and(|parts| parts.iter().any(|part| part != word))
}
