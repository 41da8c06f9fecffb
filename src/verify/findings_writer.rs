//! Records findings in the catalogue while files are read.

use std::time::{Duration, Instant};

use super::expected::HashSources;
use super::record::{self, FileResult};
use crate::catalogue::Catalogue;
use crate::error::Error;

/// Interval at which findings are recorded. A killed process loses at most this much work.
const RECORD_INTERVAL: Duration = Duration::from_secs(2);

/// Results that are recorded, and the time of the last record.
pub(super) struct FindingsWriter<'a> {
    sources: &'a HashSources,
    catalogue: Option<&'a Catalogue>,
    /// Number of results already recorded.
    count: usize,
    last: Instant,
    outcome: Result<(), Error>,
}

impl<'a> FindingsWriter<'a> {
    pub(super) fn new(sources: &'a HashSources, catalogue: Option<&'a Catalogue>) -> Self {
        Self {
            sources,
            catalogue,
            count: 0,
            last: Instant::now(),
            outcome: Ok(()),
        }
    }

    /// Records new findings if the last record is old enough. Returns false if recording failed.
    pub(super) fn record_if_due(&mut self, results: &[FileResult<'_>]) -> bool {
        let is_due = results.len() > self.count && self.last.elapsed() >= RECORD_INTERVAL;
        if self.outcome.is_ok() && is_due {
            self.outcome = self.write(results);
            self.last = Instant::now();
        }
        self.outcome.is_ok()
    }

    /// Records the remaining findings.
    pub(super) fn finish(mut self, results: &[FileResult<'_>]) -> Result<(), Error> {
        std::mem::replace(&mut self.outcome, Ok(()))?;
        self.write(results)
    }

    fn write(&mut self, results: &[FileResult<'_>]) -> Result<(), Error> {
        if let Some(catalogue) = self.catalogue {
            record::write_to_catalogue(self.sources, &results[self.count..], catalogue)?;
        }
        self.count = results.len();
        Ok(())
    }
}
