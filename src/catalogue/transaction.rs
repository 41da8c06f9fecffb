//! Transactions and fairness between writers. `SQLite` lets waiting writers poll, so a scan that
//! commits batch after batch could delay an edit for long. Therefore every writer first locks
//! `write.lock`: an edit keeps it while it waits for the database, and a scan has to acquire it
//! before each batch.

use std::fs::File;

use super::Catalogue;
use crate::error::Error;

/// Free bytes below which a full disk is reported as the reason for a failed write.
const LITTLE_SPACE: u64 = 1024 * 1024;

/// Lock on `write.lock`, released on drop.
pub(super) struct WriteTurn<'a>(Option<&'a File>);

impl Catalogue {
    /// Starts a batch of changes; waits while another process writes.
    ///
    /// # Errors
    /// If `SQLite` fails, or another process writes for more than a minute.
    pub fn begin(&self) -> Result<(), Error> {
        drop(self.acquire_turn()?);
        self.check(|connection| connection.execute_batch("BEGIN IMMEDIATE"))
    }

    /// Commits the batch; it is on disk when this returns.
    ///
    /// # Errors
    /// If `SQLite` fails; then the whole batch is rolled back.
    pub fn commit(&self) -> Result<(), Error> {
        let committed = self.check(|connection| connection.execute_batch("COMMIT"));
        if committed.is_err() {
            self.roll_back();
        }
        committed
    }

    /// Runs changes in one transaction, ahead of the next batch of a running scan.
    pub(super) fn write_transaction<T>(
        &self,
        change: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _turn = self.acquire_turn()?;
        self.check(|connection| connection.execute_batch("BEGIN IMMEDIATE"))?;
        let changed = change();
        if changed.is_err() {
            self.roll_back();
        } else {
            self.commit()?;
        }
        changed
    }

    /// Runs reads in one snapshot, unaffected by concurrent writers. Also faster than single reads,
    /// for which SQLite acquires its locks and revalidates its page cache each time. Can be nested.
    pub(super) fn read_snapshot<T>(
        &self,
        read: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        if !self.connection.is_autocommit() {
            return read();
        }
        self.check(|connection| connection.execute_batch("BEGIN DEFERRED"))?;
        let found = read();
        self.roll_back();
        found
    }

    /// Rolls back an open transaction, such as one left by a failed statement.
    pub(super) fn roll_back(&self) {
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    fn acquire_turn(&self) -> Result<WriteTurn<'_>, Error> {
        if let Some(reason) = &self.only_read {
            let little = fs4::available_space(self.folder()).is_ok_and(|free| free < LITTLE_SPACE);
            return Err(Error::ReadOnlyCatalogue {
                path: self.folder.join(super::FILE),
                reason: if little {
                    "the disk is full".to_owned()
                } else {
                    reason.clone()
                },
            });
        }
        if let Some(file) = &self.turn {
            file.lock().map_err(Error::path(self.folder()))?;
        }
        Ok(WriteTurn(self.turn.as_ref()))
    }
}

impl Drop for WriteTurn<'_> {
    fn drop(&mut self) {
        // The lock ends with the process at the latest.
        let _ = self.0.map(File::unlock);
    }
}
