//! The writing end of a scan: batches into the catalogue, and the index kept near.

use std::time::{Duration, Instant};

use super::Event;
use crate::catalogue::{Catalogue, Reading};
use crate::error::Error;
use crate::index::{self, IndexNotice};

/// A batch is committed when it is this old …
pub(super) const BATCH_AGE: Duration = Duration::from_millis(500);
/// … or this large.
const BATCH_SIZE: usize = 2000;
/// The index first follows after this, then after twice as long each time,
const FIRST_CATCH_UP: Duration = Duration::from_millis(700);
/// up to this.
const LAST_CATCH_UP: Duration = Duration::from_secs(20);

/// What we say of ourselves to those who wait for the index.
const WHAT: &str = "scan";
/// What to do about an index that does not follow.
const SAFE: &str = "the catalogue is safe; the next search brings the index up to it";

/// The catalogue and its index, while a scan writes to them.
pub(super) struct Writer<'a> {
    pub catalogue: &'a Catalogue,
    batch: usize,
    batch_begun: Option<Instant>,
    caught_up: Instant,
    pause: Duration,
}

impl<'a> Writer<'a> {
    pub(super) fn new(catalogue: &'a Catalogue) -> Self {
        Self {
            catalogue,
            batch: 0,
            batch_begun: None,
            caught_up: Instant::now(),
            pause: FIRST_CATCH_UP,
        }
    }

    /// Runs changes inside the current batch, ending it when it is old or large enough.
    pub(super) fn write<T>(
        &mut self,
        report: &mut dyn FnMut(Event),
        change: impl FnOnce(&Catalogue) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let begun = if let Some(begun) = self.batch_begun {
            begun
        } else {
            self.catalogue.begin()?;
            *self.batch_begun.insert(Instant::now())
        };
        let changed = change(self.catalogue)?;
        self.batch += 1;
        if self.batch >= BATCH_SIZE || begun.elapsed() >= BATCH_AGE {
            self.end_batch(report)?;
        }
        Ok(changed)
    }

    /// Ends a batch that is old enough: nothing written waits long, and others may write.
    pub(super) fn tick(&mut self, report: &mut dyn FnMut(Event)) -> Result<(), Error> {
        match self.batch_begun {
            Some(begun) if begun.elapsed() < BATCH_AGE => Ok(()),
            // Without a batch there may still be changes that the index has not heard of.
            _ => self.end_batch(report),
        }
    }

    fn end_batch(&mut self, report: &mut dyn FnMut(Event)) -> Result<(), Error> {
        self.commit()?;
        if self.caught_up.elapsed() >= self.pause {
            self.catch_up(report);
            self.pause = (self.pause * 2).min(LAST_CATCH_UP);
        }
        Ok(())
    }

    /// Writes what reading a file found out.
    pub(super) fn record(
        &mut self,
        reading: &Reading,
        report: &mut dyn FnMut(Event),
    ) -> Result<(), Error> {
        self.write(report, |catalogue| catalogue.record(reading))
    }

    /// Makes what was written last.
    pub(super) fn commit(&mut self) -> Result<(), Error> {
        self.batch = 0;
        match self.batch_begun.take() {
            Some(_) => self.catalogue.commit(),
            None => Ok(()),
        }
    }

    /// Lets the index follow. It is a view: when it cannot, the scan goes on without it.
    pub(super) fn catch_up(&mut self, report: &mut dyn FnMut(Event)) {
        // Where another process is at it, it is left to it.
        let followed = index::try_catch_up(self.catalogue, WHAT, &mut noting(report));
        self.caught_up = Instant::now();
        warn(followed.map(drop), report);
    }

    /// Ends the batch and brings the index up to it.
    pub(super) fn finish(mut self, report: &mut dyn FnMut(Event)) -> Result<(), Error> {
        self.commit()?;
        let settled = index::catch_up_and_merge(self.catalogue, WHAT, &mut noting(report));
        warn(settled, report);
        Ok(())
    }
}

/// What the index tells is told as a warning.
fn noting(report: &mut dyn FnMut(Event)) -> impl FnMut(&IndexNotice) {
    |note| {
        report(Event::Warning {
            message: note.to_string(),
            hint: SAFE.to_owned(),
        });
    }
}

fn warn(followed: Result<(), Error>, report: &mut dyn FnMut(Event)) {
    if let Err(error) = followed {
        report(Event::Warning {
            message: format!("the index could not follow: {error}"),
            hint: SAFE.to_owned(),
        });
    }
}
