//! Invented words that can be spoken. The first is said most often, the second half as often,
//! the third a third as often (Zipf), as in life; so there are common words and rare ones.
//!
//! None ends as an English word ends that a stemmer would cut, and none is an English word that
//! a search may leave out: both sides must find the same.

use std::collections::HashSet;

use super::believable::Dice;

/// How many there are.
const WORDS: usize = 20_000;
/// The most common ones are short.
const SHORT: usize = 600;

const ONSETS: &[&str] = &[
    "b", "br", "d", "dr", "f", "fl", "g", "gl", "h", "k", "kl", "l", "m", "n", "p", "pl", "r", "s",
    "st", "t", "tr", "v", "z",
];
const VOWELS: &[&str] = &["a", "e", "i", "o", "u"];
const ENDS: &[&str] = &["a", "o", "u", "ak", "op", "uk"];
/// Words of English that these syllables make.
const ENGLISH: &[&str] = &["also", "into", "onto", "unto"];

/// The vocabulary.
pub(crate) struct Words {
    all: Vec<String>,
    /// Of each word, how many of `last(reach)` throws fall on it or on one before it.
    reach: Vec<u64>,
    known: HashSet<String>,
}

impl Words {
    pub(crate) fn new() -> Self {
        let mut dice = Dice(0x0020_0000);
        let mut known = HashSet::new();
        let mut all = Vec::new();
        while all.len() < WORDS {
            let syllables = match all.len() {
                0..SHORT => 2,
                _ => 2 + dice.below(3),
            };
            let word = spoken(&mut dice, syllables);
            if word.len() >= 4 && !ENGLISH.contains(&word.as_str()) && known.insert(word.clone()) {
                all.push(word);
            }
        }
        let mut sum = 0;
        let reach = (1..=WORDS as u64).map(|rank| {
            sum += 1_000_000_000_000 / rank;
            sum
        });
        Self {
            reach: reach.collect(),
            all,
            known,
        }
    }

    /// One word, as often as it is said.
    pub(crate) fn said(&self, dice: &mut Dice) -> &str {
        let throw = dice.below(self.reach[WORDS - 1]);
        &self.all[self.reach.partition_point(|&reach| reach <= throw)]
    }

    /// One word, common or rare: of each ten times as many words, as many.
    pub(crate) fn by_rank(&self, dice: &mut Dice) -> &str {
        &self.all[rank(WORDS, dice)]
    }

    /// So many words.
    pub(crate) fn sentence(&self, words: u64, dice: &mut Dice) -> String {
        let mut text = String::new();
        for at in 0..words {
            if at > 0 {
                text.push(' ');
            }
            text.push_str(self.said(dice));
        }
        text
    }

    /// The word of a rank, from 0.
    pub(crate) fn at(&self, rank: usize) -> &str {
        &self.all[rank]
    }

    /// Whether it is one of these.
    pub(crate) fn holds(&self, word: &str) -> bool {
        self.known.contains(word)
    }
}

/// A place in a list, the first ones most often: log-uniform, which is nearly Zipf.
pub(crate) fn rank(most: usize, dice: &mut Dice) -> usize {
    let throw = dice.below(1 << 32) as f64 / f64::from(u32::MAX);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank"
    )]
    let rank = (most as f64).powf(throw) as usize;
    rank.clamp(1, most) - 1
}

fn spoken(dice: &mut Dice, syllables: u64) -> String {
    let mut word = String::new();
    let mut one = |list: &[&str]| {
        let at = usize::try_from(dice.below(list.len() as u64)).unwrap();
        list[at].to_owned()
    };
    for _ in 1..syllables {
        word.push_str(&one(ONSETS));
        word.push_str(&one(VOWELS));
    }
    word.push_str(&one(ONSETS));
    word.push_str(&one(ENDS));
    word
}
