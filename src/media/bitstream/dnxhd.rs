//! `DNxHD` and `DNxHR` frame headers (SMPTE ST 2019-1 6.2).

use super::bits::{u16_at, u32_at};
use super::picture::CodedPicture;
use crate::media::colour::Matrix;

/// Parses the beginning of a frame.
///
/// Returns `None` for 12-bit video, and for compression ids that `profile_name` does not list.
/// ffprobe reports no field order for this codec, and does not read the colour from it.
pub(in crate::media) fn parse_frame(frame: &[u8]) -> Option<CodedPicture> {
    let &[_, _, _, _, version, fields, mixed] = frame.first_chunk::<7>()?;
    match (u32_at(frame, 0)?, version) {
        (0x280, 1 | 2) => {}
        (offset @ 0x280..=0x2170, 3) if offset % 4 == 0 => {}
        _ => return None,
    }
    let depth = match frame.get(0x21)? >> 5 {
        1 => 8,
        2 => 10,
        _ => return None,
    };
    let profile = profile_name(u32_at(frame, 0x28)?, depth)?;
    let &sampling = frame.get(0x2c)?;
    let format = match (sampling >> 6 & 1, depth, sampling & 1) {
        (0, 8, _) => "yuv422p",
        (0, 10, _) => "yuv422p10le",
        (1, 10, 1) => "yuv444p10le",
        (1, 10, 0) => "gbrp10le",
        _ => return None,
    };
    let is_interlaced = fields & 2 != 0;
    // Not supported: frames that mix field and frame coding per macroblock.
    if mixed >> 5 & 1 == 1 {
        return None;
    }
    Some(CodedPicture {
        profile: Some(profile.to_owned()),
        width: Some(u16_at(frame, 0x1a)?.into()),
        height: Some(u32::from(u16_at(frame, 0x18)?) * if is_interlaced { 2 } else { 1 }),
        pixel_format: Some(format.to_owned()),
        bits_per_raw_sample: Some(depth),
        may_be_interlaced: is_interlaced,
        assumed_matrix: Some(Matrix::Bt709),
        ..CodedPicture::default()
    })
}

/// Returns the profile name for a compression id; `None` if it does not match the bit depth.
fn profile_name(compression: u32, depth: u32) -> Option<&'static str> {
    Some(match (compression, depth) {
        (1270, 10) => "DNXHR 444",
        (1271, 10) => "DNXHR HQX",
        (1272, 8) => "DNXHR HQ",
        (1273, 8) => "DNXHR SQ",
        (1274, 8) => "DNXHR LB",
        (1235 | 1241 | 1250 | 1256, 10)
        | (1237 | 1238 | 1242..=1244 | 1251..=1253 | 1258..=1260, 8) => "DNXHD",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::{bytes, describe};

    /// Builds the header of a 1920x1080 frame.
    fn header(version: u8, fields: u8, depth: u8, compression: u16, sampling: u8) -> Vec<u8> {
        let mut bytes = bytes("00000280010080a0");
        bytes.resize(0x30, 0);
        (bytes[4], bytes[5], bytes[0x21], bytes[0x2c]) = (version, fields, depth, sampling);
        bytes[0x18..0x1c].copy_from_slice(&[4, 0x38, 7, 0x80]);
        bytes[0x2a..0x2c].copy_from_slice(&compression.to_be_bytes());
        bytes
    }

    #[test]
    fn frames_match_ffprobe() {
        for (header, expected) in [
            (header(1, 1, 0x38, 1237, 0x80), "DNXHD 1920x1080 yuv422p 8"),
            (
                header(1, 1, 0x58, 1235, 0x80),
                "DNXHD 1920x1080 yuv422p10le 10",
            ),
            (
                header(3, 1, 0x58, 1270, 0xc1),
                "DNXHR 444 1920x1080 yuv444p10le 10",
            ),
            (
                header(3, 1, 0x58, 1270, 0xc0),
                "DNXHR 444 1920x1080 gbrp10le 10",
            ),
            (
                header(3, 1, 0x38, 1272, 0x80),
                "DNXHR HQ 1920x1080 yuv422p 8",
            ),
            (
                header(1, 2, 0x38, 1242, 0x80),
                "DNXHD 1920x2160 yuv422p 8 fields?",
            ),
            (header(3, 1, 0x78, 1271, 0x80), "unclear"),
            (header(1, 1, 0x38, 1235, 0x80), "unclear"),
        ] {
            assert_eq!(describe(parse_frame(&header)), expected);
        }
    }
}
