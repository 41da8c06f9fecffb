//! Sequence parameter set of an H.264 stream (ITU-T H.264 7.3.2.1.1 and annex E).

use super::bits::{BitReader, unescape};
use super::picture::{CodedPicture, ColourOverrides, aspect_from_code, yuv_format};
use crate::media::colour::Colour;
use crate::media::ratio::PixelAspect;

/// Largest plausible picture width or height in pixels.
const MAX_SIDE: u32 = 1 << 16;

/// Values used from a sequence parameter set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct H264Sps {
    pub id: u32,
    profile: u8,
    constraints: u8,
    level: u8,
    chroma_format: u32,
    depth: u32,
    width: u32,
    height: u32,
    is_cropped_left_or_above: bool,
    pub is_frames_only: bool,
    /// Size of `frame_num` in bits.
    pub frame_number_bits: u32,
    pub order: PictureOrder,
    aspect: Option<PixelAspect>,
    colour: Colour,
    overrides: ColourOverrides,
    /// `None` if the set ends before this part.
    pub timing: Option<PictureTiming>,
    pub tick: Option<Tick>,
}

/// Duration of a field: `units` / `scale` seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Tick {
    pub units: u32,
    pub scale: u32,
    /// True if all fields have this duration (`fixed_frame_rate_flag`).
    pub is_fixed: bool,
}

/// Picture order count type (`pic_order_cnt_type`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum PictureOrder {
    /// Each slice stores the low bits of the count. The value is the number of these bits.
    Lsb(u32),
    /// Counts follow a cycle. `offset` is the count of the bottom field minus that of the top
    /// field.
    Cycle { is_delta_zero: bool, offset: i64 },
    #[default]
    AsCoded,
}

/// Layout of picture timing messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PictureTiming {
    pub has_structure: bool,
    /// Size in bits of the delays before the picture structure.
    pub delay_bits: u32,
}

/// Parses a sequence parameter set; `None` if it is invalid or not supported by ffmpeg.
pub(super) fn read_sps(nal: &[u8]) -> Option<H264Sps> {
    let nal = unescape(nal);
    let mut bits = BitReader::new(&nal);
    if bits.byte()? & 31 != 7 {
        return None;
    }
    let mut found = H264Sps {
        profile: bits.byte()?,
        constraints: bits.byte()?,
        level: bits.byte()?,
        id: bits.ue_at_most(31)?,
        chroma_format: 1,
        depth: 8,
        ..H264Sps::default()
    };
    if has_chroma_format(found.profile) {
        read_chroma(&mut found, &mut bits)?;
    }
    found.frame_number_bits = bits.ue_at_most(12)? + 4;
    found.order = read_order(&mut bits)?;
    bits.ue_at_most(16)?;
    bits.skip(1)?;
    read_size(&mut found, &mut bits)?;
    if bits.flag()? {
        read_vui(&mut found, &mut bits)?;
    } else {
        found.timing = Some(PictureTiming::default());
    }
    Some(found)
}

fn has_chroma_format(profile: u8) -> bool {
    matches!(
        profile,
        100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 144
    )
}

fn read_chroma(found: &mut H264Sps, bits: &mut BitReader) -> Option<()> {
    found.chroma_format = bits.ue_at_most(3)?;
    let has_separate_planes = found.chroma_format == 3 && bits.flag()?;
    found.depth = bits.ue_at_most(6)? + 8;
    let chroma_depth = bits.ue_at_most(6)? + 8;
    if has_separate_planes || chroma_depth != found.depth {
        return None;
    }
    bits.skip(1)?;
    if bits.flag()? {
        let lists = if found.chroma_format == 3 { 12 } else { 8 };
        for list in 0..lists {
            if bits.flag()? {
                skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    Some(())
}

/// Skips a scaling list (H.264 7.3.2.1.1.1).
fn skip_scaling_list(bits: &mut BitReader, size: usize) -> Option<()> {
    let mut last = 8;
    for _ in 0..size {
        let delta = bits.se().filter(|delta| (-128..128).contains(delta))?;
        let next = (last + delta).rem_euclid(256);
        if next == 0 {
            return Some(());
        }
        last = next;
    }
    Some(())
}

fn read_order(bits: &mut BitReader) -> Option<PictureOrder> {
    Some(match bits.ue()? {
        0 => PictureOrder::Lsb(bits.ue_at_most(12)? + 4),
        1 => {
            let is_delta_zero = bits.flag()?;
            bits.se()?;
            let offset = bits.se()?;
            for _ in 0..bits.ue_at_most(255)? {
                bits.se()?;
            }
            PictureOrder::Cycle {
                is_delta_zero,
                offset,
            }
        }
        2 => PictureOrder::AsCoded,
        _ => return None,
    })
}

fn read_size(found: &mut H264Sps, bits: &mut BitReader) -> Option<()> {
    let width = (bits.ue_at_most(MAX_SIDE / 16)? + 1) * 16;
    let rows = bits.ue_at_most(MAX_SIDE / 16)? + 1;
    found.is_frames_only = bits.flag()?;
    let fields = if found.is_frames_only { 1 } else { 2 };
    let height = rows * 16 * fields;
    if !found.is_frames_only {
        bits.skip(1)?;
    }
    bits.skip(1)?;
    let (mut crop_width, mut crop_height) = (0, 0);
    if bits.flag()? {
        let mut side = || bits.ue_at_most(MAX_SIDE);
        let (left, right, top, bottom) = (side()?, side()?, side()?, side()?);
        let crop_unit_x = if matches!(found.chroma_format, 1 | 2) {
            2
        } else {
            1
        };
        let crop_unit_y = if found.chroma_format == 1 { 2 } else { 1 } * fields;
        crop_width = (left + right) * crop_unit_x;
        crop_height = (top + bottom) * crop_unit_y;
        found.is_cropped_left_or_above = left > 0 || top > 0;
    }
    found.width = width.checked_sub(crop_width).filter(|&width| width > 0)?;
    found.height = height
        .checked_sub(crop_height)
        .filter(|&height| height > 0)?;
    Some(())
}

/// Reads the video usability information (H.264 E.1.1).
fn read_vui(found: &mut H264Sps, bits: &mut BitReader) -> Option<()> {
    if bits.flag()? {
        found.aspect = match bits.byte()? {
            255 => PixelAspect::new(bits.read(16)?, bits.read(16)?),
            0 => None,
            code => Some(aspect_from_code(code)?),
        };
    }
    if bits.flag()? {
        bits.skip(1)?;
    }
    if bits.flag()? {
        bits.skip(3)?;
        let is_full = bits.flag()?;
        found.overrides.range = true;
        if bits.flag()? {
            found.colour = Colour::from_codes(bits.byte()?, bits.byte()?, bits.byte()?);
            found.overrides = ColourOverrides::ALL;
        }
        found.colour = found.colour.with_range(is_full);
    }
    // Some cameras truncate the rest, which does not affect the values read so far.
    found.timing = read_timing(found, bits);
    Some(())
}

fn read_timing(found: &mut H264Sps, bits: &mut BitReader) -> Option<PictureTiming> {
    if bits.flag()? {
        bits.ue()?;
        bits.ue()?;
    }
    if bits.flag()? {
        found.tick = Some(Tick {
            units: bits.read(32)?,
            scale: bits.read(32)?,
            is_fixed: bits.flag()?,
        });
    }
    let mut delay_bits = 0;
    let has_nal_hrd = bits.flag()?;
    if has_nal_hrd {
        delay_bits = read_hrd_delay_bits(bits)?;
    }
    let has_vcl_hrd = bits.flag()?;
    if has_vcl_hrd {
        delay_bits = read_hrd_delay_bits(bits)?;
    }
    if has_nal_hrd || has_vcl_hrd {
        bits.skip(1)?;
    }
    Some(PictureTiming {
        has_structure: bits.flag()?,
        delay_bits,
    })
}

/// Reads hypothetical reference decoder parameters (H.264 E.1.2) and returns the size in bits of
/// the two delays in a picture timing message.
fn read_hrd_delay_bits(bits: &mut BitReader) -> Option<u32> {
    let schedules = bits.ue_at_most(31)? + 1;
    bits.skip(8)?;
    for _ in 0..schedules {
        bits.ue()?;
        bits.ue()?;
        bits.skip(1)?;
    }
    bits.skip(5)?;
    let delays = bits.read(5)? + 1 + bits.read(5)? + 1;
    bits.skip(5)?;
    Some(delays)
}

/// Returns the picture format that a set describes; `None` if ffmpeg does not support it.
pub(super) fn to_coded_picture(sequence: &H264Sps) -> Option<CodedPicture> {
    let is_field_order_variable = match sequence.order {
        PictureOrder::Lsb(_) | PictureOrder::AsCoded => false,
        PictureOrder::Cycle { offset, .. } => offset != 0,
    };
    let is_frames = sequence.is_frames_only && !is_field_order_variable;
    // ffmpeg's decoder does not support monochrome: it outputs grey as 4:2:0.
    let format = yuv_format(sequence.chroma_format.max(1), sequence.depth)?;
    let mut coded = CodedPicture {
        profile: Some(profile_name(sequence)),
        level: Some(i64::from(sequence.level)),
        width: Some(sequence.width),
        height: Some(sequence.height),
        pixel_aspect: sequence.aspect,
        pixel_format: Some(format),
        bits_per_raw_sample: Some(sequence.depth),
        scan_order: None,
        may_be_interlaced: !is_frames || sequence.timing.is_none_or(|timing| timing.has_structure),
        colour: sequence.colour,
        overrides: sequence.overrides,
        assumed_matrix: None,
        is_cropped_by_container: !sequence.is_cropped_left_or_above,
    };
    coded.adapt_pixel_format();
    Some(coded)
}

/// Returns ffmpeg's profile name (`ff_h264_get_profile`, `ff_h264_profiles`), or the profile number
/// if there is no name.
fn profile_name(sequence: &H264Sps) -> String {
    let is_set = |flag: u8| sequence.constraints >> (7 - flag) & 1 == 1;
    let name = match (sequence.profile, is_set(1), is_set(3)) {
        (66, true, _) => "Constrained Baseline",
        (66, ..) => "Baseline",
        (77, ..) => "Main",
        (88, ..) => "Extended",
        (100, ..) => "High",
        (110, _, true) => "High 10 Intra",
        (110, ..) => "High 10",
        (118, ..) => "Multiview High",
        (122, _, true) => "High 4:2:2 Intra",
        (122, ..) => "High 4:2:2",
        (128, ..) => "Stereo High",
        (144, ..) => "High 4:4:4",
        (244, _, true) => "High 4:4:4 Intra",
        (244, ..) => "High 4:4:4 Predictive",
        (44, ..) => "CAVLC 4:4:4",
        (number, ..) => return number.to_string(),
    };
    name.to_owned()
}
