//! Sample table of a track: position, size and time of each sample, and the sync samples.
//!
//! The table remains in the file's format, and lookups search it. A 10-hour file has two million
//! samples, of which a scan needs a dozen.

use super::boxes::{FourCc, child, full_box};
use crate::media::cursor::Cursor;

/// Table rows of `N` bytes each.
#[derive(Debug, Clone, Copy)]
struct TableRows<'a, const N: usize>(&'a [u8]);

impl<'a, const N: usize> TableRows<'a, N> {
    /// Takes `count` rows, or all if there are fewer.
    fn new(cursor: Cursor<'a>, count: u32) -> Self {
        let length = usize::try_from(count)
            .unwrap_or(usize::MAX)
            .saturating_mul(N);
        Self(cursor.0.get(..length).unwrap_or(cursor.0))
    }

    fn from_table(table: &'a [u8], kind: FourCc) -> Option<Self> {
        let (_, _, mut cursor) = full_box(child(table, kind)?)?;
        let count = cursor.u32()?;
        Some(Self::new(cursor, count))
    }

    fn iter(self) -> impl Iterator<Item = Cursor<'a>> {
        self.0.chunks_exact(N).map(Cursor)
    }

    fn len(self) -> u64 {
        (self.0.len() / N) as u64
    }

    fn row(self, at: u64) -> Option<Cursor<'a>> {
        let at = usize::try_from(at).ok()?.checked_mul(N)?;
        Some(Cursor(self.0.get(at..at.checked_add(N)?)?))
    }
}

/// Sample sizes (`stsz` or `stz2`).
#[derive(Debug, Clone, Copy)]
enum SampleSizes<'a> {
    /// One size for all samples.
    Constant { size: u32, count: u32 },
    /// One 32-bit size per sample.
    Each(TableRows<'a, 4>),
    /// One size per sample (`stz2`), and the width of a size in bytes: 1 or 2.
    Short(&'a [u8], usize),
}

/// Sample table of one track (`stbl`).
#[derive(Debug, Clone, Copy)]
pub(super) struct SampleTable<'a> {
    times: TableRows<'a, 8>,
    composition_offsets: Option<TableRows<'a, 8>>,
    /// One-based numbers of sync samples (`stss`); `None` if every sample is a sync sample.
    sync_samples: Option<TableRows<'a, 4>>,
    /// One-based numbers of partial sync samples (`stps`), which begin open GOPs.
    partial_sync_samples: Option<TableRows<'a, 4>>,
    sizes: SampleSizes<'a>,
    chunks: TableRows<'a, 12>,
    offsets: TableRows<'a, 4>,
    long_offsets: Option<TableRows<'a, 8>>,
}

/// Statistics of sample durations, in units of the track's timescale.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct SampleDurations {
    /// Number of samples, without a last sample that has its own duration entry.
    pub samples: u64,
    /// Total duration of these samples.
    pub duration: u64,
    /// Most frequent duration among the samples.
    pub most_frequent: u32,
    pub shortest: u32,
    pub longest: u32,
}

impl<'a> SampleTable<'a> {
    /// Parses `stbl`. `None` if a mandatory table is missing.
    pub(super) fn parse(table: &'a [u8]) -> Option<Self> {
        Some(Self {
            times: TableRows::from_table(table, *b"stts")?,
            composition_offsets: TableRows::from_table(table, *b"ctts"),
            sync_samples: TableRows::from_table(table, *b"stss")
                .filter(|sync_samples| sync_samples.len() > 0),
            partial_sync_samples: TableRows::from_table(table, *b"stps")
                .filter(|sync_samples| sync_samples.len() > 0),
            sizes: SampleSizes::from_table(table)?,
            chunks: TableRows::from_table(table, *b"stsc")?,
            offsets: TableRows::from_table(table, *b"stco").unwrap_or(TableRows(&[])),
            long_offsets: TableRows::from_table(table, *b"co64"),
        })
    }

    /// Returns the number of samples that have both a time and a size.
    pub(super) fn count(&self) -> u64 {
        self.count_timed().min(self.sizes.count())
    }

    fn count_timed(&self) -> u64 {
        self.runs()
            .fold(0, |sum, (count, _)| sum.saturating_add(u64::from(count)))
    }

    /// Iterates over runs of samples with equal duration. Each item is a count and a duration.
    fn runs(&self) -> impl Iterator<Item = (u32, u32)> + 'a {
        self.times
            .iter()
            .filter_map(|mut row| Some((row.u32()?, row.u32()?)))
    }

    /// Returns the total size of all samples in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.sizes.sum()
    }

    /// Returns the total duration of all samples.
    pub(super) fn duration(&self) -> u64 {
        self.runs().fold(0, |sum, (count, delta)| {
            sum.saturating_add(u64::from(count) * u64::from(delta))
        })
    }

    /// Returns statistics of the sample durations; `None` if there are no samples.
    pub(super) fn durations(&self) -> Option<SampleDurations> {
        let rows = self.times.len();
        let mut durations = SampleDurations {
            shortest: u32::MAX,
            ..SampleDurations::default()
        };
        let mut most_frequent = std::collections::BTreeMap::<u32, u64>::new();
        for (at, (count, delta)) in self.runs().enumerate() {
            let is_single_last = rows > 1 && at as u64 + 1 == rows && count == 1;
            if count == 0 || is_single_last {
                continue;
            }
            durations.samples = durations.samples.saturating_add(u64::from(count));
            durations.duration = durations
                .duration
                .saturating_add(u64::from(count) * u64::from(delta));
            durations.shortest = durations.shortest.min(delta);
            durations.longest = durations.longest.max(delta);
            // This limit suffices to find the most frequent duration. A file may have a million
            // different durations.
            if most_frequent.len() < 1024 || most_frequent.contains_key(&delta) {
                *most_frequent.entry(delta).or_default() += u64::from(count);
            }
        }
        durations.most_frequent = most_frequent
            .into_iter()
            .max_by_key(|&(_, count)| count)
            .map(|(delta, _)| delta)?;
        (durations.samples > 0).then_some(durations)
    }

    /// Returns the number of sync samples.
    pub(super) fn count_sync_samples(&self) -> u64 {
        match self.sync_rows() {
            Some(sync_samples) => sync_samples.len().min(self.count()),
            None => self.count(),
        }
    }

    /// Returns the table of sync samples. If there is only one full sync sample, but several
    /// partial ones, returns the partial ones.
    fn sync_rows(&self) -> Option<TableRows<'a, 4>> {
        match (self.sync_samples, self.partial_sync_samples) {
            (Some(sync_samples), Some(partial)) if sync_samples.len() == 1 && partial.len() > 1 => {
                Some(partial)
            }
            (sync_samples, _) => sync_samples,
        }
    }

    /// Returns the zero-based sample index of a sync sample; `at` is its zero-based position among
    /// the sync samples.
    pub(super) fn sync_sample(&self, at: u64) -> Option<u64> {
        match self.sync_rows() {
            Some(sync_samples) => u64::from(sync_samples.row(at)?.u32()?).checked_sub(1),
            None => Some(at),
        }
    }

    /// Returns the presentation time of a sample.
    pub(super) fn presentation_time(&self, sample: u64) -> Option<u64> {
        let shift = self
            .composition_offsets
            .and_then(|composition_offsets| find_run(composition_offsets, sample))
            .and_then(|(mut row, _)| {
                row.skip(4)?;
                row.i32()
            })
            .unwrap_or(0);
        let (mut before, mut elapsed) = (0_u64, 0_u64);
        for (count, delta) in self.runs() {
            let next = before.saturating_add(u64::from(count));
            if sample < next {
                let decoded = elapsed.checked_add((sample - before) * u64::from(delta))?;
                return Some(decoded.saturating_add_signed(i64::from(shift)));
            }
            elapsed = elapsed.saturating_add(u64::from(count) * u64::from(delta));
            before = next;
        }
        None
    }

    /// Returns the size of a sample in bytes.
    pub(super) fn size(&self, sample: u64) -> Option<u32> {
        self.sizes.at(sample)
    }

    /// Returns the byte position of a sample in the file, and the one-based number of its sample
    /// description.
    pub(super) fn location(&self, sample: u64) -> Option<(u64, u32)> {
        self.size(sample)?;
        let mut first_sample = 0_u64;
        let mut rows = self.chunks.iter().peekable();
        while let Some(mut row) = rows.next() {
            let (first, samples, description) = (row.u32()?, row.u32()?, row.u32()?);
            let chunks = match rows.peek().copied() {
                Some(mut next) => next.u32()?.checked_sub(first)?,
                None => u32::MAX,
            };
            let in_run = u64::from(chunks) * u64::from(samples);
            if samples > 0 && sample - first_sample < in_run {
                let index_in_run = sample - first_sample;
                let chunk = u64::from(first).checked_sub(1)? + index_in_run / u64::from(samples);
                let offset = self.chunk_offset(chunk)?;
                let before = self
                    .sizes
                    .range(sample - index_in_run % u64::from(samples), sample)?;
                return Some((offset.checked_add(before)?, description));
            }
            first_sample = first_sample.checked_add(in_run)?;
            if first_sample > sample {
                return None;
            }
        }
        None
    }

    fn chunk_offset(&self, at: u64) -> Option<u64> {
        match self.long_offsets {
            Some(offsets) => offsets.row(at)?.u64(),
            None => self.offsets.row(at)?.u32().map(u64::from),
        }
    }
}

/// Finds the run that contains a sample, in a table whose rows begin with a number of samples.
/// Returns the row and the sample's index within the run.
fn find_run<const N: usize>(rows: TableRows<'_, N>, sample: u64) -> Option<(Cursor<'_>, u64)> {
    let mut before = 0_u64;
    for row in rows.iter() {
        let count = row.peek_u32()?;
        let next = before.saturating_add(u64::from(count));
        if sample < next {
            return Some((row, sample - before));
        }
        before = next;
    }
    None
}

impl Cursor<'_> {
    /// Reads the next number without consuming it.
    fn peek_u32(&self) -> Option<u32> {
        let mut ahead = *self;
        ahead.u32()
    }
}

impl<'a> SampleSizes<'a> {
    fn from_table(table: &'a [u8]) -> Option<Self> {
        if let Some(body) = child(table, *b"stsz") {
            let (_, _, mut cursor) = full_box(body)?;
            let (size, count) = (cursor.u32()?, cursor.u32()?);
            return Some(if size > 0 {
                Self::Constant { size, count }
            } else {
                Self::Each(TableRows::new(cursor, count))
            });
        }
        let (_, _, mut cursor) = full_box(child(table, *b"stz2")?)?;
        let (bits, count) = (cursor.u32()? & 0xff, cursor.u32()?);
        let width = match bits {
            8 => 1,
            16 => 2,
            _ => return None,
        };
        let length = usize::try_from(count).ok()?.checked_mul(width)?;
        Some(Self::Short(cursor.0.get(..length)?, width))
    }

    fn count(self) -> u64 {
        match self {
            Self::Constant { count, .. } => u64::from(count),
            Self::Each(rows) => rows.len(),
            Self::Short(bytes, width) => (bytes.len() / width) as u64,
        }
    }

    fn at(self, sample: u64) -> Option<u32> {
        match self {
            Self::Constant { size, count } => (sample < u64::from(count)).then_some(size),
            Self::Each(rows) => rows.row(sample)?.u32(),
            Self::Short(bytes, width) => {
                let at = usize::try_from(sample).ok()?.checked_mul(width)?;
                let number = bytes.get(at..at.checked_add(width)?)?;
                Some(number.iter().fold(0, |sum, &b| (sum << 8) | u32::from(b)))
            }
        }
    }

    /// Returns the total size of the samples in `first..end`, in bytes.
    fn range(self, first: u64, end: u64) -> Option<u64> {
        match self {
            Self::Constant { size, .. } => end.checked_sub(first)?.checked_mul(u64::from(size)),
            _ => (first..end).try_fold(0_u64, |sum, sample| {
                sum.checked_add(u64::from(self.at(sample)?))
            }),
        }
    }

    fn sum(self) -> u64 {
        match self {
            Self::Constant { size, count } => u64::from(size) * u64::from(count),
            Self::Each(rows) => rows
                .iter()
                .filter_map(|mut row| row.u32())
                .fold(0, |sum, size| sum.saturating_add(u64::from(size))),
            Self::Short(..) => self.range(0, self.count()).unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build_box(kind: FourCc, words: &[u32]) -> Vec<u8> {
        let size = u32::try_from(8 + 4 * words.len()).unwrap();
        let mut bytes = size.to_be_bytes().to_vec();
        bytes.extend(kind);
        bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        bytes
    }

    /// Builds a table of six samples in three chunks. The last sample has a longer duration, and
    /// samples 1 and 4 are sync samples.
    fn table() -> Vec<u8> {
        [
            build_box(*b"stts", &[0, 2, 5, 10, 1, 99]),
            build_box(*b"ctts", &[0, 2, 1, 0, 5, 20]),
            build_box(*b"stss", &[0, 2, 1, 4]),
            build_box(*b"stsz", &[0, 0, 6, 1, 2, 3, 4, 5, 6]),
            build_box(*b"stsc", &[0, 2, 1, 1, 1, 2, 3, 1]),
            build_box(*b"stco", &[0, 3, 100, 200, 300]),
        ]
        .concat()
    }

    #[test]
    fn finds_position_and_time_of_samples() {
        let bytes = table();
        let samples = SampleTable::parse(&bytes).unwrap();
        assert_eq!((samples.count(), samples.bytes()), (6, 21));
        let locations: Vec<_> = (0..7).map(|at| samples.location(at)).collect();
        assert_eq!(
            locations,
            [
                Some((100, 1)),
                Some((200, 1)),
                Some((202, 1)),
                Some((205, 1)),
                Some((300, 1)),
                Some((305, 1)),
                None
            ]
        );
        assert_eq!(samples.presentation_time(0), Some(0));
        assert_eq!(samples.presentation_time(3), Some(50));
        assert_eq!(samples.presentation_time(6), None);
        assert_eq!(
            (samples.count_sync_samples(), samples.sync_sample(1)),
            (2, Some(3))
        );
    }

    #[test]
    fn ignores_the_duration_of_the_last_sample() {
        let bytes = table();
        let durations = SampleTable::parse(&bytes).unwrap().durations().unwrap();
        assert_eq!((durations.samples, durations.duration), (5, 50));
        assert_eq!(
            (
                durations.shortest,
                durations.most_frequent,
                durations.longest
            ),
            (10, 10, 10)
        );
    }

    #[test]
    fn a_table_shorter_than_its_count_is_truncated() {
        let mut bytes = table();
        let at = bytes.windows(4).position(|four| four == b"stsz").unwrap() + 12;
        bytes[at..at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
        let samples = SampleTable::parse(&bytes).unwrap();
        assert_eq!(samples.count(), 6);
        assert!(SampleTable::parse(&bytes[..40]).is_none());
    }
}
