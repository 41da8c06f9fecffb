//! Bit reader for codec headers (most significant bit first), and NAL unit escaping.
//!
//! Reads return `None` at the end of the data, since the bytes come from an unvalidated file.

use std::borrow::Cow;

/// Maximum number of bytes read of a parameter set; the rest of a longer one is ignored.
const MAX_LENGTH: usize = 16 * 1024;

/// Cursor over the bits of a byte slice.
#[derive(Debug, Clone)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Returns the number of unread bits.
    pub(super) fn remaining(&self) -> usize {
        (self.bytes.len() * 8).saturating_sub(self.position)
    }

    pub(super) fn skip(&mut self, count: usize) -> Option<()> {
        if count > self.remaining() {
            return None;
        }
        self.position += count;
        Some(())
    }

    /// Returns the remaining bytes, starting at the next byte boundary.
    pub(super) fn aligned_bytes(&self) -> Option<&'a [u8]> {
        self.bytes.get(self.position.div_ceil(8)..)
    }

    /// Returns the number of trailing bits: the stop bit and the zeros after it.
    pub(super) fn trailing_bits(&self) -> Option<usize> {
        let last = self.bytes.iter().rposition(|&byte| byte != 0)?;
        let zeros = self.bytes.get(last)?.trailing_zeros() as usize;
        let trailing = (self.bytes.len() - 1 - last) * 8 + zeros + 1;
        (trailing <= self.remaining()).then_some(trailing)
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.position / 8)?;
        let bit = byte >> (7 - self.position % 8) & 1;
        self.position += 1;
        Some(bit == 1)
    }

    /// Reads the next `count` bits, at most 32.
    pub(super) fn read(&mut self, count: u32) -> Option<u32> {
        let mut value: u32 = 0;
        for _ in 0..count.min(32) {
            value = value << 1 | u32::from(self.flag()?);
        }
        Some(value)
    }

    /// Reads the next eight bits.
    pub(super) fn byte(&mut self) -> Option<u8> {
        u8::try_from(self.read(8)?).ok()
    }

    /// Reads an unsigned Exp-Golomb code (H.264 9.1).
    pub(super) fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let rest = self.read(zeros)?;
        Some((1_u32 << zeros) - 1 + rest)
    }

    /// Reads an unsigned Exp-Golomb code; `None` if it is above `max`.
    pub(super) fn ue_at_most(&mut self, max: u32) -> Option<u32> {
        self.ue().filter(|&value| value <= max)
    }

    /// Reads a signed Exp-Golomb code (H.264 9.1.1).
    pub(super) fn se(&mut self) -> Option<i64> {
        let code = i64::from(self.ue()?);
        Some(if code % 2 == 1 {
            (code + 1) / 2
        } else {
            -code / 2
        })
    }
}

/// Removes the emulation prevention bytes from the first [`MAX_LENGTH`] bytes of a NAL unit; the
/// rest is dropped.
pub(super) fn unescape(nal: &[u8]) -> Cow<'_, [u8]> {
    unescape_whole(nal.get(..MAX_LENGTH).unwrap_or(nal))
}

/// Removes the emulation prevention bytes from a NAL unit of any length, such as a slice.
pub(super) fn unescape_whole(nal: &[u8]) -> Cow<'_, [u8]> {
    if !nal.windows(3).any(|three| three == [0, 0, 3]) {
        return Cow::Borrowed(nal);
    }
    let mut plain = Vec::with_capacity(nal.len());
    let mut zeros = 0;
    for &byte in nal {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        plain.push(byte);
    }
    Cow::Owned(plain)
}

/// Inserts emulation prevention bytes, which keep a NAL unit from containing a start code.
pub(super) fn escape(plain: &[u8]) -> Vec<u8> {
    let mut nal = Vec::with_capacity(plain.len() + plain.len() / 64);
    let mut zeros = 0;
    for &byte in plain {
        if zeros == 2 && byte <= 3 {
            nal.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        nal.push(byte);
    }
    nal
}

/// Splits off a length-prefixed block; returns it and the remaining bytes.
///
/// The length is big-endian and `size` bytes long, at most four.
pub(super) fn split_length_prefixed(bytes: &[u8], size: usize) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(size.min(4))?;
    let length = length
        .iter()
        .fold(0_usize, |sum, &byte| sum << 8 | usize::from(byte));
    rest.split_at_checked(length)
}

/// Reads a big-endian number at a byte offset.
pub(super) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    let two = bytes.get(offset..offset.checked_add(2)?)?;
    Some(u16::from_be_bytes(two.try_into().ok()?))
}

/// Reads a big-endian number at a byte offset.
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let four = bytes.get(offset..offset.checked_add(4)?)?;
    Some(u32::from_be_bytes(four.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_exp_golomb_codes_in_the_order_of_the_standard() {
        // 1 010 011 00100 00101 00110 1 …
        let mut bits = BitReader::new(&[0b1010_0110, 0b0100_0010, 0b1001_1010]);
        let codes: Vec<u32> = std::iter::from_fn(|| bits.ue()).take(6).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5]);
        let mut bits = BitReader::new(&[0b1010_0110, 0b0100_0010, 0b1001_1010]);
        let codes: Vec<i64> = std::iter::from_fn(|| bits.se()).take(6).collect();
        assert_eq!(codes, [0, 1, -1, 2, -2, 3]);
    }

    #[test]
    fn returns_none_past_the_end() {
        let mut bits = BitReader::new(&[0xff]);
        assert_eq!(bits.read(9), None);
        assert_eq!(BitReader::new(&[0; 8]).ue(), None);
        assert_eq!(BitReader::new(&[]).flag(), None);
        assert_eq!(split_length_prefixed(&[0, 5, 1], 2), None);
    }

    #[test]
    fn removes_emulation_prevention_bytes() {
        assert_eq!(
            unescape(&[1, 0, 0, 3, 1, 0, 0, 3]).as_ref(),
            [1, 0, 0, 1, 0, 0]
        );
        assert_eq!(unescape(&[0, 3, 0, 3]).as_ref(), [0, 3, 0, 3]);
    }
}
