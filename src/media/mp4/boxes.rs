//! Parser for the boxes of ISO 14496-12 and `QuickTime`, for bytes that are in memory.
//!
//! Sizes are not trusted. A box longer than its container ends the list, and no number from the
//! file determines the size of an allocation.

use crate::media::cursor::Cursor;

/// Maximum number of boxes read from one list, to limit the time that a malformed file takes.
const MAX_BOXES: usize = 4096;

/// Four-character code of a box, a codec or a handler.
pub(super) type FourCc = [u8; 4];

/// Box with its type and body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mp4Box<'a> {
    pub kind: FourCc,
    pub body: &'a [u8],
}

/// Parses a box header. Returns the size of the box with its header, the size of the header, and
/// the type.
///
/// A size of 0 means that the box extends to the end of the container, which has `room` bytes left.
pub(super) fn parse_header(bytes: &[u8], room: u64) -> Option<(u64, u64, FourCc)> {
    let mut cursor = Cursor(bytes);
    let size = cursor.u32()?;
    let kind = cursor.array()?;
    let (size, header) = match size {
        0 => (room, 8),
        1 => (cursor.u64()?, 16),
        size => (u64::from(size), 8),
    };
    (size >= header && size <= room).then_some((size, header, kind))
}

/// Iterates over the boxes in `bytes`, up to the first incomplete one.
pub(super) fn boxes(bytes: &[u8]) -> impl Iterator<Item = Mp4Box<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (size, header, kind) = parse_header(rest, rest.len() as u64)?;
        let (first, next) = rest.split_at(usize::try_from(size).ok()?);
        rest = next;
        Some(Mp4Box {
            kind,
            body: first.get(usize::try_from(header).ok()?..)?,
        })
    })
    .take(MAX_BOXES)
}

/// Returns the body of the first box of type `kind`.
pub(super) fn child(bytes: &[u8], kind: FourCc) -> Option<&[u8]> {
    boxes(bytes)
        .find(|boxed| boxed.kind == kind)
        .map(|boxed| boxed.body)
}

/// Returns the body of the box at the end of a path of types.
pub(super) fn descendant<'a>(bytes: &'a [u8], path: &[&FourCc]) -> Option<&'a [u8]> {
    path.iter()
        .try_fold(bytes, |bytes, kind| child(bytes, **kind))
}

/// Splits the body of a full box into version, flags and the rest.
pub(super) fn full_box(body: &[u8]) -> Option<(u8, u32, Cursor<'_>)> {
    let mut cursor = Cursor(body);
    let word = cursor.u32()?;
    let version = u8::try_from(word >> 24).ok()?;
    Some((version, word & 0x00ff_ffff, cursor))
}

/// Returns the contents of a `meta` box, which is a full box in ISO files and a plain box in
/// `QuickTime` files.
pub(super) fn meta_contents(body: &[u8]) -> &[u8] {
    match (body.get(4..8), body.get(8..12)) {
        // A size, then a type: no version precedes them.
        (Some(b"hdlr" | b"keys" | b"ilst"), _) => body,
        (_, Some(_)) => &body[4..],
        _ => &[],
    }
}

/// Reads a number of 64 bits in version 1, otherwise of 32 bits. All ones mean unknown, which is
/// returned as 0.
pub(super) fn read_versioned(cursor: &mut Cursor<'_>, version: u8) -> Option<u64> {
    let zero_if = |is_unknown: bool, value: u64| if is_unknown { 0 } else { value };
    if version == 1 {
        cursor.u64().map(|value| zero_if(value == u64::MAX, value))
    } else {
        cursor
            .u32()
            .map(|value| zero_if(value == u32::MAX, u64::from(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_longer_than_its_container_ends_the_list() {
        let bytes = b"\0\0\0\x09freeX\0\0\0\x0cmdatABCD\0\0\0\xffmoov";
        let names: Vec<_> = boxes(bytes).map(|boxed| boxed.kind).collect();
        assert_eq!(names, [*b"free", *b"mdat"]);
        assert_eq!(child(bytes, *b"mdat"), Some(&b"ABCD"[..]));
    }

    #[test]
    fn sizes_may_be_long_or_open_but_never_shorter_than_their_header() {
        assert_eq!(
            parse_header(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x20", 40),
            Some((32, 16, *b"mdat"))
        );
        assert_eq!(parse_header(b"\0\0\0\0mdat", 40), Some((40, 8, *b"mdat")));
        assert_eq!(parse_header(b"\0\0\0\x07mdat", 40), None);
        assert_eq!(parse_header(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x0f", 40), None);
        assert_eq!(
            parse_header(b"\0\0\0\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff", 40),
            None
        );
    }
}
