//! Phrases found in names and texts, all at once.
//!
//! A name is cut into words as queries and the index cut it. A phrase stands in it where its words stand
//! together, a plural `s` at the end aside: `ad shoot` in `AdShoot_ACME`, `ad-shoots`, `ADSHOOT`. Long words may be
//! misspelt in one letter. What a negation precedes (`no interview`), or what is part of a
//! street's or a firm's name (`Commercial Road`, `Wrap GmbH`), does not stand there.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::vocabulary::singular;
use crate::value::words::{composed, fold, folded_parts, folded_runs, parts, runs};

/// Number of a phrase.
pub(super) type PhraseId = usize;

/// A phrase that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) phrase: PhraseId,
    /// Where in the text.
    pub(super) place: Range<usize>,
    pub(super) is_misspelt: bool,
    /// Whether what stands around it takes its meaning away.
    pub(super) is_void: bool,
}

/// A text, and the phrases in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Spoken {
    pub(super) text: String,
    pub(super) hits: Vec<Hit>,
}

impl Spoken {
    /// Nothing of it counts, but where it must not be.
    pub(super) fn take_back(&mut self) {
        for hit in &mut self.hits {
            hit.is_void = true;
        }
    }
}

/// Whether a name is that of a film with its year: `Interview (1971)`.
fn is_title(text: &str) -> bool {
    let mut brackets = text.split('(').skip(1);
    brackets.any(|inside| {
        let year: String = inside.chars().take_while(char::is_ascii_digit).collect();
        year.len() == 4 && (year.starts_with("19") || year.starts_with("20"))
    })
}

/// One word of a text.
struct Word {
    folded: String,
    place: Range<usize>,
    /// What it should have been, where it is misspelt.
    meant: Option<String>,
    /// Whether it goes on from the word before without anything between.
    is_joined: bool,
}

/// All phrases of all rules.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    phrases: Vec<Vec<String>>,
    known: HashMap<Vec<String>, PhraseId>,
    by_first: HashMap<String, Vec<PhraseId>>,
    /// Phrases whose words were run together: `adshoot`.
    joined: HashMap<String, PhraseId>,
    /// Phrases of one word that is only begun: `drohn*`.
    begun: Vec<(String, PhraseId)>,
    /// Phrases of scripts without blanks, which stand anywhere.
    unspaced: Vec<(String, PhraseId)>,
    /// Words that others may be meant to be, by first letter and length, each with its letters.
    spelt: HashMap<(u8, usize), Vec<(u32, String)>>,
    not_before: HashSet<String>,
    not_after: HashSet<String>,
    /// Words that are spelt as they are meant.
    right: HashSet<String>,
}

/// Shorter words are not taken for misspelt ones where two letters changed places, …
const LEAST_SWAPPED: usize = 5;
/// … where a letter is missing, …
const LEAST_MISSING: usize = 7;
/// … or where any letter is another.
const LEAST_OTHER: usize = 8;
/// Words of a phrase that is also found run together.
const LEAST_JOINED: usize = 3;

impl Lexicon {
    /// Adds a phrase; a `*` at its end leaves its only word open.
    pub(super) fn add(&mut self, text: &str) -> PhraseId {
        let open = text.strip_suffix('*');
        let mut words = folded_parts(open.unwrap_or(text));
        if open.is_some() {
            // No word has a star in it.
            words.push("*".to_owned());
        }
        if let Some(&id) = self.known.get(&words) {
            return id;
        }
        let id = self.phrases.len();
        self.known.insert(words.clone(), id);
        if let Some(begun) = open {
            self.begun.push((folded_runs(begun).concat(), id));
        } else if words.iter().any(|word| is_unspaced(word)) {
            self.unspaced.push((fold(&composed(text)), id));
        } else if let Some(last) = words.last_mut() {
            *last = singular(last).to_owned();
            let is_long = |word: &String| word.chars().count() >= LEAST_JOINED;
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

    /// Words after which, or before which, nothing counts; and words that are no misspelt others.
    pub(super) fn except(&mut self, not_after: &[&str], not_before: &[&str], right: &[&str]) {
        let folded = |words: &[&str]| words.iter().map(|word| fold(word)).collect::<Vec<_>>();
        self.not_after.extend(folded(not_after));
        self.not_before.extend(folded(not_before));
        self.right.extend(folded(right));
    }

    /// Sorts words so that misspelt ones find theirs, when all phrases are there.
    pub(super) fn finish(&mut self) {
        let words = self.phrases.iter().flatten().chain(self.joined.keys());
        let mut seen: HashSet<&String> = HashSet::new();
        for word in words.filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())) {
            self.right.insert(word.clone());
            if seen.insert(word) && word.len() >= LEAST_SWAPPED {
                let place = (word.as_bytes()[0], word.len());
                let alike = self.spelt.entry(place).or_default();
                alike.push((letters(word), word.clone()));
            }
        }
    }

    /// The phrases that stand in a text.
    pub(super) fn hear(&self, text: &str) -> Spoken {
        let text = composed(text).into_owned();
        let (mut whole, mut cut) = (Vec::new(), Vec::new());
        for run in runs(&text) {
            whole.push(self.word(&text, run, false));
            let parts = parts(run).into_iter().enumerate();
            cut.extend(parts.map(|(at, part)| self.word(&text, part, at > 0)));
        }
        let mut hits = Vec::new();
        for words in [&cut, &whole] {
            self.in_words(words, &mut hits);
        }
        for word in &whole {
            self.in_word(word, &cut, &mut hits);
        }
        if !self.unspaced.is_empty() && !text.is_ascii() {
            self.anywhere(&text, &mut hits);
        }
        hits.sort_by_key(|hit| (hit.phrase, hit.is_void, hit.is_misspelt, hit.place.start));
        hits.dedup_by_key(|hit| hit.phrase);
        let mut spoken = Spoken { text, hits };
        if is_title(&spoken.text) {
            spoken.take_back();
        }
        spoken
    }

    fn word(&self, text: &str, piece: &str, is_joined: bool) -> Word {
        let start = piece.as_ptr() as usize - text.as_ptr() as usize;
        let folded = fold(piece);
        Word {
            meant: self.meant(&folded),
            folded,
            place: start..start + piece.len(),
            is_joined,
        }
    }

    /// Phrases whose words stand together.
    fn in_words(&self, words: &[Word], hits: &mut Vec<Hit>) {
        for (at, word) in words.iter().enumerate() {
            let one = singular(&word.folded);
            let spellings = [Some(word.folded.as_str()), Some(one), word.meant.as_deref()];
            for (nth, first) in spellings.into_iter().enumerate() {
                if nth == 1 && one.len() == word.folded.len() {
                    continue;
                }
                for &id in first
                    .and_then(|first| self.by_first.get(first))
                    .into_iter()
                    .flatten()
                {
                    let is_misspelt = nth == 2;
                    if let Some(hit) = self.stands(id, words, at, is_misspelt, nth == 1) {
                        hits.push(hit);
                    }
                }
            }
        }
    }

    /// Whether the words from a place on are a phrase whose first word is.
    fn stands(
        &self,
        id: PhraseId,
        words: &[Word],
        at: usize,
        is_misspelt: bool,
        is_singular: bool,
    ) -> Option<Hit> {
        let phrase = &self.phrases[id];
        if is_singular && phrase.len() > 1 {
            return None;
        }
        let here = words.get(at..at + phrase.len())?;
        let mut is_misspelt = is_misspelt;
        for (nth, (word, wanted)) in here.iter().zip(phrase).enumerate().skip(1) {
            let is_last = nth + 1 == phrase.len();
            let is_it = word.folded == *wanted || is_last && singular(&word.folded) == wanted;
            if is_it {
                continue;
            }
            // One word of a phrase may be misspelt, not all of them.
            if is_misspelt || word.meant.as_deref() != Some(wanted) {
                return None;
            }
            is_misspelt = true;
        }
        Some(Hit {
            is_void: self.is_void(words, at, at + phrase.len()),
            phrase: id,
            place: here.first()?.place.start..here.last()?.place.end,
            is_misspelt,
        })
    }

    /// Phrases that one whole run is, run together or begun.
    fn in_word(&self, word: &Word, cut: &[Word], hits: &mut Vec<Hit>) {
        let Some(at) = cut
            .iter()
            .position(|part| part.place.start == word.place.start)
        else {
            return;
        };
        let behind = cut
            .iter()
            .position(|part| part.place.start >= word.place.end);
        let is_void = self.is_void(cut, at, behind.unwrap_or(cut.len()));
        let mut push = |phrase, is_misspelt| {
            hits.push(Hit {
                is_void,
                phrase,
                place: word.place.clone(),
                is_misspelt,
            });
        };
        if let Some(&id) = self.joined.get(singular(&word.folded)) {
            push(id, false);
        } else if let Some(&id) = word.meant.as_ref().and_then(|meant| self.joined.get(meant)) {
            push(id, true);
        }
        for (begun, id) in &self.begun {
            if word.folded.starts_with(begun) {
                push(*id, false);
            }
        }
    }

    /// Phrases of scripts without blanks.
    fn anywhere(&self, text: &str, hits: &mut Vec<Hit>) {
        let folded = fold(text);
        for (phrase, id) in &self.unspaced {
            if folded.contains(phrase.as_str()) {
                let place = text.find(phrase.as_str());
                let place = place.map_or(0..text.len(), |at| at..at + phrase.len());
                hits.push(Hit {
                    phrase: *id,
                    place,
                    is_misspelt: false,
                    is_void: false,
                });
            }
        }
    }

    /// Whether what stands before or behind takes the meaning away.
    fn is_void(&self, words: &[Word], from: usize, to: usize) -> bool {
        let before = words[..from].iter().rev().take(2);
        let behind = words[to..].iter().take(2);
        // `no interview`, `instead of drone`: the word just before, over an `of` or a `the`.
        let negated = before
            .take_while(|word| self.not_after.contains(&word.folded) || is_small(&word.folded))
            .any(|word| self.not_after.contains(&word.folded));
        // `Hill Rd`, but not `3rd`.
        let is_name = |word: &Word| !word.is_joined && self.not_before.contains(&word.folded);
        negated || behind.into_iter().any(is_name)
    }

    /// What a word that is spelt like none of the phrases' was meant to be: the only one that
    /// differs from it in one letter, or in two that changed places.
    fn meant(&self, word: &str) -> Option<String> {
        let is_word =
            word.len() + 1 >= LEAST_SWAPPED && word.bytes().all(|byte| byte.is_ascii_lowercase());
        if !is_word || self.right.contains(word) || self.right.contains(singular(word)) {
            return None;
        }
        self.nearest(word).or_else(|| {
            let one = singular(word);
            (one.len() < word.len())
                .then(|| self.nearest(one))
                .flatten()
        })
    }

    fn nearest(&self, word: &str) -> Option<String> {
        let own = letters(word);
        let first = *word.as_bytes().first()?;
        let mut found: Option<&String> = None;
        for length in word.len().saturating_sub(1)..=word.len() + 1 {
            for (theirs, meant) in self.spelt.get(&(first, length)).into_iter().flatten() {
                // One letter more, less or other changes two at most.
                if (own ^ theirs).count_ones() > 2 || !is_slip(word, meant) {
                    continue;
                }
                if found.is_some_and(|found| found != meant) {
                    return None;
                }
                found = Some(meant);
            }
        }
        found.cloned()
    }
}

/// Which letters are in a word.
fn letters(word: &str) -> u32 {
    word.bytes()
        .filter(u8::is_ascii_lowercase)
        .fold(0, |all, byte| all | 1 << (byte - b'a'))
}

/// Whether a word is another one misspelt: the shorter that is, the fewer ways there are.
fn is_slip(word: &str, meant: &str) -> bool {
    let is_swapped = || {
        let sorted = |word: &str| {
            let mut bytes = word.as_bytes().to_vec();
            bytes.sort_unstable();
            bytes
        };
        word.len() == meant.len() && sorted(word) == sorted(meant)
    };
    let is_missing = word.len() + 1 == meant.len();
    let may_be =
        meant.len() >= LEAST_OTHER || meant.len() >= LEAST_MISSING && is_missing || is_swapped();
    may_be && strsim::osa_distance(word, meant) == 1
}

fn is_small(word: &str) -> bool {
    matches!(word, "of" | "the" | "a" | "de")
}

fn is_unspaced(word: &str) -> bool {
    !word.is_ascii()
        && crate::value::words::cut(word)
            .parts
            .is_some_and(|parts| parts.iter().any(|part| part != word))
}
