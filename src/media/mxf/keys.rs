//! Where the keyframes of a clip are, by its index tables.
//!
//! A table counts bytes of the essence alone. Where those are in the file, partitions tell:
//! each holds a stretch of them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::index::Segment;
use super::klv::Item;
use super::labels::Wrapping;
use super::layout::Layout;
use super::packages::Essence;
use super::partition::Partition;
use super::streams::micros;
use super::window::{AHEAD, Window};
use crate::media::keyframes::{Key, MOST_KEY, evenly};

/// Partitions that are looked at beyond the first, of a file with more.
const MOST_PARTITIONS: u64 = 4;
/// Edit units of a table without entries that are believed: two days at 60 frames a second.
const MOST_UNITS: u64 = 10_000_000;

/// A part of an essence that is in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    /// Bytes of the essence before it,
    before: u64,
    /// where it begins in the file, and where it ends.
    at: u64,
    end: u64,
}

impl Stretch {
    /// Where a byte of the essence is, and how many follow it here.
    fn place(&self, offset: u64) -> Option<(u64, u64)> {
        let at = self.at.checked_add(offset.checked_sub(self.before)?)?;
        let left = self.end.checked_sub(at)?;
        (left > 0).then_some((at, left))
    }
}

/// A frame that needs no other: its place in the order of time, where its edit unit begins in
/// the essence, and where the next one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    shown: u64,
    begin: u64,
    end: Option<u64>,
}

/// The keyframes of a track, or of very many an even choice, in the order of time.
pub(super) fn keys(
    window: &mut Window<'_>,
    layout: &mut Layout,
    track: Essence,
    wrapping: Wrapping,
) -> Vec<Key> {
    let units = track.duration.unwrap_or(0).min(MOST_UNITS);
    let Some(stretches) = stretches(window, layout, track, wrapping) else {
        return Vec::new();
    };
    let mut table: Vec<&Segment> = layout
        .segments
        .iter()
        .filter(|segment| segment.index == track.index && segment.body == track.body)
        .filter(|segment| segment.start <= MOST_UNITS)
        .collect();
    table.sort_by_key(|segment| (segment.start, Reverse(segment.duration)));
    table.dedup_by_key(|segment| segment.start);
    let key = |found: Found| {
        let (at, left) = stretches.iter().find_map(|it| it.place(found.begin))?;
        let bytes = match found.end {
            Some(end) => end.checked_sub(found.begin)?.min(left),
            None => left,
        };
        let bytes = u32::try_from(bytes).ok()?;
        let is_there = at.checked_add(bytes.into())? <= window.size();
        let is_sane = bytes > 0 && bytes <= MOST_KEY && found.shown < units;
        (is_there && is_sane).then_some(Key {
            offset: at,
            bytes,
            micros: micros(found.shown, track.rate),
        })
    };
    let found: Vec<Found> = match constant(&table) {
        Some(bytes) => stretches
            .iter()
            .flat_map(|stretch| counted(stretch, bytes, units))
            .collect(),
        None => listed(&table),
    };
    let all: Vec<Key> = found.into_iter().filter_map(key).collect();
    let mut keys = choice(&all);
    keys.sort_by_key(|key| key.micros);
    keys.dedup_by_key(|key| key.micros);
    keys
}

fn choice(keys: &[Key]) -> Vec<Key> {
    evenly(keys.len() as u64)
        .filter_map(|at| keys.get(usize::try_from(at).ok()?))
        .copied()
        .collect()
}

/// Bytes of every edit unit, where all have as many.
fn constant(table: &[&Segment]) -> Option<u64> {
    let first = table.first()?;
    let is_constant =
        |segment: &&Segment| segment.entries.is_empty() && segment.unit_bytes == first.unit_bytes;
    (first.unit_bytes > 0 && table.iter().all(is_constant)).then_some(first.unit_bytes.into())
}

/// The edit units of a stretch, or of very many an even choice, where all are of one size.
fn counted(stretch: &Stretch, bytes: u64, units: u64) -> Vec<Found> {
    let first = stretch.before.div_ceil(bytes);
    let length = stretch.end.saturating_sub(stretch.at);
    let end = stretch
        .before
        .saturating_add(length)
        .div_ceil(bytes)
        .min(units);
    let found = |number: u64| {
        let shown = first.checked_add(number)?;
        let begin = shown.checked_mul(bytes)?;
        Some(Found {
            shown,
            begin,
            end: Some(begin.checked_add(bytes)?),
        })
    };
    evenly(end.saturating_sub(first))
        .filter_map(found)
        .collect()
}

/// The keyframes that a table lists.
fn listed(table: &[&Segment]) -> Vec<Found> {
    // By stored place: when each is shown.
    let mut shown: BTreeMap<u64, u64> = BTreeMap::new();
    let mut stored: BTreeMap<u64, (u64, bool)> = BTreeMap::new();
    for segment in table {
        let step = segment.step();
        let scale = i64::try_from(step).unwrap_or(1);
        // The last of two for each unit is the end.
        let count = segment.entries.len() / step;
        let entries = segment.entries.iter().step_by(step).take(count);
        for (place, entry) in (segment.start..).zip(entries) {
            stored.insert(place, (entry.offset, entry.is_key()));
            let shift = i64::from(entry.shift) / scale;
            if let Some(other) = place.checked_add_signed(shift) {
                shown.insert(other, place);
            }
        }
    }
    let mut found = Vec::new();
    let mut places = stored.iter().peekable();
    while let Some((&place, &(begin, is_key))) = places.next() {
        let next = places.peek();
        let end = next.filter(|(other, _)| Some(**other) == place.checked_add(1));
        let Some(&shown) = shown.get(&place).filter(|_| is_key) else {
            continue;
        };
        found.push(Found {
            shown,
            begin,
            end: end.map(|(_, (offset, _))| *offset),
        });
    }
    found.sort_by_key(|found| found.shown);
    found
}

/// The stretches of an essence, of which there may be more than are looked at.
fn stretches(
    window: &mut Window<'_>,
    layout: &mut Layout,
    track: Essence,
    wrapping: Wrapping,
) -> Option<Vec<Stretch>> {
    let body = track.body;
    let first = layout
        .partitions
        .iter()
        .position(|part| part.essence.is_some() && part.body == body)?;
    if wrapping == Wrapping::Clip {
        let part = layout.partitions.get(first)?;
        let is_its = |item: &Item| part.is_atom || item.is_of(track.number);
        let item = part.essence.filter(is_its)?;
        return Some(vec![Stretch {
            before: part.body_offset,
            at: item.value,
            end: item.end().min(window.size()),
        }]);
    }
    let known = layout.partitions.get(first)?.at;
    let mut places = layout.places.clone();
    places.sort_by_key(|&(_, at)| at);
    let others: Vec<u64> = places
        .iter()
        .filter(|&&(number, at)| number == body && at > known)
        .map(|&(_, at)| at)
        .collect();
    for number in some(others.len() as u64) {
        let at = *others.get(usize::try_from(number).ok()?)?;
        window.fetch(at, AHEAD)?;
        layout.walk(window, at)?;
    }
    let mut found = Vec::new();
    for part in layout.partitions.get(first..)? {
        let Some(item) = part.essence.filter(|_| part.body == body) else {
            continue;
        };
        // What is listed in a partition is most often what stands right before it.
        let previous = places.iter().rev().find(|&&(_, at)| at < part.at);
        if let Some(&(_, at)) = previous.filter(|(number, at)| *number == body && *at >= known) {
            let length = part.at.saturating_sub(at).min(part.body_offset);
            found.push(Stretch {
                before: part.body_offset - length,
                at: part.at - length,
                end: part.at,
            });
        }
        found.push(Stretch {
            before: part.body_offset,
            at: item.at,
            end: next_place(layout, &places, part, window.size()),
        });
    }
    Some(found)
}

/// Numbers below `count`: all, or some spread over the whole.
fn some(count: u64) -> impl Iterator<Item = u64> {
    let most = count.min(MOST_PARTITIONS);
    (0..most).map(move |at| {
        if count <= MOST_PARTITIONS {
            at
        } else {
            (2 * at + 1) * count / (2 * most)
        }
    })
}

/// Where the partition after one begins.
fn next_place(layout: &Layout, places: &[(u32, u64)], part: &Partition, size: u64) -> u64 {
    let listed = places.iter().map(|&(_, at)| at);
    let footers = layout.partitions.iter().map(|other| other.at);
    listed
        .chain(footers)
        .filter(|&at| at > part.at)
        .min()
        .unwrap_or(size)
        .min(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::mxf::index::Entry;

    fn segment(start: u64, entries: &[(i8, u8, u64)]) -> Segment {
        let entries = entries.iter().map(|&(shift, flags, offset)| Entry {
            shift,
            flags,
            offset,
        });
        Segment {
            start,
            duration: entries.len() as u64,
            entries: entries.collect(),
            ..Segment::default()
        }
    }

    #[test]
    fn keys_are_shown_where_the_table_puts_them() {
        // Stored I B B P, where the B are shown before the I: an open group.
        let one = segment(0, &[(0, 0x80, 0), (2, 0x22, 100)]);
        let open = segment(
            10,
            &[
                (1, 0xc0, 500),
                (1, 0x33, 600),
                (-2, 0x33, 650),
                (0, 0x22, 700),
            ],
        );
        let found = listed(&[&one, &open]);
        assert_eq!(
            found,
            [
                Found {
                    shown: 0,
                    begin: 0,
                    end: Some(100)
                },
                Found {
                    shown: 12,
                    begin: 500,
                    end: Some(600)
                },
            ]
        );
    }

    #[test]
    fn fields_of_one_frame_are_one_key() {
        let entries = [
            (0, 0x80, 0),
            (0, 0x80, 50),
            (0, 0x80, 100),
            (0, 0x80, 150),
            (0, 0, 200),
        ];
        let fields = Segment {
            duration: 2,
            ..segment(0, &entries)
        };
        let found: Vec<u64> = listed(&[&fields]).iter().map(|it| it.begin).collect();
        assert_eq!(found, [0, 100]);
    }

    #[test]
    fn a_byte_of_the_essence_is_in_the_stretch_that_holds_it() {
        let stretch = Stretch {
            before: 1000,
            at: 5000,
            end: 5100,
        };
        assert_eq!(stretch.place(1010), Some((5010, 90)));
        assert_eq!(stretch.place(1100), None);
        assert_eq!(stretch.place(999), None);
        assert_eq!(some(100).collect::<Vec<_>>(), [12, 37, 62, 87]);
        assert_eq!(some(3).collect::<Vec<_>>(), [0, 1, 2]);
    }
}
