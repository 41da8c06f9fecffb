//! A track of sound, in ffprobe's words.

use super::klv::{Label, Set, references};
use super::labels;
use super::layout::{Layout, kind};
use super::packages::Track;
use crate::media::cursor::Cursor;
use crate::media::header::Stream;

/// More channels than one track has.
const MOST_CHANNELS: u32 = 255;
/// Labels that are looked at.
const MOST_LABELS: usize = 256;

/// The property that lists what stands beneath a descriptor.
const BENEATH: Label = [
    0x06, 0x0e, 0x2b, 0x34, 1, 1, 1, 9, 6, 1, 1, 4, 6, 0x10, 0, 0,
];
/// Which channel a label is for, and what it calls it (ST 377-4).
const CHANNEL: Label = [
    0x06, 0x0e, 0x2b, 0x34, 1, 1, 1, 0x0e, 1, 3, 4, 0x0a, 0, 0, 0, 0,
];
const MEANING: Label = [
    0x06, 0x0e, 0x2b, 0x34, 1, 1, 1, 0x0e, 1, 3, 7, 1, 1, 0, 0, 0,
];

/// A track of sound; `None` for any that is not uncompressed.
pub(super) fn sound(layout: &Layout, track: &Track<'_>) -> Option<Stream> {
    let descriptor = track.descriptor;
    let channels = descriptor.u32(0x3d07)?;
    (1..=MOST_CHANNELS).contains(&channels).then_some(())?;
    let named = channel_layout(layout, descriptor, channels)?;
    Some(Stream {
        codec_type: "audio".to_owned(),
        codec_name: Some(labels::sound(descriptor)?.to_owned()),
        r_frame_rate: "0/0".to_owned(),
        avg_frame_rate: "0/0".to_owned(),
        sample_rate: Some(sample_rate(track)?.to_string()),
        channels: Some(channels),
        channel_layout: named.map(str::to_owned),
        tags: track.tags.clone(),
        ..Stream::default()
    })
}

/// Samples a second; `None` where they are no whole number.
pub(super) fn sample_rate(track: &Track<'_>) -> Option<u32> {
    let (rate, per) = track.descriptor.ratio(0x3d03)?;
    (per == 1).then_some(rate)
}

/// How many samples so many edit units take, to the nearest.
pub(super) fn samples(units: u64, rate: (u32, u32), sample_rate: u32) -> Option<u64> {
    let (wide, high) = (u128::from(rate.0), u128::from(rate.1));
    let doubled = u128::from(units) * high * u128::from(sample_rate) * 2;
    u64::try_from((doubled + wide).checked_div(wide * 2)?).ok()
}

/// The layout that the labels of channels amount to; `Some(None)` where there are none or
/// ffprobe makes nothing of them.
#[expect(clippy::option_option, reason = "no layout, or not understood")]
fn channel_layout(
    layout: &Layout,
    descriptor: &Set,
    channels: u32,
) -> Option<Option<&'static str>> {
    let beneath = descriptor.meant(&BENEATH).map(references);
    let labels: Vec<&Set> = beneath
        .iter()
        .flatten()
        .take(MOST_LABELS)
        .filter_map(|number| layout.set(number, &[kind::CHANNEL_LABEL]))
        .collect();
    if labels.is_empty() {
        return Some(None);
    }
    let mut bits = vec![0_u32; usize::try_from(channels).ok()?];
    for label in labels {
        let meaning: Label = label.meant(&MEANING)?.try_into().ok()?;
        let Some(bit) = bit(&meaning)? else { continue };
        let number = label
            .meant(&CHANNEL)
            .map_or(Some(0), |value| Cursor(value).u32())?;
        let number = if channels == 1 { number.max(1) } else { number };
        let at = usize::try_from(number.checked_sub(1)?).ok()?;
        *bits.get_mut(at)? = bit;
    }
    let is_ordered = bits.is_sorted_by(|one, next| one < next);
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

/// The bit that ffmpeg has for a channel; `Some(None)` for one that it has none for.
#[expect(clippy::option_option, reason = "no channel, or not understood")]
fn bit(meaning: &Label) -> Option<Option<u32>> {
    const CHANNELS: Label = [
        0x06, 0x0e, 0x2b, 0x34, 4, 1, 1, 0x0d, 3, 2, 1, 0, 0, 0, 0, 0,
    ];
    if meaning[..11] != CHANNELS[..11] {
        return Some(None);
    }
    if meaning[12..] != [0; 4] {
        return None;
    }
    Some(Some(match meaning[11] {
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
    fn channels_are_those_that_ffmpeg_knows() {
        let meaning = |last: [u8; 5]| {
            let mut meaning = [
                0x06, 0x0e, 0x2b, 0x34, 4, 1, 1, 0x0d, 3, 2, 1, 0, 0, 0, 0, 0,
            ];
            meaning[11..].copy_from_slice(&last);
            bit(&meaning)
        };
        assert_eq!(meaning([1, 0, 0, 0, 0]), Some(Some(1)));
        assert_eq!(meaning([0x20, 3, 0, 0, 0]), None);
        assert_eq!(bit(&[0; 16]), Some(None));
        assert_eq!(samples(2098, (30000, 1001), 48000), Some(3_360_157));
    }
}
