//! Headers of camera raw formats that ffmpeg does not read.
//!
//! The REDCODE layout is that of libavformat's `r3d` demuxer (version 1), the ARRIRAW layout that
//! of SMPTE RDD 30. For version 2 of R3D, only the format is recognized.

use crate::clip::{Clip, Fact, Source};
use crate::value::Rate;

/// Version of this reader. Increase it when the reader gives other facts or supports other files.
pub(super) const VERSION: u32 = 1;

/// Reads a raw header from the first bytes of a file. `None` if the file has another format.
pub(super) fn read(head: &[u8]) -> Option<Clip> {
    match (head.get(..4), head.get(4..8)) {
        (_, Some(b"RED1")) => Some(parse_red(head, true)),
        (_, Some(b"RED2")) => Some(parse_red(head, false)),
        (Some(b"ARRI"), _) => Some(parse_arri(head)),
        _ => None,
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "every field of a clip is optional"
)]
fn fact<T>(value: T) -> Option<Fact<T>> {
    Some(Fact::new(value, Source::RAW_HEADER))
}

fn parse_red(head: &[u8], is_version_1: bool) -> Clip {
    let mut clip = Clip {
        container: fact("r3d".to_owned()),
        video_codec: fact("redcode".to_owned()),
        make: fact("RED".to_owned()),
        ..Clip::default()
    };
    if is_version_1 {
        set_size(&mut clip, big_endian(head, 52), big_endian(head, 56));
        let u16_at = |at: usize| {
            Some(u32::from(u16::from_be_bytes(
                head.get(at..at + 2)?.try_into().ok()?,
            )))
        };
        let rate = u16_at(62)
            .zip(u16_at(64))
            .and_then(|(num, den)| Rate::new(num, den));
        clip.rate = rate.and_then(fact);
    }
    clip
}

fn parse_arri(head: &[u8]) -> Clip {
    let mut clip = Clip {
        container: fact("ari".to_owned()),
        video_codec: fact("arriraw".to_owned()),
        make: fact("ARRI".to_owned()),
        ..Clip::default()
    };
    // The byte order mark is the number 0x12345678 in the byte order of the header.
    let is_big_endian = head.get(4..8) == Some(b"\x12\x34\x56\x78");
    let number = |at| {
        if is_big_endian {
            big_endian(head, at)
        } else {
            little_endian(head, at)
        }
    };
    set_size(&mut clip, number(20), number(24));
    clip.model = head.get(668..700).and_then(text).and_then(fact);
    clip
}

fn set_size(clip: &mut Clip, width: Option<u32>, height: Option<u32>) {
    let is_plausible = |n: &u32| (16..=32_768).contains(n);
    if let Some((width, height)) = width.filter(is_plausible).zip(height.filter(is_plausible)) {
        clip.width = fact(width);
        clip.height = fact(height);
        clip.display_width = fact(width);
        clip.display_height = fact(height);
    }
}

fn big_endian(head: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?))
}

fn little_endian(head: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?))
}

/// Returns the text before the first NUL; `None` if it is empty or not printable.
fn text(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.split(|&b| b == 0).next()?;
    let text = std::str::from_utf8(bytes).ok()?.trim();
    (!text.is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_size_and_rate_of_a_raw_header() {
        let mut head = vec![0_u8; 128];
        head[4..8].copy_from_slice(b"RED1");
        head[52..56].copy_from_slice(&4096_u32.to_be_bytes());
        head[56..60].copy_from_slice(&2304_u32.to_be_bytes());
        head[62..64].copy_from_slice(&24000_u16.to_be_bytes());
        head[64..66].copy_from_slice(&1001_u16.to_be_bytes());
        let clip = read(&head).unwrap();
        assert_eq!(clip.width.unwrap().value, 4096);
        assert_eq!(clip.rate.unwrap().value.to_string(), "24000/1001");
    }

    #[test]
    fn recognizes_only_the_format_of_short_and_damaged_headers() {
        let clip = read(b"\0\0\0\0RED1").unwrap();
        assert_eq!((clip.width, clip.rate), (None, None));
        let mut head = b"ARRI\x12\x34\x56\x78".to_vec();
        head.resize(800, 0xff);
        let clip = read(&head).unwrap();
        assert_eq!((clip.width, clip.model), (None, None));
        assert_eq!(read(b"RIFF"), None);
    }
}
