//! AAC and the descriptors that MP4 wraps codecs in (ISO/IEC 14496-3 1.6.2.1, 14496-1 7.2.6).

use super::bits::{Bits, u32_at};

/// Up to this core rate a stream may double its rate without saying so (spectral band
/// replication, found only in its frames).
const MOST_DOUBLED: u32 = 32_000;

/// A configuration is a few bytes; of a longer one only the beginning is searched.
const LONGEST: usize = 512;

/// What an audio configuration says, in ffprobe's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) struct Sound {
    /// The kind of AAC: 2 for LC, 42 for xHE-AAC.
    pub object_type: u32,
    /// `None` where only the frames tell.
    pub sample_rate: Option<u32>,
    /// `None` where only the frames tell.
    pub channels: Option<u32>,
    pub channel_layout: Option<&'static str>,
}

/// An elementary stream descriptor, `esds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Descriptor<'a> {
    /// `objectTypeIndication`: 0x40 for AAC, 0x20 for MPEG-4 Visual, 0x6b for MP3.
    pub object_type: u8,
    pub most_bit_rate: u32,
    pub average_bit_rate: u32,
    /// The decoder's own configuration; empty where there is none.
    pub config: &'a [u8],
}

/// Reads the payload of an `esds` box, from its version on.
pub(in crate::media) fn descriptor(payload: &[u8]) -> Option<Descriptor<'_>> {
    let (3, stream, _) = tagged(payload.get(4..)?)? else {
        return None;
    };
    let &flags = stream.get(2)?;
    let mut rest = stream.get(3..)?;
    if flags & 0x80 != 0 {
        rest = rest.get(2..)?;
    }
    if flags & 0x40 != 0 {
        let &length = rest.first()?;
        rest = rest.get(1 + usize::from(length)..)?;
    }
    if flags & 0x20 != 0 {
        rest = rest.get(2..)?;
    }
    let (4, decoder, _) = tagged(rest)? else {
        return None;
    };
    let config = match tagged(decoder.get(13..)?) {
        Some((5, config, _)) => config,
        _ => &[],
    };
    Some(Descriptor {
        object_type: *decoder.first()?,
        most_bit_rate: u32_at(decoder, 5)?,
        average_bit_rate: u32_at(decoder, 9)?,
        config,
    })
}

/// A descriptor's tag and body, and what follows; a body that is cut short ends with the bytes.
fn tagged(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, mut rest) = bytes.split_first()?;
    let mut length = 0;
    for _ in 0..4 {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        length = length << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let (body, after) = rest.split_at(length.min(rest.len()));
    Some((tag, body, after))
}

/// Reads an `AudioSpecificConfig`; `None` for kinds of audio other than AAC.
pub(in crate::media) fn of_config(config: &[u8]) -> Option<Sound> {
    let mut bits = Bits::new(config.get(..LONGEST).unwrap_or(config));
    let mut object_type = kind(&mut bits)?;
    let core_rate = rate(&mut bits)?;
    let layout = bits.take(4)?;
    let doubled;
    let is_parametric = object_type == 29;
    if matches!(object_type, 5 | 29) {
        doubled = Some(rate(&mut bits)? > core_rate);
        object_type = kind(&mut bits)?;
    } else {
        doubled = extension(bits, core_rate);
    }
    // Main, LC, SSR and LTP: of the others, ffmpeg decodes few and says less.
    if !matches!(object_type, 1..=4) {
        return None;
    }
    let is_untold = doubled.is_none() && may_double(core_rate);
    let (channels, channel_layout) = match (layout, is_parametric) {
        // Parametric stereo makes two channels of one, and comes only with a doubled rate.
        (1, true) => (Some(2), Some("stereo")),
        (1, _) if is_untold || doubled == Some(true) => (None, None),
        _ => channels(layout).unzip(),
    };
    Some(Sound {
        object_type,
        sample_rate: match doubled {
            Some(true) => core_rate.checked_mul(2),
            Some(false) => Some(core_rate),
            None => Some(core_rate).filter(|_| !is_untold),
        },
        channels,
        channel_layout,
    })
}

fn kind(bits: &mut Bits) -> Option<u32> {
    match bits.take(5)? {
        31 => Some(32 + bits.take(6)?),
        kind => Some(kind),
    }
}

fn rate(bits: &mut Bits) -> Option<u32> {
    match bits.take(4)? {
        15 => bits.take(24).filter(|&rate| rate > 0),
        code => rate_of_code(code),
    }
}

/// `samplingFrequencyIndex`.
pub(super) fn rate_of_code(code: u32) -> Option<u32> {
    const RATES: [u32; 13] = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025,
        8000, 7350,
    ];
    RATES.get(usize::try_from(code).ok()?).copied()
}

/// Whether a stream of this core rate may double it without saying so.
pub(super) fn may_double(core_rate: u32) -> bool {
    core_rate <= MOST_DOUBLED
}

/// Whether the rate is doubled, where an extension behind the configuration says so.
fn extension(mut bits: Bits, core_rate: u32) -> Option<bool> {
    while bits.left() > 15 {
        let mut ahead = bits.clone();
        if ahead.take(11)? != 0x2b7 {
            bits.skip(1)?;
            continue;
        }
        if kind(&mut ahead)? != 5 {
            return None;
        }
        if !ahead.flag()? {
            return Some(false);
        }
        let outer_rate = rate(&mut ahead)?;
        // The same rate is taken for nothing said at all.
        return (outer_rate != core_rate).then_some(outer_rate > core_rate);
    }
    None
}

/// `channelConfiguration`; the others are told in the frames or named differently by version.
pub(super) fn channels(layout: u32) -> Option<(u32, &'static str)> {
    Some(match layout {
        1 => (1, "mono"),
        2 => (2, "stereo"),
        3 => (3, "3.0"),
        4 => (4, "4.0"),
        5 => (5, "5.0"),
        6 => (6, "5.1"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::bytes;

    #[test]
    fn configurations_tell_rate_and_channels_unless_only_frames_do() {
        for (hex, rate, channels, layout) in [
            ("1190", Some(48_000), Some(2), Some("stereo")),
            ("1208", Some(44_100), Some(1), Some("mono")),
            ("11b056e500", Some(48_000), Some(6), Some("5.1")),
            // The rate may double behind its back, unless it says that it does not.
            ("1310", None, Some(2), Some("stereo")),
            ("1308", None, None, None),
            ("130856e500", Some(24_000), Some(1), Some("mono")),
            // Doubled by its own word: before the core, or behind it.
            ("2b118800", Some(48_000), Some(2), Some("stereo")),
            ("eb098800", Some(48_000), Some(2), Some("stereo")),
            ("131056e598", Some(48_000), Some(2), Some("stereo")),
            ("11b8", Some(48_000), None, None),
        ] {
            let sound = of_config(&bytes(hex)).unwrap();
            assert_eq!(
                (sound.sample_rate, sound.channels, sound.channel_layout),
                (rate, channels, layout),
                "{hex}"
            );
        }
        assert_eq!(of_config(&bytes("f94a")), None);
    }

    #[test]
    fn descriptors_lead_to_the_configuration() {
        let payload = bytes(
            "0000000003808080250001000480808017401500000000011329000113290580808005118856e500068080800102",
        );
        let found = descriptor(&payload).unwrap();
        assert_eq!(
            (found.object_type, found.average_bit_rate, found.config),
            (0x40, 70_441, [0x11, 0x88, 0x56, 0xe5, 0].as_slice())
        );
        assert_eq!(descriptor(&payload[..10]), None);
    }
}
