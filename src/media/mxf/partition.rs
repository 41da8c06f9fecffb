//! Parser for partition packs (ST 377-1 7) and the random index pack (ST 377-1 12).

use super::klv::{KlvItem, Label};
use crate::media::cursor::Cursor;

/// Fields used from a partition pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Partition {
    pub kind: PartitionKind,
    /// Start of the partition in the file.
    pub at: u64,
    /// End of the partition pack in the file.
    pub end: u64,
    /// Start of the footer partition; 0 if it was not known when the pack was written.
    pub footer: u64,
    /// Bytes of header metadata after the pack.
    pub metadata: u64,
    /// Bytes of index tables after the metadata.
    pub index: u64,
    /// Bytes of the same essence in earlier partitions.
    pub body_offset: u64,
    /// Id of the partition's essence container (`BodySID`); 0 if it contains no essence.
    pub body: u32,
    /// First essence item; `None` until it is found.
    pub essence: Option<KlvItem>,
    /// True if the operational pattern is OP-Atom (ST 390): one track of one clip.
    pub is_atom: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartitionKind {
    Header,
    Body,
    Footer,
}

impl Partition {
    /// Returns the kind of partition that an item begins; `None` for other items.
    pub(super) fn kind(item: &KlvItem) -> Option<PartitionKind> {
        if item.key[4..13] != [0x02, 0x05, 0x01, 0x01, 0x0d, 0x01, 0x02, 0x01, 0x01] {
            return None;
        }
        match item.key[13] {
            2 => Some(PartitionKind::Header),
            3 => Some(PartitionKind::Body),
            4 => Some(PartitionKind::Footer),
            _ => None,
        }
    }

    /// Parses a partition pack; `None` if the position stored in it is wrong, or if its operational
    /// pattern is unknown.
    pub(super) fn parse(item: &KlvItem, value: &[u8]) -> Option<Self> {
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
        let is_at_stored_position = at == item.at && (previous < at || at == 0);
        let is_known = matches!(pattern[12], 1..=3 | 0x10);
        (is_at_stored_position && is_known).then_some(Self {
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

/// Parses the random index pack: `BodySID` and position of each partition.
pub(super) fn parse_random_index(value: &[u8]) -> Vec<(u32, u64)> {
    let mut cursor = Cursor(value);
    let positions = std::iter::from_fn(|| Some((cursor.u32()?, cursor.u64()?)));
    positions.collect()
}

/// Returns true if an item is the random index pack.
pub(super) fn is_random_index(item: &KlvItem) -> bool {
    item.key[4..15]
        == [
            0x02, 0x05, 0x01, 0x01, 0x0d, 0x01, 0x02, 0x01, 0x01, 0x11, 0x01,
        ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_a_pack_that_stores_another_position() {
        let key = [
            0x06, 0x0e, 0x2b, 0x34, 2, 5, 1, 1, 0x0d, 1, 2, 1, 1, 3, 4, 0,
        ];
        let item = KlvItem {
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
            Partition::parse(&item, &value)
        };
        let partition = pack(500, 0, 1).unwrap();
        assert_eq!(partition.kind, PartitionKind::Body);
        assert_eq!((partition.body_offset, partition.body), (1234, 1));
        assert!(!partition.is_atom && pack(500, 0, 0x10).unwrap().is_atom);
        assert_eq!(pack(501, 0, 1), None);
        assert_eq!(pack(500, 500, 1), None);
        assert_eq!(pack(500, 0, 9), None);
        assert_eq!(
            parse_random_index(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 1]),
            [(1, 9)]
        );
    }
}
