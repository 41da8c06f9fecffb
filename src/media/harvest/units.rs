//! Keyframes that are not where a stream may begin, made so.
//!
//! An HEVC clean random access picture (CRA) in the middle of a stream is decoded by what
//! came before; called a broken link (BLA) it begins anew. An H.264 key without an IDR
//! picture cannot be renamed: it needs an IDR of its own configuration before it.

use super::super::keyframes::Decoder;

/// What a key needs before it can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing.
    Nothing,
    /// A picture that a stream may begin with, of the same configuration.
    Opening,
}

/// Makes a key, as it is stored, one that a decoder takes in any order.
pub(super) fn open(decoder: &Decoder, frame: &mut [u8]) -> Needs {
    match decoder.codec.as_str() {
        "h264" => {
            let is_idr = |unit: &[u8]| unit.first().is_some_and(|byte| byte & 0x1f == 5);
            let mut needs = Needs::Opening;
            each_unit(frame, length_size(&decoder.configuration, 4), |unit| {
                if is_idr(unit) {
                    needs = Needs::Nothing;
                }
            });
            needs
        }
        "hevc" => {
            each_unit(frame, length_size(&decoder.configuration, 21), break_link);
            Needs::Nothing
        }
        _ => Needs::Nothing,
    }
}

/// CRA (21) becomes `BLA_N_LP` (18): no leading pictures follow.
fn break_link(unit: &mut [u8]) {
    const CRA: u8 = 21;
    const BLA_N_LP: u8 = 18;
    if let Some(first) = unit.first_mut()
        && (*first >> 1) & 0x3f == CRA
    {
        *first = (*first & 0x81) | (BLA_N_LP << 1);
    }
}

/// Bytes of a unit's length, as `avcC` (byte 4) and `hvcC` (byte 21) say.
fn length_size(configuration: &[u8], at: usize) -> usize {
    configuration
        .get(at)
        .map_or(4, |byte| usize::from(byte & 3) + 1)
}

/// Each network abstraction layer unit of a frame, as far as lengths can be believed.
fn each_unit(frame: &mut [u8], length_size: usize, mut look: impl FnMut(&mut [u8])) {
    let mut rest = frame;
    while rest.len() > length_size {
        let (head, body) = rest.split_at_mut(length_size);
        let length = head
            .iter()
            .fold(0_usize, |length, &byte| (length << 8) | usize::from(byte));
        if length > body.len() {
            return;
        }
        let (unit, next) = body.split_at_mut(length);
        look(unit);
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoder(codec: &str) -> Decoder {
        Decoder {
            codec: codec.to_owned(),
            kind: *b"avc1",
            configuration: vec![0xff; 23],
            width: 16,
            height: 16,
        }
    }

    #[test]
    fn only_an_idr_picture_opens_a_stream() {
        let open = |frame: &[u8]| super::open(&decoder("h264"), &mut frame.to_vec());
        assert_eq!(
            open(b"\0\0\0\x02\x06\x80\0\0\0\x02\x65\x88"),
            Needs::Nothing
        );
        assert_eq!(
            open(b"\0\0\0\x02\x06\x80\0\0\0\x02\x41\x88"),
            Needs::Opening
        );
        assert_eq!(open(b"\0\0\0\xff\x65\x88"), Needs::Opening);
        assert_eq!(open(b""), Needs::Opening);
    }

    #[test]
    fn a_clean_random_access_picture_becomes_a_broken_link() {
        let mut frame = b"\0\0\0\x03\x2a\x01\xaf\0\0\0\x03\x26\x01\xaf".to_vec();
        assert_eq!(open(&decoder("hevc"), &mut frame), Needs::Nothing);
        assert_eq!(frame, b"\0\0\0\x03\x24\x01\xaf\0\0\0\x03\x26\x01\xaf");
    }
}
