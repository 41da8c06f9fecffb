//! Writer of a scan: commits changes to the catalogue in batches and keeps the index up to date.
//! Only the thread that called the scan writes; the workers send it their results.

use std::time::{Duration, Instant};

use super::ScanEvent;
use super::index_update::{try_update_index, update_index};
use crate::catalogue::{Catalogue, Reading};
use crate::error::Error;

/// Age at which a batch is committed.
pub(super) const BATCH_AGE: Duration = Duration::from_millis(500);
/// Number of changes at which a batch is committed.
const BATCH_SIZE: usize = 2000;
/// Delay before the first index update; doubled for each later one.
const FIRST_UPDATE_DELAY: Duration = Duration::from_millis(700);
/// Longest delay between index updates.
const MAX_UPDATE_DELAY: Duration = Duration::from_secs(20);

/// Name of the lock holder, shown to processes that wait for the index.
const LOCK_HOLDER: &str = "scan";

/// Open batch of changes to the catalogue, the time of the last index update, and the receiver of
/// events.
pub(super) struct ScanWriter<'a> {
    pub catalogue: &'a Catalogue,
    on_event: &'a mut dyn FnMut(ScanEvent),
    /// Number of changes in the open batch.
    batch: usize,
    /// Start of the open transaction; `None` if no batch is open.
    batch_start: Option<Instant>,
    last_update: Instant,
    /// Minimum delay before the next index update.
    delay: Duration,
}

impl<'a> ScanWriter<'a> {
    pub(super) fn new(catalogue: &'a Catalogue, on_event: &'a mut dyn FnMut(ScanEvent)) -> Self {
        Self {
            catalogue,
            on_event,
            batch: 0,
            batch_start: None,
            last_update: Instant::now(),
            delay: FIRST_UPDATE_DELAY,
        }
    }

    /// Reports an event to the caller of the scan.
    pub(super) fn report(&mut self, event: ScanEvent) {
        (self.on_event)(event);
    }

    /// Runs a change inside the open batch, and commits the batch if it is old or large enough.
    pub(super) fn write<T>(
        &mut self,
        change: impl FnOnce(&Catalogue) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let start = if let Some(start) = self.batch_start {
            start
        } else {
            self.catalogue.begin()?;
            *self.batch_start.insert(Instant::now())
        };
        let result = change(self.catalogue)?;
        self.batch += 1;
        if self.batch >= BATCH_SIZE || start.elapsed() >= BATCH_AGE {
            self.end_batch()?;
        }
        Ok(result)
    }

    /// Commits a batch that is old enough, so that changes become visible soon and other processes
    /// can write.
    pub(super) fn tick(&mut self) -> Result<(), Error> {
        match self.batch_start {
            Some(start) if start.elapsed() < BATCH_AGE => Ok(()),
            // Without an open batch, there may still be changes that the index lacks.
            _ => self.end_batch(),
        }
    }

    fn end_batch(&mut self) -> Result<(), Error> {
        self.commit()?;
        if self.last_update.elapsed() >= self.delay {
            self.catch_up();
            self.delay = (self.delay * 2).min(MAX_UPDATE_DELAY);
        }
        Ok(())
    }

    /// Records the result of reading a file.
    pub(super) fn record(&mut self, reading: &Reading) -> Result<(), Error> {
        self.write(|catalogue| catalogue.record(reading))
    }

    /// Commits the open batch, if there is one.
    pub(super) fn commit(&mut self) -> Result<(), Error> {
        self.batch = 0;
        match self.batch_start.take() {
            Some(_) => self.catalogue.commit(),
            None => Ok(()),
        }
    }

    /// Updates the index. A failure is only a warning, since the index can be rebuilt at any time.
    pub(super) fn catch_up(&mut self) {
        // Skips the update if another process is already updating the index.
        try_update_index(self.catalogue, LOCK_HOLDER, self.on_event);
        self.last_update = Instant::now();
    }

    /// Commits the batch and updates the index, waiting for other processes if necessary.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        self.commit()?;
        update_index(self.catalogue, LOCK_HOLDER, self.on_event);
        Ok(())
    }
}
