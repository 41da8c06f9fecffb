//! Conversion of a video track to a stream.
//!
//! For a track that is not fully supported, functions return `None`, and ffprobe reads the file.

use super::boxes::{FourCc, Mp4Box, boxes, child};
use super::fragments::Fragments;
use super::samples::SampleDurations;
use super::streams::{base_stream, read_descriptor};
use super::track::{Mp4Track, c_string};
use super::{spherical, tags};
use crate::media::bitstream::{
    CodedPicture, ContainerPicture, av1, dnxhd, h264, hevc, jpeg, mpeg2, mpeg4, prores, vp9,
};
use crate::media::colour::Colour;
use crate::media::cursor::Cursor;
use crate::media::header::Stream;
use crate::media::ratio::PixelAspect;
use crate::value::{Rate, ScanOrder, VideoRange};

/// Size of the fixed part of a video sample description in bytes.
const VIDEO_ENTRY_SIZE: usize = 78;
/// Maximum size of a decoder configuration in bytes. The configuration is stored in the thumbnail
/// plan of each clip.
const MAX_CONFIGURATION: usize = 64 * 1024;

/// Parsed video sample description.
#[derive(Debug, Clone, Copy)]
pub(super) struct VideoSampleEntry<'a> {
    pub kind: FourCc,
    pub width: u16,
    pub height: u16,
    pub compressor: &'a [u8],
    /// Boxes after the fixed part.
    pub boxes: &'a [u8],
}

impl<'a> VideoSampleEntry<'a> {
    pub(super) fn parse(entry: &Mp4Box<'a>) -> Option<Self> {
        let mut cursor = Cursor(entry.body);
        cursor.skip(24)?;
        let (width, height) = (cursor.u16()?, cursor.u16()?);
        cursor.skip(14)?;
        let name = cursor.take(32)?;
        let length = usize::from(name[0]).min(31);
        Some(Self {
            kind: entry.kind,
            width,
            height,
            compressor: &name[1..=length],
            boxes: entry.body.get(VIDEO_ENTRY_SIZE..)?,
        })
    }

    /// Returns the body of the decoder configuration box; empty if the codec needs none.
    pub(super) fn configuration(&self) -> &'a [u8] {
        [b"avcC", b"hvcC", b"av1C"]
            .into_iter()
            .find_map(|kind| self.configuration_box(*kind))
            .unwrap_or_default()
    }

    fn configuration_box(&self, kind: FourCc) -> Option<&'a [u8]> {
        child(self.boxes, kind).filter(|body| body.len() <= MAX_CONFIGURATION)
    }

    fn read_codec(&self, read_first_frame: &mut ReadFirstFrame<'_>) -> Option<VideoCodec> {
        let configuration = |kind: &FourCc| self.configuration_box(*kind);
        let (name, coded) = match &self.kind {
            b"avc1" | b"avc3" | b"avc2" => (
                "h264",
                read_h264(configuration(b"avcC")?, read_first_frame)?,
            ),
            b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => {
                ("hevc", hevc::parse_hvcc(configuration(b"hvcC")?)?)
            }
            b"av01" => ("av1", av1::parse_av1c(configuration(b"av1C")?)?),
            b"vp09" => {
                // Primaries and transfer are stored in the box, the other properties in the frame.
                let mut coded = vp9::parse_frame(&read_first_frame(64)?)?;
                let record = vp9::parse_vpcc(configuration(b"vpcC")?)?;
                coded.colour.primaries = record.colour.primaries;
                coded.colour.transfer = record.colour.transfer;
                ("vp9", coded)
            }
            b"apco" | b"apcs" | b"apcn" | b"apch" | b"ap4h" | b"ap4x" => (
                "prores",
                prores::parse_frame(self.kind, &read_first_frame(256)?)?,
            ),
            b"AVdn" | b"AVdh" => ("dnxhd", dnxhd::parse_frame(&read_first_frame(640)?)?),
            b"jpeg" | b"mjpg" | b"mjpa" | b"AVDJ" => {
                ("mjpeg", jpeg::parse_frame(&read_first_frame(4096)?)?)
            }
            // XDCAM, HDV and IMX.
            b"m2v1"
            | [b'x', b'd', b'v' | b'5', _]
            | [b'h', b'd', b'v', _]
            | [b'm', b'x', b'3'..=b'5', b'n' | b'p'] => read_mpeg2(read_first_frame)?,
            b"mp4v" => {
                let descriptor = read_descriptor(self.boxes)?;
                match descriptor.object_type {
                    0x20 => ("mpeg4", mpeg4::parse_config(descriptor.config)?),
                    0x60..=0x65 => read_mpeg2(read_first_frame)?,
                    _ => return None,
                }
            }
            _ => return None,
        };
        let mut colour = parse_colr(self.boxes).unwrap_or_default();
        if name == "dnxhd" {
            colour.range = colour.range.or(avid_range(self.boxes));
        }
        let coded = coded.merge_container(&ContainerPicture {
            width: self.width.into(),
            height: self.height.into(),
            colour,
        });
        Some(VideoCodec { name, coded })
    }
}

/// Callback that reads the beginning of a track's first sample, at most the given number of bytes.
pub(super) type ReadFirstFrame<'a> = dyn FnMut(usize) -> Option<Vec<u8>> + 'a;

/// Reads the H.264 format from the configuration. If that does not determine the field order, the
/// first picture is read too.
fn read_h264(
    configuration: &[u8],
    read_first_frame: &mut ReadFirstFrame<'_>,
) -> Option<CodedPicture> {
    let coded = h264::parse_avcc(configuration);
    match coded {
        Some(coded) if !coded.may_be_interlaced => Some(coded),
        _ => h264::parse_sample(configuration, &read_first_frame(8192)?),
    }
}

/// Reads the MPEG-2 format from the headers before the first picture.
fn read_mpeg2(read_first_frame: &mut ReadFirstFrame<'_>) -> Option<(&'static str, CodedPicture)> {
    let coded = mpeg2::parse_stream(&read_first_frame(4096)?)?;
    Some(("mpeg2video", coded))
}

/// Codec name with the picture format from its configuration.
struct VideoCodec {
    name: &'static str,
    coded: CodedPicture,
}

/// Describes a video track. `read_first_frame` reads the beginning of its first sample.
pub(super) fn video_stream(
    track: &Mp4Track<'_>,
    body: &[u8],
    movie_matrix: &[i32; 9],
    fragments: Option<&Fragments>,
    read_first_frame: &mut ReadFirstFrame<'_>,
) -> Option<Stream> {
    let entry = VideoSampleEntry::parse(track.sample_descriptions.first()?)?;
    let VideoCodec { name, coded } = entry.read_codec(read_first_frame)?;
    let scan_order = match (child(entry.boxes, *b"fiel"), coded.scan_order) {
        (Some(body), _) => scan_order(body),
        (None, Some(order)) => Some(order),
        (None, None) if coded.may_be_interlaced => return None,
        (None, None) => None,
    };
    coded.pixel_format.as_ref()?;
    let base = base_stream(track);
    let spherical = spherical::read(body, entry.boxes);
    let mut stream = Stream {
        width: coded.width.or(Some(entry.width.into())),
        height: coded.height.or(Some(entry.height.into())),
        pixel_aspect: pixel_aspect(&entry).or(coded.pixel_aspect),
        scan_order,
        duration: base.duration,
        rotation: rotation(&track.matrix, movie_matrix),
        projection: spherical.projection,
        stereo: spherical.stereo,
        is_dolby_vision: is_dolby_vision(entry.boxes),
        tags: base.tags,
        ..Stream::from_picture(name, coded)
    };
    set_rates(&mut stream, track, fragments)?;
    tags::add(&mut stream.tags, "encoder", c_string(entry.compressor));
    Some(stream)
}

/// Returns the video range from Avid's `ACLR` box, which contains a name, a version and a number.
fn avid_range(entry: &[u8]) -> Option<VideoRange> {
    let body = child(entry, *b"ACLR")?.strip_prefix(b"ACLR0001")?;
    match u32::from_be_bytes(*body.first_chunk()?) {
        1 => Some(VideoRange::Limited),
        2 => Some(VideoRange::Full),
        _ => None,
    }
}

/// Returns the pixel aspect ratio from `pasp`; `None` if it is missing or contains a zero.
fn pixel_aspect(entry: &VideoSampleEntry<'_>) -> Option<PixelAspect> {
    let mut cursor = Cursor(child(entry.boxes, *b"pasp")?);
    PixelAspect::new(cursor.u32()?, cursor.u32()?)
}

/// Returns the order in which fields are shown, from `fiel` (`QuickTime` File Format).
fn scan_order(body: &[u8]) -> Option<ScanOrder> {
    let mut cursor = Cursor(body);
    Some(match (cursor.u8()?, cursor.u8()?) {
        (1, _) => ScanOrder::Progressive,
        // 9 and 14: the field that is shown first is coded last.
        (2, 1 | 14) => ScanOrder::TopFieldFirst,
        (2, 6 | 9) => ScanOrder::BottomFieldFirst,
        _ => return None,
    })
}

fn parse_colr(entry: &[u8]) -> Option<Colour> {
    let boxed = boxes(entry).find(|boxed| {
        boxed.kind == *b"colr" && matches!(boxed.body.get(..4), Some(b"nclx" | b"nclc"))
    })?;
    let mut cursor = Cursor(boxed.body);
    let kind = cursor.array()?;
    let mut code = || Some(u8::try_from(cursor.u16()?).unwrap_or(2));
    let colour = Colour::from_codes(code()?, code()?, code()?);
    Some(match cursor.u8() {
        Some(byte) if kind == *b"nclx" => colour.with_range(byte & 0x80 != 0),
        _ => colour,
    })
}

/// Returns true if there is a Dolby Vision configuration box.
fn is_dolby_vision(entry: &[u8]) -> bool {
    [*b"dvcC", *b"dvvC"]
        .into_iter()
        .any(|kind| child(entry, kind).is_some())
}

/// Returns the counter-clockwise rotation of the combined matrices in degrees, as ffprobe reports
/// it.
///
/// `None` for the identity, and for a matrix without an angle. The calculation is that of
/// libavutil's `av_display_rotation_get`.
fn rotation(track: &[i32; 9], movie: &[i32; 9]) -> Option<f64> {
    let product = |row: usize, column: usize| -> f64 {
        (0..3)
            .map(|at| {
                let shift = if at == 2 { 1_073_741_824.0 } else { 65_536.0 };
                f64::from(track[row * 3 + at]) * f64::from(movie[at * 3 + column]) / shift
            })
            .sum()
    };
    let matrix = [product(0, 0), product(0, 1), product(1, 0), product(1, 1)];
    // A deviation of less than one pixel in a million counts as the identity.
    let identity = [65536.0, 0.0, 0.0, 65536.0];
    let is_close = |(value, expected): (&f64, &f64)| (value - expected).abs() < 0.05;
    if matrix.iter().zip(&identity).all(is_close) {
        return None;
    }
    let wide = matrix[0].hypot(matrix[2]);
    let high = matrix[1].hypot(matrix[3]);
    if wide == 0.0 || high == 0.0 {
        return None;
    }
    Some(-(matrix[1] / high).atan2(matrix[0] / wide).to_degrees())
}

/// Sets the frame rates and the bit rate from the sample table or from all fragments.
fn set_rates(
    stream: &mut Stream,
    track: &Mp4Track<'_>,
    fragments: Option<&Fragments>,
) -> Option<()> {
    let (durations, samples, bytes, duration) = if let Some(fragments) = fragments {
        let durations = SampleDurations {
            samples: fragments.samples,
            duration: fragments.duration(),
            most_frequent: fragments.shortest,
            shortest: fragments.shortest,
            longest: fragments.longest,
        };
        (
            durations,
            fragments.samples,
            fragments.bytes,
            fragments.duration(),
        )
    } else {
        let samples = track.samples.as_ref()?;
        let durations = samples.durations()?;
        (
            durations,
            samples.count(),
            samples.bytes(),
            samples.duration(),
        )
    };
    let scale = u128::from(track.timescale);
    if scale == 0 || durations.duration == 0 || duration == 0 {
        return None;
    }
    // A deviation of one tick is caused by the coarse time base, not by the camera. A last frame
    // with a different duration is also ignored.
    if durations.longest - durations.shortest <= 1 {
        (durations.samples > 0).then_some(())?;
        let average = average_rate(track.timescale, durations.samples, durations.duration);
        stream.finest_rate = average;
        stream.average_rate = average;
    } else {
        (samples > 0).then_some(())?;
        stream.finest_rate = Rate::from_ratio(scale, durations.most_frequent.max(1).into());
        stream.average_rate = average_rate(track.timescale, samples, duration);
    }
    let bits = u128::from(bytes) * 8 * scale / u128::from(duration);
    stream.bit_rate = u64::try_from(bits).ok();
    Some(())
}

/// Returns the number of samples per second. In long clips whose rate varies by a tick, the terms of
/// the exact fraction are large, and ffprobe reports the nearest fraction of 32-bit numbers.
fn average_rate(timescale: u32, samples: u64, duration: u64) -> Option<Rate> {
    let scaled = u128::from(timescale) * u128::from(samples);
    Rate::nearest(scaled, duration.into(), i32::MAX.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_clips_have_an_average_rate() {
        // An hour of 59.94 frames per second with 90,000 ticks per second: 1501 or 1502 each.
        let rate = average_rate(90_000, 215_785, 324_001_178).unwrap();
        assert_eq!(rate.snapped(), Rate::new(60_000, 1001).unwrap());
        assert_eq!(average_rate(90_000, 10, 36_000), Rate::new(25, 1));
        assert_eq!(
            average_rate(u32::MAX, u64::MAX, 1),
            Rate::new(i32::MAX.unsigned_abs(), 1)
        );
    }

    #[test]
    fn ignores_a_huge_configuration() {
        let configuration = |length: usize| {
            let size = u32::try_from(8 + length).unwrap().to_be_bytes();
            let body = [&[0; VIDEO_ENTRY_SIZE][..], &size, b"avcC", &vec![1; length]].concat();
            let entry = Mp4Box {
                kind: *b"avc1",
                body: &body,
            };
            VideoSampleEntry::parse(&entry)
                .unwrap()
                .configuration()
                .len()
        };
        assert_eq!(configuration(50), 50);
        assert_eq!(configuration(1_000_000), 0);
    }
}
