//! Who writes next. `SQLite` lets one connection write at a time and has the others try again
//! now and then, so that a scan, which writes batch after batch, could keep an edit waiting
//! for long. A person's edit therefore takes the turn, and a scan asks for it before each batch.

use std::fs::File;

use super::Catalogue;
use crate::error::Error;

/// With less than this free, that nothing can be written has one reason.
const LITTLE_SPACE: u64 = 1024 * 1024;

/// A turn at writing that is kept until it is dropped.
pub(super) struct Turn<'a>(Option<&'a File>);

impl Catalogue {
    /// Begins a batch of changes; waits while another process writes.
    ///
    /// # Errors
    /// When `SQLite` fails, or another writer does not end for a minute.
    pub fn begin(&self) -> Result<(), Error> {
        drop(self.take_turn()?);
        self.check(|connection| connection.execute_batch("BEGIN IMMEDIATE"))
    }

    /// Makes the batch last: on return it is on the disk.
    ///
    /// # Errors
    /// When `SQLite` fails; then nothing of the batch was kept.
    pub fn commit(&self) -> Result<(), Error> {
        let committed = self.check(|connection| connection.execute_batch("COMMIT"));
        if committed.is_err() {
            self.roll_back();
        }
        committed
    }

    /// Runs changes that people wait for, before the next batch of a scan: all of them or none.
    pub(super) fn at_once<T>(&self, change: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let _turn = self.take_turn()?;
        self.check(|connection| connection.execute_batch("BEGIN IMMEDIATE"))?;
        let changed = change();
        if changed.is_err() {
            self.roll_back();
        } else {
            self.commit()?;
        }
        changed
    }

    /// Reads several things as they are at one moment, whoever writes meanwhile.
    pub(super) fn at_one_moment<T>(
        &self,
        read: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.check(|connection| connection.execute_batch("BEGIN"))?;
        let found = read();
        self.roll_back();
        found
    }

    /// A failed statement may leave the transaction open; what it held is given up.
    pub(super) fn roll_back(&self) {
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    fn take_turn(&self) -> Result<Turn<'_>, Error> {
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
        Ok(Turn(self.turn.as_ref()))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // The lock ends with the process at the latest.
        let _ = self.0.map(File::unlock);
    }
}
