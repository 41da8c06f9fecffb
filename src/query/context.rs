//! External data that a query may refer to: the date, saved searches and the vocabulary.

use jiff::civil::Date;

use super::tree::TagMeaning;
use crate::error::Error;
use crate::value::local_now;

/// Function that looks up a word in the vocabulary. The result is empty if the word is unknown.
pub type TagLookup<'a> = dyn Fn(&str) -> Result<TagMeaning, Error> + 'a;

/// Function that looks up the words of a saved search by name; `None` if there is none.
pub type SavedSearchLookup<'a> = dyn Fn(&str) -> Result<Option<Vec<String>>, Error> + 'a;

/// External data that a query may refer to.
pub struct Context<'a> {
    /// Date of `today`, for relative dates; `None` for the current date. Only a query with a
    /// relative date determines that, because it loads the time zone database.
    pub today: Option<Date>,
    /// Lookup of saved searches.
    pub saved: &'a SavedSearchLookup<'a>,
    /// Lookup of words in the vocabulary.
    pub meanings: &'a TagLookup<'a>,
}

impl Context<'static> {
    /// Creates a context without saved searches and vocabulary; `None` stands for the current date.
    #[must_use]
    pub fn plain(today: impl Into<Option<Date>>) -> Self {
        Self {
            today: today.into(),
            saved: &|_| Ok(None),
            meanings: &|_| Ok(TagMeaning::default()),
        }
    }
}

impl Context<'_> {
    pub(super) fn today(&self) -> Date {
        self.today.unwrap_or_else(today)
    }
}

/// Returns the current local date, clamped to the range of [`Date`].
#[must_use]
pub fn today() -> Date {
    local_now().date()
}

/// Creates an error about a query.
pub(super) fn query_error(message: String, hint: impl Into<String>) -> Error {
    Error::Query {
        message,
        hint: hint.into(),
    }
}
