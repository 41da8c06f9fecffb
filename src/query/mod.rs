//! What an editor asks for: a grammar of its own, parsed once into a typed tree, and written
//! again in one normal form. Nothing here knows how a query is answered.

mod field_query;
mod format;
mod is_filter;
mod names;
mod parse;
#[cfg(test)]
mod tests;
mod tokenize;

use std::collections::HashSet;

use crate::clip::Wanted;
use crate::error::Error;
use crate::value::words::{asked_parts, is_lone_letter};
use crate::value::{Area, Between, How, Resolution, Words, local_now};

pub use field_query::FORMS;
pub use is_filter::State;
pub use jiff::civil::Date;
pub use tokenize::pieces;

/// A query.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Query {
    /// All of these; of none: every clip.
    All(Vec<Query>),
    /// One of these at least.
    Any(Vec<Query>),
    /// Not this.
    Not(Box<Query>),
    /// Words, anywhere that plain words look.
    Words(Words),
    /// Something of one property.
    Ask(Ask),
}

/// Something that is asked of one property of a clip.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Ask {
    /// A field's value; the name may stand for several fields, of which one must match.
    Field {
        /// The field, or an alias of several.
        name: &'static str,
        /// What is wanted of it.
        wanted: Wanted,
    },
    /// A tag by a word of the vocabulary: clips with one of the tags that it may mean, or with one
    /// below those; and those with any tag that holds the word.
    Tag {
        /// The word.
        words: Words,
        /// What it means.
        meaning: Meaning,
    },
    /// Anything at all in a field, or in one of those that an alias stands for.
    Has(&'static str),
    /// How the clip is, or how it stands with its files.
    Is(State),
    /// How large the picture is.
    Resolution(Resolution),
    /// Shot at this time of day, by the camera's clock; past midnight where it ends first.
    Time(Between),
    /// A frame with such an address is in it.
    Timecode(Between),
    /// Shot near a place.
    Near(Area),
}

/// What a word of the vocabulary means.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Meaning {
    /// The ids of tags: `tv-set/rehearsal`.
    pub tags: Vec<String>,
    /// Whether it means all of them, as the name of a group does; else one of them is meant.
    pub is_group: bool,
}

/// What a word means in the vocabulary; nothing, when it is in none.
pub type Meanings<'a> = dyn Fn(&str) -> Result<Meaning, Error> + 'a;

/// The words of a saved search by its name; `None` when there is none.
pub type Saved<'a> = dyn Fn(&str) -> Result<Option<Vec<String>>, Error> + 'a;

/// What a query may refer to and does not say itself.
pub struct Context<'a> {
    /// The day that `today` and `yesterday` go by; `None`: that which it is here. To know it,
    /// all that is known of time zones is looked through, so only who names a day waits for that.
    pub today: Option<Date>,
    /// The words of a saved search; `None` when there is none of that name.
    pub saved: &'a Saved<'a>,
    /// What words of the vocabulary mean.
    pub meanings: &'a Meanings<'a>,
}

impl Context<'static> {
    /// Without saved searches and vocabulary; `None`: today is the day that it is here.
    #[must_use]
    pub fn plain(today: impl Into<Option<Date>>) -> Self {
        Self {
            today: today.into(),
            saved: &|_| Ok(None),
            meanings: &|_| Ok(Meaning::default()),
        }
    }
}

impl Context<'_> {
    fn today(&self) -> Date {
        self.today.unwrap_or_else(today)
    }
}

/// The day it is here now; the last that can be written, on a clock that is past it.
#[must_use]
pub fn today() -> Date {
    local_now().date()
}

impl Default for Query {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

impl Query {
    /// Parses the words of a command line.
    ///
    /// A shell takes quotes away: `tag:"ad shoot"` arrives as one argument with a blank in it.
    /// So in an argument that begins with the name of a text field and in which nothing else
    /// has a meaning, the rest is that field's value.
    ///
    /// # Errors
    /// [`Error::Query`] for what cannot be understood.
    pub fn parse<S: AsRef<str>>(arguments: &[S], context: &Context<'_>) -> Result<Self, Error> {
        parse::arguments(arguments, context)
    }

    /// Parses one line, as it is typed where no shell takes anything away.
    ///
    /// # Errors
    /// As [`Query::parse`].
    pub fn parse_line(line: &str, context: &Context<'_>) -> Result<Self, Error> {
        parse::line(line, context)
    }

    /// Whether it asks for nothing, so that every clip is meant.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::All(all) if all.is_empty())
    }

    /// What must hold, one by one.
    #[must_use]
    pub fn terms(&self) -> &[Self] {
        match self {
            Self::All(all) => all,
            one => std::slice::from_ref(one),
        }
    }

    /// What it takes to find what is asked for: how many plain words could be looked for
    /// meanwhile.
    #[must_use]
    pub fn effort(&self) -> usize {
        match self {
            Self::All(all) | Self::Any(all) => all.iter().map(Self::effort).sum(),
            Self::Not(inner) => inner.effort(),
            Self::Words(words)
            | Self::Ask(
                Ask::Field {
                    wanted: Wanted::Words(words),
                    ..
                }
                | Ask::Tag { words, .. },
            ) => match words.how {
                How::Forms | How::Exact if is_one(&words.text) => 1,
                How::Forms | How::Exact => 2,
                How::Begun => 4,
                How::Like => 8,
                How::Pattern => 16 * words.patterns().len(),
            },
            // These look at every clip.
            Self::Ask(Ask::Resolution(_) | Ask::Time(_) | Ask::Timecode(_) | Ask::Near(_)) => 4,
            Self::Ask(Ask::Field { .. } | Ask::Has(_) | Ask::Is(_)) => 1,
        }
    }

    /// The words that are looked for, those that must not be there left out.
    #[must_use]
    pub fn words(&self) -> Vec<&Words> {
        match self {
            Self::All(all) | Self::Any(all) => all.iter().flat_map(Self::words).collect(),
            Self::Words(words)
            | Self::Ask(
                Ask::Field {
                    wanted: Wanted::Words(words),
                    ..
                }
                | Ask::Tag { words, .. },
            ) => vec![words],
            Self::Not(_) | Self::Ask(_) => Vec::new(),
        }
    }

    /// Words that may mean one of several tags, and what they may mean.
    #[must_use]
    pub fn ambiguous(&self) -> Vec<(&Words, &[String])> {
        match self {
            Self::All(all) | Self::Any(all) => all.iter().flat_map(Self::ambiguous).collect(),
            Self::Not(inner) => inner.ambiguous(),
            Self::Ask(Ask::Tag { words, meaning })
                if meaning.tags.len() > 1 && !meaning.is_group =>
            {
                vec![(words, &meaning.tags)]
            }
            Self::Words(_) | Self::Ask(_) => Vec::new(),
        }
    }

    /// All of these, in the one form it is kept in.
    #[must_use]
    pub fn all(queries: Vec<Self>) -> Self {
        let flat = queries.into_iter().flat_map(|query| match query {
            Self::All(all) => all,
            one => vec![one],
        });
        let mut all = each_once(flat);
        match all.len() {
            1 => all.remove(0),
            _ => Self::All(all),
        }
    }

    /// One of these, in the one form it is kept in.
    #[must_use]
    pub fn any(queries: Vec<Self>) -> Self {
        let flat = queries.into_iter().flat_map(|query| match query {
            Self::Any(any) => any,
            one => vec![one],
        });
        let mut any = each_once(flat);
        match any.len() {
            1 => any.remove(0),
            _ => Self::Any(any),
        }
    }

    /// Not this, in the one form it is kept in.
    #[must_use]
    pub fn none(query: Self) -> Self {
        match query {
            Self::Not(inner) => *inner,
            query => Self::Not(Box::new(query)),
        }
    }
}

/// Whether a text is a single word, of which no other is made.
fn is_one(text: &str) -> bool {
    match asked_parts(text).as_slice() {
        [part] => !is_lone_letter(part),
        _ => false,
    }
}

/// What is asked for twice is asked for once.
fn each_once(queries: impl Iterator<Item = Query>) -> Vec<Query> {
    let all: Vec<Query> = queries.collect();
    let mut seen = HashSet::new();
    let is_first: Vec<bool> = all.iter().map(|query| seen.insert(query)).collect();
    let kept = all
        .into_iter()
        .zip(is_first)
        .filter(|(_, is_first)| *is_first);
    kept.map(|(query, _)| query).collect()
}

fn wrong(message: String, hint: impl Into<String>) -> Error {
    Error::Query {
        message,
        hint: hint.into(),
    }
}
