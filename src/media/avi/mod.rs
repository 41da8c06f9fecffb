//! Headers of AVI files with Motion JPEG, as cameras and recorders wrote them, read without a
//! process.
//!
//! Everything that ffprobe tells stands before the frames, in the first frame, and in the
//! index behind them. What is not fully understood is `None`: then ffprobe is asked.

mod index;
mod layout;

use std::io;

use super::bitstream::sound_frames::SoundFrame;
use super::bitstream::{Coded, Container, ac3, jpeg, mpeg_audio};
use super::header::{Format, MediaHeader, ParsedFile, Stream, format_seconds, normalize_tags};
use super::keyframes::{
    Decoder, Keyframe, KeyframeStorage, Keyframes, MAX_KEYFRAME_BYTES, evenly_spaced,
};
use super::ratio::{aspect, reduce};
use super::wav::pcm;
use super::wav::window::{Window, u16_at, u32_at};
use crate::source_file::Original;
use index::Entry;
use layout::{Layout, Track};

/// Bytes of an index that is read: two hours of pictures and sound in turn.
const MOST_INDEX: u64 = 4 * 1024 * 1024;
/// Bytes of a frame that tell what is in it.
const FIRST_BYTES: u64 = 4096;
/// Bytes of a `BITMAPINFOHEADER`.
const BITMAP: usize = 40;

/// Reads a file's header; `None` when it is of another kind or not fully understood.
///
/// # Errors
/// When the drive fails.
pub(super) fn read(original: &Original) -> io::Result<Option<ParsedFile>> {
    let mut window = Window::new(original);
    let told = film(&mut window);
    window.ended(told)
}

fn film(window: &mut Window<'_>) -> Option<ParsedFile> {
    let layout = layout::layout(window)?;
    let entries = entries(window, &layout)?;
    let mut streams = Vec::new();
    let mut keyframes = None;
    for (number, track) in layout.tracks.iter().enumerate() {
        let first = entries.iter().find(|entry| entry.stream == number);
        let frame = first.and_then(|first| {
            let length = FIRST_BYTES.min(first.length.into());
            window.read(first.position + 8, length)
        });
        let frame = frame.unwrap_or_default();
        streams.push(match &track.kind {
            // Of two pictures, which one is shown is a question of its own.
            b"vids" if keyframes.is_none() => {
                let picture = Picture::new(track, frame)?;
                keyframes = Some(picture.keyframes(track, number, &entries));
                let units = (track.scale, track.rate);
                let bit_rate = index::bit_rate(&entries, number, units, window.size())?;
                picture.stream(track, bit_rate)?
            }
            b"auds" => sound(track, frame)?,
            _ => return None,
        });
    }
    let keyframes = keyframes?;
    let made = layout.made.as_deref().map(creation_time);
    let tags = layout.tags.into_tags();
    let tags = made
        .into_iter()
        .flatten()
        .map(|time| ("creation_time".to_owned(), time))
        .chain(tags);
    let format = Format {
        name: "avi".to_owned(),
        duration: Some(duration(&layout.tracks)?),
        tags: normalize_tags(tags),
    };
    Some(ParsedFile {
        header: MediaHeader { format, streams },
        keyframes: Some(keyframes).filter(|found| !found.keys.is_empty()),
    })
}

/// All chunks of frames, if the index leads to them.
fn entries(window: &mut Window<'_>, layout: &Layout) -> Option<Vec<Entry>> {
    let (at, length) = layout.index;
    if length > MOST_INDEX {
        return None;
    }
    let index = window.beside(at, length)?;
    // Places count from `movi`, or from the file's begin.
    for base in [layout.movie, 0] {
        let entries = index::entries(&index, layout.tracks.len(), base)?;
        let (first, last) = (entries.first()?, entries.last()?);
        let is_inside = |entry: &Entry| {
            let end = entry.position.checked_add(8 + u64::from(entry.length));
            entry.position > layout.movie && end.is_some_and(|end| end <= at)
        };
        let is_first = layout.movie + 4 == first.position;
        if is_first && is_inside(first) && is_inside(last) {
            let length = u32::from_le_bytes(window.array(first.position + 4)?);
            return (length == first.length).then_some(entries);
        }
    }
    None
}

/// A track of Motion JPEG.
struct Picture {
    coded: Coded,
    width: u32,
    height: u32,
}

impl Picture {
    fn new(track: &Track, frame: &[u8]) -> Option<Self> {
        let format = track.format.as_slice();
        let (width, height) = (u32_at(format, 4)?, u32_at(format, 8)?);
        let is_known = format.len() == BITMAP && format.get(16..20)? == b"MJPG";
        let coded = jpeg::of_frame(frame)?;
        // Half as high is a field, and a picture upside down is negative.
        let is_whole = (coded.width, coded.height) == (Some(width), Some(height));
        (is_known && is_whole && track.start == 0).then(|| Self {
            coded: coded.within(&Container {
                width,
                height,
                ..Container::default()
            }),
            width,
            height,
        })
    }

    fn stream(self, track: &Track, bit_rate: u64) -> Option<Stream> {
        let coded = self.coded;
        let rate = frame_rate(track)?;
        let told = |name: Option<&'static str>| name.map(str::to_owned);
        let of_codec = coded
            .sample_aspect_ratio
            .map(|(wide, high)| format!("{wide}:{high}"));
        let of_container = match track.aspect {
            Some((wide, high)) => Some(aspect(wide, high)?),
            None => None,
        };
        Some(Stream {
            codec_type: "video".to_owned(),
            codec_name: Some("mjpeg".to_owned()),
            codec_tag_string: "MJPG".to_owned(),
            profile: coded.profile,
            level: coded.level,
            width: coded.width,
            height: coded.height,
            sample_aspect_ratio: of_container.or(of_codec),
            pix_fmt: Some(coded.pixel_format?),
            bits_per_raw_sample: coded.bits_per_raw_sample.map(|bits| bits.to_string()),
            color_primaries: told(coded.colour.primaries),
            color_transfer: told(coded.colour.transfer),
            color_space: told(coded.colour.matrix),
            color_range: told(coded.colour.range),
            r_frame_rate: rate.clone(),
            avg_frame_rate: rate,
            bit_rate: Some(bit_rate.to_string()),
            ..Stream::default()
        })
    }

    fn keyframes(&self, track: &Track, number: usize, entries: &[Entry]) -> Keyframes {
        let all: Vec<&Entry> = entries
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

/// The rate of frames; `None` where ffprobe does not take the header's word for it.
fn frame_rate(track: &Track) -> Option<String> {
    let (rate, scale) = reduce(u64::from(track.rate), track.scale.into())?;
    (rate < scale * 101 && rate >= scale * 5).then(|| format!("{rate}/{scale}"))
}

/// Seconds with six digits of the longest stream, as far as streams tell.
fn duration(tracks: &[Track]) -> Option<String> {
    let micros = tracks
        .iter()
        .filter(|track| track.sample_size == 0 || track.kind == *b"vids")
        .map(|track| {
            let units = u128::from(track.length) * u128::from(track.scale) * 1_000_000;
            let rate = u128::from(track.rate);
            (units + rate / 2).checked_div(rate)
        })
        .try_fold(0, |longest, micros| Some(micros?.max(longest)))?;
    (micros > 0).then(|| format_seconds(micros))
}

/// A track of sound, whose first chunk begins so.
fn sound(track: &Track, frame: &[u8]) -> Option<Stream> {
    if track.scale == 0 || track.rate == 0 || track.start != 0 {
        return None;
    }
    let of_frame = |told: SoundFrame| Stream {
        codec_name: Some(told.codec.to_owned()),
        sample_rate: Some(told.sample_rate.to_string()),
        channels: Some(told.channels),
        channel_layout: Some(told.channel_layout.to_owned()),
        ..Stream::default()
    };
    let told = match u16_at(&track.format, 0)? {
        0x55 => of_frame(mpeg_audio::of_frame(frame).filter(|told| told.codec == "mp3")?),
        0x2000 => of_frame(ac3::of_frame(frame)?),
        _ => {
            let pcm = pcm::read(&track.format)?;
            Stream {
                codec_name: Some(pcm.codec.to_owned()),
                sample_rate: Some(pcm.sample_rate.to_string()),
                channels: Some(pcm.channels.into()),
                channel_layout: pcm.layout,
                ..Stream::default()
            }
        }
    };
    Some(Stream {
        codec_type: "audio".to_owned(),
        ..told
    })
}

/// A time as C's `ctime` writes it, `Mon Mar 10 15:04:43 2003`, in ffprobe's form; or one
/// with its date in numbers, whose strokes ffprobe makes lines.
fn creation_time(text: &str) -> Option<String> {
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
