//! Transactions, and fairness between writers.
//!
//! In `SQLite`, waiting writers poll, so a scan that commits one batch after another could delay an
//! edit for a long time. So every writer first locks `write.lock`: an edit holds it while it waits
//! for the database, and a scan must acquire it before each batch.

use std::fs::File;

use super::Catalogue;
use crate::error::Error;

/// Free space in bytes below which the disk counts as full when the catalogue cannot be written.
const MIN_FREE_BYTES: u64 = 1024 * 1024;

/// Lock on `write.lock`, released on drop.
pub(super) struct WriteGuard<'a>(Option<&'a File>);

impl Catalogue {
    /// Starts a batch of changes. Waits while another process is writing.
    ///
    /// # Errors
    /// If `SQLite` fails, or another process is writing for more than a minute.
    pub fn begin(&self) -> Result<(), Error> {
        drop(self.lock_for_writing()?);
        self.check(|connection| connection.execute_batch("BEGIN IMMEDIATE"))
    }

    /// Commits the batch. Its changes are on disk when this returns.
    ///
    /// # Errors
    /// If `SQLite` fails. In that case the whole batch is rolled back.
    pub fn commit(&self) -> Result<(), Error> {
        let committed = self.check(|connection| connection.execute_batch("COMMIT"));
        if committed.is_err() {
            self.roll_back();
        }
        committed
    }

    /// Runs changes in one transaction, which starts before the next batch of a running scan.
    pub(super) fn write_transaction<T>(
        &self,
        change: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _guard = self.lock_for_writing()?;
        self.check(|connection| connection.execute_batch("BEGIN IMMEDIATE"))?;
        let changed = change();
        if changed.is_err() {
            self.roll_back();
        } else {
            self.commit()?;
        }
        changed
    }

    /// Runs reads in one snapshot, unaffected by concurrent writers. Calls can be nested.
    ///
    /// It is also faster than single reads, for each of which SQLite acquires its locks and
    /// revalidates its page cache.
    pub(super) fn read_snapshot<T>(
        &self,
        read: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        if !self.connection.is_autocommit() {
            return read();
        }
        self.check(|connection| connection.execute_batch("BEGIN DEFERRED"))?;
        let result = read();
        self.roll_back();
        result
    }

    /// Rolls back the transaction if one is open.
    pub(super) fn roll_back(&self) {
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    /// Locks `write.lock`. Fails if the catalogue is read-only.
    fn lock_for_writing(&self) -> Result<WriteGuard<'_>, Error> {
        if let Some(reason) = &self.read_only_reason {
            let free = fs4::available_space(self.folder());
            let is_full = free.is_ok_and(|free| free < MIN_FREE_BYTES);
            return Err(Error::ReadOnlyCatalogue {
                path: self.folder.join(super::FILE),
                reason: if is_full {
                    "the disk is full".to_owned()
                } else {
                    reason.clone()
                },
            });
        }
        if let Some(file) = &self.write_lock {
            file.lock().map_err(Error::path(self.folder()))?;
        }
        Ok(WriteGuard(self.write_lock.as_ref()))
    }
}

impl Drop for WriteGuard<'_> {
    fn drop(&mut self) {
        // If this fails, the system releases the lock when the process ends.
        let _ = self.0.map(File::unlock);
    }
}
