//! Queries that refer to a catalogue: its saved searches and its vocabulary.
//!
//! Separate from both, because the catalogue only stores the words of searches, and the query
//! language does not know where they are stored.

use std::cell::OnceCell;

use crate::catalogue::{Catalogue, is_same_search};
use crate::error::Error;
use crate::query::{Context, Query, TagMeaning};
use crate::tag::Vocabulary;

/// Parses a query with the saved searches and the vocabulary of a catalogue.
///
/// # Errors
/// The errors of `read`.
pub fn parse_query(
    catalogue: &Catalogue,
    read: impl FnOnce(&Context<'_>) -> Result<Query, Error>,
) -> Result<Query, Error> {
    // Loaded when the first tag of a query is parsed.
    let vocabulary: OnceCell<Vocabulary> = OnceCell::new();
    let load_vocabulary = || match vocabulary.get() {
        Some(vocabulary) => Ok(vocabulary),
        None => catalogue
            .vocabulary()
            .map(|new_vocabulary| vocabulary.get_or_init(|| new_vocabulary)),
    };
    read(&Context {
        today: None,
        saved: &|name| catalogue.saved_search(name),
        meanings: &|word| {
            let vocabulary = load_vocabulary()?;
            Ok(TagMeaning {
                tags: vocabulary.meanings(word),
                is_group: vocabulary.is_group(word),
            })
        },
    })
}

/// Saves a search under a name. Returns the words of the search that it replaces.
///
/// # Errors
/// If the words are not a valid query or refer back to this search, or if `SQLite` fails.
pub fn save_search(
    catalogue: &Catalogue,
    name: &str,
    words: &[String],
) -> Result<Option<Vec<String>>, Error> {
    let saved = |other: &str| {
        if is_same_search(other, name) {
            Ok(Some(words.to_vec()))
        } else {
            catalogue.saved_search(other)
        }
    };
    Query::parse(
        words,
        &Context {
            saved: &saved,
            ..Context::plain(None)
        },
    )?;
    catalogue.store_search(name, words)
}
