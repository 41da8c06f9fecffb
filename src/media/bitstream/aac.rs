//! AAC configuration, and the MPEG-4 descriptors that contain it (ISO/IEC 14496-3 1.6.2.1, 14496-1
//! 7.2.6).

use super::bits::{BitReader, u32_at};

/// Highest core sample rate that spectral band replication may double implicitly. Only the frames
/// of such a stream show whether it does.
const MAX_DOUBLED_RATE: u32 = 32_000;

/// Maximum number of bytes searched; configurations have only a few.
const MAX_SEARCHED: usize = 512;

/// Audio configuration in ffprobe's terms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) struct AacConfig {
    /// Audio object type: 1 to 4 (Main, LC, SSR and LTP).
    pub object_type: u32,
    /// `None` if only the frames contain it.
    pub sample_rate: Option<u32>,
    /// `None` if only the frames contain it.
    pub channels: Option<u32>,
    pub channel_layout: Option<&'static str>,
}

/// Elementary stream descriptor (`esds`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct EsDescriptor<'a> {
    /// `objectTypeIndication`: 0x40 for AAC, 0x20 for MPEG-4 Visual, 0x6b for MP3.
    pub object_type: u8,
    pub max_bit_rate: u32,
    pub average_bit_rate: u32,
    /// Decoder-specific configuration; empty if there is none.
    pub config: &'a [u8],
}

/// Parses the payload of an `esds` box, which begins with its version.
pub(in crate::media) fn parse_descriptor(payload: &[u8]) -> Option<EsDescriptor<'_>> {
    let (3, stream, _) = split_descriptor(payload.get(4..)?)? else {
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
    let (4, decoder, _) = split_descriptor(rest)? else {
        return None;
    };
    let config = match split_descriptor(decoder.get(13..)?) {
        Some((5, config, _)) => config,
        _ => &[],
    };
    Some(EsDescriptor {
        object_type: *decoder.first()?,
        max_bit_rate: u32_at(decoder, 5)?,
        average_bit_rate: u32_at(decoder, 9)?,
        config,
    })
}

/// Splits off a descriptor; returns its tag, its body and the remaining bytes. A truncated body
/// extends to the end of `bytes`.
fn split_descriptor(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
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

/// Parses an `AudioSpecificConfig`; `None` for object types other than AAC.
pub(in crate::media) fn parse_config(config: &[u8]) -> Option<AacConfig> {
    let mut bits = BitReader::new(config.get(..MAX_SEARCHED).unwrap_or(config));
    let mut object_type = read_object_type(&mut bits)?;
    let core_rate = read_rate(&mut bits)?;
    let channel_code = bits.read(4)?;
    let has_doubled_rate;
    let is_parametric = object_type == 29;
    if matches!(object_type, 5 | 29) {
        has_doubled_rate = Some(read_rate(&mut bits)? > core_rate);
        object_type = read_object_type(&mut bits)?;
    } else {
        has_doubled_rate = find_extension(bits, core_rate);
    }
    // Only Main, LC, SSR and LTP are supported: ffmpeg supports few other types and reports less
    // about them.
    if !matches!(object_type, 1..=4) {
        return None;
    }
    let is_ambiguous = has_doubled_rate.is_none() && may_double(core_rate);
    let (channels, channel_layout) = match (channel_code, is_parametric) {
        // Parametric stereo turns one channel into two, and is only used with a doubled rate.
        (1, true) => (Some(2), Some("stereo")),
        (1, _) if is_ambiguous || has_doubled_rate == Some(true) => (None, None),
        _ => channels_from_code(channel_code).unzip(),
    };
    Some(AacConfig {
        object_type,
        sample_rate: match has_doubled_rate {
            Some(true) => core_rate.checked_mul(2),
            Some(false) => Some(core_rate),
            None => Some(core_rate).filter(|_| !is_ambiguous),
        },
        channels,
        channel_layout,
    })
}

fn read_object_type(bits: &mut BitReader) -> Option<u32> {
    match bits.read(5)? {
        31 => Some(32 + bits.read(6)?),
        kind => Some(kind),
    }
}

fn read_rate(bits: &mut BitReader) -> Option<u32> {
    match bits.read(4)? {
        15 => bits.read(24).filter(|&rate| rate > 0),
        code => rate_from_code(code),
    }
}

/// Returns the sample rate for a `samplingFrequencyIndex`.
pub(super) fn rate_from_code(code: u32) -> Option<u32> {
    const RATES: [u32; 13] = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025,
        8000, 7350,
    ];
    RATES.get(usize::try_from(code).ok()?).copied()
}

/// Returns true if a stream with this core rate may double it without signalling it.
pub(super) fn may_double(core_rate: u32) -> bool {
    core_rate <= MAX_DOUBLED_RATE
}

/// Searches for the extension after the configuration. Returns true if it raises the sample rate;
/// `None` if there is no usable extension.
fn find_extension(mut bits: BitReader, core_rate: u32) -> Option<bool> {
    while bits.remaining() > 15 {
        let mut ahead = bits.clone();
        if ahead.read(11)? != 0x2b7 {
            bits.skip(1)?;
            continue;
        }
        if read_object_type(&mut ahead)? != 5 {
            return None;
        }
        if !ahead.flag()? {
            return Some(false);
        }
        let extension_rate = read_rate(&mut ahead)?;
        // An extension with the same rate is ignored.
        return (extension_rate != core_rate).then_some(extension_rate > core_rate);
    }
    None
}

/// Returns the channel count and layout for a `channelConfiguration`. `None` if the frames define
/// the layout, or if its name differs between ffmpeg versions.
pub(super) fn channels_from_code(channel_code: u32) -> Option<(u32, &'static str)> {
    Some(match channel_code {
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
    fn reads_rate_and_channels_unless_only_frames_contain_them() {
        for (hex, rate, channels, layout) in [
            ("1190", Some(48_000), Some(2), Some("stereo")),
            ("1208", Some(44_100), Some(1), Some("mono")),
            ("11b056e500", Some(48_000), Some(6), Some("5.1")),
            // The rate may double implicitly, unless the configuration rules it out.
            ("1310", None, Some(2), Some("stereo")),
            ("1308", None, None, None),
            ("130856e500", Some(24_000), Some(1), Some("mono")),
            // Explicitly doubled: signalled before the core configuration, or after it.
            ("2b118800", Some(48_000), Some(2), Some("stereo")),
            ("eb098800", Some(48_000), Some(2), Some("stereo")),
            ("131056e598", Some(48_000), Some(2), Some("stereo")),
            ("11b8", Some(48_000), None, None),
        ] {
            let config = parse_config(&bytes(hex)).unwrap();
            assert_eq!(
                (config.sample_rate, config.channels, config.channel_layout),
                (rate, channels, layout),
                "{hex}"
            );
        }
        assert_eq!(parse_config(&bytes("f94a")), None);
    }

    #[test]
    fn finds_the_configuration_in_a_descriptor() {
        let payload = bytes(
            "0000000003808080250001000480808017401500000000011329000113290580808005118856e500068080800102",
        );
        let found = parse_descriptor(&payload).unwrap();
        assert_eq!(
            (found.object_type, found.average_bit_rate, found.config),
            (0x40, 70_441, [0x11, 0x88, 0x56, 0xe5, 0].as_slice())
        );
        assert_eq!(parse_descriptor(&payload[..10]), None);
    }
}
