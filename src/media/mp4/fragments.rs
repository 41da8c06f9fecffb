//! Fragmented movies: samples described piece by piece, in `moof` boxes.

use super::boxes::{boxes, child, full, sized};
use super::layout::Layout;

/// Samples of a file that are looked at in all: two days at 60 frames a second.
pub(super) const MOST_SAMPLES: u64 = 10_000_000;
/// Keys that are kept; of more, every other one is let go.
const MOST_KEYS: usize = 4096;

/// One key of a fragmented track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FragmentKey {
    pub offset: u64,
    pub bytes: u32,
    /// When it is shown, in the track's units.
    pub shown: u64,
}

/// What all fragments say of one track together.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    pub samples: u64,
    pub bytes: u64,
    /// Begin of the first sample and end of the last, in the track's units.
    pub begin: u64,
    pub end: u64,
    pub shortest: u32,
    pub longest: u32,
    pub keys: Vec<FragmentKey>,
    /// Keys so far, and of how many one is kept.
    seen: u64,
    every: u64,
}

impl Fragments {
    /// Keeps a key, evenly thinned out where there are very many.
    fn keep(&mut self, key: FragmentKey) {
        if self.seen.is_multiple_of(self.every.max(1)) {
            self.keys.push(key);
        }
        self.seen += 1;
        if self.keys.len() > MOST_KEYS {
            let mut at = 0;
            self.keys.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.every = self.every.max(1) * 2;
        }
    }

    /// From the first sample to the last.
    pub(super) fn duration(&self) -> u64 {
        self.end.saturating_sub(self.begin)
    }
}

/// What `trex` says of samples about which nothing else does.
#[derive(Debug, Clone, Copy, Default)]
struct Defaults {
    duration: u32,
    size: u32,
    flags: u32,
}

/// Reads all fragments of the track `id`; `None` when one is not understood.
pub(super) fn of_track(layout: &Layout, id: u32, budget: &mut u64) -> Option<Fragments> {
    let defaults = defaults(&layout.movie, id);
    let mut fragments = Fragments {
        shortest: u32::MAX,
        ..Fragments::default()
    };
    for (at, body) in &layout.fragments {
        let mut runs_end = *at;
        for track in boxes(body).filter(|boxed| boxed.kind == *b"traf") {
            let header = TrackHeader::new(child(track.body, *b"tfhd")?, *at, runs_end, defaults)?;
            let is_this = header.id == id;
            let mut decoded = match child(track.body, *b"tfdt").and_then(full) {
                Some((version, _, mut cursor)) => sized(&mut cursor, version)?,
                None => fragments.end,
            };
            let mut offset = header.base;
            for run in boxes(track.body).filter(|boxed| boxed.kind == *b"trun") {
                let into = is_this.then_some(&mut fragments);
                *budget = budget.checked_sub(run_length(run.body)?)?;
                read_run(run.body, &header, &mut offset, &mut decoded, into)?;
            }
            runs_end = offset;
        }
    }
    (fragments.samples > 0).then_some(fragments)
}

fn defaults(movie: &[u8], id: u32) -> Defaults {
    let read = |body| {
        let (_, _, mut cursor) = full(body)?;
        let is_this = cursor.u32()? == id;
        cursor.skip(4)?;
        let defaults = Defaults {
            duration: cursor.u32()?,
            size: cursor.u32()?,
            flags: cursor.u32()?,
        };
        is_this.then_some(defaults)
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
    defaults: Defaults,
}

impl TrackHeader {
    fn new(body: &[u8], fragment: u64, runs_end: u64, defaults: Defaults) -> Option<Self> {
        let (_, flags, mut cursor) = full(body)?;
        let id = cursor.u32()?;
        let optional = |bit: u32| (flags & bit != 0).then_some(());
        let mut header = Self {
            id,
            // Without a base of its own, one run follows the other's data.
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

/// Bits of a sample's flags that say that it needs others.
const IS_NOT_KEY: u32 = 0x1_0000;
const NEEDS_OTHERS: u32 = 0x100_0000;

/// Samples that a run says it has.
fn run_length(body: &[u8]) -> Option<u64> {
    let (_, _, mut cursor) = full(body)?;
    cursor.u32().map(u64::from)
}

fn read_run(
    body: &[u8],
    header: &TrackHeader,
    offset: &mut u64,
    decoded: &mut u64,
    mut into: Option<&mut Fragments>,
) -> Option<()> {
    let (_, flags, mut cursor) = full(body)?;
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
        let mut own = |bit: u32, default: u32| {
            if flags & bit == 0 {
                Some(default)
            } else {
                cursor.u32()
            }
        };
        let duration = own(0x100, header.defaults.duration)?;
        let bytes = own(0x200, header.defaults.size)?;
        let told = own(0x400, header.defaults.flags)?;
        let shift = own(0x800, 0)?.cast_signed();
        let sample_flags = first_flags.take().unwrap_or(told);
        if let Some(all) = into.as_deref_mut() {
            if all.samples == 0 {
                all.begin = *decoded;
            }
            all.samples += 1;
            all.bytes = all.bytes.saturating_add(u64::from(bytes));
            all.shortest = all.shortest.min(duration);
            all.longest = all.longest.max(duration);
            if sample_flags & (IS_NOT_KEY | NEEDS_OTHERS) == 0 {
                all.keep(FragmentKey {
                    offset: *offset,
                    bytes,
                    shown: decoded.saturating_add_signed(i64::from(shift)),
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
