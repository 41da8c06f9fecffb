//! HEVC: what the parameter sets of a stream say (ITU-T H.265 7.3.2.2 and annex E).

use super::bits::{Bits, split_counted, u16_at, unescape};
use super::{Coded, Colour, Settles, aspect_ratio, aspect_ratio_of_code, colour, planar_rgb};

/// The longest side that is believed.
const LONGEST_SIDE: u32 = 1 << 16;

const BASE_LAYER: u16 = 0;
const VIDEO_SET: u8 = 32;
const SEQUENCE_SET: u8 = 33;

/// A configuration record, `hvcC`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::media) struct Config<'a> {
    /// Bytes of the length before each NAL unit of a sample: 1, 2 or 4.
    pub nal_length_size: usize,
    /// Parameter sets and messages, as NAL units in the order of the record.
    pub units: Vec<&'a [u8]>,
}

/// What a sequence parameter set says, as far as anything here asks.
#[derive(Debug, Clone, Default)]
struct Sequence {
    id: u32,
    sub_layers: u32,
    tier: Tier,
    chroma_format: u32,
    depth: u32,
    width: u32,
    height: u32,
    usability: Usability,
}

/// `profile_tier_level`.
#[derive(Debug, Clone, Copy, Default)]
struct Tier {
    profile: u32,
    level: u8,
    is_progressive: bool,
    is_interlaced: bool,
}

/// Video usability information, as far as it is used.
#[derive(Debug, Clone, Copy, Default)]
struct Usability {
    aspect: Option<(u32, u32)>,
    colour: Colour,
    is_field_sequence: bool,
}

/// Reads `hvcC`; `None` when it is no such record or is cut short.
pub(in crate::media) fn config(payload: &[u8]) -> Option<Config<'_>> {
    let (head, mut rest) = payload.split_at_checked(23)?;
    let (&1, &length, &arrays) = (head.first()?, head.get(21)?, head.get(22)?) else {
        return None;
    };
    let mut units = Vec::new();
    for _ in 0..arrays {
        let count = u16_at(rest, 1)?;
        rest = rest.get(3..)?;
        for _ in 0..count {
            let (nal, after) = split_counted(rest, 2)?;
            units.push(nal);
            rest = after;
        }
    }
    Some(Config {
        nal_length_size: usize::from(length & 3) + 1,
        units,
    })
}

/// What a configuration record says; `None` when it holds no usable parameter sets.
///
/// Of several the one with the lowest number counts, as for ffmpeg. Sets within the samples
/// are not looked at: of them ffprobe takes profile and level at most.
pub(in crate::media) fn of_hvcc(payload: &[u8]) -> Option<Coded> {
    let config = config(payload)?;
    let kind = |nal: &[u8]| nal.first().map(|byte| byte >> 1 & 63);
    if !config.units.iter().any(|nal| kind(nal) == Some(VIDEO_SET)) {
        return None;
    }
    let sequences: Vec<Sequence> = config
        .units
        .iter()
        .filter(|nal| kind(nal) == Some(SEQUENCE_SET) && is_base_layer(nal))
        .map(|nal| sequence(nal))
        .collect::<Option<_>>()?;
    let lowest = sequences.iter().map(|set| set.id).min()?;
    // A later set of the same number replaces an earlier one.
    coded(sequences.iter().rev().find(|set| set.id == lowest)?)
}

/// What a sequence parameter set (a NAL unit, with its header) says.
#[cfg(test)]
pub(super) fn of_sps(nal: &[u8]) -> Option<Coded> {
    coded(&sequence(nal)?)
}

fn is_base_layer(nal: &[u8]) -> bool {
    u16_at(nal, 0).is_some_and(|header| header >> 3 & 63 == BASE_LAYER)
}

fn coded(sequence: &Sequence) -> Option<Coded> {
    let usability = &sequence.usability;
    let format = super::yuv(sequence.chroma_format, sequence.depth)?;
    let format = match usability.colour {
        Colour {
            matrix: Some("gbr"),
            ..
        } => planar_rgb(&format).unwrap_or(format),
        // Of the formats with full range, ffmpeg's decoder names this one alone.
        Colour {
            range: Some("pc"), ..
        } if format == "yuv420p" => "yuvj420p".to_owned(),
        _ => format,
    };
    let tier = &sequence.tier;
    Some(Coded {
        profile: Some(profile(tier.profile)),
        level: Some(i64::from(tier.level)),
        width: Some(sequence.width),
        height: Some(sequence.height),
        sample_aspect_ratio: usability.aspect,
        pixel_format: Some(format),
        may_be_interlaced: usability.is_field_sequence
            || tier.is_interlaced && !tier.is_progressive,
        colour: usability.colour,
        settles: Settles::ALL,
        ..Coded::default()
    })
}

/// ffmpeg's names (`ff_hevc_profiles`); one without a name by its number.
fn profile(number: u32) -> String {
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

/// Reads a sequence parameter set; `None` for what ffmpeg would refuse too.
fn sequence(nal: &[u8]) -> Option<Sequence> {
    let nal = unescape(nal);
    let mut bits = Bits::new(&nal);
    if bits.take(16)? >> 9 & 63 != u32::from(SEQUENCE_SET) {
        return None;
    }
    bits.skip(4)?;
    let sub_layers = bits.take(3).filter(|&more| more < 7)? + 1;
    bits.skip(1)?;
    let mut found = Sequence {
        sub_layers,
        tier: tier(&mut bits, sub_layers)?,
        id: bits.ue_to(15)?,
        ..Sequence::default()
    };
    size(&mut found, &mut bits)?;
    depth(&mut found, &mut bits)?;
    skip_coding_tools(&found, &mut bits)?;
    found.usability.colour.range = Some(colour::range(false));
    if bits.flag()? {
        found.usability = usability(&mut bits)?;
    }
    Some(found)
}

/// H.265 7.3.3.
fn tier(bits: &mut Bits, sub_layers: u32) -> Option<Tier> {
    bits.skip(3)?;
    let mut profile = bits.take(5)?;
    let compatible = bits.take(32)?;
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
    Some(Tier {
        profile,
        level,
        is_progressive,
        is_interlaced,
    })
}

fn size(found: &mut Sequence, bits: &mut Bits) -> Option<()> {
    found.chroma_format = bits.ue_to(3)?;
    if found.chroma_format == 3 && bits.flag()? {
        found.chroma_format = 0;
    }
    let (width, height) = (bits.ue_to(LONGEST_SIDE)?, bits.ue_to(LONGEST_SIDE)?);
    let (mut across, mut down) = (0, 0);
    if bits.flag()? {
        let mut side = || bits.ue_to(LONGEST_SIDE);
        let (left, right, top, bottom) = (side()?, side()?, side()?, side()?);
        let step = |is_halved| if is_halved { 2 } else { 1 };
        across = (left + right) * step(matches!(found.chroma_format, 1 | 2));
        down = (top + bottom) * step(found.chroma_format == 1);
    }
    found.width = width.checked_sub(across).filter(|&width| width > 0)?;
    found.height = height.checked_sub(down).filter(|&height| height > 0)?;
    Some(())
}

fn depth(found: &mut Sequence, bits: &mut Bits) -> Option<()> {
    found.depth = bits.ue_to(4)? + 8;
    let chroma_depth = bits.ue_to(8)? + 8;
    (found.chroma_format == 0 || chroma_depth == found.depth).then_some(())
}

/// Everything between the depth and the usability information.
fn skip_coding_tools(found: &Sequence, bits: &mut Bits) -> Option<()> {
    let count_bits = usize::try_from(bits.ue_to(12)? + 4).ok()?;
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
        for _ in 0..bits.ue_to(32)? {
            bits.skip(count_bits + 1)?;
        }
    }
    bits.skip(2)
}

fn skip_codes(bits: &mut Bits, count: u32) -> Option<()> {
    for _ in 0..count {
        bits.ue()?;
    }
    Some(())
}

/// H.265 7.3.4.
fn skip_scaling_lists(bits: &mut Bits) -> Option<()> {
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

/// Short-term reference picture sets (H.265 7.3.7): each may build on the one before it.
fn skip_reference_sets(bits: &mut Bits) -> Option<()> {
    let mut before = 0;
    for index in 0..bits.ue_to(64)? {
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
            pictures = bits.ue_to(15)? + bits.ue_to(15)?;
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

/// H.265 E.2.1, as far as the flag for fields.
///
/// What follows differs between encoders (some write the default display window where
/// others have their timing), and says nothing that is asked for.
fn usability(bits: &mut Bits) -> Option<Usability> {
    let mut found = Usability::default();
    if bits.flag()? {
        found.aspect = match bits.byte()? {
            255 => aspect_ratio(bits.take(16)?, bits.take(16)?),
            code => aspect_ratio_of_code(code),
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
            found.colour = Colour::of_codes(bits.byte()?, bits.byte()?, bits.byte()?);
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
    use crate::media::bitstream::tests::{bytes, shown};

    #[test]
    fn parameter_sets_say_what_ffprobe_says() {
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
            assert_eq!(shown(of_sps(&bytes(hex))), expected, "{hex}");
        }
    }

    #[test]
    fn a_record_needs_a_video_set_and_a_sequence_set() {
        const HEAD: &str = "01016000000090000000000078f000fcfdf8f800000f";
        const VIDEO: &str = "200001001840010c01ffff016000000300900000030000030078959809";
        const SEQUENCE: &str = "210001002a420101016000000300900000030000030078a003c08010e596566924caf0168080000003008000000c84";
        let whole = bytes(&format!("{HEAD}02{VIDEO}{SEQUENCE}"));
        assert_eq!(shown(of_hvcc(&whole)), "Main L120 1920x1080 1:1 yuv420p tv");
        for length in 0..whole.len() {
            assert_eq!(of_hvcc(&whole[..length]), None, "{length}");
        }
        for part in [VIDEO, SEQUENCE] {
            assert_eq!(of_hvcc(&bytes(&format!("{HEAD}01{part}"))), None);
        }
    }
}
