//! The first picture of an H.264 stream: which parameter sets it uses, and its fields.
//!
//! Parameter sets say only whether fields may occur; the order is told by the picture's
//! timing message or by its slices. This follows ffmpeg's parser (`h264_parser.c`), whose
//! word is ffprobe's.

use super::bits::{Bits, unescape};
use super::h264::{Config, Order, Sequence};
use super::h264_sets::{IDR_SLICE, MESSAGES, SLICE, Sets, picture_set};

/// More NAL units than any picture has before its first slice.
const MOST_UNITS: usize = 200;

/// The bytes of a slice that its header begins in.
const SLICE_HEAD: usize = 64;

/// What the first slice of a sample leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FirstPicture {
    pub sequence: Sequence,
    /// `None` where fields are pictures of their own: then ffprobe may not know either.
    pub field_order: Option<&'static str>,
    /// Which field the picture is; `None` of a frame.
    pub field: Option<Field>,
    pub is_intra: bool,
    /// `frame_num`: the same of both fields of a frame.
    pub frame_number: u32,
    /// Whether fields of the frame are shown more than once.
    pub is_repeated: bool,
}

/// A picture of every other line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum Field {
    Top,
    Bottom,
}

/// Whether the slices of a frame may put one of its fields before the other.
pub(super) fn may_shift_fields(config: &Config) -> bool {
    config
        .picture_sets
        .iter()
        .any(|nal| picture_set(nal).is_none_or(|set| set.has_order))
}

/// Finds the first slice of a sample and what it refers to.
pub(super) fn first_picture(config: &Config, sample: &[u8]) -> Option<FirstPicture> {
    let mut sets = Sets::of(config)?;
    let mut messages = Vec::new();
    for nal in units(sample, config.nal_length_size).take(MOST_UNITS) {
        match nal.first()? & 31 {
            MESSAGES => messages.push(nal),
            SLICE | IDR_SLICE => return slice(nal, &messages, &sets),
            _ => sets.take(nal)?,
        }
    }
    None
}

/// The NAL units of a sample, the last of which may be cut short.
fn units(mut sample: &[u8], length_size: usize) -> impl Iterator<Item = &[u8]> {
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

fn slice(nal: &[u8], messages: &[&[u8]], sets: &Sets) -> Option<FirstPicture> {
    let is_key = nal.first()? & 31 == IDR_SLICE;
    let nal = unescape(nal.get(..SLICE_HEAD).unwrap_or(nal));
    let mut bits = Bits::new(&nal);
    bits.skip(8)?;
    bits.ue()?;
    let is_intra = matches!(bits.ue()?, 2 | 4 | 7 | 9);
    let (sequence, picture) = sets.of_slice(bits.ue_to(255)?)?;
    let frame_number = bits.take(sequence.frame_number_bits)?;
    let is_field = !sequence.is_frames_only && bits.flag()?;
    let mut found = FirstPicture {
        sequence: sequence.clone(),
        field_order: None,
        field: None,
        is_intra,
        frame_number,
        is_repeated: false,
    };
    if is_field {
        found.field = Some(if bits.flag()? {
            Field::Bottom
        } else {
            Field::Top
        });
        return Some(found);
    }
    if is_key {
        bits.ue()?;
    }
    let between = between_fields(&mut bits, sequence, picture.has_order)?;
    let structures = structures(sequence, messages)?;
    found.field_order = Some(order(structures.last().copied(), between)?);
    found.is_repeated = structures.iter().any(|&structure| structure > 4);
    Some(found)
}

/// How much later the bottom field of a frame is than its top field.
fn between_fields(bits: &mut Bits, sequence: &Sequence, has_order: bool) -> Option<i64> {
    Some(match sequence.order {
        Order::Lsb(count) => {
            bits.take(count)?;
            if has_order { bits.se()? } else { 0 }
        }
        Order::Cycle {
            is_delta_zero,
            offset,
        } => {
            if !is_delta_zero {
                bits.se()?;
            }
            offset
                + if !is_delta_zero && has_order {
                    bits.se()?
                } else {
                    0
                }
        }
        Order::AsCoded => 0,
    })
}

/// What picture timing messages say of the fields of a frame (`pic_struct`, table D-1).
fn structures(sequence: &Sequence, messages: &[&[u8]]) -> Option<Vec<u32>> {
    let timing = sequence.timing?;
    let mut told = Vec::new();
    for nal in messages {
        picture_timings(nal, &mut told)?;
    }
    if !timing.has_structure {
        return Some(Vec::new());
    }
    let structure = |message: &Vec<u8>| {
        let mut bits = Bits::new(message);
        bits.skip(usize::try_from(timing.delay_bits).ok()?)?;
        bits.take(4)
    };
    told.iter().map(structure).collect()
}

fn order(structure: Option<u32>, between: i64) -> Option<&'static str> {
    Some(match (structure, between) {
        (Some(3 | 5), _) | (None, 1..) => "tt",
        (Some(4 | 6), _) | (None, ..=-1) => "bb",
        (Some(0..=8), _) | (None, 0) => "progressive",
        _ => return None,
    })
}

/// Adds the picture timing messages (type 1) among those of a NAL unit; `None` if it is cut short.
fn picture_timings(nal: &[u8], found: &mut Vec<Vec<u8>>) -> Option<()> {
    each_message(&unescape(nal), &mut |kind, message| {
        if kind == 1 {
            found.push(message.to_vec());
        }
    })
}

/// Gives the type and body of each message of a plain NAL unit; `None` if it is cut short.
pub(super) fn each_message(plain: &[u8], take: &mut dyn FnMut(usize, &[u8])) -> Option<()> {
    let mut rest = plain.get(1..)?;
    // What remains in the end is a byte that marks it, and zeros.
    while rest.len() > 2 && !rest.starts_with(&[0, 0]) {
        let (kind, after) = extended(rest)?;
        let (length, after) = extended(after)?;
        let (message, after) = after.split_at_checked(length)?;
        take(kind, message);
        rest = after;
    }
    Some(())
}

/// A number written as bytes of 255 and a last smaller one.
fn extended(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let full = bytes.iter().take_while(|&&byte| byte == 255).count();
    let &last = bytes.get(full)?;
    Some((full * 255 + usize::from(last), bytes.get(full + 1..)?))
}

#[cfg(test)]
mod tests {
    use crate::media::bitstream::h264::of_sample;
    use crate::media::bitstream::tests::bytes;

    #[test]
    fn the_first_picture_tells_the_order_of_its_fields() {
        const INTERLACED: &str = "01640015ffe1001a67640015acd941410fcb808800000300080000030190f8a14cb001000668fba3cb22c0fdf8f800";
        const FIELDS_UNUSED: &str = "01640015ffe1001a67640015acd9414107cb80880000030008000003019078b16cb001000668ebe3cb22c0fdf8f800";
        const WITH_DELAYS: &str = "01640014ffe1002367640014acd94141fb01100000030010000003032604000f424001e84e4c30078a14cb01000568ebecb22cfdf8f800";
        for (config, sample, expected) in [
            (
                INTERLACED,
                "00000005060101328000000f356588820b077fcaacfdd878b8",
                Some("tt"),
            ),
            (
                INTERLACED,
                "00000005060101428000000f356588820b077fcaacfdd878b8",
                Some("bb"),
            ),
            (INTERLACED, "00000f356588820b077fcaacfdd878b8", Some("bb")),
            (
                FIELDS_UNUSED,
                "00000f1e6588820010ffd3d666e7691c",
                Some("progressive"),
            ),
            (
                WITH_DELAYS,
                "0000000906000593c67046538000000007060103000048800000020065888400",
                Some("progressive"),
            ),
        ] {
            let coded = of_sample(&bytes(config), &bytes(sample)).unwrap();
            assert_eq!(coded.field_order, expected, "{sample}");
        }
    }

    #[test]
    fn a_sample_without_a_slice_is_unclear() {
        let config = bytes(
            "0142c00dffe100186742c00dd90141fb011000000300100000030320f142a48001000568cb83cb20",
        );
        for sample in ["", "00000005060101328000", "ffffffff", "0000000165"] {
            assert_eq!(of_sample(&config, &bytes(sample)), None, "{sample}");
        }
    }
}
