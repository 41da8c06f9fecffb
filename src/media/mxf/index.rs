//! Index tables (ST 377-1 11): byte position of each edit unit in an essence container.

use super::klv::{KlvItem, LocalSet};
use crate::media::cursor::Cursor;

/// Segment of an index table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct IndexTableSegment {
    /// Id of the index table (`IndexSID`).
    pub index: u32,
    /// Id of the essence container it describes (`BodySID`).
    pub body: u32,
    /// First edit unit of the segment.
    pub start: u64,
    /// Number of edit units; 0 if unknown.
    pub duration: u64,
    /// Bytes per edit unit if all have the same size; otherwise 0.
    pub unit_bytes: u32,
    pub entries: Vec<EditUnitEntry>,
}

/// Entry for an edit unit, in storage order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EditUnitEntry {
    /// Offset in edit units from this entry to the stored picture that is displayed at its position.
    pub display_offset: i8,
    /// Flags; bits 4 and 5 mark pictures that depend on earlier or later ones.
    pub flags: u8,
    /// Byte offset in the essence container.
    pub offset: u64,
}

impl EditUnitEntry {
    pub(super) fn is_keyframe(&self) -> bool {
        self.flags & 0x30 == 0
    }
}

/// Returns true if an item is an index table segment.
pub(super) fn is_segment(item: &KlvItem) -> bool {
    item.key[4..]
        == [
            0x02, 0x53, 0x01, 0x01, 0x0d, 0x01, 0x02, 0x01, 0x01, 0x10, 0x01, 0x00,
        ]
}

impl IndexTableSegment {
    /// Parses a segment. The array of entries may be longer than the two-byte length of its tag.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let mut segment = Self::default();
        let mut cursor = Cursor(value);
        while cursor.0.len() > 4 {
            let (tag, length) = (cursor.u16()?, cursor.u16()?);
            let all = cursor;
            let mut value_cursor = Cursor(match cursor.take(length.into()) {
                Some(value_cursor) => value_cursor,
                // Avid writes arrays that are longer than a two-byte length can express.
                None if tag == 0x3f0a => all.0,
                None => return None,
            });
            match tag {
                0x3f05 => segment.unit_bytes = value_cursor.u32()?,
                0x3f06 => segment.index = value_cursor.u32()?,
                0x3f07 => segment.body = value_cursor.u32()?,
                0x3f0c => segment.start = value_cursor.u64()?,
                0x3f0d => segment.duration = value_cursor.u64()?,
                0x3f0a => {
                    let (entries, after) = parse_entries(all)?;
                    segment.entries = entries;
                    if after.0.len() < cursor.0.len() {
                        cursor = after;
                    }
                }
                _ => {}
            }
        }
        Some(segment)
    }

    /// Returns the number of entries per edit unit. Avid writes two, one for each field, plus a
    /// last one at the end of the table.
    pub(super) fn entries_per_unit(&self) -> usize {
        let two_per_unit = self
            .duration
            .checked_mul(2)
            .and_then(|all| all.checked_add(1));
        if two_per_unit == Some(self.entries.len() as u64) {
            2
        } else {
            1
        }
    }
}

/// Parses an array of entries and returns it with the bytes that follow.
fn parse_entries(mut cursor: Cursor<'_>) -> Option<(Vec<EditUnitEntry>, Cursor<'_>)> {
    let (count, size) = (cursor.u32()?, cursor.u32()?);
    let (count, size) = (usize::try_from(count).ok()?, usize::try_from(size).ok()?);
    let bytes = cursor.take(count.checked_mul(size)?)?;
    if count > 0 && size < 11 {
        return None;
    }
    let entry = |bytes: &[u8]| {
        let mut cursor = Cursor(bytes);
        let display_offset = cursor.u8()?.cast_signed();
        cursor.skip(1)?;
        Some(EditUnitEntry {
            display_offset,
            flags: cursor.u8()?,
            offset: cursor.u64()?,
        })
    };
    let entries = bytes.chunks_exact(size.max(1)).map(entry);
    Some((entries.collect::<Option<_>>()?, cursor))
}

/// Returns the `IndexSID` and `BodySID` of an essence container data set.
pub(super) fn stream_ids(set: &LocalSet) -> (u32, u32) {
    (set.u32(0x3f06).unwrap_or(0), set.u32(0x3f07).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_segments_with_a_constant_size_or_with_entries() {
        let constant = b"\x3f\x05\0\x04\0\0\x10\0\x3f\x0d\0\x08\0\0\0\0\0\0\0\x05";
        let segment = IndexTableSegment::parse(constant).unwrap();
        assert_eq!((segment.unit_bytes, segment.duration), (4096, 5));
        let entry = b"\x01\xff\x80\0\0\0\0\0\0\x02\0";
        let with_length = |length: u16| {
            let head = [&b"\x3f\x0a"[..], &length.to_be_bytes()].concat();
            let array = b"\0\0\0\x02\0\0\0\x0b";
            IndexTableSegment::parse(&[&head, &array[..], entry, entry].concat())
        };
        for length in [30, 0, u16::MAX] {
            let segment = with_length(length).unwrap();
            assert_eq!(segment.entries.len(), 2, "{length}");
            assert_eq!(segment.entries[1].offset, 512);
            assert!(segment.entries[0].is_keyframe());
        }
        assert_eq!(
            IndexTableSegment::parse(b"\x3f\x0a\0\x08\xff\xff\xff\xff\0\0\0\x0b"),
            None
        );
        assert_eq!(
            IndexTableSegment::parse(b"\x3f\x0a\0\x08\0\0\0\x01\0\0\0\x02ab"),
            None
        );
    }
}
