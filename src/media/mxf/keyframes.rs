//! Keyframe positions in the file, derived from index tables and partitions.
//!
//! Index tables store offsets within the essence container. Each partition contains a range of the
//! essence, so partitions map these offsets to positions in the file.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::index::IndexTableSegment;
use super::klv::KlvItem;
use super::labels::Wrapping;
use super::layout::MxfLayout;
use super::packages::Essence;
use super::partition::Partition;
use super::range_cache::{MxfWindow, READ_AHEAD};
use crate::media::keyframes::{Keyframe, MAX_KEYFRAME_BYTES, evenly_spaced};
use crate::value::{Duration, ExactDuration};

/// Maximum number of partitions read in addition to the first one.
const MAX_PARTITIONS: u64 = 4;
/// Maximum number of edit units: about two days at 60 frames per second.
const MAX_UNITS: u64 = 10_000_000;

/// Contiguous range of the essence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct EssenceRange {
    /// Offset of the range in the essence.
    essence_offset: u64,
    /// Start of the range in the file.
    at: u64,
    end: u64,
}

impl EssenceRange {
    /// Returns the file position of an essence offset, and the bytes from there to the end of the
    /// range.
    fn locate(&self, offset: u64) -> Option<(u64, u64)> {
        let at = self
            .at
            .checked_add(offset.checked_sub(self.essence_offset)?)?;
        let left = self.end.checked_sub(at)?;
        (left > 0).then_some((at, left))
    }
}

/// Keyframe: index in display order, and start and end of its edit unit in the essence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct KeyframeUnit {
    display_index: u64,
    begin: u64,
    end: Option<u64>,
}

/// Finds the keyframes of a track in time order: all of them, or an evenly spaced selection.
pub(super) fn find_keyframes(
    window: &mut MxfWindow<'_>,
    layout: &mut MxfLayout,
    track: Essence,
    wrapping: Wrapping,
) -> Vec<Keyframe> {
    let units = track.duration.unwrap_or(0).min(MAX_UNITS);
    let Some(ranges) = find_ranges(window, layout, track, wrapping) else {
        return Vec::new();
    };
    let mut table: Vec<&IndexTableSegment> = layout
        .segments
        .iter()
        .filter(|segment| segment.index == track.index && segment.body == track.body)
        .filter(|segment| segment.start <= MAX_UNITS)
        .collect();
    table.sort_by_key(|segment| (segment.start, Reverse(segment.duration)));
    table.dedup_by_key(|segment| segment.start);
    let key = |found: KeyframeUnit| {
        let (at, left) = ranges.iter().find_map(|it| it.locate(found.begin))?;
        let bytes = match found.end {
            Some(end) => end.checked_sub(found.begin)?.min(left),
            None => left,
        };
        let bytes = u32::try_from(bytes).ok()?;
        let is_in_file = at.checked_add(bytes.into())? <= window.size();
        let is_plausible = bytes > 0 && bytes <= MAX_KEYFRAME_BYTES && found.display_index < units;
        (is_in_file && is_plausible).then_some(Keyframe {
            offset: at,
            bytes,
            micros: ExactDuration::new(found.display_index, track.rate)
                .rounded()
                .map_or(u64::MAX, Duration::as_micros),
        })
    };
    let found: Vec<KeyframeUnit> = match constant_unit_size(&table) {
        Some(bytes) => ranges
            .iter()
            .flat_map(|range| constant_size_units(range, bytes, units))
            .collect(),
        None => listed_keyframes(&table),
    };
    let all: Vec<Keyframe> = found.into_iter().filter_map(key).collect();
    let mut keys = select_evenly(&all);
    keys.sort_by_key(|key| key.micros);
    keys.dedup_by_key(|key| key.micros);
    keys
}

fn select_evenly(keys: &[Keyframe]) -> Vec<Keyframe> {
    evenly_spaced(keys.len() as u64)
        .filter_map(|at| keys.get(usize::try_from(at).ok()?))
        .copied()
        .collect()
}

/// Returns the size of an edit unit in bytes if all have the same size.
fn constant_unit_size(table: &[&IndexTableSegment]) -> Option<u64> {
    let first = table.first()?;
    let is_constant = |segment: &&IndexTableSegment| {
        segment.entries.is_empty() && segment.unit_bytes == first.unit_bytes
    };
    (first.unit_bytes > 0 && table.iter().all(is_constant)).then_some(first.unit_bytes.into())
}

/// Returns edit units of constant size in a range: all of them, or an evenly spaced selection.
fn constant_size_units(range: &EssenceRange, bytes: u64, units: u64) -> Vec<KeyframeUnit> {
    let first = range.essence_offset.div_ceil(bytes);
    let length = range.end.saturating_sub(range.at);
    let end = range
        .essence_offset
        .saturating_add(length)
        .div_ceil(bytes)
        .min(units);
    let found = |number: u64| {
        let display_index = first.checked_add(number)?;
        let begin = display_index.checked_mul(bytes)?;
        Some(KeyframeUnit {
            display_index,
            begin,
            end: Some(begin.checked_add(bytes)?),
        })
    };
    evenly_spaced(end.saturating_sub(first))
        .filter_map(found)
        .collect()
}

/// Returns the keyframes listed in the entries of index tables.
fn listed_keyframes(table: &[&IndexTableSegment]) -> Vec<KeyframeUnit> {
    // Display index by storage index.
    let mut display_indices: BTreeMap<u64, u64> = BTreeMap::new();
    let mut units: BTreeMap<u64, (u64, bool)> = BTreeMap::new();
    for segment in table {
        let entries_per_unit = segment.entries_per_unit();
        let scale = i64::try_from(entries_per_unit).unwrap_or(1);
        // An extra last entry marks the end of the table.
        let count = segment.entries.len() / entries_per_unit;
        let entries = segment.entries.iter().step_by(entries_per_unit).take(count);
        for (storage_index, entry) in (segment.start..).zip(entries) {
            units.insert(storage_index, (entry.offset, entry.is_keyframe()));
            let display_offset = i64::from(entry.display_offset) / scale;
            if let Some(other) = storage_index.checked_add_signed(display_offset) {
                display_indices.insert(other, storage_index);
            }
        }
    }
    let mut found = Vec::new();
    let mut remaining = units.iter().peekable();
    while let Some((&storage_index, &(begin, is_keyframe))) = remaining.next() {
        let next = remaining.peek();
        let end = next.filter(|(other, _)| Some(**other) == storage_index.checked_add(1));
        let Some(&display_index) = display_indices.get(&storage_index).filter(|_| is_keyframe)
        else {
            continue;
        };
        found.push(KeyframeUnit {
            display_index,
            begin,
            end: end.map(|(_, (offset, _))| *offset),
        });
    }
    found.sort_by_key(|found| found.display_index);
    found
}

/// Locates the ranges of the essence in the file. If there are many partitions, only some are
/// located.
fn find_ranges(
    window: &mut MxfWindow<'_>,
    layout: &mut MxfLayout,
    track: Essence,
    wrapping: Wrapping,
) -> Option<Vec<EssenceRange>> {
    let body = track.body;
    let first = layout
        .partitions
        .iter()
        .position(|partition| partition.essence.is_some() && partition.body == body)?;
    if wrapping == Wrapping::Clip {
        let partition = layout.partitions.get(first)?;
        let is_of_track = |item: &KlvItem| partition.is_atom || item.is_element_of(track.number);
        let item = partition.essence.filter(is_of_track)?;
        return Some(vec![EssenceRange {
            essence_offset: partition.body_offset,
            at: item.value,
            end: item.end().min(window.size()),
        }]);
    }
    let first_at = layout.partitions.get(first)?.at;
    let mut listed_partitions = layout.listed_partitions.clone();
    listed_partitions.sort_by_key(|&(_, at)| at);
    let others: Vec<u64> = listed_partitions
        .iter()
        .filter(|&&(number, at)| number == body && at > first_at)
        .map(|&(_, at)| at)
        .collect();
    for number in sample_evenly(others.len() as u64) {
        let at = *others.get(usize::try_from(number).ok()?)?;
        window.fetch(at, READ_AHEAD)?;
        layout.walk(window, at)?;
    }
    let mut found = Vec::new();
    for partition in layout.partitions.get(first..)? {
        let Some(item) = partition.essence.filter(|_| partition.body == body) else {
            continue;
        };
        // The index table in a partition usually describes the essence right before the partition.
        let previous = listed_partitions
            .iter()
            .rev()
            .find(|&&(_, at)| at < partition.at);
        if let Some(&(_, at)) = previous.filter(|(number, at)| *number == body && *at >= first_at) {
            let length = partition.at.saturating_sub(at).min(partition.body_offset);
            found.push(EssenceRange {
                essence_offset: partition.body_offset - length,
                at: partition.at - length,
                end: partition.at,
            });
        }
        found.push(EssenceRange {
            essence_offset: partition.body_offset,
            at: item.at,
            end: next_partition(layout, &listed_partitions, partition, window.size()),
        });
    }
    Some(found)
}

/// Iterates over the numbers below `count`; if there are many, over an evenly spaced selection.
fn sample_evenly(count: u64) -> impl Iterator<Item = u64> {
    let max = count.min(MAX_PARTITIONS);
    (0..max).map(move |at| {
        if count <= MAX_PARTITIONS {
            at
        } else {
            (2 * at + 1) * count / (2 * max)
        }
    })
}

/// Returns the start of the next partition, or the size of the file.
fn next_partition(
    layout: &MxfLayout,
    listed_partitions: &[(u32, u64)],
    partition: &Partition,
    size: u64,
) -> u64 {
    let listed = listed_partitions.iter().map(|&(_, at)| at);
    let footers = layout.partitions.iter().map(|other| other.at);
    listed
        .chain(footers)
        .filter(|&at| at > partition.at)
        .min()
        .unwrap_or(size)
        .min(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::mxf::index::EditUnitEntry;

    fn segment(start: u64, entries: &[(i8, u8, u64)]) -> IndexTableSegment {
        let entries = entries
            .iter()
            .map(|&(display_offset, flags, offset)| EditUnitEntry {
                display_offset,
                flags,
                offset,
            });
        IndexTableSegment {
            start,
            duration: entries.len() as u64,
            entries: entries.collect(),
            ..IndexTableSegment::default()
        }
    }

    #[test]
    fn orders_keyframes_by_display_time() {
        // The storage order is I B B P, and the B pictures are displayed before the I picture (open
        // GOP).
        let closed = segment(0, &[(0, 0x80, 0), (2, 0x22, 100)]);
        let open = segment(
            10,
            &[
                (1, 0xc0, 500),
                (1, 0x33, 600),
                (-2, 0x33, 650),
                (0, 0x22, 700),
            ],
        );
        let found = listed_keyframes(&[&closed, &open]);
        assert_eq!(
            found,
            [
                KeyframeUnit {
                    display_index: 0,
                    begin: 0,
                    end: Some(100)
                },
                KeyframeUnit {
                    display_index: 12,
                    begin: 500,
                    end: Some(600)
                },
            ]
        );
    }

    #[test]
    fn merges_both_fields_of_a_frame_into_one_keyframe() {
        let entries = [
            (0, 0x80, 0),
            (0, 0x80, 50),
            (0, 0x80, 100),
            (0, 0x80, 150),
            (0, 0, 200),
        ];
        let fields = IndexTableSegment {
            duration: 2,
            ..segment(0, &entries)
        };
        let found: Vec<u64> = listed_keyframes(&[&fields])
            .iter()
            .map(|it| it.begin)
            .collect();
        assert_eq!(found, [0, 100]);
    }

    #[test]
    fn locates_an_essence_offset_in_its_range() {
        let range = EssenceRange {
            essence_offset: 1000,
            at: 5000,
            end: 5100,
        };
        assert_eq!(range.locate(1010), Some((5010, 90)));
        assert_eq!(range.locate(1100), None);
        assert_eq!(range.locate(999), None);
        assert_eq!(sample_evenly(100).collect::<Vec<_>>(), [12, 37, 62, 87]);
        assert_eq!(sample_evenly(3).collect::<Vec<_>>(), [0, 1, 2]);
    }
}
