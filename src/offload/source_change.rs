//! Detects writes to a source file while it is read.
//!
//! A camera may rewrite the header of a file whose size no longer changes, within the two-second
//! resolution of FAT. Times reveal such a write only if it gets a different time than the previous
//! one. So a file is read at least one step of its filesystem's clock after its last write; every
//! later write then changes its time. Writes through a mapping change no time while the page is
//! dirty, so a recent file is synced before it is read. Without a change time that programs cannot
//! set, the sampled ranges are read again afterwards.
//!
//! Sizes and times of a share may be cached. The system caches them for up to a minute, and
//! programs such as sshfs have their own cache of 20 s. So the system is asked to refresh them, and
//! a file is opened before its times are read, which makes those programs refresh them too. Before
//! the end, its sampled ranges are compared once more.

use std::fs::File;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{CopyTask, Item};
use crate::atomic_file;
use crate::checksum::{Sampler, sampled_ranges};
use crate::source_file::{self, Original, Stamp};
use crate::value::Fingerprint;

/// Time resolution of FAT and of some servers, with a margin.
pub(super) const COARSE: Duration = Duration::from_millis(2100);
/// Resolution of times with sub-10-ms digits: one kernel tick, with a margin.
const FINE: Duration = Duration::from_millis(20);
/// Times that are multiples of this, in nanoseconds, may come from a coarse clock.
const ROUND: i64 = 10_000_000;
/// Age from which a file has no dirty mapped pages: kernels write them back after seconds.
const RECENT: Duration = Duration::from_secs(3600);
/// Maximum number of checks of a file that keeps changing, before it is read.
const LOOKS: usize = 3;
/// Pause between two checks for cancellation.
const NAP: Duration = Duration::from_millis(20);

/// Time-keeping properties of a filesystem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// True if this machine's clock sets the times; a share, or a camera behind FUSE, has its own.
    pub is_own_clock: bool,
    /// True if each write changes a time that programs cannot set (`ctime`).
    pub has_change_time: bool,
}

/// State of a source file when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceState {
    /// Size and times, equal before and after the read.
    pub stamp: Stamp,
    /// Its fingerprint; `None` for an empty file.
    pub sample: Option<Fingerprint>,
}

impl Times {
    /// Returns true if a file is unchanged. Without a reliable change time, only size and
    /// modification time count: FAT invents one, and some servers change it on reads.
    #[must_use]
    pub fn is_unchanged(self, before: &Stamp, now: &Stamp) -> bool {
        let has_same_time = before.modified == now.modified && before.bytes == now.bytes;
        has_same_time && (!self.has_change_time || before.changed == now.changed)
    }

    /// Waits until writes of another machine are visible in the times that this one reads; returns
    /// at once for a local filesystem.
    pub fn wait_for_others(self, go_on: &dyn Fn() -> bool) {
        if !self.is_own_clock {
            nap_until(Instant::now() + COARSE, go_on);
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

    /// Returns how much longer to wait until every later write changes the file's time. The last
    /// write is before `listed` or is visible in `stamp`.
    fn rest(self, stamp: &Stamp, listed: Instant) -> Duration {
        let changed = stamp.changed.filter(|_| self.has_change_time);
        let step = match changed {
            Some(changed) if changed % ROUND != 0 => FINE,
            _ => COARSE,
        };
        let last = changed.unwrap_or(stamp.modified);
        match age(last).filter(|_| self.is_own_clock) {
            Some(age) => step.saturating_sub(age),
            // The clock that set this time is unknown; this machine's clock shows how long ago the
            // file was listed.
            None => step.saturating_sub(listed.elapsed()),
        }
    }

    /// Waits until every later write is detectable; returns the file's size and times. `None` if
    /// `go_on` ended the wait.
    ///
    /// # Errors
    /// Returns an error if the file's metadata cannot be read, or if it keeps changing.
    pub(super) fn settle(
        self,
        file: &File,
        listed: Instant,
        go_on: &dyn Fn() -> bool,
    ) -> io::Result<Option<Stamp>> {
        for _ in 0..LOOKS {
            let stamp = self.stamp_of_open(file)?;
            let until = Instant::now() + self.rest(&stamp, listed);
            if !nap_until(until, go_on) {
                return Ok(None);
            }
            if age(stamp.modified).is_none_or(|age| age < RECENT) {
                // Not every filesystem syncs a file that is open for reading; then only its times
                // count.
                let _ = file.sync_data();
            }
            if self.is_unchanged(&stamp, &self.stamp_of_open(file)?) {
                return Ok(Some(stamp));
            }
        }
        Err(io::Error::other("still changing"))
    }
}

/// Waits until an instant. Returns false if `go_on` ended the wait.
fn nap_until(until: Instant, go_on: &dyn Fn() -> bool) -> bool {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        if !go_on() {
            return false;
        }
        thread::sleep(left.min(NAP));
    }
}

/// Returns the age of a time; `None` for one in the future.
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
        age(self.modified).is_none_or(|age| age < COARSE)
    }
}

/// Number of a share's files that are checked in parallel.
const SIDE_BY_SIDE: usize = 4;

/// Returns the indices of files that changed since they were read, or since they were listed if
/// they were not read. Stops early if `go_on` returns false. `None` if the card cannot be listed
/// any more.
#[must_use]
pub fn written_since(
    source: &Path,
    tasks: &[CopyTask],
    seen: &[Option<SourceState>],
    times: Times,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Option<Vec<usize>> {
    std::fs::read_dir(source).ok()?;
    let is_written = |number: &usize| {
        let (task, seen) = (&tasks[*number], seen.get(*number).copied().flatten());
        // A missing file was not written to, so its copies are still correct.
        go_on() && !is_as_read(source, task, seen, times).unwrap_or(true)
    };
    let numbers: Vec<usize> = (0..tasks.len()).collect();
    if times.is_own_clock {
        return Some(numbers.into_iter().filter(is_written).collect());
    }
    let share = numbers.len().div_ceil(SIDE_BY_SIDE).max(1);
    thread::scope(|scope| {
        let written =
            |share: &[usize]| -> Vec<usize> { share.iter().copied().filter(is_written).collect() };
        let shares = numbers.chunks(share);
        let threads: Vec<_> = shares
            .map(|share| scope.spawn(move || written(share)))
            .collect();
        let written = threads.into_iter().map(|thread| thread.join().ok());
        Some(written.collect::<Option<Vec<_>>>()?.concat())
    })
}

/// Returns true if a file is unchanged since it was read, or listed if it was not read.
fn is_as_read(
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
    // If a share's program caches times for longer, only the content shows a write.
    let is_same_content =
        || times.is_own_clock || sample(&path).is_ok_and(|now| now == seen.sample);
    Ok(times.is_unchanged(&seen.stamp, &now) && is_same_content())
}

/// Returns the fingerprint of a file, reading at most 320 KiB; `None` for an empty file.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub fn sample(path: &Path) -> io::Result<Option<Fingerprint>> {
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
