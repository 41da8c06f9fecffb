//! The index at the catalogue's seq, whoever has to bring it there. One process at a time
//! writes: it holds `index.lock`, which stands outside the index's folder and outlives it.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::builder::{remove_leftovers, write_marker};
use super::catch_panic::guarded;
use super::merge::{self, MergeEffort};
use super::updater::{IndexUpdater, sizes};
use super::{Index, IndexNotice, IndexState};
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::lock::{self, Attempt, Held};

/// Between two looks at an index that another process writes.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// After this it is said for whom we wait …
const NOTICE_AFTER: Duration = Duration::from_secs(1);
/// … and after this we do no longer.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// The lock of whoever writes the index of a catalogue.
pub(super) fn lock_file(catalogue: &Catalogue) -> PathBuf {
    catalogue.folder().join("index.lock")
}

/// Waits for the lock of the index for at most [`LOCK_TIMEOUT`]. Returns `None` when another process keeps it.
pub(super) fn wait_for_lock(catalogue: &Catalogue, purpose: &str) -> Result<Option<Held>, Error> {
    let started = Instant::now();
    let has_timed_out = || started.elapsed() >= LOCK_TIMEOUT;
    lock::hold(&lock_file(catalogue), purpose, &has_timed_out, &mut |_| ())
}

/// Lets the index follow the catalogue now, and merges a little; `false`: another process has
/// it, and is left to it.
///
/// # Errors
/// When the catalogue cannot be read or the index not written.
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

/// Lets the index follow the catalogue, and merges all that should be: for the end of work
/// that changed much. Waits for another process that writes it, but not for ever.
///
/// # Errors
/// When the catalogue cannot be read or the index not written.
pub fn catch_up_and_merge(
    catalogue: &Catalogue,
    purpose: &str,
    on_notice: &mut dyn FnMut(&IndexNotice),
) -> Result<(), Error> {
    let started = Instant::now();
    let mut last = String::new();
    let held = lock::hold(
        &lock_file(catalogue),
        purpose,
        &|| started.elapsed() >= LOCK_TIMEOUT,
        &mut |holder| holder.clone_into(&mut last),
    )?;
    let Some(held) = held else {
        on_notice(&IndexNotice::StoppedWaiting { holder: last });
        return Ok(());
    };
    Index::bring_up_to_date(catalogue, &held, on_notice)?
        .tidy_or_notify(catalogue, &held, on_notice);
    drop(held);
    Index::recheck(catalogue, u64::MAX, on_notice)
}

impl Index {
    /// The index, holding every change that the catalogue has now.
    ///
    /// One that is behind, damaged or not there is brought up by whoever comes first; where it
    /// cannot be written, one is made in memory.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
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

    /// An index in memory, as the one on the disk cannot be written.
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

    /// The index at the catalogue's seq, made anew where it cannot be used.
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
                    // A full disk, or something that no checksum tells.
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

    /// Merges what should be, and removes what killed processes left.
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

    /// Merges all that should be. An index that stays in more pieces than it need be holds all that
    /// it should, so a failure is reported and nothing else.
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

    /// Tidies up after a search, when there is something to tidy and nobody else is at it.
    pub(super) fn tidy_after(&self, catalogue: &Catalogue) -> Result<(), Error> {
        if self.segments().len() <= MergeEffort::SMALL.segments {
            return Ok(());
        }
        let Ok(Attempt::Held(held)) = lock::attempt(&lock_file(catalogue), "search") else {
            return Ok(());
        };
        // Opened anew: another may have been at it since.
        match Self::open(catalogue)? {
            IndexState::Usable(index) => index.tidy(catalogue, &held, MergeEffort::SMALL),
            _ => Ok(()),
        }
    }
}
