//! HEVC parameter sets and configuration records (ITU-T H.265 7.3.2.2 and annex E).

use super::bits::{BitReader, split_length_prefixed, u16_at, unescape};
use super::picture::{
    CodedPicture, ColourOverrides, aspect_from_code, planar_rgb_format, yuv_format,
};
use crate::media::colour::{Colour, Matrix, video_range};
use crate::media::ratio::PixelAspect;
use crate::value::VideoRange;

/// Largest plausible picture width or height in pixels.
const MAX_SIDE: u32 = 1 << 16;

const BASE_LAYER: u16 = 0;
const VIDEO_PARAMETER_SET: u8 = 32;
const SEQUENCE_PARAMETER_SET: u8 = 33;

/// Configuration record (`hvcC`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::media) struct HevcConfig<'a> {
    /// Size in bytes of the length field before each NAL unit of a sample: 1, 2 or 4.
    pub nal_length_size: usize,
    /// Parameter sets and SEI messages as NAL units, in the order of the record.
    pub units: Vec<&'a [u8]>,
}

/// Values used from a sequence parameter set.
#[derive(Debug, Clone, Default)]
struct HevcSps {
    id: u32,
    sub_layers: u32,
    profile_tier_level: ProfileTierLevel,
    chroma_format: u32,
    depth: u32,
    width: u32,
    height: u32,
    vui: Vui,
}

/// The `profile_tier_level` structure.
#[derive(Debug, Clone, Copy, Default)]
struct ProfileTierLevel {
    profile: u32,
    level: u8,
    is_progressive: bool,
    is_interlaced: bool,
}

/// Values used from the video usability information (VUI).
#[derive(Debug, Clone, Copy, Default)]
struct Vui {
    aspect: Option<PixelAspect>,
    colour: Colour,
    is_field_sequence: bool,
}

/// Parses `hvcC`; `None` if it is another record or truncated.
pub(in crate::media) fn parse_config(payload: &[u8]) -> Option<HevcConfig<'_>> {
    let (head, mut rest) = payload.split_at_checked(23)?;
    let (&1, &length, &arrays) = (head.first()?, head.get(21)?, head.get(22)?) else {
        return None;
    };
    let mut units = Vec::new();
    for _ in 0..arrays {
        let count = u16_at(rest, 1)?;
        rest = rest.get(3..)?;
        for _ in 0..count {
            let (nal, after) = split_length_prefixed(rest, 2)?;
            units.push(nal);
            rest = after;
        }
    }
    Some(HevcConfig {
        nal_length_size: usize::from(length & 3) + 1,
        units,
    })
}

/// Reads the picture format of a configuration record; `None` if it contains no usable parameter
/// sets.
///
/// As in ffmpeg, the set with the lowest id is used. Sets in the samples are ignored: ffprobe takes
/// at most the profile and level from them.
pub(in crate::media) fn parse_hvcc(payload: &[u8]) -> Option<CodedPicture> {
    let config = parse_config(payload)?;
    let kind = |nal: &[u8]| nal.first().map(|byte| byte >> 1 & 63);
    if !config
        .units
        .iter()
        .any(|nal| kind(nal) == Some(VIDEO_PARAMETER_SET))
    {
        return None;
    }
    let sequences: Vec<HevcSps> = config
        .units
        .iter()
        .filter(|nal| kind(nal) == Some(SEQUENCE_PARAMETER_SET) && is_base_layer(nal))
        .map(|nal| read_sps(nal))
        .collect::<Option<_>>()?;
    let lowest = sequences.iter().map(|set| set.id).min()?;
    // A later set with the same id replaces an earlier one.
    to_coded_picture(sequences.iter().rev().find(|set| set.id == lowest)?)
}

/// Reads the picture format of a sequence parameter set (a NAL unit with its header).
#[cfg(test)]
pub(super) fn parse_sps(nal: &[u8]) -> Option<CodedPicture> {
    to_coded_picture(&read_sps(nal)?)
}

fn is_base_layer(nal: &[u8]) -> bool {
    u16_at(nal, 0).is_some_and(|header| header >> 3 & 63 == BASE_LAYER)
}

fn to_coded_picture(sequence: &HevcSps) -> Option<CodedPicture> {
    let vui = &sequence.vui;
    let format = yuv_format(sequence.chroma_format, sequence.depth)?;
    let format = match vui.colour {
        Colour {
            matrix: Some(Matrix::Rgb),
            ..
        } => planar_rgb_format(&format).unwrap_or(format),
        // `yuv420p` is the only full-range format that ffmpeg's decoder renames.
        Colour {
            range: Some(VideoRange::Full),
            ..
        } if format == "yuv420p" => "yuvj420p".to_owned(),
        _ => format,
    };
    let profile_tier_level = &sequence.profile_tier_level;
    Some(CodedPicture {
        profile: Some(profile_name(profile_tier_level.profile)),
        level: Some(i64::from(profile_tier_level.level)),
        width: Some(sequence.width),
        height: Some(sequence.height),
        pixel_aspect: vui.aspect,
        pixel_format: Some(format),
        may_be_interlaced: vui.is_field_sequence
            || profile_tier_level.is_interlaced && !profile_tier_level.is_progressive,
        colour: vui.colour,
        overrides: ColourOverrides::ALL,
        ..CodedPicture::default()
    })
}

/// Returns ffmpeg's profile name (`ff_hevc_profiles`), or the profile number if there is no name.
fn profile_name(number: u32) -> String {
    let name = match number {
        1 => "Main",
        2 => "Main 10",
        3 => "Main Still Picture",
        4 => "Rext",
        9 => "Scc",
        _ => return number.to_string(),
    };
    name.to_owned()
}

/// Parses a sequence parameter set; `None` if it is invalid or not supported by ffmpeg.
fn read_sps(nal: &[u8]) -> Option<HevcSps> {
    let nal = unescape(nal);
    let mut bits = BitReader::new(&nal);
    if bits.read(16)? >> 9 & 63 != u32::from(SEQUENCE_PARAMETER_SET) {
        return None;
    }
    bits.skip(4)?;
    let sub_layers = bits.read(3).filter(|&more| more < 7)? + 1;
    bits.skip(1)?;
    let mut found = HevcSps {
        sub_layers,
        profile_tier_level: read_profile_tier_level(&mut bits, sub_layers)?,
        id: bits.ue_at_most(15)?,
        ..HevcSps::default()
    };
    read_size(&mut found, &mut bits)?;
    read_depth(&mut found, &mut bits)?;
    skip_coding_tools(&found, &mut bits)?;
    found.vui.colour.range = Some(video_range(false));
    if bits.flag()? {
        found.vui = read_vui(&mut bits)?;
    }
    Some(found)
}

/// Reads `profile_tier_level` (H.265 7.3.3).
fn read_profile_tier_level(bits: &mut BitReader, sub_layers: u32) -> Option<ProfileTierLevel> {
    bits.skip(3)?;
    let mut profile = bits.read(5)?;
    let compatible = bits.read(32)?;
    if profile == 0 {
        profile = (1..32)
            .find(|bit| compatible >> (31 - bit) & 1 == 1)
            .unwrap_or(0);
    }
    let (is_progressive, is_interlaced) = (bits.flag()?, bits.flag()?);
    bits.skip(46)?;
    let level = bits.byte()?;
    let more = sub_layers - 1;
    let mut present = Vec::new();
    for _ in 0..more {
        present.push((bits.flag()?, bits.flag()?));
    }
    if more > 0 {
        bits.skip(2 * (8 - usize::try_from(more).ok()?))?;
    }
    for (has_profile, has_level) in present {
        bits.skip(if has_profile { 88 } else { 0 } + if has_level { 8 } else { 0 })?;
    }
    Some(ProfileTierLevel {
        profile,
        level,
        is_progressive,
        is_interlaced,
    })
}

fn read_size(found: &mut HevcSps, bits: &mut BitReader) -> Option<()> {
    found.chroma_format = bits.ue_at_most(3)?;
    if found.chroma_format == 3 && bits.flag()? {
        found.chroma_format = 0;
    }
    let (width, height) = (bits.ue_at_most(MAX_SIDE)?, bits.ue_at_most(MAX_SIDE)?);
    let (mut crop_width, mut crop_height) = (0, 0);
    if bits.flag()? {
        let mut side = || bits.ue_at_most(MAX_SIDE);
        let (left, right, top, bottom) = (side()?, side()?, side()?, side()?);
        let step = |is_halved| if is_halved { 2 } else { 1 };
        crop_width = (left + right) * step(matches!(found.chroma_format, 1 | 2));
        crop_height = (top + bottom) * step(found.chroma_format == 1);
    }
    found.width = width.checked_sub(crop_width).filter(|&width| width > 0)?;
    found.height = height
        .checked_sub(crop_height)
        .filter(|&height| height > 0)?;
    Some(())
}

fn read_depth(found: &mut HevcSps, bits: &mut BitReader) -> Option<()> {
    found.depth = bits.ue_at_most(4)? + 8;
    let chroma_depth = bits.ue_at_most(8)? + 8;
    (found.chroma_format == 0 || chroma_depth == found.depth).then_some(())
}

/// Skips everything between the bit depth and the video usability information.
fn skip_coding_tools(found: &HevcSps, bits: &mut BitReader) -> Option<()> {
    let count_bits = usize::try_from(bits.ue_at_most(12)? + 4).ok()?;
    let layers = if bits.flag()? { found.sub_layers } else { 1 };
    skip_codes(bits, 3 * layers)?;
    skip_codes(bits, 6)?;
    if bits.flag()? && bits.flag()? {
        skip_scaling_lists(bits)?;
    }
    bits.skip(2)?;
    if bits.flag()? {
        bits.skip(8)?;
        skip_codes(bits, 2)?;
        bits.skip(1)?;
    }
    skip_reference_sets(bits)?;
    if bits.flag()? {
        for _ in 0..bits.ue_at_most(32)? {
            bits.skip(count_bits + 1)?;
        }
    }
    bits.skip(2)
}

fn skip_codes(bits: &mut BitReader, count: u32) -> Option<()> {
    for _ in 0..count {
        bits.ue()?;
    }
    Some(())
}

/// Skips the scaling lists (H.265 7.3.4).
fn skip_scaling_lists(bits: &mut BitReader) -> Option<()> {
    for size in 0..4_u32 {
        for _ in 0..if size == 3 { 2 } else { 6 } {
            if !bits.flag()? {
                bits.ue()?;
                continue;
            }
            let first = u32::from(size > 1);
            skip_codes(bits, first + 64.min(1 << (4 + 2 * size)))?;
        }
    }
    Some(())
}

/// Skips the short-term reference picture sets (H.265 7.3.7). Each may be predicted from the
/// previous one.
fn skip_reference_sets(bits: &mut BitReader) -> Option<()> {
    let mut before = 0;
    for index in 0..bits.ue_at_most(64)? {
        let mut pictures = 0;
        if index > 0 && bits.flag()? {
            bits.skip(1)?;
            bits.ue()?;
            for _ in 0..=before {
                let is_used = bits.flag()?;
                if is_used || bits.flag()? {
                    pictures += 1;
                }
            }
        } else {
            pictures = bits.ue_at_most(15)? + bits.ue_at_most(15)?;
            for _ in 0..pictures {
                bits.ue()?;
                bits.skip(1)?;
            }
        }
        if pictures >= 32 {
            return None;
        }
        before = pictures;
    }
    Some(())
}

/// Reads the video usability information (H.265 E.2.1), up to the field sequence flag.
///
/// The rest is not used here, and differs between encoders: some write the default display window
/// where others write timing.
fn read_vui(bits: &mut BitReader) -> Option<Vui> {
    let mut found = Vui::default();
    if bits.flag()? {
        found.aspect = match bits.byte()? {
            255 => PixelAspect::new(bits.read(16)?, bits.read(16)?),
            code => aspect_from_code(code),
        };
    }
    if bits.flag()? {
        bits.skip(1)?;
    }
    let mut is_full = false;
    if bits.flag()? {
        bits.skip(3)?;
        is_full = bits.flag()?;
        if bits.flag()? {
            found.colour = Colour::from_codes(bits.byte()?, bits.byte()?, bits.byte()?);
        }
    }
    found.colour = found.colour.with_range(is_full);
    if bits.flag()? {
        skip_codes(bits, 2)?;
    }
    bits.skip(1)?;
    found.is_field_sequence = bits.flag()?;
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::{bytes, describe};

    #[test]
    fn parameter_sets_match_ffprobe() {
        for (hex, expected) in [
            (
                "420101016000000300900000030000030078a003c08010e596566924caf0168080000003008000000c84",
                "Main L120 1920x1080 1:1 yuv420p tv",
            ),
            (
                "4201010408000003009d0800000300003cb00a080f1365959a4932bc05a02000000300200000030321",
                "Rext L60 320x240 1:1 yuv422p10le tv",
            ),
            (
                "420101040800000300980800000300003c90014101e2294b2b349265780b7020200040000003004000000642",
                "Rext L60 320x240 1:1 gbrp12le pc gbr",
            ),
            (
                "42010101600000030090000003000003003ca00a080f165959a4932bc05b020000030002000003003210",
                "Main L60 320x240 1:1 yuvj420p pc",
            ),
            (
                "42010102200000030090000003000003003ca00a080f1365959a4932bc05a84880482000000300200000030321",
                "Main 10 L60 320x240 1:1 yuv420p10le tv bt2020nc smpte2084 bt2020",
            ),
            (
                "42010201600000030090000003000003003c0000a00a080f1659598acd24995e02d0100000030010000003019080",
                "Main L60 320x240 1:1 yuv420p tv",
            ),
            (
                "42010101600000030090000003000003003ca00a080f165959a49395e02d010000030001000003001908",
                "Main L60 320x240 1:1 yuv420p tv",
            ),
            (
                "4201010408000003009fc800000300003cc028203c596566924caf016c08000003000800000300c840",
                "Rext L60 320x240 1:1 gray pc",
            ),
            (
                "42010101600000030090000003000003003ca00a080f165959a4932bc15a020000030002000003003210",
                "Main L60 320x240 40:33 yuv420p tv",
            ),
            (
                "42010101600000030040000003000003003ca00a080f165959a4932bc05a1a0000030002000003003210",
                "Main L60 320x240 1:1 yuv420p fields? tv",
            ),
            (
                "42010101600000030090000003000003001ea0152020724996566924caf0168080000003008000000c84",
                "Main L30 162x122 1:1 yuv420p tv",
            ),
        ] {
            assert_eq!(describe(parse_sps(&bytes(hex))), expected, "{hex}");
        }
    }

    #[test]
    fn rejects_a_record_without_a_video_or_sequence_parameter_set() {
        const HEAD: &str = "01016000000090000000000078f000fcfdf8f800000f";
        const VIDEO: &str = "200001001840010c01ffff016000000300900000030000030078959809";
        const SEQUENCE: &str = "210001002a420101016000000300900000030000030078a003c08010e596566924caf0168080000003008000000c84";
        let record = bytes(&format!("{HEAD}02{VIDEO}{SEQUENCE}"));
        assert_eq!(
            describe(parse_hvcc(&record)),
            "Main L120 1920x1080 1:1 yuv420p tv"
        );
        for length in 0..record.len() {
            assert_eq!(parse_hvcc(&record[..length]), None, "{length}");
        }
        for part in [VIDEO, SEQUENCE] {
            assert_eq!(parse_hvcc(&bytes(&format!("{HEAD}01{part}"))), None);
        }
    }
}
