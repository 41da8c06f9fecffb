//! AAC in transport streams: ADTS frame headers (ISO/IEC 14496-3, 1.A.2).

use super::aac;
use super::audio_frames::AudioFrame;
use super::bits::BitReader;

const LOW_COMPLEXITY: u32 = 1;

/// Parses the header of a frame; `None` if the sample rate and channels are known only after
/// decoding.
pub(in crate::media) fn parse_frame(frame: &[u8]) -> Option<AudioFrame> {
    let mut bits = BitReader::new(frame);
    // The sync word, a version bit, and the layer, which is always 0.
    if bits.read(12)? != 0xfff {
        return None;
    }
    bits.skip(1)?;
    if bits.read(2)? != 0 {
        return None;
    }
    bits.skip(1)?;
    let kind = bits.read(2)?;
    let sample_rate = aac::rate_from_code(bits.read(4)?)?;
    bits.skip(1)?;
    let (channels, channel_layout) = aac::channels_from_code(bits.read(3)?)?;
    bits.skip(4)?;
    let bytes = usize::try_from(bits.read(13)?).ok()?;
    bits.skip(11)?;
    let is_one_block = bits.read(2)? == 0;
    if kind != LOW_COMPLEXITY || !is_one_block || aac::may_double(sample_rate) || bytes < 7 {
        return None;
    }
    Some(AudioFrame {
        codec: "aac",
        sample_rate,
        channels,
        channel_layout,
        samples: 1024,
        bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::bytes;

    #[test]
    fn reads_rate_and_channels_unless_only_decoding_reveals_them() {
        let read = |hex: &str| {
            let found = parse_frame(&bytes(hex))?;
            Some((found.sample_rate, found.channel_layout, found.bytes))
        };
        for (hex, expected) in [
            ("fff14c8025bffc", Some((48_000, "stereo", 301))),
            ("fff1504025bffc", Some((44_100, "mono", 301))),
            ("fff15d8025bffc", None),
            ("fff10c8025bffc", None),
            ("fff14c80", None),
            ("fff34c8025bffc", None),
        ] {
            assert_eq!(read(hex), expected, "{hex}");
        }
    }
}
