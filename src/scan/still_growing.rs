//! Files modified within the last 3 s, which may still be growing. The scan reads them after all
//! other files if they have stopped changing. Otherwise the next scan reads them.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::cancel::Cancel;
use crate::catalogue::UnreadFile;
use crate::footage::frame_paths;

/// Age below which a file counts as recently modified.
const RECENT: Duration = Duration::from_secs(3);
/// Interval between checks for Ctrl-C.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Returns true if a modification time, in nanoseconds since 1970, is recent or in the future.
pub(super) fn is_recent(modified: i64) -> bool {
    let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH) else {
        return false;
    };
    let recent = i128::try_from(RECENT.as_nanos()).unwrap_or(0);
    i128::from(modified) > i128::try_from(now.as_nanos()).unwrap_or(i128::MAX) - recent
}

/// Waits until files seen at `seen` have had enough time to change.
pub(super) fn wait(seen: Instant, cancel: &Cancel) {
    while seen.elapsed() < RECENT && !cancel.is_cancelled() {
        thread::sleep(POLL_INTERVAL.min(RECENT.saturating_sub(seen.elapsed())));
    }
}

/// Returns true if a file still has the size and modification time that the catalogue stores. Also
/// returns true if its metadata cannot be read: the error is then reported when the file is read.
pub(super) fn is_stable(unread: &UnreadFile) -> bool {
    if unread.frames.is_none() {
        return size_and_time(&unread.path)
            .is_none_or(|now| now == (unread.bytes, unread.modified));
    }
    let frames: Vec<_> = frame_paths(&unread.path)
        .iter()
        .filter_map(|path| size_and_time(path))
        .collect();
    let bytes = frames.iter().map(|(bytes, _)| bytes).sum::<u64>();
    let modified = frames.iter().map(|(_, modified)| *modified).max();
    let count = unread.frames.map(|frames| frames.count as usize);
    count == Some(frames.len()) && bytes == unread.bytes && modified == Some(unread.modified)
}

/// Returns the size in bytes and the modification time in nanoseconds since 1970.
fn size_and_time(path: &Path) -> Option<(u64, i64)> {
    let metadata = fs::metadata(path).ok()?;
    let modified = crate::footage::modified(&metadata);
    Some((metadata.len(), modified))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_modified_now_or_in_the_future_is_recent() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let nanos = |time: Duration| i64::try_from(time.as_nanos()).unwrap();
        assert!(is_recent(nanos(now)));
        assert!(is_recent(nanos(now + Duration::from_secs(86_400))));
        assert!(!is_recent(nanos(now.checked_sub(RECENT).unwrap())));
        assert!(!is_recent(0) && !is_recent(i64::MIN) && is_recent(i64::MAX));
    }
}
