//! Selects the segments to merge.
//!
//! Every commit adds a segment, and a search spends time on opening each one. A merge spends time
//! on writing the documents again. Segments are therefore kept in a sequence in which each is more
//! than [`RATIO`] times as large as all smaller ones together.

/// Size of a segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct SegmentSize<I> {
    pub id: I,
    /// Documents that are not deleted.
    pub alive: u64,
    /// Documents that are deleted but still stored.
    pub dead: u64,
}

/// Limits of a merge.
#[derive(Debug, Clone, Copy)]
pub(super) struct MergeEffort {
    /// Number of segments up to which none are combined.
    pub segments: usize,
    /// Maximum number of documents written by one merge.
    pub documents: u64,
}

impl MergeEffort {
    /// For merges between other work; takes a fraction of a second.
    pub(super) const SMALL: Self = Self {
        segments: 8,
        documents: 30_000,
    };
    /// For merges at the end of a scan or rebuild.
    pub(super) const FULL: Self = Self {
        segments: 4,
        documents: u64::MAX,
    };
}

/// A segment is merged with all smaller ones if it is at most this many times as large as they are.
const RATIO: u64 = 2;

/// Returns the segments to merge next; empty if no merge is needed.
pub(super) fn next<I: Copy>(segments: &[SegmentSize<I>], effort: MergeEffort) -> Vec<I> {
    let mut small: Vec<&SegmentSize<I>> = segments
        .iter()
        .filter(|segment| segment.alive <= effort.documents)
        .collect();
    small.sort_by_key(|segment| segment.alive);
    if small.len() > effort.segments {
        let (mut sum, mut count) = (0_u64, 0);
        for (at, segment) in small.iter().enumerate() {
            let is_merged = at > 0 && segment.alive <= sum.saturating_mul(RATIO);
            sum = sum.saturating_add(segment.alive);
            if is_merged && sum <= effort.documents {
                count = at + 1;
            }
        }
        if count > 0 {
            return small[..count].iter().map(|segment| segment.id).collect();
        }
    }
    let is_mostly_dead = |segment: &&&SegmentSize<I>| segment.dead > segment.alive / 2;
    small
        .iter()
        .find(is_mostly_dead)
        .map(|segment| segment.id)
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(alive: &[u64]) -> Vec<SegmentSize<usize>> {
        let size = |(id, &alive)| SegmentSize { id, alive, dead: 0 };
        alive.iter().enumerate().map(size).collect()
    }

    #[test]
    fn small_segments_merge_and_large_ones_stay() {
        for (alive, effort, expected) in [
            (&[1, 1, 1][..], MergeEffort::SMALL, &[][..]),
            (
                &[1_000_000, 1, 1, 1, 1, 1, 1, 1, 1, 1],
                MergeEffort::SMALL,
                &[1, 2, 3, 4, 5, 6, 7, 8, 9],
            ),
            (&[1_000_000, 1, 1, 1, 1], MergeEffort::FULL, &[1, 2, 3, 4]),
            (&[100, 90, 50, 30, 20], MergeEffort::FULL, &[4, 3, 2, 1, 0]),
            (
                &[1_000_000, 100_000, 10_000, 1_000, 100],
                MergeEffort::FULL,
                &[],
            ),
        ] {
            assert_eq!(next(&sizes(alive), effort), expected, "{alive:?}");
        }
    }

    #[test]
    fn a_segment_of_mostly_deleted_documents_is_rewritten() {
        let segments = [
            SegmentSize {
                id: 'a',
                alive: 900,
                dead: 100,
            },
            SegmentSize {
                id: 'b',
                alive: 10,
                dead: 90,
            },
        ];
        assert_eq!(next(&segments, MergeEffort::SMALL), ['b']);
    }

    #[test]
    fn many_small_commits_cost_little_and_leave_few_segments() {
        let (mut segments, mut written, mut largest) = (Vec::new(), 0, 0);
        for id in 0..5000_usize {
            segments.push(SegmentSize {
                id,
                alive: 10,
                dead: 0,
            });
            let merged = next(&segments, MergeEffort::SMALL);
            if !merged.is_empty() {
                let is_merged = |size: &SegmentSize<usize>| merged.contains(&size.id);
                let alive = segments
                    .iter()
                    .filter(|size| is_merged(size))
                    .map(|size| size.alive)
                    .sum();
                segments.retain(|size| !is_merged(size));
                segments.push(SegmentSize {
                    id: 10_000 + id,
                    alive,
                    dead: 0,
                });
                written += alive;
            }
            largest = largest.max(segments.len());
        }
        assert!(largest <= 12, "{largest} segments");
        assert!(
            written < 50_000 * 8,
            "{written} documents written for 50,000"
        );
    }
}
