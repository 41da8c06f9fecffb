//! Where a file keeps its header: one walk along its outermost boxes, by their sizes alone.
//!
//! `mdat` is stepped over, so a 200 GB file costs what a small one does: a read for each
//! box that was not already read, most often none or one.

use std::io;

use super::boxes::{FourCc, boxes, child, header};
use crate::source_file::Original;

/// A `moov` of more, or so much in all fragments' headers, is left to ffprobe: 10 hours take
/// about 20 MB.
const MOST_MOVIE: u64 = 64 * 1024 * 1024;
/// Fragments that are read; of a file with more, ffprobe tells.
const MOST_FRAGMENTS: usize = 400;
/// Outermost boxes that are looked at.
const MOST_BOXES: usize = 2000;
/// XMP packets are kilobytes; one with embedded thumbnails may reach this.
const MOST_XMP: u64 = 1024 * 1024;
/// Read at once where a box begins: most headers are smaller.
const AHEAD: u64 = 64 * 1024;

/// The marker of an XMP packet in a `uuid` box (Adobe XMP specification, part 3).
const XMP: [u8; 16] = *b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac";

/// The parts of a file that describe it.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// First brand of `ftyp`.
    pub brand: Option<FourCc>,
    /// Whether `ftyp` names `qt  ` at all.
    pub is_quicktime: bool,
    /// What `moov` holds.
    pub movie: Vec<u8>,
    /// Where each `moof` begins, and what it holds.
    pub fragments: Vec<(u64, Vec<u8>)>,
    /// An XMP packet.
    pub xmp: Option<Vec<u8>>,
}

/// Walks a file's outermost boxes; `None` when it is no such file or too much of one.
///
/// # Errors
/// When the drive fails, not when the file does.
pub(super) fn layout(original: &mut Original) -> io::Result<Option<Layout>> {
    let size = original.size();
    let mut layout = Layout::default();
    let mut at = 0;
    let mut fragment_bytes = 0;
    for number in 0..MOST_BOXES {
        // Once everything needed is known, only what was read already is looked at.
        let is_enough = !layout.movie.is_empty() && !layout.is_fragmented();
        if at + 8 > size || (is_enough && original.kept(at, 8).is_none()) {
            break;
        }
        let first = peek(original, at)?;
        let Some((length, head, kind)) = header(&first, size - at) else {
            // Half a box at the end: an unfinished copy, or padding.
            break;
        };
        if number == 0 && !is_first(kind) {
            return Ok(None);
        }
        let body = at + head;
        let room = length - head;
        match &kind {
            b"ftyp" => layout.read_brands(&read(original, body, room.min(4096))?),
            b"moov" if layout.movie.is_empty() => {
                if room > MOST_MOVIE {
                    return Ok(None);
                }
                layout.movie = read(original, body, room)?;
                if child(&layout.movie, *b"cmov").is_some() {
                    return Ok(None);
                }
            }
            b"moof" => {
                fragment_bytes += room;
                let is_full = layout.fragments.len() == MOST_FRAGMENTS;
                if fragment_bytes > MOST_MOVIE || is_full {
                    return Ok(None);
                }
                let fragment = read(original, body, room)?;
                layout.fragments.push((at, fragment));
            }
            b"uuid" if (16..MOST_XMP).contains(&room) && layout.xmp.is_none() => {
                let marker = read(original, body, 16)?;
                if marker == XMP {
                    layout.xmp = Some(read(original, body + 16, room - 16)?);
                }
            }
            _ => {}
        }
        at += length;
    }
    Ok((!layout.movie.is_empty()).then_some(layout))
}

impl Layout {
    fn is_fragmented(&self) -> bool {
        child(&self.movie, *b"mvex").is_some()
    }

    fn read_brands(&mut self, body: &[u8]) {
        self.brand = body.first_chunk().copied();
        let mut brands = body.chunks_exact(4);
        self.is_quicktime = brands.any(|brand| brand == b"qt  ");
    }
}

/// The first bytes of a box, read generously where they were not read already.
fn peek(original: &mut Original, at: u64) -> io::Result<Vec<u8>> {
    let rest = original.size() - at;
    let needed = usize::try_from(rest.min(16)).unwrap_or(16);
    if let Some(kept) = original.kept(at, needed) {
        return Ok(kept.to_vec());
    }
    let ahead = usize::try_from(rest.min(AHEAD)).unwrap_or(needed);
    let bytes = original.read(at, ahead)?;
    let first = bytes[..needed].to_vec();
    original.keep(at, bytes);
    Ok(first)
}

fn read(original: &Original, at: u64, length: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(length).map_err(|_| io::ErrorKind::UnexpectedEof)?;
    original.read(at, length)
}

/// A box that such a file may begin with.
fn is_first(kind: FourCc) -> bool {
    matches!(
        &kind,
        b"ftyp" | b"moov" | b"mdat" | b"wide" | b"free" | b"skip" | b"pnot" | b"styp" | b"uuid"
    )
}

/// What each `trak` of a movie holds.
pub(super) fn tracks(movie: &[u8]) -> impl Iterator<Item = &[u8]> {
    boxes(movie)
        .filter(|boxed| boxed.kind == *b"trak")
        .map(|boxed| boxed.body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, SeekFrom, Write};

    #[test]
    fn fragments_that_fill_the_memory_are_left_to_ffprobe() {
        const LENGTH: u32 = 8 * 1024 * 1024;
        let layout_of = |fragments: u32| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            let head = b"\0\0\0\x08ftyp\0\0\0\x10moov\0\0\0\x08mvex";
            file.write_all(head).unwrap();
            for _ in 0..fragments {
                file.write_all(&LENGTH.to_be_bytes()).unwrap();
                file.write_all(b"moof").unwrap();
                file.seek(SeekFrom::Current(i64::from(LENGTH) - 8)).unwrap();
            }
            let end = file.stream_position().unwrap();
            file.as_file().set_len(end).unwrap();
            layout(&mut Original::open(file.path()).unwrap()).unwrap()
        };
        assert_eq!(layout_of(2).unwrap().fragments.len(), 2);
        assert!(layout_of(9).is_none());
    }
}
