//! Conversion of a media header to the facts of a clip.

use super::colour::{Listed, Transfer};
use super::header::{MediaHeader, Stream, StreamType};
use super::ratio::PixelAspect;
use super::{embedded_tags, pixel_format};
use crate::clip::{Clip, Fact, FieldValue, Source};
use crate::value::{Duration, ExactDuration, Hdr, Rate, Timecode};

/// Version of these facts. Increase it when the same header gives other facts.
pub(super) const VERSION: u32 = 1;

/// Upper limit of frame rates. A higher value is a time base, not a frame rate.
const MAX_FRAME_RATE: f64 = 999.0;

/// Returns the facts of a header; `None` if it lists no streams.
pub(super) fn from_header(header: &MediaHeader) -> Option<Clip> {
    if header.streams.is_empty() {
        return None;
    }
    let mut clip = Clip {
        container: fact(header.format.container.clone(), Source::CONTAINER),
        ..Clip::default()
    };
    let is_still = header.format.is_still;
    let video = header
        .streams
        .iter()
        .find(|stream| stream.kind == StreamType::Video && !stream.is_attached_picture);
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
    clip.start_timecode = timecode(header);
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

fn set_video(clip: &mut Clip, video: &Stream) {
    clip.video_codec = stream_fact(video.codec.clone());
    clip.profile = stream_fact(video.profile.clone());
    clip.level = stream_fact(level(video));
    clip.width = stream_fact(video.width.filter(|&n| n > 0));
    clip.height = stream_fact(video.height.filter(|&n| n > 0));
    let rotation = video.rotation.and_then(quarter_turns);
    clip.rotation = stream_fact(rotation.filter(|&degrees| degrees != 0));
    if let Some((width, height)) = video
        .width
        .zip(video.height)
        .filter(|&(w, h)| w > 0 && h > 0)
    {
        let square_pixel_width = video
            .pixel_aspect
            .unwrap_or(PixelAspect::SQUARE)
            .square_width(width);
        let is_quarter_turn = matches!(rotation, Some(90 | 270));
        let (display_width, display_height) = if is_quarter_turn {
            (height, square_pixel_width)
        } else {
            (square_pixel_width, height)
        };
        clip.display_width = stream_fact(Some(display_width));
        clip.display_height = stream_fact(Some(display_height));
    }
    clip.scan_order = stream_fact(video.scan_order);
    if let Some(name) = &video.pixel_format {
        let format = pixel_format::parse(name);
        let raw_bits = video.bits_per_raw_sample.filter(|&bits| bits > 0);
        clip.bit_depth = stream_fact(raw_bits.or(format.bit_depth));
        clip.chroma_subsampling = stream_fact(format.chroma.map(str::to_owned));
        clip.pixel_format = stream_fact(Some(name.clone()));
    }
    clip.video_bitrate = stream_fact(video.bit_rate.filter(|&n| n > 0));
    clip.projection = stream_fact(video.projection);
    clip.stereo = stream_fact(video.stereo);
}

/// Formats a level as in the standards: `4.1` for 41 in H.264 and for 123 in HEVC.
fn level(video: &Stream) -> Option<String> {
    let level = video.level.filter(|&level| level > 0)?;
    Some(match video.codec.as_deref() {
        Some("h264") => format!("{}.{}", level / 10, level % 10),
        Some("hevc") => format!("{}.{}", level / 30, level % 30 / 3),
        Some("av1") => format!("{}.{}", 2 + level / 4, level % 4),
        _ => level.to_string(),
    })
}

/// Converts a counter-clockwise rotation to clockwise degrees; `None` unless it is a multiple of 90.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 to 270"
)]
fn quarter_turns(degrees: f64) -> Option<u32> {
    if !degrees.is_finite() || degrees.abs() > 360.0 {
        return None;
    }
    let quarter = (-degrees / 90.0).round() * 90.0;
    ((quarter + degrees).abs() < 1.0).then(|| quarter.rem_euclid(360.0) as u32)
}

fn set_colour(clip: &mut Clip, video: &Stream) {
    let colour = &video.colour;
    clip.primaries = stream_fact(colour.primaries.as_ref().map(ToString::to_string));
    clip.transfer = stream_fact(colour.transfer.as_ref().map(ToString::to_string));
    clip.matrix = stream_fact(colour.matrix.as_ref().map(ToString::to_string));
    clip.range = stream_fact(colour.range);
    clip.hdr = stream_fact(match colour.transfer {
        _ if video.is_dolby_vision => Some(Hdr::DolbyVision),
        Some(Listed::Known(Transfer::PerceptualQuantizer)) => Some(Hdr::Hdr10),
        Some(Listed::Known(Transfer::HybridLogGamma)) => Some(Hdr::Hlg),
        _ => None,
    });
}

/// Sets the frame rate and the variable-frame-rate flag.
fn set_timing(clip: &mut Clip, video: &Stream) {
    let plausible = |rate: Option<Rate>| rate.filter(|rate| rate.per_second() < MAX_FRAME_RATE);
    let (finest, average) = (plausible(video.finest_rate), plausible(video.average_rate));
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
            let is_variable = video
                .finest_rate
                .is_some_and(|rate| rate.terms() != (1000, 1));
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
        .filter(|stream| stream.kind == StreamType::Audio)
        .collect();
    let Some(first) = tracks.first() else { return };
    clip.audio_codec = stream_fact(first.codec.clone());
    clip.audio_tracks = stream_fact(u32::try_from(tracks.len()).ok());
    let channels = tracks
        .iter()
        .filter_map(|track| track.channels)
        .fold(0, u32::saturating_add);
    clip.audio_channels = stream_fact(Some(channels).filter(|&n| n > 0));
    clip.audio_layout = stream_fact(first.channel_layout.clone());
    clip.sample_rate = stream_fact(first.sample_rate.filter(|&n| n > 0));
}

fn duration(header: &MediaHeader) -> Option<Duration> {
    let rounded =
        |exact: Option<ExactDuration>| exact?.rounded().filter(|duration| duration.as_micros() > 0);
    rounded(header.format.duration).or_else(|| {
        header
            .streams
            .iter()
            .filter_map(|stream| rounded(stream.duration))
            .max()
    })
}

/// Returns the first timecode of the streams, otherwise that of the container.
///
/// Every MPEG video stream carries a group-of-pictures timecode. It is zero if it was not set, and
/// then ignored.
fn timecode(header: &MediaHeader) -> Option<Fact<Timecode>> {
    let zero = Timecode::new(0, 0, 0, 0, false);
    let is_unset = |stream: &Stream, timecode: Timecode| {
        let is_mpeg = matches!(stream.codec.as_deref(), Some("mpeg1video" | "mpeg2video"));
        is_mpeg && header.format.container != "mxf" && Some(timecode) == zero
    };
    let in_streams = header.streams.iter().find_map(|stream| {
        let timecode = stream
            .timecode
            .or_else(|| embedded_tags::timecode(&stream.tags))?;
        (!is_unset(stream, timecode)).then_some(timecode)
    });
    let in_format = || {
        let format = &header.format;
        format
            .timecode
            .or_else(|| embedded_tags::timecode(&format.tags))
    };
    in_streams
        .and_then(|timecode| fact(timecode, Source::STREAM))
        .or_else(|| in_format().and_then(|timecode| fact(timecode, Source::CONTAINER)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::ffprobe_json;

    fn video(json: &str) -> Clip {
        let text = format!(
            r#"{{"format":{{"format_name":"mov,mp4","duration":"10.5"}},"streams":[{{"codec_type":"video","codec_name":"h264",{json}}}]}}"#
        );
        from_header(&ffprobe_json::parse(text.as_bytes()).unwrap()).unwrap()
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
        let clip = from_header(&ffprobe_json::parse(text.as_bytes()).unwrap()).unwrap();
        assert_eq!((clip.video_codec, clip.width), (None, None));
        assert_eq!(clip.audio_codec.unwrap().value, "mp3");
    }
}
