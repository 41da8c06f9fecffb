//! Small things that outlive a run: versions of tools, since asking costs a process each, and
//! how the last scan went.

use rusqlite::{OptionalExtension, params};

use super::Catalogue;
use crate::error::Error;

impl Catalogue {
    /// The version that a tool of that description once gave.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn tool_version(&self, description: &str) -> Result<Option<String>, Error> {
        self.remembered(&format!("tool:{description}"))
    }

    /// Remembers a tool's version by its description.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn remember_tool(&self, description: &str, version: &str) -> Result<(), Error> {
        self.remember(&format!("tool:{description}"), version)
    }

    /// Notes that a scan begins, or that it came to its end: one that did not makes the next
    /// look whether the catalogue is whole.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn note_scanning(&self, is_scanning: bool) -> Result<(), Error> {
        if is_scanning {
            return self.remember("scanning", "yes");
        }
        self.forget("scanning")
    }

    pub(super) fn forget(&self, key: &str) -> Result<(), Error> {
        self.check(|connection| connection.execute("DELETE FROM meta WHERE key = ?1", [key]))?;
        Ok(())
    }

    pub(super) fn remembered(&self, key: &str) -> Result<Option<String>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
                .query_row([key], |row| row.get(0))
                .optional()
        })
    }

    pub(super) fn remember(&self, key: &str, value: &str) -> Result<(), Error> {
        self.check(|connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?
                .execute(params![key, value])
        })?;
        Ok(())
    }
}
