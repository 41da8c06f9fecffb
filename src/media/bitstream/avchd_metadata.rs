//! Shooting date and camera make, which AVCHD cameras store in each keyframe.
//!
//! AVCHD files contain no other date. The data is an H.264 SEI message with proprietary user data
//! (`MDPM`): a list of tags with four bytes each. `ExifTool` documents them as `H264` tags.

use super::bits::unescape;
use super::{h264_first_picture, nal_units};

/// Payload type of user data with a 16-byte UUID (H.264 D.1.7).
const USER_DATA: usize = 5;
const UUID_AND_NAME: [u8; 20] =
    *b"\x17\xee\x8c\x60\xf8\x4d\x11\xd9\x8c\xd6\x08\x00\x20\x0c\x9a\x66MDPM";
const SEI: u8 = 6;
/// Maximum number of NAL units read before the first slice of a keyframe.
const MAX_UNITS: usize = 64;

/// Values of a camera's `MDPM` message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::media) struct AvchdMetadata {
    /// Recording time by the camera's clock, such as `2012-01-26 09:18:35`.
    pub recorded_at: Option<String>,
    pub make: Option<&'static str>,
}

/// Reads the `MDPM` message of a picture that is stored with start codes.
pub(in crate::media) fn read_metadata(stream: &[u8]) -> AvchdMetadata {
    let mut metadata = AvchdMetadata::default();
    let units = nal_units::split(stream).take(MAX_UNITS);
    for unit in units.filter(|unit| unit[0] & 0x1f == SEI) {
        let mut on_message = |kind: usize, message: &[u8]| {
            if kind == USER_DATA
                && let Some(found) = message.strip_prefix(&UUID_AND_NAME)
            {
                metadata = parse(found);
            }
        };
        // Messages before a truncated one are used.
        let _ = h264_first_picture::for_each_sei_message(&unescape(unit), &mut on_message);
    }
    metadata
}

fn parse(list: &[u8]) -> AvchdMetadata {
    let Some((&count, tags)) = list.split_first() else {
        return AvchdMetadata::default();
    };
    let tags = || tags.chunks_exact(5).take(count.into());
    let value = |tag_id: u8| {
        let tag = tags().find(|tag| tag.first() == Some(&tag_id));
        tag.and_then(|tag| tag.get(1..)?.first_chunk::<4>())
    };
    let recorded_at = || {
        // The first byte is the time zone, which few cameras set.
        let &[_, century, year, month] = value(0x18)?;
        let &[day, hour, minute, second] = value(0x19)?;
        let all = [century, year, month, day, hour, minute, second].map(bcd_digits);
        let [century, year, month, day, hour, minute, second] = all;
        Some(format!(
            "{}{}-{}-{} {}:{}:{}",
            century?, year?, month?, day?, hour?, minute?, second?
        ))
    };
    AvchdMetadata {
        recorded_at: recorded_at(),
        make: value(0xe0).and_then(|&[high, low, ..]| match [high, low] {
            [0x01, 0x03] => Some("Panasonic"),
            [0x01, 0x08] => Some("Sony"),
            [0x10, 0x11] => Some("Canon"),
            [0x11, 0x04] => Some("JVC"),
            _ => None,
        }),
    }
}

/// Formats a BCD byte as two decimal digits; `None` if it is not BCD.
fn bcd_digits(byte: u8) -> Option<String> {
    (byte >> 4 < 10 && byte & 15 < 10).then(|| format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::bytes;

    #[test]
    fn reads_date_and_make() {
        let parse = |list: &str| {
            let name = "17ee8c60f84d11d98cd60800200c9a664d44504d";
            let length = UUID_AND_NAME.len() + list.len() / 2;
            let metadata = read_metadata(&bytes(&format!("0000010605{length:02x}{name}{list}80")));
            (metadata.recorded_at, metadata.make)
        };
        assert_eq!(
            parse("0318002012011926091835e001030591"),
            (Some("2012-01-26 09:18:35".to_owned()), Some("Panasonic"))
        );
        assert_eq!(parse("01e010110000"), (None, Some("Canon")));
        assert_eq!(parse("02180020120a1926091835"), (None, None));
        assert_eq!(parse("ff"), (None, None));
        assert_eq!(parse(""), (None, None));
        assert_eq!(
            read_metadata(b"\0\0\x01\x06\x05\xff"),
            AvchdMetadata::default()
        );
    }
}
