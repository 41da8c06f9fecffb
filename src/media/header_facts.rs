//! Conversion of a media header to the facts of a clip.

use super::header::{Format, MediaHeader, Stream, TagMap};
use super::{embedded_tags, pixel_format};
use crate::clip::{Clip, Fact, FieldValue, Source};
use crate::value::{Duration, Hdr, Projection, Rate, ScanOrder, Stereo, Timecode, VideoRange};

/// Upper limit of frame rates. A higher value is a time base, not a frame rate.
const MAX_FRAME_RATE: f64 = 999.0;

/// Returns the facts of a header; `None` if it lists no streams.
pub(super) fn from_header(header: &MediaHeader) -> Option<Clip> {
    if header.streams.is_empty() {
        return None;
    }
    let mut clip = Clip {
        container: fact(container(&header.format), Source::CONTAINER),
        ..Clip::default()
    };
    // A pipe format contains a single picture, so ffprobe makes up its timing.
    let is_still = header.format.name.ends_with("_pipe");
    let video = header
        .streams
        .iter()
        .find(|stream| stream.codec_type == "video" && !stream.is_attached_picture());
    if let Some(video) = video {
        set_video(&mut clip, video);
        set_colour(&mut clip, video);
        if !is_still {
            set_timing(&mut clip, video);
        }
    }
    set_audio(&mut clip, &header.streams);
    if !is_still {
        clip.duration = duration(header).and_then(|d| fact(d, Source::CONTAINER));
    }
    clip.start_timecode = timecode(
        header,
        clip.container.as_ref().map(|fact| fact.value.as_str()),
    );
    embedded_tags::read(&mut clip, header);
    Some(clip)
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "every field of a clip is optional"
)]
fn fact<T: FieldValue>(value: T, source: Source) -> Option<Fact<T>> {
    Some(Fact::new(value, source))
}

fn stream_fact<T: FieldValue>(value: Option<T>) -> Option<Fact<T>> {
    value.map(|value| Fact::new(value, Source::STREAM))
}

/// Returns the trimmed text; `None` for placeholders that ffprobe prints, such as `unknown`.
fn text_unless_placeholder(text: Option<&String>) -> Option<String> {
    let text = text?.trim();
    let is_placeholder = matches!(
        text,
        "" | "unknown" | "-99" | "reserved" | "N/A" | "unspecified"
    );
    (!is_placeholder).then(|| text.to_owned())
}

/// Returns the container name. ffprobe lists a family of formats, in which the major brand
/// distinguishes `QuickTime` from MP4.
fn container(format: &Format) -> String {
    let name = format.name.as_str();
    if name.starts_with("mov,") {
        let brand = format
            .tags
            .get("major_brand")
            .map_or("qt", |brand| brand.trim());
        return match brand {
            "qt" => "mov",
            "M4A" => "m4a",
            brand if brand.starts_with("3g") => "3gp",
            _ => "mp4",
        }
        .to_owned();
    }
    let name = name.strip_suffix("_pipe").unwrap_or(name);
    name.split(',').next().unwrap_or(name).to_owned()
}

/// Returns ffmpeg's codec name, or the container's four-character code if ffmpeg has no name.
fn codec(stream: &Stream) -> Option<String> {
    if let Some(name) = text_unless_placeholder(stream.codec_name.as_ref()) {
        return Some(name);
    }
    let tag = stream.codec_tag_string.trim();
    Some(match tag {
        "aprn" | "aprh" => "prores_raw".to_owned(),
        // Blackmagic RAW: brhq, brst, brlt, brvn, brs2, brxq, brt8 …
        tag if tag.len() == 4 && tag.starts_with("br") => "braw".to_owned(),
        tag if tag.is_empty() || tag.starts_with("[0]") => return None,
        tag => tag.to_lowercase(),
    })
}

fn set_video(clip: &mut Clip, video: &Stream) {
    clip.video_codec = stream_fact(codec(video));
    clip.profile = stream_fact(text_unless_placeholder(video.profile.as_ref()));
    clip.level = stream_fact(level(video));
    clip.width = stream_fact(video.width.filter(|&n| n > 0));
    clip.height = stream_fact(video.height.filter(|&n| n > 0));
    let rotation = rotation(video);
    clip.rotation = stream_fact(rotation.filter(|&degrees| degrees != 0));
    if let Some((width, height)) = video
        .width
        .zip(video.height)
        .filter(|&(w, h)| w > 0 && h > 0)
    {
        let square_pixel_width = square_width(width, video.sample_aspect_ratio.as_deref());
        let is_quarter_turn = matches!(rotation, Some(90 | 270));
        let (display_width, display_height) = if is_quarter_turn {
            (height, square_pixel_width)
        } else {
            (square_pixel_width, height)
        };
        clip.display_width = stream_fact(Some(display_width));
        clip.display_height = stream_fact(Some(display_height));
    }
    clip.scan_order = stream_fact(match video.field_order.as_deref() {
        Some("progressive") => Some(ScanOrder::Progressive),
        // The first letter names the field that is coded first, the second letter the field that is
        // shown first.
        Some("tt" | "bt") => Some(ScanOrder::TopFieldFirst),
        Some("bb" | "tb") => Some(ScanOrder::BottomFieldFirst),
        _ => None,
    });
    if let Some(name) = text_unless_placeholder(video.pix_fmt.as_ref()) {
        let format = pixel_format::parse(&name);
        let raw_bits = video
            .bits_per_raw_sample
            .as_ref()
            .and_then(|bits| bits.parse().ok());
        clip.bit_depth = stream_fact(raw_bits.filter(|&bits: &u32| bits > 0).or(format.bit_depth));
        clip.chroma_subsampling = stream_fact(format.chroma.map(str::to_owned));
        clip.pixel_format = stream_fact(Some(name));
    }
    clip.video_bitrate = stream_fact(
        video
            .bit_rate
            .as_ref()
            .and_then(|rate| rate.parse().ok())
            .filter(|&n| n > 0),
    );
    for side in &video.side_data_list {
        match side.kind.as_str() {
            "Spherical Mapping" => {
                clip.projection = stream_fact(projection(side.projection.as_deref()));
            }
            "Stereo 3D" => clip.stereo = stream_fact(stereo(side.stereo.as_deref())),
            _ => {}
        }
    }
}

/// Formats a level as in the standards: `4.1` for 41 in H.264 and for 123 in HEVC.
fn level(video: &Stream) -> Option<String> {
    let level = video.level.filter(|&level| level > 0)?;
    Some(match video.codec_name.as_deref() {
        Some("h264") => format!("{}.{}", level / 10, level % 10),
        Some("hevc") => format!("{}.{}", level / 30, level % 30 / 3),
        Some("av1") => format!("{}.{}", 2 + level / 4, level % 4),
        _ => level.to_string(),
    })
}

/// Returns the clockwise rotation in degrees; `None` unless it is a multiple of 90.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 to 270"
)]
fn rotation(video: &Stream) -> Option<u32> {
    let degrees = video.side_data_list.iter().find_map(|side| side.rotation)?;
    if !degrees.is_finite() || degrees.abs() > 360.0 {
        return None;
    }
    let quarter = (-degrees / 90.0).round() * 90.0;
    ((quarter + degrees).abs() < 1.0).then(|| quarter.rem_euclid(360.0) as u32)
}

/// Converts a width to square pixels. Pixel aspect ratios above 10:1 are ignored.
fn square_width(width: u32, aspect: Option<&str>) -> u32 {
    let aspect = aspect.and_then(|text| {
        let (num, den) = text.split_once(':')?;
        let (num, den): (u64, u64) = (num.parse().ok()?, den.parse().ok()?);
        (num > 0 && den > 0 && num <= den * 10 && den <= num * 10).then_some((num, den))
    });
    let Some((num, den)) = aspect else {
        return width;
    };
    u32::try_from((u64::from(width) * num + den / 2) / den)
        .unwrap_or(width)
        .max(1)
}

fn projection(name: Option<&str>) -> Option<Projection> {
    Some(match name? {
        "equirectangular" => Projection::Equirectangular,
        "half equirectangular" => Projection::HalfEquirectangular,
        "cubemap" => Projection::Cubemap,
        "tiled equirectangular" => Projection::Tiled,
        "fisheye" => Projection::Fisheye,
        _ => return None,
    })
}

fn stereo(name: Option<&str>) -> Option<Stereo> {
    let name = name?;
    Some(match name {
        "top and bottom" => Stereo::TopBottom,
        "frame alternate" => Stereo::FrameSequential,
        name if name.starts_with("side by side") => Stereo::SideBySide,
        _ => return None,
    })
}

fn set_colour(clip: &mut Clip, video: &Stream) {
    clip.primaries = stream_fact(text_unless_placeholder(video.color_primaries.as_ref()));
    clip.transfer = stream_fact(text_unless_placeholder(video.color_transfer.as_ref()));
    clip.matrix = stream_fact(text_unless_placeholder(video.color_space.as_ref()));
    clip.range = stream_fact(match video.color_range.as_deref() {
        Some("tv") => Some(VideoRange::Limited),
        Some("pc") => Some(VideoRange::Full),
        _ => None,
    });
    let is_dolby = video
        .side_data_list
        .iter()
        .any(|side| side.kind.starts_with("DOVI"));
    clip.hdr = stream_fact(match video.color_transfer.as_deref() {
        _ if is_dolby => Some(Hdr::DolbyVision),
        Some("smpte2084") => Some(Hdr::Hdr10),
        Some("arib-std-b67") => Some(Hdr::Hlg),
        _ => None,
    });
}

/// Sets the frame rate and the variable-frame-rate flag.
///
/// `r_frame_rate` is the lowest rate that fits all timestamps: the field rate in AVCHD, the time
/// base in many `WebM` and FLV files. `avg_frame_rate` is the frame count divided by the duration.
/// It is correct on average, but doubled in interlaced AVI, and 1000/1 if a demuxer only guesses.
fn set_timing(clip: &mut Clip, video: &Stream) {
    let plausible = |text: &str| {
        text.parse::<Rate>()
            .ok()
            .filter(|rate| rate.per_second() < MAX_FRAME_RATE)
    };
    let (finest, average) = (
        plausible(&video.r_frame_rate),
        plausible(&video.avg_frame_rate),
    );
    let (rate, is_vfr) = match (finest, average) {
        (Some(finest), Some(average)) => {
            let ratio = finest.per_second() / average.per_second();
            let is_ratio = |expected: f64| (ratio / expected - 1.0).abs() < 0.0005;
            if is_ratio(1.0) {
                (Some(finest.snapped()), Some(false))
            } else if is_ratio(2.0) {
                (finest.halved().map(Rate::snapped), Some(false))
            } else if is_ratio(0.5) {
                (Some(finest.snapped()), Some(false))
            } else {
                (Some(average), Some(true))
            }
        }
        (None, Some(average)) => {
            // No rate fits all timestamps. Timestamps in milliseconds are too coarse to detect a
            // variable rate.
            let is_variable = !matches!(video.r_frame_rate.as_str(), "1000/1" | "0/0" | "");
            (Some(average.snapped()), is_variable.then_some(true))
        }
        (Some(finest), None) => (Some(finest.snapped()), None),
        (None, None) => (None, None),
    };
    clip.rate = stream_fact(rate);
    clip.is_vfr = stream_fact(is_vfr);
}

fn set_audio(clip: &mut Clip, streams: &[Stream]) {
    let tracks: Vec<&Stream> = streams
        .iter()
        .filter(|stream| stream.codec_type == "audio")
        .collect();
    let Some(first) = tracks.first() else { return };
    clip.audio_codec = stream_fact(codec(first));
    clip.audio_tracks = stream_fact(u32::try_from(tracks.len()).ok());
    let channels = tracks
        .iter()
        .filter_map(|track| track.channels)
        .fold(0, u32::saturating_add);
    clip.audio_channels = stream_fact(Some(channels).filter(|&n| n > 0));
    clip.audio_layout = stream_fact(text_unless_placeholder(first.channel_layout.as_ref()));
    clip.sample_rate = stream_fact(
        first
            .sample_rate
            .as_ref()
            .and_then(|rate| rate.parse().ok())
            .filter(|&n| n > 0),
    );
}

fn duration(header: &MediaHeader) -> Option<Duration> {
    let decimal = |text: &Option<String>| {
        Duration::from_decimal(text.as_deref()?).filter(|d| d.as_micros() > 0)
    };
    decimal(&header.format.duration).or_else(|| {
        header
            .streams
            .iter()
            .filter_map(|stream| decimal(&stream.duration))
            .max()
    })
}

/// Returns the first timecode of the streams, otherwise that of the container.
///
/// Every MPEG video stream carries a group-of-pictures timecode. It is zero if it was not set, and
/// then ignored.
fn timecode(header: &MediaHeader, container: Option<&str>) -> Option<Fact<Timecode>> {
    let parse = |tags: &TagMap| tags.get("timecode")?.parse::<Timecode>().ok();
    let is_unset = |stream: &Stream, timecode: &Timecode| {
        let is_mpeg = matches!(
            stream.codec_name.as_deref(),
            Some("mpeg1video" | "mpeg2video")
        );
        is_mpeg && container != Some("mxf") && timecode.to_string() == "00:00:00:00"
    };
    let in_streams = header
        .streams
        .iter()
        .find_map(|stream| parse(&stream.tags).filter(|timecode| !is_unset(stream, timecode)));
    in_streams
        .and_then(|timecode| fact(timecode, Source::STREAM))
        .or_else(|| {
            parse(&header.format.tags).and_then(|timecode| fact(timecode, Source::CONTAINER))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn video(json: &str) -> Clip {
        let text = format!(
            r#"{{"format":{{"format_name":"mov,mp4","duration":"10.5"}},"streams":[{{"codec_type":"video","codec_name":"h264",{json}}}]}}"#
        );
        from_header(&serde_json::from_str(&text).unwrap()).unwrap()
    }

    fn rate(finest: &str, average: &str) -> (Option<String>, Option<bool>) {
        let clip = video(&format!(
            r#""r_frame_rate":"{finest}","avg_frame_rate":"{average}""#
        ));
        (
            clip.rate.map(|fact| fact.value.to_string()),
            clip.is_vfr.map(|fact| fact.value),
        )
    }

    #[test]
    fn uses_the_rate_of_frames_instead_of_fields_or_time_bases() {
        for (finest, average, expected, is_vfr) in [
            ("24000/1001", "24000/1001", Some("24000/1001"), Some(false)),
            ("50/1", "25/1", Some("25"), Some(false)),
            ("30/1", "60/1", Some("30"), Some(false)),
            ("60000/1001", "19001/317", Some("60000/1001"), Some(false)),
            ("30/1", "1000/1", Some("30"), None),
            ("1000/1", "0/0", None, None),
            ("1000/1", "1000/7", Some("1000/7"), None),
            ("90000/1", "2101/200", Some("2101/200"), Some(true)),
            ("25/1", "0/0", Some("25"), None),
            ("100/1", "1952/1000", Some("244/125"), Some(true)),
            ("", "", None, None),
        ] {
            assert_eq!(
                rate(finest, average),
                (expected.map(str::to_owned), is_vfr),
                "{finest} {average}"
            );
        }
    }

    #[test]
    fn display_size_is_upright_with_square_pixels() {
        for (json, expected) in [
            (r#""width":1920,"height":1080"#, (1920, 1080)),
            (
                r#""width":1440,"height":1080,"sample_aspect_ratio":"4:3""#,
                (1920, 1080),
            ),
            (
                r#""width":1920,"height":1080,"side_data_list":[{"rotation":-90}]"#,
                (1080, 1920),
            ),
            (
                r#""width":80,"height":60,"side_data_list":[{"rotation":-9223372036854775808}]"#,
                (80, 60),
            ),
            (
                r#""width":80,"height":60,"sample_aspect_ratio":"0:1""#,
                (80, 60),
            ),
        ] {
            let clip = video(json);
            assert_eq!(
                (
                    clip.display_width.unwrap().value,
                    clip.display_height.unwrap().value
                ),
                expected
            );
        }
        let clip = video(r#""width":8,"height":8,"side_data_list":[{"rotation":-90}]"#);
        assert_eq!(clip.rotation.unwrap().value, 90);
    }

    #[test]
    fn ignores_cover_art() {
        let text = r#"{"format":{"format_name":"mp3"},"streams":[
            {"codec_type":"video","codec_name":"png","width":600,"height":600,"disposition":{"attached_pic":1}},
            {"codec_type":"audio","codec_name":"mp3","channels":2}]}"#;
        let clip = from_header(&serde_json::from_str(text).unwrap()).unwrap();
        assert_eq!((clip.video_codec, clip.width), (None, None));
        assert_eq!(clip.audio_codec.unwrap().value, "mp3");
    }
}
