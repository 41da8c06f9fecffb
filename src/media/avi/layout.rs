//! The chunks of an AVI file up to its frames (Microsoft, "AVI RIFF File Reference").
//!
//! ffprobe reads lists as if what they hold stood outside, and so does this.

use crate::media::wav::tags::{self, Dictionary};
use crate::media::wav::window::{Window, u16_at, u32_at};

/// Chunks before the frames, and after them, that are looked at.
const MOST_CHUNKS: usize = 200;
/// Chunks between the frames and their index.
const MOST_AFTER: usize = 8;
/// Bytes of a chunk of the header; formats have at most a few hundred.
const MOST_BYTES: u64 = 64 * 1024;
/// Streams that are looked at; two digits name them.
const MOST_STREAMS: usize = 16;

/// A stream as its header and its format describe it.
#[derive(Debug, Default)]
pub(super) struct Track {
    /// `vids`, `auds` and others.
    pub kind: [u8; 4],
    /// Seconds of a unit of time: this by `rate`.
    pub scale: u32,
    pub rate: u32,
    /// In those units.
    pub start: u32,
    pub length: u32,
    /// Bytes of a sample; 0 where samples vary.
    pub sample_size: u32,
    pub format: Vec<u8>,
    /// The pixels' shape, where a video properties header tells it.
    pub aspect: Option<(u64, u64)>,
}

/// The parts of a file that describe it.
#[derive(Default)]
pub(super) struct Layout {
    pub tracks: Vec<Track>,
    pub tags: Dictionary,
    /// When it was made, as `IDIT` writes it.
    pub made: Option<String>,
    /// Where the four characters `movi` stand, from which most count.
    pub movie: u64,
    /// Where the index is, and how many bytes it has.
    pub index: (u64, u64),
}

/// Walks a file's chunks; `None` when it is no AVI or not fully understood.
pub(super) fn layout(window: &mut Window<'_>) -> Option<Layout> {
    if window.array(0)? != *b"RIFF" || window.array(8)? != *b"AVI " {
        return None;
    }
    let length = u64::from(u32::from_le_bytes(window.array(4)?));
    // A file that ends early: what it says of its length is guessed at.
    if length + 8 > window.size() {
        return None;
    }
    let mut layout = Layout::default();
    let mut at = 12;
    for _ in 0..MOST_CHUNKS {
        let (kind, size) = chunk(window, at)?;
        let body = at + 8;
        if kind != *b"LIST" {
            layout.take(window, kind, body, size)?;
            at = body.checked_add(size + size % 2)?;
            continue;
        }
        match &window.array(body)? {
            b"movi" => {
                layout.movie = body;
                layout.index = index(window, body.checked_add(size + size % 2)?)?;
                return Some(layout).filter(|_| size > 4);
            }
            b"INFO" => {
                let length = size.checked_sub(4)?;
                let values = window.read(body + 4, length + length % 2)?;
                tags::info(values, usize::try_from(length).ok()?, &mut layout.tags)?;
                at = body.checked_add(size + size % 2)?;
            }
            // A camera's own tags.
            b"ncdt" => return None,
            _ => at = body + 4,
        }
    }
    None
}

fn chunk(window: &mut Window<'_>, at: u64) -> Option<([u8; 4], u64)> {
    let kind = window.array(at)?;
    let size = u32::from_le_bytes(window.array(at.checked_add(4)?)?);
    Some((kind, size.into()))
}

/// Place and length of the first index from here on.
fn index(window: &mut Window<'_>, mut at: u64) -> Option<(u64, u64)> {
    for _ in 0..MOST_AFTER {
        let (kind, size) = chunk(window, at)?;
        if kind == *b"idx1" {
            return Some((at + 8, size));
        }
        at = at.checked_add(8 + size + size % 2)?;
    }
    None
}

impl Layout {
    /// Takes a chunk of the header; `None` when it is unclear.
    fn take(&mut self, window: &mut Window<'_>, kind: [u8; 4], at: u64, size: u64) -> Option<()> {
        let body = move || {
            let window = window;
            window
                .read(at, size.min(MOST_BYTES + 1))
                .filter(|_| size <= MOST_BYTES)
        };
        match &kind {
            b"strh" => {
                self.tracks.push(Track::new(body()?)?);
                (self.tracks.len() <= MOST_STREAMS).then_some(())?;
            }
            b"strf" => {
                let track = self.tracks.last_mut()?;
                track.format.is_empty().then_some(())?;
                track.format = body()?.to_vec();
            }
            b"vprp" => self.tracks.last_mut()?.aspect = Some(aspect(body()?)?),
            b"IDIT" => {
                let text = body()?.split(|&byte| byte == 0).next()?;
                self.made = Some(String::from_utf8(text.to_vec()).ok()?);
            }
            // An index in parts, of a file beyond a gigabyte.
            b"indx" if u32_at(body()?, 4)? > 0 => return None,
            // What a camera wrote in ways of its own, and another kind of file.
            b"strd" | b"amvh" => return None,
            _ => {}
        }
        Some(())
    }
}

impl Track {
    fn new(header: &[u8]) -> Option<Self> {
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

/// What is shown by how many pixels show it (`OpenDML` AVI extensions 1.02, 5.0).
fn aspect(body: &[u8]) -> Option<(u64, u64)> {
    if body.len() <= 36 {
        return None;
    }
    let (high, wide) = (u16_at(body, 20)?, u16_at(body, 22)?);
    let (width, height) = (u32_at(body, 24)?, u32_at(body, 28)?);
    let (wide, high) = (
        u64::from(wide) * u64::from(height),
        u64::from(high) * u64::from(width),
    );
    (wide > 0 && high > 0).then_some((wide, high))
}
