//! Parser for key-length-value items (SMPTE ST 336), of which an MXF file consists.

use std::collections::HashMap;

use crate::media::cursor::Cursor;
use crate::value::Rate;

/// Universal label or instance id.
pub(super) type Label = [u8; 16];

/// First bytes of every key.
const SMPTE: [u8; 4] = [0x06, 0x0e, 0x2b, 0x34];
/// Maximum size of a key and its length in bytes.
pub(super) const MAX_HEAD: usize = 16 + 9;
/// Maximum number of properties stored of a set; a descriptor has about forty.
const MAX_PROPERTIES: usize = 2000;

/// Position and length of an item in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KlvItem {
    pub key: Label,
    /// File offset of the key.
    pub at: u64,
    /// File offset of the value.
    pub value: u64,
    /// Length of the value in bytes.
    pub length: u64,
}

impl KlvItem {
    /// Parses the key and length of an item at file offset `at`; `None` if the bytes are not an
    /// item.
    pub(super) fn parse(bytes: &[u8], at: u64) -> Option<Self> {
        let (key, rest) = bytes.split_first_chunk::<16>()?;
        if !key.starts_with(&SMPTE) {
            return None;
        }
        let (&first, rest) = rest.split_first()?;
        let (head, length) = match first {
            0..=0x7f => (17, u64::from(first)),
            0x81..=0x88 => {
                let count = usize::from(first & 0x7f);
                let digits = rest.get(..count)?;
                let length = digits
                    .iter()
                    .fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte));
                (17 + count as u64, length)
            }
            _ => return None,
        };
        let value = at.checked_add(head)?;
        value.checked_add(length)?;
        Some(Self {
            key: *key,
            at,
            value,
            length,
        })
    }

    /// Returns the file offset of the next item.
    pub(super) fn end(&self) -> u64 {
        self.value.saturating_add(self.length)
    }

    /// Returns true for picture, sound and data elements, and for system items (ST 379-1 7.1).
    pub(super) fn is_essence(&self) -> bool {
        self.is_element()
            || self.key[4..13] == [0x02, 0x05, 0x01, 0x01, 0x0d, 0x01, 0x03, 0x01, 0x04]
            || self.key[4..13] == [0x02, 0x53, 0x01, 0x01, 0x0d, 0x01, 0x03, 0x01, 0x14]
    }

    /// Returns true for a picture, sound or data element with SMPTE's or Avid's key.
    fn is_element(&self) -> bool {
        self.key[4..12] == [0x01, 0x02, 0x01, 0x01, 0x0d, 0x01, 0x03, 0x01]
            || self.key[4..12] == [0x01, 0x02, 0x01, 0x01, 0x0e, 0x04, 0x03, 0x01]
    }

    /// Returns true for an essence element of the track with number `track`.
    pub(super) fn is_element_of(&self, track: [u8; 4]) -> bool {
        self.is_element() && self.key[12..] == track
    }
}

/// Mapping from the local tags of a partition to labels (ST 377-1 9.2).
#[derive(Debug, Default)]
pub(super) struct Primer(HashMap<u16, Label>);

impl Primer {
    /// Parses a primer pack.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let mut cursor = Cursor(value);
        let (count, size) = (cursor.u32()?, cursor.u32()?);
        if size != 18 {
            return None;
        }
        let mut tags = HashMap::new();
        for _ in 0..count {
            tags.insert(cursor.u16()?, cursor.array()?);
        }
        Some(Self(tags))
    }
}

/// Properties of a clip, track, descriptor or other metadata set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LocalSet {
    /// Byte 14 of the key, which identifies the kind of set.
    pub kind: u8,
    properties: Vec<(u16, Label, Vec<u8>)>,
}

impl LocalSet {
    /// Parses a local set with tags and lengths of two bytes.
    pub(super) fn parse(kind: u8, value: &[u8], primer: &Primer) -> Option<Self> {
        let mut set = Self {
            kind,
            properties: Vec::new(),
        };
        let mut cursor = Cursor(value);
        while cursor.0.len() > 4 && set.properties.len() < MAX_PROPERTIES {
            let (tag, length) = (cursor.u16()?, cursor.u16()?);
            let value = cursor.take(length.into())?;
            // The primer defines the dynamic tags.
            let label = primer.0.get(&tag).filter(|_| tag >= 0x8000);
            if length > 0 {
                let label = label.copied().unwrap_or_default();
                set.properties.push((tag, label, value.to_vec()));
            }
        }
        Some(set)
    }

    /// Returns the value of a tag; the last one if it is repeated.
    pub(super) fn value(&self, tag: u16) -> Option<&[u8]> {
        let mut from_last = self.properties.iter().rev();
        let found = from_last.find(|(other, _, _)| *other == tag)?;
        Some(&found.2)
    }

    /// Returns the value of a property with a dynamic tag, given its label.
    pub(super) fn value_by_label(&self, label: &Label) -> Option<&[u8]> {
        let mut from_last = self.properties.iter().rev();
        let found = from_last.find(|(tag, other, _)| *tag >= 0x8000 && other == label)?;
        Some(&found.2)
    }

    /// Iterates over the tags and values in storage order.
    pub(super) fn values(&self) -> impl Iterator<Item = (u16, &[u8])> {
        self.properties
            .iter()
            .map(|(tag, _, value)| (*tag, value.as_slice()))
    }

    pub(super) fn cursor(&self, tag: u16) -> Option<Cursor<'_>> {
        self.value(tag).map(Cursor)
    }

    pub(super) fn u8(&self, tag: u16) -> Option<u8> {
        self.cursor(tag)?.u8()
    }

    pub(super) fn u32(&self, tag: u16) -> Option<u32> {
        self.cursor(tag)?.u32()
    }

    pub(super) fn i64(&self, tag: u16) -> Option<i64> {
        self.cursor(tag)?.i64()
    }

    pub(super) fn label(&self, tag: u16) -> Option<Label> {
        self.cursor(tag)?.array()
    }

    /// Returns a fraction; `None` if either number is zero.
    pub(super) fn ratio(&self, tag: u16) -> Option<(u32, u32)> {
        let mut cursor = self.cursor(tag)?;
        let (numerator, denominator) = (cursor.u32()?, cursor.u32()?);
        let is_valid = |number: u32| number > 0 && i32::try_from(number).is_ok();
        (is_valid(numerator) && is_valid(denominator)).then_some((numerator, denominator))
    }

    /// Returns a rate, such as the number of edit units per second.
    pub(super) fn rate(&self, tag: u16) -> Option<Rate> {
        let (numerator, denominator) = self.ratio(tag)?;
        Rate::new(numerator, denominator)
    }

    /// Returns the ids of referenced sets.
    pub(super) fn references(&self, tag: u16) -> Vec<Label> {
        self.value(tag).map(parse_references).unwrap_or_default()
    }

    /// Returns UTF-16 text before the first NUL.
    pub(super) fn text(&self, tag: u16) -> Option<String> {
        self.value(tag).map(decode_utf16)
    }
}

/// Parses an array of ids up to its end or the end of the bytes.
pub(super) fn parse_references(value: &[u8]) -> Vec<Label> {
    let mut cursor = Cursor(value);
    let (Some(count), Some(_)) = (cursor.u32(), cursor.u32()) else {
        return Vec::new();
    };
    std::iter::from_fn(|| cursor.array())
        .take(usize::try_from(count).unwrap_or(0))
        .collect()
}

/// Decodes big-endian UTF-16 text before the first NUL.
pub(super) fn decode_utf16(value: &[u8]) -> String {
    let units = value
        .chunks_exact(2)
        .map(|two| u16::from_be_bytes([two[0], two[1]]))
        .take_while(|&unit| unit != 0);
    char::decode_utf16(units).map_while(Result::ok).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_short_and_long_lengths_and_rejects_indefinite_ones() {
        let item = |length: &[u8]| {
            let key = [&SMPTE[..], &[1; 12]].concat();
            KlvItem::parse(&[&key, length].concat(), 100)
        };
        let value_range = |length: &[u8]| item(length).map(|item| (item.value, item.length));
        assert_eq!(value_range(&[0x7f]), Some((117, 127)));
        assert_eq!(value_range(&[0x83, 0, 1, 2]), Some((120, 258)));
        assert_eq!(value_range(&[0x83, 0, 1]), None);
        assert_eq!(value_range(&[0x80]), None);
        assert_eq!(value_range(&[0x89, 0, 0, 0, 0, 0, 0, 0, 0, 1]), None);
        assert_eq!(value_range(&[&[0x88][..], &[0xff; 8]].concat()), None);
        assert_eq!(KlvItem::parse(&[0; 30], 0), None);
    }

    #[test]
    fn returns_the_last_value_of_a_tag_and_resolves_dynamic_tags() {
        let primer = [0, 0, 0, 1, 0, 0, 0, 18, 0x80, 1].to_vec();
        let primer = Primer::parse(&[primer, vec![7; 16]].concat()).unwrap();
        let value = b"\x48\x02\0\x06\0A\0\0\0B\x48\x01\0\x04\0\0\0\x01\x48\x01\0\x04\0\0\0\x02\x80\x01\0\x01!";
        let set = LocalSet::parse(0x3b, value, &primer).unwrap();
        assert_eq!(set.text(0x4802).as_deref(), Some("A"));
        assert_eq!(set.u32(0x4801), Some(2));
        assert_eq!(set.value_by_label(&[7; 16]), Some(&b"!"[..]));
        assert_eq!(set.value(0x4804), None);
        assert_eq!(LocalSet::parse(0x3b, &value[..8], &primer), None);
    }
}
