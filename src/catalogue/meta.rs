//! Key-value table for small values, such as the state of the last scan and the versions of tools.
//! Versions are stored because each query would start a process.

use rusqlite::{OptionalExtension, params};

use super::Catalogue;
use crate::error::Error;

impl Catalogue {
    /// Returns the recorded version of a tool; `None` if it is not recorded.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn tool_version(&self, description: &str) -> Result<Option<String>, Error> {
        self.meta_value(&format!("tool:{description}"))
    }

    /// Records the version of a tool.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn set_tool_version(&self, description: &str, version: &str) -> Result<(), Error> {
        self.set_meta(&format!("tool:{description}"), version)
    }

    /// Records that a scan starts (true) or ends (false). After an interrupted scan, the next scan
    /// checks the integrity of the catalogue.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn set_scanning(&self, is_scanning: bool) -> Result<(), Error> {
        if is_scanning {
            return self.set_meta("scanning", "yes");
        }
        self.delete_meta("scanning")
    }

    pub(super) fn delete_meta(&self, key: &str) -> Result<(), Error> {
        self.check(|connection| connection.execute("DELETE FROM meta WHERE key = ?1", [key]))?;
        Ok(())
    }

    pub(super) fn meta_value(&self, key: &str) -> Result<Option<String>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
                .query_row([key], |row| row.get(0))
                .optional()
        })
    }

    pub(super) fn set_meta(&self, key: &str, value: &str) -> Result<(), Error> {
        self.check(|connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?
                .execute(params![key, value])
        })?;
        Ok(())
    }
}
