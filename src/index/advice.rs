//! What to ask instead of a query that finds nothing: words that are nearly those, the one that
//! nothing has, or less at a time. Only ever said, never done.

use std::collections::HashMap;

use tantivy::TantivyError;
use tantivy::schema::Field;

use super::catch_panic::guarded;
use super::document::Column;
use super::fuzzy::Alike;
use super::search::Finder;
use super::{Index, Note};
use crate::clip::{Clip, FieldFilter, facet};
use crate::error::Error;
use crate::query::{Filter, Query};
use crate::value::words::folded_runs;
use crate::value::{MatchMode, SearchWords};

/// What could be asked instead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advice {
    /// Terms that no clip matches, even alone.
    pub lost: Vec<Lost>,
    /// Terms without which the others find something, and how many; the most first.
    pub without: Vec<(Query, usize)>,
}

/// A term that no clip matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The term.
    pub term: Query,
    /// Terms that are nearly it, and how many clips the query finds with each in its place and
    /// without the other lost terms; what is most like it first.
    pub like: Vec<(Query, usize)>,
}

/// Letters that may differ.
const FURTHEST: u8 = 2;
/// No more than these are offered.
const MOST: usize = 3;
/// Of a query of more terms than these, nobody could be told which one is wrong.
const MOST_TERMS: usize = 12;
/// Nor should people wait for it longer than for what they asked.
const MOST_EFFORT: usize = 500;
/// No more words than these are tried.
const MOST_TRIED: usize = 12;

impl Finder<'_> {
    /// What could be asked instead of a query that found nothing.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn advise(&mut self, query: &Query, told: &mut dyn FnMut(&Note)) -> Result<Advice, Error> {
        self.asked(told, |index, mounted| index.advise(query, mounted))
    }
}

impl Index {
    /// What could be asked instead of a query that found nothing; `mounted` are the numbers of
    /// the volumes that are.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn advise(&self, query: &Query, mounted: &[i64]) -> Result<Advice, Error> {
        let terms = query.terms();
        let mut advice = Advice::default();
        // Each is left out once, and all others are looked for.
        if terms.len() > MOST_TERMS || terms.len() * query.cost() > MOST_EFFORT {
            return Ok(advice);
        }
        let mut lost = Vec::new();
        for (at, term) in terms.iter().enumerate() {
            if self.count_found(term, mounted)? == 0 {
                lost.push(at);
            }
        }
        for &at in &lost {
            let term = &terms[at];
            let others = (0..terms.len()).filter(|other| !lost.contains(other));
            let others: Vec<Query> = others.map(|other| terms[other].clone()).collect();
            let mut like = Vec::new();
            for other in self.nearly(term)? {
                let with_it = others.iter().cloned().chain([other.clone()]);
                let count = self.count_found(&Query::all(with_it.collect()), mounted)?;
                if count > 0 && like.len() < MOST {
                    like.push((other, count));
                }
            }
            advice.lost.push(Lost {
                term: term.clone(),
                like,
            });
        }
        if terms.len() > 1 {
            for (at, term) in terms.iter().enumerate() {
                let mut others = terms.to_vec();
                others.remove(at);
                let count = self.count_found(&Query::all(others), mounted)?;
                if count > 0 {
                    advice.without.push((term.clone(), count));
                }
            }
            advice
                .without
                .sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        }
        Ok(advice)
    }

    /// Terms that are nearly this one, what is most like it first.
    fn nearly(&self, term: &Query) -> Result<Vec<Query>, Error> {
        let (words, name) = match term {
            Query::Words(words) => (words, None),
            Query::Filter(Filter::Field {
                name,
                filter: FieldFilter::Words(words),
            }) => (words, Some(*name)),
            _ => return Ok(Vec::new()),
        };
        if !matches!(words.mode, MatchMode::Stemmed | MatchMode::Exact) {
            return Ok(Vec::new());
        }
        let asked = |words: SearchWords| match name {
            None => Query::Words(words),
            Some(name) => Query::Filter(Filter::Field {
                name,
                filter: FieldFilter::Words(words),
            }),
        };
        let runs = folded_runs(&words.text);
        let found = match (runs.as_slice(), name) {
            ([run], None) => {
                let heard = self
                    .columns
                    .heard
                    .iter()
                    .flat_map(|heard| heard.single.clone());
                self.words_like(run, heard.collect())?
            }
            ([run], Some(name)) => {
                let columns = Clip::fields_named(name).map(|(at, _)| self.columns.all[at]);
                let fields = columns.flat_map(|column| match column {
                    Column::Words { whole, parts, .. } => vec![whole, parts],
                    _ => Vec::new(),
                });
                self.words_like(run, fields.collect())?
            }
            (_, Some(name)) => self.values_like(&words.text, name)?,
            _ => Vec::new(),
        };
        let read = found.into_iter().filter_map(|word| match runs.len() {
            1 => SearchWords::parse(&word).ok(),
            _ => SearchWords::exact(&word).ok(),
        });
        Ok(read.map(asked).collect())
    }

    /// Words of some columns that differ in few letters, what is most like it first and what is
    /// found most first among equals.
    fn words_like(&self, word: &str, fields: Vec<Field>) -> Result<Vec<String>, Error> {
        let length = word.chars().count();
        // Of a short word, every other is nearly it.
        let furthest = match length {
            0..3 => return Ok(Vec::new()),
            3..5 => 1,
            _ => FURTHEST,
        };
        let near = Alike::within(furthest, word);
        guarded(|| {
            let mut known: HashMap<String, u64> = HashMap::new();
            for field in fields {
                for segment in self.reader.searcher().segment_readers() {
                    let index = segment.inverted_index(field)?;
                    let stream = index.terms().search(&near).into_stream();
                    let mut terms = stream.map_err(TantivyError::from)?;
                    while terms.advance() {
                        if let Ok(word) = std::str::from_utf8(terms.key()) {
                            *known.entry(word.to_owned()).or_default() +=
                                u64::from(terms.value().doc_freq);
                        }
                    }
                }
            }
            let mut known: Vec<(usize, u64, String)> = known
                .into_iter()
                .filter(|(other, _)| other != word && !is_number(other))
                .map(|(other, count)| (strsim::osa_distance(&other, word), u64::MAX - count, other))
                .collect();
            known.sort();
            known.truncate(MOST_TRIED);
            Ok(known.into_iter().map(|(_, _, word)| word).collect())
        })
    }

    /// Values that clips are counted by which are most like a text of several words.
    fn values_like(&self, text: &str, name: &str) -> Result<Vec<String>, Error> {
        let Ok(facet) = facet(name) else {
            return Ok(Vec::new());
        };
        let tallies = self.tally(&Query::default(), &[], &[facet], false)?;
        let text = folded_runs(text).join(" ");
        let values = tallies.facets.iter().flat_map(|tally| &tally.rows);
        let mut near: Vec<(usize, String)> = values
            .map(|(value, _)| {
                (
                    strsim::osa_distance(&folded_runs(value).join(" "), &text),
                    value.clone(),
                )
            })
            .filter(|(distance, _)| distance * 3 <= text.len())
            .collect();
        near.sort();
        near.truncate(MOST);
        Ok(near.into_iter().map(|(_, value)| value).collect())
    }
}

/// Clip numbers differ in a digit, and are not what was meant.
fn is_number(word: &str) -> bool {
    word.chars().filter(char::is_ascii_digit).count() * 2 >= word.len()
}
