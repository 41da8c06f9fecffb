//! Suggestions for a query without results: similar words, the terms that match nothing, and
//! shorter queries. They are only displayed, never applied.

use std::collections::HashMap;

use tantivy::TantivyError;
use tantivy::schema::Field;

use super::catch_panic::guarded;
use super::document::IndexColumn;
use super::fuzzy::FuzzyWord;
use super::search::Finder;
use super::{Index, IndexNotice};
use crate::clip::{Clip, FieldFilter, facet};
use crate::error::Error;
use crate::query::{Filter, Query};
use crate::value::words::folded_runs;
use crate::value::{MatchMode, SearchWords};

/// Suggestions for a query without results.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advice {
    /// Terms that match no clip, even on their own.
    pub unmatched: Vec<UnmatchedTerm>,
    /// Terms without which the query finds clips, each with the number of clips found; highest
    /// number first.
    pub without: Vec<(Query, usize)>,
}

/// Term that matches no clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmatchedTerm {
    /// The term as it appears in the query.
    pub term: Query,
    /// Similar terms, most similar first. Each has the number of clips that the query finds with
    /// this term in place of the original and without the other unmatched terms.
    pub similar: Vec<(Query, usize)>,
}

/// Maximum edit distance of a similar word.
const MAX_DISTANCE: u8 = 2;
/// Maximum number of suggestions per term.
const MAX_SUGGESTIONS: usize = 3;
/// Maximum number of terms in a query that gets suggestions; in a longer one it is unclear which
/// term is wrong.
const MAX_TERMS: usize = 12;
/// Maximum number of terms times the query's cost, so that suggestions do not take longer than the
/// search.
const MAX_EFFORT: usize = 500;
/// Maximum number of similar words that are tried.
const MAX_TRIED: usize = 12;

impl Finder<'_> {
    /// Returns suggestions for a query without results.
    ///
    /// # Errors
    /// Returns an error if the catalogue cannot be read.
    pub fn advise(
        &mut self,
        query: &Query,
        on_notice: &mut dyn FnMut(&IndexNotice),
    ) -> Result<Advice, Error> {
        self.run(on_notice, |index, mounted| index.advise(query, mounted))
    }
}

impl Index {
    /// Returns suggestions for a query without results. `mounted` holds the ids of the mounted
    /// volumes.
    ///
    /// # Errors
    /// Returns an error if the index cannot be read.
    pub fn advise(&self, query: &Query, mounted: &[i64]) -> Result<Advice, Error> {
        let terms = query.terms();
        let mut advice = Advice::default();
        // The query is repeated once per term, without that term.
        if terms.len() > MAX_TERMS || terms.len() * query.cost() > MAX_EFFORT {
            return Ok(advice);
        }
        let mut unmatched = Vec::new();
        for (at, term) in terms.iter().enumerate() {
            if self.count_found(term, mounted)? == 0 {
                unmatched.push(at);
            }
        }
        for &at in &unmatched {
            let term = &terms[at];
            let others = (0..terms.len()).filter(|other| !unmatched.contains(other));
            let others: Vec<Query> = others.map(|other| terms[other].clone()).collect();
            let mut similar = Vec::new();
            for other in self.similar_terms(term)? {
                let with_other = others.iter().cloned().chain([other.clone()]);
                let count = self.count_found(&Query::all(with_other.collect()), mounted)?;
                if count > 0 && similar.len() < MAX_SUGGESTIONS {
                    similar.push((other, count));
                }
            }
            advice.unmatched.push(UnmatchedTerm {
                term: term.clone(),
                similar,
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

    /// Returns terms similar to this one, most similar first.
    fn similar_terms(&self, term: &Query) -> Result<Vec<Query>, Error> {
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
        let to_query = |words: SearchWords| match name {
            None => Query::Words(words),
            Some(name) => Query::Filter(Filter::Field {
                name,
                filter: FieldFilter::Words(words),
            }),
        };
        let runs = folded_runs(&words.text);
        let found = match (runs.as_slice(), name) {
            ([run], None) => {
                let fields = self
                    .columns
                    .groups
                    .iter()
                    .flat_map(|group| group.single.clone());
                self.similar_words(run, fields.collect())?
            }
            ([run], Some(name)) => {
                let columns = Clip::fields_named(name).map(|(at, _)| self.columns.all[at]);
                let fields = columns.flat_map(|column| match column {
                    IndexColumn::Words { whole, parts, .. } => vec![whole, parts],
                    _ => Vec::new(),
                });
                self.similar_words(run, fields.collect())?
            }
            (_, Some(name)) => self.similar_values(&words.text, name)?,
            _ => Vec::new(),
        };
        let parsed = found.into_iter().filter_map(|word| match runs.len() {
            1 => SearchWords::parse(&word).ok(),
            _ => SearchWords::exact(&word).ok(),
        });
        Ok(parsed.map(to_query).collect())
    }

    /// Returns words of some columns within a small edit distance, most similar first; ties by
    /// frequency.
    fn similar_words(&self, word: &str, fields: Vec<Field>) -> Result<Vec<String>, Error> {
        let length = word.chars().count();
        // Almost any two short words are within this distance of each other.
        let max_distance = match length {
            0..3 => return Ok(Vec::new()),
            3..5 => 1,
            _ => MAX_DISTANCE,
        };
        let automaton = FuzzyWord::with_distance(max_distance, word);
        guarded(|| {
            let mut candidates: HashMap<String, u64> = HashMap::new();
            for field in fields {
                for segment in self.reader.searcher().segment_readers() {
                    let index = segment.inverted_index(field)?;
                    let stream = index.terms().search(&automaton).into_stream();
                    let mut terms = stream.map_err(TantivyError::from)?;
                    while terms.advance() {
                        if let Ok(word) = std::str::from_utf8(terms.key()) {
                            *candidates.entry(word.to_owned()).or_default() +=
                                u64::from(terms.value().doc_freq);
                        }
                    }
                }
            }
            let mut candidates: Vec<(usize, u64, String)> = candidates
                .into_iter()
                .filter(|(other, _)| other != word && !is_number(other))
                .map(|(other, count)| (strsim::osa_distance(&other, word), u64::MAX - count, other))
                .collect();
            candidates.sort();
            candidates.truncate(MAX_TRIED);
            Ok(candidates.into_iter().map(|(_, _, word)| word).collect())
        })
    }

    /// Returns the facet values that are most similar to a text of several words.
    fn similar_values(&self, text: &str, name: &str) -> Result<Vec<String>, Error> {
        let Ok(facet) = facet(name) else {
            return Ok(Vec::new());
        };
        let tallies = self.tally(&Query::default(), &[], &[facet], false)?;
        let text = folded_runs(text).join(" ");
        let values = tallies.facets.iter().flat_map(|tally| &tally.rows);
        let mut ranked: Vec<(usize, String)> = values
            .map(|(value, _)| {
                (
                    strsim::osa_distance(&folded_runs(value).join(" "), &text),
                    value.clone(),
                )
            })
            .filter(|(distance, _)| distance * 3 <= text.len())
            .collect();
        ranked.sort();
        ranked.truncate(MAX_SUGGESTIONS);
        Ok(ranked.into_iter().map(|(_, value)| value).collect())
    }
}

/// Returns true if at least half of the characters are digits: a similar clip number is not a
/// useful suggestion.
fn is_number(word: &str) -> bool {
    word.chars().filter(char::is_ascii_digit).count() * 2 >= word.len()
}
