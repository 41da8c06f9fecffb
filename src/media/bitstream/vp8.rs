//! VP8 key frame header (RFC 6386, 9.1).

use super::picture::CodedPicture;
use crate::value::ScanOrder;

/// Parses the beginning of a frame; `None` unless it is a key frame.
pub(in crate::media) fn parse_frame(frame: &[u8]) -> Option<CodedPicture> {
    let &[
        tag,
        _,
        _,
        0x9d,
        0x01,
        0x2a,
        w_low,
        w_high,
        h_low,
        h_high,
        ..,
    ] = frame
    else {
        return None;
    };
    let profile = tag >> 1 & 7;
    let side = |low, high| {
        // The two upper bits request scaling, which is not used in practice.
        let side = u16::from_le_bytes([low, high]) & 0x3fff;
        (side > 0).then_some(u32::from(side))
    };
    let is_inter = tag & 1 == 1;
    if is_inter || profile > 3 {
        return None;
    }
    Some(CodedPicture {
        profile: Some(profile.to_string()),
        width: Some(side(w_low, w_high)?),
        height: Some(side(h_low, h_high)?),
        pixel_format: Some("yuv420p".to_owned()),
        scan_order: Some(ScanOrder::Progressive),
        ..CodedPicture::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::{bytes, describe};

    #[test]
    fn frames_match_ffprobe() {
        for (hex, expected) in [
            ("5026009d012a4001b400", "0 320x180 yuv420p progressive"),
            ("5226009d012a4001b4c0", "1 320x180 yuv420p progressive"),
            ("5126009d012a4001b400", "unclear"),
            ("5026009d012b4001b400", "unclear"),
            ("5026009d012a0000b400", "unclear"),
            ("5026009d012a4001b4", "unclear"),
        ] {
            assert_eq!(describe(parse_frame(&bytes(hex))), expected, "{hex}");
        }
    }
}
