//! Conversion of an audio track to a stream.
//!
//! For a track that is not fully supported, functions return `None`, and ffprobe reads the file.

use super::boxes::{FourCc, Mp4Box, child, full_box};
use super::streams::{base_stream, read_descriptor};
use super::track::Mp4Track;
use crate::media::bitstream::aac;
use crate::media::cursor::Cursor;
use crate::media::header::{Stream, StreamType};

/// Size of the fixed part of an audio sample description in bytes.
const AUDIO_ENTRY_SIZE: usize = 28;
/// Parsed audio sample description.
struct AudioSampleEntry<'a> {
    channels: u32,
    bits: u32,
    rate: u32,
    /// Flags of version 2: float (1), big-endian (2), signed (4).
    flags: Option<u32>,
    /// Boxes after the fixed part.
    extension_boxes: &'a [u8],
    /// Boxes that configure the decoder, which `QuickTime` wraps in `wave`.
    boxes: &'a [u8],
}

impl<'a> AudioSampleEntry<'a> {
    /// Parses a sample description. With `is_quicktime`, versions 1 and 2 have their `QuickTime`
    /// meaning.
    fn parse(entry: &Mp4Box<'a>, is_quicktime: bool) -> Option<Self> {
        let mut cursor = Cursor(entry.body);
        cursor.skip(8)?;
        let version = cursor.u16()?;
        cursor.skip(6)?;
        let (channels, bits) = (cursor.u16()?, cursor.u16()?);
        cursor.skip(4)?;
        let rate = cursor.u32()? >> 16;
        let mut sound = Self {
            channels: channels.into(),
            bits: bits.into(),
            rate,
            flags: None,
            extension_boxes: entry.body.get(AUDIO_ENTRY_SIZE..)?,
            boxes: &[],
        };
        match version {
            1 if is_quicktime => sound.extension_boxes = sound.extension_boxes.get(16..)?,
            2 if is_quicktime => {
                cursor.skip(4)?;
                let rate = f64::from_bits(cursor.u64()?);
                sound.rate = round_rate(rate)?;
                sound.channels = cursor.u32()?;
                cursor.skip(4)?;
                sound.bits = cursor.u32()?;
                sound.flags = cursor.u32();
                sound.extension_boxes = sound.extension_boxes.get(36..)?;
            }
            _ => {}
        }
        sound.boxes = child(sound.extension_boxes, *b"wave").unwrap_or(sound.extension_boxes);
        Some(sound)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "in the range of sample rates"
)]
fn round_rate(rate: f64) -> Option<u32> {
    (rate > 0.0 && rate < 10_000_000.0).then_some(rate.round() as u32)
}

/// Describes an audio track.
pub(super) fn audio_stream(track: &Mp4Track<'_>, is_quicktime: bool) -> Option<Stream> {
    let entry = track.sample_descriptions.first()?;
    let is_quicktime = is_quicktime || track.description_version == 0;
    let sound = AudioSampleEntry::parse(entry, is_quicktime)?;
    let mut stream = Stream {
        kind: StreamType::Audio,
        sample_rate: Some(sound.rate),
        channels: Some(sound.channels),
        channel_layout: channel_layout(&sound),
        ..base_stream(track)
    };
    stream.codec = Some(
        match pcm_codec(entry.kind, &sound) {
            Some(name) => name,
            None => read_compressed_audio(entry.kind, &sound, &mut stream)?,
        }
        .to_owned(),
    );
    Some(stream)
}

/// Returns ffmpeg's codec name for uncompressed audio; `None` for other audio.
fn pcm_codec(kind: FourCc, sound: &AudioSampleEntry<'_>) -> Option<&'static str> {
    let is_little_endian =
        child(sound.boxes, *b"enda").is_some_and(|body| body.get(..2) == Some(&[0, 1]));
    let pcm_of_size = |is_little_endian: bool| match (sound.bits, is_little_endian) {
        (8, _) => Some("pcm_s8"),
        (16, true) => Some("pcm_s16le"),
        (16, false) => Some("pcm_s16be"),
        (24, true) => Some("pcm_s24le"),
        (24, false) => Some("pcm_s24be"),
        (32, true) => Some("pcm_s32le"),
        (32, false) => Some("pcm_s32be"),
        _ => None,
    };
    match &kind {
        b"sowt" => pcm_of_size(true),
        b"twos" => pcm_of_size(false),
        b"in24" => Some(if is_little_endian {
            "pcm_s24le"
        } else {
            "pcm_s24be"
        }),
        b"in32" => Some(if is_little_endian {
            "pcm_s32le"
        } else {
            "pcm_s32be"
        }),
        b"fl32" => Some(if is_little_endian {
            "pcm_f32le"
        } else {
            "pcm_f32be"
        }),
        b"fl64" => Some(if is_little_endian {
            "pcm_f64le"
        } else {
            "pcm_f64be"
        }),
        b"raw " if sound.bits == 8 => Some("pcm_u8"),
        b"ulaw" => Some("pcm_mulaw"),
        b"alaw" => Some("pcm_alaw"),
        b"lpcm" => {
            let flags = sound.flags?;
            let (is_float, is_big, is_signed) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0);
            match (is_float, sound.bits, is_big) {
                (true, 32, true) => Some("pcm_f32be"),
                (true, 32, false) => Some("pcm_f32le"),
                (true, 64, true) => Some("pcm_f64be"),
                (true, 64, false) => Some("pcm_f64le"),
                (false, 8, _) if !is_signed => Some("pcm_u8"),
                (false, _, is_big) if is_signed => pcm_of_size(!is_big),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Returns ffmpeg's codec name for compressed audio. Updates the stream from the codec
/// configuration, which is more reliable than the sample description.
fn read_compressed_audio(
    kind: FourCc,
    sound: &AudioSampleEntry<'_>,
    stream: &mut Stream,
) -> Option<&'static str> {
    if kind != *b"mp4a" {
        return None;
    }
    let descriptor = read_descriptor(sound.boxes)?;
    if !matches!(descriptor.object_type, 0x40 | 0x66 | 0x67 | 0x68) {
        return None;
    }
    let config = aac::parse_config(descriptor.config)?;
    stream.sample_rate = Some(config.sample_rate?);
    stream.channels = Some(config.channels?);
    stream.channel_layout = config.channel_layout.map(str::to_owned);
    Some("aac")
}

/// Returns the channel layout from `chan` (Core Audio). Only layouts that cameras and editing
/// programs write are supported.
fn channel_layout(sound: &AudioSampleEntry<'_>) -> Option<String> {
    let body = child(sound.extension_boxes, *b"chan").or_else(|| child(sound.boxes, *b"chan"))?;
    let (_, _, mut cursor) = full_box(body)?;
    let (tag, bits, count) = (cursor.u32()?, cursor.u32()?, cursor.u32()?);
    // Each channel has a label and 16 more bytes.
    let mut labels = |count: u32| -> Option<Vec<u32>> {
        (0..count.min(8))
            .map(|_| {
                let label = cursor.u32()?;
                cursor.skip(16)?;
                Some(label)
            })
            .collect()
    };
    let name = match (tag, bits) {
        (0x0064_0001, _) | (0x0001_0000, 0x4) => "mono",
        (0x0065_0002, _) | (0x0001_0000, 0x3) => "stereo",
        (0x0079_0006, _) | (0x0001_0000, 0x3f) => "5.1",
        (0, _) => match labels(count)?.as_slice() {
            [3] => "mono",
            [1, 2] => "stereo",
            _ => return None,
        },
        _ => return None,
    };
    Some(name.to_owned())
}
