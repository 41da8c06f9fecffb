//! Where a file keeps what describes it: at its beginning, and once more, and better, at its
//! end.
//!
//! What a recorder did not know yet when it began stands in the footer: how long the clip is
//! and where its frames are. Everything between is stepped over.

use std::collections::HashMap;

use super::index::{self, Segment};
use super::klv::{Item, Label, Primer, Set};
use super::partition::{Kind, Partition, is_random_index, random_index};
use super::window::{AHEAD, Window};
use crate::media::header::Tags;

/// Items that are looked at in one stretch: Avid writes some thousand sets.
const MOST_ITEMS: usize = 20_000;
/// How such a file begins.
const FIRST_KEY: [u8; 14] = [
    0x06, 0x0e, 0x2b, 0x34, 0x02, 0x05, 0x01, 0x01, 0x0d, 0x01, 0x02, 0x01, 0x01, 0x02,
];

/// Kinds of sets, by byte 14 of their key (ST 377-1 annex A).
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
    /// Descriptors that ffprobe knows: pictures, sound, data.
    pub(in super::super) const DESCRIPTORS: [u8; 10] =
        [0x28, 0x29, 0x42, 0x47, 0x48, 0x51, 0x5b, 0x5c, 0x5e, 0x64];
    /// Choices of essence, and pulldown: what is odd about a file.
    pub(in super::super) const OTHERS: [u8; 2] = [0x05, 0x0c];
}

/// The parts of a file that describe it.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Sets by their instance's number.
    pub sets: HashMap<Label, Set>,
    /// What the last content storage lists: packages, and which essence is whose.
    pub packages: Vec<Label>,
    pub container_data: Vec<Label>,
    /// What the programs that wrote the file say of themselves.
    pub written_by: Tags,
    pub segments: Vec<Segment>,
    /// Partitions that were read, in the order of the file.
    pub partitions: Vec<Partition>,
    /// All partitions' essence number and place, if the file has a list.
    pub places: Vec<(u32, u64)>,
    /// Whether some of the index table was too long to be read.
    pub is_index_cut: bool,
}

/// Reads what describes a file; `None` when it is of another kind, cut short or damaged.
pub(super) fn layout(window: &mut Window<'_>) -> Option<Layout> {
    if window.read(0, 14)? != FIRST_KEY {
        return None;
    }
    let mut layout = Layout::default();
    let first = header(window)?;
    let own = first
        .end
        .checked_add(first.metadata)?
        .checked_add(first.index)?;
    if own > AHEAD {
        window.fetch(0, own.checked_add(AHEAD)?)?;
    }
    layout.walk(window, 0)?;
    layout.essence()?;
    let end = window.size();
    let listed = if first.footer == 0 {
        listed(window)
    } else {
        None
    };
    let footer = listed.unwrap_or(first.footer);
    if footer > 0 {
        window.fetch(footer, end.checked_sub(footer)?)?;
        let item = window.item(footer)?;
        (Partition::kind(&item) == Some(Kind::Footer)).then_some(())?;
        layout.walk(window, footer)?;
    }
    Some(layout)
}

fn header(window: &mut Window<'_>) -> Option<Partition> {
    let item = window.item(0)?;
    Partition::new(&item, window.read(item.value, item.length)?)
}

/// Where the list at the end of a file says that the footer is.
fn listed(window: &mut Window<'_>) -> Option<u64> {
    let end = window.size();
    let from = end.saturating_sub(AHEAD);
    window.fetch(from, AHEAD)?;
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
    let places = random_index(window.read(item.value, item.length.checked_sub(4)?)?);
    places.last().map(|&(_, at)| at)
}

impl Layout {
    /// The first piece of essence.
    pub(super) fn essence(&self) -> Option<Item> {
        self.partitions.iter().find_map(|part| part.essence)
    }

    /// Reads items from a partition on, up to the first essence, the end of the file or, where
    /// that is not the header, the next partition.
    pub(super) fn walk(&mut self, window: &mut Window<'_>, from: u64) -> Option<()> {
        let mut primer = Primer::default();
        let mut written_by = Tags::new();
        // Where the index tables of the partition begin and end.
        let mut tables: Option<u64> = None;
        let mut at = from;
        for _ in 0..MOST_ITEMS {
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
                if item.at > from && (from > 0 || kind == Kind::Footer) {
                    break;
                }
                let pack = Partition::new(&item, window.read(item.value, item.length)?)?;
                self.partitions.push(pack);
                tables = None;
            } else if is_random_index(&item) {
                let list = item.length.checked_sub(4)?;
                self.places = random_index(window.read(item.value, list)?);
            } else if is_primer(&item) {
                primer = Primer::new(window.read(item.value, item.length)?)?;
            } else if index::is_segment(&item) {
                let length = self.partitions.last()?.index;
                let end = *tables.get_or_insert(item.at.saturating_add(length));
                if window.is_held(item.value, item.length) {
                    let segment = Segment::new(window.read(item.value, item.length)?)?;
                    self.segments.push(segment);
                } else {
                    self.is_index_cut = true;
                    at = at.max(end);
                }
            } else if let Some(kind) = set_kind(&item) {
                let set = Set::new(kind, window.read(item.value, item.length)?, &primer)?;
                self.take_set(set, &mut written_by);
            }
        }
        // What is written later replaces what was known before.
        self.written_by.extend(written_by);
        Some(())
    }

    fn take_set(&mut self, set: Set, written_by: &mut Tags) {
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
            kind::IDENTIFICATION => identify(&set, written_by),
            _ => {
                if let Some(number) = set.label(0x3c0a) {
                    self.sets.insert(number, set);
                }
            }
        }
    }

    /// The set with this number, if it is of one of these kinds.
    pub(super) fn set(&self, number: &Label, kinds: &[u8]) -> Option<&Set> {
        self.sets
            .get(number)
            .filter(|set| kinds.contains(&set.kind))
    }
}

/// Company, product and version.
fn identify(set: &Set, tags: &mut Tags) {
    for (tag, value) in set.values() {
        let name = match tag {
            0x3c01 => "company_name",
            0x3c02 => "product_name",
            0x3c04 => "product_version",
            _ => continue,
        };
        tags.insert(name.to_owned(), super::klv::text(value));
    }
}

fn is_primer(item: &Item) -> bool {
    item.key[4..]
        == [
            0x02, 0x05, 0x01, 0x01, 0x0d, 0x01, 0x02, 0x01, 0x01, 0x05, 0x01, 0x00,
        ]
}

/// The kind of a set, if it is one that is asked for here.
fn set_kind(item: &Item) -> Option<u8> {
    let is_set = item.key[4..14] == [0x02, 0x53, 0x01, 0x01, 0x0d, 0x01, 0x01, 0x01, 0x01, 0x01];
    let [.., kind, last] = item.key;
    let is_wanted = matches!(
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
        || kind::OTHERS.contains(&kind);
    (is_set && last == 0 && is_wanted).then_some(kind)
}
