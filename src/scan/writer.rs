//! The writing end of a scan: batches into the catalogue, and the index kept near.

use std::thread;
use std::time::{Duration, Instant};

use super::Event;
use crate::catalogue::{Catalogue, Reading};
use crate::error::Error;
use crate::index::{self, Index};

/// A batch is committed when it is this old …
pub(super) const BATCH_AGE: Duration = Duration::from_millis(500);
/// … or this large.
const BATCH_SIZE: usize = 2000;
/// The index first follows after this, then after twice as long each time,
const FIRST_CATCH_UP: Duration = Duration::from_millis(700);
/// up to this.
const LAST_CATCH_UP: Duration = Duration::from_secs(20);

/// The catalogue and its index, while a scan writes to them.
pub(super) struct Writer<'a> {
    pub catalogue: &'a Catalogue,
    index: &'a Index,
    indexing: Option<index::Writer<'a>>,
    batch: usize,
    batch_begun: Option<Instant>,
    caught_up: Instant,
    pause: Duration,
}

impl<'a> Writer<'a> {
    pub(super) fn new(catalogue: &'a Catalogue, index: &'a Index) -> Self {
        Self {
            catalogue,
            index,
            indexing: None,
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
    pub(super) fn catch_up(&mut self, report: &mut dyn FnMut(Event)) -> bool {
        let followed = self.try_catch_up();
        self.caught_up = Instant::now();
        if let Err(error) = &followed {
            self.indexing = None;
            report(Event::Warning {
                message: format!("the index could not follow: {error}"),
                hint: "the catalogue is safe; the next search brings the index up to it".to_owned(),
            });
        }
        followed.is_ok()
    }

    fn try_catch_up(&mut self) -> Result<(), Error> {
        // Nothing new: no writer need be opened for it.
        if self.index.seq() == self.catalogue.seq()? {
            return Ok(());
        }
        if self.indexing.is_none() {
            self.indexing = self.index.writer()?;
        }
        match &mut self.indexing {
            Some(writer) => writer.catch_up(self.catalogue),
            // A search is bringing it up to date at this moment.
            None => Ok(()),
        }
    }

    /// Ends the batch and brings the index up to it.
    pub(super) fn finish(mut self, report: &mut dyn FnMut(Event)) -> Result<(), Error> {
        self.commit()?;
        for _ in 0..50 {
            if !self.catch_up(report)
                || self.indexing.is_some()
                || self.index.seq() == self.catalogue.seq()?
            {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        match self.indexing {
            Some(writer) => writer.finish(),
            None => Ok(()),
        }
    }
}
