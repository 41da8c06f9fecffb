//! Which modification times tell one recording from another.
//!
//! A camera without a clock gives every file of every card the same time. Two such cards look alike by names, sizes and
//! times, and only their contents differ.

use std::collections::HashMap;

use super::{Item, Listing};
use crate::checksum::SAMPLED_WHOLE;

/// 1981-01-02, nanoseconds since 1970 UTC. The clock of a camera that was never set is before that.
const NEVER_SET: i64 = 347_241_600_000_000_000;
/// Files of one time from which that time tells nothing. A clip and its proxy may share one.
const MANY: usize = 3;

/// The times of a listing that tell nothing.
#[derive(Debug, Clone, Default)]
pub struct Credible {
    /// How many files have each time, of those that a sample does not cover.
    times: HashMap<i64, usize>,
}

impl Credible {
    /// Counts the times of a listing.
    #[must_use]
    pub fn of(listing: &Listing) -> Self {
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

    /// Whether size, time and sample are enough to recognise a file: its time is plausible and its own, or the sample is
    /// all of it.
    #[must_use]
    pub fn has(&self, item: &Item) -> bool {
        item.bytes <= SAMPLED_WHOLE || self.has_time(item)
    }

    /// Whether the time of a file is plausible and its own.
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
    fn times_before_1981_and_times_of_many_files_tell_nothing() {
        const SECOND: i64 = 1_000_000_000;
        let (large, day) = (SAMPLED_WHOLE + 1, 1_779_278_400 * SECOND);
        let clips = |time: fn(i64) -> i64| Listing {
            files: (0..3)
                .map(|number| item(&number.to_string(), large, time(number)))
                .collect(),
            ..Listing::default()
        };
        let is_credible =
            |listing: &Listing, at: usize| Credible::of(listing).has(&listing.files[at]);
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
