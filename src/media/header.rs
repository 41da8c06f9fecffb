//! Header of a media file as typed values.
//!
//! Every reader fills it with numbers in the units of the file. Only `header_facts` and
//! `embedded_tags` interpret the values, so all readers are interpreted alike. Tags remain text, as
//! in the file.

use std::collections::BTreeMap;

use super::bitstream::CodedPicture;
use super::colour::StreamColour;
use super::keyframes::Keyframes;
use super::ratio::PixelAspect;
use crate::value::{ExactDuration, Projection, Rate, ScanOrder, Stereo, Timecode};

/// Tag values by lower-case name. Names are normalized, since Matroska writes them in upper case
/// and MP4 does not.
pub(super) type TagMap = BTreeMap<String, String>;

/// Maximum number of characters stored of a tag value, enough for a comment.
const MAX_VALUE_CHARS: usize = 4000;
/// Maximum length of a tag name in bytes. Apple's longest names have about fifty.
const MAX_NAME_BYTES: usize = 500;

/// Header and keyframes of a file, read by one of the built-in header readers.
#[derive(Debug)]
pub(super) struct ParsedFile {
    pub header: MediaHeader,
    /// Keyframes of the first video track; `None` if the reader cannot locate them.
    pub keyframes: Option<Keyframes>,
}

/// Values of a media file's header.
#[derive(Debug, Default)]
pub(super) struct MediaHeader {
    pub format: Format,
    pub streams: Vec<Stream>,
}

/// Values of the file as a whole.
#[derive(Debug, Default)]
pub(super) struct Format {
    /// Short name such as `mov` or `matroska`.
    pub container: String,
    /// True for a single picture, whose timing ffprobe makes up.
    pub is_still: bool,
    pub duration: Option<ExactDuration>,
    /// Start timecode, if it is stored as a number. Timecodes stored as text are in the tags.
    pub timecode: Option<Timecode>,
    /// Start timecode that follows from the iXML of an audio recorder.
    pub recorder_timecode: Option<Timecode>,
    pub tags: TagMap,
}

/// Media type of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum StreamType {
    Video,
    Audio,
    /// Timecode, subtitles or metadata.
    #[default]
    Other,
}

/// Values of one stream.
#[derive(Debug, Default, Clone)]
pub(super) struct Stream {
    pub kind: StreamType,
    /// ffmpeg's name of the codec.
    pub codec: Option<String>,
    pub profile: Option<String>,
    /// Level as the codec stores it: 41 for H.264 level 4.1, 123 for HEVC level 4.1.
    pub level: Option<i64>,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub pixel_aspect: Option<PixelAspect>,
    /// ffmpeg's name of the pixel format.
    pub pixel_format: Option<String>,
    pub bits_per_raw_sample: Option<u32>,
    pub scan_order: Option<ScanOrder>,
    pub colour: StreamColour,
    /// Lowest rate that fits all timestamps (`r_frame_rate`): the field rate in AVCHD, the time
    /// base in many `WebM` and FLV files.
    pub finest_rate: Option<Rate>,
    /// Number of frames divided by the duration (`avg_frame_rate`). It is correct on average, but
    /// doubled in interlaced AVI, and 1000 if a demuxer only guesses.
    pub average_rate: Option<Rate>,
    pub duration: Option<ExactDuration>,
    /// Bits per second.
    pub bit_rate: Option<u64>,
    /// Sample rate in hertz.
    pub sample_rate: Option<u32>,
    pub channels: Option<u32>,
    /// ffmpeg's name of the channel layout.
    pub channel_layout: Option<String>,
    /// True for cover art, thumbnails or a still image.
    pub is_attached_picture: bool,
    /// Start timecode, if it is stored as a number.
    pub timecode: Option<Timecode>,
    /// Counter-clockwise rotation in degrees.
    pub rotation: Option<f64>,
    pub projection: Option<Projection>,
    pub stereo: Option<Stereo>,
    /// True if there is a Dolby Vision configuration record.
    pub is_dolby_vision: bool,
    pub tags: TagMap,
}

impl Stream {
    /// Builds a video stream from the properties of its pictures.
    pub(super) fn from_picture(codec: &str, picture: CodedPicture) -> Self {
        Self {
            kind: StreamType::Video,
            codec: Some(codec.to_owned()),
            profile: picture.profile,
            level: picture.level,
            width: picture.width,
            height: picture.height,
            pixel_aspect: picture.pixel_aspect,
            pixel_format: picture.pixel_format,
            bits_per_raw_sample: picture.bits_per_raw_sample,
            scan_order: picture.scan_order,
            colour: picture.colour.into(),
            ..Self::default()
        }
    }

    /// Builds a stream that is described by its tags only.
    pub(super) fn from_tags(kind: StreamType, tags: TagMap) -> Self {
        Self {
            kind,
            tags,
            ..Self::default()
        }
    }
}

/// Returns the container name for the major brand of an ISO or `QuickTime` file.
pub(super) fn iso_container(brand: Option<&str>) -> &'static str {
    match brand.map_or("qt", str::trim) {
        "qt" => "mov",
        "M4A" => "m4a",
        brand if brand.starts_with("3g") => "3gp",
        _ => "mp4",
    }
}

/// Converts tag names to lower case, and drops empty values.
pub(super) fn normalize_tags(raw_tags: impl IntoIterator<Item = (String, String)>) -> TagMap {
    let mut tags = TagMap::new();
    for (key, value) in raw_tags {
        add_tag(&mut tags, &key, &value);
    }
    tags
}

/// Adds a tag, unless its value is empty, or its name already exists or is too long.
pub(super) fn add_tag(tags: &mut TagMap, key: &str, value: &str) {
    if key.len() > MAX_NAME_BYTES {
        return;
    }
    let value: String = value.trim().chars().take(MAX_VALUE_CHARS).collect();
    if !value.is_empty() {
        tags.entry(key.to_lowercase()).or_insert(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_a_tag_with_an_overlong_name() {
        let long = "k".repeat(MAX_NAME_BYTES + 1);
        let tags = normalize_tags([
            (long, "v".to_owned()),
            ("Title".to_owned(), " v ".to_owned()),
        ]);
        assert_eq!(
            tags.into_iter().collect::<Vec<_>>(),
            [("title".to_owned(), "v".to_owned())]
        );
    }
}
