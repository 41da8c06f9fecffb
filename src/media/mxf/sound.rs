//! Conversion of an MXF audio track to a stream.

use super::klv::{Label, LocalSet, parse_references};
use super::labels;
use super::layout::{MxfLayout, kind};
use super::packages::MxfTrack;
use crate::media::cursor::Cursor;
use crate::media::header::{Stream, StreamType};
use crate::value::Rate;

/// Maximum number of channels in a track.
const MAX_CHANNELS: u32 = 255;
/// Maximum number of channel labels read.
const MAX_LABELS: usize = 256;

/// Label of the property that lists the subdescriptors of a descriptor.
const SUBDESCRIPTORS: Label = [
    0x06, 0x0e, 0x2b, 0x34, 1, 1, 1, 9, 6, 1, 1, 4, 6, 0x10, 0, 0,
];
/// Label of the property with a channel number, in channel labels (ST 377-4).
const CHANNEL_NUMBER: Label = [
    0x06, 0x0e, 0x2b, 0x34, 1, 1, 1, 0x0e, 1, 3, 4, 0x0a, 0, 0, 0, 0,
];
/// Label of the property with a channel's position, in channel labels (ST 377-4).
const CHANNEL_POSITION: Label = [
    0x06, 0x0e, 0x2b, 0x34, 1, 1, 1, 0x0e, 1, 3, 7, 1, 1, 0, 0, 0,
];

/// Builds the stream of an audio track; `None` unless it is uncompressed.
pub(super) fn parse_stream(layout: &MxfLayout, track: &MxfTrack<'_>) -> Option<Stream> {
    let descriptor = track.descriptor;
    let channels = descriptor.u32(0x3d07)?;
    (1..=MAX_CHANNELS).contains(&channels).then_some(())?;
    let layout_name = channel_layout(layout, descriptor, channels)?;
    Some(Stream {
        codec: Some(labels::sound_codec(descriptor)?.to_owned()),
        sample_rate: Some(sample_rate(track)?),
        channels: Some(channels),
        channel_layout: layout_name.map(str::to_owned),
        timecode: track.timecode,
        ..Stream::from_tags(StreamType::Audio, track.tags.clone())
    })
}

/// Returns the sample rate in hertz; `None` unless it is a whole number.
pub(super) fn sample_rate(track: &MxfTrack<'_>) -> Option<u32> {
    let (rate, per) = track.descriptor.ratio(0x3d03)?;
    (per == 1).then_some(rate)
}

/// Converts edit units to samples, rounded to nearest.
pub(super) fn units_to_samples(units: u64, rate: Rate, sample_rate: u32) -> Option<u64> {
    let (numerator, denominator) = rate.terms();
    let (numerator, denominator) = (u128::from(numerator), u128::from(denominator));
    let scaled = u128::from(units) * denominator * u128::from(sample_rate) * 2;
    u64::try_from((scaled + numerator) / (numerator * 2)).ok()
}

/// Returns the layout described by the channel labels; `Some(None)` without labels, or if ffprobe
/// ignores them.
#[expect(
    clippy::option_option,
    reason = "outer `None`: not supported; inner `None`: no layout"
)]
fn channel_layout(
    layout: &MxfLayout,
    descriptor: &LocalSet,
    channels: u32,
) -> Option<Option<&'static str>> {
    let subdescriptors = descriptor
        .value_by_label(&SUBDESCRIPTORS)
        .map(parse_references);
    let labels: Vec<&LocalSet> = subdescriptors
        .iter()
        .flatten()
        .take(MAX_LABELS)
        .filter_map(|number| layout.set(number, &[kind::CHANNEL_LABEL]))
        .collect();
    if labels.is_empty() {
        return Some(None);
    }
    let mut bits = vec![0_u32; usize::try_from(channels).ok()?];
    for label in labels {
        let position: Label = label.value_by_label(&CHANNEL_POSITION)?.try_into().ok()?;
        let Some(bit) = channel_bit(&position)? else {
            continue;
        };
        let number = label
            .value_by_label(&CHANNEL_NUMBER)
            .map_or(Some(0), |value| Cursor(value).u32())?;
        let number = if channels == 1 { number.max(1) } else { number };
        let at = usize::try_from(number.checked_sub(1)?).ok()?;
        *bits.get_mut(at)? = bit;
    }
    let is_ordered = bits.is_sorted_by(|previous, next| previous < next);
    if !is_ordered || bits.contains(&0) {
        return Some(None);
    }
    Some(Some(match bits.iter().sum::<u32>() {
        0x4 => "mono",
        0x3 => "stereo",
        0x3f => "5.1",
        0x60f => "5.1(side)",
        0x63f => "7.1",
        _ => return None,
    }))
}

/// Returns ffmpeg's bit for a channel label; `Some(None)` if ffmpeg has none.
#[expect(
    clippy::option_option,
    reason = "outer `None`: not supported; inner `None`: no channel"
)]
fn channel_bit(position: &Label) -> Option<Option<u32>> {
    const CHANNELS: Label = [
        0x06, 0x0e, 0x2b, 0x34, 4, 1, 1, 0x0d, 3, 2, 1, 0, 0, 0, 0, 0,
    ];
    if position[..11] != CHANNELS[..11] {
        return Some(None);
    }
    if position[12..] != [0; 4] {
        return None;
    }
    Some(Some(match position[11] {
        1 => 0x1,
        2 => 0x2,
        3 => 0x4,
        4 => 0x8,
        5 | 7 => 0x200,
        6 | 8 => 0x400,
        9 => 0x10,
        0x0a => 0x20,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_channel_labels_to_ffmpegs_bits() {
        let position = |last: [u8; 5]| {
            let mut position = [
                0x06, 0x0e, 0x2b, 0x34, 4, 1, 1, 0x0d, 3, 2, 1, 0, 0, 0, 0, 0,
            ];
            position[11..].copy_from_slice(&last);
            channel_bit(&position)
        };
        assert_eq!(position([1, 0, 0, 0, 0]), Some(Some(1)));
        assert_eq!(position([0x20, 3, 0, 0, 0]), None);
        assert_eq!(channel_bit(&[0; 16]), Some(None));
        assert_eq!(
            units_to_samples(2098, Rate::new(30000, 1001).unwrap(), 48000),
            Some(3_360_157)
        );
    }
}
