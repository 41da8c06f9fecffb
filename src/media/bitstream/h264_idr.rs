//! An H.264 picture that a stream may be entered at, made one that a stream may begin with.
//!
//! Cameras code long recordings in open groups: their keys are intra pictures without the
//! IDR mark, and in the middle of other keys a decoder loses or misplaces them. Nothing but
//! the slice header makes the difference, so that is written anew (ITU-T H.264, 7.3.3).

use super::bits::{Bits, escape, unescape_whole};
use super::h264::{Config, Order};
use super::h264_sets::{IDR_SLICE, MESSAGES, SLICE, Sets};

/// A slice of which all macroblocks are intra coded.
const INTRA: u32 = 2;
/// More memory operations than any picture has.
const MOST_OPERATIONS: usize = 70;

/// Makes a sample's picture an IDR picture. `None` when it is none of intra slices alone,
/// is coded in fields, or is not understood.
pub(super) fn with_idr(config: &Config, sample: &[u8]) -> Option<Vec<u8>> {
    let mut sets = Sets::of(config)?;
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
                let slice = slice(nal, &sets)?;
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

/// One slice, with the header of an IDR picture's.
fn slice(nal: &[u8], sets: &Sets) -> Option<Vec<u8>> {
    let first = *nal.first()?;
    let is_reference = first & 0x60 != 0;
    let plain = unescape_whole(nal);
    let mut bits = Bits::new(&plain);
    let mut made = Written::default();
    bits.skip(8)?;
    // Important above all, as an IDR picture must be.
    made.put(8, u32::from(IDR_SLICE | 0x60));
    made.ue(bits.ue()?);
    let kind = bits.ue_to(9)?;
    if kind % 5 != INTRA {
        return None;
    }
    made.ue(kind);
    let id = bits.ue_to(255)?;
    made.ue(id);
    let (sequence, picture) = sets.of_slice(id)?;
    let rest = picture.rest?;
    bits.take(sequence.frame_number_bits)?;
    made.put(sequence.frame_number_bits, 0);
    if !sequence.is_frames_only {
        if bits.flag()? {
            return None;
        }
        made.put(1, 0);
    }
    // The number that tells one IDR picture from the next.
    made.ue(0);
    match sequence.order {
        Order::Lsb(count) => {
            bits.take(count)?;
            made.put(count, 0);
            if picture.has_order {
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
        skip_operations(&mut bits)?;
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
        made.rest(&mut bits)?;
    }
    Some(escape(&made.bytes))
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
