//! One track of a movie: its header, its descriptions, its samples.

use super::boxes::{Boxed, FourCc, boxes, child, descendant, full, sized};
use super::samples::Samples;
use crate::media::cursor::Cursor;

/// A piece of an edit list, in the movie's and the track's units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edit {
    /// How long it is shown, in the movie's timescale.
    pub duration: u64,
    /// Where in the track it begins; `None`: nothing is shown.
    pub start: Option<u64>,
}

/// A track.
#[derive(Debug)]
pub(super) struct Track<'a> {
    pub id: u32,
    pub handler: FourCc,
    /// The matrix of `tkhd`, row by row: 16.16, the last column 2.30.
    pub matrix: [i32; 9],
    /// Seconds since 1904, 0 when nobody said.
    pub created: u64,
    /// Units a second.
    pub timescale: u32,
    /// In its own units, 0 when nobody said.
    pub duration: u64,
    pub handler_name: Option<String>,
    pub edits: Vec<Edit>,
    /// Numbers of the tracks that are chapters of this one.
    pub chapters: Vec<u32>,
    /// The entries of `stsd`.
    pub descriptions: Vec<Boxed<'a>>,
    /// Whether version 1 of `stsd`, of which ISO has its own sound entries.
    pub description_version: u8,
    /// `None` when the table is not whole.
    pub samples: Option<Samples<'a>>,
    /// Whether the media is in this file.
    pub is_self_contained: bool,
    pub user_data: Option<&'a [u8]>,
    pub meta: Option<&'a [u8]>,
}

/// Descriptions that are looked at.
const MOST_DESCRIPTIONS: usize = 16;
/// Edits that are looked at.
const MOST_EDITS: usize = 256;

impl<'a> Track<'a> {
    /// Reads `trak`; `None` when what every track has is missing.
    pub(super) fn new(body: &'a [u8]) -> Option<Self> {
        let header = Header::new(child(body, *b"tkhd")?)?;
        let media = child(body, *b"mdia")?;
        let clock = Clock::new(child(media, *b"mdhd")?)?;
        let (handler, handler_name) = handler(child(media, *b"hdlr")?)?;
        let information = child(media, *b"minf")?;
        let table = child(information, *b"stbl")?;
        let (description_version, descriptions) = descriptions(table);
        let references = child(body, *b"tref").unwrap_or_default();
        Some(Self {
            id: header.id,
            handler,
            matrix: header.matrix,
            created: clock.created,
            timescale: clock.timescale,
            duration: clock.duration,
            handler_name,
            edits: edits(body),
            chapters: ids(references, *b"chap"),
            descriptions,
            description_version,
            samples: Samples::new(table),
            is_self_contained: is_self_contained(information),
            user_data: child(body, *b"udta"),
            meta: child(body, *b"meta"),
        })
    }

    /// Where the first shown piece begins in the track, where an edit list says so.
    pub(super) fn begins(&self) -> Option<u64> {
        self.edits.iter().find_map(|edit| edit.start)
    }
}

struct Header {
    id: u32,
    matrix: [i32; 9],
}

impl Header {
    fn new(body: &[u8]) -> Option<Self> {
        let (version, _, mut cursor) = full(body)?;
        sized(&mut cursor, version)?;
        sized(&mut cursor, version)?;
        let id = cursor.u32()?;
        cursor.skip(4)?;
        sized(&mut cursor, version)?;
        // Reserved, layer, alternate group, volume, reserved.
        cursor.skip(16)?;
        let mut matrix = [0; 9];
        for number in &mut matrix {
            *number = cursor.i32()?;
        }
        Some(Self { id, matrix })
    }
}

/// Creation, timescale and duration, as `mdhd` and `mvhd` begin.
pub(super) struct Clock {
    pub created: u64,
    pub timescale: u32,
    pub duration: u64,
}

impl Clock {
    pub(super) fn new(body: &[u8]) -> Option<Self> {
        let (version, _, mut cursor) = full(body)?;
        let created = sized(&mut cursor, version)?;
        sized(&mut cursor, version)?;
        Some(Self {
            created,
            timescale: cursor.u32()?,
            duration: sized(&mut cursor, version)?,
        })
    }
}

/// Kind and name of a handler: a C string, or a Pascal string in `QuickTime`.
fn handler(body: &[u8]) -> Option<(FourCc, Option<String>)> {
    let (_, _, mut cursor) = full(body)?;
    let is_quicktime = cursor.u32()? != 0;
    let kind = cursor.array()?;
    cursor.skip(12)?;
    let mut name = cursor.0;
    if let (true, Some((&length, rest))) = (is_quicktime, name.split_first()) {
        name = rest.get(..usize::from(length)).unwrap_or(rest);
    }
    Some((kind, c_string(name)))
}

/// Text up to the first zero; none when it says nothing.
pub(super) fn c_string(bytes: &[u8]) -> Option<String> {
    let text = bytes.split(|&byte| byte == 0).next()?;
    let text = String::from_utf8_lossy(text).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

fn edits(body: &[u8]) -> Vec<Edit> {
    let list = descendant(body, &[b"edts", b"elst"]).and_then(full);
    let Some((version, _, mut cursor)) = list else {
        return Vec::new();
    };
    let count = cursor.u32().map_or(0, |count| count as usize);
    let mut edits = Vec::new();
    for _ in 0..count.min(MOST_EDITS) {
        let Some(edit) = edit(&mut cursor, version) else {
            break;
        };
        edits.push(edit);
    }
    edits
}

fn edit(cursor: &mut Cursor<'_>, version: u8) -> Option<Edit> {
    let (duration, start) = if version == 1 {
        (cursor.u64()?, cursor.u64()?.cast_signed())
    } else {
        (u64::from(cursor.u32()?), i64::from(cursor.i32()?))
    };
    cursor.skip(4)?;
    Some(Edit {
        duration,
        start: u64::try_from(start).ok(),
    })
}

fn ids(references: &[u8], kind: FourCc) -> Vec<u32> {
    let list = child(references, kind).unwrap_or_default();
    let numbers = list.as_chunks::<4>().0.iter();
    numbers
        .take(64)
        .map(|&bytes| u32::from_be_bytes(bytes))
        .collect()
}

fn descriptions(table: &[u8]) -> (u8, Vec<Boxed<'_>>) {
    let Some((version, _, mut cursor)) = child(table, *b"stsd").and_then(full) else {
        return (0, Vec::new());
    };
    if cursor.skip(4).is_none() {
        return (version, Vec::new());
    }
    (version, boxes(cursor.0).take(MOST_DESCRIPTIONS).collect())
}

/// Whether `dref` says that the media is in the same file.
fn is_self_contained(information: &[u8]) -> bool {
    let Some((_, _, mut cursor)) = descendant(information, &[b"dinf", b"dref"]).and_then(full)
    else {
        return true;
    };
    cursor.skip(4).is_none()
        || boxes(cursor.0).all(|entry| {
            // An alias or address without content points nowhere else either.
            full(entry.body).is_none_or(|(_, flags, rest)| flags & 1 == 1 || rest.0.is_empty())
        })
}
