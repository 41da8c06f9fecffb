//! Files that were written a moment ago: they may still be growing. They wait until the scan has
//! done all else, and are read when they stand still; what moves is left for the next scan.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::catalogue::UnreadFile;
use crate::footage::frame_paths;
use crate::media::Cancel;

/// A file that was written less long ago than this is young.
const YOUTH: Duration = Duration::from_secs(3);
/// Between two looks at Ctrl-C.
const NAP: Duration = Duration::from_millis(50);

/// Whether a file of that modification time was written a moment ago, or is to be by its clock.
pub(super) fn is_young(modified: i64) -> bool {
    let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH) else {
        return false;
    };
    let youth = i128::try_from(YOUTH.as_nanos()).unwrap_or(0);
    i128::from(modified) > i128::try_from(now.as_nanos()).unwrap_or(i128::MAX) - youth
}

/// Waits until what was seen at `seen` has had the time to move.
pub(super) fn wait(seen: Instant, cancel: &Cancel) {
    while seen.elapsed() < YOUTH && !cancel.is_cancelled() {
        thread::sleep(NAP.min(YOUTH.saturating_sub(seen.elapsed())));
    }
}

/// Whether a file is of the size and time that the catalogue has; where it cannot be looked at,
/// reading it will tell.
pub(super) fn stands_still(unread: &UnreadFile) -> bool {
    if unread.frames.is_none() {
        return look(&unread.path).is_none_or(|now| now == (unread.bytes, unread.modified));
    }
    let looks: Vec<_> = frame_paths(&unread.path)
        .iter()
        .filter_map(|path| look(path))
        .collect();
    let bytes = looks.iter().map(|(bytes, _)| bytes).sum::<u64>();
    let modified = looks.iter().map(|(_, modified)| *modified).max();
    let count = unread.frames.map(|frames| frames.count as usize);
    count == Some(looks.len()) && bytes == unread.bytes && modified == Some(unread.modified)
}

fn look(path: &Path) -> Option<(u64, i64)> {
    let metadata = fs::metadata(path).ok()?;
    let modified = crate::footage::modified(&metadata);
    Some((metadata.len(), modified))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_now_or_will_be_is_young() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let nanos = |time: Duration| i64::try_from(time.as_nanos()).unwrap();
        assert!(is_young(nanos(now)));
        assert!(is_young(nanos(now + Duration::from_secs(86_400))));
        assert!(!is_young(nanos(now.checked_sub(YOUTH).unwrap())));
        assert!(!is_young(0) && !is_young(i64::MIN) && is_young(i64::MAX));
    }
}
