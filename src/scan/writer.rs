//! Writer of a scan: commits changes to the catalogue in batches and keeps the index up to date.
//! Only the thread that called the scan writes; the workers send it their results.

use std::time::{Duration, Instant};

use super::ScanEvent;
use crate::catalogue::{Catalogue, Reading};
use crate::error::Error;
use crate::index::{self, IndexNotice};

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
/// Hint in every warning about the index.
const INDEX_HINT: &str = "the catalogue is complete; the next search updates the index";

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
        let outcome = index::try_catch_up(
            self.catalogue,
            LOCK_HOLDER,
            &mut notice_as_warning(self.on_event),
        );
        self.last_update = Instant::now();
        warn_if_failed(outcome.map(drop), self.on_event);
    }

    /// Commits the batch and updates the index, waiting for other processes if necessary.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        self.commit()?;
        let outcome = index::catch_up_and_merge(
            self.catalogue,
            LOCK_HOLDER,
            &mut notice_as_warning(self.on_event),
        );
        warn_if_failed(outcome, self.on_event);
        Ok(())
    }
}

/// Returns a callback that reports index notices as warnings.
fn notice_as_warning(on_event: &mut dyn FnMut(ScanEvent)) -> impl FnMut(&IndexNotice) {
    |note| {
        on_event(ScanEvent::Warning {
            message: note.to_string(),
            hint: INDEX_HINT.to_owned(),
        });
    }
}

fn warn_if_failed(outcome: Result<(), Error>, on_event: &mut dyn FnMut(ScanEvent)) {
    if let Err(error) = outcome {
        on_event(ScanEvent::Warning {
            message: format!("cannot update the index: {error}"),
            hint: INDEX_HINT.to_owned(),
        });
    }
}
