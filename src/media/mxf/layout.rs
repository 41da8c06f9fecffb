//! Header metadata and index tables of a file: those in the header partition, and their final
//! versions in the footer partition.
//!
//! The footer contains what a recorder did not know when it started: the duration of the clip and
//! the positions of its frames. The essence in between is skipped.

use std::collections::HashMap;

use super::index::{self, IndexTableSegment};
use super::klv::{KlvItem, Label, LocalSet, Primer};
use super::partition::{Partition, PartitionKind, is_random_index, parse_random_index};
use super::range_cache::{MxfWindow, READ_AHEAD};
use crate::media::header::TagMap;

/// Maximum number of items read in a partition; Avid writes several thousand sets.
const MAX_ITEMS: usize = 20_000;
/// First bytes of an MXF file: the key of a header partition.
const HEADER_PARTITION_KEY: [u8; 14] = [
    0x06, 0x0e, 0x2b, 0x34, 0x02, 0x05, 0x01, 0x01, 0x0d, 0x01, 0x02, 0x01, 0x01, 0x02,
];

/// Kinds of sets: byte 14 of the key (ST 377-1 annex A).
pub(super) mod kind {
    pub(in super::super) const SEQUENCE: u8 = 0x0f;
    pub(in super::super) const SOURCE_CLIP: u8 = 0x11;
    pub(in super::super) const TIMECODE: u8 = 0x14;
    pub(super) const CONTENT_STORAGE: u8 = 0x18;
    pub(in super::super) const CONTAINER_DATA: u8 = 0x23;
    pub(super) const IDENTIFICATION: u8 = 0x30;
    pub(in super::super) const MATERIAL_PACKAGE: u8 = 0x36;
    pub(in super::super) const SOURCE_PACKAGE: u8 = 0x37;
    pub(in super::super) const EVENT_TRACK: u8 = 0x39;
    pub(in super::super) const STATIC_TRACK: u8 = 0x3a;
    pub(in super::super) const TRACK: u8 = 0x3b;
    pub(in super::super) const MULTIPLE_DESCRIPTOR: u8 = 0x44;
    pub(in super::super) const CHANNEL_LABEL: u8 = 0x6b;
    /// Descriptors of pictures, sound and data that ffprobe supports.
    pub(in super::super) const DESCRIPTORS: [u8; 10] =
        [0x28, 0x29, 0x42, 0x47, 0x48, 0x51, 0x5b, 0x5c, 0x5e, 0x64];
    /// Essence groups and pulldown, which are not supported here.
    pub(in super::super) const UNSUPPORTED: [u8; 2] = [0x05, 0x0c];
}

/// Metadata, index tables and partitions of a file.
#[derive(Debug, Default)]
pub(super) struct MxfLayout {
    /// Sets by instance id.
    pub sets: HashMap<Label, LocalSet>,
    /// Packages listed in the last content storage set.
    pub packages: Vec<Label>,
    /// Essence container data sets listed in the same set, which link packages to their essence.
    pub container_data: Vec<Label>,
    /// Company, product and version of the programs that wrote the file.
    pub identification: TagMap,
    pub segments: Vec<IndexTableSegment>,
    /// Partitions that were read, in file order.
    pub partitions: Vec<Partition>,
    /// `BodySID` and position of all partitions; empty if the file has no random index pack.
    pub listed_partitions: Vec<(u32, u64)>,
    /// True if some index table segments were too long to read.
    pub is_index_truncated: bool,
}

/// Reads the header and footer partitions; `None` if the file has another format, or is truncated
/// or damaged.
pub(super) fn read(window: &mut MxfWindow<'_>) -> Option<MxfLayout> {
    if window.read(0, 14)? != HEADER_PARTITION_KEY {
        return None;
    }
    let mut layout = MxfLayout::default();
    let first = read_header_pack(window)?;
    let header_bytes = first
        .end
        .checked_add(first.metadata)?
        .checked_add(first.index)?;
    if header_bytes > READ_AHEAD {
        window.fetch(0, header_bytes.checked_add(READ_AHEAD)?)?;
    }
    layout.walk(window, 0)?;
    layout.first_essence()?;
    let end = window.size();
    let listed = if first.footer == 0 {
        find_footer(window)
    } else {
        None
    };
    let footer = listed.unwrap_or(first.footer);
    if footer > 0 {
        window.fetch(footer, end.checked_sub(footer)?)?;
        let item = window.item(footer)?;
        (Partition::kind(&item) == Some(PartitionKind::Footer)).then_some(())?;
        layout.walk(window, footer)?;
    }
    Some(layout)
}

fn read_header_pack(window: &mut MxfWindow<'_>) -> Option<Partition> {
    let item = window.item(0)?;
    Partition::parse(&item, window.read(item.value, item.length)?)
}

/// Returns the position of the footer, from the random index pack at the end of the file.
fn find_footer(window: &mut MxfWindow<'_>) -> Option<u64> {
    let end = window.size();
    let from = end.saturating_sub(READ_AHEAD);
    window.fetch(from, READ_AHEAD)?;
    let length = window.read(end.checked_sub(4)?, 4)?;
    let length = u32::from_be_bytes(length.try_into().ok()?);
    let at = end.checked_sub(length.into())?;
    if at < from {
        return None;
    }
    let item = window.item(at)?;
    if !is_random_index(&item) || item.end() != end {
        return None;
    }
    let listed_partitions =
        parse_random_index(window.read(item.value, item.length.checked_sub(4)?)?);
    listed_partitions.last().map(|&(_, at)| at)
}

impl MxfLayout {
    /// Returns the first essence item.
    pub(super) fn first_essence(&self) -> Option<KlvItem> {
        self.partitions
            .iter()
            .find_map(|partition| partition.essence)
    }

    /// Reads items from the partition at `from` up to the first essence item or the end of the
    /// file. In partitions other than the header, it also stops at the next partition.
    pub(super) fn walk(&mut self, window: &mut MxfWindow<'_>, from: u64) -> Option<()> {
        let mut primer = Primer::default();
        let mut identification = TagMap::new();
        // End of the partition's index tables, once the first segment was found.
        let mut index_end: Option<u64> = None;
        let mut at = from;
        for _ in 0..MAX_ITEMS {
            if at >= window.size() {
                break;
            }
            let item = window.item(at)?;
            at = item.end();
            if item.is_essence() {
                self.partitions.last_mut()?.essence = Some(item);
                break;
            }
            if let Some(kind) = Partition::kind(&item) {
                if item.at > from && (from > 0 || kind == PartitionKind::Footer) {
                    break;
                }
                let pack = Partition::parse(&item, window.read(item.value, item.length)?)?;
                self.partitions.push(pack);
                index_end = None;
            } else if is_random_index(&item) {
                let list = item.length.checked_sub(4)?;
                self.listed_partitions = parse_random_index(window.read(item.value, list)?);
            } else if is_primer(&item) {
                primer = Primer::parse(window.read(item.value, item.length)?)?;
            } else if index::is_segment(&item) {
                let length = self.partitions.last()?.index;
                let end = *index_end.get_or_insert(item.at.saturating_add(length));
                if window.is_cached(item.value, item.length) {
                    let segment = IndexTableSegment::parse(window.read(item.value, item.length)?)?;
                    self.segments.push(segment);
                } else {
                    self.is_index_truncated = true;
                    at = at.max(end);
                }
            } else if let Some(kind) = set_kind(&item) {
                let set = LocalSet::parse(kind, window.read(item.value, item.length)?, &primer)?;
                self.add_set(set, &mut identification);
            }
        }
        // Later metadata replaces earlier metadata.
        self.identification.extend(identification);
        Some(())
    }

    fn add_set(&mut self, set: LocalSet, identification: &mut TagMap) {
        match set.kind {
            kind::CONTENT_STORAGE => {
                for (tag, list) in [
                    (0x1901, &mut self.packages),
                    (0x1902, &mut self.container_data),
                ] {
                    if set.value(tag).is_some() {
                        *list = set.references(tag);
                    }
                }
            }
            kind::IDENTIFICATION => add_identification(&set, identification),
            _ => {
                if let Some(number) = set.label(0x3c0a) {
                    self.sets.insert(number, set);
                }
            }
        }
    }

    /// Returns the set with this id, if it has one of the given kinds.
    pub(super) fn set(&self, number: &Label, kinds: &[u8]) -> Option<&LocalSet> {
        self.sets
            .get(number)
            .filter(|set| kinds.contains(&set.kind))
    }
}

/// Adds the company, product and version of an identification set.
fn add_identification(set: &LocalSet, tags: &mut TagMap) {
    for (tag, value) in set.values() {
        let name = match tag {
            0x3c01 => "company_name",
            0x3c02 => "product_name",
            0x3c04 => "product_version",
            _ => continue,
        };
        tags.insert(name.to_owned(), super::klv::decode_utf16(value));
    }
}

fn is_primer(item: &KlvItem) -> bool {
    item.key[4..]
        == [
            0x02, 0x05, 0x01, 0x01, 0x0d, 0x01, 0x02, 0x01, 0x01, 0x05, 0x01, 0x00,
        ]
}

/// Returns the kind of a metadata set; `None` for items that are not used here.
fn set_kind(item: &KlvItem) -> Option<u8> {
    let is_set = item.key[4..14] == [0x02, 0x53, 0x01, 0x01, 0x0d, 0x01, 0x01, 0x01, 0x01, 0x01];
    let [.., kind, last] = item.key;
    let is_used = matches!(
        kind,
        kind::SEQUENCE
            | kind::SOURCE_CLIP
            | kind::TIMECODE
            | kind::CONTENT_STORAGE
            | kind::CONTAINER_DATA
            | kind::IDENTIFICATION
            | kind::MATERIAL_PACKAGE
            | kind::SOURCE_PACKAGE
            | kind::EVENT_TRACK
            | kind::STATIC_TRACK
            | kind::TRACK
            | kind::MULTIPLE_DESCRIPTOR
            | kind::CHANNEL_LABEL
    ) || kind::DESCRIPTORS.contains(&kind)
        || kind::UNSUPPORTED.contains(&kind);
    (is_set && last == 0 && is_used).then_some(kind)
}
