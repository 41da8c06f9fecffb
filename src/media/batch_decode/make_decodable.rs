//! Conversion of keyframes so that each decodes independently of other frames.
//!
//! A decoder treats an HEVC clean random access picture (CRA) in the middle of a stream as a
//! continuation of the previous pictures. If the picture is marked as a broken link (BLA), the
//! decoder starts a new sequence. An H.264 keyframe of an open group of pictures is converted to an
//! IDR picture (`bitstream::h264_idr`).

use super::super::bitstream::h264;
use super::super::keyframes::Decoder;

/// Converts a keyframe so that it decodes independently of other frames; `None` if that is
/// impossible.
pub(super) fn make_independent(decoder: &Decoder, mut frame: Vec<u8>) -> Option<Vec<u8>> {
    match decoder.codec.as_str() {
        "h264" => {
            let mut is_independent = false;
            for_each_unit(
                &mut frame,
                prefix_length(&decoder.configuration, 4),
                |unit| {
                    is_independent |= unit.first().is_some_and(|byte| byte & 0x1f == 5);
                },
            );
            if is_independent {
                Some(frame)
            } else {
                h264::convert_to_idr(&decoder.configuration, &frame)
            }
        }
        "hevc" => {
            let prefix_length = prefix_length(&decoder.configuration, 21);
            let mut is_independent = true;
            for_each_unit(&mut frame, prefix_length, |unit| {
                is_independent &= !may_refer_to_others(unit);
                mark_broken_link(unit);
            });
            is_independent.then_some(frame)
        }
        _ => Some(frame),
    }
}

/// Returns true if a unit belongs to a picture that may refer to others. Such a unit is a slice
/// (type below 32) whose type is not one of the random access types (16 to 23).
fn may_refer_to_others(unit: &[u8]) -> bool {
    let kind = unit.first().map_or(0, |first| first >> 1 & 0x3f);
    kind < 32 && !(16..24).contains(&kind)
}

/// Changes the unit type from CRA (21) to `BLA_N_LP` (18), since no leading pictures follow.
fn mark_broken_link(unit: &mut [u8]) {
    const CRA: u8 = 21;
    const BLA_N_LP: u8 = 18;
    if let Some(first) = unit.first_mut()
        && (*first >> 1) & 0x3f == CRA
    {
        *first = (*first & 0x81) | (BLA_N_LP << 1);
    }
}

/// Returns the number of bytes of a length prefix. It is stored in byte 4 of `avcC` and byte 21 of
/// `hvcC`.
fn prefix_length(configuration: &[u8], at: usize) -> usize {
    configuration
        .get(at)
        .map_or(4, |byte| usize::from(byte & 3) + 1)
}

/// Calls `on_unit` for each NAL unit of a frame, up to the first invalid length.
fn for_each_unit(frame: &mut [u8], prefix_length: usize, mut on_unit: impl FnMut(&mut [u8])) {
    let mut rest = frame;
    while rest.len() > prefix_length {
        let (head, body) = rest.split_at_mut(prefix_length);
        let length = head
            .iter()
            .fold(0_usize, |length, &byte| (length << 8) | usize::from(byte));
        if length > body.len() {
            return;
        }
        let (unit, next) = body.split_at_mut(length);
        on_unit(unit);
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
    fn accepts_idr_pictures_and_rejects_pictures_that_cannot_become_one() {
        let make_independent = |frame: &[u8]| make_independent(&decoder("h264"), frame.to_vec());
        let idr = b"\0\0\0\x02\x06\x80\0\0\0\x02\x65\x88";
        assert_eq!(make_independent(idr).as_deref(), Some(&idr[..]));
        assert_eq!(make_independent(b"\0\0\0\x02\x41\x88"), None);
        assert_eq!(make_independent(b"\0\0\0\xff\x65\x88"), None);
    }

    #[test]
    fn marks_a_clean_random_access_picture_as_a_broken_link() {
        let frame = b"\0\0\0\x03\x2a\x01\xaf\0\0\0\x03\x26\x01\xaf";
        assert_eq!(
            make_independent(&decoder("hevc"), frame.to_vec()).as_deref(),
            Some(&b"\0\0\0\x03\x24\x01\xaf\0\0\0\x03\x26\x01\xaf"[..])
        );
        let inter = b"\0\0\0\x03\x02\x01\xaf";
        assert_eq!(make_independent(&decoder("hevc"), inter.to_vec()), None);
    }
}
