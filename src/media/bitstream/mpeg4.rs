//! MPEG-4 Visual headers in `esds` (ISO/IEC 14496-2 6.2.2 and 6.2.3).

use super::bits::BitReader;
use super::picture::{CodedPicture, ColourOverrides, aspect_from_code};
use crate::media::colour::Colour;
use crate::media::ratio::PixelAspect;

/// ffmpeg's profile names by the upper half of `profile_and_level_indication`.
const PROFILES: [&str; 14] = [
    "Simple Profile",
    "Simple Scalable Profile",
    "Core Profile",
    "Main Profile",
    "N-bit Profile",
    "Scalable Texture Profile",
    "Simple Face Animation Profile",
    "Basic Animated Texture Profile",
    "Hybrid Profile",
    "Advanced Real Time Simple Profile",
    "Code Scalable Profile",
    "Advanced Coding Profile",
    "Advanced Core Profile",
    "Advanced Scalable Texture Profile",
];

/// Maximum number of headers read in a configuration, which usually has four.
const MAX_HEADERS: usize = 32;

/// Parses a decoder's configuration; `None` unless it contains a profile and a rectangular layer.
///
/// ffprobe reports no field order for this codec.
pub(in crate::media) fn parse_config(config: &[u8]) -> Option<CodedPicture> {
    let mut coded = CodedPicture::default();
    let mut rest = config;
    for _ in 0..MAX_HEADERS {
        let Some(start) = rest.windows(3).position(|three| three == [0, 0, 1]) else {
            break;
        };
        let (&code, body) = rest.get(start + 3..)?.split_first()?;
        match code {
            0xb0 => read_profile(&mut coded, *body.first()?)?,
            0xb5 => read_colour(&mut coded, body)?,
            0x20..=0x2f => read_layer(&mut coded, body)?,
            _ => {}
        }
        rest = body;
    }
    (coded.profile.is_some() && coded.width.is_some()).then_some(coded)
}

fn read_profile(coded: &mut CodedPicture, indication: u8) -> Option<()> {
    let name = match indication >> 4 {
        15 => "Advanced Simple Profile",
        number => PROFILES.get(usize::from(number))?,
    };
    // Level 8 of the Simple profile means level 0.
    let level = if indication == 8 { 0 } else { indication & 15 };
    coded.profile = Some(name.to_owned());
    coded.level = Some(level.into());
    Some(())
}

/// Reads the colour of a visual object.
fn read_colour(coded: &mut CodedPicture, body: &[u8]) -> Option<()> {
    let mut bits = BitReader::new(body);
    if bits.flag()? {
        bits.skip(7)?;
    }
    let kind = bits.read(4)?;
    if !matches!(kind, 1 | 2) || !bits.flag()? {
        return Some(());
    }
    bits.skip(3)?;
    let is_full = bits.flag()?;
    coded.overrides.range = true;
    if bits.flag()? {
        coded.colour = Colour::from_codes(bits.byte()?, bits.byte()?, bits.byte()?);
        coded.overrides = ColourOverrides::ALL;
    }
    coded.colour = coded.colour.with_range(is_full);
    Some(())
}

/// Reads the picture size and aspect ratio of a video object layer.
fn read_layer(coded: &mut CodedPicture, body: &[u8]) -> Option<()> {
    let mut bits = BitReader::new(body);
    bits.skip(9)?;
    if bits.flag()? {
        bits.skip(7)?;
    }
    coded.pixel_aspect = match bits.read(4)? {
        15 => PixelAspect::new(bits.read(8)?, bits.read(8)?),
        code @ 1..=5 => aspect_from_code(u8::try_from(code).ok()?),
        _ => None,
    };
    if bits.flag()? {
        bits.skip(3)?;
        if bits.flag()? {
            bits.skip(79)?;
        }
    }
    let is_rectangular = bits.read(2)? == 0;
    bits.skip(1)?;
    let resolution = bits.read(16)?;
    bits.skip(1)?;
    if bits.flag()? {
        let increment = 32 - resolution.saturating_sub(1).leading_zeros();
        bits.skip(usize::try_from(increment.max(1)).ok()?)?;
    }
    bits.skip(1)?;
    let width = bits.read(13)?;
    bits.skip(1)?;
    let height = bits.read(13)?;
    if !is_rectangular || width == 0 || height == 0 {
        return None;
    }
    coded.width = Some(width);
    coded.height = Some(height);
    coded.pixel_format = Some("yuv420p".to_owned());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::{bytes, describe};

    #[test]
    fn configurations_match_ffprobe() {
        for (hex, expected) in [
            (
                "000001b001000001b58913000001000000012000c48d8800cd0a041e1443000001b2",
                "Simple Profile L1 320x240 1:1 yuv420p",
            ),
            (
                "000001b003000001b509000001000000012000bc0406c400670c281078518f000001b2",
                "Simple Profile L3 320x240 1:1 yuv420p",
            ),
            ("000001b001000001b58913", "unclear"),
            ("000001000000012000c48d8800cd0a041e1443", "unclear"),
        ] {
            assert_eq!(describe(parse_config(&bytes(hex))), expected, "{hex}");
        }
    }
}
