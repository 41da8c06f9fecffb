//! AAC as streams carry it: the header of a frame (ISO/IEC 14496-3, 1.A.2).

use super::aac;
use super::bits::Bits;
use super::sound_frames::SoundFrame;

const LOW_COMPLEXITY: u32 = 1;

/// Reads the header of a frame; `None` where only decoding tells rate and channels.
pub(in crate::media) fn of_frame(frame: &[u8]) -> Option<SoundFrame> {
    let mut bits = Bits::new(frame);
    // The sync word; a version; the layer, which is none.
    if bits.take(12)? != 0xfff {
        return None;
    }
    bits.skip(1)?;
    if bits.take(2)? != 0 {
        return None;
    }
    bits.skip(1)?;
    let kind = bits.take(2)?;
    let sample_rate = aac::rate_of_code(bits.take(4)?)?;
    bits.skip(1)?;
    let (channels, channel_layout) = aac::channels(bits.take(3)?)?;
    bits.skip(4)?;
    let bytes = usize::try_from(bits.take(13)?).ok()?;
    bits.skip(11)?;
    let is_one_block = bits.take(2)? == 0;
    if kind != LOW_COMPLEXITY || !is_one_block || aac::may_double(sample_rate) || bytes < 7 {
        return None;
    }
    Some(SoundFrame {
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
    fn frames_tell_rate_and_channels_unless_only_decoding_does() {
        let read = |hex: &str| {
            let told = of_frame(&bytes(hex))?;
            Some((told.sample_rate, told.channel_layout, told.bytes))
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
