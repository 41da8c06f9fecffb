//! Conversion of an MXF picture or data track to a stream with ffprobe's values.
//!
//! Functions return `None` for anything that is not fully supported; such files are left to
//! ffprobe.

use super::klv::{KlvItem, LocalSet};
use super::labels::{self, PictureCodec, Wrapping};
use super::layout::MxfLayout;
use super::packages::MxfTrack;
use super::range_cache::MxfWindow;
use crate::media::bitstream::{
    CodedPicture, ContainerPicture, dnxhd, dv, h264, mpeg2, nal_units, prores,
};
use crate::media::header::Stream;
use crate::media::ratio;

/// Maximum number of items read before the first picture: one per track, and fillers.
const MAX_ITEMS: usize = 200;
/// Bytes read of a picture, enough for its headers.
const HEADER_BYTES: u64 = 16 * 1024;
/// Frame rates of cameras; files with other rates are left to ffprobe, which estimates them.
const CAMERA_RATES: [(u32, u32); 12] = [
    (24000, 1001),
    (24, 1),
    (25, 1),
    (30000, 1001),
    (30, 1),
    (48000, 1001),
    (48, 1),
    (50, 1),
    (60000, 1001),
    (60, 1),
    (100, 1),
    (120, 1),
];

/// Stream of a picture track, and everything needed to decode it.
#[derive(Debug)]
pub(super) struct MxfPicture {
    pub stream: Stream,
    pub codec: PictureCodec,
    pub wrapping: Wrapping,
    /// Decoder configuration; empty for codecs without one.
    pub configuration: Vec<u8>,
}

/// Converts edit units to microseconds, rounded to nearest.
pub(super) fn units_to_micros(units: u64, rate: (u32, u32)) -> u64 {
    let (numerator, denominator) = (u128::from(rate.0.max(1)), u128::from(rate.1));
    let micros = (u128::from(units) * denominator * 2_000_000 + numerator) / (numerator * 2);
    u64::try_from(micros).unwrap_or(u64::MAX)
}

/// Parses a picture track.
pub(super) fn parse_picture(
    window: &mut MxfWindow<'_>,
    layout: &MxfLayout,
    track: &MxfTrack<'_>,
) -> Option<MxfPicture> {
    let descriptor = track.descriptor;
    let kind = labels::picture_codec(descriptor)?;
    let wrapping = if layout.partitions.last()?.is_atom {
        Wrapping::Clip
    } else {
        labels::wrapping(descriptor)
    };
    if wrapping == Wrapping::Unknown {
        return None;
    }
    let first = first_picture(window, layout, track, wrapping)?;
    let bytes = window.read(first.value, first.length.min(HEADER_BYTES))?;
    let (name, coded, configuration) = parse_first_picture(kind, bytes)?;
    let bit_rate = match kind {
        PictureCodec::Mpeg2 => mpeg2::bit_rate(from_sequence(bytes)?),
        _ => None,
    };
    let field_storage = FieldStorage::new(descriptor)?;
    let coded = coded.merge_container(&ContainerPicture {
        width: descriptor.u32(0x3203).unwrap_or(0),
        height: field_storage.height,
        colour: labels::colour(descriptor)?,
    });
    let field_order = match (field_storage.field_order, kind) {
        (Some(order), _) => Some(order),
        // ffprobe takes the field order of these codecs from the bitstream.
        (None, PictureCodec::H264 | PictureCodec::Mpeg2) => Some(coded.field_order?),
        (None, _) => None,
    };
    let owned = |name: Option<&'static str>| name.map(str::to_owned);
    let (width, height) = (coded.width?, coded.height?);
    let average = average_rate(layout, track, kind)?;
    let stream = Stream {
        codec_type: "video".to_owned(),
        codec_name: Some(name.to_owned()),
        profile: coded.profile,
        level: coded.level,
        width: Some(width),
        height: Some(height),
        sample_aspect_ratio: match descriptor.ratio(0x320e) {
            Some(display_aspect) => Some(pixel_aspect(display_aspect, width, height)?),
            None => coded
                .sample_aspect_ratio
                .map(|(horizontal, vertical)| format!("{horizontal}:{vertical}")),
        },
        pix_fmt: Some(coded.pixel_format?),
        bits_per_raw_sample: coded.bits_per_raw_sample.map(|bits| bits.to_string()),
        field_order: owned(field_order),
        color_range: owned(coded.colour.range),
        color_space: owned(coded.colour.matrix),
        color_transfer: owned(coded.colour.transfer),
        color_primaries: owned(coded.colour.primaries),
        r_frame_rate: format!("{}/{}", track.essence.rate.0, track.essence.rate.1),
        avg_frame_rate: average,
        bit_rate: bit_rate.map(|bits| bits.to_string()),
        tags: track.tags.clone(),
        ..Stream::default()
    };
    Some(MxfPicture {
        stream,
        codec: kind,
        wrapping,
        configuration,
    })
}

/// Finds the item with the first picture; for clip wrapping, the item with the whole clip.
fn first_picture(
    window: &mut MxfWindow<'_>,
    layout: &MxfLayout,
    track: &MxfTrack<'_>,
    wrapping: Wrapping,
) -> Option<KlvItem> {
    let partition = layout
        .partitions
        .iter()
        .find(|partition| partition.essence.is_some())?;
    if track.essence.body != 0 && partition.body != track.essence.body {
        return None;
    }
    let mut item = partition.essence?;
    if wrapping == Wrapping::Clip && layout.partitions.last()?.is_atom {
        return Some(item);
    }
    for _ in 0..MAX_ITEMS {
        if item.is_element_of(track.essence.number) {
            return Some(item);
        }
        item = window.item(item.end())?;
    }
    None
}

/// Parses the first picture. Returns ffmpeg's codec name, the picture's properties and the decoder
/// configuration.
fn parse_first_picture(
    kind: PictureCodec,
    bytes: &[u8],
) -> Option<(&'static str, CodedPicture, Vec<u8>)> {
    Some(match kind {
        PictureCodec::H264 => {
            let configuration = nal_units::build_avcc(bytes)?;
            let coded = h264::parse_sample(&configuration, &nal_units::to_length_prefixed(bytes))?;
            ("h264", coded, configuration)
        }
        PictureCodec::Mpeg2 => {
            let stream = from_sequence(bytes)?;
            let configuration = mpeg2::configuration(stream)?.to_vec();
            ("mpeg2video", mpeg2::parse_stream(stream)?, configuration)
        }
        PictureCodec::Vc3 => ("dnxhd", dnxhd::parse_frame(bytes)?, Vec::new()),
        PictureCodec::ProRes(name) => ("prores", prores::parse_frame(name, bytes)?, Vec::new()),
        PictureCodec::Dv => ("dvvideo", dv::parse_frame(bytes)?, Vec::new()),
    })
}

/// Returns the part of an MPEG-2 stream that begins with its first sequence header.
fn from_sequence(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(memchr::memmem::find(bytes, &[0, 0, 1, 0xb3])?..)
}

/// Field storage of a frame (ST 377-1 annex G.2.1).
struct FieldStorage {
    /// Height of both fields together.
    height: u32,
    field_order: Option<&'static str>,
}

impl FieldStorage {
    fn new(descriptor: &LocalSet) -> Option<Self> {
        let stored = descriptor.u32(0x3202).unwrap_or(0);
        let in_fields = Self {
            height: stored.checked_mul(2)?,
            field_order: field_order(descriptor),
        };
        Some(match descriptor.u8(0x320c).unwrap_or(0) {
            0 => Self {
                height: stored,
                field_order: Some("progressive"),
            },
            1 => in_fields,
            3 => Self {
                height: stored,
                field_order: None,
            },
            4 => Self {
                field_order: in_fields.field_order.or(Some("progressive")),
                ..in_fields
            },
            _ => return None,
        })
    }
}

/// Derives the field order from the first lines of both fields. If exactly one of them is even,
/// the upper field comes first.
fn field_order(descriptor: &LocalSet) -> Option<&'static str> {
    let mut lines = descriptor.cursor(0x320d)?;
    let (count, size) = (lines.u32()?, lines.u32()?);
    if count < 2 || size != 4 {
        return None;
    }
    let (first, second) = (lines.u32()?, lines.u32()?);
    let is_stored = |line: u32| line > 0 && i32::try_from(line).is_ok();
    if !is_stored(first) || !is_stored(second) {
        return None;
    }
    let is_top_first = (first % 2) != (second % 2);
    Some(match (is_top_first, descriptor.u8(0x3212).unwrap_or(0)) {
        (true, 0 | 1) => "tt",
        (true, 2) => "tb",
        (false, 0 | 1) => "bb",
        (false, 2) => "bt",
        _ => return None,
    })
}

/// Returns the pixel aspect ratio of a picture, given its display aspect ratio.
fn pixel_aspect(display_aspect: (u32, u32), width: u32, height: u32) -> Option<String> {
    let horizontal = u64::from(display_aspect.0) * u64::from(height);
    let vertical = u64::from(display_aspect.1) * u64::from(width);
    ratio::format_aspect_ratio(horizontal, vertical)
}

/// Returns the average rate that ffprobe reports; `None` if that cannot be predicted.
///
/// If an index table stores the time of each frame, ffprobe reads only one frame of an intra-only
/// codec and reports no average rate. It also reports none for clips of one or two frames.
fn average_rate(layout: &MxfLayout, track: &MxfTrack<'_>, codec: PictureCodec) -> Option<String> {
    if !CAMERA_RATES.contains(&track.essence.rate) {
        return None;
    }
    let table = || {
        let segments = layout.segments.iter();
        segments.filter(|segment| segment.index == track.essence.index)
    };
    let is_timed = table().next().is_some() && table().all(|segment| !segment.entries.is_empty());
    let is_intra_only = matches!(
        codec,
        PictureCodec::Vc3 | PictureCodec::ProRes(_) | PictureCodec::Dv
    );
    if is_intra_only && layout.is_index_truncated && table().next().is_none() {
        return None;
    }
    if (is_timed && is_intra_only) || track.essence.duration.is_some_and(|units| units < 3) {
        return Some("0/0".to_owned());
    }
    Some(format!("{}/{}", track.essence.rate.0, track.essence.rate.1))
}

/// Builds a data stream that has only the tags of a track.
pub(super) fn tags_only_stream(track: &MxfTrack<'_>) -> Stream {
    Stream {
        codec_type: "data".to_owned(),
        tags: track.tags.clone(),
        ..Stream::default()
    }
}
