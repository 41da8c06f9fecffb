//! Parser for EBML elements (RFC 8794).
//!
//! Sizes are not trusted. An element longer than its parent makes the whole list invalid, and no
//! number from the file determines the size of an allocation.

/// Maximum number of elements in one list. A longer list is treated as malicious.
const MAX_ELEMENTS: usize = 4096;
/// Maximum length of an element's id and size in bytes.
pub(in crate::media) const MAX_HEAD: usize = 12;

/// Id and size of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct ElementHead {
    pub id: u32,
    /// Length of the content in bytes; `None` for an unknown size.
    pub size: Option<u64>,
    /// Length of the id and size fields in bytes: 2 to 12.
    pub length: usize,
}

/// Element with its content.
#[derive(Debug, Clone, Copy)]
pub(super) struct EbmlElement<'a> {
    pub id: u32,
    pub body: &'a [u8],
}

/// Parses the id and size of an element; `None` if they are invalid or incomplete.
pub(in crate::media) fn parse_head(bytes: &[u8]) -> Option<ElementHead> {
    let (id, id_length) = parse_id(bytes)?;
    let (size, size_length) = parse_number(bytes.get(id_length..)?)?;
    Some(ElementHead {
        id,
        size,
        length: id_length + size_length,
    })
}

/// Parses an element id. Returns it with its marker bits, and its length of 1 to 4 bytes.
fn parse_id(bytes: &[u8]) -> Option<(u32, usize)> {
    let length = bytes.first()?.leading_zeros() as usize + 1;
    if length > 4 {
        return None;
    }
    let id = bytes.get(..length)?.iter();
    Some((id.fold(0, |id, &byte| id << 8 | u32::from(byte)), length))
}

/// Parses a variable-length number. Returns it without its marker bit, and its length of 1 to 8
/// bytes. The number is `None` for all ones, which mark an unknown size.
pub(in crate::media) fn parse_number(bytes: &[u8]) -> Option<(Option<u64>, usize)> {
    let &first_byte = bytes.first()?;
    let length = first_byte.leading_zeros() as usize + 1;
    if length > 8 {
        return None;
    }
    let first_bits = u64::from(first_byte) & ((1 << (8 - length)) - 1);
    let rest = bytes.get(1..length)?.iter();
    let value = rest.fold(first_bits, |value, &byte| value << 8 | u64::from(byte));
    let unknown = (1 << (7 * length)) - 1;
    Some((Some(value).filter(|&value| value != unknown), length))
}

/// Parses all elements in `bytes`; `None` if one is damaged or there are too many.
pub(super) fn parse_elements(bytes: &[u8]) -> Option<Vec<EbmlElement<'_>>> {
    let mut rest = bytes;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (element, after) = parse_first(rest)?;
        if found.len() == MAX_ELEMENTS {
            return None;
        }
        found.push(element);
        rest = after;
    }
    Some(found)
}

/// Parses the first element in `bytes` and returns it with the bytes that follow.
pub(super) fn parse_first(bytes: &[u8]) -> Option<(EbmlElement<'_>, &[u8])> {
    let ElementHead { id, size, length } = parse_head(bytes)?;
    let size = usize::try_from(size?).ok()?;
    let (body, after) = bytes.get(length..)?.split_at_checked(size)?;
    Some((EbmlElement { id, body }, after))
}

impl EbmlElement<'_> {
    /// Returns an unsigned integer of up to 8 bytes; 0 if the element is empty.
    pub(super) fn unsigned(&self) -> Option<u64> {
        let number = self.body.iter();
        (self.body.len() <= 8)
            .then(|| number.fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// Returns a floating-point number of 4 or 8 bytes; 0 if the element is empty.
    pub(super) fn float(&self) -> Option<f64> {
        Some(match self.body.len() {
            0 => 0.0,
            4 => f32::from_be_bytes(self.body.try_into().ok()?).into(),
            8 => f64::from_be_bytes(self.body.try_into().ok()?),
            _ => return None,
        })
    }

    /// Returns the text before the first NUL; `None` if it is not UTF-8.
    pub(super) fn text(&self) -> Option<String> {
        let text = self.body.split(|&byte| byte == 0).next()?;
        String::from_utf8(text.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_ids_and_sizes() {
        let parsed = |bytes: &[u8]| parse_head(bytes).map(|head| (head.id, head.size, head.length));
        assert_eq!(parsed(b"\xec\x83"), Some((0xec, Some(3), 2)));
        assert_eq!(
            parsed(b"\x1a\x45\xdf\xa3\x40\x02"),
            Some((0x1a45_dfa3, Some(2), 6))
        );
        assert_eq!(parsed(b"\xa3\xff"), Some((0xa3, None, 2)));
        assert_eq!(
            parsed(b"\xa3\x01\xff\xff\xff\xff\xff\xff\xff"),
            Some((0xa3, None, 9))
        );
        assert_eq!(
            parsed(b"\xa3\x01\0\0\0\0\0\0\x09"),
            Some((0xa3, Some(9), 9))
        );
        for bad in [
            &b""[..],
            b"\xa3",
            b"\xa3\x40",
            b"\xa3\0\0\0\0\0\0\0\0\0",
            b"\x08\x81",
        ] {
            assert_eq!(parsed(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn rejects_a_list_with_an_element_longer_than_its_parent() {
        let ids = |bytes| -> Option<Vec<u32>> {
            Some(
                parse_elements(bytes)?
                    .iter()
                    .map(|element| element.id)
                    .collect(),
            )
        };
        assert_eq!(ids(b"\xec\x81x\xb0\x80"), Some(vec![0xec, 0xb0]));
        assert_eq!(ids(b"\xec\x82x"), None);
        assert_eq!(ids(b"\xec\xff"), None);
        assert_eq!(ids(&b"\xec\x80".repeat(MAX_ELEMENTS + 1)), None);
    }

    #[test]
    fn parses_numbers_and_text_of_valid_lengths() {
        let element = |body| EbmlElement { id: 0, body };
        assert_eq!(element(b"\x01\x02").unsigned(), Some(258));
        assert_eq!(element(b"").unsigned(), Some(0));
        assert_eq!(element(&[1; 9]).unsigned(), None);
        assert_eq!(element(b"\x3f\x80\0\0").float(), Some(1.0));
        assert_eq!(element(b"\x3f").float(), None);
        assert_eq!(element(b"ab\0c").text().as_deref(), Some("ab"));
        assert_eq!(element(b"\xff").text(), None);
    }
}
