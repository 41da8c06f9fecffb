//! Detection of writes to a source file while it is read.
//!
//! A camera may rewrite the header of a file within the two-second resolution of FAT, without
//! changing the file's size. The modification time reveals such a write only if it differs from
//! that of the previous write. So a file is read only when its last write is at least one step of
//! its filesystem's clock ago. Every later write then changes the time. Writes through a memory
//! mapping change no time while the page is dirty, so a recent file is synced before it is read. On
//! filesystems without a change time that programs cannot set, the sampled ranges are read again
//! afterwards.
//!
//! Sizes and times of files on a network share may be outdated: the system caches them for up to a
//! minute, and programs such as sshfs cache them for 20 s. So the system is asked to refresh them,
//! and a file is opened before its times are read, which makes those programs refresh them, too. At
//! the end of the run, the sampled ranges are compared once more.

use std::fs::File;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::card_listing::Item;
use super::copy_task::CopyTask;
use crate::atomic_file;
use crate::checksum::{Sampler, sampled_ranges};
use crate::source_file::{self, Original, Stamp};
use crate::value::Fingerprint;

/// Time resolution of FAT and of some servers, plus a margin.
pub(super) const COARSE_RESOLUTION: Duration = Duration::from_millis(2100);
/// Resolution of clocks that are finer than 10 ms: one kernel tick, plus a margin.
const FINE_RESOLUTION: Duration = Duration::from_millis(20);
/// Step of times, in nanoseconds. A multiple of it may come from a coarse clock.
const COARSE_STEP: i64 = 10_000_000;
/// Age at which a file has no dirty mapped pages left: kernels write them back after seconds.
const SYNCED_AGE: Duration = Duration::from_secs(3600);
/// Number of checks after which a file that keeps changing is not read.
const MAX_CHECKS: usize = 3;
/// Interval between two checks for cancellation.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Properties of a filesystem's file times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    /// True if this machine's clock sets the times. A network share or a camera behind FUSE has its
    /// own clock.
    pub is_own_clock: bool,
    /// True if each write changes a time that programs cannot set (`ctime`).
    pub has_change_time: bool,
}

/// State of a source file during a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceState {
    /// Size and times, equal before and after the read.
    pub stamp: Stamp,
    /// Fingerprint of the content; `None` for an empty file.
    pub sample: Option<Fingerprint>,
}

/// Result of waiting until writes to a file are detectable.
pub(super) enum Stability {
    /// The file is unchanged since this state, and a later write changes it.
    Stable(Stamp),
    /// The file changed at every check.
    Changing,
    Cancelled,
}

impl Times {
    /// Returns true if a file is unchanged. The change time counts only if it is reliable: FAT
    /// drivers invent one, and some servers change it on reads.
    #[must_use]
    pub(crate) fn is_unchanged(self, before: &Stamp, now: &Stamp) -> bool {
        let has_same_time = before.modified == now.modified && before.bytes == now.bytes;
        has_same_time && (!self.has_change_time || before.changed == now.changed)
    }

    /// Waits until this machine can see the times of another machine's writes. Returns immediately
    /// for a local filesystem.
    pub(crate) fn wait_for_remote_writes(self, is_cancelled: &dyn Fn() -> bool) {
        if !self.is_own_clock {
            wait_until(Instant::now() + COARSE_RESOLUTION, is_cancelled);
        }
    }

    /// Returns the size and times of the file at a path.
    pub(super) fn stamp_at(self, path: &Path) -> io::Result<Stamp> {
        if !self.is_own_clock {
            atomic_file::refresh(path);
        }
        Ok(Stamp::from_metadata(&path.symlink_metadata()?))
    }

    /// Returns the size and times of an open file.
    pub(super) fn stamp_of_open(self, file: &File) -> io::Result<Stamp> {
        if !self.is_own_clock {
            atomic_file::refresh_open(file);
        }
        Ok(Stamp::from_metadata(&file.metadata()?))
    }

    /// Returns the remaining time until every later write changes the file's time. The last write
    /// is older than `listed`, or `stamp` contains its time.
    fn remaining_wait(self, stamp: &Stamp, listed: Instant) -> Duration {
        let changed = stamp.changed.filter(|_| self.has_change_time);
        let step = match changed {
            Some(changed) if changed % COARSE_STEP != 0 => FINE_RESOLUTION,
            _ => COARSE_RESOLUTION,
        };
        let last = changed.unwrap_or(stamp.modified);
        match age(last).filter(|_| self.is_own_clock) {
            Some(age) => step.saturating_sub(age),
            // The clock that set this time is not this machine's, so the time since the listing is
            // used.
            None => step.saturating_sub(listed.elapsed()),
        }
    }

    /// Waits until every later write to a file is detectable.
    ///
    /// # Errors
    /// Returns an error if the file's metadata cannot be read.
    pub(super) fn wait_until_stable(
        self,
        file: &File,
        listed: Instant,
        is_cancelled: &dyn Fn() -> bool,
    ) -> io::Result<Stability> {
        for _ in 0..MAX_CHECKS {
            let stamp = self.stamp_of_open(file)?;
            let until = Instant::now() + self.remaining_wait(&stamp, listed);
            if !wait_until(until, is_cancelled) {
                return Ok(Stability::Cancelled);
            }
            if age(stamp.modified).is_none_or(|age| age < SYNCED_AGE) {
                // Some filesystems cannot sync a file that is open for reading. Only its times
                // count there.
                let _ = file.sync_data();
            }
            if self.is_unchanged(&stamp, &self.stamp_of_open(file)?) {
                return Ok(Stability::Stable(stamp));
            }
        }
        Ok(Stability::Changing)
    }
}

/// Waits until an instant. Returns false if the wait was cancelled.
fn wait_until(until: Instant, is_cancelled: &dyn Fn() -> bool) -> bool {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        if is_cancelled() {
            return false;
        }
        thread::sleep(left.min(POLL_INTERVAL));
    }
}

/// Returns the age of a time, which is in nanoseconds since 1970 UTC; `None` if it is in the
/// future.
fn age(nanos: i64) -> Option<Duration> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let age = i128::try_from(now.as_nanos()).ok()? - i128::from(nanos);
    let age = u64::try_from(age.min(i128::from(u64::MAX))).ok()?;
    Some(Duration::from_nanos(age))
}

impl Item {
    /// Returns true if a source file has exactly the listed size and time.
    pub(super) fn is_exactly(&self, stamp: &Stamp) -> bool {
        (self.bytes, self.modified) == (stamp.bytes, stamp.modified)
    }

    /// Returns true if the file is so recent that reading it may have to wait.
    pub(super) fn is_recent(&self) -> bool {
        age(self.modified).is_none_or(|age| age < COARSE_RESOLUTION)
    }
}

/// Number of files on a network share that are checked in parallel.
const PARALLEL_CHECKS: usize = 4;

/// Returns the indices of files that changed since they were read, or since they were listed if
/// they were not read. Returns `None` if the card can no longer be listed. Ends early if
/// `is_cancelled` returns true.
#[must_use]
pub(crate) fn changed_since_read(
    source: &Path,
    tasks: &[CopyTask],
    seen: &[Option<SourceState>],
    times: Times,
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Option<Vec<usize>> {
    std::fs::read_dir(source).ok()?;
    let is_changed = |number: &usize| {
        let (task, seen) = (&tasks[*number], seen.get(*number).copied().flatten());
        // A missing file counts as unchanged, since its copies are still correct.
        !is_cancelled() && !is_unchanged_since_read(source, task, seen, times).unwrap_or(true)
    };
    let numbers: Vec<usize> = (0..tasks.len()).collect();
    if times.is_own_clock {
        return Some(numbers.into_iter().filter(is_changed).collect());
    }
    let chunk = numbers.len().div_ceil(PARALLEL_CHECKS).max(1);
    thread::scope(|scope| {
        let changed =
            |chunk: &[usize]| -> Vec<usize> { chunk.iter().copied().filter(is_changed).collect() };
        let chunks = numbers.chunks(chunk);
        let threads: Vec<_> = chunks
            .map(|chunk| scope.spawn(move || changed(chunk)))
            .collect();
        let changed = threads.into_iter().map(|thread| thread.join().ok());
        Some(changed.collect::<Option<Vec<_>>>()?.concat())
    })
}

/// Returns true if a file is unchanged since it was read, or since it was listed if it was not
/// read.
fn is_unchanged_since_read(
    source: &Path,
    task: &CopyTask,
    seen: Option<SourceState>,
    times: Times,
) -> io::Result<bool> {
    let path = source.join(&task.item.inside);
    if !times.is_own_clock {
        source_file::open(&path)?;
    }
    let now = times.stamp_at(&path)?;
    let Some(seen) = seen else {
        return Ok(task.item.is_exactly(&now));
    };
    // If a program such as sshfs still reports outdated times, only the content reveals a write.
    let is_same_content =
        || times.is_own_clock || sample(&path).is_ok_and(|now| now == seen.sample);
    Ok(times.is_unchanged(&seen.stamp, &now) && is_same_content())
}

/// Returns the fingerprint of a file, reading at most 320 KiB; `None` for an empty file.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub(crate) fn sample(path: &Path) -> io::Result<Option<Fingerprint>> {
    let original = Original::open(path)?;
    let size = original.size();
    let mut sampler = Sampler::new(size);
    for (start, length) in sampled_ranges(size) {
        sampler.skip_to(start);
        let length = usize::try_from(length).map_err(io::Error::other)?;
        sampler.update(&original.read(start, length)?);
    }
    Ok(sampler.finish())
}
