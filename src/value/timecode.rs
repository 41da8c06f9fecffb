//! Timecodes: addresses of frames (SMPTE ST 12-1), with or without drop-frame.

use std::fmt;
use std::str::FromStr;

use super::{Malformed, Rate, serde_as_text};

const EXPECTED: &str = "a timecode such as `01:02:03:04` or, with drop-frame, `01:02:03;04`";

/// Hours, minutes, seconds and frames, and the drop-frame flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timecode {
    hours: u8,
    minutes: u8,
    seconds: u8,
    frames: u8,
    drop_frame: bool,
}

impl Timecode {
    /// Creates a timecode from its parts; `None` if a part is out of range.
    ///
    /// The frame number is at most 119: no timecode counts more than 120 frames per second.
    #[must_use]
    pub fn new(hours: u8, minutes: u8, seconds: u8, frames: u8, drop_frame: bool) -> Option<Self> {
        let fits = hours < 24 && minutes < 60 && seconds < 60 && frames < 120;
        fits.then_some(Self {
            hours,
            minutes,
            seconds,
            frames,
            drop_frame,
        })
    }

    /// Returns true if the timecode is drop-frame: it skips two frame numbers (four at 59.94) in
    /// each minute except every tenth.
    #[must_use]
    pub fn is_drop_frame(self) -> bool {
        self.drop_frame
    }

    /// Returns a number by which timecodes are ordered: 1,000 per second, plus the frames.
    #[must_use]
    pub fn sort_key(self) -> i64 {
        let minutes = i64::from(self.hours) * 60 + i64::from(self.minutes);
        (minutes * 60 + i64::from(self.seconds)) * 1000 + i64::from(self.frames)
    }

    /// Returns the same digits with drop-frame counting set or cleared.
    #[must_use]
    pub fn with_drop_frame(self, drop_frame: bool) -> Self {
        Self { drop_frame, ..self }
    }

    /// Returns the number of frames from one midnight to the next.
    #[must_use]
    pub fn frames_per_day(rate: Rate, drop_frame: bool) -> u32 {
        let base = rate.timecode_base();
        let dropped = dropped_each_minute(base)
            .filter(|_| drop_frame)
            .unwrap_or(0);
        // In nine out of ten minutes, the first frame numbers are dropped.
        (base.saturating_mul(600) - dropped * 9).saturating_mul(144)
    }

    /// Returns the number of frames since `00:00:00:00`; `None` if the timecode does not exist at
    /// this rate.
    #[must_use]
    pub fn to_frames(self, rate: Rate) -> Option<u32> {
        let base = rate.timecode_base();
        let minutes = u32::from(self.hours) * 60 + u32::from(self.minutes);
        if u32::from(self.frames) >= base {
            return None;
        }
        let seconds = minutes * 60 + u32::from(self.seconds);
        let counted = seconds
            .checked_mul(base)?
            .checked_add(u32::from(self.frames))?;
        if !self.drop_frame {
            return Some(counted);
        }
        let dropped = dropped_each_minute(base)?;
        let is_dropped_number = self.seconds == 0
            && u32::from(self.frames) < dropped
            && !self.minutes.is_multiple_of(10);
        (!is_dropped_number).then(|| counted - dropped * (minutes - minutes / 10))
    }

    /// Returns the timecode of the frame with this number, counted from `00:00:00:00`. Timecodes
    /// wrap after 24 hours. `None` for drop-frame at a rate that does not support it.
    #[must_use]
    pub fn from_frames(frames: u32, rate: Rate, drop_frame: bool) -> Option<Self> {
        let base = rate.timecode_base();
        let mut number = frames;
        if drop_frame {
            let dropped = dropped_each_minute(base)?;
            let ten_minutes = base * 600 - dropped * 9;
            number %= ten_minutes * 144;
            let (tens, rest) = (number / ten_minutes, number % ten_minutes);
            let extra_minutes = rest.saturating_sub(dropped) / (base * 60 - dropped);
            number += dropped * (9 * tens + extra_minutes);
        }
        let seconds = number / base;
        let part = |value: u32| u8::try_from(value).ok();
        Self::new(
            part(seconds / 3600 % 24)?,
            part(seconds / 60 % 60)?,
            part(seconds % 60)?,
            part(number % base)?,
            drop_frame,
        )
    }
}

/// Returns the number of frame numbers dropped at the start of a minute: 2 at base 30, 4 at base
/// 60; `None` for other bases, which have no drop-frame timecode.
fn dropped_each_minute(base: u32) -> Option<u32> {
    match base {
        30 => Some(2),
        60 => Some(4),
        _ => None,
    }
}

impl fmt::Display for Timecode {
    /// Formats as `01:02:03:04`, or as `01:02:03;04` with drop-frame.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.drop_frame { ';' } else { ':' };
        write!(
            f,
            "{:02}:{:02}:{:02}{separator}{:02}",
            self.hours, self.minutes, self.seconds, self.frames
        )
    }
}

impl FromStr for Timecode {
    type Err = Malformed;

    /// Parses `hh:mm:ss:ff`; `;`, `.` or `,` before the frames means drop-frame.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = || Malformed::new(text, EXPECTED);
        let mut parts = [0_u8; 4];
        let mut pieces = text.split([':', ';', '.', ',']);
        for part in &mut parts {
            let piece = pieces.next().ok_or_else(malformed)?;
            let is_number =
                (1..=3).contains(&piece.len()) && piece.bytes().all(|b| b.is_ascii_digit());
            *part = is_number
                .then(|| piece.parse().ok())
                .flatten()
                .ok_or_else(malformed)?;
        }
        if pieces.next().is_some() {
            return Err(malformed());
        }
        let drop_frame = text.contains([';', '.', ',']);
        let [hours, minutes, seconds, frames] = parts;
        Self::new(hours, minutes, seconds, frames, drop_frame).ok_or_else(malformed)
    }
}

serde_as_text!(Timecode);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ntsc() -> Rate {
        Rate::new(30000, 1001).unwrap()
    }

    #[test]
    fn drop_frame_skips_two_numbers_each_minute_except_every_tenth() {
        // SMPTE ST 12-1: 00:01:00;02 follows 00:00:59;29; ten minutes are 17,982 frames.
        for (frame, text) in [
            (1799, "00:00:59;29"),
            (1800, "00:01:00;02"),
            (17981, "00:09:59;29"),
            (17982, "00:10:00;00"),
            (107_892, "01:00:00;00"),
        ] {
            let timecode = Timecode::from_frames(frame, ntsc(), true).unwrap();
            assert_eq!(timecode.to_string(), text);
            assert_eq!(timecode.to_frames(ntsc()), Some(frame));
        }
        let dropped: Timecode = "00:01:00;00".parse().unwrap();
        assert_eq!(dropped.to_frames(ntsc()), None);
    }

    #[test]
    fn garbage_is_not_a_timecode() {
        for text in [
            "",
            "1:2:3",
            "25:00:00:00",
            "00:60:00:00",
            "a:b:c:d",
            "1:2:3:4:5",
            "00:00:00:-1",
        ] {
            assert!(text.parse::<Timecode>().is_err(), "{text}");
        }
    }

    proptest! {
        #![proptest_config(crate::property_tests::random(256))]

        #[test]
        fn frame_numbers_and_timecodes_convert_both_ways(frame in 0_u32..2_589_408, which in 0_usize..6) {
            let rates = [(24000, 1001, false), (25, 1, false), (30000, 1001, true), (30, 1, false), (60000, 1001, true), (50, 1, false)];
            let (num, den, drop_frame) = rates[which];
            let rate = Rate::new(num, den).unwrap();
            let frame = if num == 24000 { frame % 2_073_600 } else if num == 25 { frame % 2_160_000 } else { frame };
            let timecode = Timecode::from_frames(frame, rate, drop_frame).unwrap();
            prop_assert_eq!(timecode.to_frames(rate), Some(frame));
            prop_assert_eq!(timecode.to_string().parse::<Timecode>().unwrap(), timecode);
        }
    }
}
