//! What AVCHD cameras write of themselves into each key: when it was shot, and who made them.
//!
//! AVCHD keeps no other date. The message is an H.264 user data message of its own kind
//! (`MDPM`), a list of tags with four bytes each; as far as it is known, from `ExifTool`'s
//! `H264` tags.

use super::bits::unescape;
use super::{h264_fields, units};

/// User data with a name of sixteen bytes (H.264 D.1.7).
const USER_DATA: usize = 5;
const NAME: [u8; 20] = *b"\x17\xee\x8c\x60\xf8\x4d\x11\xd9\x8c\xd6\x08\x00\x20\x0c\x9a\x66MDPM";
const MESSAGES: u8 = 6;
/// Units before the first slice of a key that are looked at.
const MOST_UNITS: usize = 64;

/// What a camera wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::media) struct Noted {
    /// Date and time as its clock showed it: `2012-01-26 09:18:35`.
    pub shot: Option<String>,
    pub make: Option<&'static str>,
}

/// Reads the messages of a picture, after start codes.
pub(in crate::media) fn of_picture(stream: &[u8]) -> Noted {
    let mut noted = Noted::default();
    let units = units::split(stream).take(MOST_UNITS);
    for unit in units.filter(|unit| unit[0] & 0x1f == MESSAGES) {
        let mut take = |kind: usize, message: &[u8]| {
            if kind == USER_DATA
                && let Some(found) = message.strip_prefix(&NAME)
            {
                noted = read(found);
            }
        };
        // One that is cut short tells no more.
        let _ = h264_fields::each_message(&unescape(unit), &mut take);
    }
    noted
}

fn read(list: &[u8]) -> Noted {
    let Some((&count, tags)) = list.split_first() else {
        return Noted::default();
    };
    let tags = || tags.chunks_exact(5).take(count.into());
    let value = |wanted: u8| {
        let tag = tags().find(|tag| tag.first() == Some(&wanted));
        tag.and_then(|tag| tag.get(1..)?.first_chunk::<4>())
    };
    let shot = || {
        // The first byte is of a time zone, which few cameras set.
        let &[_, century, year, month] = value(0x18)?;
        let &[day, hour, minute, second] = value(0x19)?;
        let all = [century, year, month, day, hour, minute, second].map(two_digits);
        let [century, year, month, day, hour, minute, second] = all;
        Some(format!(
            "{}{}-{}-{} {}:{}:{}",
            century?, year?, month?, day?, hour?, minute?, second?
        ))
    };
    Noted {
        shot: shot(),
        make: value(0xe0).and_then(|&[high, low, ..]| match [high, low] {
            [0x01, 0x03] => Some("Panasonic"),
            [0x01, 0x08] => Some("Sony"),
            [0x10, 0x11] => Some("Canon"),
            [0x11, 0x04] => Some("JVC"),
            _ => None,
        }),
    }
}

/// A byte of two decimal digits.
fn two_digits(byte: u8) -> Option<String> {
    (byte >> 4 < 10 && byte & 15 < 10).then(|| format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::bytes;

    #[test]
    fn a_camera_notes_date_and_make() {
        let told = |list: &str| {
            let name = "17ee8c60f84d11d98cd60800200c9a664d44504d";
            let length = NAME.len() + list.len() / 2;
            let noted = of_picture(&bytes(&format!("0000010605{length:02x}{name}{list}80")));
            (noted.shot, noted.make)
        };
        assert_eq!(
            told("0318002012011926091835e001030591"),
            (Some("2012-01-26 09:18:35".to_owned()), Some("Panasonic"))
        );
        assert_eq!(told("01e010110000"), (None, Some("Canon")));
        assert_eq!(told("02180020120a1926091835"), (None, None));
        assert_eq!(told("ff"), (None, None));
        assert_eq!(told(""), (None, None));
        assert_eq!(of_picture(b"\0\0\x01\x06\x05\xff"), Noted::default());
    }
}
