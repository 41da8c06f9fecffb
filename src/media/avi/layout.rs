//! Chunks of an AVI file up to its frames (Microsoft, "AVI RIFF File Reference").
//!
//! Like ffprobe, this reads the contents of lists as if they were not nested.

use crate::media::wav::buffered_reader::{FileWindow, u16_at, u32_at};
use crate::media::wav::tags::{self, Dictionary};

/// Maximum number of chunks read before the frames.
const MAX_CHUNKS: usize = 200;
/// Maximum number of chunks between the frames and their index.
const MAX_CHUNKS_BEFORE_INDEX: usize = 8;
/// Maximum size of a header chunk in bytes; formats have at most a few hundred.
const MAX_CHUNK_SIZE: u64 = 64 * 1024;
/// Maximum number of streams; chunk names identify a stream by two digits.
const MAX_STREAMS: usize = 16;

/// Stream header (`strh`) and format (`strf`) of one stream.
#[derive(Debug, Default)]
pub(super) struct AviTrack {
    /// Stream type: `vids`, `auds` and others.
    pub kind: [u8; 4],
    /// A unit of time is `scale` / `rate` seconds.
    pub scale: u32,
    pub rate: u32,
    /// Start time, in these units.
    pub start: u32,
    pub length: u32,
    /// Size of a sample in bytes; 0 if it varies.
    pub sample_size: u32,
    pub format: Vec<u8>,
    /// Pixel aspect ratio from the video properties header (`vprp`).
    pub aspect: Option<(u64, u64)>,
}

/// Stream headers and tags of an AVI file, and the positions of its frames and index.
#[derive(Default)]
pub(super) struct AviLayout {
    pub tracks: Vec<AviTrack>,
    pub tags: Dictionary,
    /// Creation time, as stored in `IDIT`.
    pub created: Option<String>,
    /// Byte position of the four characters `movi`, to which most index offsets are relative.
    pub movi_position: u64,
    /// Byte position and size of the index.
    pub index_range: (u64, u64),
}

/// Walks the chunks of a file; `None` if it is not an AVI file or not fully supported.
pub(super) fn parse(window: &mut FileWindow<'_>) -> Option<AviLayout> {
    if window.array(0)? != *b"RIFF" || window.array(8)? != *b"AVI " {
        return None;
    }
    let length = u64::from(u32::from_le_bytes(window.array(4)?));
    // ffprobe estimates the duration of a truncated file, so such a file is left to it.
    if length + 8 > window.size() {
        return None;
    }
    let mut layout = AviLayout::default();
    let mut at = 12;
    for _ in 0..MAX_CHUNKS {
        let (kind, size) = read_chunk_header(window, at)?;
        let body = at + 8;
        if kind != *b"LIST" {
            layout.read_header_chunk(window, kind, body, size)?;
            at = body.checked_add(size + size % 2)?;
            continue;
        }
        match &window.array(body)? {
            b"movi" => {
                layout.movi_position = body;
                layout.index_range = find_index(window, body.checked_add(size + size % 2)?)?;
                return Some(layout).filter(|_| size > 4);
            }
            b"INFO" => {
                let length = size.checked_sub(4)?;
                let values = window.read(body + 4, length + length % 2)?;
                tags::read_info(values, usize::try_from(length).ok()?, &mut layout.tags)?;
                at = body.checked_add(size + size % 2)?;
            }
            // Not supported: tags in a camera's proprietary format.
            b"ncdt" => return None,
            _ => at = body + 4,
        }
    }
    None
}

fn read_chunk_header(window: &mut FileWindow<'_>, at: u64) -> Option<([u8; 4], u64)> {
    let kind = window.array(at)?;
    let size = u32::from_le_bytes(window.array(at.checked_add(4)?)?);
    Some((kind, size.into()))
}

/// Returns the position and size of the first index at or after `at`.
fn find_index(window: &mut FileWindow<'_>, mut at: u64) -> Option<(u64, u64)> {
    for _ in 0..MAX_CHUNKS_BEFORE_INDEX {
        let (kind, size) = read_chunk_header(window, at)?;
        if kind == *b"idx1" {
            return Some((at + 8, size));
        }
        at = at.checked_add(8 + size + size % 2)?;
    }
    None
}

impl AviLayout {
    /// Reads a header chunk; `None` if it is not supported.
    fn read_header_chunk(
        &mut self,
        window: &mut FileWindow<'_>,
        kind: [u8; 4],
        at: u64,
        size: u64,
    ) -> Option<()> {
        let body = move || {
            let window = window;
            window
                .read(at, size.min(MAX_CHUNK_SIZE + 1))
                .filter(|_| size <= MAX_CHUNK_SIZE)
        };
        match &kind {
            b"strh" => {
                self.tracks.push(AviTrack::parse(body()?)?);
                (self.tracks.len() <= MAX_STREAMS).then_some(())?;
            }
            b"strf" => {
                let track = self.tracks.last_mut()?;
                track.format.is_empty().then_some(())?;
                track.format = body()?.to_vec();
            }
            b"vprp" => self.tracks.last_mut()?.aspect = Some(aspect(body()?)?),
            b"IDIT" => {
                let text = body()?.split(|&byte| byte == 0).next()?;
                self.created = Some(String::from_utf8(text.to_vec()).ok()?);
            }
            // Not supported: OpenDML indexes in several parts, for files larger than a gigabyte.
            b"indx" if u32_at(body()?, 4)? > 0 => return None,
            // Not supported: proprietary camera data, and the AMV format.
            b"strd" | b"amvh" => return None,
            _ => {}
        }
        Some(())
    }
}

impl AviTrack {
    fn parse(header: &[u8]) -> Option<Self> {
        Some(Self {
            kind: *header.first_chunk()?,
            scale: u32_at(header, 20)?,
            rate: u32_at(header, 24)?,
            start: u32_at(header, 28)?,
            length: u32_at(header, 32)?,
            sample_size: u32_at(header, 44)?,
            ..Self::default()
        })
    }
}

/// Returns the pixel aspect ratio, from the display aspect ratio and the size in pixels (`OpenDML`
/// AVI extensions 1.02, 5.0).
fn aspect(body: &[u8]) -> Option<(u64, u64)> {
    if body.len() <= 36 {
        return None;
    }
    let (aspect_height, aspect_width) = (u16_at(body, 20)?, u16_at(body, 22)?);
    let (width, height) = (u32_at(body, 24)?, u32_at(body, 28)?);
    let (aspect_width, aspect_height) = (
        u64::from(aspect_width) * u64::from(height),
        u64::from(aspect_height) * u64::from(width),
    );
    (aspect_width > 0 && aspect_height > 0).then_some((aspect_width, aspect_height))
}
