//! Brings the index up to date with the catalogue. The first process that needs it does the work.

use std::thread;
use std::time::{Duration, Instant};

use super::builder::{remove_leftovers, write_marker};
use super::catch_panic::guarded;
use super::merge::{self, MergeEffort};
use super::updater::{IndexUpdater, sizes};
use super::write_lock::{LOCK_TIMEOUT, lock_file};
use super::{Index, IndexNotice, IndexState};
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::lock::{self, Attempt, Held};

/// Pause between two checks of an index that another process is writing.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Delay before the user is notified that another process holds the lock.
const NOTICE_AFTER: Duration = Duration::from_secs(1);
/// Brings the index up to date and merges a few segments. Returns `false` without waiting if
/// another process holds the lock.
///
/// # Errors
/// Returns an error if the catalogue cannot be read or the index cannot be written.
pub fn try_catch_up(
    catalogue: &Catalogue,
    purpose: &str,
    on_notice: &mut dyn FnMut(&IndexNotice),
) -> Result<bool, Error> {
    if let IndexState::Usable(index) = Index::open(catalogue)?
        && index.seq() == catalogue.seq()?
    {
        return Ok(true);
    }
    match lock::attempt(&lock_file(catalogue), purpose)? {
        Attempt::Busy(_) => Ok(false),
        Attempt::Held(held) => {
            let index = Index::bring_up_to_date(catalogue, &held, on_notice)?;
            index.tidy(catalogue, &held, MergeEffort::SMALL)?;
            Ok(true)
        }
    }
}

/// Brings the index up to date and performs all pending merges, for example at the end of a scan.
/// Waits for another writer for at most one minute.
///
/// # Errors
/// Returns an error if the catalogue cannot be read or the index cannot be written.
pub fn catch_up_and_merge(
    catalogue: &Catalogue,
    purpose: &str,
    on_notice: &mut dyn FnMut(&IndexNotice),
) -> Result<(), Error> {
    let started = Instant::now();
    let mut last_holder = String::new();
    let held = lock::hold(
        &lock_file(catalogue),
        purpose,
        &|| started.elapsed() >= LOCK_TIMEOUT,
        &mut |holder| holder.clone_into(&mut last_holder),
    )?;
    let Some(held) = held else {
        on_notice(&IndexNotice::StoppedWaiting {
            holder: last_holder,
        });
        return Ok(());
    };
    Index::bring_up_to_date(catalogue, &held, on_notice)?
        .tidy_or_notify(catalogue, &held, on_notice);
    drop(held);
    Index::recheck(catalogue, u64::MAX, on_notice)
}

impl Index {
    /// Opens an index that includes all changes made to the catalogue so far.
    ///
    /// The first process that needs the index updates it if it is behind, and rebuilds it if it is
    /// damaged or missing. If the index cannot be written, it is built in memory. If another
    /// process holds the lock for too long, the latest changes may be missing.
    ///
    /// # Errors
    /// Returns an error if the catalogue cannot be read.
    pub fn current(
        catalogue: &Catalogue,
        purpose: &str,
        on_notice: &mut dyn FnMut(&IndexNotice),
    ) -> Result<Self, Error> {
        let required = catalogue.seq()?;
        let started = Instant::now();
        let mut is_reported = false;
        loop {
            let state = Self::open(catalogue)?;
            if let IndexState::Usable(index) = state
                && index.seq() >= required
            {
                return Ok(*index);
            }
            let holder = match lock::attempt(&lock_file(catalogue), purpose) {
                Err(error) => return Self::in_memory_because(catalogue, &error, on_notice),
                Ok(Attempt::Held(held)) => {
                    return match Self::bring_up_to_date(catalogue, &held, on_notice) {
                        Err(error) => Self::in_memory_because(catalogue, &error, on_notice),
                        index => index,
                    };
                }
                Ok(Attempt::Busy(holder)) => holder,
            };
            if started.elapsed() >= LOCK_TIMEOUT {
                on_notice(&IndexNotice::StoppedWaiting { holder });
                return match Self::open(catalogue)? {
                    IndexState::Usable(index) => Ok(*index),
                    _ => Self::in_memory(catalogue),
                };
            }
            if started.elapsed() >= NOTICE_AFTER && !std::mem::replace(&mut is_reported, true) {
                on_notice(&IndexNotice::Waiting { holder });
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Builds an index in memory, because the index on disk cannot be written.
    fn in_memory_because(
        catalogue: &Catalogue,
        error: &Error,
        on_notice: &mut dyn FnMut(&IndexNotice),
    ) -> Result<Self, Error> {
        on_notice(&IndexNotice::InMemory {
            reason: error.to_string(),
        });
        Self::in_memory(catalogue)
    }

    /// Opens the index and updates it to the catalogue's seq; rebuilds it if it cannot be used.
    pub(super) fn bring_up_to_date(
        catalogue: &Catalogue,
        lock: &Held,
        on_notice: &mut dyn FnMut(&IndexNotice),
    ) -> Result<Self, Error> {
        match Self::open(catalogue)? {
            IndexState::Usable(index) if index.seq() >= catalogue.seq()? => return Ok(*index),
            IndexState::Usable(index) => {
                write_marker(&Self::folder(catalogue))?;
                let outcome = guarded(|| {
                    IndexUpdater::new(&index.inner, &index.columns, catalogue, index.seq)?
                        .catch_up(&mut |_| ())
                });
                drop(index);
                match outcome.and_then(|()| Self::open_intact(catalogue)) {
                    Ok(index) => return Ok(index),
                    Err(error @ Error::Catalogue { .. }) => return Err(error),
                    // The index is rebuilt below. Either the disk was full, or the files are
                    // inconsistent although their checksums are correct.
                    Err(_) => {}
                }
            }
            IndexState::Missing => {}
            IndexState::Mismatched(reason) => on_notice(&IndexNotice::Rebuilt { reason }),
            IndexState::Damaged { file } => on_notice(&IndexNotice::Damaged { file }),
            IndexState::NotOurs => Self::check_folder(catalogue)?,
        }
        Self::build(catalogue, lock, &mut |_, _| ())
    }

    /// Merges segments, and removes files that killed processes left behind.
    pub(super) fn tidy(
        &self,
        catalogue: &Catalogue,
        _lock: &Held,
        effort: MergeEffort,
    ) -> Result<(), Error> {
        remove_leftovers(catalogue.folder());
        guarded(|| {
            if merge::next(&sizes(&self.inner)?, effort).is_empty() {
                return Ok(());
            }
            IndexUpdater::new(&self.inner, &self.columns, catalogue, self.seq)?.merge(effort)
        })
    }

    /// Performs all pending merges. A failure is only reported, because an index with too many
    /// segments is still complete.
    pub(super) fn tidy_or_notify(
        &self,
        catalogue: &Catalogue,
        lock: &Held,
        on_notice: &mut dyn FnMut(&IndexNotice),
    ) {
        if let Err(error) = self.tidy(catalogue, lock, MergeEffort::FULL) {
            on_notice(&IndexNotice::NotTidied {
                reason: error.to_string(),
            });
        }
    }

    /// Merges a few segments after a search, if there are many and no other process is writing the
    /// index.
    pub(super) fn tidy_after(&self, catalogue: &Catalogue) -> Result<(), Error> {
        if self.segments().len() <= MergeEffort::SMALL.segments {
            return Ok(());
        }
        let Ok(Attempt::Held(held)) = lock::attempt(&lock_file(catalogue), "search") else {
            return Ok(());
        };
        // Opens the index again, because another process may have written it in the meantime.
        match Self::open(catalogue)? {
            IndexState::Usable(index) => index.tidy(catalogue, &held, MergeEffort::SMALL),
            _ => Ok(()),
        }
    }
}
