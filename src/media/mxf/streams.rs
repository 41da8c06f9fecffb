//! From a track to a stream, in ffprobe's words.
//!
//! `None` wherever a track holds what is not fully understood: then ffprobe is asked.

use super::klv::{Item, Set};
use super::labels::{self, Codec, Wrapping};
use super::layout::Layout;
use super::packages::Track;
use super::window::Window;
use crate::media::bitstream::{
    CodedPicture, ContainerPicture, dnxhd, dv, h264, mpeg2, prores, units,
};
use crate::media::header::Stream;
use crate::media::ratio;

/// Items that are looked at before the first picture: one of each track, and fillers.
const MOST_ITEMS: usize = 200;
/// Bytes of a picture that its headers stand in.
const HEADERS: u64 = 16 * 1024;
/// Rates that a camera has; any other is left to ffprobe, which guesses.
const RATES: [(u32, u32); 12] = [
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

/// A picture's stream, and what it takes to decode it.
#[derive(Debug)]
pub(super) struct Picture {
    pub stream: Stream,
    pub codec: Codec,
    pub wrapping: Wrapping,
    /// What a decoder is told first.
    pub configuration: Vec<u8>,
}

/// Microseconds that so many units take, to the nearest.
pub(super) fn micros(units: u64, rate: (u32, u32)) -> u64 {
    let (wide, high) = (u128::from(rate.0.max(1)), u128::from(rate.1));
    let micros = (u128::from(units) * high * 2_000_000 + wide) / (wide * 2);
    u64::try_from(micros).unwrap_or(u64::MAX)
}

/// A track of pictures.
pub(super) fn picture(
    window: &mut Window<'_>,
    layout: &Layout,
    track: &Track<'_>,
) -> Option<Picture> {
    let descriptor = track.descriptor;
    let kind = labels::codec(descriptor)?;
    let wrapping = if layout.partitions.last()?.is_atom {
        Wrapping::Clip
    } else {
        labels::wrapping(descriptor)
    };
    if wrapping == Wrapping::Unknown {
        return None;
    }
    let first = first_picture(window, layout, track, wrapping)?;
    let bytes = window.read(first.value, first.length.min(HEADERS))?;
    let (name, coded, configuration) = coding(kind, bytes)?;
    let bit_rate = match kind {
        Codec::Mpeg2 => mpeg2::bit_rate(from_sequence(bytes)?),
        _ => None,
    };
    let shape = Shape::new(descriptor)?;
    let coded = coded.merge_container(&ContainerPicture {
        width: descriptor.u32(0x3203).unwrap_or(0),
        height: shape.height,
        colour: labels::colour(descriptor)?,
    });
    let field_order = match (shape.field_order, kind) {
        (Some(order), _) => Some(order),
        // ffprobe fills in what the parsers of these say.
        (None, Codec::H264 | Codec::Mpeg2) => Some(coded.field_order?),
        (None, _) => None,
    };
    let told = |name: Option<&'static str>| name.map(str::to_owned);
    let (width, height) = (coded.width?, coded.height?);
    let average = average(layout, track, kind)?;
    let stream = Stream {
        codec_type: "video".to_owned(),
        codec_name: Some(name.to_owned()),
        profile: coded.profile,
        level: coded.level,
        width: Some(width),
        height: Some(height),
        sample_aspect_ratio: match descriptor.ratio(0x320e) {
            Some(shown) => Some(of_shown(shown, width, height)?),
            None => coded
                .sample_aspect_ratio
                .map(|(wide, high)| format!("{wide}:{high}")),
        },
        pix_fmt: Some(coded.pixel_format?),
        bits_per_raw_sample: coded.bits_per_raw_sample.map(|bits| bits.to_string()),
        field_order: told(field_order),
        color_range: told(coded.colour.range),
        color_space: told(coded.colour.matrix),
        color_transfer: told(coded.colour.transfer),
        color_primaries: told(coded.colour.primaries),
        r_frame_rate: format!("{}/{}", track.essence.rate.0, track.essence.rate.1),
        avg_frame_rate: average,
        bit_rate: bit_rate.map(|bits| bits.to_string()),
        tags: track.tags.clone(),
        ..Stream::default()
    };
    Some(Picture {
        stream,
        codec: kind,
        wrapping,
        configuration,
    })
}

/// Where the first picture is; of a clip in one piece, where that begins.
fn first_picture(
    window: &mut Window<'_>,
    layout: &Layout,
    track: &Track<'_>,
    wrapping: Wrapping,
) -> Option<Item> {
    let part = layout
        .partitions
        .iter()
        .find(|part| part.essence.is_some())?;
    if track.essence.body != 0 && part.body != track.essence.body {
        return None;
    }
    let mut item = part.essence?;
    if wrapping == Wrapping::Clip && layout.partitions.last()?.is_atom {
        return Some(item);
    }
    for _ in 0..MOST_ITEMS {
        if item.is_of(track.essence.number) {
            return Some(item);
        }
        item = window.item(item.end())?;
    }
    None
}

/// What the first picture says: ffmpeg's name of its coding, its picture, its configuration.
fn coding(kind: Codec, bytes: &[u8]) -> Option<(&'static str, CodedPicture, Vec<u8>)> {
    Some(match kind {
        Codec::H264 => {
            let configuration = units::build_avcc(bytes)?;
            let coded = h264::parse_sample(&configuration, &units::to_length_prefixed(bytes))?;
            ("h264", coded, configuration)
        }
        Codec::Mpeg2 => {
            let stream = from_sequence(bytes)?;
            let configuration = mpeg2::configuration(stream)?.to_vec();
            ("mpeg2video", mpeg2::parse_stream(stream)?, configuration)
        }
        Codec::Vc3 => ("dnxhd", dnxhd::parse_frame(bytes)?, Vec::new()),
        Codec::ProRes(name) => ("prores", prores::parse_frame(name, bytes)?, Vec::new()),
        Codec::Dv => ("dvvideo", dv::parse_frame(bytes)?, Vec::new()),
    })
}

/// An MPEG-2 stream from its first sequence header on.
fn from_sequence(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(memchr::memmem::find(bytes, &[0, 0, 1, 0xb3])?..)
}

/// How the fields of a frame are stored (ST 377-1 annex G.2.1).
struct Shape {
    /// Of both fields together.
    height: u32,
    field_order: Option<&'static str>,
}

impl Shape {
    fn new(descriptor: &Set) -> Option<Self> {
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

/// By the first lines of both fields: one of them even, the upper comes first.
fn field_order(descriptor: &Set) -> Option<&'static str> {
    let mut lines = descriptor.cursor(0x320d)?;
    let (count, size) = (lines.u32()?, lines.u32()?);
    if count < 2 || size != 4 {
        return None;
    }
    let (first, second) = (lines.u32()?, lines.u32()?);
    let is_said = |line: u32| line > 0 && i32::try_from(line).is_ok();
    if !is_said(first) || !is_said(second) {
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

/// The shape of a pixel of a picture that is shown in this shape.
fn of_shown(shown: (u32, u32), width: u32, height: u32) -> Option<String> {
    let wide = u64::from(shown.0) * u64::from(height);
    let high = u64::from(shown.1) * u64::from(width);
    ratio::aspect(wide, high)
}

/// The average rate, as far as ffprobe reads to find one out.
///
/// Where a table tells the time of each frame, and the codec's frames stand alone, it looks
/// at no second frame and names none; nor does it of two frames.
fn average(layout: &Layout, track: &Track<'_>, codec: Codec) -> Option<String> {
    if !RATES.contains(&track.essence.rate) {
        return None;
    }
    let table = || {
        let own = layout.segments.iter();
        own.filter(|segment| segment.index == track.essence.index)
    };
    let is_timed = table().next().is_some() && table().all(|segment| !segment.entries.is_empty());
    let stands_alone = matches!(codec, Codec::Vc3 | Codec::ProRes(_) | Codec::Dv);
    if stands_alone && layout.is_index_cut && table().next().is_none() {
        return None;
    }
    if (is_timed && stands_alone) || track.essence.duration.is_some_and(|units| units < 3) {
        return Some("0/0".to_owned());
    }
    Some(format!("{}/{}", track.essence.rate.0, track.essence.rate.1))
}

/// A track of which nothing but its tags is used.
pub(super) fn other(track: &Track<'_>) -> Stream {
    Stream {
        codec_type: "data".to_owned(),
        tags: track.tags.clone(),
        ..Stream::default()
    }
}
