//! Reliability of modification times for telling recordings apart.
//!
//! A camera without a clock gives every file on every card the same time. Two of its cards may have
//! equal names, sizes and times, and differ only in content.

use std::collections::HashMap;

use super::card_listing::{Item, Listing};
use crate::checksum::SAMPLED_WHOLE;

/// 1981-01-02, in nanoseconds since 1970 UTC. A camera clock that was never set shows an earlier
/// time.
const EARLIEST_PLAUSIBLE: i64 = 347_241_600_000_000_000;
/// Number of files with the same time at which that time counts as unreliable. A clip and its proxy
/// may share a time.
const TOO_MANY_FILES: usize = 3;

/// Modification times of a listing, with the number of files that share each.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReliableTimes {
    /// Number of files per time. Files that a sample covers completely are excluded.
    times: HashMap<i64, usize>,
}

impl ReliableTimes {
    /// Counts the times of a listing.
    #[must_use]
    pub(crate) fn from_listing(listing: &Listing) -> Self {
        let mut times = HashMap::new();
        for item in listing
            .files
            .iter()
            .filter(|item| item.bytes > SAMPLED_WHOLE)
        {
            *times.entry(item.modified).or_default() += 1;
        }
        Self { times }
    }

    /// Returns true if size, time and sample identify a file: its time is reliable, or the sample
    /// covers the whole file.
    #[must_use]
    pub(crate) fn identifies(&self, item: &Item) -> bool {
        item.bytes <= SAMPLED_WHOLE || self.has_reliable_time(item)
    }

    /// Returns true if the time of a file is plausible, and few other files share it.
    #[must_use]
    pub(crate) fn has_reliable_time(&self, item: &Item) -> bool {
        let count = self.times.get(&item.modified).copied().unwrap_or(0);
        item.modified >= EARLIEST_PLAUSIBLE && count < TOO_MANY_FILES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, bytes: u64, modified: i64) -> Item {
        Item {
            inside: name.into(),
            bytes,
            modified,
        }
    }

    #[test]
    fn times_before_1981_and_shared_times_are_unreliable() {
        const SECOND: i64 = 1_000_000_000;
        let (large, day) = (SAMPLED_WHOLE + 1, 1_779_278_400 * SECOND);
        let clips = |time: fn(i64) -> i64| Listing {
            files: (0..3)
                .map(|number| item(&number.to_string(), large, time(number)))
                .collect(),
            ..Listing::default()
        };
        let identifies = |listing: &Listing, at: usize| {
            ReliableTimes::from_listing(listing).identifies(&listing.files[at])
        };
        assert!(identifies(
            &clips(|number| 1_779_278_400 * SECOND + number),
            0
        ));
        assert!(!identifies(&clips(|_| 1_779_278_400 * SECOND), 0));
        assert!(!identifies(
            &clips(|number| 315_532_800 * SECOND + number),
            0
        ));
        let mut pair = clips(|_| 1_779_278_400 * SECOND);
        pair.files.pop();
        assert!(identifies(&pair, 1), "a clip and its proxy");
        let small = item("0", SAMPLED_WHOLE, 0);
        assert!(
            ReliableTimes::default().identifies(&small),
            "the sample covers the whole file"
        );
        assert!(!ReliableTimes::default().has_reliable_time(&small));
        assert!(ReliableTimes::default().identifies(&item("0", large, day)));
    }
}
