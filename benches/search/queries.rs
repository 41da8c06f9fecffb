//! Generates queries from the clips, as users search for what they half remember. A word comes from
//! a random text of a random clip, so it is usually common. For queries of one word, every second
//! word comes from the whole vocabulary instead, so that rare words occur too.

use std::collections::HashSet;

use btsindex::value::words::{folded_parts, folded_runs};

use super::clips::{ClipGenerator, ClipTexts};
use super::synthetic::Random;

/// Number of clips that are searched for words outside the vocabulary.
const SAMPLED_CLIPS: u64 = 4000;
/// Length of a prefix in letters.
const PREFIX: usize = 3;

/// Query, independent of the syntax of either engine.
#[derive(Debug, Clone)]
pub(crate) enum QueryTerms {
    /// All words, anywhere in a clip.
    Words(Vec<String>),
    /// Words, one directly after the other.
    Phrase(Vec<String>),
    /// Beginning of a word.
    Prefix(String),
    /// Word with one wrong letter.
    Fuzzy(String),
    /// Tag, with the shortest and longest duration in seconds; sorted by date, newest first.
    Tagged(String, u32, u32),
    /// Number of clips per tag, camera and day, for all clips or for those with a word.
    Facets(Option<String>),
    /// Newest clips.
    Newest,
}

/// Query, with whether the hit counts have to be equal: they have to if both engines split all
/// words of the query in the same way.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) terms: QueryTerms,
    pub(crate) must_agree: bool,
}

/// Row of the table: kind of queries, and the goal.
#[derive(Clone, Copy)]
pub(crate) struct QueryClass {
    pub(crate) name: &'static str,
    pub(crate) kind: QueryKind,
    pub(crate) goal: Goal,
    /// Command of the FTS5 client that replaces the default one.
    pub(crate) fts5_command: Option<&'static str>,
}

/// Factors by which btsindex should be faster, for the median and the 95th percentile.
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

/// Kind of query to generate.
#[derive(Debug, Clone, Copy)]
pub(crate) enum QueryKind {
    Words(usize),
    Phrase,
    Prefix,
    Fuzzy,
    Tagged,
    FacetsOfAll,
    FacetsOfTerm,
    Newest,
}

/// All classes, in the order of the table.
pub(crate) const CLASSES: &[QueryClass] = &[
    class("term", QueryKind::Words(1), p95(15.0)),
    QueryClass {
        fts5_command: Some("by-manual"),
        ..class("term by rank in SQL", QueryKind::Words(1), NONE)
    },
    class("two terms", QueryKind::Words(2), p50(1.5)),
    class("three terms", QueryKind::Words(3), p50(1.5)),
    class(
        "phrase",
        QueryKind::Phrase,
        Goal {
            p50: Some(1.0),
            p95: Some(8.0),
        },
    ),
    class("prefix", QueryKind::Prefix, p50(10.0)),
    class("fuzzy 1", QueryKind::Fuzzy, p50(50.0)),
    QueryClass {
        fts5_command: Some("fuzzy-listed"),
        ..class("fuzzy 1 by word list", QueryKind::Fuzzy, NONE)
    },
    class("tag range newest", QueryKind::Tagged, p95(6.0)),
    class("facets of all", QueryKind::FacetsOfAll, p50(20.0)),
    class("facets of a term", QueryKind::FacetsOfTerm, p50(20.0)),
    class("newest 20", QueryKind::Newest, p50(0.9)),
];

const fn class(name: &'static str, kind: QueryKind, goal: Goal) -> QueryClass {
    QueryClass {
        name,
        kind,
        goal,
        fts5_command: None,
    }
}

/// Returns a query whose hit counts may differ.
fn may_differ(terms: QueryTerms) -> Query {
    Query {
        terms,
        must_agree: false,
    }
}

impl QueryTerms {
    /// Returns the arguments for btsindex, in several spellings for different versions. The first
    /// one that btsindex accepts is used. Only this function has to follow changes of the syntax.
    pub(crate) fn for_btsindex(&self) -> Vec<Vec<String>> {
        let arguments = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match self {
            Self::Words(words) => vec![words.clone()],
            Self::Phrase(words) => vec![
                arguments(&[&format!("exact:{}", words.join("-"))]),
                arguments(&[&format!("\"{}\"", words.join(" "))]),
            ],
            Self::Prefix(prefix) => vec![arguments(&[&format!("{prefix}..")])],
            Self::Fuzzy(word) => vec![arguments(&[&format!("{word}~")])],
            Self::Tagged(tag, from, to) => vec![arguments(&[
                &format!("tag:{tag}"),
                &format!("dur:{from}s..{to}s"),
                "--sort=-captured",
            ])],
            Self::Facets(None) => vec![arguments(&["--facets=tag,camera,day"])],
            Self::Facets(Some(word)) => vec![arguments(&[word, "--facets=tag,camera,day"])],
            Self::Newest => vec![arguments(&["--sort=-captured"])],
        }
    }

    /// Returns the arguments for the FTS5 client.
    pub(crate) fn for_fts5(&self, command: Option<&str>) -> Vec<String> {
        let mut arguments = self.default_for_fts5();
        if let Some(command) = command {
            command.clone_into(&mut arguments[0]);
        }
        arguments
    }

    fn default_for_fts5(&self) -> Vec<String> {
        let quoted = |word: &String| format!("\"{word}\"");
        let micros = |seconds: u32| (u64::from(seconds) * 1_000_000).to_string();
        match self {
            Self::Words(words) => {
                let all: Vec<String> = words.iter().map(quoted).collect();
                vec!["match".to_owned(), all.join(" ")]
            }
            Self::Phrase(words) => vec!["match".to_owned(), quoted(&words.join(" "))],
            Self::Prefix(prefix) => vec!["match".to_owned(), format!("\"{prefix}\"*")],
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

/// Parses the number of hits from what a program wrote to standard error.
pub(crate) fn parse_hit_count(stderr: &str) -> Option<u64> {
    let line = stderr.lines().find(|line| line.contains("found"))?;
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

/// Generator of queries; the sequence is the same in every run.
pub(crate) struct QueryGenerator<'w> {
    generator: &'w ClipGenerator,
    /// Number of clips in the catalogue.
    clips: u64,
    random: Random,
    /// Parts of words that are not in the vocabulary.
    other_words: HashSet<String>,
}

impl<'w> QueryGenerator<'w> {
    pub(crate) fn new(generator: &'w ClipGenerator, clips: u64) -> Self {
        let mut queries = Self {
            generator,
            clips,
            random: Random(0x00a5_4ed0),
            other_words: HashSet::new(),
        };
        for _ in 0..SAMPLED_CLIPS.min(clips) {
            let texts = queries.random_texts();
            let all = [texts.name, texts.folder, texts.camera.join(" ")];
            for text in all.iter().chain(&texts.tags) {
                let parts = folded_parts(text).into_iter().chain(folded_runs(text));
                queries
                    .other_words
                    .extend(parts.filter(|part| !generator.vocabulary.contains(part)));
            }
        }
        queries
    }

    /// Generates a query; `None` if the chosen clip has no suitable text.
    pub(crate) fn generate(&mut self, kind: QueryKind) -> Option<Query> {
        match kind {
            QueryKind::Words(count) => self.words(count),
            QueryKind::Phrase => self.phrase(),
            QueryKind::Prefix => self.prefix(),
            QueryKind::Fuzzy => self.fuzzy(),
            QueryKind::Tagged => self.tagged(),
            QueryKind::FacetsOfAll => Some(may_differ(QueryTerms::Facets(None))),
            QueryKind::FacetsOfTerm => self.facets(),
            QueryKind::Newest => Some(may_differ(QueryTerms::Newest)),
        }
    }

    fn random_texts(&mut self) -> ClipTexts {
        self.generator.clip(self.random.below(self.clips)).texts()
    }

    /// Picks a text of a random clip. Half of the time it is a title, a comment or the tags.
    fn random_text(&mut self) -> String {
        let texts = self.random_texts();
        let mut all = vec![texts.folder, texts.camera.join(" "), texts.tags.join(", ")];
        let written = [texts.title, texts.comment];
        let written = written.into_iter().filter(|text| !text.is_empty());
        if self.random.below(2) == 0 {
            all = written.chain([texts.tags.join(", ")]).collect();
        }
        let index = self.random.below(all.len() as u64);
        all.swap_remove(usize::try_from(index).unwrap())
    }

    /// Returns the words of a text that are worth searching: at least three ASCII letters.
    fn searchable_words(text: &str) -> Vec<String> {
        let is_word =
            |word: &String| word.len() >= 3 && word.bytes().all(|b| b.is_ascii_lowercase());
        folded_runs(text).into_iter().filter(is_word).collect()
    }

    fn words(&mut self, count: usize) -> Option<Query> {
        let mut words = Self::searchable_words(&self.random_text());
        if count == 1 && self.random.below(2) == 0 {
            words = vec![
                self.generator
                    .vocabulary
                    .pick_log_uniform(&mut self.random)
                    .to_owned(),
            ];
        }
        let mut chosen: Vec<String> = Vec::new();
        while chosen.len() < count && !words.is_empty() {
            let index = self.random.below(words.len() as u64);
            let word = words.swap_remove(usize::try_from(index).unwrap());
            if !chosen.contains(&word) {
                chosen.push(word);
            }
        }
        let must_agree = chosen
            .iter()
            .all(|word| self.generator.vocabulary.contains(word));
        (chosen.len() == count).then_some(Query {
            terms: QueryTerms::Words(chosen),
            must_agree,
        })
    }

    fn phrase(&mut self) -> Option<Query> {
        let texts = self.random_texts();
        let mut all = vec![texts.title, texts.comment];
        all.extend(texts.tags);
        all.extend(texts.camera);
        all.retain(|text| {
            let words = folded_runs(text);
            words.len() > 1 && Self::searchable_words(text) == words
        });
        if all.is_empty() {
            return None;
        }
        let index = self.random.below(all.len() as u64);
        let words = folded_runs(&all[usize::try_from(index).unwrap()]);
        let index = usize::try_from(self.random.below(words.len() as u64 - 1)).unwrap();
        let words = words[index..index + 2].to_vec();
        let must_agree = words
            .iter()
            .all(|word| self.generator.vocabulary.contains(word));
        Some(Query {
            terms: QueryTerms::Phrase(words),
            must_agree,
        })
    }

    fn prefix(&mut self) -> Option<Query> {
        let word = self.long_word(PREFIX + 2)?;
        let prefix = word[..PREFIX].to_owned();
        let must_agree = !self
            .other_words
            .iter()
            .any(|word| word.starts_with(&prefix));
        Some(Query {
            terms: QueryTerms::Prefix(prefix),
            must_agree,
        })
    }

    fn fuzzy(&mut self) -> Option<Query> {
        let mut word = self.long_word(5)?.into_bytes();
        let index = 1 + usize::try_from(self.random.below(word.len() as u64 - 2)).unwrap();
        match self.random.below(3) {
            0 => _ = word.remove(index),
            1 => word[index] = if word[index] == b'x' { b'y' } else { b'x' },
            _ => word.swap(index, index - 1),
        }
        Some(may_differ(QueryTerms::Fuzzy(
            String::from_utf8(word).unwrap(),
        )))
    }

    fn long_word(&mut self, letters: usize) -> Option<String> {
        let QueryTerms::Words(mut words) = self.words(1)?.terms else {
            return None;
        };
        words.pop().filter(|word| word.len() >= letters)
    }

    fn tagged(&mut self) -> Option<Query> {
        let tags = self.random_texts().tags;
        let index = self.random.below(tags.len() as u64);
        let tag = tags[usize::try_from(index).unwrap()].clone();
        let from = 5 + u32::try_from(self.random.below(60)).unwrap();
        let to = from + 30 + u32::try_from(self.random.below(200)).unwrap();
        let must_agree = self.generator.vocabulary.contains(&tag);
        tag.bytes()
            .all(|b| b.is_ascii_lowercase())
            .then_some(Query {
                terms: QueryTerms::Tagged(tag, from, to),
                must_agree,
            })
    }

    fn facets(&mut self) -> Option<Query> {
        match self.words(1)?.terms {
            QueryTerms::Words(mut words) => Some(may_differ(QueryTerms::Facets(words.pop()))),
            _ => None,
        }
    }
}
