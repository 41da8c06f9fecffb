//! Track of a movie: header, edit list, sample descriptions and sample table.

use super::boxes::{FourCc, Mp4Box, boxes, child, descendant, full_box, read_versioned};
use super::samples::SampleTable;
use crate::media::cursor::Cursor;

/// Entry of an edit list (`elst`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EditListEntry {
    /// Duration in the movie's timescale.
    pub duration: u64,
    /// Start within the track in the track's timescale; `None` for an empty edit.
    pub start: Option<u64>,
}

/// Track of a movie, parsed from `trak`.
#[derive(Debug)]
pub(super) struct Mp4Track<'a> {
    pub id: u32,
    pub handler: FourCc,
    /// Matrix of `tkhd`, row by row. Numbers are 16.16 fixed point, in the last column 2.30.
    pub matrix: [i32; 9],
    /// Creation time in seconds since 1904; 0 if unset.
    pub created: u64,
    /// Number of the track's time units per second.
    pub timescale: u32,
    /// Duration in the track's units; 0 if unknown.
    pub duration: u64,
    pub handler_name: Option<String>,
    pub edits: Vec<EditListEntry>,
    /// Ids of the chapter tracks of this track.
    pub chapters: Vec<u32>,
    /// Sample descriptions, from `stsd`.
    pub sample_descriptions: Vec<Mp4Box<'a>>,
    /// Version of `stsd`. In version 1, audio sample descriptions have their ISO meaning.
    pub description_version: u8,
    /// Sample table; `None` if it is incomplete.
    pub samples: Option<SampleTable<'a>>,
    /// True if the media is stored in this file.
    pub is_self_contained: bool,
    pub user_data: Option<&'a [u8]>,
    pub meta: Option<&'a [u8]>,
}

/// Maximum number of sample descriptions read.
const MAX_DESCRIPTIONS: usize = 16;
/// Maximum number of edits read.
const MAX_EDITS: usize = 256;

impl<'a> Mp4Track<'a> {
    /// Parses `trak`. `None` if a mandatory box is missing.
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let header = TkhdBox::parse(child(body, *b"tkhd")?)?;
        let media = child(body, *b"mdia")?;
        let clock = TimeHeader::parse(child(media, *b"mdhd")?)?;
        let (handler, handler_name) = read_handler(child(media, *b"hdlr")?)?;
        let information = child(media, *b"minf")?;
        let table = child(information, *b"stbl")?;
        let (description_version, sample_descriptions) = read_sample_descriptions(table);
        let references = child(body, *b"tref").unwrap_or_default();
        Some(Self {
            id: header.id,
            handler,
            matrix: header.matrix,
            created: clock.created,
            timescale: clock.timescale,
            duration: clock.duration,
            handler_name,
            edits: read_edits(body),
            chapters: read_ids(references, *b"chap"),
            sample_descriptions,
            description_version,
            samples: SampleTable::parse(table),
            is_self_contained: is_self_contained(information),
            user_data: child(body, *b"udta"),
            meta: child(body, *b"meta"),
        })
    }

    /// Returns the start of the first non-empty edit in the track's units; `None` without an edit
    /// list.
    pub(super) fn first_edit_start(&self) -> Option<u64> {
        self.edits.iter().find_map(|edit| edit.start)
    }
}

struct TkhdBox {
    id: u32,
    matrix: [i32; 9],
}

impl TkhdBox {
    fn parse(body: &[u8]) -> Option<Self> {
        let (version, _, mut cursor) = full_box(body)?;
        read_versioned(&mut cursor, version)?;
        read_versioned(&mut cursor, version)?;
        let id = cursor.u32()?;
        cursor.skip(4)?;
        read_versioned(&mut cursor, version)?;
        // Reserved, layer, alternate group, volume, reserved.
        cursor.skip(16)?;
        let mut matrix = [0; 9];
        for number in &mut matrix {
            *number = cursor.i32()?;
        }
        Some(Self { id, matrix })
    }
}

/// First fields of `mdhd` and `mvhd`: creation time, timescale and duration.
pub(super) struct TimeHeader {
    pub created: u64,
    pub timescale: u32,
    pub duration: u64,
}

impl TimeHeader {
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let (version, _, mut cursor) = full_box(body)?;
        let created = read_versioned(&mut cursor, version)?;
        read_versioned(&mut cursor, version)?;
        Some(Self {
            created,
            timescale: cursor.u32()?,
            duration: read_versioned(&mut cursor, version)?,
        })
    }
}

/// Reads the type and name of a handler. The name is a C string, or a Pascal string in `QuickTime`.
fn read_handler(body: &[u8]) -> Option<(FourCc, Option<String>)> {
    let (_, _, mut cursor) = full_box(body)?;
    let is_quicktime = cursor.u32()? != 0;
    let kind = cursor.array()?;
    cursor.skip(12)?;
    let mut name = cursor.0;
    if let (true, Some((&length, rest))) = (is_quicktime, name.split_first()) {
        name = rest.get(..usize::from(length)).unwrap_or(rest);
    }
    Some((kind, c_string(name)))
}

/// Decodes text up to the first zero byte; `None` if it is blank.
pub(super) fn c_string(bytes: &[u8]) -> Option<String> {
    let text = bytes.split(|&byte| byte == 0).next()?;
    let text = String::from_utf8_lossy(text).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

fn read_edits(body: &[u8]) -> Vec<EditListEntry> {
    let list = descendant(body, &[b"edts", b"elst"]).and_then(full_box);
    let Some((version, _, mut cursor)) = list else {
        return Vec::new();
    };
    let count = cursor.u32().map_or(0, |count| count as usize);
    let mut edits = Vec::new();
    for _ in 0..count.min(MAX_EDITS) {
        let Some(edit) = read_edit(&mut cursor, version) else {
            break;
        };
        edits.push(edit);
    }
    edits
}

fn read_edit(cursor: &mut Cursor<'_>, version: u8) -> Option<EditListEntry> {
    let (duration, start) = if version == 1 {
        (cursor.u64()?, cursor.u64()?.cast_signed())
    } else {
        (u64::from(cursor.u32()?), i64::from(cursor.i32()?))
    };
    cursor.skip(4)?;
    Some(EditListEntry {
        duration,
        start: u64::try_from(start).ok(),
    })
}

fn read_ids(references: &[u8], kind: FourCc) -> Vec<u32> {
    let list = child(references, kind).unwrap_or_default();
    let numbers = list.as_chunks::<4>().0.iter();
    numbers
        .take(64)
        .map(|&bytes| u32::from_be_bytes(bytes))
        .collect()
}

fn read_sample_descriptions(table: &[u8]) -> (u8, Vec<Mp4Box<'_>>) {
    let Some((version, _, mut cursor)) = child(table, *b"stsd").and_then(full_box) else {
        return (0, Vec::new());
    };
    if cursor.skip(4).is_none() {
        return (version, Vec::new());
    }
    (version, boxes(cursor.0).take(MAX_DESCRIPTIONS).collect())
}

/// Returns true if `dref` refers to the file itself.
fn is_self_contained(information: &[u8]) -> bool {
    let Some((_, _, mut cursor)) = descendant(information, &[b"dinf", b"dref"]).and_then(full_box)
    else {
        return true;
    };
    cursor.skip(4).is_none()
        || boxes(cursor.0).all(|entry| {
            // An empty alias or URL also refers to this file.
            full_box(entry.body).is_none_or(|(_, flags, rest)| flags & 1 == 1 || rest.0.is_empty())
        })
}
