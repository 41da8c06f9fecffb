//! Parsed query: a tree of conditions in normal form.

use std::collections::HashSet;

use super::is_filter::ClipState;
use crate::clip::FieldFilter;
use crate::value::words::{is_lone_letter, query_parts};
use crate::value::{Area, MatchMode, NumberRange, Resolution, SearchWords};

/// A parsed query, as a tree of conditions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Query {
    /// All must match; an empty list matches every clip.
    All(Vec<Query>),
    /// At least one must match.
    Any(Vec<Query>),
    /// The inner query must not match.
    Not(Box<Query>),
    /// Words in any of the fields that plain words search.
    Words(SearchWords),
    /// Condition on one property.
    Filter(Filter),
}

/// Condition on one property of a clip.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Filter {
    /// Value of a field; if the name is an alias of several fields, at least one must match.
    Field {
        /// Name of the field, or an alias of several.
        name: &'static str,
        /// Filter on the value.
        filter: FieldFilter,
    },
    /// Tag, given as a word of the vocabulary.
    ///
    /// Matches clips with a tag that the word may mean, with a subtag of it, or with any tag that
    /// contains the word.
    Tag {
        /// Word as typed.
        words: SearchWords,
        /// Tags that the word may mean.
        meaning: TagMeaning,
    },
    /// Any value in a field, or in at least one field of an alias.
    Has(&'static str),
    /// State of the clip or of its files.
    Is(ClipState),
    /// Displayed size of the picture.
    Resolution(Resolution),
    /// Time of day at which the clip was shot, by the camera's clock. A range that ends before it
    /// starts crosses midnight.
    Time(NumberRange),
    /// Timecode range that overlaps the clip.
    Timecode(NumberRange),
    /// Area in which the clip was shot.
    Near(Area),
}

/// Tags that a word of the vocabulary may mean.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct TagMeaning {
    /// Ids of the tags, such as `tv-set/rehearsal`.
    pub tags: Vec<String>,
    /// True if the word is the name of a group, which means all of the tags; otherwise it means one
    /// of them.
    pub is_group: bool,
}

impl Default for Query {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

impl Query {
    /// Returns true if the query is empty, so that every clip matches.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::All(all) if all.is_empty())
    }

    /// Returns the conditions that must all match.
    #[must_use]
    pub fn terms(&self) -> &[Self] {
        match self {
            Self::All(all) => all,
            one => std::slice::from_ref(one),
        }
    }

    /// Returns the estimated cost of the query: the number of plain words that take the same time
    /// to search.
    #[must_use]
    pub fn cost(&self) -> usize {
        match self {
            Self::All(all) | Self::Any(all) => all.iter().map(Self::cost).sum(),
            Self::Not(inner) => inner.cost(),
            Self::Words(words)
            | Self::Filter(
                Filter::Field {
                    filter: FieldFilter::Words(words),
                    ..
                }
                | Filter::Tag { words, .. },
            ) => match words.mode {
                MatchMode::Stemmed | MatchMode::Exact if is_single_word(&words.text) => 1,
                MatchMode::Stemmed | MatchMode::Exact => 2,
                MatchMode::Prefix => 4,
                MatchMode::Fuzzy => 8,
                MatchMode::Wildcard => 16 * words.patterns().len(),
            },
            // These filters read every clip.
            Self::Filter(
                Filter::Resolution(_) | Filter::Time(_) | Filter::Timecode(_) | Filter::Near(_),
            ) => 4,
            Self::Filter(Filter::Field { .. } | Filter::Has(_) | Filter::Is(_)) => 1,
        }
    }

    /// Returns the words to find, except negated ones.
    #[must_use]
    pub fn words(&self) -> Vec<&SearchWords> {
        match self {
            Self::All(all) | Self::Any(all) => all.iter().flat_map(Self::words).collect(),
            Self::Words(words)
            | Self::Filter(
                Filter::Field {
                    filter: FieldFilter::Words(words),
                    ..
                }
                | Filter::Tag { words, .. },
            ) => vec![words],
            Self::Not(_) | Self::Filter(_) => Vec::new(),
        }
    }

    /// Returns the words that may mean one of several tags, each with those tags.
    #[must_use]
    pub fn ambiguous_tags(&self) -> Vec<(&SearchWords, &[String])> {
        match self {
            Self::All(all) | Self::Any(all) => all.iter().flat_map(Self::ambiguous_tags).collect(),
            Self::Not(inner) => inner.ambiguous_tags(),
            Self::Filter(Filter::Tag { words, meaning })
                if meaning.tags.len() > 1 && !meaning.is_group =>
            {
                vec![(words, &meaning.tags)]
            }
            Self::Words(_) | Self::Filter(_) => Vec::new(),
        }
    }

    /// Returns the conjunction of queries in normal form: flat, and without duplicates.
    #[must_use]
    pub fn all(queries: Vec<Self>) -> Self {
        let flat = queries.into_iter().flat_map(|query| match query {
            Self::All(all) => all,
            one => vec![one],
        });
        let mut all = without_duplicates(flat);
        match all.len() {
            1 => all.remove(0),
            _ => Self::All(all),
        }
    }

    /// Returns the disjunction of queries in normal form: flat, and without duplicates.
    #[must_use]
    pub fn any(queries: Vec<Self>) -> Self {
        let flat = queries.into_iter().flat_map(|query| match query {
            Self::Any(any) => any,
            one => vec![one],
        });
        let mut any = without_duplicates(flat);
        match any.len() {
            1 => any.remove(0),
            _ => Self::Any(any),
        }
    }

    /// Returns the negation of a query in normal form: without a double negation.
    #[must_use]
    pub fn negated(query: Self) -> Self {
        match query {
            Self::Not(inner) => *inner,
            query => Self::Not(Box::new(query)),
        }
    }
}

/// Returns true if a text is a single word, other than a lone letter, which is searched as a
/// prefix.
fn is_single_word(text: &str) -> bool {
    match query_parts(text).as_slice() {
        [part] => !is_lone_letter(part),
        _ => false,
    }
}

/// Removes duplicate queries and preserves the order.
fn without_duplicates(queries: impl Iterator<Item = Query>) -> Vec<Query> {
    let all: Vec<Query> = queries.collect();
    let mut seen = HashSet::new();
    let is_first: Vec<bool> = all.iter().map(|query| seen.insert(query)).collect();
    let unique = all
        .into_iter()
        .zip(is_first)
        .filter(|(_, is_first)| *is_first);
    unique.map(|(query, _)| query).collect()
}
