//! MPEG audio frame headers, layers I to III (ISO/IEC 11172-3, 2.4.1.3, and 13818-3).

use super::audio_frames::AudioFrame;
use super::bits::BitReader;

/// Bit rates in kilobits per second; `bitrate_index` is one-based. The rows are for MPEG-1 layers
/// I, II and III, then MPEG-2 (half sample rates) layer I, and layers II and III.
const KILOBITS: [[u32; 14]; 5] = [
    [
        32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448,
    ],
    [
        32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
    ],
    [
        32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ],
    [
        32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256,
    ],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// Parses the header of a frame.
pub(in crate::media) fn parse_frame(frame: &[u8]) -> Option<AudioFrame> {
    let mut bits = BitReader::new(frame);
    if bits.read(11)? != 0x7ff {
        return None;
    }
    let is_half = match bits.read(2)? {
        3 => false,
        2 => true,
        _ => return None,
    };
    let layer = 4 - bits.read(2)?;
    bits.skip(1)?;
    let table = match (layer, is_half) {
        (1, true) => 3,
        (_, true) => 4,
        (layer @ 1..=3, false) => usize::try_from(layer).ok()? - 1,
        _ => return None,
    };
    let index = usize::try_from(bits.read(4)?).ok()?.checked_sub(1)?;
    let kilobits = *KILOBITS.get(table)?.get(index)?;
    let full_rate = *[44_100, 48_000, 32_000].get(usize::try_from(bits.read(2)?).ok()?)?;
    let sample_rate = if is_half { full_rate / 2 } else { full_rate };
    let padding = bits.read(1)?;
    bits.skip(1)?;
    let is_mono = bits.read(2)? == 3;
    let (codec, samples) = match (layer, is_half) {
        (1, _) => ("mp1", 384),
        (2, _) => ("mp2", 1152),
        (3, false) => ("mp3", 1152),
        (3, true) => ("mp3", 576),
        _ => return None,
    };
    // A slot is four bytes in layer I, one in the others.
    let slot = if layer == 1 { 4 } else { 1 };
    let slots = samples / 8 * kilobits * 1000 / sample_rate / slot + padding;
    Some(AudioFrame {
        codec,
        sample_rate,
        channels: if is_mono { 1 } else { 2 },
        channel_layout: if is_mono { "mono" } else { "stereo" },
        samples,
        bytes: usize::try_from(slots * slot).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::bytes;

    #[test]
    fn reads_layer_rate_and_length_of_frames() {
        let read = |hex: &str| {
            let found = parse_frame(&bytes(hex))?;
            Some((
                found.codec,
                found.sample_rate,
                found.channel_layout,
                found.bytes,
            ))
        };
        for (hex, expected) in [
            ("fffde404", Some(("mp2", 48_000, "stereo", 1152))),
            ("fffbf2c4", None),
            ("fffb94c4", Some(("mp3", 48_000, "mono", 384))),
            ("fffb9064", Some(("mp3", 44_100, "stereo", 417))),
            ("fff5e4c4", Some(("mp2", 24_000, "mono", 960))),
            ("ffe98004", None),
            ("ffff1004", Some(("mp1", 44_100, "stereo", 32))),
            ("fffd0404", None),
            ("fffd", None),
        ] {
            assert_eq!(read(hex), expected, "{hex}");
        }
    }
}
