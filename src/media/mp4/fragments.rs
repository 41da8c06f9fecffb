//! Fragmented movies, whose samples are described in `moof` boxes.

use super::boxes::{boxes, child, full_box, read_versioned};
use super::layout::Mp4Layout;

/// Maximum number of samples read from a file: two days at 60 frames per second.
pub(super) const MAX_SAMPLES: u64 = 10_000_000;
/// Maximum number of sync samples stored. If there are more, every second one is dropped.
const MAX_SYNC_SAMPLES: usize = 4096;

/// Sync sample of a fragmented track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FragmentSyncSample {
    pub offset: u64,
    pub bytes: u32,
    /// Presentation time in the track's units.
    pub time: u64,
}

/// Summary of all fragments of one track.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    pub samples: u64,
    pub bytes: u64,
    /// Start of the first sample in the track's units.
    pub begin: u64,
    /// End of the last sample in the track's units.
    pub end: u64,
    pub shortest: u32,
    pub longest: u32,
    pub sync_samples: Vec<FragmentSyncSample>,
    /// Number of sync samples so far.
    sync_samples_seen: u64,
    /// Interval of stored sync samples: every n-th is stored.
    interval: u64,
}

impl Fragments {
    /// Adds a sync sample, and thins them out evenly if there are too many.
    fn add_sync_sample(&mut self, sample: FragmentSyncSample) {
        if self.sync_samples_seen.is_multiple_of(self.interval.max(1)) {
            self.sync_samples.push(sample);
        }
        self.sync_samples_seen += 1;
        if self.sync_samples.len() > MAX_SYNC_SAMPLES {
            let mut at = 0;
            self.sync_samples.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.interval = self.interval.max(1) * 2;
        }
    }

    /// Returns the time from the start of the first sample to the end of the last one.
    pub(super) fn duration(&self) -> u64 {
        self.end.saturating_sub(self.begin)
    }
}

/// Default values of a track's samples, from `trex`.
#[derive(Debug, Clone, Copy, Default)]
struct SampleDefaults {
    duration: u32,
    size: u32,
    flags: u32,
}

/// Reads all fragments of the track `id`. `None` if one is malformed or the sample `budget` is
/// exhausted.
pub(super) fn read_track(layout: &Mp4Layout, id: u32, budget: &mut u64) -> Option<Fragments> {
    let defaults = read_defaults(&layout.movie, id);
    let mut fragments = Fragments {
        shortest: u32::MAX,
        ..Fragments::default()
    };
    for (at, body) in &layout.fragments {
        let mut runs_end = *at;
        for track in boxes(body).filter(|boxed| boxed.kind == *b"traf") {
            let header = TrackHeader::parse(child(track.body, *b"tfhd")?, *at, runs_end, defaults)?;
            let is_requested = header.id == id;
            let mut decoded = match child(track.body, *b"tfdt").and_then(full_box) {
                Some((version, _, mut cursor)) => read_versioned(&mut cursor, version)?,
                None => fragments.end,
            };
            let mut offset = header.base;
            for run in boxes(track.body).filter(|boxed| boxed.kind == *b"trun") {
                let into = is_requested.then_some(&mut fragments);
                *budget = budget.checked_sub(read_sample_count(run.body)?)?;
                read_run(run.body, &header, &mut offset, &mut decoded, into)?;
            }
            runs_end = offset;
        }
    }
    (fragments.samples > 0).then_some(fragments)
}

fn read_defaults(movie: &[u8], id: u32) -> SampleDefaults {
    let read = |body| {
        let (_, _, mut cursor) = full_box(body)?;
        let is_requested = cursor.u32()? == id;
        cursor.skip(4)?;
        let defaults = SampleDefaults {
            duration: cursor.u32()?,
            size: cursor.u32()?,
            flags: cursor.u32()?,
        };
        is_requested.then_some(defaults)
    };
    child(movie, *b"mvex")
        .into_iter()
        .flat_map(boxes)
        .filter(|boxed| boxed.kind == *b"trex")
        .find_map(|boxed| read(boxed.body))
        .unwrap_or_default()
}

struct TrackHeader {
    id: u32,
    base: u64,
    defaults: SampleDefaults,
}

impl TrackHeader {
    fn parse(body: &[u8], fragment: u64, runs_end: u64, defaults: SampleDefaults) -> Option<Self> {
        let (_, flags, mut cursor) = full_box(body)?;
        let id = cursor.u32()?;
        let optional = |bit: u32| (flags & bit != 0).then_some(());
        let mut header = Self {
            id,
            // Without an explicit base, the data of a run follows the data of the previous run.
            base: if flags & 0x2_0000 != 0 {
                fragment
            } else {
                runs_end
            },
            defaults,
        };
        if optional(0x1).is_some() {
            header.base = cursor.u64()?;
        }
        if optional(0x2).is_some() {
            cursor.skip(4)?;
        }
        if optional(0x8).is_some() {
            header.defaults.duration = cursor.u32()?;
        }
        if optional(0x10).is_some() {
            header.defaults.size = cursor.u32()?;
        }
        if optional(0x20).is_some() {
            header.defaults.flags = cursor.u32()?;
        }
        Some(header)
    }
}

/// Sample flag: the sample is not a sync sample.
const IS_NON_SYNC: u32 = 0x1_0000;
/// Sample flag: the sample depends on others.
const DEPENDS_ON_OTHERS: u32 = 0x100_0000;

/// Reads the sample count of a run.
fn read_sample_count(body: &[u8]) -> Option<u64> {
    let (_, _, mut cursor) = full_box(body)?;
    cursor.u32().map(u64::from)
}

fn read_run(
    body: &[u8],
    header: &TrackHeader,
    offset: &mut u64,
    decoded: &mut u64,
    mut into: Option<&mut Fragments>,
) -> Option<()> {
    let (_, flags, mut cursor) = full_box(body)?;
    let count = cursor.u32()?;
    if flags & 0x1 != 0 {
        *offset = header.base.checked_add_signed(i64::from(cursor.i32()?))?;
    }
    let mut first_flags = if flags & 0x4 != 0 {
        Some(cursor.u32()?)
    } else {
        None
    };
    for _ in 0..count {
        let mut optional = |bit: u32, default: u32| {
            if flags & bit == 0 {
                Some(default)
            } else {
                cursor.u32()
            }
        };
        let duration = optional(0x100, header.defaults.duration)?;
        let bytes = optional(0x200, header.defaults.size)?;
        let own_flags = optional(0x400, header.defaults.flags)?;
        let shift = optional(0x800, 0)?.cast_signed();
        let sample_flags = first_flags.take().unwrap_or(own_flags);
        if let Some(all) = into.as_deref_mut() {
            if all.samples == 0 {
                all.begin = *decoded;
            }
            all.samples += 1;
            all.bytes = all.bytes.saturating_add(u64::from(bytes));
            all.shortest = all.shortest.min(duration);
            all.longest = all.longest.max(duration);
            if sample_flags & (IS_NON_SYNC | DEPENDS_ON_OTHERS) == 0 {
                all.add_sync_sample(FragmentSyncSample {
                    offset: *offset,
                    bytes,
                    time: decoded.saturating_add_signed(i64::from(shift)),
                });
            }
        }
        *offset = offset.checked_add(u64::from(bytes))?;
        *decoded = decoded.checked_add(u64::from(duration))?;
        if let Some(all) = into.as_deref_mut() {
            all.end = all.end.max(*decoded);
        }
    }
    Some(())
}
