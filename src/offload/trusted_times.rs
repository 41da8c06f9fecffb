//! Modification times that distinguish recordings.
//!
//! A camera without a clock gives every file of every card the same time. Two such cards have the
//! same names, sizes and times; only their contents differ.

use std::collections::HashMap;

use super::{Item, Listing};
use crate::checksum::SAMPLED_WHOLE;

/// 1981-01-02, in nanoseconds since 1970 UTC. A camera clock that was never set is earlier.
const NEVER_SET: i64 = 347_241_600_000_000_000;
/// Number of files with the same time from which that time is not trusted. A clip and its proxy may
/// share one.
const MANY: usize = 3;

/// Times of a listing, to find those that cannot be trusted.
#[derive(Debug, Clone, Default)]
pub struct Credible {
    /// Number of files per time, excluding files that a sample covers completely.
    times: HashMap<i64, usize>,
}

impl Credible {
    /// Counts the times of a listing.
    #[must_use]
    pub fn from_listing(listing: &Listing) -> Self {
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

    /// Returns true if size, time and sample identify a file: its time is plausible and unique, or
    /// the sample covers the whole file.
    #[must_use]
    pub fn has(&self, item: &Item) -> bool {
        item.bytes <= SAMPLED_WHOLE || self.has_time(item)
    }

    /// Returns true if the time of a file is plausible and unique.
    #[must_use]
    pub fn has_time(&self, item: &Item) -> bool {
        let count = self.times.get(&item.modified).copied().unwrap_or(0);
        item.modified >= NEVER_SET && count < MANY
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
    fn times_before_1981_and_shared_times_are_not_credible() {
        const SECOND: i64 = 1_000_000_000;
        let (large, day) = (SAMPLED_WHOLE + 1, 1_779_278_400 * SECOND);
        let clips = |time: fn(i64) -> i64| Listing {
            files: (0..3)
                .map(|number| item(&number.to_string(), large, time(number)))
                .collect(),
            ..Listing::default()
        };
        let is_credible =
            |listing: &Listing, at: usize| Credible::from_listing(listing).has(&listing.files[at]);
        assert!(is_credible(
            &clips(|number| 1_779_278_400 * SECOND + number),
            0
        ));
        assert!(!is_credible(&clips(|_| 1_779_278_400 * SECOND), 0));
        assert!(!is_credible(
            &clips(|number| 315_532_800 * SECOND + number),
            0
        ));
        let mut pair = clips(|_| 1_779_278_400 * SECOND);
        pair.files.pop();
        assert!(is_credible(&pair, 1), "a clip and its proxy");
        let small = item("0", SAMPLED_WHOLE, 0);
        assert!(Credible::default().has(&small), "the sample is all of it");
        assert!(!Credible::default().has_time(&small));
        assert!(Credible::default().has(&item("0", large, day)));
    }
}
