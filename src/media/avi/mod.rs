//! AVI files with Motion JPEG, as older cameras and recorders wrote them: header, tags and
//! keyframes.
//!
//! Everything that ffprobe reports is stored before the frames, in the first frame, or in the index
//! after them, so no process is started. Files that are not fully supported result in `None` and
//! are left to ffprobe.

mod index;
mod layout;

use std::io;

use super::bitstream::audio_frames::AudioFrame;
use super::bitstream::{CodedPicture, ContainerPicture, ac3, jpeg, mpeg_audio};
use super::header::{Format, MediaHeader, ParsedFile, Stream, StreamType, normalize_tags};
use super::keyframes::{
    Decoder, Keyframe, KeyframeStorage, Keyframes, MAX_KEYFRAME_BYTES, evenly_spaced,
};
use super::ratio::PixelAspect;
use super::wav::buffered_reader::{FileWindow, u16_at, u32_at};
use super::wav::pcm;
use crate::source_file::Original;
use crate::value::{ExactDuration, Rate};
use index::AviIndexEntry;
use layout::{AviLayout, AviTrack};

/// Version of this reader. Increase it when the reader gives other facts or supports other files.
pub(super) const VERSION: u32 = 1;

/// Maximum size of an index in bytes: enough for two hours of interleaved video and audio.
const MAX_INDEX: u64 = 4 * 1024 * 1024;
/// Bytes read of a stream's first frame, enough for its headers.
const FRAME_HEAD: u64 = 4096;
/// Size of a `BITMAPINFOHEADER` in bytes.
const BITMAP_HEADER: usize = 40;

/// Reads the header of an AVI file; `None` if it is another kind of file or not fully supported.
///
/// # Errors
/// Fails if the file cannot be read.
pub(super) fn read(original: &Original) -> io::Result<Option<ParsedFile>> {
    let mut window = FileWindow::new(original);
    let parsed = parse(&mut window);
    window.finish(parsed)
}

fn parse(window: &mut FileWindow<'_>) -> Option<ParsedFile> {
    let layout = layout::parse(window)?;
    let entries = read_entries(window, &layout)?;
    let mut streams = Vec::new();
    let mut keyframes = None;
    for (number, track) in layout.tracks.iter().enumerate() {
        let first = entries.iter().find(|entry| entry.stream == number);
        let frame = first.and_then(|first| {
            let length = FRAME_HEAD.min(first.length.into());
            window.read(first.position + 8, length)
        });
        let frame = frame.unwrap_or_default();
        streams.push(match &track.kind {
            // Files with two video streams are left to ffprobe, since it is unclear which one is
            // shown.
            b"vids" if keyframes.is_none() => {
                let video = MjpegStream::parse(track, frame)?;
                keyframes = Some(video.keyframes(track, number, &entries));
                let units = (track.scale, track.rate);
                let bit_rate = index::bit_rate(&entries, number, units, window.size())?;
                video.stream(track, bit_rate)?
            }
            b"auds" => audio_stream(track, frame)?,
            _ => return None,
        });
    }
    let keyframes = keyframes?;
    let created = layout.created.as_deref().map(convert_creation_time);
    let tags = layout.tags.into_tags();
    let tags = created
        .into_iter()
        .flatten()
        .map(|time| ("creation_time".to_owned(), time))
        .chain(tags);
    let format = Format {
        container: "avi".to_owned(),
        duration: Some(duration(&layout.tracks)?),
        tags: normalize_tags(tags),
        ..Format::default()
    };
    Some(ParsedFile {
        header: MediaHeader { format, streams },
        keyframes: Some(keyframes).filter(|found| !found.keys.is_empty()),
    })
}

/// Reads the index entries of all non-empty chunks; `None` if the index does not match the file.
fn read_entries(window: &mut FileWindow<'_>, layout: &AviLayout) -> Option<Vec<AviIndexEntry>> {
    let (at, length) = layout.index_range;
    if length > MAX_INDEX {
        return None;
    }
    let index = window.read_separately(at, length)?;
    // Positions are relative to `movi` or to the start of the file.
    for base in [layout.movi_position, 0] {
        let entries = index::parse(&index, layout.tracks.len(), base)?;
        let (first, last) = (entries.first()?, entries.last()?);
        let is_inside = |entry: &AviIndexEntry| {
            let end = entry.position.checked_add(8 + u64::from(entry.length));
            entry.position > layout.movi_position && end.is_some_and(|end| end <= at)
        };
        let is_first = layout.movi_position + 4 == first.position;
        if is_first && is_inside(first) && is_inside(last) {
            let length = u32::from_le_bytes(window.array(first.position + 4)?);
            return (length == first.length).then_some(entries);
        }
    }
    None
}

/// A Motion JPEG stream.
struct MjpegStream {
    coded: CodedPicture,
    width: u32,
    height: u32,
}

impl MjpegStream {
    fn parse(track: &AviTrack, frame: &[u8]) -> Option<Self> {
        let format = track.format.as_slice();
        let (width, height) = (u32_at(format, 4)?, u32_at(format, 8)?);
        let is_mjpeg = format.len() == BITMAP_HEADER && format.get(16..20)? == b"MJPG";
        let coded = jpeg::parse_frame(frame)?;
        // A picture of half the height is a field. A negative height means that rows are stored
        // bottom-up.
        let is_whole = (coded.width, coded.height) == (Some(width), Some(height));
        (is_mjpeg && is_whole && track.start == 0).then(|| Self {
            coded: coded.merge_container(&ContainerPicture {
                width,
                height,
                ..ContainerPicture::default()
            }),
            width,
            height,
        })
    }

    fn stream(self, track: &AviTrack, bit_rate: u64) -> Option<Stream> {
        let coded = self.coded;
        let rate = frame_rate(track)?;
        coded.pixel_format.as_ref()?;
        let container_aspect = match track.aspect {
            Some((width, height)) => Some(PixelAspect::from_products(width, height)?),
            None => None,
        };
        Some(Stream {
            pixel_aspect: container_aspect.or(coded.pixel_aspect),
            finest_rate: Some(rate),
            average_rate: Some(rate),
            bit_rate: Some(bit_rate),
            ..Stream::from_picture("mjpeg", coded)
        })
    }

    fn keyframes(&self, track: &AviTrack, number: usize, entries: &[AviIndexEntry]) -> Keyframes {
        let all: Vec<&AviIndexEntry> = entries
            .iter()
            .filter(|entry| {
                entry.stream == number && entry.is_key && entry.length <= MAX_KEYFRAME_BYTES
            })
            .collect();
        let key = |at| {
            let entry = all.get(usize::try_from(at).ok()?)?;
            let units = u128::from(entry.number) * u128::from(track.scale);
            Some(Keyframe {
                offset: entry.position + 8,
                bytes: entry.length,
                micros: u64::try_from(units * 1_000_000 / u128::from(track.rate.max(1))).ok()?,
            })
        };
        let mut keys: Vec<Keyframe> = evenly_spaced(all.len() as u64).filter_map(key).collect();
        keys.dedup_by_key(|key| key.micros);
        Keyframes {
            decoder: Decoder {
                codec: "mjpeg".to_owned(),
                kind: *b"mjpg",
                configuration: Vec::new(),
                width: self.width,
                height: self.height,
            },
            stored: KeyframeStorage::Whole,
            keys,
        }
    }
}

/// Returns the frame rate; `None` if it is outside the range in which ffprobe accepts
/// the header's rate.
fn frame_rate(track: &AviTrack) -> Option<Rate> {
    let (rate, scale) = (u64::from(track.rate), u64::from(track.scale));
    Rate::new(track.rate, track.scale).filter(|_| rate < scale * 101 && rate >= scale * 5)
}

/// Returns the duration of the longest stream. Audio streams with a constant sample size are
/// ignored.
fn duration(tracks: &[AviTrack]) -> Option<ExactDuration> {
    let longest = tracks
        .iter()
        .filter(|track| track.sample_size == 0 || track.kind == *b"vids")
        .map(|track| {
            let units_per_second = Rate::new(track.rate, track.scale)?;
            Some(ExactDuration::new(track.length.into(), units_per_second))
        })
        .try_fold(None, |longest, duration| Some(longest.max(Some(duration?))))??;
    let is_shown = longest
        .rounded()
        .is_some_and(|micros| micros.as_micros() > 0);
    is_shown.then_some(longest)
}

/// Builds an audio stream; `frame` is the beginning of its first chunk.
fn audio_stream(track: &AviTrack, frame: &[u8]) -> Option<Stream> {
    if track.scale == 0 || track.rate == 0 || track.start != 0 {
        return None;
    }
    let stream_from_frame = |frame: AudioFrame| Stream {
        codec: Some(frame.codec.to_owned()),
        sample_rate: Some(frame.sample_rate),
        channels: Some(frame.channels),
        channel_layout: Some(frame.channel_layout.to_owned()),
        ..Stream::default()
    };
    let stream = match u16_at(&track.format, 0)? {
        0x55 => {
            let is_mp3 = |frame: &AudioFrame| frame.codec == "mp3";
            stream_from_frame(mpeg_audio::parse_frame(frame).filter(is_mp3)?)
        }
        0x2000 => stream_from_frame(ac3::parse_frame(frame)?),
        _ => {
            let pcm = pcm::parse(&track.format)?;
            Stream {
                codec: Some(pcm.codec.to_owned()),
                sample_rate: Some(pcm.sample_rate),
                channels: Some(pcm.channels.into()),
                channel_layout: pcm.layout,
                ..Stream::default()
            }
        }
    };
    Some(Stream {
        kind: StreamType::Audio,
        ..stream
    })
}

/// Converts a creation time to ffprobe's format. Accepts C's `ctime` format (`Mon Mar 10 15:04:43
/// 2003`) and numeric dates, in which ffprobe replaces the slashes with hyphens.
fn convert_creation_time(text: &str) -> Option<String> {
    let mut words = text.split_ascii_whitespace();
    if let (Some(_), Some(month), Some(day), Some(time), Some(year)) = (
        words.next(),
        words.next(),
        words.next(),
        words.next(),
        words.next(),
    ) {
        const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
        let month = MONTHS
            .find(month)
            .filter(|at| at % 3 == 0 && month.len() == 3)?
            / 3
            + 1;
        let (day, year): (u32, u32) = (day.parse().ok()?, year.parse().ok()?);
        return Some(format!("{year:04}-{month:02}-{day:02} {time}"));
    }
    let bytes = text.as_bytes();
    let is_dated = bytes.get(4) == Some(&b'/') && bytes.get(7) == Some(&b'/');
    is_dated.then(|| text.replacen('/', "-", 2))
}

#[cfg(test)]
mod tests;
