//! Keyframes that are not where a stream may begin, made so.
//!
//! An HEVC clean random access picture (CRA) in the middle of a stream is decoded by what
//! came before; called a broken link (BLA) it begins anew. An H.264 key of an open group
//! becomes an IDR picture (`bitstream::h264_idr`).

use super::super::bitstream::h264;
use super::super::keyframes::Decoder;

/// Makes a key, as it is stored, one that a decoder takes in any order; `None` when it cannot.
pub(super) fn opened(decoder: &Decoder, mut frame: Vec<u8>) -> Option<Vec<u8>> {
    match decoder.codec.as_str() {
        "h264" => {
            let mut is_open = false;
            each_unit(&mut frame, length_size(&decoder.configuration, 4), |unit| {
                is_open |= unit.first().is_some_and(|byte| byte & 0x1f == 5);
            });
            if is_open {
                Some(frame)
            } else {
                h264::convert_to_idr(&decoder.configuration, &frame)
            }
        }
        "hevc" => {
            let length_size = length_size(&decoder.configuration, 21);
            let mut is_open = true;
            each_unit(&mut frame, length_size, |unit| {
                is_open &= !is_inter(unit);
                break_link(unit);
            });
            is_open.then_some(frame)
        }
        _ => Some(frame),
    }
}

/// Whether a unit is of a picture that may need others: a slice (below 32) of no random access
/// picture (16 to 23).
fn is_inter(unit: &[u8]) -> bool {
    let kind = unit.first().map_or(0, |first| first >> 1 & 0x3f);
    kind < 32 && !(16..24).contains(&kind)
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
    fn an_idr_picture_stays_as_it_is_and_what_cannot_be_one_is_none() {
        let opened = |frame: &[u8]| opened(&decoder("h264"), frame.to_vec());
        let idr = b"\0\0\0\x02\x06\x80\0\0\0\x02\x65\x88";
        assert_eq!(opened(idr).as_deref(), Some(&idr[..]));
        assert_eq!(opened(b"\0\0\0\x02\x41\x88"), None);
        assert_eq!(opened(b"\0\0\0\xff\x65\x88"), None);
    }

    #[test]
    fn a_clean_random_access_picture_becomes_a_broken_link() {
        let frame = b"\0\0\0\x03\x2a\x01\xaf\0\0\0\x03\x26\x01\xaf";
        assert_eq!(
            opened(&decoder("hevc"), frame.to_vec()).as_deref(),
            Some(&b"\0\0\0\x03\x24\x01\xaf\0\0\0\x03\x26\x01\xaf"[..])
        );
        let inter = b"\0\0\0\x03\x02\x01\xaf";
        assert_eq!(opened(&decoder("hevc"), inter.to_vec()), None);
    }
}
