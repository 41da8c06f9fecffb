//! Chunks of RIFF WAVE, and of RF64 and BW64, which store sizes beyond 4 GiB in `ds64`.

use super::audio::{MAX_CHUNKS, WavAudio};
use super::buffered_reader::{FileWindow, u64_at};
use super::compressed_audio;
use super::ixml::{self, Ixml};
use super::length::{self, SampleData};
use super::pcm::{self, Pcm};
use super::tags::{self, Dictionary};
use crate::media::header::normalize_tags;

/// Value stored if the real size is in `ds64` or was never written.
const SIZE_UNKNOWN: u32 = u32::MAX;

/// Contents of the chunks read so far.
#[derive(Default)]
struct WavChunks {
    pcm: Option<Pcm>,
    data: Option<SampleData>,
    /// Sample count stored in `fact` or `ds64`; zero if neither does.
    claimed: u64,
    dictionary: Dictionary,
    time_reference: Option<u64>,
    ixml: Option<Ixml>,
}

/// The `ds64` chunk: 64-bit sizes that replace the 32-bit ones.
struct Ds64 {
    data: u64,
    samples: u64,
    /// True for BW64, in which a data chunk of size zero is the last one; for RF64, that size is
    /// ignored.
    is_bw64: bool,
}

/// Header of a chunk and position of its payload.
struct Chunk {
    id: [u8; 4],
    start: u64,
    size: u32,
}

pub(super) fn parse(window: &mut FileWindow<'_>) -> Option<WavAudio> {
    if window.array(8)? != *b"WAVE" {
        return None;
    }
    let mut first = 12;
    let mut found = WavChunks::default();
    let mut ds64 = None;
    if window.array(0)? != *b"RIFF" {
        let chunk = read_chunk_header(window, first)?;
        let sizes = read_ds64(window, &chunk)?;
        first = chunk.start + u64::from(chunk.size);
        found.claimed = sizes.samples;
        ds64 = Some(sizes);
    }
    walk(window, first, ds64.as_ref(), &mut found)?;
    found.into_audio(window.size())
}

fn read_chunk_header(window: &mut FileWindow<'_>, at: u64) -> Option<Chunk> {
    Some(Chunk {
        id: window.array(at)?,
        size: u32::from_le_bytes(window.array(at.checked_add(4)?)?),
        start: at.checked_add(8)?,
    })
}

fn read_ds64(window: &mut FileWindow<'_>, chunk: &Chunk) -> Option<Ds64> {
    if chunk.id != *b"ds64" || chunk.size < 24 || chunk.size % 2 == 1 {
        return None;
    }
    let is_bw64 = window.array(0)? == *b"BW64";
    let sizes = window.read(chunk.start, 24)?;
    let signed = |at| u64_at(sizes, at).filter(|&size| size <= i64::MAX.unsigned_abs());
    Some(Ds64 {
        data: signed(8)?,
        samples: signed(16)?,
        is_bw64,
    })
}

/// Reads every chunk up to the end of the file, or up to samples of unknown length.
fn walk(
    window: &mut FileWindow<'_>,
    first: u64,
    ds64: Option<&Ds64>,
    found: &mut WavChunks,
) -> Option<()> {
    let mut at = first;
    for _ in 0..MAX_CHUNKS {
        if at.checked_add(8)? > window.size() {
            return Some(());
        }
        let chunk = read_chunk_header(window, at)?;
        let next = if chunk.id == *b"data" {
            match read_data(window, &chunk, ds64, found)? {
                Some(next) => next,
                None => return Some(()),
            }
        } else {
            read_non_data_chunk(window, &chunk, found)?;
            chunk.start + u64::from(chunk.size)
        };
        if next >= window.size() {
            return Some(());
        }
        at = next + next % 2;
    }
    None
}

/// Reads the data chunk and returns the position after it; `Some(None)` if no further chunk can be
/// found.
#[expect(
    clippy::option_option,
    reason = "outer `None`: not supported; inner `None`: the last chunk"
)]
fn read_data(
    window: &mut FileWindow<'_>,
    chunk: &Chunk,
    ds64: Option<&Ds64>,
    found: &mut WavChunks,
) -> Option<Option<u64>> {
    if compressed_audio::looks_compressed(window, chunk.start)? {
        return None;
    }
    // Zero or all ones: the recorder never wrote the size.
    let size = match ds64 {
        Some(ds64) => Some(ds64.data),
        None => Some(u64::from(chunk.size)).filter(|_| !matches!(chunk.size, 0 | SIZE_UNKNOWN)),
    };
    let end = size.map(|size| chunk.start.saturating_add(size));
    found.data = Some(SampleData {
        start: chunk.start,
        size: size.unwrap_or(0),
        end,
    });
    let is_last = chunk.size == 0 && ds64.is_none_or(|ds64| ds64.is_bw64);
    Some(end.filter(|_| !is_last))
}

fn read_non_data_chunk(
    window: &mut FileWindow<'_>,
    chunk: &Chunk,
    found: &mut WavChunks,
) -> Option<()> {
    let size = u64::from(chunk.size);
    match &chunk.id {
        b"fmt " if found.pcm.is_none() => {
            found.pcm = Some(pcm::parse(window.read(chunk.start, size)?)?);
        }
        b"fact" if found.claimed == 0 => {
            found.claimed = u64::from(u32::from_le_bytes(window.array(chunk.start)?));
        }
        b"bext" => {
            let bext = window.read(chunk.start, size)?;
            found.time_reference = Some(tags::read_bext(bext, &mut found.dictionary)?);
        }
        b"LIST" | b"list" => read_list(window, chunk, &mut found.dictionary)?,
        // ffprobe ignores iXML, so it is not run if only this chunk cannot be read.
        b"iXML" if found.ixml.is_none() => {
            found.ixml = window.read(chunk.start, size).map(ixml::parse);
        }
        // ffprobe reports an error for a truncated cue list.
        b"cue " if chunk.start + size > window.size() => return None,
        b"id3 " | b"ID3 " | b"SMV0" | b"XMA2" => return None,
        _ => {}
    }
    Some(())
}

fn read_list(
    window: &mut FileWindow<'_>,
    chunk: &Chunk,
    dictionary: &mut Dictionary,
) -> Option<()> {
    let size = u64::from(chunk.size);
    if size < 4 || window.array(chunk.start)? != *b"INFO" {
        return (size >= 4).then_some(());
    }
    // If the last value has an odd length, its padding is stored after the list.
    let start = chunk.start + 4;
    let padded = (size - 3).min(window.size() - start);
    let values = window.read(start, padded)?;
    tags::read_info(values, usize::try_from(size - 4).ok()?, dictionary)
}

impl WavChunks {
    fn into_audio(self, file_size: u64) -> Option<WavAudio> {
        let (pcm, data) = (self.pcm?, self.data?);
        let samples = length::count_samples(&pcm, &data, self.claimed, file_size);
        let recorder = self.ixml.unwrap_or_default();
        let timecode = recorder.timecode(self.time_reference, pcm.sample_rate);
        let tags = normalize_tags(self.dictionary.into_tags().chain(recorder.tags()));
        Some(WavAudio {
            pcm,
            start: data.start,
            samples: Some(samples).filter(|&samples| samples > 0),
            timecode,
            tags,
        })
    }
}
