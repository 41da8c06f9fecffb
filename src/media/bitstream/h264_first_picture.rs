//! First picture of an H.264 stream: the parameter sets it uses, and its fields.
//!
//! Parameter sets only state whether fields may occur. The picture timing SEI message or the slices
//! determine their order. This follows ffmpeg's parser (`h264_parser.c`), which ffprobe uses.

use super::bits::{BitReader, unescape};
use super::h264_config::AvcConfig;
use super::h264_parameter_sets::{IDR_SLICE, ParameterSets, SEI, SLICE, read_pps};
use super::h264_sequence::{H264Sps, PictureOrder};
use crate::value::ScanOrder;

/// Maximum number of NAL units read before the first slice.
const MAX_UNITS: usize = 200;

/// Bytes read of a slice, enough for the first part of its header.
const SLICE_HEADER_BYTES: usize = 64;

/// First picture of a sample, as described by its first slice.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FirstPicture {
    pub sequence: H264Sps,
    /// `None` if fields are separate pictures, for which ffprobe may not report an order.
    pub scan_order: Option<ScanOrder>,
    /// Parity of a field; `None` for a frame.
    pub field: Option<FieldParity>,
    pub is_intra: bool,
    /// `frame_num`: equal for both fields of a frame.
    pub frame_number: u32,
    /// True if the frame displays one of its fields more than once.
    pub is_repeated: bool,
}

/// Field of an interlaced frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum FieldParity {
    Top,
    Bottom,
}

/// Returns true if slices may specify which field of a frame comes first.
pub(super) fn may_reorder_fields(config: &AvcConfig) -> bool {
    config
        .picture_parameter_sets
        .iter()
        .any(|nal| read_pps(nal).is_none_or(|set| set.has_bottom_field_order))
}

/// Finds the first slice of a sample and the parameter sets it refers to.
pub(super) fn first_picture(config: &AvcConfig, sample: &[u8]) -> Option<FirstPicture> {
    let mut sets = ParameterSets::from_config(config)?;
    let mut messages = Vec::new();
    for nal in split_units(sample, config.nal_length_size).take(MAX_UNITS) {
        match nal.first()? & 31 {
            SEI => messages.push(nal),
            SLICE | IDR_SLICE => return read_slice(nal, &messages, &sets),
            _ => sets.update(nal)?,
        }
    }
    None
}

/// Splits a sample into NAL units; the last one may be truncated.
fn split_units(mut sample: &[u8], length_size: usize) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = sample.split_at_checked(length_size)?;
        let length = length
            .iter()
            .fold(0_usize, |sum, &byte| sum << 8 | usize::from(byte));
        let (nal, after) = rest.split_at(length.min(rest.len()));
        sample = after;
        (!nal.is_empty()).then_some(nal)
    })
}

fn read_slice(nal: &[u8], messages: &[&[u8]], sets: &ParameterSets) -> Option<FirstPicture> {
    let is_key = nal.first()? & 31 == IDR_SLICE;
    let nal = unescape(nal.get(..SLICE_HEADER_BYTES).unwrap_or(nal));
    let mut bits = BitReader::new(&nal);
    bits.skip(8)?;
    bits.ue()?;
    let is_intra = matches!(bits.ue()?, 2 | 4 | 7 | 9);
    let (sequence, picture) = sets.for_slice(bits.ue_at_most(255)?)?;
    let frame_number = bits.read(sequence.frame_number_bits)?;
    let is_field = !sequence.is_frames_only && bits.flag()?;
    let mut found = FirstPicture {
        sequence: sequence.clone(),
        scan_order: None,
        field: None,
        is_intra,
        frame_number,
        is_repeated: false,
    };
    if is_field {
        found.field = Some(if bits.flag()? {
            FieldParity::Bottom
        } else {
            FieldParity::Top
        });
        return Some(found);
    }
    if is_key {
        bits.ue()?;
    }
    let order_difference =
        read_order_difference(&mut bits, sequence, picture.has_bottom_field_order)?;
    let structures = read_structures(sequence, messages)?;
    found.scan_order = Some(scan_order(structures.last().copied(), order_difference)?);
    found.is_repeated = structures.iter().any(|&structure| structure > 4);
    Some(found)
}

/// Returns the picture order count of the bottom field minus that of the top field.
fn read_order_difference(
    bits: &mut BitReader,
    sequence: &H264Sps,
    has_bottom_field_order: bool,
) -> Option<i64> {
    Some(match sequence.order {
        PictureOrder::Lsb(count) => {
            bits.read(count)?;
            if has_bottom_field_order {
                bits.se()?
            } else {
                0
            }
        }
        PictureOrder::Cycle {
            is_delta_zero,
            offset,
        } => {
            if !is_delta_zero {
                bits.se()?;
            }
            offset
                + if !is_delta_zero && has_bottom_field_order {
                    bits.se()?
                } else {
                    0
                }
        }
        PictureOrder::AsCoded => 0,
    })
}

/// Reads the picture structures (`pic_struct`, table D-1) from the picture timing messages.
fn read_structures(sequence: &H264Sps, units: &[&[u8]]) -> Option<Vec<u32>> {
    let timing = sequence.timing?;
    let mut messages = Vec::new();
    for nal in units {
        append_timings(nal, &mut messages)?;
    }
    if !timing.has_structure {
        return Some(Vec::new());
    }
    let structure = |message: &Vec<u8>| {
        let mut bits = BitReader::new(message);
        bits.skip(usize::try_from(timing.delay_bits).ok()?)?;
        bits.read(4)
    };
    messages.iter().map(structure).collect()
}

fn scan_order(structure: Option<u32>, order_difference: i64) -> Option<ScanOrder> {
    Some(match (structure, order_difference) {
        (Some(3 | 5), _) | (None, 1..) => ScanOrder::TopFieldFirst,
        (Some(4 | 6), _) | (None, ..=-1) => ScanOrder::BottomFieldFirst,
        (Some(0..=8), _) | (None, 0) => ScanOrder::Progressive,
        _ => return None,
    })
}

/// Appends the picture timing messages (type 1) of an SEI NAL unit; `None` if it is truncated.
fn append_timings(nal: &[u8], found: &mut Vec<Vec<u8>>) -> Option<()> {
    for_each_sei_message(&unescape(nal), &mut |kind, message| {
        if kind == 1 {
            found.push(message.to_vec());
        }
    })
}

/// Calls `on_message` with the type and body of each message in an unescaped SEI NAL unit; `None`
/// if it is truncated.
pub(super) fn for_each_sei_message(
    plain: &[u8],
    on_message: &mut dyn FnMut(usize, &[u8]),
) -> Option<()> {
    let mut rest = plain.get(1..)?;
    // A stop byte and zeros remain at the end.
    while rest.len() > 2 && !rest.starts_with(&[0, 0]) {
        let (kind, after) = read_extended(rest)?;
        let (length, after) = read_extended(after)?;
        let (message, after) = after.split_at_checked(length)?;
        on_message(kind, message);
        rest = after;
    }
    Some(())
}

/// Reads a number coded as a run of bytes with value 255, ended by a smaller byte; returns it and
/// the remaining bytes.
fn read_extended(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let full = bytes.iter().take_while(|&&byte| byte == 255).count();
    let &last = bytes.get(full)?;
    Some((full * 255 + usize::from(last), bytes.get(full + 1..)?))
}

#[cfg(test)]
mod tests {
    use crate::media::bitstream::h264::parse_sample;
    use crate::media::bitstream::tests::bytes;
    use crate::value::ScanOrder;

    #[test]
    fn reads_the_field_order_of_the_first_picture() {
        const INTERLACED: &str = "01640015ffe1001a67640015acd941410fcb808800000300080000030190f8a14cb001000668fba3cb22c0fdf8f800";
        const FIELDS_UNUSED: &str = "01640015ffe1001a67640015acd9414107cb80880000030008000003019078b16cb001000668ebe3cb22c0fdf8f800";
        const WITH_DELAYS: &str = "01640014ffe1002367640014acd94141fb01100000030010000003032604000f424001e84e4c30078a14cb01000568ebecb22cfdf8f800";
        for (config, sample, expected) in [
            (
                INTERLACED,
                "00000005060101328000000f356588820b077fcaacfdd878b8",
                ScanOrder::TopFieldFirst,
            ),
            (
                INTERLACED,
                "00000005060101428000000f356588820b077fcaacfdd878b8",
                ScanOrder::BottomFieldFirst,
            ),
            (
                INTERLACED,
                "00000f356588820b077fcaacfdd878b8",
                ScanOrder::BottomFieldFirst,
            ),
            (
                FIELDS_UNUSED,
                "00000f1e6588820010ffd3d666e7691c",
                ScanOrder::Progressive,
            ),
            (
                WITH_DELAYS,
                "0000000906000593c67046538000000007060103000048800000020065888400",
                ScanOrder::Progressive,
            ),
        ] {
            let coded = parse_sample(&bytes(config), &bytes(sample)).unwrap();
            assert_eq!(coded.scan_order, Some(expected), "{sample}");
        }
    }

    #[test]
    fn rejects_a_sample_without_a_slice() {
        let config = bytes(
            "0142c00dffe100186742c00dd90141fb011000000300100000030320f142a48001000568cb83cb20",
        );
        for sample in ["", "00000005060101328000", "ffffffff", "0000000165"] {
            assert_eq!(parse_sample(&config, &bytes(sample)), None, "{sample}");
        }
    }
}
