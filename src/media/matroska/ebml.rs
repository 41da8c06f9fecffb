//! Elements of EBML (RFC 8794) in bytes that were read.
//!
//! Nothing here trusts a size: an element that says it is longer than what holds it makes
//! the whole list unclear, and no number read from a file is ever allocated.

/// Elements in one list that are looked at; a list of more is made to waste time.
const MOST: usize = 4096;
/// Bytes of the longest name and size.
pub(in crate::media) const LONGEST_HEAD: usize = 12;

/// What stands before an element's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Head {
    pub id: u32,
    /// Bytes of content; `None` where the writer did not know.
    pub size: Option<u64>,
    /// Bytes of name and size themselves: 2 to 12.
    pub length: usize,
}

/// An element and what it holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    pub id: u32,
    pub body: &'a [u8],
}

/// Reads an element's name and size; `None` where there is none, or not all of it.
pub(in crate::media) fn head(bytes: &[u8]) -> Option<Head> {
    let (id, id_length) = name(bytes)?;
    let (size, size_length) = number(bytes.get(id_length..)?)?;
    Some(Head {
        id,
        size,
        length: id_length + size_length,
    })
}

/// A name with its marker bits, and how many bytes it has: 1 to 4.
fn name(bytes: &[u8]) -> Option<(u32, usize)> {
    let length = bytes.first()?.leading_zeros() as usize + 1;
    if length > 4 {
        return None;
    }
    let id = bytes.get(..length)?.iter();
    Some((id.fold(0, |id, &byte| id << 8 | u32::from(byte)), length))
}

/// A number of variable length, without its marker bit, and how many bytes it has: 1 to 8.
///
/// All ones stand for a size that is not known.
pub(in crate::media) fn number(bytes: &[u8]) -> Option<(Option<u64>, usize)> {
    let &first = bytes.first()?;
    let length = first.leading_zeros() as usize + 1;
    if length > 8 {
        return None;
    }
    let own = u64::from(first) & ((1 << (8 - length)) - 1);
    let rest = bytes.get(1..length)?.iter();
    let value = rest.fold(own, |value, &byte| value << 8 | u64::from(byte));
    let unknown = (1 << (7 * length)) - 1;
    Some((Some(value).filter(|&value| value != unknown), length))
}

/// The elements in `bytes`; `None` when one is damaged, or there are too many.
pub(super) fn elements(bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut rest = bytes;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (element, after) = first(rest)?;
        if found.len() == MOST {
            return None;
        }
        found.push(element);
        rest = after;
    }
    Some(found)
}

/// The first element in `bytes`, and what follows it.
pub(super) fn first(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let Head { id, size, length } = head(bytes)?;
    let size = usize::try_from(size?).ok()?;
    let (body, after) = bytes.get(length..)?.split_at_checked(size)?;
    Some((Element { id, body }, after))
}

impl Element<'_> {
    /// An unsigned number of up to 8 bytes; none at all are 0.
    pub(super) fn unsigned(&self) -> Option<u64> {
        let number = self.body.iter();
        (self.body.len() <= 8)
            .then(|| number.fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// A number with a point, of 4 or 8 bytes; none at all are 0.
    pub(super) fn float(&self) -> Option<f64> {
        Some(match self.body.len() {
            0 => 0.0,
            4 => f32::from_be_bytes(self.body.try_into().ok()?).into(),
            8 => f64::from_be_bytes(self.body.try_into().ok()?),
            _ => return None,
        })
    }

    /// Text up to the first zero; `None` when it is not text.
    pub(super) fn text(&self) -> Option<String> {
        let text = self.body.split(|&byte| byte == 0).next()?;
        String::from_utf8(text.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_as_the_standard_writes_them() {
        let told = |bytes: &[u8]| head(bytes).map(|head| (head.id, head.size, head.length));
        assert_eq!(told(b"\xec\x83"), Some((0xec, Some(3), 2)));
        assert_eq!(
            told(b"\x1a\x45\xdf\xa3\x40\x02"),
            Some((0x1a45_dfa3, Some(2), 6))
        );
        assert_eq!(told(b"\xa3\xff"), Some((0xa3, None, 2)));
        assert_eq!(
            told(b"\xa3\x01\xff\xff\xff\xff\xff\xff\xff"),
            Some((0xa3, None, 9))
        );
        assert_eq!(told(b"\xa3\x01\0\0\0\0\0\0\x09"), Some((0xa3, Some(9), 9)));
        for bad in [
            &b""[..],
            b"\xa3",
            b"\xa3\x40",
            b"\xa3\0\0\0\0\0\0\0\0\0",
            b"\x08\x81",
        ] {
            assert_eq!(told(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn an_element_longer_than_its_holder_makes_the_list_unclear() {
        let ids = |bytes| -> Option<Vec<u32>> {
            Some(elements(bytes)?.iter().map(|element| element.id).collect())
        };
        assert_eq!(ids(b"\xec\x81x\xb0\x80"), Some(vec![0xec, 0xb0]));
        assert_eq!(ids(b"\xec\x82x"), None);
        assert_eq!(ids(b"\xec\xff"), None);
        assert_eq!(ids(&b"\xec\x80".repeat(MOST + 1)), None);
    }

    #[test]
    fn numbers_and_text_are_of_the_lengths_that_are_allowed() {
        let element = |body| Element { id: 0, body };
        assert_eq!(element(b"\x01\x02").unsigned(), Some(258));
        assert_eq!(element(b"").unsigned(), Some(0));
        assert_eq!(element(&[1; 9]).unsigned(), None);
        assert_eq!(element(b"\x3f\x80\0\0").float(), Some(1.0));
        assert_eq!(element(b"\x3f").float(), None);
        assert_eq!(element(b"ab\0c").text().as_deref(), Some("ab"));
        assert_eq!(element(b"\xff").text(), None);
    }
}
