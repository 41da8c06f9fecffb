//! Versions of tools that were asked before: asking costs a process each.

use rusqlite::{OptionalExtension, params};

use super::Catalogue;
use crate::error::Error;

impl Catalogue {
    /// The version that a tool of that description once gave.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn tool_version(&self, description: &str) -> Result<Option<String>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached("SELECT value FROM meta WHERE key = 'tool:' || ?1")?
                .query_row([description], |row| row.get(0))
                .optional()
        })
    }

    /// Remembers a tool's version by its description.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn remember_tool(&self, description: &str, version: &str) -> Result<(), Error> {
        self.check(|connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO meta VALUES ('tool:' || ?1, ?2)")?
                .execute(params![description, version])
        })?;
        Ok(())
    }
}
