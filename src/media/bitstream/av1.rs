//! AV1 sequence header (AV1 specification 5.5).

use super::bits::BitReader;
use super::picture::{CodedPicture, ColourOverrides, planar_rgb_format, yuv_format};
use crate::media::colour::Colour;

const SEQUENCE_HEADER: u8 = 1;

/// Maximum number of OBUs read in a configuration record, which has one, or a few with metadata.
const MAX_UNITS: usize = 64;

/// Parses `av1C`; `None` unless it contains the sequence header.
pub(in crate::media) fn parse_av1c(payload: &[u8]) -> Option<CodedPicture> {
    let (&[0x81, ..], mut rest) = payload.split_first_chunk::<4>()? else {
        return None;
    };
    for _ in 0..MAX_UNITS {
        let (&header, after) = rest.split_first()?;
        let has_extension = header >> 2 & 1 == 1;
        let has_length = header >> 1 & 1 == 1;
        let after = after.get(usize::from(has_extension)..)?;
        let (length, after) = if has_length {
            read_leb128(after)?
        } else {
            (after.len(), after)
        };
        let (unit, after) = after.split_at_checked(length)?;
        if header >> 3 & 15 == SEQUENCE_HEADER {
            return read_sequence(&mut BitReader::new(unit));
        }
        rest = after;
    }
    None
}

fn read_leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for index in 0..4 {
        let &byte = bytes.get(index)?;
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}

fn read_sequence(bits: &mut BitReader) -> Option<CodedPicture> {
    let profile = bits.read(3)?;
    bits.skip(1)?;
    let is_reduced = bits.flag()?;
    let level = if is_reduced {
        bits.read(5)?
    } else {
        read_operating_points(bits)?
    };
    let (width_bits, height_bits) = (bits.read(4)? + 1, bits.read(4)? + 1);
    let (width, height) = (bits.read(width_bits)? + 1, bits.read(height_bits)? + 1);
    skip_tools(bits, is_reduced)?;
    let (pixel_format, colour) = read_colour(bits, profile)?;
    let name = match profile {
        0 => "Main",
        1 => "High",
        2 => "Professional",
        _ => return None,
    };
    Some(CodedPicture {
        profile: Some(name.to_owned()),
        level: Some(level.into()),
        width: Some(width),
        height: Some(height),
        pixel_format: Some(pixel_format),
        colour,
        overrides: ColourOverrides::ALL,
        ..CodedPicture::default()
    })
}

/// Skips the timing and decoder model parameters; returns the level of the first operating point.
fn read_operating_points(bits: &mut BitReader) -> Option<u32> {
    let mut delay_bits = None;
    if bits.flag()? {
        bits.skip(64)?;
        if bits.flag()? {
            bits.ue()?;
        }
        if bits.flag()? {
            delay_bits = Some(usize::try_from(bits.read(5)? + 1).ok()?);
            bits.skip(42)?;
        }
    }
    let has_display_delay = bits.flag()?;
    let mut first = None;
    for _ in 0..=bits.read(5)? {
        bits.skip(12)?;
        let level = bits.read(5)?;
        first.get_or_insert(level);
        if level > 7 {
            bits.skip(1)?;
        }
        if let Some(delay_bits) = delay_bits
            && bits.flag()?
        {
            bits.skip(2 * delay_bits + 1)?;
        }
        if has_display_delay && bits.flag()? {
            bits.skip(4)?;
        }
    }
    first
}

fn skip_tools(bits: &mut BitReader, is_reduced: bool) -> Option<()> {
    if !is_reduced && bits.flag()? {
        bits.skip(7)?;
    }
    bits.skip(3)?;
    if !is_reduced {
        bits.skip(4)?;
        let has_order = bits.flag()?;
        if has_order {
            bits.skip(2)?;
        }
        let chooses_screen_tools = bits.flag()?;
        let may_use_screen_tools = chooses_screen_tools || bits.flag()?;
        if may_use_screen_tools && !bits.flag()? {
            bits.skip(1)?;
        }
        if has_order {
            bits.skip(3)?;
        }
    }
    bits.skip(3)
}

/// Reads `color_config` (5.5.2).
fn read_colour(bits: &mut BitReader, profile: u32) -> Option<(String, Colour)> {
    let is_high_bit_depth = bits.flag()?;
    let depth = match (profile, is_high_bit_depth) {
        (2, true) if bits.flag()? => 12,
        (_, true) => 10,
        (_, false) => 8,
    };
    let is_grey = profile != 1 && bits.flag()?;
    let codes = if bits.flag()? {
        (bits.byte()?, bits.byte()?, bits.byte()?)
    } else {
        (2, 2, 2)
    };
    let colour = Colour::from_codes(codes.0, codes.1, codes.2);
    if is_grey {
        return Some((yuv_format(0, depth)?, colour.with_range(bits.flag()?)));
    }
    // sRGB has an implied range and no subsampling.
    if codes == (1, 13, 0) {
        let format = planar_rgb_format(&yuv_format(3, depth)?)?;
        return Some((format, colour.with_range(true)));
    }
    let colour = colour.with_range(bits.flag()?);
    let sampling = match (profile, depth) {
        (0, _) => 1,
        (1, _) => 3,
        (_, 12) => match (bits.flag()?, bits.flag()?) {
            (true, true) => 1,
            (true, false) => 2,
            (false, _) => 3,
        },
        _ => 2,
    };
    Some((yuv_format(sampling, depth)?, colour))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::{bytes, describe};

    #[test]
    fn records_match_ffprobe() {
        for (hex, expected) in [
            (
                "81000c000a0b000000043cffbcdaf90040",
                "Main L0 320x240 yuv420p tv",
            ),
            (
                "81004c000a0b000000043cffbcdaf94040",
                "Main L0 320x240 yuv420p10le tv",
            ),
            (
                "814008000a0a400000043cffbcdaf901",
                "Professional L0 320x240 yuv422p tv",
            ),
            (
                "81001c000a0a000000043cffbcdaf92a",
                "Main L0 320x240 gray pc",
            ),
            (
                "812000000a0d200000043cffbcdaf92021a004",
                "High L0 320x240 gbrp pc gbr iec61966-2-1 bt709",
            ),
            (
                "81000c000a0e000000043cffbcdaf91091009840",
                "Main L0 320x240 yuv420p pc bt2020nc smpte2084 bt2020",
            ),
            ("81000c00", "unclear"),
            ("81000c000a0b000000043cff", "unclear"),
        ] {
            assert_eq!(describe(parse_av1c(&bytes(hex))), expected, "{hex}");
        }
    }
}
