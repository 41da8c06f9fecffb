//! DV frame header and auxiliary data (IEC 61834, SMPTE ST 314 and ST 370).

use super::picture::CodedPicture;

/// Parses the beginning of a frame: its header, and the first pack of video auxiliary data.
pub(in crate::media) fn parse_frame(frame: &[u8]) -> Option<CodedPicture> {
    /// Byte position of the signal type, which is in the sixth 80-byte block.
    const SIGNAL: usize = 80 * 5 + 48 + 3;
    if frame.first()? >> 5 != 0 {
        return None;
    }
    let is_625_lines = frame.get(3)? & 0x80 != 0;
    let is_professional = frame.get(4)? & 7 != 0;
    let kind = frame.get(SIGNAL)? & 0x1f;
    let (width, height, format) = match (kind, is_625_lines) {
        (0x00, false) => (720, 480, "yuv411p"),
        (0x00, true) if is_professional => (720, 576, "yuv411p"),
        (0x00, true) => (720, 576, "yuv420p"),
        (0x04, false) => (720, 480, "yuv422p"),
        (0x04, true) => (720, 576, "yuv422p"),
        (0x14, false) => (1280, 1080, "yuv422p"),
        (0x14, true) => (1440, 1080, "yuv422p"),
        (0x18, _) => (960, 720, "yuv422p"),
        _ => return None,
    };
    Some(CodedPicture {
        width: Some(width),
        height: Some(height),
        pixel_format: Some(format.to_owned()),
        may_be_interlaced: true,
        ..CodedPicture::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::describe;

    #[test]
    fn frames_match_ffprobe() {
        for (lines, professional, kind, expected) in [
            (0, 0, 0, "720x480 yuv411p fields?"),
            (0x80, 0, 0, "720x576 yuv420p fields?"),
            (0x80, 1, 0, "720x576 yuv411p fields?"),
            (0x80, 1, 4, "720x576 yuv422p fields?"),
            (0, 1, 0x14, "1280x1080 yuv422p fields?"),
            (0x80, 1, 0x18, "960x720 yuv422p fields?"),
            (0x80, 1, 0x1f, "unclear"),
        ] {
            let mut frame = vec![0x1f, 7, 0, lines, professional];
            frame.resize(480, 0xff);
            frame[451] = kind;
            assert_eq!(describe(parse_frame(&frame)), expected);
        }
        assert_eq!(parse_frame(&[0x1f; 100]), None);
    }
}
