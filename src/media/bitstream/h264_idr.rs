//! Conversion of H.264 intra pictures into IDR pictures, with which a stream can begin.
//!
//! Cameras use open GOPs for long recordings: the keyframes are intra pictures that are not marked
//! as IDR. A decoder drops or misplaces such a picture if it follows an unrelated keyframe. Only
//! the slice header differs, so it is rewritten (ITU-T H.264, 7.3.3).

use super::bits::{BitReader, escape, unescape_whole};
use super::h264_config::AvcConfig;
use super::h264_parameter_sets::{H264Pps, IDR_SLICE, ParameterSets, SEI, SLICE};
use super::h264_sequence::{H264Sps, PictureOrder};

/// Slice type (modulo 5) of slices that contain only intra macroblocks.
const INTRA: u32 = 2;
/// Maximum number of memory management operations in a slice header.
const MAX_OPERATIONS: usize = 70;

/// Converts the picture of a sample into an IDR picture. If it has two fields, the second may be
/// predicted from the first. `None` if other slices are not intra slices, or if the syntax is not
/// supported.
pub(super) fn convert_to_idr(config: &AvcConfig, sample: &[u8]) -> Option<Vec<u8>> {
    let mut sets = ParameterSets::from_config(config)?;
    let mut first_field = None;
    let mut output = Vec::with_capacity(sample.len() + 64);
    let mut rest = sample;
    while !rest.is_empty() {
        let (length, after) = rest.split_at_checked(config.nal_length_size)?;
        let length = length
            .iter()
            .fold(0_usize, |sum, &byte| sum << 8 | usize::from(byte));
        let (nal, after) = after.split_at_checked(length)?;
        rest = after;
        let Some(&first) = nal.first() else { continue };
        match first & 31 {
            // Drops SEI messages: they may mark a recovery point, which no longer applies.
            SEI => continue,
            SLICE => {
                let slice = rewrite_slice(nal, &sets, &mut first_field)?;
                append_unit(&mut output, config.nal_length_size, &slice)?;
                continue;
            }
            2..=4 => return None,
            _ => sets.update(nal)?,
        }
        append_unit(&mut output, config.nal_length_size, nal)?;
    }
    Some(output)
}

fn append_unit(output: &mut Vec<u8>, length_size: usize, nal: &[u8]) -> Option<()> {
    let length = u32::try_from(nal.len()).ok()?.to_be_bytes();
    let (unused, length) = length.split_at_checked(4 - length_size.min(4))?;
    unused.iter().all(|&byte| byte == 0).then_some(())?;
    output.extend(length);
    output.extend(nal);
    Some(())
}

/// First part of a slice header.
struct SliceHeaderStart<'a> {
    nal_header: u8,
    first_macroblock: u32,
    slice_type: u32,
    picture_id: u32,
    sequence: &'a H264Sps,
    picture: &'a H264Pps,
    frame_number: u32,
    /// True for a bottom field; `None` for a frame.
    is_bottom: Option<bool>,
}

/// First field of a picture.
#[derive(Debug, Clone, Copy)]
struct FirstField {
    is_bottom: bool,
    frame_number: u32,
    /// Low bits of the picture order count.
    order: u32,
}

fn read_slice_header_start<'a>(
    bits: &mut BitReader<'_>,
    sets: &'a ParameterSets,
) -> Option<SliceHeaderStart<'a>> {
    let (nal_header, first_macroblock, slice_type) =
        (bits.byte()?, bits.ue()?, bits.ue_at_most(9)?);
    let picture_id = bits.ue_at_most(255)?;
    let (sequence, picture) = sets.for_slice(picture_id)?;
    let frame_number = bits.read(sequence.frame_number_bits)?;
    let is_field = !sequence.is_frames_only && bits.flag()?;
    Some(SliceHeaderStart {
        nal_header,
        first_macroblock,
        slice_type,
        picture_id,
        sequence,
        picture,
        frame_number,
        is_bottom: if is_field { Some(bits.flag()?) } else { None },
    })
}

/// Rewrites one slice. Its header becomes that of an IDR picture, or that of the second field after
/// an IDR field.
fn rewrite_slice(
    nal: &[u8],
    sets: &ParameterSets,
    first_field: &mut Option<FirstField>,
) -> Option<Vec<u8>> {
    let plain = unescape_whole(nal);
    let mut bits = BitReader::new(&plain);
    let header = read_slice_header_start(&mut bits, sets)?;
    if let Some(is_bottom) = header.is_bottom {
        let PictureOrder::Lsb(count) = header.sequence.order else {
            return None;
        };
        let field = FirstField {
            is_bottom,
            frame_number: header.frame_number,
            order: bits.clone().read(count)?,
        };
        let first = first_field.get_or_insert(field);
        if first.is_bottom != is_bottom {
            return rewrite_second_field(&header, &mut bits, first);
        }
    }
    let output = rewrite_first(&header, &mut bits)?;
    Some(escape(&output))
}

/// Rewrites a slice of a second field. Its picture order count becomes relative to the first field;
/// its length in bits is unchanged.
fn rewrite_second_field(
    header: &SliceHeaderStart<'_>,
    bits: &mut BitReader<'_>,
    first: &FirstField,
) -> Option<Vec<u8>> {
    let PictureOrder::Lsb(count) = header.sequence.order else {
        return None;
    };
    if header.frame_number != first.frame_number {
        return None;
    }
    let mut output = BitWriter::default();
    output.write_slice_header_start(header.nal_header, header);
    let order = bits.read(count)?;
    let modulus = 1_u32.checked_shl(count)?;
    output.write_bits(count, order.wrapping_sub(first.order) & (modulus - 1));
    output.copy_rest(bits)?;
    Some(escape(&output.bytes))
}

/// Rewrites a slice of a frame or a first field.
fn rewrite_first(header: &SliceHeaderStart<'_>, bits: &mut BitReader<'_>) -> Option<Vec<u8>> {
    let (sequence, picture) = (header.sequence, header.picture);
    let tail = picture.tail?;
    let is_reference = header.nal_header & 0x60 != 0;
    if header.slice_type % 5 != INTRA {
        return None;
    }
    let mut output = BitWriter::default();
    // An IDR picture must be a reference picture; 0x60 is the highest priority.
    output.write_slice_header_start(IDR_SLICE | 0x60, header);
    // `idr_pic_id`, which distinguishes consecutive IDR pictures.
    output.write_ue(0);
    match sequence.order {
        PictureOrder::Lsb(count) => {
            bits.read(count)?;
            output.write_bits(count, 0);
            if picture.has_bottom_field_order && header.is_bottom.is_none() {
                output.write_se(bits.se()?);
            }
        }
        PictureOrder::Cycle { is_delta_zero, .. } => {
            for is_stored in [
                !is_delta_zero,
                !is_delta_zero && picture.has_bottom_field_order,
            ] {
                if is_stored {
                    output.write_se(bits.se()?);
                }
            }
        }
        PictureOrder::AsCoded => {}
    }
    if tail.has_redundant_count {
        output.write_ue(bits.ue()?);
    }
    if is_reference && bits.flag()? {
        skip_operations(bits)?;
    }
    // Earlier pictures are still output, and this picture is not a long-term reference.
    output.write_bits(2, 0);
    output.write_se(bits.se()?);
    if tail.has_deblocking_control {
        let filter = bits.ue_at_most(2)?;
        output.write_ue(filter);
        if filter != 1 {
            output.write_se(bits.se()?);
            output.write_se(bits.se()?);
        }
    }
    if picture.uses_cabac {
        output.align(true);
        output.bytes.extend(bits.aligned_bytes()?);
    } else {
        output.copy_rest(bits)?;
    }
    Some(output.bytes)
}

/// Skips the memory management operations (7.3.3.3).
fn skip_operations(bits: &mut BitReader<'_>) -> Option<()> {
    for _ in 0..MAX_OPERATIONS {
        match bits.ue_at_most(6)? {
            0 => return Some(()),
            3 => {
                bits.ue()?;
                bits.ue()?;
            }
            5 => {}
            _ => {
                bits.ue()?;
            }
        }
    }
    None
}

/// Writes bits, most significant first.
#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    /// Bits used in the last byte; 0 if it is full.
    used_bits: u32,
}

impl BitWriter {
    fn write_bit(&mut self, bit: bool) {
        if self.used_bits == 0 {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << (7 - self.used_bits);
        }
        self.used_bits = (self.used_bits + 1) % 8;
    }

    /// Writes the first part of a slice header, with frame number 0.
    fn write_slice_header_start(&mut self, nal_header: u8, header: &SliceHeaderStart<'_>) {
        self.write_bits(8, nal_header.into());
        self.write_ue(header.first_macroblock);
        self.write_ue(header.slice_type);
        self.write_ue(header.picture_id);
        self.write_bits(header.sequence.frame_number_bits, 0);
        if !header.sequence.is_frames_only {
            self.write_bits(1, header.is_bottom.is_some().into());
        }
        if let Some(is_bottom) = header.is_bottom {
            self.write_bits(1, is_bottom.into());
        }
    }

    fn write_bits(&mut self, count: u32, value: u32) {
        for at in (0..count.min(32)).rev() {
            self.write_bit(value >> at & 1 == 1);
        }
    }

    fn write_ue(&mut self, value: u32) {
        let code = u64::from(value) + 1;
        let length = 64 - code.leading_zeros();
        self.write_bits(length - 1, 0);
        for at in (0..length).rev() {
            self.write_bit(code >> at & 1 == 1);
        }
    }

    fn write_se(&mut self, value: i64) {
        let code = if value > 0 { value * 2 - 1 } else { -value * 2 };
        self.write_ue(u32::try_from(code).unwrap_or(0));
    }

    fn align(&mut self, bit: bool) {
        while self.used_bits != 0 {
            self.write_bit(bit);
        }
    }

    /// Copies all remaining bits, then writes the trailing bits for the new end position.
    fn copy_rest(&mut self, bits: &mut BitReader<'_>) -> Option<()> {
        let end = bits.trailing_bits()?;
        while bits.remaining() > end {
            let count = u32::try_from((bits.remaining() - end).min(32)).ok()?;
            self.write_bits(count, bits.read(count)?);
        }
        self.write_bit(true);
        self.align(false);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use crate::media::bitstream::h264::{FieldParity, convert_to_idr, first_slice};
    use crate::media::bitstream::nal_units;
    use crate::media::bitstream::tests::bytes;

    /// Parameter sets of a camera that records fields. The two slices are truncated and belong to
    /// one of its keyframes.
    const SETS: &str = concat!(
        "000001",
        "67640028ad949248308244840444444e2a1e0a8500ddc1c604081227150f0542806ee0e30204091924c610489050064032809801b342238a403470c6188628447148068e18c310c1d80f0088fbc062000007d20001d4c1d18001edc0002b347fffc68c000f6e000159a3fffe14",
        "00000168de3c65249280"
    );
    const FIRST: &str = "0000014188b48528bde22eaf3a3b4680";
    const SECOND: &str = "000001419adab90ac4f2089265928580";

    #[test]
    fn converts_the_first_of_two_fields_and_keeps_the_second() {
        let configuration = nal_units::build_avcc(&bytes(SETS)).unwrap();
        let convert =
            |hex: &str| convert_to_idr(&configuration, &nal_units::to_length_prefixed(&bytes(hex)));
        let both = convert(&[FIRST, SECOND].concat()).unwrap();
        let first = first_slice(&configuration, &both).unwrap();
        assert_eq!(
            (first.field, first.frame_number),
            (Some(FieldParity::Top), 0)
        );
        assert!(first.is_intra);
        assert_eq!(both[4], 0x65);
        let length = u32::from_be_bytes(*both.first_chunk().unwrap());
        let rest = &both[4 + usize::try_from(length).unwrap()..];
        let second = first_slice(&configuration, rest).unwrap();
        assert_eq!(
            (second.field, second.frame_number),
            (Some(FieldParity::Bottom), 0)
        );
        assert!(!second.is_intra);
        // Only values in the header change; the length and the slice data are the same.
        let original = nal_units::to_length_prefixed(&bytes(SECOND));
        assert_eq!(rest.len(), original.len());
        assert_eq!(rest[10..], original[10..]);
        // A second field alone cannot be decoded.
        assert_eq!(convert(SECOND), None);
    }
}
