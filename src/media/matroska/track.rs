//! Parser for track entries (RFC 9559, 5.1.4.1).

use super::ebml::{EbmlElement, parse_elements};
use super::id;
use crate::media::colour::Colour;

/// Maximum size in bytes of a decoder configuration, which is stored in the thumbnail plan of each
/// clip.
const MAX_CODEC_PRIVATE: usize = 64 * 1024;
/// Maximum number of tracks in a file.
const MAX_TRACKS: usize = 64;
/// Maximum number of bytes removed by header stripping. mkvmerge strips only a few.
const MAX_STRIPPED: usize = 64;

/// Media type of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TrackKind {
    Video,
    Audio,
    /// Subtitles or metadata.
    Other,
}

/// Track entry with its video or audio settings.
#[derive(Debug)]
pub(super) struct MatroskaTrack<'a> {
    pub number: u64,
    pub uid: u64,
    pub kind: TrackKind,
    pub codec: String,
    /// Decoder configuration (`CodecPrivate`); empty if there is none.
    pub private: &'a [u8],
    /// Nanoseconds per frame; `None` if it is not stored.
    pub frame_duration: Option<u64>,
    /// Bytes that header stripping removed from the start of each frame.
    pub stripped: Vec<u8>,
    pub is_dolby: bool,
    pub video: Video<'a>,
    pub audio: Audio,
}

/// Video settings of a track.
#[derive(Debug, Default)]
pub(super) struct Video<'a> {
    pub width: u32,
    pub height: u32,
    /// Display width; `None` if it equals the width in pixels.
    pub display_width: Option<u64>,
    pub display_height: Option<u64>,
    /// Unit of the display size: 0 for pixels, 1 for centimetres, 2 for inches, 3 for an aspect
    /// ratio, 4 if unknown.
    pub display_unit: u64,
    /// Scan type: 0 if unknown, 1 for interlaced, 2 for progressive.
    pub interlaced: u64,
    pub field_order: u64,
    pub stereo_mode: u64,
    pub colour: Colour,
    /// Projection type and its private data.
    pub projection: Option<(u64, &'a [u8])>,
}

/// Audio settings of a track.
#[derive(Debug, Default)]
pub(super) struct Audio {
    /// Sample rate in hertz before decoding.
    pub rate: f64,
    /// Sample rate in hertz after decoding; `None` if it is not stored.
    pub output_rate: Option<f64>,
    pub channels: u64,
    pub bits: u64,
}

/// Parses all tracks that ffprobe lists, in its order. `None` if one is not fully supported.
pub(super) fn parse_tracks(body: &[u8]) -> Option<Vec<MatroskaTrack<'_>>> {
    let mut tracks = Vec::new();
    for entry in parse_elements(body)? {
        if entry.id == id::TRACK_ENTRY {
            tracks.extend(MatroskaTrack::parse(entry.body)?);
        }
    }
    (tracks.len() <= MAX_TRACKS).then_some(tracks)
}

impl<'a> MatroskaTrack<'a> {
    /// Parses an entry. `Some(None)` if ffprobe skips the track.
    #[expect(
        clippy::option_option,
        reason = "the outer `None` means unsupported, the inner one not listed"
    )]
    fn parse(body: &'a [u8]) -> Option<Option<Self>> {
        let mut kind = 0;
        let mut track = Self {
            number: 0,
            uid: 0,
            kind: TrackKind::Other,
            codec: String::new(),
            private: &[],
            frame_duration: None,
            stripped: Vec::new(),
            is_dolby: false,
            video: Video::default(),
            audio: Audio {
                rate: 8000.0,
                channels: 1,
                ..Audio::default()
            },
        };
        let mut frame_rate = None;
        let mut is_compressed = false;
        for element in parse_elements(body)? {
            match element.id {
                id::TRACK_NUMBER => track.number = element.unsigned()?,
                id::TRACK_UID => track.uid = element.unsigned()?,
                id::TRACK_TYPE => kind = element.unsigned()?,
                id::CODEC_ID => track.codec = element.text()?,
                id::CODEC_PRIVATE if element.body.len() > MAX_CODEC_PRIVATE => return None,
                id::CODEC_PRIVATE => track.private = element.body,
                id::DEFAULT_DURATION => track.frame_duration = Some(element.unsigned()?),
                // Not supported: a separate clock, and pictures combined from several tracks.
                id::TRACK_TIMESTAMP_SCALE if (element.float()? - 1.0).abs() > 1e-9 => return None,
                id::TRACK_OPERATION => return None,
                id::CONTENT_ENCODINGS => match parse_stripped_bytes(&element) {
                    Some(bytes) => track.stripped = bytes,
                    None => is_compressed = true,
                },
                id::BLOCK_ADDITION_MAPPING => track.is_dolby |= is_dolby(&element)?,
                id::VIDEO => (track.video, frame_rate) = Video::parse(&element)?,
                id::AUDIO => track.audio = Audio::parse(&element)?,
                _ => {}
            }
        }
        // The frame rate in files of version 1 is ambiguous without a frame duration.
        if frame_rate.is_some() && track.frame_duration.is_none() {
            return None;
        }
        let initial = track.codec.chars().next();
        track.kind = match (kind, initial) {
            (1, Some('V')) => TrackKind::Video,
            (2, Some('A')) => TrackKind::Audio,
            (17 | 33, Some('S' | 'D')) => TrackKind::Other,
            (1 | 2 | 17 | 33, _) => return None,
            _ => return Some(None),
        };
        // Compressed subtitles are accepted, because their frames are not read.
        (!is_compressed || track.kind == TrackKind::Other).then_some(Some(track))
    }
}

impl<'a> Video<'a> {
    /// Parses the video settings, and the frame rate that files of version 1 store.
    fn parse(element: &EbmlElement<'a>) -> Option<(Self, Option<f64>)> {
        let mut video = Self::default();
        let mut rate = None;
        for element in parse_elements(element.body)? {
            let number = || element.unsigned();
            match element.id {
                id::PIXEL_WIDTH => video.width = parse_dimension(number()?)?,
                id::PIXEL_HEIGHT => video.height = parse_dimension(number()?)?,
                id::DISPLAY_WIDTH => video.display_width = Some(number()?),
                id::DISPLAY_HEIGHT => video.display_height = Some(number()?),
                id::DISPLAY_UNIT => video.display_unit = number()?,
                id::FLAG_INTERLACED => video.interlaced = number()?,
                id::FIELD_ORDER => video.field_order = number()?,
                id::STEREO_MODE => video.stereo_mode = number()?,
                id::FRAME_RATE => rate = Some(element.float()?),
                id::COLOUR => video.colour = parse_colour(&element)?,
                id::PROJECTION => video.projection = Some(parse_projection(&element)?),
                // Some versions of ffprobe apply cropping, others do not.
                crop if id::PIXEL_CROPS.contains(&crop) && number()? != 0 => return None,
                _ => {}
            }
        }
        Some((video, rate))
    }
}

fn parse_dimension(pixels: u64) -> Option<u32> {
    u32::try_from(pixels)
        .ok()
        .filter(|pixels| (1..=1 << 16).contains(pixels))
}

fn parse_colour(element: &EbmlElement<'_>) -> Option<Colour> {
    let (mut primaries, mut transfer, mut matrix, mut range) = (2, 2, 2, 0);
    for element in parse_elements(element.body)? {
        let code = || u8::try_from(element.unsigned()?).ok();
        match element.id {
            id::PRIMARIES => primaries = code()?,
            id::TRANSFER_CHARACTERISTICS => transfer = code()?,
            id::MATRIX_COEFFICIENTS => matrix = code()?,
            id::RANGE => range = code()?,
            _ => {}
        }
    }
    let colour = Colour::from_codes(primaries, transfer, matrix);
    Some(match range {
        1 | 2 => colour.with_range(range == 2),
        _ => colour,
    })
}

/// Parses the projection. `None` for a rotated pose, which versions of ffprobe handle differently.
fn parse_projection<'a>(element: &EbmlElement<'a>) -> Option<(u64, &'a [u8])> {
    let (mut kind, mut private) = (0, &[][..]);
    let mut is_rotated = false;
    for element in parse_elements(element.body)? {
        match element.id {
            id::PROJECTION_TYPE => kind = element.unsigned()?,
            id::PROJECTION_PRIVATE => private = element.body,
            pose if id::PROJECTION_POSES.contains(&pose) => is_rotated |= element.float()? != 0.0,
            _ => {}
        }
    }
    (kind > 0 || !is_rotated).then_some((kind, private))
}

impl Audio {
    fn parse(element: &EbmlElement<'_>) -> Option<Self> {
        let mut audio = Self {
            rate: 8000.0,
            channels: 1,
            ..Self::default()
        };
        for element in parse_elements(element.body)? {
            match element.id {
                id::SAMPLING_FREQUENCY => audio.rate = element.float()?,
                id::OUTPUT_SAMPLING_FREQUENCY => audio.output_rate = Some(element.float()?),
                id::CHANNELS => audio.channels = element.unsigned()?,
                id::BIT_DEPTH => audio.bits = element.unsigned()?,
                _ => {}
            }
        }
        Some(audio)
    }
}

/// Returns the bytes that header stripping removed; `None` for compressed or encrypted frames.
fn parse_stripped_bytes(element: &EbmlElement<'_>) -> Option<Vec<u8>> {
    let encodings = parse_elements(element.body)?;
    let [encoding] = encodings.as_slice() else {
        return encodings.is_empty().then(Vec::new);
    };
    if encoding.id != id::CONTENT_ENCODING {
        return None;
    }
    let (mut scope, mut kind, mut algorithm, mut settings) = (1, 0, 0, &[][..]);
    for element in parse_elements(encoding.body)? {
        match element.id {
            id::CONTENT_ENCODING_SCOPE => scope = element.unsigned()?,
            id::CONTENT_ENCODING_TYPE => kind = element.unsigned()?,
            id::CONTENT_COMPRESSION => {
                for element in parse_elements(element.body)? {
                    match element.id {
                        id::CONTENT_COMPRESSION_ALGORITHM => algorithm = element.unsigned()?,
                        id::CONTENT_COMPRESSION_SETTINGS => settings = element.body,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    let is_stripped = (scope, kind, algorithm) == (1, 0, 3);
    (is_stripped && settings.len() <= MAX_STRIPPED).then(|| settings.to_vec())
}

/// Returns true if a block addition mapping configures Dolby Vision.
fn is_dolby(element: &EbmlElement<'_>) -> Option<bool> {
    let (mut kind, mut length) = (0, 0);
    for element in parse_elements(element.body)? {
        match element.id {
            id::BLOCK_ADD_ID_TYPE => kind = element.unsigned()?,
            id::BLOCK_ADD_ID_EXTRA_DATA => length = element.body.len(),
            _ => {}
        }
    }
    let is_dolby_kind = [*b"dvcC", *b"dvvC"]
        .iter()
        .any(|name| kind == u64::from(u32::from_be_bytes(*name)));
    Some(is_dolby_kind && length >= 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(name: &[u8], body: &[u8]) -> Vec<u8> {
        let size = u8::try_from(body.len()).unwrap() | 0x80;
        [name, &[size], body].concat()
    }

    fn entry(more: &[u8]) -> Vec<u8> {
        let body = [
            element(b"\xd7", &[1]),
            element(b"\x83", &[1]),
            element(b"\x86", b"V_VP8"),
            more.to_vec(),
        ]
        .concat();
        element(b"\xae", &body)
    }

    #[test]
    fn rejects_tracks_that_are_not_fully_supported() {
        let read = |more: &[u8]| parse_tracks(&entry(more)).map(|tracks| tracks.len());
        assert_eq!(read(b""), Some(1));
        // A truncated element, a separate clock, cropping, and video without a width.
        assert_eq!(read(b"\xe0\x85"), None);
        assert_eq!(read(b"\x23\x31\x4f\x84\x40\0\0\0"), None);
        assert_eq!(read(&element(b"\xe0", b"\x54\xaa\x81\x08")), None);
        assert_eq!(read(&element(b"\xe0", b"\xb0\x80")), None);
        // ffprobe lists subtitles, but not buttons.
        assert_eq!(read(b"\x83\x81\x11\x86\x86S_TEXT"), Some(1));
        assert_eq!(read(b"\x83\x81\x12"), Some(0));
        assert_eq!(read(b"\x83\x81\x02"), None);
    }

    #[test]
    fn accepts_header_stripping_but_not_compression() {
        let read = |encoding: &[u8]| {
            let encodings = element(b"\x6d\x80", &element(b"\x62\x40", encoding));
            let entry = entry(&encodings);
            parse_tracks(&entry).map(|mut tracks| tracks.remove(0).stripped)
        };
        let strip = element(b"\x50\x34", b"\x42\x54\x81\x03\x42\x55\x82ab");
        assert_eq!(read(&strip), Some(b"ab".to_vec()));
        assert_eq!(read(&element(b"\x50\x34", b"\x42\x54\x81\0")), None);
        assert_eq!(read(b"\x50\x33\x81\x01"), None);
        assert_eq!(
            read(&[b"\x50\x32\x81\x03", strip.as_slice()].concat()),
            None
        );
    }
}
