//! Partitions: the parts an MXF file is cut into, and how each begins (ST 377-1 7).

use super::klv::{Item, Label};
use crate::media::cursor::Cursor;

/// What a partition pack says, as far as anything here asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Partition {
    pub kind: Kind,
    /// Where it begins, and where its pack ends.
    pub at: u64,
    pub end: u64,
    /// Where the last partition is; 0 where that was not known yet.
    pub footer: u64,
    /// Bytes of metadata and of index tables after the pack.
    pub metadata: u64,
    pub index: u64,
    /// How many bytes of its essence stand in partitions before.
    pub body_offset: u64,
    /// The number of its essence; 0: it holds none.
    pub body: u32,
    /// The first piece of essence in it, once that was looked for.
    pub essence: Option<Item>,
    /// Whether the file is to hold one track of one clip (OP-Atom, ST 390).
    pub is_atom: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Header,
    Body,
    Footer,
}

impl Partition {
    /// Which partition an item begins, if it does.
    pub(super) fn kind(item: &Item) -> Option<Kind> {
        if item.key[4..13] != [0x02, 0x05, 0x01, 0x01, 0x0d, 0x01, 0x02, 0x01, 0x01] {
            return None;
        }
        match item.key[13] {
            2 => Some(Kind::Header),
            3 => Some(Kind::Body),
            4 => Some(Kind::Footer),
            _ => None,
        }
    }

    /// Reads a partition pack; `None` when it stands elsewhere than it says, or follows a
    /// pattern that is not known.
    pub(super) fn new(item: &Item, value: &[u8]) -> Option<Self> {
        let mut cursor = Cursor(value);
        cursor.skip(8)?;
        let at = cursor.u64()?;
        let previous = cursor.u64()?;
        let footer = cursor.u64()?;
        let (metadata, index) = (cursor.u64()?, cursor.u64()?);
        cursor.skip(4)?;
        let (body_offset, body) = (cursor.u64()?, cursor.u32()?);
        let pattern: Label = cursor.array()?;
        let containers = cursor.u32()?;
        let is_here = at == item.at && (previous < at || at == 0);
        let is_known = matches!(pattern[12], 1..=3 | 0x10);
        (is_here && is_known).then_some(Self {
            kind: Self::kind(item)?,
            at,
            end: item.end(),
            footer,
            metadata,
            index,
            body_offset,
            body,
            essence: None,
            is_atom: pattern[12] == 0x10 && containers <= 1,
        })
    }
}

/// The random index pack (ST 377-1 12): each partition's essence number and place.
pub(super) fn random_index(value: &[u8]) -> Vec<(u32, u64)> {
    let mut cursor = Cursor(value);
    let places = std::iter::from_fn(|| Some((cursor.u32()?, cursor.u64()?)));
    places.collect()
}

/// Whether an item is the random index pack.
pub(super) fn is_random_index(item: &Item) -> bool {
    item.key[4..15]
        == [
            0x02, 0x05, 0x01, 0x01, 0x0d, 0x01, 0x02, 0x01, 0x01, 0x11, 0x01,
        ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_must_stand_where_it_says() {
        let key = [
            0x06, 0x0e, 0x2b, 0x34, 2, 5, 1, 1, 0x0d, 1, 2, 1, 1, 3, 4, 0,
        ];
        let item = Item {
            key,
            at: 500,
            value: 520,
            length: 88,
        };
        let pack = |at: u64, previous: u64, pattern: u8| {
            let mut value = vec![0; 8];
            for number in [at, previous, 9000, 70, 80] {
                value.extend(u64::to_be_bytes(number));
            }
            value.extend([0, 0, 0, 2]);
            value.extend(u64::to_be_bytes(1234));
            value.extend([0, 0, 0, 1]);
            value.extend([&[0; 12][..], &[pattern, 1, 0, 0], &[0, 0, 0, 1]].concat());
            Partition::new(&item, &value)
        };
        let partition = pack(500, 0, 1).unwrap();
        assert_eq!(partition.kind, Kind::Body);
        assert_eq!((partition.body_offset, partition.body), (1234, 1));
        assert!(!partition.is_atom && pack(500, 0, 0x10).unwrap().is_atom);
        assert_eq!(pack(501, 0, 1), None);
        assert_eq!(pack(500, 500, 1), None);
        assert_eq!(pack(500, 0, 9), None);
        assert_eq!(
            random_index(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 1]),
            [(1, 9)]
        );
    }
}
