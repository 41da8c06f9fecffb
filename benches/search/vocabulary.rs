//! Vocabulary of pronounceable invented words. The n-th word occurs 1/n times as often as the first
//! (Zipf's law), as in natural language, so there are common and rare words.
//!
//! No word has an English ending that a stemmer removes, and none is an English word that a search
//! may skip. So both engines have to find the same clips.

use std::collections::HashSet;

use super::synthetic::Random;

/// Number of words.
const WORDS: usize = 20_000;
/// Number of common words, which are short.
const SHORT_WORDS: usize = 600;

const ONSETS: &[&str] = &[
    "b", "br", "d", "dr", "f", "fl", "g", "gl", "h", "k", "kl", "l", "m", "n", "p", "pl", "r", "s",
    "st", "t", "tr", "v", "z",
];
const VOWELS: &[&str] = &["a", "e", "i", "o", "u"];
const ENDS: &[&str] = &["a", "o", "u", "ak", "op", "uk"];
/// English words that these syllables can form.
const ENGLISH: &[&str] = &["also", "into", "onto", "unto"];

/// List of words with their frequencies.
pub(crate) struct Vocabulary {
    all: Vec<String>,
    /// Cumulative frequency of each word and all words before it.
    cumulative: Vec<u64>,
    known: HashSet<String>,
}

impl Vocabulary {
    pub(crate) fn new() -> Self {
        let mut random = Random(0x0020_0000);
        let mut known = HashSet::new();
        let mut all = Vec::new();
        while all.len() < WORDS {
            let syllables = match all.len() {
                0..SHORT_WORDS => 2,
                _ => 2 + random.below(3),
            };
            let word = invent_word(&mut random, syllables);
            if word.len() >= 4 && !ENGLISH.contains(&word.as_str()) && known.insert(word.clone()) {
                all.push(word);
            }
        }
        let mut sum = 0;
        let cumulative = (1..=WORDS as u64).map(|rank| {
            sum += 1_000_000_000_000 / rank;
            sum
        });
        Self {
            cumulative: cumulative.collect(),
            all,
            known,
        }
    }

    /// Picks a word by frequency.
    pub(crate) fn pick(&self, random: &mut Random) -> &str {
        let number = random.below(self.cumulative[WORDS - 1]);
        &self.all[self.cumulative.partition_point(|&sum| sum <= number)]
    }

    /// Picks a common or rare word: each power of ten of the ranks has the same probability.
    pub(crate) fn pick_log_uniform(&self, random: &mut Random) -> &str {
        &self.all[log_uniform_rank(WORDS, random)]
    }

    /// Returns a text of `words` words, picked by frequency.
    pub(crate) fn sentence(&self, words: u64, random: &mut Random) -> String {
        let mut text = String::new();
        for index in 0..words {
            if index > 0 {
                text.push(' ');
            }
            text.push_str(self.pick(random));
        }
        text
    }

    /// Returns the word with a zero-based rank.
    pub(crate) fn word(&self, rank: usize) -> &str {
        &self.all[rank]
    }

    /// Returns true if the word is in the vocabulary.
    pub(crate) fn contains(&self, word: &str) -> bool {
        self.known.contains(word)
    }
}

/// Returns an index below `length`, log-uniformly distributed: nearly Zipf's law.
pub(crate) fn log_uniform_rank(length: usize, random: &mut Random) -> usize {
    let exponent = random.below(1 << 32) as f64 / f64::from(u32::MAX);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank"
    )]
    let rank = (length as f64).powf(exponent) as usize;
    rank.clamp(1, length) - 1
}

fn invent_word(random: &mut Random, syllables: u64) -> String {
    let mut word = String::new();
    let mut pick = |list: &[&str]| {
        let index = usize::try_from(random.below(list.len() as u64)).unwrap();
        list[index].to_owned()
    };
    for _ in 1..syllables {
        word.push_str(&pick(ONSETS));
        word.push_str(&pick(VOWELS));
    }
    word.push_str(&pick(ONSETS));
    word.push_str(&pick(ENDS));
    word
}
