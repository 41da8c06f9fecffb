//! The index at the catalogue's seq, whoever has to bring it there. One process at a time
//! writes: it holds `index.lock`, which stands outside the index's folder and outlives it.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::builder::{clear, mark};
use super::catch_panic::guarded;
use super::merge::{self, Effort};
use super::updater::{Pen, sizes};
use super::{Index, Note, State};
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::lock::{self, Attempt, Held};

/// Between two looks at an index that another process writes.
const BETWEEN: Duration = Duration::from_millis(20);
/// After this it is said for whom we wait …
const QUIET: Duration = Duration::from_secs(1);
/// … and after this we do no longer.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// The lock of whoever writes the index of a catalogue.
pub(super) fn lock_file(catalogue: &Catalogue) -> PathBuf {
    catalogue.folder().join("index.lock")
}

/// Waits for the lock of the index for at most [`PATIENCE`]. Returns `None` when another process keeps it.
pub(super) fn lock_while(catalogue: &Catalogue, what_we_do: &str) -> Result<Option<Held>, Error> {
    let begun = Instant::now();
    let is_long = || begun.elapsed() >= PATIENCE;
    lock::hold(&lock_file(catalogue), what_we_do, &is_long, &mut |_| ())
}

/// Lets the index follow the catalogue now, and merges a little; `false`: another process has
/// it, and is left to it.
///
/// # Errors
/// When the catalogue cannot be read or the index not written.
pub fn follow(
    catalogue: &Catalogue,
    what_we_do: &str,
    told: &mut dyn FnMut(&Note),
) -> Result<bool, Error> {
    if let State::Whole(index) = Index::look(catalogue)?
        && index.seq() == catalogue.seq()?
    {
        return Ok(true);
    }
    match lock::attempt(&lock_file(catalogue), what_we_do)? {
        Attempt::Busy(_) => Ok(false),
        Attempt::Held(held) => {
            let index = Index::bring_up(catalogue, &held, told)?;
            index.tidy(catalogue, &held, Effort::LITTLE)?;
            Ok(true)
        }
    }
}

/// Lets the index follow the catalogue, and merges all that should be: for the end of work
/// that changed much. Waits for another process that writes it, but not for ever.
///
/// # Errors
/// When the catalogue cannot be read or the index not written.
pub fn settle(
    catalogue: &Catalogue,
    what_we_do: &str,
    told: &mut dyn FnMut(&Note),
) -> Result<(), Error> {
    let begun = Instant::now();
    let mut last = String::new();
    let held = lock::hold(
        &lock_file(catalogue),
        what_we_do,
        &|| begun.elapsed() >= PATIENCE,
        &mut |holder| holder.clone_into(&mut last),
    )?;
    let Some(held) = held else {
        told(&Note::GaveUp { holder: last });
        return Ok(());
    };
    Index::bring_up(catalogue, &held, told)?.tidy_or_say(catalogue, &held, told);
    drop(held);
    Index::recheck(catalogue, u64::MAX, told)
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
        what_we_do: &str,
        told: &mut dyn FnMut(&Note),
    ) -> Result<Self, Error> {
        let wanted = catalogue.seq()?;
        let begun = Instant::now();
        let mut is_told = false;
        loop {
            let state = Self::look(catalogue)?;
            if let State::Whole(index) = state
                && index.seq() >= wanted
            {
                return Ok(*index);
            }
            let holder = match lock::attempt(&lock_file(catalogue), what_we_do) {
                Err(error) => return Self::instead(catalogue, &error, told),
                Ok(Attempt::Held(held)) => {
                    return match Self::bring_up(catalogue, &held, told) {
                        Err(error) => Self::instead(catalogue, &error, told),
                        index => index,
                    };
                }
                Ok(Attempt::Busy(holder)) => holder,
            };
            if begun.elapsed() >= PATIENCE {
                told(&Note::GaveUp { holder });
                return match Self::look(catalogue)? {
                    State::Whole(index) => Ok(*index),
                    _ => Self::in_memory(catalogue),
                };
            }
            if begun.elapsed() >= QUIET && !std::mem::replace(&mut is_told, true) {
                told(&Note::Waiting { holder });
            }
            thread::sleep(BETWEEN);
        }
    }

    /// An index in memory, as the one on the disk cannot be written.
    fn instead(
        catalogue: &Catalogue,
        why: &Error,
        told: &mut dyn FnMut(&Note),
    ) -> Result<Self, Error> {
        told(&Note::InMemory {
            reason: why.to_string(),
        });
        Self::in_memory(catalogue)
    }

    /// The index at the catalogue's seq, made anew where it cannot be used.
    pub(super) fn bring_up(
        catalogue: &Catalogue,
        lock: &Held,
        told: &mut dyn FnMut(&Note),
    ) -> Result<Self, Error> {
        match Self::look(catalogue)? {
            State::Whole(index) if index.seq() >= catalogue.seq()? => return Ok(*index),
            State::Whole(index) => {
                mark(&Self::folder(catalogue))?;
                let followed = guarded(|| {
                    Pen::new(&index.inner, &index.columns, catalogue, index.seq)?
                        .catch_up(&mut |_| ())
                });
                drop(index);
                match followed.and_then(|()| Self::sound(catalogue)) {
                    Ok(index) => return Ok(index),
                    Err(error @ Error::Catalogue { .. }) => return Err(error),
                    // A full disk, or something that no checksum tells.
                    Err(_) => {}
                }
            }
            State::Absent => {}
            State::Other(why) => told(&Note::Remade { why }),
            State::Damaged { file } => told(&Note::Damaged { file }),
            State::Foreign => Self::check_place(catalogue)?,
        }
        Self::make(catalogue, lock, &mut |_, _| ())
    }

    /// Merges what should be, and removes what killed processes left.
    pub(super) fn tidy(
        &self,
        catalogue: &Catalogue,
        _lock: &Held,
        effort: Effort,
    ) -> Result<(), Error> {
        clear(catalogue.folder());
        guarded(|| {
            if merge::next(&sizes(&self.inner)?, effort).is_empty() {
                return Ok(());
            }
            Pen::new(&self.inner, &self.columns, catalogue, self.seq)?.merge(effort)
        })
    }

    /// Merges all that should be. An index that stays in more pieces than it need be holds all that
    /// it should, so a failure is reported and nothing else.
    pub(super) fn tidy_or_say(
        &self,
        catalogue: &Catalogue,
        lock: &Held,
        told: &mut dyn FnMut(&Note),
    ) {
        if let Err(error) = self.tidy(catalogue, lock, Effort::WHOLE) {
            told(&Note::Untidy {
                reason: error.to_string(),
            });
        }
    }

    /// Tidies up after a search, when there is something to tidy and nobody else is at it.
    pub(super) fn tidy_after(&self, catalogue: &Catalogue) -> Result<(), Error> {
        if self.segments().len() <= Effort::LITTLE.segments {
            return Ok(());
        }
        let Ok(Attempt::Held(held)) = lock::attempt(&lock_file(catalogue), "search") else {
            return Ok(());
        };
        // Opened anew: another may have been at it since.
        match Self::look(catalogue)? {
            State::Whole(index) => index.tidy(catalogue, &held, Effort::LITTLE),
            _ => Ok(()),
        }
    }
}
