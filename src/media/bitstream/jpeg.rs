//! Motion JPEG pictures: segments before the first scan (ITU-T T.81 annex B).

use super::bits::u16_at;
use super::picture::{CodedPicture, ColourOverrides};
use crate::media::colour::{Colour, Matrix, video_range};
use crate::media::ratio::PixelAspect;

/// Maximum number of segments before the first scan; pictures have about a dozen.
const MAX_SEGMENTS: usize = 500;

/// Parses the beginning of a picture, up to its frame header.
///
/// Returns `None` for bit depths other than eight, for colour models other than luma and chroma,
/// and for subsampling without a pixel format. If the container's picture is higher than this one
/// by more than a third, the pictures are fields, and ffprobe joins them.
pub(in crate::media) fn parse_frame(picture: &[u8]) -> Option<CodedPicture> {
    let mut rest = picture.strip_prefix(&[0xff, 0xd8])?;
    let mut is_limited = false;
    let mut aspect = None;
    for _ in 0..MAX_SEGMENTS {
        let marker = rest.iter().position(|&byte| byte != 0xff)?;
        let kind = *rest.get(marker).filter(|_| marker > 0)?;
        rest = rest.get(marker + 1..)?;
        let length = usize::from(u16_at(rest, 0)?).checked_sub(2)?;
        let (body, after) = rest.get(2..)?.split_at_checked(length)?;
        match kind {
            0xc0..=0xc2 => return parse_frame_header(kind, body, is_limited, aspect),
            0xe0 if body.starts_with(b"JFIF\0") => {
                aspect = PixelAspect::new(u16_at(body, 8)?.into(), u16_at(body, 10)?.into());
            }
            // Not supported: pictures that may be interlaced, or in another colour space.
            0xe0 if body.starts_with(b"AVI1") => return None,
            0xee if body.starts_with(b"Adobe") => return None,
            0xfe if body.starts_with(b"CS=ITU601") => is_limited = true,
            // Not supported: other coding processes, and pictures without a frame header.
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf | 0xd0..=0xda => return None,
            _ => {}
        }
        rest = after;
    }
    None
}

fn parse_frame_header(
    kind: u8,
    header: &[u8],
    is_limited: bool,
    aspect: Option<PixelAspect>,
) -> Option<CodedPicture> {
    let (&[8, ..], [_, _, _, _, _, count, components @ ..]) = (header, header) else {
        return None;
    };
    let components = components.as_chunks::<3>().0;
    if components.len() != usize::from(*count) {
        return None;
    }
    let profile = match kind {
        0xc0 => "Baseline",
        0xc1 => "Sequential",
        _ => "Progressive",
    };
    let has_chroma = components.len() > 1;
    Some(CodedPicture {
        profile: Some(profile.to_owned()),
        width: Some(u16_at(header, 3)?.into()).filter(|&side| side > 0),
        height: Some(u16_at(header, 1)?.into()).filter(|&side| side > 0),
        pixel_aspect: aspect,
        pixel_format: Some(pixel_format(components, is_limited)?.to_owned()),
        bits_per_raw_sample: Some(8),
        colour: Colour {
            range: has_chroma.then(|| video_range(!is_limited)),
            matrix: Some(Matrix::Bt470Bg),
            ..Colour::default()
        },
        overrides: ColourOverrides {
            range: has_chroma,
            matrix: true,
            primaries_and_transfer: false,
        },
        ..CodedPicture::default()
    })
}

/// Returns the pixel format for the sampling factors. Like ffmpeg, it halves them if all are even.
fn pixel_format(components: &[[u8; 3]], is_limited: bool) -> Option<&'static str> {
    if let [[_, 0x11 | 0x22, _]] = components {
        return Some("gray");
    }
    let [first, second, third] = components else {
        return None;
    };
    let ids = [first[0], second[0], third[0]];
    if ids == *b"RGB" || ids == *b"rgb" {
        return None;
    }
    let factors = [first[1], second[1], third[1]];
    let horizontal = halve_if_even(factors.map(|factor| factor >> 4));
    let vertical = halve_if_even(factors.map(|factor| factor & 15));
    Some(match (horizontal, vertical, is_limited) {
        ([2, 1, 1], [2, 1, 1], false) => "yuvj420p",
        ([2, 1, 1], [2, 1, 1], true) => "yuv420p",
        ([2, 1, 1], [1, 1, 1], false) => "yuvj422p",
        ([2, 1, 1], [1, 1, 1], true) => "yuv422p",
        ([1, 1, 1], [1, 1, 1], false) => "yuvj444p",
        ([1, 1, 1], [1, 1, 1], true) => "yuv444p",
        _ => return None,
    })
}

fn halve_if_even(factors: [u8; 3]) -> [u8; 3] {
    let is_even = factors.iter().all(|factor| factor % 2 == 0);
    factors.map(|factor| if is_even { factor / 2 } else { factor })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::{bytes, describe};

    #[test]
    fn pictures_match_ffprobe() {
        const JFIF: &str = "ffd8ffe000104a46494600010200000100010000";
        const LIMITED: &str = "ffd8fffe000c43533d49545536303100";
        for (head, frame, expected) in [
            (
                JFIF,
                "ffc000110800f0014003012200021100031100",
                "Baseline 320x240 1:1 yuvj420p 8 pc bt470bg",
            ),
            (
                LIMITED,
                "ffc000110800f0014003012200021100031100",
                "Baseline 320x240 yuv420p 8 tv bt470bg",
            ),
            (
                "ffd8ffffff",
                "c200110800f0014003012100021100031100",
                "Progressive 320x240 yuvj422p 8 pc bt470bg",
            ),
            (
                "ffd8",
                "ffc100110800f0014003012200022200032200",
                "Sequential 320x240 yuvj444p 8 pc bt470bg",
            ),
            (
                "ffd8",
                "ffc0000b080030004001001100",
                "Baseline 64x48 gray 8 bt470bg",
            ),
            ("ffd8", "ffc000110c00f0014003012200021100031100", "unclear"),
            (
                "ffd8ffee000741646f6265",
                "ffc000110800f0014003012200021100031100",
                "unclear",
            ),
            (
                "ffd8ffda0002",
                "ffc000110800f0014003012200021100031100",
                "unclear",
            ),
        ] {
            assert_eq!(
                describe(parse_frame(&bytes(&format!("{head}{frame}")))),
                expected
            );
        }
    }
}
