//! Timecode components, counted as ffprobe does.

use super::klv::LocalSet;
use crate::value::Timecode;

/// Returns the timecode at `offset` frames after a component's first frame; `None` if the rate or
/// the frame number is invalid, or if the timecode is later than a day.
pub(super) fn parse_timecode(component: &LocalSet, offset: i64) -> Option<Timecode> {
    // ffprobe uses the lower 32 of 64 bits.
    let first = component.i64(0x1501).unwrap_or(0) & i64::from(u32::MAX);
    let base = i64::from(component.cursor(0x1502)?.u16()?);
    let is_drop_frame = component.u8(0x1503) == Some(1);
    let number = first.checked_add(offset)?;
    let is_valid_rate = base > 0 && !(is_drop_frame && base % 30 != 0);
    let is_plausible = (0..i64::from(i32::MAX)).contains(&number);
    if !is_valid_rate || !is_plausible {
        return None;
    }
    let number = if is_drop_frame {
        drop_frame_number(number, base)
    } else {
        number
    };
    let seconds = number / base;
    let part = |value: i64| u8::try_from(value).ok();
    Timecode::new(
        part(seconds / 3600)?,
        part(seconds / 60 % 60)?,
        part(seconds % 60)?,
        part(number % base)?,
        is_drop_frame,
    )
}

/// Converts a frame count to a drop-frame number: two numbers (at 30 frames per second) are
/// skipped every minute except every tenth.
fn drop_frame_number(frame: i64, base: i64) -> i64 {
    let dropped = base / 30 * 2;
    let ten_minutes = base / 30 * 17982;
    let (tens, rest) = (frame / ten_minutes, frame % ten_minutes);
    frame + 9 * dropped * tens + dropped * ((rest - dropped) / (ten_minutes / 10)).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::mxf::klv::Primer;

    fn timecode_of(first: i64, base: u16, drop: u8, offset: i64) -> Option<String> {
        let value = [
            &b"\x15\x01\0\x08"[..],
            &first.to_be_bytes(),
            b"\x15\x02\0\x02",
            &base.to_be_bytes(),
            b"\x15\x03\0\x01",
            &[drop, 0, 0, 0, 0],
        ]
        .concat();
        let component = LocalSet::parse(0x14, &value, &Primer::default())?;
        Some(parse_timecode(&component, offset)?.to_string())
    }

    #[test]
    fn counts_frames_like_ffprobe() {
        for (first, base, drop, offset, expected) in [
            (0, 25, 0, 0, Some("00:00:00:00")),
            (90_000, 25, 0, 30, Some("01:00:01:05")),
            (1799, 30, 1, 0, Some("00:00:59;29")),
            (1800, 30, 1, 0, Some("00:01:00;02")),
            (17_982, 30, 1, 0, Some("00:10:00;00")),
            (107_892, 60, 1, 0, Some("00:30:00;00")),
            (86_400 * 25 - 1, 25, 0, 0, Some("23:59:59:24")),
            (90_000 * 25, 25, 0, 0, None),
            (0, 0, 0, 0, None),
            (0, 25, 1, 0, None),
            (0, 25, 0, -1, None),
            (i64::MAX, 25, 0, 1, None),
            ((1 << 40) + 1, 25, 0, 0, Some("00:00:00:01")),
        ] {
            assert_eq!(timecode_of(first, base, drop, offset).as_deref(), expected);
        }
    }
}
