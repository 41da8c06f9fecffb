//! Conversion of a Matroska video track to a stream.
//!
//! Functions return `None` for anything that is not fully supported. ffprobe then reads the file.

use super::rate::frame_rate;
use super::track::{MatroskaTrack, Video};
use crate::media::bitstream::{
    CodedPicture, ContainerPicture, av1, dnxhd, h264, hevc, jpeg, mpeg4, prores, vp8, vp9,
};
use crate::media::header::{Stream, TagMap};
use crate::media::keyframes::Decoder;
use crate::media::ratio::PixelAspect;
use crate::value::{Projection, ScanOrder, Stereo};

/// First bytes of a `ProRes` frame, which Matroska omits.
const PRORES_FRAME_HEAD: &[u8] = b"\0\0\0\0icpf";

/// Codec of a track, with the properties stored in its configuration and first frame.
#[derive(Debug)]
pub(super) struct MatroskaCoding {
    name: &'static str,
    /// Four-character code of the codec in `QuickTime`.
    fourcc: [u8; 4],
    configuration: Vec<u8>,
    coded: CodedPicture,
}

impl MatroskaCoding {
    /// Parses a track's configuration and the start of its first frame.
    pub(super) fn new(track: &MatroskaTrack<'_>, frame: &[u8]) -> Option<Self> {
        let private = track.private;
        let (name, fourcc, coded) = match track.codec.as_str() {
            "V_MPEG4/ISO/AVC" => ("h264", *b"avc1", parse_h264(private, frame)?),
            "V_MPEGH/ISO/HEVC" => ("hevc", *b"hvc1", hevc::parse_hvcc(private)?),
            "V_AV1" => ("av1", *b"av01", av1::parse_av1c(private)?),
            "V_VP8" => ("vp8", *b"vp08", vp8::parse_frame(frame)?),
            "V_VP9" => ("vp9", *b"vp09", vp9::parse_frame(frame)?),
            "V_MJPEG" => (
                "mjpeg",
                *b"mjpg",
                parse_full_size_jpeg(&track.video, frame)?,
            ),
            "V_PRORES" => {
                let fourcc = private.try_into().ok()?;
                ("prores", fourcc, parse_prores(fourcc, frame)?)
            }
            "V_MPEG4/ISO/SP" | "V_MPEG4/ISO/ASP" => {
                ("mpeg4", *b"mp4v", mpeg4::parse_config(private)?)
            }
            "V_MS/VFW/FOURCC" => match private.get(16..20)? {
                b"AVdn" | b"AVdh" => ("dnxhd", *b"AVdn", dnxhd::parse_frame(frame)?),
                b"MJPG" => (
                    "mjpeg",
                    *b"mjpg",
                    parse_full_size_jpeg(&track.video, frame)?,
                ),
                _ => return None,
            },
            // A `QuickTime` sample description, which begins with its size.
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
            fourcc,
            configuration,
            coded,
        })
    }

    /// Returns the decoder configuration.
    pub(super) fn decoder(self, video: &Video<'_>) -> Decoder {
        Decoder {
            codec: self.name.to_owned(),
            kind: self.fourcc,
            configuration: self.configuration,
            width: video.width,
            height: video.height,
        }
    }
}

/// Parses the H.264 format from the configuration. If that does not exclude interlacing, the first
/// picture is parsed too.
fn parse_h264(configuration: &[u8], frame: &[u8]) -> Option<CodedPicture> {
    match h264::parse_avcc(configuration) {
        Some(coded) if !coded.may_be_interlaced => Some(coded),
        _ => h264::parse_sample(configuration, frame),
    }
}

/// Parses a JPEG picture; `None` unless it has the track's full size. A picture of half the height
/// is a field.
fn parse_full_size_jpeg(video: &Video<'_>, frame: &[u8]) -> Option<CodedPicture> {
    jpeg::parse_frame(frame)
        .filter(|coded| (coded.width, coded.height) == (Some(video.width), Some(video.height)))
}

fn parse_prores(fourcc: [u8; 4], frame: &[u8]) -> Option<CodedPicture> {
    if frame.get(4..8) == Some(b"icpf") {
        return prores::parse_frame(fourcc, frame);
    }
    let frame = frame.get(..256).unwrap_or(frame);
    prores::parse_frame(fourcc, &[PRORES_FRAME_HEAD, frame].concat())
}

/// Builds the stream of a video track. `muxer` is the name of the program that wrote the file.
pub(super) fn parse_stream(
    track: &MatroskaTrack<'_>,
    coding: &MatroskaCoding,
    muxer: Option<&str>,
    tags: TagMap,
) -> Option<Stream> {
    let video = &track.video;
    let coded = &coding.coded;
    let scan_order = match container_order(video, muxer)? {
        Some(order) => Some(order),
        None if coded.may_be_interlaced && coded.scan_order.is_none() => return None,
        None => coded.scan_order,
    };
    let rate = frame_rate(track.frame_duration?)?;
    coded.pixel_format.as_ref()?;
    Some(Stream {
        width: coded.width.or(Some(video.width)),
        height: coded.height.or(Some(video.height)),
        pixel_aspect: pixel_aspect(video)?.or(coded.pixel_aspect),
        scan_order,
        finest_rate: Some(rate),
        average_rate: Some(rate),
        projection: projection(video)?,
        stereo: stereo(video),
        is_dolby_vision: track.is_dolby,
        tags,
        ..Stream::from_picture(coding.name, coded.clone())
    })
}

/// Returns the order in which fields are shown, as stored in the track; `Some(None)` if it is not stored.
#[expect(
    clippy::option_option,
    reason = "the outer `None` means unsupported, the inner one not stored"
)]
fn container_order(video: &Video<'_>, muxer: Option<&str>) -> Option<Option<ScanOrder>> {
    // One version of this muxer (Lavf57) swapped 9 and 14, and the version may be unknown.
    let may_be_swapped = muxer.is_none_or(|muxer| muxer.starts_with("Lavf57."));
    Some(match (video.interlaced, video.field_order) {
        (1, 9 | 14) if may_be_swapped => return None,
        (2, _) | (1, 0) => Some(ScanOrder::Progressive),
        // 9 and 14: the field that is shown first is coded last.
        (1, 1 | 14) => Some(ScanOrder::TopFieldFirst),
        (1, 6 | 9) => Some(ScanOrder::BottomFieldFirst),
        _ => None,
    })
}

/// Derives the pixel aspect ratio from the display size; `Some(None)` if the display size is not
/// usable.
#[expect(
    clippy::option_option,
    reason = "the outer `None` means unsupported, the inner one not stored"
)]
fn pixel_aspect(video: &Video<'_>) -> Option<Option<PixelAspect>> {
    let display_width = video.display_width.unwrap_or(video.width.into());
    let display_height = video.display_height.unwrap_or(video.height.into());
    if video.display_unit > 3 || display_width == 0 || display_height == 0 {
        return Some(None);
    }
    // The display size refers to each of the two pictures in a stereo frame.
    let (across, down) = match video.stereo_mode {
        1 | 8 | 9 | 11 => (2, 1),
        2 | 3 | 6 | 7 => (1, 2),
        _ => (1, 1),
    };
    let horizontal = u64::from(video.height).checked_mul(display_width)?;
    let vertical = u64::from(video.width).checked_mul(display_height)?;
    let (horizontal, vertical) = (horizontal.checked_mul(across)?, vertical.checked_mul(down)?);
    Some(Some(PixelAspect::from_products(horizontal, vertical)?))
}

/// Returns the packing of the two eyes; `None` for a single picture and for other packings.
fn stereo(video: &Video<'_>) -> Option<Stereo> {
    match video.stereo_mode {
        1 | 11 => Some(Stereo::SideBySide),
        2 | 3 => Some(Stereo::TopBottom),
        13 | 14 => Some(Stereo::FrameSequential),
        _ => None,
    }
}

/// Returns the projection; `Some(None)` if it is not stored.
#[expect(
    clippy::option_option,
    reason = "the outer `None` means unsupported, the inner one not stored"
)]
fn projection(video: &Video<'_>) -> Option<Option<Projection>> {
    Some(match video.projection {
        Some((1, private)) => Some(equirectangular(private)?),
        Some((2, private)) => {
            // Version and flags, layout (only 0 is defined), padding.
            let is_supported = private.len() == 12 && private.starts_with(&[0; 8]);
            Some(is_supported.then_some(Projection::Cubemap)?)
        }
        _ => None,
    })
}

fn equirectangular(private: &[u8]) -> Option<Projection> {
    match (private.len(), private.first()) {
        (0, _) => Some(Projection::Equirectangular),
        (20, Some(0)) if private[4..].iter().all(|&byte| byte == 0) => {
            Some(Projection::Equirectangular)
        }
        (20, Some(0)) => Some(Projection::Tiled),
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
    fn derives_the_pixel_aspect_ratio_from_the_display_size() {
        let aspect_of = |width, height, unit, stereo_mode| {
            let video = Video {
                display_width: width,
                display_height: height,
                display_unit: unit,
                stereo_mode,
                ..video()
            };
            pixel_aspect(&video)
                .map(|aspect| aspect.map_or_else(|| "none".to_owned(), |aspect| aspect.to_string()))
        };
        assert_eq!(aspect_of(None, None, 0, 0).as_deref(), Some("1:1"));
        assert_eq!(
            aspect_of(Some(240), Some(180), 0, 0).as_deref(),
            Some("3:4")
        );
        assert_eq!(aspect_of(Some(4), Some(3), 3, 0).as_deref(), Some("3:4"));
        assert_eq!(aspect_of(Some(4), Some(3), 4, 0).as_deref(), Some("none"));
        assert_eq!(aspect_of(Some(0), None, 0, 0).as_deref(), Some("none"));
        assert_eq!(aspect_of(None, None, 0, 1).as_deref(), Some("2:1"));
        assert_eq!(aspect_of(Some(u64::MAX), None, 0, 0), None);
        assert_eq!(aspect_of(Some(1 << 40), Some(7), 0, 0), None);
    }

    #[test]
    fn reads_the_field_order_of_the_track() {
        let order = |interlaced, field_order, muxer| {
            let video = Video {
                interlaced,
                field_order,
                ..video()
            };
            container_order(&video, Some(muxer))
        };
        assert_eq!(order(2, 1, "x"), Some(Some(ScanOrder::Progressive)));
        assert_eq!(order(1, 6, "x"), Some(Some(ScanOrder::BottomFieldFirst)));
        assert_eq!(order(1, 14, "x"), Some(Some(ScanOrder::TopFieldFirst)));
        assert_eq!(order(1, 14, "Lavf57.41.100"), None);
        assert_eq!(order(1, 2, "x"), Some(None));
        assert_eq!(order(0, 1, "x"), Some(None));
    }
}
