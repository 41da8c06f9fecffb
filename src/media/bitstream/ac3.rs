//! AC-3 and E-AC-3 frame headers (ETSI TS 102 366, 4.3.1 and E.1.2).

use super::audio_frames::AudioFrame;
use super::bits::BitReader;

const SYNC: u32 = 0x0b77;
/// Bit rates in kilobits per second, indexed by `frmsizecod / 2`.
const KILOBITS: [u32; 19] = [
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
];
const RATES: [u32; 3] = [48_000, 44_100, 32_000];

/// Parses the header of an AC-3 frame.
pub(in crate::media) fn parse_frame(frame: &[u8]) -> Option<AudioFrame> {
    let mut bits = BitReader::new(frame);
    if bits.read(16)? != SYNC {
        return None;
    }
    bits.skip(16)?;
    let sample_rate = rate_from_code(bits.read(2)?)?;
    let size = bits.read(6)?;
    let kilobits = *KILOBITS.get(usize::try_from(size / 2).ok()?)?;
    // Later bitstream versions use other sample rates, or are E-AC-3.
    if bits.read(5)? > 8 {
        return None;
    }
    bits.skip(3)?;
    let mode = bits.read(3)?;
    if mode & 1 == 1 && mode != 1 {
        bits.skip(2)?;
    }
    if mode & 4 == 4 {
        bits.skip(2)?;
    }
    if mode == 2 {
        bits.skip(2)?;
    }
    let (channels, channel_layout) = channels_from_code(mode, bits.flag()?)?;
    // A frame has 1536 samples; its size is counted in 16-bit words. At 44.1 kHz, odd size codes
    // mean one more word.
    let words = kilobits * 96_000 / sample_rate + u32::from(sample_rate == 44_100) * (size & 1);
    Some(AudioFrame {
        codec: "ac3",
        sample_rate,
        channels,
        channel_layout,
        samples: 1536,
        bytes: usize::try_from(words * 2).ok()?,
    })
}

/// Parses the header of an E-AC-3 frame; `None` for dependent frames, which carry additional
/// channels.
pub(in crate::media) fn parse_enhanced_frame(frame: &[u8]) -> Option<AudioFrame> {
    let mut bits = BitReader::new(frame);
    if bits.read(16)? != SYNC || bits.read(5)? != 0 {
        return None;
    }
    let words = bits.read(11)? + 1;
    let sample_rate = rate_from_code(bits.read(2)?)?;
    let blocks = *[1, 2, 3, 6].get(usize::try_from(bits.read(2)?).ok()?)?;
    let (channels, channel_layout) = channels_from_code(bits.read(3)?, bits.flag()?)?;
    if !(11..=16).contains(&bits.read(5)?) {
        return None;
    }
    Some(AudioFrame {
        codec: "eac3",
        sample_rate,
        channels,
        channel_layout,
        samples: blocks * 256,
        bytes: usize::try_from(words * 2).ok()?,
    })
}

fn rate_from_code(code: u32) -> Option<u32> {
    RATES.get(usize::try_from(code).ok()?).copied()
}

/// Returns the channel count and layout for `acmod` and `lfeon`. `None` for two independent
/// programmes, and for layouts that ffmpeg does not name.
fn channels_from_code(mode: u32, has_lfe: bool) -> Option<(u32, &'static str)> {
    Some(match (mode, has_lfe) {
        (1, false) => (1, "mono"),
        (2, false) => (2, "stereo"),
        (2, true) => (3, "2.1"),
        (3, false) => (3, "3.0"),
        (3, true) => (4, "3.1"),
        (5, false) => (4, "4.0"),
        (5, true) => (5, "4.1"),
        (6, false) => (4, "quad(side)"),
        (7, false) => (5, "5.0(side)"),
        (7, true) => (6, "5.1(side)"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::bytes;

    #[test]
    fn reads_rate_channels_and_length_of_frames() {
        let read = |hex: &str| {
            let frame = bytes(hex);
            let found = parse_frame(&frame).or_else(|| parse_enhanced_frame(&frame))?;
            Some((
                found.codec,
                found.sample_rate,
                found.channel_layout,
                found.bytes,
            ))
        };
        for (hex, expected) in [
            ("0b77255614204043", Some(("ac3", 48_000, "stereo", 768))),
            ("0b7700000c401043", None),
            ("0b770000554020", Some(("ac3", 44_100, "mono", 836))),
            ("0b7700001c40e1c3", Some(("ac3", 48_000, "5.1(side)", 1536))),
            ("0b7701bf3f8600", Some(("eac3", 48_000, "5.1(side)", 896))),
            ("0b7741bf3f8600", None),
            ("0b77", None),
            ("0b780000144040", None),
        ] {
            assert_eq!(read(hex), expected, "{hex}");
        }
    }
}
