//! Conversion of ffprobe's JSON output to a header.
//!
//! The types cover the used part of `ffprobe -of json -show_format -show_streams`. ffprobe prints
//! most numbers as text, and placeholders for unknown values. Neither passes this module.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Deserializer};

use super::colour::{Matrix, Primaries, StreamColour, Transfer};
use super::header::{Format, MediaHeader, Stream, StreamType, iso_container, normalize_tags};
use super::ratio::PixelAspect;
use crate::value::{Duration, ExactDuration, Projection, Rate, ScanOrder, Stereo, VideoRange};

/// Parses the output; `None` if it is not JSON or names no format.
pub(super) fn parse(output: &[u8]) -> Option<MediaHeader> {
    let root: JsonRoot = serde_json::from_slice(output).ok()?;
    (!root.format.format_name.is_empty()).then(|| MediaHeader {
        format: root.format.into_format(),
        streams: root
            .streams
            .into_iter()
            .map(JsonStream::into_stream)
            .collect(),
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonRoot {
    format: JsonFormat,
    streams: Vec<JsonStream>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonFormat {
    format_name: String,
    duration: Option<String>,
    tags: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonStream {
    codec_type: String,
    codec_name: Option<String>,
    codec_tag_string: String,
    #[serde(deserialize_with = "string_or_number")]
    profile: Option<String>,
    level: Option<i64>,
    width: Option<u32>,
    height: Option<u32>,
    sample_aspect_ratio: Option<String>,
    pix_fmt: Option<String>,
    bits_per_raw_sample: Option<String>,
    field_order: Option<String>,
    color_range: Option<String>,
    color_space: Option<String>,
    color_transfer: Option<String>,
    color_primaries: Option<String>,
    r_frame_rate: Option<String>,
    avg_frame_rate: Option<String>,
    duration: Option<String>,
    bit_rate: Option<String>,
    sample_rate: Option<String>,
    channels: Option<u32>,
    channel_layout: Option<String>,
    disposition: HashMap<String, i64>,
    tags: BTreeMap<String, String>,
    side_data_list: Vec<JsonSideData>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonSideData {
    side_data_type: String,
    rotation: Option<f64>,
    projection: Option<String>,
    #[serde(rename = "type")]
    stereo: Option<String>,
}

/// Deserializes a value that some versions of ffprobe write as a number and others as text.
fn string_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match serde_json::Value::deserialize(from)? {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

impl JsonFormat {
    fn into_format(self) -> Format {
        let tags = normalize_tags(self.tags);
        let name = self.format_name.as_str();
        // ffprobe lists a family of formats, in which the major brand distinguishes `QuickTime`
        // from MP4.
        let container = if name.starts_with("mov,") {
            iso_container(tags.get("major_brand").map(String::as_str))
        } else {
            let name = name.strip_suffix("_pipe").unwrap_or(name);
            name.split(',').next().unwrap_or(name)
        };
        Format {
            container: container.to_owned(),
            is_still: name.ends_with("_pipe"),
            duration: parse_duration(self.duration),
            tags,
            ..Format::default()
        }
    }
}

impl JsonStream {
    fn into_stream(self) -> Stream {
        let is_set = |kind: &str| self.disposition.get(kind).is_some_and(|&set| set != 0);
        let mut stream = Stream {
            kind: match self.codec_type.as_str() {
                "video" => StreamType::Video,
                "audio" => StreamType::Audio,
                _ => StreamType::Other,
            },
            codec: codec(self.codec_name, &self.codec_tag_string),
            profile: known(self.profile),
            level: self.level,
            width: self.width,
            height: self.height,
            pixel_aspect: self.sample_aspect_ratio.as_deref().and_then(parse_aspect),
            pixel_format: known(self.pix_fmt),
            bits_per_raw_sample: self.bits_per_raw_sample.and_then(|bits| bits.parse().ok()),
            scan_order: self.field_order.as_deref().and_then(scan_order),
            colour: StreamColour {
                range: match self.color_range.as_deref() {
                    Some("tv") => Some(VideoRange::Limited),
                    Some("pc") => Some(VideoRange::Full),
                    _ => None,
                },
                primaries: known(self.color_primaries).map(|name| Primaries::from_name(&name)),
                transfer: known(self.color_transfer).map(|name| Transfer::from_name(&name)),
                matrix: known(self.color_space).map(|name| Matrix::from_name(&name)),
            },
            finest_rate: parse_rate(self.r_frame_rate),
            average_rate: parse_rate(self.avg_frame_rate),
            duration: parse_duration(self.duration),
            bit_rate: self.bit_rate.and_then(|rate| rate.parse().ok()),
            sample_rate: self.sample_rate.and_then(|rate| rate.parse().ok()),
            channels: self.channels,
            channel_layout: known(self.channel_layout),
            is_attached_picture: ["attached_pic", "timed_thumbnails", "still_image"]
                .into_iter()
                .any(is_set),
            tags: normalize_tags(self.tags),
            ..Stream::default()
        };
        for side in &self.side_data_list {
            side.apply(&mut stream);
        }
        stream
    }
}

impl JsonSideData {
    fn apply(&self, stream: &mut Stream) {
        stream.rotation = stream.rotation.or(self.rotation);
        match self.side_data_type.as_str() {
            "Spherical Mapping" => {
                stream.projection = self.projection.as_deref().and_then(projection);
            }
            "Stereo 3D" => stream.stereo = self.stereo.as_deref().and_then(stereo),
            kind if kind.starts_with("DOVI") => stream.is_dolby_vision = true,
            _ => {}
        }
    }
}

/// Returns the trimmed text; `None` for placeholders that ffprobe prints, such as `unknown`.
fn known(text: Option<String>) -> Option<String> {
    let text = text?;
    let is_placeholder = matches!(
        text.trim(),
        "" | "unknown" | "-99" | "reserved" | "N/A" | "unspecified"
    );
    (!is_placeholder).then(|| text.trim().to_owned())
}

/// Returns ffmpeg's codec name, or the container's four-character code if ffmpeg has no name.
fn codec(name: Option<String>, tag: &str) -> Option<String> {
    if let Some(name) = known(name) {
        return Some(name);
    }
    Some(match tag.trim() {
        "aprn" | "aprh" => "prores_raw".to_owned(),
        // Blackmagic RAW: brhq, brst, brlt, brvn, brs2, brxq, brt8 …
        tag if tag.len() == 4 && tag.starts_with("br") => "braw".to_owned(),
        tag if tag.is_empty() || tag.starts_with("[0]") => return None,
        tag => tag.to_lowercase(),
    })
}

/// Parses a fraction such as `24000/1001`; `None` for the `0/0` of an unknown rate.
fn parse_rate(text: Option<String>) -> Option<Rate> {
    text?.parse().ok()
}

/// Parses seconds with six decimals.
fn parse_duration(text: Option<String>) -> Option<ExactDuration> {
    let micros = Duration::from_decimal(&text?)?.as_micros();
    Some(ExactDuration::from_micros(micros))
}

/// Parses a pixel aspect ratio such as `64:45`; `None` for the `0:1` of an unknown one.
fn parse_aspect(text: &str) -> Option<PixelAspect> {
    let (horizontal, vertical) = text.split_once(':')?;
    PixelAspect::new(horizontal.parse().ok()?, vertical.parse().ok()?)
}

fn scan_order(field_order: &str) -> Option<ScanOrder> {
    Some(match field_order {
        "progressive" => ScanOrder::Progressive,
        // The first letter names the field that is coded first, the second letter the field that is
        // shown first.
        "tt" | "bt" => ScanOrder::TopFieldFirst,
        "bb" | "tb" => ScanOrder::BottomFieldFirst,
        _ => return None,
    })
}

fn projection(name: &str) -> Option<Projection> {
    Some(match name {
        "equirectangular" => Projection::Equirectangular,
        "half equirectangular" => Projection::HalfEquirectangular,
        "cubemap" => Projection::Cubemap,
        "tiled equirectangular" => Projection::Tiled,
        "fisheye" => Projection::Fisheye,
        _ => return None,
    })
}

fn stereo(name: &str) -> Option<Stereo> {
    Some(match name {
        "top and bottom" => Stereo::TopBottom,
        "frame alternate" => Stereo::FrameSequential,
        name if name.starts_with("side by side") => Stereo::SideBySide,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(json: &str) -> Stream {
        let text = format!(r#"{{"format":{{"format_name":"mxf"}},"streams":[{{{json}}}]}}"#);
        parse(text.as_bytes()).unwrap().streams.remove(0)
    }

    #[test]
    fn reads_the_output_of_other_versions_of_ffprobe() {
        let json = r#"{"streams":[{"codec_type":"video","profile":578,"new":{}}],"format":{"format_name":"mxf"},"more":1}"#;
        let header = parse(json.as_bytes()).unwrap();
        assert_eq!(header.streams[0].profile.as_deref(), Some("578"));
        assert_eq!(header.format.container, "mxf");
        assert!(parse(b"{}").is_none() && parse(b"").is_none());
    }

    #[test]
    fn numbers_are_exact_and_placeholders_are_dropped() {
        let read = stream(
            r#""codec_type":"video","codec_name":"unknown","codec_tag_string":"[0][0][0][0]",
            "profile":"unknown","pix_fmt":"N/A","sample_aspect_ratio":"0:1","color_transfer":"reserved",
            "color_primaries":"new-gamut","r_frame_rate":"24000/1001","avg_frame_rate":"0/0",
            "duration":"0.041708","bits_per_raw_sample":"10","bit_rate":"N/A""#,
        );
        assert_eq!((read.codec, read.profile), (None, None));
        assert_eq!((read.pixel_format, read.pixel_aspect), (None, None));
        assert_eq!(read.colour.transfer, None);
        assert_eq!(read.colour.primaries.unwrap().to_string(), "new-gamut");
        assert_eq!(read.finest_rate, Rate::new(24000, 1001));
        assert_eq!((read.average_rate, read.bit_rate), (None, None));
        assert_eq!(read.duration, Some(ExactDuration::from_micros(41_708)));
        assert_eq!(read.bits_per_raw_sample, Some(10));
    }

    #[test]
    fn names_a_codec_by_its_tag_if_ffmpeg_has_no_name() {
        let codec_of = |tag: &str| stream(&format!(r#""codec_tag_string":"{tag}""#)).codec;
        assert_eq!(codec_of("aprn").as_deref(), Some("prores_raw"));
        assert_eq!(codec_of("brxq").as_deref(), Some("braw"));
        assert_eq!(codec_of("CRAW").as_deref(), Some("craw"));
        assert_eq!(codec_of(""), None);
    }

    #[test]
    fn the_container_of_a_family_of_formats_follows_from_the_brand() {
        let container = |name: &str, brand: &str| {
            let text = format!(
                r#"{{"format":{{"format_name":"{name}","tags":{{"major_brand":"{brand}"}}}}}}"#
            );
            let format = parse(text.as_bytes()).unwrap().format;
            (format.container, format.is_still)
        };
        for (name, brand, expected) in [
            ("mov,mp4,m4a", "qt  ", ("mov", false)),
            ("mov,mp4,m4a", "", ("mov", false)),
            ("mov,mp4,m4a", "M4A ", ("m4a", false)),
            ("mov,mp4,m4a", "3gp5", ("3gp", false)),
            ("mov,mp4,m4a", "isom", ("mp4", false)),
            ("matroska,webm", "", ("matroska", false)),
            ("tiff_pipe", "", ("tiff", true)),
        ] {
            assert_eq!(container(name, brand), (expected.0.to_owned(), expected.1));
        }
    }
}
