//! Conversion of an MXF picture or data track to a stream.
//!
//! Functions return `None` for anything that is not fully supported; such files are left to
//! ffprobe.

use super::index::IndexTableSegment;
use super::klv::{KlvItem, LocalSet};
use super::labels::{self, PictureCodec, Wrapping};
use super::layout::MxfLayout;
use super::packages::MxfTrack;
use super::range_cache::MxfWindow;
use crate::media::bitstream::{
    CodedPicture, ContainerPicture, dnxhd, dv, h264, mpeg2, nal_units, prores,
};
use crate::media::header::{Stream, StreamType};
use crate::media::ratio::PixelAspect;
use crate::value::{Rate, ScanOrder};

/// Maximum number of items read before the first picture: one per track, and fillers.
const MAX_ITEMS: usize = 200;
/// Bytes read of a picture, enough for its headers.
const HEADER_BYTES: u64 = 16 * 1024;

/// Stream of a picture track, and everything needed to decode it.
#[derive(Debug)]
pub(super) struct MxfPicture {
    pub stream: Stream,
    pub codec: PictureCodec,
    pub wrapping: Wrapping,
    /// Decoder configuration; empty for codecs without one.
    pub configuration: Vec<u8>,
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
    let scan_order = match (field_storage.scan_order, kind) {
        (Some(order), _) => Some(order),
        // ffprobe takes the field order of these codecs from the bitstream.
        (None, PictureCodec::H264 | PictureCodec::Mpeg2) => Some(coded.scan_order?),
        (None, _) => None,
    };
    let (width, height) = (coded.width?, coded.height?);
    coded.pixel_format.as_ref()?;
    if !is_predictable(layout, track, kind) {
        return None;
    }
    let stream = Stream {
        pixel_aspect: match descriptor.ratio(0x320e) {
            Some(display_aspect) => Some(pixel_aspect(display_aspect, width, height)?),
            None => coded.pixel_aspect,
        },
        scan_order,
        finest_rate: Some(track.essence.rate),
        average_rate: average_rate(layout, track, kind),
        bit_rate,
        timecode: track.timecode,
        tags: track.tags.clone(),
        ..Stream::from_picture(name, coded)
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
    scan_order: Option<ScanOrder>,
}

impl FieldStorage {
    fn new(descriptor: &LocalSet) -> Option<Self> {
        let stored = descriptor.u32(0x3202).unwrap_or(0);
        let in_fields = Self {
            height: stored.checked_mul(2)?,
            scan_order: scan_order(descriptor),
        };
        Some(match descriptor.u8(0x320c).unwrap_or(0) {
            0 => Self {
                height: stored,
                scan_order: Some(ScanOrder::Progressive),
            },
            1 => in_fields,
            3 => Self {
                height: stored,
                scan_order: None,
            },
            4 => Self {
                scan_order: in_fields.scan_order.or(Some(ScanOrder::Progressive)),
                ..in_fields
            },
            _ => return None,
        })
    }
}

/// Derives the order in which fields are shown from the first lines of both fields. If exactly one
/// of them is even, the upper field is coded first.
fn scan_order(descriptor: &LocalSet) -> Option<ScanOrder> {
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
    // 2: the field that is coded second is shown first.
    Some(match (is_top_first, descriptor.u8(0x3212).unwrap_or(0)) {
        (true, 0 | 1) | (false, 2) => ScanOrder::TopFieldFirst,
        (false, 0 | 1) | (true, 2) => ScanOrder::BottomFieldFirst,
        _ => return None,
    })
}

/// Returns the pixel aspect ratio of a picture, given its display aspect ratio.
fn pixel_aspect(display_aspect: (u32, u32), width: u32, height: u32) -> Option<PixelAspect> {
    let horizontal = u64::from(display_aspect.0) * u64::from(height);
    let vertical = u64::from(display_aspect.1) * u64::from(width);
    PixelAspect::from_products(horizontal, vertical)
}

/// Returns true if the average rate that ffprobe reports can be predicted. For other rates than
/// those of cameras, and for truncated indexes, it depends on how much of the file ffprobe reads.
fn is_predictable(layout: &MxfLayout, track: &MxfTrack<'_>, codec: PictureCodec) -> bool {
    let rate = track.essence.rate;
    // ffprobe has no 119.88 among the rates that it rounds to.
    let is_reported_exactly = rate.is_standard() && rate.terms() != (120_000, 1001);
    let has_index = index_segments(layout, track).next().is_some();
    is_reported_exactly && (has_index || !is_intra_only(codec) || !layout.is_index_truncated)
}

/// Returns the average rate that ffprobe reports.
///
/// If an index table stores the time of each frame, ffprobe reads only one frame of an intra-only
/// codec and reports no average rate. It also reports none for clips of one or two frames.
fn average_rate(layout: &MxfLayout, track: &MxfTrack<'_>, codec: PictureCodec) -> Option<Rate> {
    let mut segments = index_segments(layout, track).peekable();
    let is_timed = segments.peek().is_some() && segments.all(|segment| !segment.entries.is_empty());
    let is_short = track.essence.duration.is_some_and(|units| units < 3);
    let is_unknown = (is_timed && is_intra_only(codec)) || is_short;
    (!is_unknown).then_some(track.essence.rate)
}

/// Returns the segments of the track's index table.
fn index_segments<'a>(
    layout: &'a MxfLayout,
    track: &MxfTrack<'_>,
) -> impl Iterator<Item = &'a IndexTableSegment> {
    let index = track.essence.index;
    layout
        .segments
        .iter()
        .filter(move |segment| segment.index == index)
}

fn is_intra_only(codec: PictureCodec) -> bool {
    matches!(
        codec,
        PictureCodec::Vc3 | PictureCodec::ProRes(_) | PictureCodec::Dv
    )
}

/// Builds a data stream that has only the tags of a track.
pub(super) fn tags_only_stream(track: &MxfTrack<'_>) -> Stream {
    Stream {
        timecode: track.timecode,
        ..Stream::from_tags(StreamType::Other, track.tags.clone())
    }
}
