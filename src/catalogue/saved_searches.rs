//! Searches saved under a name. They are stored as typed, so `date:yesterday` is evaluated each time
//! the search runs.

use super::Catalogue;
use crate::error::Error;

/// Prefix of the keys of saved searches in the `meta` table.
const PREFIX: &str = "search:";

impl Catalogue {
    /// Stores the words of a search under a name. Returns the words that they replace.
    ///
    /// # Errors
    /// If `SQLite` fails, or the catalogue cannot be written.
    pub fn store_search(&self, name: &str, words: &[String]) -> Result<Option<Vec<String>>, Error> {
        let replaced = self.saved_searches()?.into_iter();
        let replaced = replaced.filter(|(other, _)| other == name);
        let text = serde_json::to_string(words).unwrap_or_default();
        self.write_transaction(|| self.set_meta(&format!("{PREFIX}{name}"), &text))?;
        Ok(replaced.map(|(_, words)| words).next())
    }

    /// Returns the words of a saved search; `None` if there is none. Case is ignored, and dashes
    /// match spaces, because spaces need shell quoting: `tuesday-selects` finds `tuesday selects`.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn saved_search(&self, name: &str) -> Result<Option<Vec<String>>, Error> {
        let is_match = |other: &str| is_same_search(other, name);
        let found = self.saved_searches()?.into_iter();
        Ok(found
            .min_by_key(|(other, _)| (other != name, !is_match(other)))
            .filter(|(other, _)| is_match(other))
            .map(|(_, words)| words))
    }

    /// Returns all saved searches with their words, sorted by name.
    ///
    /// # Errors
    /// If `SQLite` fails.
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

    /// Deletes the search with exactly this name. Returns false if there is none.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn forget_search(&self, name: &str) -> Result<bool, Error> {
        let key = format!("{PREFIX}{name}");
        let count = self.write_transaction(|| {
            self.check(|connection| connection.execute("DELETE FROM meta WHERE key = ?1", [&key]))
        })?;
        Ok(count > 0)
    }
}

/// Returns true if two names mean the same saved search.
#[must_use]
pub fn is_same_search(a: &str, b: &str) -> bool {
    normalized(a) == normalized(b)
}

/// Normalises the case and the separators of a name.
fn normalized(name: &str) -> String {
    let name = name.to_lowercase();
    name.split(|c: char| c.is_whitespace() || matches!(c, '-' | '_'))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
