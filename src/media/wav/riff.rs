//! The chunks of RIFF WAVE, and of RF64 and BW64, whose `ds64` holds sizes beyond 4 GiB.

use super::ixml::{self, Ixml};
use super::length::{self, Data};
use super::pcm::{self, Pcm};
use super::tags::{self, Dictionary};
use super::window::{Window, u64_at};
use super::{MOST_CHUNKS, Sound, bitstream, normalize_tags};

/// A size that stands in `ds64`, or was never written.
const ELSEWHERE: u32 = u32::MAX;

/// What was found on the way through the chunks.
#[derive(Default)]
struct Found {
    pcm: Option<Pcm>,
    data: Option<Data>,
    /// Samples that `fact` or `ds64` claims; zero where none does.
    claimed: u64,
    dictionary: Dictionary,
    time_reference: Option<u64>,
    ixml: Option<Ixml>,
}

/// What `ds64` says instead of the 32-bit sizes.
struct Large {
    data: u64,
    samples: u64,
    /// In BW64 an empty data chunk ends the file; in RF64 its size is not looked at.
    is_bw64: bool,
}

/// One chunk's place.
struct Chunk {
    id: [u8; 4],
    start: u64,
    size: u32,
}

pub(super) fn read(window: &mut Window<'_>) -> Option<Sound> {
    if window.array(8)? != *b"WAVE" {
        return None;
    }
    let mut first = 12;
    let mut found = Found::default();
    let mut large = None;
    if window.array(0)? != *b"RIFF" {
        let chunk = chunk_at(window, first)?;
        let told = ds64(window, &chunk)?;
        first = chunk.start + u64::from(chunk.size);
        found.claimed = told.samples;
        large = Some(told);
    }
    walk(window, first, large.as_ref(), &mut found)?;
    found.sound(window.size())
}

fn chunk_at(window: &mut Window<'_>, at: u64) -> Option<Chunk> {
    Some(Chunk {
        id: window.array(at)?,
        size: u32::from_le_bytes(window.array(at.checked_add(4)?)?),
        start: at.checked_add(8)?,
    })
}

fn ds64(window: &mut Window<'_>, chunk: &Chunk) -> Option<Large> {
    if chunk.id != *b"ds64" || chunk.size < 24 || chunk.size % 2 == 1 {
        return None;
    }
    let is_bw64 = window.array(0)? == *b"BW64";
    let sizes = window.read(chunk.start, 24)?;
    let signed = |at| u64_at(sizes, at).filter(|&size| size <= i64::MAX.unsigned_abs());
    Some(Large {
        data: signed(8)?,
        samples: signed(16)?,
        is_bw64,
    })
}

/// Looks at every chunk up to the end of the file, or to samples of unknown length.
fn walk(
    window: &mut Window<'_>,
    first: u64,
    large: Option<&Large>,
    found: &mut Found,
) -> Option<()> {
    let mut at = first;
    for _ in 0..MOST_CHUNKS {
        if at.checked_add(8)? > window.size() {
            return Some(());
        }
        let chunk = chunk_at(window, at)?;
        let next = if chunk.id == *b"data" {
            match data(window, &chunk, large, found)? {
                Some(next) => next,
                None => return Some(()),
            }
        } else {
            other(window, &chunk, found)?;
            chunk.start + u64::from(chunk.size)
        };
        if next >= window.size() {
            return Some(());
        }
        at = next + next % 2;
    }
    None
}

/// Takes note of the samples; `Some(None)` where nothing that follows can be found.
#[expect(
    clippy::option_option,
    reason = "not understood, and understood to be the last"
)]
fn data(
    window: &mut Window<'_>,
    chunk: &Chunk,
    large: Option<&Large>,
    found: &mut Found,
) -> Option<Option<u64>> {
    if bitstream::is_at(window, chunk.start)? {
        return None;
    }
    // Zero or all ones: the recorder never came to write the size.
    let size = match large {
        Some(large) => Some(large.data),
        None => Some(u64::from(chunk.size)).filter(|_| !matches!(chunk.size, 0 | ELSEWHERE)),
    };
    let end = size.map(|size| chunk.start.saturating_add(size));
    found.data = Some(Data {
        start: chunk.start,
        size: size.unwrap_or(0),
        end,
    });
    let is_last = chunk.size == 0 && large.is_none_or(|large| large.is_bw64);
    Some(end.filter(|_| !is_last))
}

fn other(window: &mut Window<'_>, chunk: &Chunk, found: &mut Found) -> Option<()> {
    let size = u64::from(chunk.size);
    match &chunk.id {
        b"fmt " if found.pcm.is_none() => {
            found.pcm = Some(pcm::read(window.read(chunk.start, size)?)?);
        }
        b"fact" if found.claimed == 0 => {
            found.claimed = u64::from(u32::from_le_bytes(window.array(chunk.start)?));
        }
        b"bext" => {
            let bext = window.read(chunk.start, size)?;
            found.time_reference = Some(tags::bext(bext, &mut found.dictionary)?);
        }
        b"LIST" | b"list" => list(window, chunk, &mut found.dictionary)?,
        // ffprobe passes over it, so one that cannot be read is no reason to ask ffprobe.
        b"iXML" if found.ixml.is_none() => {
            found.ixml = window.read(chunk.start, size).map(ixml::read);
        }
        // Of a cue list that is cut off ffprobe makes a fault.
        b"cue " if chunk.start + size > window.size() => return None,
        b"id3 " | b"ID3 " | b"SMV0" | b"XMA2" => return None,
        _ => {}
    }
    Some(())
}

fn list(window: &mut Window<'_>, chunk: &Chunk, dictionary: &mut Dictionary) -> Option<()> {
    let size = u64::from(chunk.size);
    if size < 4 || window.array(chunk.start)? != *b"INFO" {
        return (size >= 4).then_some(());
    }
    // A last value of odd length is padded outside the list.
    let start = chunk.start + 4;
    let padded = (size - 3).min(window.size() - start);
    let values = window.read(start, padded)?;
    tags::info(values, usize::try_from(size - 4).ok()?, dictionary)
}

impl Found {
    fn sound(self, file: u64) -> Option<Sound> {
        let (pcm, data) = (self.pcm?, self.data?);
        let samples = length::samples(&pcm, &data, self.claimed, file);
        let recorder = self.ixml.unwrap_or_default();
        let own = recorder.tags(self.time_reference, pcm.sample_rate);
        let tags = normalize_tags(self.dictionary.into_tags().chain(own));
        Some(Sound {
            pcm,
            start: data.start,
            samples: Some(samples).filter(|&samples| samples > 0),
            tags,
        })
    }
}
