//! Header fields of a media file, in the structure of ffprobe's JSON output.
//!
//! The types cover the used part of `ffprobe -of json -show_format -show_streams`. Every header
//! reader returns them, so only `facts` and `embedded_tags` interpret their values.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Deserializer};

use super::keyframes::Keyframes;

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

/// Root of the JSON output.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MediaHeader {
    pub format: Format,
    pub streams: Vec<Stream>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Format {
    #[serde(rename = "format_name")]
    pub name: String,
    pub duration: Option<String>,
    #[serde(deserialize_with = "tags")]
    pub tags: TagMap,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(super) struct Stream {
    pub codec_type: String,
    pub codec_name: Option<String>,
    pub codec_tag_string: String,
    #[serde(deserialize_with = "string_or_number")]
    pub profile: Option<String>,
    pub level: Option<i64>,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub sample_aspect_ratio: Option<String>,
    pub pix_fmt: Option<String>,
    pub bits_per_raw_sample: Option<String>,
    pub field_order: Option<String>,
    pub color_range: Option<String>,
    pub color_space: Option<String>,
    pub color_transfer: Option<String>,
    pub color_primaries: Option<String>,
    pub r_frame_rate: String,
    pub avg_frame_rate: String,
    pub duration: Option<String>,
    pub bit_rate: Option<String>,
    pub sample_rate: Option<String>,
    pub channels: Option<u32>,
    pub channel_layout: Option<String>,
    pub disposition: HashMap<String, i64>,
    #[serde(deserialize_with = "tags")]
    pub tags: TagMap,
    pub side_data_list: Vec<SideData>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(super) struct SideData {
    #[serde(rename = "side_data_type")]
    pub kind: String,
    pub rotation: Option<f64>,
    pub projection: Option<String>,
    #[serde(rename = "type")]
    pub stereo: Option<String>,
}

impl Stream {
    /// Returns true for a stream with cover art, thumbnails or a still image.
    pub(super) fn is_attached_picture(&self) -> bool {
        ["attached_pic", "timed_thumbnails", "still_image"]
            .iter()
            .any(|kind| self.disposition.get(*kind).is_some_and(|&set| set != 0))
    }
}

/// Deserializes a value that some versions of ffprobe write as a number and others as text.
fn string_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match serde_json::Value::deserialize(from)? {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// Formats microseconds as seconds with six decimals, as ffprobe does.
pub(super) fn format_seconds(micros: u128) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// Deserializes tags without empty ones.
fn tags<'de, D: Deserializer<'de>>(from: D) -> Result<TagMap, D::Error> {
    Ok(normalize_tags(BTreeMap::<String, String>::deserialize(
        from,
    )?))
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
