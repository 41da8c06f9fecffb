//! Searches that people saved under a name: as they were typed, so that `date:yesterday` means
//! the day before each time.

use std::cell::OnceCell;

use super::Catalogue;
use crate::error::Error;
use crate::query::{Context, Query, TagMeaning};
use crate::tag::Vocabulary;

/// What their keys begin with.
const PREFIX: &str = "search:";

impl Catalogue {
    /// Keeps a search under a name; the words of one that it replaces are given back.
    ///
    /// # Errors
    /// What is wrong with the words, such as that they lead back to themselves, or when `SQLite`
    /// fails.
    pub fn save_search(&self, name: &str, words: &[String]) -> Result<Option<Vec<String>>, Error> {
        let saved = |other: &str| {
            if plain(other) == plain(name) {
                Ok(Some(words.to_vec()))
            } else {
                self.saved_search(other)
            }
        };
        Query::parse(
            words,
            &Context {
                saved: &saved,
                ..Context::plain(None)
            },
        )?;
        let before = self.saved_searches()?.into_iter();
        let before = before.filter(|(known, _)| known == name);
        let text = serde_json::to_string(words).unwrap_or_default();
        self.at_once(|| self.remember(&format!("{PREFIX}{name}"), &text))?;
        Ok(before.map(|(_, words)| words).next())
    }

    /// The words of the search of that name, capitals aside; `None` when there is none. What
    /// a shell cannot take, a dash stands for: `tuesday-selects` is `tuesday selects`.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn saved_search(&self, name: &str) -> Result<Option<Vec<String>>, Error> {
        let is_meant = |known: &str| plain(known) == plain(name);
        let found = self.saved_searches()?.into_iter();
        Ok(found
            .min_by_key(|(known, _)| (known != name, !is_meant(known)))
            .filter(|(known, _)| is_meant(known))
            .map(|(_, words)| words))
    }

    /// The query that is read where today is today, and this catalogue's saved searches are known.
    ///
    /// # Errors
    /// What `read` finds wrong.
    pub fn asked(
        &self,
        read: impl FnOnce(&Context<'_>) -> Result<Query, Error>,
    ) -> Result<Query, Error> {
        // Made when first a tag is asked for.
        let vocabulary: OnceCell<Vocabulary> = OnceCell::new();
        let known = || match vocabulary.get() {
            Some(known) => Ok(known),
            None => self
                .vocabulary()
                .map(|made| vocabulary.get_or_init(|| made)),
        };
        read(&Context {
            today: None,
            saved: &|name| self.saved_search(name),
            meanings: &|word| {
                let vocabulary = known()?;
                Ok(TagMeaning {
                    tags: vocabulary.meanings(word),
                    is_group: vocabulary.is_group(word),
                })
            },
        })
    }

    /// Every saved search with its words, by name.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn saved_searches(&self) -> Result<Vec<(String, Vec<String>)>, Error> {
        let rows: Vec<(String, String)> = self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT key, value FROM meta WHERE key GLOB ?1 || '*' ORDER BY key",
                )?
                .query_map([PREFIX], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })?;
        let saved = |(key, words): (String, String)| {
            let name = key.strip_prefix(PREFIX)?.to_owned();
            Some((name, serde_json::from_str(&words).ok()?))
        };
        Ok(rows.into_iter().filter_map(saved).collect())
    }

    /// Forgets the search of exactly that name; `false`: there was none.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn forget_search(&self, name: &str) -> Result<bool, Error> {
        let key = format!("{PREFIX}{name}");
        let count = self.at_once(|| {
            self.check(|connection| connection.execute("DELETE FROM meta WHERE key = ?1", [&key]))
        })?;
        Ok(count > 0)
    }
}

/// A name without what people type one way or another.
fn plain(name: &str) -> String {
    let name = name.to_lowercase();
    name.split(|c: char| c.is_whitespace() || matches!(c, '-' | '_'))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
