//! Sampled ranges of a file and the hash over them, which is fingerprint version 1 of
//! `docs/identity.md`.
//!
//! Hashing is separate from reading, since there are two ways to sample a file: reading only its
//! ranges, or receiving all bytes while the file is copied.

use xxhash_rust::xxh3::Xxh3Default;

use crate::value::Fingerprint;

/// Bytes in each sampled range. The size of a file smaller than this is not part of its
/// fingerprint.
pub const SAMPLED_RANGE: u64 = 64 * 1024;
/// Number of sampled ranges. They are evenly spaced, the first at the start and the last at the
/// end.
const RANGES: u64 = 5;
/// Maximum size in bytes of a file that is sampled as a whole.
pub const SAMPLED_WHOLE: u64 = SAMPLED_RANGE * RANGES;

/// Returns the start and length of each sampled range in ascending order. Ranges do not overlap.
#[must_use]
pub fn sampled_ranges(size: u64) -> Vec<(u64, u64)> {
    if size <= SAMPLED_WHOLE {
        return vec![(0, size)];
    }
    let step = (size - SAMPLED_RANGE) / (RANGES - 1);
    let start = |n| {
        if n == RANGES - 1 {
            size - SAMPLED_RANGE
        } else {
            n * step
        }
    };
    (0..RANGES).map(|n| (start(n), SAMPLED_RANGE)).collect()
}

/// Computes the fingerprint of a file that is read sequentially.
pub struct Sampler {
    hasher: Xxh3Default,
    ranges: Vec<(u64, u64)>,
    size: u64,
    position: u64,
}

impl Sampler {
    /// Creates a sampler for a file of `size` bytes.
    #[must_use]
    pub fn new(size: u64) -> Self {
        let mut hasher = Xxh3Default::new();
        if size >= SAMPLED_RANGE {
            hasher.update(&size.to_le_bytes());
        }
        Self {
            hasher,
            ranges: sampled_ranges(size),
            size,
            position: 0,
        }
    }

    /// Adds the next bytes of the file; only those in sampled ranges are hashed.
    pub fn update(&mut self, bytes: &[u8]) {
        let begin = self.position;
        let end = begin + bytes.len() as u64;
        for (start, length) in &self.ranges {
            let (from, to) = ((*start).max(begin), (start + length).min(end));
            if from < to {
                let offset =
                    |position: u64| usize::try_from(position - begin).unwrap_or(usize::MAX);
                self.hasher
                    .update(bytes.get(offset(from)..offset(to)).unwrap_or_default());
            }
        }
        self.position = end;
    }

    /// Skips bytes that are not sampled.
    pub fn skip_to(&mut self, position: u64) {
        self.position = position;
    }

    /// Returns the fingerprint; `None` for an empty file or an incomplete read.
    #[must_use]
    pub fn finish(self) -> Option<Fingerprint> {
        (self.size > 0 && self.position == self.size).then(|| Fingerprint(self.hasher.digest128()))
    }
}
