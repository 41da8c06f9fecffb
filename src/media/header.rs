//! What a reader found in a file's header.
//!
//! The shape is that of `ffprobe -of json -show_format -show_streams`, as far as it is used.
//! Every reader fills it, so that one place decides what it means (`facts`, `written`).

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Deserializer};

use super::keyframes::Keyframes;

/// Tags by lower-case name: Matroska shouts, MP4 does not.
pub(super) type Tags = BTreeMap<String, String>;

/// Characters of a tag that are kept: a comment, not a book.
const LONGEST: usize = 4000;
/// Bytes of a tag's name; Apple's longest have about fifty.
const LONGEST_NAME: usize = 500;

/// What a reader found in a file.
#[derive(Debug)]
pub(super) struct Film {
    pub header: Header,
    /// Where the keyframes of its first picture track are, if that is known.
    pub keyframes: Option<Keyframes>,
}

/// Everything that is used of `ffprobe -of json -show_format -show_streams`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Header {
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
    pub tags: Tags,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(super) struct Stream {
    pub codec_type: String,
    pub codec_name: Option<String>,
    pub codec_tag_string: String,
    #[serde(deserialize_with = "lenient")]
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
    pub tags: Tags,
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
    /// A cover or a thumbnail track, which is no moving picture.
    pub(super) fn is_attached_picture(&self) -> bool {
        ["attached_pic", "timed_thumbnails", "still_image"]
            .iter()
            .any(|kind| self.disposition.get(*kind).is_some_and(|&set| set != 0))
    }
}

/// ffprobe writes some values as a number in one version and as text in another.
fn lenient<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match serde_json::Value::deserialize(from)? {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// Seconds with six digits, as ffprobe prints them.
pub(super) fn seconds(micros: u128) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// Empty tags are none.
fn tags<'de, D: Deserializer<'de>>(from: D) -> Result<Tags, D::Error> {
    Ok(tidy(BTreeMap::<String, String>::deserialize(from)?))
}

/// Tags by lower-case name, without those that say nothing.
pub(super) fn tidy(written: impl IntoIterator<Item = (String, String)>) -> Tags {
    let mut tags = Tags::new();
    for (key, value) in written {
        add_tag(&mut tags, &key, &value);
    }
    tags
}

/// Adds a tag, unless it says nothing, is there already, or has a name that is none.
pub(super) fn add_tag(tags: &mut Tags, key: &str, value: &str) {
    if key.len() > LONGEST_NAME {
        return;
    }
    let value: String = value.trim().chars().take(LONGEST).collect();
    if !value.is_empty() {
        tags.entry(key.to_lowercase()).or_insert(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_as_long_as_a_book_is_none() {
        let long = "k".repeat(LONGEST_NAME + 1);
        let tags = tidy([
            (long, "v".to_owned()),
            ("Title".to_owned(), " v ".to_owned()),
        ]);
        assert_eq!(
            tags.into_iter().collect::<Vec<_>>(),
            [("title".to_owned(), "v".to_owned())]
        );
    }
}
