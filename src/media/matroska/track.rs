//! Track entries, taken apart (RFC 9559, 5.1.4.1).

use super::ebml::{Element, elements};
use super::id;
use crate::media::bitstream::Colour;

/// A decoder's configuration of more is none: it is kept with the plan of each clip.
const MOST_PRIVATE: usize = 64 * 1024;
/// Tracks that are looked at.
const MOST_TRACKS: usize = 64;
/// Bytes that are cut off before each frame; mkvmerge cut up to a few.
const MOST_STRIPPED: usize = 64;

/// What kind of track it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Video,
    Audio,
    /// Text, or descriptions in time.
    Other,
}

/// A track.
#[derive(Debug)]
pub(super) struct Track<'a> {
    pub number: u64,
    pub uid: u64,
    pub kind: Kind,
    pub codec: String,
    /// The decoder's configuration; empty where there is none.
    pub private: &'a [u8],
    /// Nanoseconds from frame to frame, where the track says so.
    pub frame_duration: Option<u64>,
    /// What stands before the stored bytes of each frame.
    pub stripped: Vec<u8>,
    pub is_dolby: bool,
    pub video: Video<'a>,
    pub audio: Audio,
}

/// What a track of pictures says.
#[derive(Debug, Default)]
pub(super) struct Video<'a> {
    pub width: u32,
    pub height: u32,
    /// Absent where they are those of the picture.
    pub display_width: Option<u64>,
    pub display_height: Option<u64>,
    /// 0 pixels, 1 centimetres, 2 inches, 3 an aspect ratio, 4 unknown.
    pub display_unit: u64,
    /// 0 unknown, 1 interlaced, 2 progressive.
    pub interlaced: u64,
    pub field_order: u64,
    pub stereo_mode: u64,
    pub colour: Colour,
    /// Kind of projection and its own description.
    pub projection: Option<(u64, &'a [u8])>,
}

/// What a track of sound says.
#[derive(Debug, Default)]
pub(super) struct Audio {
    /// Samples a second as they are stored, and as they come out.
    pub rate: f64,
    pub output_rate: Option<f64>,
    pub channels: u64,
    pub bits: u64,
}

/// All tracks that ffprobe lists, in its order; `None` when one is unclear.
pub(super) fn tracks(body: &[u8]) -> Option<Vec<Track<'_>>> {
    let mut tracks = Vec::new();
    for entry in elements(body)? {
        if entry.id == id::TRACK_ENTRY {
            tracks.extend(Track::new(entry.body)?);
        }
    }
    (tracks.len() <= MOST_TRACKS).then_some(tracks)
}

impl<'a> Track<'a> {
    /// Reads an entry; nothing in it when ffprobe passes it over.
    #[expect(clippy::option_option, reason = "unclear, or not listed")]
    fn new(body: &'a [u8]) -> Option<Option<Self>> {
        let mut kind = 0;
        let mut track = Self {
            number: 0,
            uid: 0,
            kind: Kind::Other,
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
        let mut is_packed = false;
        for element in elements(body)? {
            match element.id {
                id::TRACK_NUMBER => track.number = element.unsigned()?,
                id::TRACK_UID => track.uid = element.unsigned()?,
                id::TRACK_TYPE => kind = element.unsigned()?,
                id::CODEC_ID => track.codec = element.text()?,
                id::CODEC_PRIVATE if element.body.len() > MOST_PRIVATE => return None,
                id::CODEC_PRIVATE => track.private = element.body,
                id::DEFAULT_DURATION => track.frame_duration = Some(element.unsigned()?),
                // A clock of its own, and pictures put together of several tracks'.
                id::TRACK_TIMESTAMP_SCALE if (element.float()? - 1.0).abs() > 1e-9 => return None,
                id::TRACK_OPERATION => return None,
                id::CONTENT_ENCODINGS => match stripped(&element) {
                    Some(bytes) => track.stripped = bytes,
                    None => is_packed = true,
                },
                id::BLOCK_ADDITION_MAPPING => track.is_dolby |= is_dolby(&element)?,
                id::VIDEO => (track.video, frame_rate) = Video::new(&element)?,
                id::AUDIO => track.audio = Audio::new(&element)?,
                _ => {}
            }
        }
        // The rate of frames that files before version 2 have only means something alone.
        if frame_rate.is_some() && track.frame_duration.is_none() {
            return None;
        }
        let initial = track.codec.chars().next();
        track.kind = match (kind, initial) {
            (1, Some('V')) => Kind::Video,
            (2, Some('A')) => Kind::Audio,
            (17 | 33, Some('S' | 'D')) => Kind::Other,
            (1 | 2 | 17 | 33, _) => return None,
            _ => return Some(None),
        };
        // Of text nothing is looked at.
        (!is_packed || track.kind == Kind::Other).then_some(Some(track))
    }
}

impl<'a> Video<'a> {
    /// Reads what is said of the picture, and its rate where that is said in the old way.
    fn new(element: &Element<'a>) -> Option<(Self, Option<f64>)> {
        let mut video = Self::default();
        let mut rate = None;
        for element in elements(element.body)? {
            let number = || element.unsigned();
            match element.id {
                id::PIXEL_WIDTH => video.width = side(number()?)?,
                id::PIXEL_HEIGHT => video.height = side(number()?)?,
                id::DISPLAY_WIDTH => video.display_width = Some(number()?),
                id::DISPLAY_HEIGHT => video.display_height = Some(number()?),
                id::DISPLAY_UNIT => video.display_unit = number()?,
                id::FLAG_INTERLACED => video.interlaced = number()?,
                id::FIELD_ORDER => video.field_order = number()?,
                id::STEREO_MODE => video.stereo_mode = number()?,
                id::FRAME_RATE => rate = Some(element.float()?),
                id::COLOUR => video.colour = colour(&element)?,
                id::PROJECTION => video.projection = Some(projection(&element)?),
                // Versions of ffprobe differ on whether it is cut.
                crop if id::PIXEL_CROPS.contains(&crop) && number()? != 0 => return None,
                _ => {}
            }
        }
        Some((video, rate))
    }
}

fn side(pixels: u64) -> Option<u32> {
    u32::try_from(pixels)
        .ok()
        .filter(|pixels| (1..=1 << 16).contains(pixels))
}

fn colour(element: &Element<'_>) -> Option<Colour> {
    let (mut primaries, mut transfer, mut matrix, mut range) = (2, 2, 2, 0);
    for element in elements(element.body)? {
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

/// A projection that is turned is unclear: versions of ffprobe differ.
fn projection<'a>(element: &Element<'a>) -> Option<(u64, &'a [u8])> {
    let (mut kind, mut private) = (0, &[][..]);
    let mut is_turned = false;
    for element in elements(element.body)? {
        match element.id {
            id::PROJECTION_TYPE => kind = element.unsigned()?,
            id::PROJECTION_PRIVATE => private = element.body,
            pose if id::PROJECTION_POSES.contains(&pose) => is_turned |= element.float()? != 0.0,
            _ => {}
        }
    }
    (kind > 0 || !is_turned).then_some((kind, private))
}

impl Audio {
    fn new(element: &Element<'_>) -> Option<Self> {
        let mut audio = Self {
            rate: 8000.0,
            channels: 1,
            ..Self::default()
        };
        for element in elements(element.body)? {
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

/// What was stripped off each frame; `None` for frames that are packed or encrypted.
fn stripped(element: &Element<'_>) -> Option<Vec<u8>> {
    let encodings = elements(element.body)?;
    let [encoding] = encodings.as_slice() else {
        return encodings.is_empty().then(Vec::new);
    };
    if encoding.id != id::CONTENT_ENCODING {
        return None;
    }
    let (mut scope, mut kind, mut algorithm, mut settings) = (1, 0, 0, &[][..]);
    for element in elements(encoding.body)? {
        match element.id {
            id::CONTENT_ENCODING_SCOPE => scope = element.unsigned()?,
            id::CONTENT_ENCODING_TYPE => kind = element.unsigned()?,
            id::CONTENT_COMPRESSION => {
                for element in elements(element.body)? {
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
    (is_stripped && settings.len() <= MOST_STRIPPED).then(|| settings.to_vec())
}

/// Whether an addition to blocks is configured as Dolby Vision.
fn is_dolby(element: &Element<'_>) -> Option<bool> {
    let (mut kind, mut length) = (0, 0);
    for element in elements(element.body)? {
        match element.id {
            id::BLOCK_ADD_ID_TYPE => kind = element.unsigned()?,
            id::BLOCK_ADD_ID_EXTRA_DATA => length = element.body.len(),
            _ => {}
        }
    }
    let is_named = [*b"dvcC", *b"dvvC"]
        .iter()
        .any(|name| kind == u64::from(u32::from_be_bytes(*name)));
    Some(is_named && length >= 5)
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
    fn only_what_is_fully_understood_is_a_track() {
        let read = |more: &[u8]| tracks(&entry(more)).map(|tracks| tracks.len());
        assert_eq!(read(b""), Some(1));
        // Half an element, another clock, a crop, a picture without a width.
        assert_eq!(read(b"\xe0\x85"), None);
        assert_eq!(read(b"\x23\x31\x4f\x84\x40\0\0\0"), None);
        assert_eq!(read(&element(b"\xe0", b"\x54\xaa\x81\x08")), None);
        assert_eq!(read(&element(b"\xe0", b"\xb0\x80")), None);
        // Subtitles are listed, buttons are not.
        assert_eq!(read(b"\x83\x81\x11\x86\x86S_TEXT"), Some(1));
        assert_eq!(read(b"\x83\x81\x12"), Some(0));
        assert_eq!(read(b"\x83\x81\x02"), None);
    }

    #[test]
    fn frames_may_be_stripped_but_not_packed() {
        let read = |encoding: &[u8]| {
            let encodings = element(b"\x6d\x80", &element(b"\x62\x40", encoding));
            let entry = entry(&encodings);
            tracks(&entry).map(|mut tracks| tracks.remove(0).stripped)
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
