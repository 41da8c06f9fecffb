//! An H.264 picture that a stream may be entered at, made one that a stream may begin with.
//!
//! Cameras code long recordings in open groups: their keys are intra pictures without the
//! IDR mark, and in the middle of other keys a decoder loses or misplaces them. Nothing but
//! the slice header makes the difference, so that is written anew (ITU-T H.264, 7.3.3).

use super::bits::{Bits, escape, unescape_whole};
use super::h264::{Config, Order, Sequence};
use super::h264_sets::{IDR_SLICE, MESSAGES, PictureSet, SLICE, Sets};

/// A slice of which all macroblocks are intra coded.
const INTRA: u32 = 2;
/// More memory operations than any picture has.
const MOST_OPERATIONS: usize = 70;

/// Makes a sample's picture an IDR picture. `None` when it is none of intra slices alone, or is
/// not understood. Of two fields, the second may be coded by the first.
pub(super) fn with_idr(config: &Config, sample: &[u8]) -> Option<Vec<u8>> {
    let mut sets = Sets::of(config)?;
    let mut first_field = None;
    let mut made = Vec::with_capacity(sample.len() + 64);
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
            // They may say that the stream recovers here, which is so no more.
            MESSAGES => continue,
            SLICE => {
                let slice = slice(nal, &sets, &mut first_field)?;
                put(&mut made, config.nal_length_size, &slice)?;
                continue;
            }
            2..=4 => return None,
            _ => sets.take(nal)?,
        }
        put(&mut made, config.nal_length_size, nal)?;
    }
    Some(made)
}

fn put(into: &mut Vec<u8>, length_size: usize, nal: &[u8]) -> Option<()> {
    let length = u32::try_from(nal.len()).ok()?.to_be_bytes();
    let (unused, length) = length.split_at_checked(4 - length_size.min(4))?;
    unused.iter().all(|&byte| byte == 0).then_some(())?;
    into.extend(length);
    into.extend(nal);
    Some(())
}

/// What a slice's header begins with.
struct Head<'a> {
    unit: u8,
    first_macroblock: u32,
    kind: u32,
    picture_id: u32,
    sequence: &'a Sequence,
    picture: &'a PictureSet,
    frame_number: u32,
    /// Whether it is of a bottom field; `None` of a frame.
    is_bottom: Option<bool>,
}

/// The field that a picture begins with.
#[derive(Debug, Clone, Copy)]
struct FirstField {
    is_bottom: bool,
    frame_number: u32,
    /// The low bits of its place in the order of pictures.
    order: u32,
}

fn head<'a>(bits: &mut Bits<'_>, sets: &'a Sets) -> Option<Head<'a>> {
    let (unit, first_macroblock, kind) = (bits.byte()?, bits.ue()?, bits.ue_to(9)?);
    let picture_id = bits.ue_to(255)?;
    let (sequence, picture) = sets.of_slice(picture_id)?;
    let frame_number = bits.take(sequence.frame_number_bits)?;
    let is_field = !sequence.is_frames_only && bits.flag()?;
    Some(Head {
        unit,
        first_macroblock,
        kind,
        picture_id,
        sequence,
        picture,
        frame_number,
        is_bottom: if is_field { Some(bits.flag()?) } else { None },
    })
}

/// One slice, with the header of an IDR picture's; of a second field, of one that follows it.
fn slice(nal: &[u8], sets: &Sets, first_field: &mut Option<FirstField>) -> Option<Vec<u8>> {
    let plain = unescape_whole(nal);
    let mut bits = Bits::new(&plain);
    let head = head(&mut bits, sets)?;
    if let Some(is_bottom) = head.is_bottom {
        let Order::Lsb(count) = head.sequence.order else {
            return None;
        };
        let field = FirstField {
            is_bottom,
            frame_number: head.frame_number,
            order: bits.clone().take(count)?,
        };
        let first = first_field.get_or_insert(field);
        if first.is_bottom != is_bottom {
            return second(&head, &mut bits, first);
        }
    }
    let made = first(&head, &mut bits)?;
    Some(escape(&made))
}

/// A slice of a second field: counted from the first, and of the same length in bits.
fn second(head: &Head<'_>, bits: &mut Bits<'_>, first: &FirstField) -> Option<Vec<u8>> {
    let Order::Lsb(count) = head.sequence.order else {
        return None;
    };
    if head.frame_number != first.frame_number {
        return None;
    }
    let mut made = Written::default();
    made.head(head.unit, head);
    let order = bits.take(count)?;
    let turn = 1_u32.checked_shl(count)?;
    made.put(count, order.wrapping_sub(first.order) & (turn - 1));
    made.rest(bits)?;
    Some(escape(&made.bytes))
}

/// A slice of a frame or a first field.
fn first(head: &Head<'_>, bits: &mut Bits<'_>) -> Option<Vec<u8>> {
    let (sequence, picture) = (head.sequence, head.picture);
    let rest = picture.rest?;
    let is_reference = head.unit & 0x60 != 0;
    if head.kind % 5 != INTRA {
        return None;
    }
    let mut made = Written::default();
    // Important above all, as an IDR picture must be.
    made.head(IDR_SLICE | 0x60, head);
    // The number that tells one IDR picture from the next.
    made.ue(0);
    match sequence.order {
        Order::Lsb(count) => {
            bits.take(count)?;
            made.put(count, 0);
            if picture.has_order && head.is_bottom.is_none() {
                made.se(bits.se()?);
            }
        }
        Order::Cycle { is_delta_zero, .. } => {
            for is_told in [!is_delta_zero, !is_delta_zero && picture.has_order] {
                if is_told {
                    made.se(bits.se()?);
                }
            }
        }
        Order::AsCoded => {}
    }
    if rest.has_redundancy {
        made.ue(bits.ue()?);
    }
    if is_reference && bits.flag()? {
        skip_operations(bits)?;
    }
    // Earlier pictures are shown as usual; this one is no long-term reference.
    made.put(2, 0);
    made.se(bits.se()?);
    if rest.has_deblocking {
        let filter = bits.ue_to(2)?;
        made.ue(filter);
        if filter != 1 {
            made.se(bits.se()?);
            made.se(bits.se()?);
        }
    }
    if picture.is_arithmetic {
        made.align(true);
        made.bytes.extend(bits.aligned()?);
    } else {
        made.rest(bits)?;
    }
    Some(made.bytes)
}

/// Passes over what becomes of earlier pictures (7.3.3.3).
fn skip_operations(bits: &mut Bits<'_>) -> Option<()> {
    for _ in 0..MOST_OPERATIONS {
        match bits.ue_to(6)? {
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

/// Bits that are written.
#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    /// Bits of the last byte that are taken; 0: all.
    taken: u32,
}

impl Written {
    fn bit(&mut self, bit: bool) {
        if self.taken == 0 {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << (7 - self.taken);
        }
        self.taken = (self.taken + 1) % 8;
    }

    /// What a slice's header begins with, of the first frame there is.
    fn head(&mut self, unit: u8, head: &Head<'_>) {
        self.put(8, unit.into());
        self.ue(head.first_macroblock);
        self.ue(head.kind);
        self.ue(head.picture_id);
        self.put(head.sequence.frame_number_bits, 0);
        if !head.sequence.is_frames_only {
            self.put(1, head.is_bottom.is_some().into());
        }
        if let Some(is_bottom) = head.is_bottom {
            self.put(1, is_bottom.into());
        }
    }

    fn put(&mut self, count: u32, value: u32) {
        for at in (0..count.min(32)).rev() {
            self.bit(value >> at & 1 == 1);
        }
    }

    fn ue(&mut self, value: u32) {
        let code = u64::from(value) + 1;
        let length = 64 - code.leading_zeros();
        self.put(length - 1, 0);
        for at in (0..length).rev() {
            self.bit(code >> at & 1 == 1);
        }
    }

    fn se(&mut self, value: i64) {
        let code = if value > 0 { value * 2 - 1 } else { -value * 2 };
        self.ue(u32::try_from(code).unwrap_or(0));
    }

    fn align(&mut self, bit: bool) {
        while self.taken != 0 {
            self.bit(bit);
        }
    }

    /// All that is left, and the bits that end it, moved to where this one's end falls.
    fn rest(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        let end = bits.before_trailing()?;
        while bits.left() > end {
            let count = u32::try_from((bits.left() - end).min(32)).ok()?;
            self.put(count, bits.take(count)?);
        }
        self.bit(true);
        self.align(false);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use crate::media::bitstream::h264::{Field, first_slice, with_idr};
    use crate::media::bitstream::tests::bytes;
    use crate::media::bitstream::units;

    /// The sets of a camera that codes fields, and two slices of one of its keys, cut short.
    const SETS: &str = concat!(
        "000001",
        "67640028ad949248308244840444444e2a1e0a8500ddc1c604081227150f0542806ee0e30204091924c610489050064032809801b342238a403470c6188628447148068e18c310c1d80f0088fbc062000007d20001d4c1d18001edc0002b347fffc68c000f6e000159a3fffe14",
        "00000168de3c65249280"
    );
    const FIRST: &str = "0000014188b48528bde22eaf3a3b4680";
    const SECOND: &str = "000001419adab90ac4f2089265928580";

    #[test]
    fn a_key_of_two_fields_begins_a_stream_and_keeps_its_second() {
        let configuration = units::avcc(&bytes(SETS)).unwrap();
        let made = |hex: &str| with_idr(&configuration, &units::counted(&bytes(hex)));
        let both = made(&[FIRST, SECOND].concat()).unwrap();
        let first = first_slice(&configuration, &both).unwrap();
        assert_eq!((first.field, first.frame_number), (Some(Field::Top), 0));
        assert!(first.is_intra);
        assert_eq!(both[4], 0x65);
        let length = u32::from_be_bytes(*both.first_chunk().unwrap());
        let rest = &both[4 + usize::try_from(length).unwrap()..];
        let second = first_slice(&configuration, rest).unwrap();
        assert_eq!(
            (second.field, second.frame_number),
            (Some(Field::Bottom), 0)
        );
        assert!(!second.is_intra);
        // Moved to the begin: of the same length, and otherwise as it was.
        let was = units::counted(&bytes(SECOND));
        assert_eq!(rest.len(), was.len());
        assert_eq!(rest[10..], was[10..]);
        // A second field alone decodes by nothing.
        assert_eq!(made(SECOND), None);
    }
}
