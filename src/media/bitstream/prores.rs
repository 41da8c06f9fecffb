//! `ProRes` frame header (SMPTE RDD 36 5.1).

use super::bits::u16_at;
use super::picture::{CodedPicture, ColourOverrides};
use crate::media::colour::Colour;

/// Parses the beginning of a frame; `fourcc` is the name of its sample description (`apch`, …).
///
/// ffprobe takes the field order only from the container.
pub(in crate::media) fn parse_frame(fourcc: [u8; 4], frame: &[u8]) -> Option<CodedPicture> {
    let (profile, depth) = match &fourcc {
        b"apco" => ("Proxy", 10),
        b"apcs" => ("LT", 10),
        b"apcn" => ("Standard", 10),
        b"apch" => ("HQ", 10),
        b"ap4h" => ("4444", 12),
        b"ap4x" => ("XQ", 12),
        _ => return None,
    };
    let header = frame.get(8..)?;
    let &[
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        kind,
        _,
        primaries,
        transfer,
        matrix,
        alpha,
        ..,
    ] = header
    else {
        return None;
    };
    if frame.get(4..8)? != b"icpf" || u16_at(header, 0)? < 20 || u16_at(header, 2)? > 1 {
        return None;
    }
    let sampling = if kind >> 6 == 3 { "444" } else { "422" };
    let with_alpha = match alpha & 15 {
        0 => "",
        1 | 2 => "a",
        _ => return None,
    };
    Some(CodedPicture {
        profile: Some(profile.to_owned()),
        width: Some(u16_at(header, 8)?.into()),
        height: Some(u16_at(header, 10)?.into()),
        pixel_format: Some(format!("yuv{with_alpha}{sampling}p{depth}le")),
        bits_per_raw_sample: Some(depth),
        may_be_interlaced: kind >> 2 & 3 != 0,
        colour: Colour::from_codes(primaries, transfer, matrix).with_range(false),
        overrides: ColourOverrides::ALL,
        ..CodedPicture::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::{bytes, describe};

    #[test]
    fn frames_match_ffprobe() {
        for (fourcc, header, expected) in [
            (
                b"apco",
                "0000276669637066009400004c617663014000f080000202024000030407090b",
                "Proxy 320x240 yuv422p10le 10 tv",
            ),
            (
                b"apch",
                "00008d4669637066009400004c617663014000f0800009100940000304040404",
                "HQ 320x240 yuv422p10le 10 tv bt2020nc smpte2084 bt2020",
            ),
            (
                b"apch",
                "0000a7de69637066009400004c617663014000f0840002020240000304040404",
                "HQ 320x240 yuv422p10le 10 fields? tv",
            ),
            (
                b"ap4h",
                "0000b5ca69637066009400004c617663014000f0c00002020240000304040404",
                "4444 320x240 yuv444p12le 12 tv",
            ),
            (
                b"ap4x",
                "0000c8e369637066009400004c617663014000f0c00002020242000304040404",
                "XQ 320x240 yuva444p12le 12 tv",
            ),
            (
                b"aprn",
                "0000b5ca69637066009400004c617663014000f0c00002020240000304040404",
                "unclear",
            ),
            (
                b"apcn",
                "0000b5ca69637066009400004c617663014000f0",
                "unclear",
            ),
        ] {
            assert_eq!(describe(parse_frame(*fourcc, &bytes(header))), expected);
        }
    }
}
