//! Timecode components: a count of frames, as ffprobe writes it.

use super::klv::Set;

/// The address of a frame that is so many after the component's first; `None` where the rate
/// cannot be counted in.
pub(super) fn timecode(component: &Set, after: i64) -> Option<String> {
    // ffprobe takes the lower half of 64 bits.
    let first = component.i64(0x1501).unwrap_or(0) & i64::from(u32::MAX);
    let base = i64::from(component.cursor(0x1502)?.u16()?);
    let is_drop = component.u8(0x1503) == Some(1);
    let number = first.checked_add(after)?;
    let is_countable = base > 0 && !(is_drop && base % 30 != 0);
    let is_sane = (0..i64::from(i32::MAX)).contains(&number);
    (is_countable && is_sane).then(|| shown(number, base, is_drop))
}

fn shown(number: i64, base: i64, is_drop: bool) -> String {
    let number = if is_drop {
        numbered(number, base)
    } else {
        number
    };
    let seconds = number / base;
    format!(
        "{:02}:{:02}:{:02}{}{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        if is_drop { ';' } else { ':' },
        number % base
    )
}

/// The number that a frame bears where two (of 30) are left out each minute but every tenth.
fn numbered(frame: i64, base: i64) -> i64 {
    let dropped = base / 30 * 2;
    let ten_minutes = base / 30 * 17982;
    let (tens, rest) = (frame / ten_minutes, frame % ten_minutes);
    frame + 9 * dropped * tens + dropped * ((rest - dropped) / (ten_minutes / 10)).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::mxf::klv::Primer;

    fn told(first: i64, base: u16, drop: u8, after: i64) -> Option<String> {
        let value = [
            &b"\x15\x01\0\x08"[..],
            &first.to_be_bytes(),
            b"\x15\x02\0\x02",
            &base.to_be_bytes(),
            b"\x15\x03\0\x01",
            &[drop, 0, 0, 0, 0],
        ]
        .concat();
        timecode(&Set::new(0x14, &value, &Primer::default())?, after)
    }

    #[test]
    fn frames_become_addresses_as_ffprobe_counts_them() {
        for (first, base, drop, after, expected) in [
            (0, 25, 0, 0, Some("00:00:00:00")),
            (90_000, 25, 0, 30, Some("01:00:01:05")),
            (1799, 30, 1, 0, Some("00:00:59;29")),
            (1800, 30, 1, 0, Some("00:01:00;02")),
            (17_982, 30, 1, 0, Some("00:10:00;00")),
            (107_892, 60, 1, 0, Some("00:30:00;00")),
            (90_000 * 25, 25, 0, 0, Some("25:00:00:00")),
            (0, 0, 0, 0, None),
            (0, 25, 1, 0, None),
            (0, 25, 0, -1, None),
            (i64::MAX, 25, 0, 1, None),
            ((1 << 40) + 1, 25, 0, 0, Some("00:00:00:01")),
        ] {
            assert_eq!(told(first, base, drop, after).as_deref(), expected);
        }
    }
}
