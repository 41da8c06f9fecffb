//! Top-level boxes of a file, found in one pass over their headers.
//!
//! `mdat` is skipped, so a file of 200 GB takes as long as a small one: one read for each box that
//! is not stored yet, usually none or one.

use std::io;

use super::boxes::{FourCc, boxes, child, parse_header};
use crate::source_file::Original;

/// Maximum size in bytes of `moov`, and of all fragment headers together. A recording of 10 hours
/// takes about 20 MB. Files with more are left to ffprobe.
const MAX_MOVIE: u64 = 64 * 1024 * 1024;
/// Maximum number of fragments; files with more are left to ffprobe.
const MAX_FRAGMENTS: usize = 400;
/// Maximum number of top-level boxes read.
const MAX_BOXES: usize = 2000;
/// Maximum size of an XMP packet in bytes. Most have a few kilobytes, those with embedded
/// thumbnails more.
const MAX_XMP: u64 = 1024 * 1024;
/// Number of bytes read at once at the start of a box. Most headers are smaller.
const READ_AHEAD: u64 = 64 * 1024;

/// UUID of the `uuid` box of an XMP packet (Adobe XMP specification, part 3).
const XMP_UUID: [u8; 16] = *b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac";

/// Parts of an MP4 file that describe its contents.
#[derive(Debug, Default)]
pub(super) struct Mp4Layout {
    /// Major brand of `ftyp`.
    pub brand: Option<FourCc>,
    /// True if `ftyp` lists the brand `qt  `.
    pub is_quicktime: bool,
    /// Body of the `moov` box.
    pub movie: Vec<u8>,
    /// Byte position and body of each `moof`.
    pub fragments: Vec<(u64, Vec<u8>)>,
    /// XMP packet of a `uuid` box.
    pub xmp: Option<Vec<u8>>,
}

/// Reads the top-level boxes of a file. `None` if it is another kind of file, has no `moov`, or
/// exceeds a limit.
///
/// # Errors
/// Fails if the file cannot be read. A malformed file is not an error.
pub(super) fn read_layout(original: &mut Original) -> io::Result<Option<Mp4Layout>> {
    let size = original.size();
    let mut layout = Mp4Layout::default();
    let mut at = 0;
    let mut fragment_bytes = 0;
    for number in 0..MAX_BOXES {
        // After all required boxes are found, only boxes in stored ranges are read.
        let is_complete = !layout.movie.is_empty() && !layout.is_fragmented();
        if at + 8 > size || (is_complete && original.stored(at, 8).is_none()) {
            break;
        }
        let first = read_box_start(original, at)?;
        let Some((length, header, kind)) = parse_header(&first, size - at) else {
            // The rest is an incomplete box (of an unfinished copy) or padding.
            break;
        };
        if number == 0 && !may_come_first(kind) {
            return Ok(None);
        }
        let body = at + header;
        let room = length - header;
        match &kind {
            b"ftyp" => layout.read_brands(&read_range(original, body, room.min(4096))?),
            b"moov" if layout.movie.is_empty() => {
                if room > MAX_MOVIE {
                    return Ok(None);
                }
                layout.movie = read_range(original, body, room)?;
                if child(&layout.movie, *b"cmov").is_some() {
                    return Ok(None);
                }
            }
            b"moof" => {
                fragment_bytes += room;
                let is_full = layout.fragments.len() == MAX_FRAGMENTS;
                if fragment_bytes > MAX_MOVIE || is_full {
                    return Ok(None);
                }
                let fragment = read_range(original, body, room)?;
                layout.fragments.push((at, fragment));
            }
            b"uuid" if (16..MAX_XMP).contains(&room) && layout.xmp.is_none() => {
                let uuid = read_range(original, body, 16)?;
                if uuid == XMP_UUID {
                    layout.xmp = Some(read_range(original, body + 16, room - 16)?);
                }
            }
            _ => {}
        }
        at += length;
    }
    Ok((!layout.movie.is_empty()).then_some(layout))
}

impl Mp4Layout {
    fn is_fragmented(&self) -> bool {
        child(&self.movie, *b"mvex").is_some()
    }

    fn read_brands(&mut self, body: &[u8]) {
        self.brand = body.first_chunk().copied();
        let mut brands = body.chunks_exact(4);
        self.is_quicktime = brands.any(|brand| brand == b"qt  ");
    }
}

/// Returns the first bytes of a box. If they are not stored, reads and stores more than needed.
fn read_box_start(original: &mut Original, at: u64) -> io::Result<Vec<u8>> {
    let rest = original.size() - at;
    let needed = usize::try_from(rest.min(16)).unwrap_or(16);
    if let Some(stored) = original.stored(at, needed) {
        return Ok(stored.to_vec());
    }
    let ahead = usize::try_from(rest.min(READ_AHEAD)).unwrap_or(needed);
    let bytes = original.read(at, ahead)?;
    let first = bytes[..needed].to_vec();
    original.store(at, bytes);
    Ok(first)
}

fn read_range(original: &Original, at: u64, length: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(length).map_err(|_| io::ErrorKind::UnexpectedEof)?;
    original.read(at, length)
}

/// Returns true for box types with which a file may begin.
fn may_come_first(kind: FourCc) -> bool {
    matches!(
        &kind,
        b"ftyp" | b"moov" | b"mdat" | b"wide" | b"free" | b"skip" | b"pnot" | b"styp" | b"uuid"
    )
}

/// Iterates over the bodies of the `trak` boxes of a movie.
pub(super) fn track_boxes(movie: &[u8]) -> impl Iterator<Item = &[u8]> {
    boxes(movie)
        .filter(|boxed| boxed.kind == *b"trak")
        .map(|boxed| boxed.body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, SeekFrom, Write};

    #[test]
    fn files_with_too_large_fragments_are_left_to_ffprobe() {
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
            read_layout(&mut Original::open(file.path()).unwrap()).unwrap()
        };
        assert_eq!(layout_of(2).unwrap().fragments.len(), 2);
        assert!(layout_of(9).is_none());
    }
}
