//! VP9 configuration record (WebM project's MP4 binding) and key frame header (VP9 bitstream
//! specification 6.2).
//!
//! ffprobe takes the size, range and matrix from the frame, and the primaries and transfer from the
//! record.

use super::bits::BitReader;
use super::picture::{CodedPicture, ColourOverrides, planar_rgb_format, yuv_format};
use crate::media::colour::{Colour, Matrix};

/// Parses the payload of a `vpcC` box, which begins with its version.
pub(in crate::media) fn parse_vpcc(payload: &[u8]) -> Option<CodedPicture> {
    let &[
        1,
        _,
        _,
        _,
        profile @ 0..=3,
        _,
        format,
        primaries,
        transfer,
        matrix,
        ..,
    ] = payload
    else {
        return None;
    };
    let sampling = match format >> 1 & 7 {
        0 | 1 => 1,
        2 => 2,
        3 => 3,
        _ => return None,
    };
    let colour = Colour::from_codes(primaries, transfer, matrix).with_range(format & 1 == 1);
    let format = yuv_format(sampling, (format >> 4).into())?;
    Some(CodedPicture {
        profile: Some(format!("Profile {profile}")),
        pixel_format: Some(match colour.matrix {
            Some(Matrix::Rgb) => planar_rgb_format(&format)?,
            _ => format,
        }),
        colour,
        ..CodedPicture::default()
    })
}

/// Parses the beginning of a frame; `None` unless it is a key frame.
pub(in crate::media) fn parse_frame(frame: &[u8]) -> Option<CodedPicture> {
    let mut bits = BitReader::new(frame);
    if bits.read(2)? != 2 {
        return None;
    }
    let profile = bits.read(1)? | bits.read(1)? << 1;
    let is_reserved = profile == 3 && bits.flag()?;
    let (is_repeated, is_inter) = (bits.flag()?, bits.flag()?);
    bits.skip(2)?;
    if is_reserved || is_repeated || is_inter || bits.read(24)? != 0x49_83_42 {
        return None;
    }
    let depth = match profile {
        0 | 1 => 8,
        _ if bits.flag()? => 12,
        _ => 10,
    };
    let (format, colour) = read_colour(&mut bits, profile, depth)?;
    Some(CodedPicture {
        profile: Some(format!("Profile {profile}")),
        width: Some(bits.read(16)? + 1),
        height: Some(bits.read(16)? + 1),
        pixel_format: Some(format),
        colour,
        overrides: ColourOverrides {
            range: true,
            matrix: true,
            primaries_and_transfer: false,
        },
        ..CodedPicture::default()
    })
}

fn read_colour(bits: &mut BitReader, profile: u32, depth: u32) -> Option<(String, Colour)> {
    let has_sampling = profile & 1 == 1;
    let matrix = match bits.read(3)? {
        1 => Some(Matrix::Bt470Bg),
        2 => Some(Matrix::Bt709),
        3 => Some(Matrix::Smpte170M),
        4 => Some(Matrix::Smpte240M),
        5 => Some(Matrix::Bt2020Nonconstant),
        7 => Some(Matrix::Rgb),
        _ => None,
    };
    let colour = Colour {
        matrix,
        ..Colour::default()
    };
    if matrix == Some(Matrix::Rgb) {
        if !has_sampling {
            return None;
        }
        bits.skip(1)?;
        return Some((
            planar_rgb_format(&yuv_format(3, depth)?)?,
            colour.with_range(true),
        ));
    }
    let colour = colour.with_range(bits.flag()?);
    let mut sampling = (true, true);
    if has_sampling {
        sampling = (bits.flag()?, bits.flag()?);
        bits.skip(1)?;
    }
    let format = match sampling {
        (true, true) => yuv_format(1, depth)?,
        (true, false) => yuv_format(2, depth)?,
        (false, false) => yuv_format(3, depth)?,
        (false, true) if depth == 8 => "yuv440p".to_owned(),
        (false, true) => format!("yuv440p{depth}le"),
    };
    Some((format, colour))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::{bytes, describe};

    #[test]
    fn frames_match_ffprobe() {
        for (hex, expected) in [
            ("824983420013f00ef60638241c", "Profile 0 320x240 yuv420p tv"),
            (
                "824983427013f00ef60638241c",
                "Profile 0 320x240 yuv420p pc smpte170m",
            ),
            (
                "924983425009f8077b031c120e",
                "Profile 2 320x240 yuv420p10le tv bt2020nc",
            ),
            (
                "a2498342e013f00ef60438241c",
                "Profile 1 320x240 gbrp pc gbr",
            ),
            (
                "b124c1a140009f8077b031c120",
                "Profile 3 320x240 yuv444p12le tv",
            ),
            ("860040", "unclear"),
        ] {
            assert_eq!(describe(parse_frame(&bytes(hex))), expected, "{hex}");
        }
    }

    #[test]
    fn reads_the_colours_of_a_record() {
        assert_eq!(
            describe(parse_vpcc(&bytes("010000000214a20910090000"))),
            "Profile 2 yuv420p10le tv bt2020nc smpte2084 bt2020"
        );
        assert_eq!(parse_vpcc(&bytes("0100000002")), None);
    }
}
