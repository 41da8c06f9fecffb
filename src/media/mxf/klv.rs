//! Key, length, value (SMPTE ST 336): what all of an MXF file is made of.

use std::collections::HashMap;

use crate::media::cursor::Cursor;

/// A universal label, or an instance's number.
pub(super) type Label = [u8; 16];

/// What every key begins with.
const SMPTE: [u8; 4] = [0x06, 0x0e, 0x2b, 0x34];
/// Bytes of a key and the longest length.
pub(super) const LONGEST_HEAD: usize = 16 + 9;
/// Properties of one set that are kept; a descriptor has some forty.
const MOST_PROPERTIES: usize = 2000;

/// One item by its place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    pub key: Label,
    /// Where its key begins,
    pub at: u64,
    /// where its value does,
    pub value: u64,
    /// and how long that is.
    pub length: u64,
}

impl Item {
    /// Reads key and length of an item that begins at `at`; `None` when the bytes are none.
    pub(super) fn new(bytes: &[u8], at: u64) -> Option<Self> {
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

    /// Where the next item begins.
    pub(super) fn end(&self) -> u64 {
        self.value.saturating_add(self.length)
    }

    /// Whether it is a piece of picture, sound or data, or tells of one (ST 379-1 7.1).
    pub(super) fn is_essence(&self) -> bool {
        self.is_element()
            || self.key[4..13] == [0x02, 0x05, 0x01, 0x01, 0x0d, 0x01, 0x03, 0x01, 0x04]
            || self.key[4..13] == [0x02, 0x53, 0x01, 0x01, 0x0d, 0x01, 0x03, 0x01, 0x14]
    }

    /// A piece of picture, sound or data itself: SMPTE's or Avid's.
    fn is_element(&self) -> bool {
        self.key[4..12] == [0x01, 0x02, 0x01, 0x01, 0x0d, 0x01, 0x03, 0x01]
            || self.key[4..12] == [0x01, 0x02, 0x01, 0x01, 0x0e, 0x04, 0x03, 0x01]
    }

    /// Whether it is a piece of the track with this number.
    pub(super) fn is_of(&self, track: [u8; 4]) -> bool {
        self.is_element() && self.key[12..] == track
    }
}

/// The local tags of a partition and what they stand for (ST 377-1 9.2).
#[derive(Debug, Default)]
pub(super) struct Primer(HashMap<u16, Label>);

impl Primer {
    /// Reads a primer pack.
    pub(super) fn new(value: &[u8]) -> Option<Self> {
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

/// The properties of one set: what a clip, a track or a descriptor says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Set {
    /// Byte 14 of its key: which kind of set it is.
    pub kind: u8,
    properties: Vec<(u16, Label, Vec<u8>)>,
}

impl Set {
    /// Reads a local set with tags and lengths of two bytes.
    pub(super) fn new(kind: u8, value: &[u8], primer: &Primer) -> Option<Self> {
        let mut set = Self {
            kind,
            properties: Vec::new(),
        };
        let mut cursor = Cursor(value);
        while cursor.0.len() > 4 && set.properties.len() < MOST_PROPERTIES {
            let (tag, length) = (cursor.u16()?, cursor.u16()?);
            let value = cursor.take(length.into())?;
            // Those without a meaning of their own are explained by the primer.
            let meaning = primer.0.get(&tag).filter(|_| tag >= 0x8000);
            if length > 0 {
                let meaning = meaning.copied().unwrap_or_default();
                set.properties.push((tag, meaning, value.to_vec()));
            }
        }
        Some(set)
    }

    /// What a tag holds; the last word counts.
    pub(super) fn value(&self, tag: u16) -> Option<&[u8]> {
        let mut from_last = self.properties.iter().rev();
        let found = from_last.find(|(other, _, _)| *other == tag)?;
        Some(&found.2)
    }

    /// What a property without a fixed tag holds.
    pub(super) fn meant(&self, meaning: &Label) -> Option<&[u8]> {
        let mut from_last = self.properties.iter().rev();
        let found = from_last.find(|(tag, other, _)| *tag >= 0x8000 && other == meaning)?;
        Some(&found.2)
    }

    /// Tags and values as they come.
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

    /// Two numbers, of which neither is zero.
    pub(super) fn ratio(&self, tag: u16) -> Option<(u32, u32)> {
        let mut cursor = self.cursor(tag)?;
        let (wide, high) = (cursor.u32()?, cursor.u32()?);
        let is_sane = |number: u32| number > 0 && i32::try_from(number).is_ok();
        (is_sane(wide) && is_sane(high)).then_some((wide, high))
    }

    /// An array of references to other sets.
    pub(super) fn references(&self, tag: u16) -> Vec<Label> {
        self.value(tag).map(references).unwrap_or_default()
    }

    /// Text in UTF-16, up to a zero.
    pub(super) fn text(&self, tag: u16) -> Option<String> {
        self.value(tag).map(text)
    }
}

/// The labels of an array, as far as they are there.
pub(super) fn references(value: &[u8]) -> Vec<Label> {
    let mut cursor = Cursor(value);
    let (Some(count), Some(_)) = (cursor.u32(), cursor.u32()) else {
        return Vec::new();
    };
    std::iter::from_fn(|| cursor.array())
        .take(usize::try_from(count).unwrap_or(0))
        .collect()
}

/// Text in UTF-16, most significant byte first, up to a zero.
pub(super) fn text(value: &[u8]) -> String {
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
    fn lengths_are_short_or_long_and_never_open() {
        let item = |length: &[u8]| {
            let key = [&SMPTE[..], &[1; 12]].concat();
            Item::new(&[&key, length].concat(), 100)
        };
        let place = |length: &[u8]| item(length).map(|item| (item.value, item.length));
        assert_eq!(place(&[0x7f]), Some((117, 127)));
        assert_eq!(place(&[0x83, 0, 1, 2]), Some((120, 258)));
        assert_eq!(place(&[0x83, 0, 1]), None);
        assert_eq!(place(&[0x80]), None);
        assert_eq!(place(&[0x89, 0, 0, 0, 0, 0, 0, 0, 0, 1]), None);
        assert_eq!(place(&[&[0x88][..], &[0xff; 8]].concat()), None);
        assert_eq!(Item::new(&[0; 30], 0), None);
    }

    #[test]
    fn a_set_gives_its_last_word_and_explains_its_own_tags() {
        let primer = [0, 0, 0, 1, 0, 0, 0, 18, 0x80, 1].to_vec();
        let primer = Primer::new(&[primer, vec![7; 16]].concat()).unwrap();
        let value = b"\x48\x02\0\x06\0A\0\0\0B\x48\x01\0\x04\0\0\0\x01\x48\x01\0\x04\0\0\0\x02\x80\x01\0\x01!";
        let set = Set::new(0x3b, value, &primer).unwrap();
        assert_eq!(set.text(0x4802).as_deref(), Some("A"));
        assert_eq!(set.u32(0x4801), Some(2));
        assert_eq!(set.meant(&[7; 16]), Some(&b"!"[..]));
        assert_eq!(set.value(0x4804), None);
        assert_eq!(Set::new(0x3b, &value[..8], &primer), None);
    }
}
