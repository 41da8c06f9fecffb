//! Boxes of ISO 14496-12 and `QuickTime`, in a slice that was read whole.
//!
//! Nothing here trusts a size: a box that says it is longer than what holds it ends the
//! list, and no number read from a file is ever allocated.

use crate::media::cursor::Cursor;

/// Boxes in one list that are looked at; a list of more is made to waste time.
const MOST: usize = 4096;

/// Four characters that name a box, a codec, a handler.
pub(super) type FourCc = [u8; 4];

/// A box's name and what it holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Boxed<'a> {
    pub kind: FourCc,
    pub body: &'a [u8],
}

/// Size of a box with its header, size of its header, and its name, from its first bytes.
///
/// A size of 0 means "to the end of what holds it", which is `room` bytes from here.
pub(super) fn header(bytes: &[u8], room: u64) -> Option<(u64, u64, FourCc)> {
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

/// The boxes in `bytes`, as far as they are whole.
pub(super) fn boxes(bytes: &[u8]) -> impl Iterator<Item = Boxed<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (size, header, kind) = header(rest, rest.len() as u64)?;
        let (this, next) = rest.split_at(usize::try_from(size).ok()?);
        rest = next;
        Some(Boxed {
            kind,
            body: this.get(usize::try_from(header).ok()?..)?,
        })
    })
    .take(MOST)
}

/// The first box of that name.
pub(super) fn child(bytes: &[u8], kind: FourCc) -> Option<&[u8]> {
    boxes(bytes)
        .find(|boxed| boxed.kind == kind)
        .map(|boxed| boxed.body)
}

/// The box at the end of a path of names.
pub(super) fn descendant<'a>(bytes: &'a [u8], path: &[&FourCc]) -> Option<&'a [u8]> {
    path.iter()
        .try_fold(bytes, |bytes, kind| child(bytes, **kind))
}

/// Version and flags of a full box, and the rest of it.
pub(super) fn full(body: &[u8]) -> Option<(u8, u32, Cursor<'_>)> {
    let mut cursor = Cursor(body);
    let word = cursor.u32()?;
    let version = u8::try_from(word >> 24).ok()?;
    Some((version, word & 0x00ff_ffff, cursor))
}

/// A `meta` box is a full box in ISO files and a plain one in `QuickTime`'s.
pub(super) fn meta(body: &[u8]) -> &[u8] {
    match (body.get(4..8), body.get(8..12)) {
        // A size, then a name: no version stands before them.
        (Some(b"hdlr" | b"keys" | b"ilst"), _) => body,
        (_, Some(_)) => &body[4..],
        _ => &[],
    }
}

/// A number of 64 bits in version 1, of 32 before; all ones mean that it is not known.
pub(super) fn sized(cursor: &mut Cursor<'_>, version: u8) -> Option<u64> {
    let unknown = |is: bool, value: u64| if is { 0 } else { value };
    if version == 1 {
        cursor.u64().map(|value| unknown(value == u64::MAX, value))
    } else {
        cursor
            .u32()
            .map(|value| unknown(value == u32::MAX, u64::from(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_longer_than_its_holder_ends_the_list() {
        let bytes = b"\0\0\0\x09freeX\0\0\0\x0cmdatABCD\0\0\0\xffmoov";
        let names: Vec<_> = boxes(bytes).map(|boxed| boxed.kind).collect();
        assert_eq!(names, [*b"free", *b"mdat"]);
        assert_eq!(child(bytes, *b"mdat"), Some(&b"ABCD"[..]));
    }

    #[test]
    fn sizes_may_be_long_or_open_but_never_shorter_than_their_header() {
        assert_eq!(
            header(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x20", 40),
            Some((32, 16, *b"mdat"))
        );
        assert_eq!(header(b"\0\0\0\0mdat", 40), Some((40, 8, *b"mdat")));
        assert_eq!(header(b"\0\0\0\x07mdat", 40), None);
        assert_eq!(header(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x0f", 40), None);
        assert_eq!(
            header(b"\0\0\0\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff", 40),
            None
        );
    }
}
