//! From a track of pictures to a stream, in ffprobe's words.
//!
//! `None` wherever a track holds what is not fully understood: then ffprobe is asked.

use super::rate::frame_rate;
use super::track::{Track, Video};
use crate::media::bitstream::{
    CodedPicture, ContainerPicture, av1, dnxhd, h264, hevc, jpeg, mpeg4, prores, vp8, vp9,
};
use crate::media::header::{SideData, Stream, Tags};
use crate::media::keyframes::Decoder;
use crate::media::ratio;

/// What `ProRes` frames begin with, which Matroska leaves out.
const PRORES_HEAD: &[u8] = b"\0\0\0\0icpf";

/// A codec, and what its configuration and first frame say.
#[derive(Debug)]
pub(super) struct Coding {
    name: &'static str,
    /// Four characters by which `QuickTime` knows it.
    kind: [u8; 4],
    configuration: Vec<u8>,
    coded: CodedPicture,
}

impl Coding {
    /// Reads a track's configuration and the beginning of its first frame.
    pub(super) fn new(track: &Track<'_>, frame: &[u8]) -> Option<Self> {
        let private = track.private;
        let (name, kind, coded) = match track.codec.as_str() {
            "V_MPEG4/ISO/AVC" => ("h264", *b"avc1", h264(private, frame)?),
            "V_MPEGH/ISO/HEVC" => ("hevc", *b"hvc1", hevc::parse_hvcc(private)?),
            "V_AV1" => ("av1", *b"av01", av1::parse_av1c(private)?),
            "V_VP8" => ("vp8", *b"vp08", vp8::parse_frame(frame)?),
            "V_VP9" => ("vp9", *b"vp09", vp9::parse_frame(frame)?),
            "V_MJPEG" => ("mjpeg", *b"mjpg", whole_jpeg(&track.video, frame)?),
            "V_PRORES" => {
                let kind = private.try_into().ok()?;
                ("prores", kind, prores(kind, frame)?)
            }
            "V_MPEG4/ISO/SP" | "V_MPEG4/ISO/ASP" => {
                ("mpeg4", *b"mp4v", mpeg4::parse_config(private)?)
            }
            "V_MS/VFW/FOURCC" => match private.get(16..20)? {
                b"AVdn" | b"AVdh" => ("dnxhd", *b"AVdn", dnxhd::parse_frame(frame)?),
                b"MJPG" => ("mjpeg", *b"mjpg", whole_jpeg(&track.video, frame)?),
                _ => return None,
            },
            // A sample description of `QuickTime`'s, with its size.
            "V_QUICKTIME" => match private.get(4..8)? {
                b"AVdn" | b"AVdh" => ("dnxhd", *b"AVdn", dnxhd::parse_frame(frame)?),
                _ => return None,
            },
            _ => return None,
        };
        let configuration = match name {
            "h264" | "hevc" | "av1" => private.to_vec(),
            _ => Vec::new(),
        };
        let coded = coded.merge_container(&ContainerPicture {
            width: track.video.width,
            height: track.video.height,
            colour: track.video.colour,
        });
        Some(Self {
            name,
            kind,
            configuration,
            coded,
        })
    }

    /// What decodes its frames.
    pub(super) fn decoder(self, video: &Video<'_>) -> Decoder {
        Decoder {
            codec: self.name.to_owned(),
            kind: self.kind,
            configuration: self.configuration,
            width: video.width,
            height: video.height,
        }
    }
}

/// H.264 by its configuration and, where that leaves fields open, by its first picture.
fn h264(configuration: &[u8], frame: &[u8]) -> Option<CodedPicture> {
    match h264::parse_avcc(configuration) {
        Some(coded) if !coded.may_be_interlaced => Some(coded),
        _ => h264::parse_sample(configuration, frame),
    }
}

/// A picture that is as high as the track: half of one is a field.
fn whole_jpeg(video: &Video<'_>, frame: &[u8]) -> Option<CodedPicture> {
    jpeg::parse_frame(frame)
        .filter(|coded| (coded.width, coded.height) == (Some(video.width), Some(video.height)))
}

fn prores(kind: [u8; 4], frame: &[u8]) -> Option<CodedPicture> {
    if frame.get(4..8) == Some(b"icpf") {
        return prores::parse_frame(kind, frame);
    }
    let frame = frame.get(..256).unwrap_or(frame);
    prores::parse_frame(kind, &[PRORES_HEAD, frame].concat())
}

/// A track of pictures; `muxer` is the program that wrote the file.
pub(super) fn picture(
    track: &Track<'_>,
    coding: &Coding,
    muxer: Option<&str>,
    tags: Tags,
) -> Option<Stream> {
    let video = &track.video;
    let coded = &coding.coded;
    let field_order = match container_order(video, muxer)? {
        Some(order) => Some(order),
        None if coded.may_be_interlaced && coded.field_order.is_none() => return None,
        None => coded.field_order,
    };
    let rate = frame_rate(track.frame_duration?)?;
    let told = |name: Option<&'static str>| name.map(str::to_owned);
    let mut side_data_list = side_data(video)?;
    if track.is_dolby {
        side_data_list.push(SideData {
            kind: "DOVI configuration record".to_owned(),
            ..SideData::default()
        });
    }
    let of_codec = coded
        .sample_aspect_ratio
        .map(|(wide, high)| format!("{wide}:{high}"));
    Some(Stream {
        codec_type: "video".to_owned(),
        codec_name: Some(coding.name.to_owned()),
        profile: coded.profile.clone(),
        level: coded.level,
        width: coded.width.or(Some(video.width)),
        height: coded.height.or(Some(video.height)),
        pix_fmt: Some(coded.pixel_format.clone()?),
        bits_per_raw_sample: coded.bits_per_raw_sample.map(|bits| bits.to_string()),
        field_order: told(field_order),
        sample_aspect_ratio: aspect(video)?.or(of_codec),
        color_primaries: told(coded.colour.primaries),
        color_transfer: told(coded.colour.transfer),
        color_space: told(coded.colour.matrix),
        color_range: told(coded.colour.range),
        r_frame_rate: rate.clone(),
        avg_frame_rate: rate,
        tags,
        side_data_list,
        ..Stream::default()
    })
}

/// The order of fields as the track has it; nothing in it where it leaves it open.
#[expect(clippy::option_option, reason = "unclear, or not told")]
fn container_order(video: &Video<'_>, muxer: Option<&str>) -> Option<Option<&'static str>> {
    Some(match (video.interlaced, video.field_order) {
        (2, _) | (1, 0) => Some("progressive"),
        (1, 1) => Some("tt"),
        (1, 6) => Some("bb"),
        // One version of a muxer wrote each for the other.
        (1, 9 | 14) if muxer.is_none_or(|muxer| muxer.starts_with("Lavf57.")) => return None,
        (1, 9) => Some("tb"),
        (1, 14) => Some("bt"),
        _ => None,
    })
}

/// The pixels' shape, by the size at which the picture is to be shown; nothing in it where
/// that says nothing.
#[expect(clippy::option_option, reason = "unclear, or not told")]
fn aspect(video: &Video<'_>) -> Option<Option<String>> {
    let display_width = video.display_width.unwrap_or(video.width.into());
    let display_height = video.display_height.unwrap_or(video.height.into());
    if video.display_unit > 3 || display_width == 0 || display_height == 0 {
        return Some(None);
    }
    // Of two pictures in one, each is shown at that size.
    let (across, down) = match video.stereo_mode {
        1 | 8 | 9 | 11 => (2, 1),
        2 | 3 | 6 | 7 => (1, 2),
        _ => (1, 1),
    };
    let wide = u64::from(video.height).checked_mul(display_width)?;
    let high = u64::from(video.width).checked_mul(display_height)?;
    let (wide, high) = (wide.checked_mul(across)?, high.checked_mul(down)?);
    Some(Some(ratio::aspect(wide, high)?))
}

/// Stereo and projection, as far as ffprobe tells of them.
fn side_data(video: &Video<'_>) -> Option<Vec<SideData>> {
    let mut told = Vec::new();
    let stereo = match video.stereo_mode {
        1 | 11 => Some("side by side"),
        2 | 3 => Some("top and bottom"),
        4 | 5 => Some("checkerboard"),
        6 | 7 => Some("interleaved lines"),
        8 | 9 => Some("interleaved columns"),
        13 | 14 => Some("frame alternate"),
        _ => None,
    };
    if let Some(stereo) = stereo {
        told.push(SideData {
            kind: "Stereo 3D".to_owned(),
            stereo: Some(stereo.to_owned()),
            ..SideData::default()
        });
    }
    let projection = match video.projection {
        Some((1, private)) => Some(equirectangular(private)?),
        Some((2, private)) => {
            // Version and flags, a layout of which one is known, padding.
            let is_usual = private.len() == 12 && private.starts_with(&[0; 8]);
            Some(is_usual.then_some("cubemap")?)
        }
        _ => None,
    };
    if let Some(projection) = projection {
        told.push(SideData {
            kind: "Spherical Mapping".to_owned(),
            projection: Some(projection.to_owned()),
            ..SideData::default()
        });
    }
    Some(told)
}

fn equirectangular(private: &[u8]) -> Option<&'static str> {
    match (private.len(), private.first()) {
        (0, _) => Some("equirectangular"),
        (20, Some(0)) if private[4..].iter().all(|&byte| byte == 0) => Some("equirectangular"),
        (20, Some(0)) => Some("tiled equirectangular"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn video() -> Video<'static> {
        Video {
            width: 320,
            height: 180,
            ..Video::default()
        }
    }

    #[test]
    fn pixels_have_the_shape_that_the_shown_size_gives_them() {
        let shown = |width, height, unit, stereo_mode| {
            let video = Video {
                display_width: width,
                display_height: height,
                display_unit: unit,
                stereo_mode,
                ..video()
            };
            aspect(&video).map(|told| told.unwrap_or_else(|| "untold".to_owned()))
        };
        assert_eq!(shown(None, None, 0, 0).as_deref(), Some("1:1"));
        assert_eq!(shown(Some(240), Some(180), 0, 0).as_deref(), Some("3:4"));
        assert_eq!(shown(Some(4), Some(3), 3, 0).as_deref(), Some("3:4"));
        assert_eq!(shown(Some(4), Some(3), 4, 0).as_deref(), Some("untold"));
        assert_eq!(shown(Some(0), None, 0, 0).as_deref(), Some("untold"));
        assert_eq!(shown(None, None, 0, 1).as_deref(), Some("2:1"));
        assert_eq!(shown(Some(u64::MAX), None, 0, 0), None);
        assert_eq!(shown(Some(1 << 40), Some(7), 0, 0), None);
    }

    #[test]
    fn fields_are_ordered_as_the_track_says() {
        let order = |interlaced, field_order, muxer| {
            let video = Video {
                interlaced,
                field_order,
                ..video()
            };
            container_order(&video, Some(muxer))
        };
        assert_eq!(order(2, 1, "x"), Some(Some("progressive")));
        assert_eq!(order(1, 6, "x"), Some(Some("bb")));
        assert_eq!(order(1, 14, "x"), Some(Some("bt")));
        assert_eq!(order(1, 14, "Lavf57.41.100"), None);
        assert_eq!(order(1, 2, "x"), Some(None));
        assert_eq!(order(0, 1, "x"), Some(None));
    }
}
