//! Bits of a header, most significant first, and the escaping of H.264 and HEVC.
//!
//! Every read may fail, since the bytes come from a file that nobody has checked.

use std::borrow::Cow;

/// A parameter set is shorter than this; of anything longer, only the beginning is read.
const LONGEST: usize = 16 * 1024;

/// Reads bits from bytes.
#[derive(Debug, Clone)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Bits that were not read yet.
    pub(super) fn left(&self) -> usize {
        (self.bytes.len() * 8).saturating_sub(self.position)
    }

    pub(super) fn skip(&mut self, count: usize) -> Option<()> {
        if count > self.left() {
            return None;
        }
        self.position += count;
        Some(())
    }

    /// Everything from the next whole byte on.
    pub(super) fn aligned(&self) -> Option<&'a [u8]> {
        self.bytes.get(self.position.div_ceil(8)..)
    }

    /// How many bits are left where the stop bit and the zeros after it begin.
    pub(super) fn before_trailing(&self) -> Option<usize> {
        let last = self.bytes.iter().rposition(|&byte| byte != 0)?;
        let zeros = self.bytes.get(last)?.trailing_zeros() as usize;
        // From the stop bit on.
        let trailing = (self.bytes.len() - 1 - last) * 8 + zeros + 1;
        (trailing <= self.left()).then_some(trailing)
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.position / 8)?;
        let bit = byte >> (7 - self.position % 8) & 1;
        self.position += 1;
        Some(bit == 1)
    }

    /// The next bits, at most 32.
    pub(super) fn take(&mut self, count: u32) -> Option<u32> {
        let mut value: u32 = 0;
        for _ in 0..count.min(32) {
            value = value << 1 | u32::from(self.flag()?);
        }
        Some(value)
    }

    /// The next eight bits.
    pub(super) fn byte(&mut self) -> Option<u8> {
        u8::try_from(self.take(8)?).ok()
    }

    /// An unsigned Exp-Golomb code (H.264 9.1).
    pub(super) fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let rest = self.take(zeros)?;
        Some((1_u32 << zeros) - 1 + rest)
    }

    /// An unsigned Exp-Golomb code that must not be above `most`.
    pub(super) fn ue_to(&mut self, most: u32) -> Option<u32> {
        self.ue().filter(|&value| value <= most)
    }

    /// A signed Exp-Golomb code (H.264 9.1.1).
    pub(super) fn se(&mut self) -> Option<i64> {
        let code = i64::from(self.ue()?);
        Some(if code % 2 == 1 {
            (code + 1) / 2
        } else {
            -code / 2
        })
    }
}

/// What is left of a NAL unit without the bytes that keep it from looking like a start code.
pub(super) fn unescape(nal: &[u8]) -> Cow<'_, [u8]> {
    unescape_whole(nal.get(..LONGEST).unwrap_or(nal))
}

/// The same, however long it is: of a picture.
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

/// Puts in the bytes that keep a NAL unit from looking like a start code.
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

/// Splits what a length before it measures from the rest.
///
/// The length is big-endian and `size` bytes long, at most four.
pub(super) fn split_counted(bytes: &[u8], size: usize) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(size.min(4))?;
    let length = length
        .iter()
        .fold(0_usize, |sum, &byte| sum << 8 | usize::from(byte));
    rest.split_at_checked(length)
}

/// A big-endian number at an offset.
pub(super) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    let two = bytes.get(offset..offset.checked_add(2)?)?;
    Some(u16::from_be_bytes(two.try_into().ok()?))
}

/// A big-endian number at an offset.
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let four = bytes.get(offset..offset.checked_add(4)?)?;
    Some(u32::from_be_bytes(four.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_exp_golomb_are_read_as_the_standard_lists_them() {
        // 1 010 011 00100 00101 00110 1 …
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1001_1010]);
        let codes: Vec<u32> = std::iter::from_fn(|| bits.ue()).take(6).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5]);
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1001_1010]);
        let codes: Vec<i64> = std::iter::from_fn(|| bits.se()).take(6).collect();
        assert_eq!(codes, [0, 1, -1, 2, -2, 3]);
    }

    #[test]
    fn nothing_is_read_past_the_end() {
        let mut bits = Bits::new(&[0xff]);
        assert_eq!(bits.take(9), None);
        assert_eq!(Bits::new(&[0; 8]).ue(), None);
        assert_eq!(Bits::new(&[]).flag(), None);
        assert_eq!(split_counted(&[0, 5, 1], 2), None);
    }

    #[test]
    fn escapes_are_taken_out() {
        assert_eq!(
            unescape(&[1, 0, 0, 3, 1, 0, 0, 3]).as_ref(),
            [1, 0, 0, 1, 0, 0]
        );
        assert_eq!(unescape(&[0, 3, 0, 3]).as_ref(), [0, 3, 0, 3]);
    }
}
