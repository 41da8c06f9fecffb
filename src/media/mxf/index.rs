//! Index tables: where each edit unit of an essence container begins (ST 377-1 11).

use super::klv::{Item, Set};
use crate::media::cursor::Cursor;

/// One piece of an index table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Segment {
    /// The number of the table,
    pub index: u32,
    /// and of the essence that it is of.
    pub body: u32,
    /// The first edit unit, and how many there are; 0 where that is left open.
    pub start: u64,
    pub duration: u64,
    /// Bytes of each edit unit, where all have as many.
    pub unit_bytes: u32,
    pub entries: Vec<Entry>,
}

/// One edit unit, in the order of storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// How many units after this one the picture is stored that is shown at its place.
    pub shift: i8,
    /// Bits 4 and 5: it needs pictures before or after it.
    pub flags: u8,
    /// Bytes of the essence container before it.
    pub offset: u64,
}

impl Entry {
    pub(super) fn is_key(&self) -> bool {
        self.flags & 0x30 == 0
    }
}

/// Whether an item is a piece of an index table.
pub(super) fn is_segment(item: &Item) -> bool {
    item.key[4..]
        == [
            0x02, 0x53, 0x01, 0x01, 0x0d, 0x01, 0x02, 0x01, 0x01, 0x10, 0x01, 0x00,
        ]
}

impl Segment {
    /// Reads a piece; its array of entries may be longer than its tag's two bytes can say.
    pub(super) fn new(value: &[u8]) -> Option<Self> {
        let mut segment = Self::default();
        let mut cursor = Cursor(value);
        while cursor.0.len() > 4 {
            let (tag, length) = (cursor.u16()?, cursor.u16()?);
            let all = cursor;
            let mut own = Cursor(match cursor.take(length.into()) {
                Some(own) => own,
                // Avid writes arrays beyond what a length of two bytes can measure.
                None if tag == 0x3f0a => all.0,
                None => return None,
            });
            match tag {
                0x3f05 => segment.unit_bytes = own.u32()?,
                0x3f06 => segment.index = own.u32()?,
                0x3f07 => segment.body = own.u32()?,
                0x3f0c => segment.start = own.u64()?,
                0x3f0d => segment.duration = own.u64()?,
                0x3f0a => {
                    let (entries, after) = entries(all)?;
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

    /// How many entries there are to an edit unit: Avid writes one for each field, and one
    /// more for the end.
    pub(super) fn step(&self) -> usize {
        let doubled = self
            .duration
            .checked_mul(2)
            .and_then(|all| all.checked_add(1));
        if doubled == Some(self.entries.len() as u64) {
            2
        } else {
            1
        }
    }
}

/// An array of entries, and what follows it.
fn entries(mut cursor: Cursor<'_>) -> Option<(Vec<Entry>, Cursor<'_>)> {
    let (count, size) = (cursor.u32()?, cursor.u32()?);
    let (count, size) = (usize::try_from(count).ok()?, usize::try_from(size).ok()?);
    let bytes = cursor.take(count.checked_mul(size)?)?;
    if count > 0 && size < 11 {
        return None;
    }
    let entry = |bytes: &[u8]| {
        let mut cursor = Cursor(bytes);
        let shift = cursor.u8()?.cast_signed();
        cursor.skip(1)?;
        Some(Entry {
            shift,
            flags: cursor.u8()?,
            offset: cursor.u64()?,
        })
    };
    let entries = bytes.chunks_exact(size.max(1)).map(entry);
    Some((entries.collect::<Option<_>>()?, cursor))
}

/// The number of the index table and of the essence of a set that ties them to a package.
pub(super) fn numbers(set: &Set) -> (u32, u32) {
    (set.u32(0x3f06).unwrap_or(0), set.u32(0x3f07).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_holds_a_constant_size_or_entries() {
        let constant = b"\x3f\x05\0\x04\0\0\x10\0\x3f\x0d\0\x08\0\0\0\0\0\0\0\x05";
        let segment = Segment::new(constant).unwrap();
        assert_eq!((segment.unit_bytes, segment.duration), (4096, 5));
        let entry = b"\x01\xff\x80\0\0\0\0\0\0\x02\0";
        let with_length = |length: u16| {
            let head = [&b"\x3f\x0a"[..], &length.to_be_bytes()].concat();
            let array = b"\0\0\0\x02\0\0\0\x0b";
            Segment::new(&[&head, &array[..], entry, entry].concat())
        };
        for length in [30, 0, u16::MAX] {
            let segment = with_length(length).unwrap();
            assert_eq!(segment.entries.len(), 2, "{length}");
            assert_eq!(segment.entries[1].offset, 512);
            assert!(segment.entries[0].is_key());
        }
        assert_eq!(
            Segment::new(b"\x3f\x0a\0\x08\xff\xff\xff\xff\0\0\0\x0b"),
            None
        );
        assert_eq!(Segment::new(b"\x3f\x0a\0\x08\0\0\0\x01\0\0\0\x02ab"), None);
    }
}
