//! The `fmt ` chunk: sample format and channel layout.

use super::buffered_reader::{u16_at, u32_at};

const INTEGER: u16 = 1;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const EXTENSIBLE: u16 = 0xfffe;

/// Last 14 bytes of every subformat GUID that represents a format number.
const SUBFORMAT: [u8; 14] = *b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71";

/// Largest plausible channel count.
const MAX_CHANNELS: u16 = 512;

/// Sample format, in ffmpeg's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::media) struct Pcm {
    pub codec: &'static str,
    pub channels: u16,
    pub sample_rate: u32,
    /// Bits per stored sample.
    pub bits: u16,
    /// Bits per sample according to the header.
    pub claimed_bits: u16,
    /// Bits per second according to the header; zero if not stored.
    pub claimed_bit_rate: u64,
    /// ffmpeg's name of the channel layout; `None` if the header does not store it.
    pub layout: Option<String>,
}

impl Pcm {
    /// Returns the bit rate in bits per second: the one in the header, or a calculated one if the
    /// header stores none.
    pub(super) fn bit_rate(&self) -> u64 {
        match self.claimed_bit_rate {
            0 => u64::from(self.sample_rate) * u64::from(self.channels) * u64::from(self.bits),
            claimed => claimed,
        }
    }
}

/// Parses a `fmt ` chunk; `None` if the samples are not PCM or are laid out in an unusual way.
pub(in crate::media) fn parse(chunk: &[u8]) -> Option<Pcm> {
    let mut format = u16_at(chunk, 0)?;
    let mut claimed_bits = u16_at(chunk, 14)?;
    let channels = u16_at(chunk, 2).filter(|n| (1..=MAX_CHANNELS).contains(n))?;
    let mut layout = None;
    if format == EXTENSIBLE {
        let subformat = extension_of(chunk).filter(|extension| extension.len() >= 22)?;
        // Zero means that all bits are valid.
        claimed_bits = u16_at(subformat, 0)
            .filter(|&bits| bits > 0)
            .unwrap_or(claimed_bits);
        layout = layout_name(u32_at(subformat, 2)?, channels);
        format = u16_at(subformat, 6)?;
        if subformat.get(8..22)? != SUBFORMAT {
            return None;
        }
    } else if extension_of(chunk) == Some(&[1, 0]) {
        // Not supported: 16-bit floats in 32 bits, as stored by some editing programs.
        return None;
    }
    let (codec, bits) = codec_name(format, claimed_bits)?;
    let is_packed = u32::from(u16_at(chunk, 12)?) == u32::from(channels) * u32::from(bits / 8);
    let sample_rate = u32_at(chunk, 4).filter(|rate| (1..=i32::MAX.unsigned_abs()).contains(rate));
    let pcm = Pcm {
        codec,
        channels,
        sample_rate: sample_rate?,
        bits,
        claimed_bits,
        claimed_bit_rate: u64::from(u32_at(chunk, 8)?) * 8,
        layout,
    };
    is_packed.then_some(pcm)
}

/// Returns the extension after the plain header, limited to its stored length.
fn extension_of(chunk: &[u8]) -> Option<&[u8]> {
    let extension = chunk.get(18..)?;
    let length = usize::from(u16_at(chunk, 16)?).min(extension.len());
    extension.get(..length)
}

/// Returns ffmpeg's codec name and the bits per stored sample.
fn codec_name(format: u16, bits: u16) -> Option<(&'static str, u16)> {
    Some(match (format, bits) {
        (INTEGER, 1..=8) => ("pcm_u8", 8),
        (INTEGER, 9..=16) => ("pcm_s16le", 16),
        (INTEGER, 17..=24) => ("pcm_s24le", 24),
        (INTEGER, 25..=32) => ("pcm_s32le", 32),
        (FLOAT, 32) => ("pcm_f32le", 32),
        (FLOAT, 64) => ("pcm_f64le", 64),
        (A_LAW, _) => ("pcm_alaw", 8),
        (MU_LAW, _) => ("pcm_mulaw", 8),
        _ => return None,
    })
}

/// Speaker names by bit of the channel mask, as ffmpeg names them.
const SPEAKERS: [&str; 18] = [
    "FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "TC", "TFL", "TFC", "TFR",
    "TBL", "TBC", "TBR",
];

/// Channel masks with a layout name in ffmpeg (`ffmpeg -layouts`).
const LAYOUTS: [(u32, &str); 27] = [
    (0x4, "mono"),
    (0x3, "stereo"),
    (0xb, "2.1"),
    (0x7, "3.0"),
    (0x103, "3.0(back)"),
    (0x107, "4.0"),
    (0x33, "quad"),
    (0x603, "quad(side)"),
    (0xf, "3.1"),
    (0x37, "5.0"),
    (0x607, "5.0(side)"),
    (0x10f, "4.1"),
    (0x3f, "5.1"),
    (0x60f, "5.1(side)"),
    (0x707, "6.0"),
    (0x6c3, "6.0(front)"),
    (0x137, "hexagonal"),
    (0x70f, "6.1"),
    (0x13f, "6.1(back)"),
    (0x6cb, "6.1(front)"),
    (0x637, "7.0"),
    (0x6c7, "7.0(front)"),
    (0x63f, "7.1"),
    (0xff, "7.1(wide)"),
    (0x6cf, "7.1(wide-side)"),
    (0x737, "octagonal"),
    (0x6000_0000, "downmix"),
];

/// Returns the layout's name, or its list of speakers; `None` if the mask does not match the
/// channel count.
fn layout_name(mask: u32, channels: u16) -> Option<String> {
    if mask.count_ones() != u32::from(channels) {
        return None;
    }
    if let Some((_, name)) = LAYOUTS.iter().find(|(layout, _)| *layout == mask) {
        return Some((*name).to_owned());
    }
    let speakers: Vec<String> = (0..32)
        .filter(|bit| mask & (1 << bit) != 0)
        .map(speaker_name)
        .collect();
    Some(format!("{channels} channels ({})", speakers.join("+")))
}

fn speaker_name(bit: usize) -> String {
    match bit {
        29 => "DL".to_owned(),
        30 => "DR".to_owned(),
        31 => "WL".to_owned(),
        bit => SPEAKERS
            .get(bit)
            .map_or_else(|| format!("USR{bit}"), |&name| name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_speakers_as_ffmpeg_does() {
        for (mask, channels, name) in [
            (0x3f, 6, Some("5.1")),
            (0x63f, 8, Some("7.1")),
            (0x1, 1, Some("1 channels (FL)")),
            (0x13, 3, Some("3 channels (FL+FR+BL)")),
            (0xe000_0000, 3, Some("3 channels (DL+DR+WL)")),
            (0xc0003, 4, Some("4 channels (FL+FR+USR18+USR19)")),
            (0x3, 4, None),
            (0, 1, None),
        ] {
            assert_eq!(layout_name(mask, channels).as_deref(), name, "{mask:x}");
        }
    }
}
