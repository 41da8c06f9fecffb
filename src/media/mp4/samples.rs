//! The sample table of a track: where each frame is, how large, when, and which are keys.
//!
//! The table stays as it is in the file; a question walks it. A 10-hour file has two
//! million samples, of which a scan asks for a dozen.

use super::boxes::{FourCc, child, full};
use crate::media::cursor::Cursor;

/// Entries of a table with rows of `N` bytes.
#[derive(Debug, Clone, Copy)]
struct Rows<'a, const N: usize>(&'a [u8]);

impl<'a, const N: usize> Rows<'a, N> {
    /// As many rows as are said to be there, and are.
    fn new(cursor: Cursor<'a>, count: u32) -> Self {
        let length = usize::try_from(count)
            .unwrap_or(usize::MAX)
            .saturating_mul(N);
        Self(cursor.0.get(..length).unwrap_or(cursor.0))
    }

    fn of(table: &'a [u8], kind: FourCc) -> Option<Self> {
        let (_, _, mut cursor) = full(child(table, kind)?)?;
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

/// How the sizes of samples are told.
#[derive(Debug, Clone, Copy)]
enum Sizes<'a> {
    /// All alike.
    Constant { size: u32, count: u32 },
    /// One each.
    Each(Rows<'a, 4>),
    /// One each, of 8 or 16 bits (`stz2`).
    Short(&'a [u8], usize),
}

/// The sample table of one track.
#[derive(Debug, Clone, Copy)]
pub(super) struct Samples<'a> {
    times: Rows<'a, 8>,
    shifts: Option<Rows<'a, 8>>,
    /// `None`: every sample is a key.
    keys: Option<Rows<'a, 4>>,
    /// Keys after which earlier frames may need what came before (open groups).
    open_keys: Option<Rows<'a, 4>>,
    sizes: Sizes<'a>,
    chunks: Rows<'a, 12>,
    offsets: Rows<'a, 4>,
    long_offsets: Option<Rows<'a, 8>>,
}

/// How frames follow each other in time, in units of the track's timescale.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pace {
    /// Samples, without the last one when its duration stands alone.
    pub samples: u64,
    /// Their duration together.
    pub duration: u64,
    /// The duration that most samples have.
    pub usual: u32,
    /// The shortest and the longest.
    pub shortest: u32,
    pub longest: u32,
}

impl<'a> Samples<'a> {
    /// Reads `stbl`; `None` when a table that must be there is not.
    pub(super) fn new(table: &'a [u8]) -> Option<Self> {
        Some(Self {
            times: Rows::of(table, *b"stts")?,
            shifts: Rows::of(table, *b"ctts"),
            keys: Rows::of(table, *b"stss").filter(|keys| keys.len() > 0),
            open_keys: Rows::of(table, *b"stps").filter(|keys| keys.len() > 0),
            sizes: Sizes::of(table)?,
            chunks: Rows::of(table, *b"stsc")?,
            offsets: Rows::of(table, *b"stco").unwrap_or(Rows(&[])),
            long_offsets: Rows::of(table, *b"co64"),
        })
    }

    /// Samples, as many as have both a time and a size.
    pub(super) fn count(&self) -> u64 {
        self.timed().min(self.sizes.count())
    }

    fn timed(&self) -> u64 {
        self.runs()
            .fold(0, |sum, (count, _)| sum.saturating_add(u64::from(count)))
    }

    /// Runs of samples of one duration.
    fn runs(&self) -> impl Iterator<Item = (u32, u32)> + 'a {
        self.times
            .iter()
            .filter_map(|mut row| Some((row.u32()?, row.u32()?)))
    }

    /// Bytes of all samples.
    pub(super) fn bytes(&self) -> u64 {
        self.sizes.sum()
    }

    /// Duration of all samples.
    pub(super) fn duration(&self) -> u64 {
        self.runs().fold(0, |sum, (count, delta)| {
            sum.saturating_add(u64::from(count) * u64::from(delta))
        })
    }

    /// How frames follow each other; `None` without any.
    pub(super) fn pace(&self) -> Option<Pace> {
        let rows = self.times.len();
        let mut pace = Pace {
            shortest: u32::MAX,
            ..Pace::default()
        };
        let mut usual = std::collections::BTreeMap::<u32, u64>::new();
        for (at, (count, delta)) in self.runs().enumerate() {
            let is_odd_end = rows > 1 && at as u64 + 1 == rows && count == 1;
            if count == 0 || is_odd_end {
                continue;
            }
            pace.samples = pace.samples.saturating_add(u64::from(count));
            pace.duration = pace
                .duration
                .saturating_add(u64::from(count) * u64::from(delta));
            pace.shortest = pace.shortest.min(delta);
            pace.longest = pace.longest.max(delta);
            // Enough to tell what most are; a file may hold a million different ones.
            if usual.len() < 1024 || usual.contains_key(&delta) {
                *usual.entry(delta).or_default() += u64::from(count);
            }
        }
        pace.usual = usual
            .into_iter()
            .max_by_key(|&(_, count)| count)
            .map(|(delta, _)| delta)?;
        (pace.samples > 0).then_some(pace)
    }

    /// How many keys there are.
    pub(super) fn keys(&self) -> u64 {
        match self.key_rows() {
            Some(keys) => keys.len().min(self.count()),
            None => self.count(),
        }
    }

    /// The table of keys: where whole ones are only the first, the open ones count.
    fn key_rows(&self) -> Option<Rows<'a, 4>> {
        match (self.keys, self.open_keys) {
            (Some(keys), Some(open)) if keys.len() == 1 && open.len() > 1 => Some(open),
            (keys, _) => keys,
        }
    }

    /// The sample, from 0, that is the key of number `at`, from 0.
    pub(super) fn key(&self, at: u64) -> Option<u64> {
        match self.key_rows() {
            Some(keys) => u64::from(keys.row(at)?.u32()?).checked_sub(1),
            None => Some(at),
        }
    }

    /// When a sample is shown.
    pub(super) fn shown(&self, sample: u64) -> Option<u64> {
        let shift = self
            .shifts
            .and_then(|shifts| run(shifts, sample))
            .and_then(|(mut row, _)| {
                row.skip(4)?;
                row.i32()
            })
            .unwrap_or(0);
        let (mut before, mut begun) = (0_u64, 0_u64);
        for (count, delta) in self.runs() {
            let next = before.saturating_add(u64::from(count));
            if sample < next {
                let decoded = begun.checked_add((sample - before) * u64::from(delta))?;
                return Some(decoded.saturating_add_signed(i64::from(shift)));
            }
            begun = begun.saturating_add(u64::from(count) * u64::from(delta));
            before = next;
        }
        None
    }

    /// Bytes of a sample.
    pub(super) fn size(&self, sample: u64) -> Option<u32> {
        self.sizes.at(sample)
    }

    /// Where a sample is in the file, and which description it goes by, from 1.
    pub(super) fn place(&self, sample: u64) -> Option<(u64, u32)> {
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
                let inside = sample - first_sample;
                let chunk = u64::from(first).checked_sub(1)? + inside / u64::from(samples);
                let offset = self.chunk(chunk)?;
                let before = self
                    .sizes
                    .range(sample - inside % u64::from(samples), sample)?;
                return Some((offset.checked_add(before)?, description));
            }
            first_sample = first_sample.checked_add(in_run)?;
            if first_sample > sample {
                return None;
            }
        }
        None
    }

    fn chunk(&self, at: u64) -> Option<u64> {
        match self.long_offsets {
            Some(offsets) => offsets.row(at)?.u64(),
            None => self.offsets.row(at)?.u32().map(u64::from),
        }
    }
}

/// The row of a table of runs (its first number is how many samples go by it) for a sample.
fn run<const N: usize>(rows: Rows<'_, N>, sample: u64) -> Option<(Cursor<'_>, u64)> {
    let mut before = 0_u64;
    for row in rows.iter() {
        let count = row.clone_first()?;
        let next = before.saturating_add(u64::from(count));
        if sample < next {
            return Some((row, sample - before));
        }
        before = next;
    }
    None
}

impl Cursor<'_> {
    /// The next number, which stays the next.
    fn clone_first(&self) -> Option<u32> {
        let mut ahead = *self;
        ahead.u32()
    }
}

impl<'a> Sizes<'a> {
    fn of(table: &'a [u8]) -> Option<Self> {
        if let Some(body) = child(table, *b"stsz") {
            let (_, _, mut cursor) = full(body)?;
            let (size, count) = (cursor.u32()?, cursor.u32()?);
            return Some(if size > 0 {
                Self::Constant { size, count }
            } else {
                Self::Each(Rows::new(cursor, count))
            });
        }
        let (_, _, mut cursor) = full(child(table, *b"stz2")?)?;
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

    /// Bytes of the samples from `first` up to `end`, not with it.
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

    fn boxed(kind: FourCc, words: &[u32]) -> Vec<u8> {
        let size = u32::try_from(8 + 4 * words.len()).unwrap();
        let mut bytes = size.to_be_bytes().to_vec();
        bytes.extend(kind);
        bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        bytes
    }

    /// Six samples in three chunks; the last lasts longer; keys are 1 and 4.
    fn table() -> Vec<u8> {
        [
            boxed(*b"stts", &[0, 2, 5, 10, 1, 99]),
            boxed(*b"ctts", &[0, 2, 1, 0, 5, 20]),
            boxed(*b"stss", &[0, 2, 1, 4]),
            boxed(*b"stsz", &[0, 0, 6, 1, 2, 3, 4, 5, 6]),
            boxed(*b"stsc", &[0, 2, 1, 1, 1, 2, 3, 1]),
            boxed(*b"stco", &[0, 3, 100, 200, 300]),
        ]
        .concat()
    }

    #[test]
    fn a_table_says_where_and_when() {
        let bytes = table();
        let samples = Samples::new(&bytes).unwrap();
        assert_eq!((samples.count(), samples.bytes()), (6, 21));
        let places: Vec<_> = (0..7).map(|at| samples.place(at)).collect();
        assert_eq!(
            places,
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
        assert_eq!(samples.shown(0), Some(0));
        assert_eq!(samples.shown(3), Some(50));
        assert_eq!(samples.shown(6), None);
        assert_eq!((samples.keys(), samples.key(1)), (2, Some(3)));
    }

    #[test]
    fn the_last_sample_does_not_make_an_even_pace_uneven() {
        let bytes = table();
        let pace = Samples::new(&bytes).unwrap().pace().unwrap();
        assert_eq!((pace.samples, pace.duration), (5, 50));
        assert_eq!((pace.shortest, pace.usual, pace.longest), (10, 10, 10));
    }

    #[test]
    fn tables_that_say_more_than_they_hold_are_cut() {
        let mut bytes = table();
        let at = bytes.windows(4).position(|four| four == b"stsz").unwrap() + 12;
        bytes[at..at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
        let samples = Samples::new(&bytes).unwrap();
        assert_eq!(samples.count(), 6);
        assert!(Samples::new(&bytes[..40]).is_none());
    }
}
