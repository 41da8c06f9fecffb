//! H.264 parameter sets and configuration records (ITU-T H.264 7.3.2.1 and annex E).

use super::bits::{BitReader, split_length_prefixed, unescape};
use super::{
    CodedPicture, ColourOverrides, ContainerPicture, aspect_from_code, h264_first_picture, h264_idr,
};
use crate::media::colour::{Colour, Matrix};
use crate::media::ratio::PixelAspect;
use crate::value::{ScanOrder, VideoRange};
pub(in crate::media) use h264_first_picture::FieldParity;

/// Largest plausible picture width or height in pixels.
const MAX_SIDE: u32 = 1 << 16;

/// Configuration record (`avcC`), with its parameter sets as NAL units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::media) struct AvcConfig<'a> {
    /// Size in bytes of the length field before each NAL unit of a sample: 1, 2 or 4.
    pub nal_length_size: usize,
    pub sequence_parameter_sets: Vec<&'a [u8]>,
    pub picture_parameter_sets: Vec<&'a [u8]>,
}

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
    tick: Option<Tick>,
}

/// Duration of a field: `units` / `scale` seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Tick {
    pub units: u32,
    pub scale: u32,
    /// True if all fields have this duration (`fixed_frame_rate_flag`).
    pub is_fixed: bool,
}

/// Properties of a stream, read from its first picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::media) struct StreamStart {
    pub coded: CodedPicture,
    /// `None` if the stream does not store it.
    pub tick: Option<Tick>,
    /// True if the first picture is a field.
    pub is_field: bool,
    /// True if the first picture decodes without earlier pictures.
    pub is_intra: bool,
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

/// Parses `avcC`; `None` if it is another record or truncated.
pub(in crate::media) fn parse_config(payload: &[u8]) -> Option<AvcConfig<'_>> {
    let (head, rest) = payload.split_at_checked(6)?;
    let &[1, _, _, _, length, sequences] = head else {
        return None;
    };
    let (sequence_parameter_sets, rest) = split_sets(rest, sequences & 31)?;
    let (&pictures, rest) = rest.split_first()?;
    let (picture_parameter_sets, _) = split_sets(rest, pictures)?;
    Some(AvcConfig {
        nal_length_size: usize::from(length & 3) + 1,
        sequence_parameter_sets,
        picture_parameter_sets,
    })
}

/// Splits off `count` parameter sets; returns them and the remaining bytes.
fn split_sets(mut bytes: &[u8], count: u8) -> Option<(Vec<&[u8]>, &[u8])> {
    let mut sets = Vec::new();
    for _ in 0..count {
        let (nal, rest) = split_length_prefixed(bytes, 2)?;
        sets.push(nal);
        bytes = rest;
    }
    Some((sets, bytes))
}

/// Reads the picture format of a configuration record; `None` if its sequence parameter sets
/// differ.
///
/// The scan order is set only if no picture can deviate from it.
pub(in crate::media) fn parse_avcc(payload: &[u8]) -> Option<CodedPicture> {
    let config = parse_config(payload)?;
    let mut sets = config
        .sequence_parameter_sets
        .iter()
        .map(|nal| parse_sps(nal));
    let mut first = sets.next()??;
    if !sets.all(|set| set.as_ref() == Some(&first)) {
        return None;
    }
    if h264_first_picture::may_reorder_fields(&config) {
        first.may_be_interlaced = true;
    }
    if !first.may_be_interlaced {
        first.scan_order = Some(ScanOrder::Progressive);
    }
    Some(first)
}

/// Reads the picture format from a configuration record and the first sample, which determines the
/// parameter set in use and the field order.
///
/// The sample may be truncated. Returns `None` if its first slice is not found.
pub(in crate::media) fn parse_sample(payload: &[u8], sample: &[u8]) -> Option<CodedPicture> {
    let config = parse_config(payload)?;
    let found = h264_first_picture::first_picture(&config, sample)?;
    let mut coded = to_coded_picture(&found.sequence)?;
    coded.scan_order = found.scan_order;
    coded.may_be_interlaced = found.scan_order.is_none();
    Some(coded)
}

/// Reads the start of a stream in which each picture is a separate sample. If pictures are fields,
/// the field order is the order in which they are stored.
///
/// Also returns `None` if a frame displays one of its fields more than once.
pub(in crate::media) fn parse_stream_start(payload: &[u8], sample: &[u8]) -> Option<StreamStart> {
    let config = parse_config(payload)?;
    let found = h264_first_picture::first_picture(&config, sample)?;
    let mut coded = to_coded_picture(&found.sequence)?;
    coded.scan_order = match found.field {
        Some(FieldParity::Top) => Some(ScanOrder::TopFieldFirst),
        Some(FieldParity::Bottom) => Some(ScanOrder::BottomFieldFirst),
        None => found.scan_order,
    };
    coded.may_be_interlaced = false;
    (!found.is_repeated).then_some(StreamStart {
        coded,
        tick: found.sequence.tick,
        is_field: found.field.is_some(),
        is_intra: found.is_intra,
    })
}

/// Properties of a picture, read from its first slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Slice {
    /// True if the picture decodes without earlier pictures.
    pub is_intra: bool,
    /// Parity of a field; `None` for a frame.
    pub field: Option<FieldParity>,
    pub frame_number: u32,
}

/// Reads the first slice of a sample; the sample may be truncated.
pub(in crate::media) fn first_slice(payload: &[u8], sample: &[u8]) -> Option<Slice> {
    let found = h264_first_picture::first_picture(&parse_config(payload)?, sample)?;
    Some(Slice {
        is_intra: found.is_intra,
        field: found.field,
        frame_number: found.frame_number,
    })
}

/// Converts a sample with an intra picture into one with an IDR picture; `None` if this is
/// impossible.
pub(in crate::media) fn convert_to_idr(payload: &[u8], sample: &[u8]) -> Option<Vec<u8>> {
    h264_idr::convert_to_idr(&parse_config(payload)?, sample)
}

/// Reads the picture format of a sequence parameter set (a NAL unit with its header byte).
pub(in crate::media) fn parse_sps(nal: &[u8]) -> Option<CodedPicture> {
    to_coded_picture(&read_sps(nal)?)
}

fn to_coded_picture(sequence: &H264Sps) -> Option<CodedPicture> {
    let is_field_order_variable = match sequence.order {
        PictureOrder::Lsb(_) | PictureOrder::AsCoded => false,
        PictureOrder::Cycle { offset, .. } => offset != 0,
    };
    let is_frames = sequence.is_frames_only && !is_field_order_variable;
    // ffmpeg's decoder does not support monochrome: it outputs grey as 4:2:0.
    let format = super::yuv_format(sequence.chroma_format.max(1), sequence.depth)?;
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
    adapt_pixel_format(&mut coded);
    Some(coded)
}

/// Adapts the pixel format to the colour range and matrix, which may come from the container.
pub(super) fn adapt_pixel_format(coded: &mut CodedPicture) {
    let Some(format) = coded.pixel_format.as_deref() else {
        return;
    };
    if coded.colour.matrix == Some(Matrix::Rgb)
        && let Some(format) = super::planar_rgb_format(format)
    {
        coded.pixel_format = Some(format);
    } else if coded.colour.range == Some(VideoRange::Full) && coded.bits_per_raw_sample == Some(8) {
        coded.pixel_format = Some(format.replacen("yuv4", "yuvj4", 1));
    }
}

/// Crops the picture to the container's size if this affects only the last row and column of
/// macroblocks.
pub(super) fn crop_to_container(coded: &mut CodedPicture, container: &ContainerPicture) {
    let (Some(width), Some(height)) = (coded.width, coded.height) else {
        return;
    };
    let blocks = |side: u32| side.div_ceil(16);
    let is_trimmed = container.width > 0
        && container.height > 0
        && container.width <= width
        && container.height <= height
        && blocks(container.width) == blocks(width)
        && blocks(container.height) == blocks(height);
    if is_trimmed {
        coded.width = Some(container.width);
        coded.height = Some(container.height);
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::{bytes, describe};

    #[test]
    fn parameter_sets_match_ffprobe() {
        for (hex, expected) in [
            (
                "01640028ffe1001b67640028acd940780227e5c044000003000400000300c83c60c65801000668ebe3cb22c0fdf8f800",
                "High L40 1920x1080 1:1 yuv420p 8 progressive",
            ),
            (
                "017a100dffe10015677a100db6cb8283f602200000030020000006408001000568ee0f2c8bfefafa00",
                "High 4:2:2 Intra L13 320x240 1:1 yuv422p10le 10 progressive",
            ),
            (
                "0142c00dffe100186742c00dd90141fb011000000300100000030320f142a48001000568cb83cb20",
                "Constrained Baseline L13 320x240 1:1 yuv420p 8 progressive",
            ),
            (
                "016e000dffe10019676e000ddb3650507ec05b20000003002000000641e28532c001000668ebe3cb22c0fcfafa00",
                "High 10 L13 320x240 1:1 yuv420p10le 10 progressive pc",
            ),
            (
                "0164000dffe100186764000dacd94141fb016c800000030080000019078a14cb01000668ebe3cb22c0fdf8f800",
                "High L13 320x240 1:1 yuvj420p 8 progressive pc",
            ),
            (
                "01f4000dffe1001d67f4000d919b28283f602dc080801000000300100000030320f142996001000668ebe3cb22c0fff8f800",
                "High 4:4:4 Predictive L13 320x240 1:1 gbrp 8 progressive pc gbr",
            ),
            (
                "01f4000dffe1001967f4000d919b28283f6022000003000200000300641e28532c01003968ebe3c44e10042420084aa4dd249b6e924936db7492495b6db4924adb69256d2d526e924db749249b6dba4924adb6da49256db492b6940440fff8f800",
                "High 4:4:4 Predictive L13 320x240 1:1 yuv444p 8 progressive",
            ),
            (
                "0164000dffe1001b6764000dacd94141fb016a122412800000030080000019078a14cb01000668ebe3cb22c0fdf8f800",
                "High L13 320x240 1:1 yuv420p 8 progressive tv bt2020nc arib-std-b67 bt2020",
            ),
            (
                "0164000dffe1001d6764000dacd94141fbff001900111000000300100000030320f142996001000668ebe3cb22c0fdf8f800",
                "High L13 320x240 25:17 yuv420p 8 progressive",
            ),
            (
                "01640014ffe1002367640014acd94141fb01100000030010000003032604000f424001e84e4c30078a14cb01000568ebecb22cfdf8f800",
                "High L20 320x240 1:1 yuv420p 8 progressive",
            ),
            (
                "01640028ffe1001b67640028acd940780227765c0440000003004000000c83c60c658001000668ebe3cb22c0fdf8f800",
                "High L40 1916x1076 1:1 yuv420p 8 progressive",
            ),
            (
                "01640015ffe1001a67640015acd941410fcb808800000300080000030190f8a14cb001000668fba3cb22c0fdf8f800",
                "High L21 320x240 1:1 yuv420p 8 fields?",
            ),
        ] {
            assert_eq!(describe(parse_avcc(&bytes(hex))), expected, "{hex}");
        }
    }

    #[test]
    fn rejects_a_record_with_two_different_parameter_sets() {
        let first = "6764000dacd94141fb016c800000030080000019078a14cb";
        let second = "67640014acd94141fb01100000030010000003032604000f424001e84e4c30078a14cb";
        let record = format!("0164000dffe20018{first}0023{second}00");
        assert_eq!(parse_avcc(&bytes(&record)), None);
        assert!(parse_sps(&bytes(first)).is_some() && parse_sps(&bytes(second)).is_some());
    }

    #[test]
    fn rejects_truncated_records() {
        let record = bytes(
            "0142c00dffe100186742c00dd90141fb011000000300100000030320f142a48001000568cb83cb20",
        );
        for length in 0..record.len() {
            assert_eq!(parse_config(&record[..length]), None, "{length}");
        }
        assert_eq!(parse_config(&record).unwrap().nal_length_size, 4);
    }
}
