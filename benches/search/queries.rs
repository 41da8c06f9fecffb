//! What is asked: drawn from the clips themselves, as people ask for what they half remember.
//! A word comes from a random place of a random clip, so it is mostly a common one; or, where one
//! word is asked for, half of the time from anywhere in the vocabulary, so that rare ones come too.

use std::collections::HashSet;

use btsindex::value::words::{folded_parts, folded_runs};

use super::believable::Dice;
use super::clips::{Texts, World};

/// Clips that are looked at for words that are no words of the vocabulary.
const LOOKED_AT: u64 = 4000;
/// Letters of a prefix.
const PREFIX: usize = 3;

/// One query, not yet spelt for either side.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    /// All of these words, anywhere.
    Words(Vec<String>),
    /// These words, one after the other.
    Phrase(Vec<String>),
    /// A word that begins like this.
    Prefix(String),
    /// A word that is one letter away.
    Fuzzy(String),
    /// A tag, and a running time between so many seconds; newest first.
    Tagged(String, u32, u32),
    /// How many clips have each tag, come from each camera, are of each day: of all, or of those
    /// with a word.
    Facets(Option<String>),
    /// The newest of all.
    Newest,
}

/// A query, and whether both sides cut every word that matters here alike: then they must
/// find equally many.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) ask: Ask,
    pub(crate) must_agree: bool,
}

/// A line of the table: what is drawn, and what is asked of it.
#[derive(Clone, Copy)]
pub(crate) struct Class {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) goal: Goal,
    /// What the client on FTS5 does instead of the usual, where there are two ways.
    pub(crate) way: Option<&'static str>,
}

/// By what factor btsindex should be faster: of medians, of 95th percentiles.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Goal {
    pub(crate) p50: Option<f64>,
    pub(crate) p95: Option<f64>,
}

const NONE: Goal = Goal {
    p50: None,
    p95: None,
};

const fn p50(factor: f64) -> Goal {
    Goal {
        p50: Some(factor),
        ..NONE
    }
}

const fn p95(factor: f64) -> Goal {
    Goal {
        p95: Some(factor),
        ..NONE
    }
}

/// What is drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Words(usize),
    Phrase,
    Prefix,
    Fuzzy,
    Tagged,
    FacetsOfAll,
    FacetsOfTerm,
    Newest,
}

/// The kinds, in the order of the table.
pub(crate) const CLASSES: &[Class] = &[
    class("term", Kind::Words(1), p95(15.0)),
    Class {
        way: Some("by-manual"),
        ..class("term by rank in SQL", Kind::Words(1), NONE)
    },
    class("two terms", Kind::Words(2), p50(1.5)),
    class("three terms", Kind::Words(3), p50(1.5)),
    class(
        "phrase",
        Kind::Phrase,
        Goal {
            p50: Some(1.0),
            p95: Some(8.0),
        },
    ),
    class("prefix", Kind::Prefix, p50(10.0)),
    class("fuzzy 1", Kind::Fuzzy, p50(50.0)),
    Class {
        way: Some("fuzzy-listed"),
        ..class("fuzzy 1 by word list", Kind::Fuzzy, NONE)
    },
    class("tag range newest", Kind::Tagged, p95(6.0)),
    class("facets of all", Kind::FacetsOfAll, p50(20.0)),
    class("facets of a term", Kind::FacetsOfTerm, p50(20.0)),
    class("newest 20", Kind::Newest, p50(0.9)),
];

const fn class(name: &'static str, kind: Kind, goal: Goal) -> Class {
    Class {
        name,
        kind,
        goal,
        way: None,
    }
}

fn plain(ask: Ask) -> Query {
    Query {
        ask,
        must_agree: false,
    }
}

impl Ask {
    /// How btsindex is asked: the spellings that any version understands or will, the first one
    /// that is understood counts. This is the one place to change when they change.
    pub(crate) fn for_btsindex(&self) -> Vec<Vec<String>> {
        let spelt = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match self {
            Self::Words(words) => vec![words.clone()],
            Self::Phrase(words) => vec![
                spelt(&[&format!("exact:{}", words.join("-"))]),
                spelt(&[&format!("\"{}\"", words.join(" "))]),
            ],
            Self::Prefix(begin) => vec![spelt(&[&format!("{begin}..")])],
            Self::Fuzzy(word) => vec![spelt(&[&format!("{word}~")])],
            Self::Tagged(tag, from, to) => vec![spelt(&[
                &format!("tag:{tag}"),
                &format!("dur:{from}s..{to}s"),
                "--sort=-captured",
            ])],
            Self::Facets(None) => vec![spelt(&["--facets=tag,camera,day"])],
            Self::Facets(Some(word)) => vec![spelt(&[word, "--facets=tag,camera,day"])],
            Self::Newest => vec![spelt(&["--sort=-captured"])],
        }
    }

    /// How the client on FTS5 is asked.
    pub(crate) fn for_fts5(&self, way: Option<&str>) -> Vec<String> {
        let mut words = self.usual_for_fts5();
        if let Some(way) = way {
            way.clone_into(&mut words[0]);
        }
        words
    }

    fn usual_for_fts5(&self) -> Vec<String> {
        let quoted = |word: &String| format!("\"{word}\"");
        let micros = |seconds: u32| (u64::from(seconds) * 1_000_000).to_string();
        match self {
            Self::Words(words) => {
                let all: Vec<String> = words.iter().map(quoted).collect();
                vec!["match".to_owned(), all.join(" ")]
            }
            Self::Phrase(words) => vec!["match".to_owned(), quoted(&words.join(" "))],
            Self::Prefix(begin) => vec!["match".to_owned(), format!("\"{begin}\"*")],
            Self::Fuzzy(word) => vec!["fuzzy".to_owned(), word.clone()],
            Self::Tagged(tag, from, to) => {
                vec!["tagged".to_owned(), tag.clone(), micros(*from), micros(*to)]
            }
            Self::Facets(None) => vec!["facets".to_owned()],
            Self::Facets(Some(word)) => vec!["facets".to_owned(), quoted(word)],
            Self::Newest => vec!["newest".to_owned()],
        }
    }
}

/// How many clips btsindex says that it found, by what it wrote to standard error.
pub(crate) fn told(talk: &str) -> Option<u64> {
    let line = talk.lines().find(|line| line.contains("found"))?;
    if line.contains("nothing found") {
        return Some(0);
    }
    let digits: String = line
        .chars()
        .take_while(|c| !c.is_whitespace())
        .filter(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

/// Draws queries.
pub(crate) struct Drawer<'w> {
    world: &'w World,
    clips: u64,
    dice: Dice,
    /// Parts of words that are not of the vocabulary.
    others: HashSet<String>,
}

impl<'w> Drawer<'w> {
    pub(crate) fn new(world: &'w World, clips: u64) -> Self {
        let mut drawer = Self {
            world,
            clips,
            dice: Dice(0x00a5_4ed0),
            others: HashSet::new(),
        };
        for _ in 0..LOOKED_AT.min(clips) {
            let texts = drawer.texts();
            let all = [texts.name, texts.folder, texts.camera.join(" ")];
            for text in all.iter().chain(&texts.tags) {
                let cut = folded_parts(text).into_iter().chain(folded_runs(text));
                drawer
                    .others
                    .extend(cut.filter(|part| !world.words.holds(part)));
            }
        }
        drawer
    }

    /// One query; `None` when the dice fell on a clip that has nothing of the kind.
    pub(crate) fn draw(&mut self, kind: Kind) -> Option<Query> {
        match kind {
            Kind::Words(count) => self.words(count),
            Kind::Phrase => self.phrase(),
            Kind::Prefix => self.prefix(),
            Kind::Fuzzy => self.fuzzy(),
            Kind::Tagged => self.tagged(),
            Kind::FacetsOfAll => Some(plain(Ask::Facets(None))),
            Kind::FacetsOfTerm => self.facets(),
            Kind::Newest => Some(plain(Ask::Newest)),
        }
    }

    fn texts(&mut self) -> Texts {
        self.world.clip(self.dice.below(self.clips)).texts()
    }

    /// One text of a clip: half of the time what people wrote or said, if there is any.
    fn text(&mut self) -> String {
        let texts = self.texts();
        let mut all = vec![texts.folder, texts.camera.join(" "), texts.tags.join(", ")];
        let told = [texts.title, texts.comment];
        let told = told.into_iter().filter(|text| !text.is_empty());
        if self.dice.below(2) == 0 {
            all = told.chain([texts.tags.join(", ")]).collect();
        }
        let at = self.dice.below(all.len() as u64);
        all.swap_remove(usize::try_from(at).unwrap())
    }

    /// Words of one text that are worth asking for.
    fn run_of_words(text: &str) -> Vec<String> {
        let is_word =
            |word: &String| word.len() >= 3 && word.bytes().all(|b| b.is_ascii_lowercase());
        folded_runs(text).into_iter().filter(is_word).collect()
    }

    fn words(&mut self, count: usize) -> Option<Query> {
        let mut words = Self::run_of_words(&self.text());
        if count == 1 && self.dice.below(2) == 0 {
            words = vec![self.world.words.by_rank(&mut self.dice).to_owned()];
        }
        let mut chosen: Vec<String> = Vec::new();
        while chosen.len() < count && !words.is_empty() {
            let at = self.dice.below(words.len() as u64);
            let word = words.swap_remove(usize::try_from(at).unwrap());
            if !chosen.contains(&word) {
                chosen.push(word);
            }
        }
        let must_agree = chosen.iter().all(|word| self.world.words.holds(word));
        (chosen.len() == count).then_some(Query {
            ask: Ask::Words(chosen),
            must_agree,
        })
    }

    fn phrase(&mut self) -> Option<Query> {
        let texts = self.texts();
        let mut all = vec![texts.title, texts.comment];
        all.extend(texts.tags);
        all.extend(texts.camera);
        all.retain(|text| {
            let words = folded_runs(text);
            words.len() > 1 && Self::run_of_words(text) == words
        });
        if all.is_empty() {
            return None;
        }
        let at = self.dice.below(all.len() as u64);
        let words = folded_runs(&all[usize::try_from(at).unwrap()]);
        let at = usize::try_from(self.dice.below(words.len() as u64 - 1)).unwrap();
        let words = words[at..at + 2].to_vec();
        let must_agree = words.iter().all(|word| self.world.words.holds(word));
        Some(Query {
            ask: Ask::Phrase(words),
            must_agree,
        })
    }

    fn prefix(&mut self) -> Option<Query> {
        let word = self.long_word(PREFIX + 2)?;
        let begin = word[..PREFIX].to_owned();
        let must_agree = !self.others.iter().any(|other| other.starts_with(&begin));
        Some(Query {
            ask: Ask::Prefix(begin),
            must_agree,
        })
    }

    fn fuzzy(&mut self) -> Option<Query> {
        let mut word = self.long_word(5)?.into_bytes();
        let at = 1 + usize::try_from(self.dice.below(word.len() as u64 - 2)).unwrap();
        match self.dice.below(3) {
            0 => _ = word.remove(at),
            1 => word[at] = if word[at] == b'x' { b'y' } else { b'x' },
            _ => word.swap(at, at - 1),
        }
        Some(plain(Ask::Fuzzy(String::from_utf8(word).unwrap())))
    }

    fn long_word(&mut self, letters: usize) -> Option<String> {
        let Ask::Words(mut words) = self.words(1)?.ask else {
            return None;
        };
        words.pop().filter(|word| word.len() >= letters)
    }

    fn tagged(&mut self) -> Option<Query> {
        let tags = self.texts().tags;
        let at = self.dice.below(tags.len() as u64);
        let tag = tags[usize::try_from(at).unwrap()].clone();
        let from = 5 + u32::try_from(self.dice.below(60)).unwrap();
        let to = from + 30 + u32::try_from(self.dice.below(200)).unwrap();
        let must_agree = self.world.words.holds(&tag);
        tag.bytes()
            .all(|b| b.is_ascii_lowercase())
            .then_some(Query {
                ask: Ask::Tagged(tag, from, to),
                must_agree,
            })
    }

    fn facets(&mut self) -> Option<Query> {
        match self.words(1)?.ask {
            Ask::Words(mut words) => Some(plain(Ask::Facets(words.pop()))),
            _ => None,
        }
    }
}
