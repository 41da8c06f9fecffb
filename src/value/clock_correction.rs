//! Correction of a camera's clock: the offset that turns recorded times into true times.
//!
//! A correction shifts the clock reading only. The offset from UTC that a camera wrote stays
//! unchanged, and daylight saving time plays no part: a camera's clock ignores it.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};

use super::{Malformed, WallTime, serde_as_text};

const EXPECTED: &str =
    "a correction such as `+01:02:00`, `-12d 03:04:05` or `14:00:00=15:02:00` (shows=was)";
const EXPECTED_READING: &str =
    "a time such as `2026-05-02 14:00:00` or `14:00`, without a UTC offset";
const DAY: i64 = 24 * 60 * 60;
/// 200 years, enough for a clock that was never set and shows 1904 or 1970.
const MAX_SECONDS: i64 = 73_050 * DAY;

/// Correction in whole seconds, up to 200 years either way: true time minus clock reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClockCorrection(i64);

impl ClockCorrection {
    /// Creates a correction from seconds, positive if the clock was slow; `None` beyond 200 years
    /// either way.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        (-MAX_SECONDS..=MAX_SECONDS)
            .contains(&seconds)
            .then_some(Self(seconds))
    }

    /// Total correction in seconds.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0
    }

    /// Computes the correction from a clock reading and the true time of that moment. Both have a
    /// date or neither does. Without dates, the difference is at most 12 hours: the shorter one
    /// around the clock.
    ///
    /// # Errors
    /// Fails if either is not a time, only one has a date, or they are more than 200 years apart.
    pub fn from_readings(shows: &str, was: &str) -> Result<Self, Malformed> {
        match (parse_reading(shows)?, parse_reading(was)?) {
            ((Some(shown_date), shown_time), (Some(true_date), true_time)) => {
                let clock = shown_date.to_datetime(shown_time);
                let difference = true_date.to_datetime(true_time).duration_since(clock);
                Self::from_seconds(difference.as_secs())
                    .ok_or_else(|| Malformed::new(was, "within 200 years of the clock reading"))
            }
            ((None, shown_time), (None, true_time)) => {
                let ahead = true_time
                    .duration_since(shown_time)
                    .as_secs()
                    .rem_euclid(DAY);
                Ok(Self(if ahead > DAY / 2 { ahead - DAY } else { ahead }))
            }
            _ => Err(Malformed::new(
                was,
                "in the same form as the clock reading: both have a date, or neither",
            )),
        }
    }

    /// Shifts a clock reading to the true time; `None` if the result is outside the range of dates.
    #[must_use]
    pub fn shifted(self, reading: DateTime) -> Option<DateTime> {
        reading.checked_add(SignedDuration::from_secs(self.0)).ok()
    }

    /// Corrects a wall time and keeps its offset from UTC; `None` if the result is not a plausible
    /// recording time (see [`WallTime::new`]).
    #[must_use]
    pub fn corrected(self, time: WallTime) -> Option<WallTime> {
        time.shifted(self.0)
    }
}

/// Parses a clock reading, with or without a date.
fn parse_reading(text: &str) -> Result<(Option<Date>, Time), Malformed> {
    let malformed = || Malformed::new(text, EXPECTED_READING);
    let trimmed = text.trim();
    let (date, time) = match trimmed.split_once(['T', 't', ' ']) {
        Some((date, time)) => (Some(date), time.trim_start()),
        None => (None, trimmed),
    };
    let date = date.map(|date| {
        let is_valid = date.len() == 10 && date.starts_with(|c: char| c.is_ascii_digit());
        let date = Date::strptime("%Y-%m-%d", date).ok();
        date.filter(|_| is_valid).ok_or_else(malformed)
    });
    let time = parse_clock_time(time).ok_or_else(malformed)?;
    Ok((date.transpose()?, time))
}

/// Parses `14:00:00` or `14:00`.
fn parse_clock_time(text: &str) -> Option<Time> {
    let parts: Option<Vec<i8>> = text.split(':').map(parse_two_digits).collect();
    match *parts?.as_slice() {
        [hour, minute] => Time::new(hour, minute, 0, 0).ok(),
        [hour, minute, second] => Time::new(hour, minute, second, 0).ok(),
        _ => None,
    }
}

fn parse_two_digits(text: &str) -> Option<i8> {
    let is_valid = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_valid.then(|| text.parse().ok()).flatten()
}

/// Parses `12d 03:04:05`, `03:04:05`, `03:04` or `12d` into seconds.
fn parse_length(text: &str) -> Option<i64> {
    let (days, time) = match text.split_once('d') {
        Some((days, time)) => (days, time.trim_start()),
        None => ("0", text),
    };
    let is_number = (1..=6).contains(&days.len()) && days.bytes().all(|b| b.is_ascii_digit());
    let days: i64 = days.parse().ok().filter(|_| is_number)?;
    let time = if time.is_empty() && text.contains('d') {
        Time::midnight()
    } else {
        parse_clock_time(time)?
    };
    let seconds = time.duration_since(Time::midnight()).as_secs();
    Some(days * DAY + seconds)
}

impl fmt::Display for ClockCorrection {
    /// Formats as `+01:02:00`, or as `-12d 03:04:05` if it is a day or more.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { '-' } else { '+' };
        let seconds = self.0.abs();
        write!(f, "{sign}")?;
        if seconds >= DAY {
            write!(f, "{}d ", seconds / DAY)?;
        }
        let seconds = seconds % DAY;
        write!(
            f,
            "{:02}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )
    }
}

impl FromStr for ClockCorrection {
    type Err = Malformed;

    /// Parses a signed correction (`+01:02:00`, `-00:07`, `+2d`, `-12d 03:04:05`), or a clock
    /// reading and the true time (`14:00:00=15:02:00`).
    fn from_str(text: &str) -> Result<Self, Malformed> {
        if let Some((shows, was)) = text.split_once('=') {
            return Self::from_readings(shows, was);
        }
        let malformed = || Malformed::new(text, EXPECTED);
        let trimmed = text.trim();
        let positive = trimmed.strip_prefix('+').and_then(parse_length);
        // Word processors may replace the hyphen with a minus sign.
        let negative = trimmed.strip_prefix(['-', '−']).and_then(parse_length);
        positive
            .or_else(|| negative.map(|seconds| -seconds))
            .and_then(Self::from_seconds)
            .ok_or_else(malformed)
    }
}

serde_as_text!(ClockCorrection);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn corrections_are_parsed_in_every_usual_form() {
        for (text, shown) in [
            ("+01:02:00", "+01:02:00"),
            ("-00:00:07", "-00:00:07"),
            ("−00:00:07", "-00:00:07"),
            ("+01:02", "+01:02:00"),
            (" +2d 01:00:00 ", "+2d 01:00:00"),
            ("-1d", "-1d 00:00:00"),
            ("-00:00:00", "+00:00:00"),
            ("14:00:00=15:02:00", "+01:02:00"),
            ("23:50 = 00:10", "+00:20:00"),
            ("00:10=23:50", "-00:20:00"),
            ("06:00=18:00", "+12:00:00"),
            ("2026-05-02 14:00:00=2026-05-02T15:02", "+01:02:00"),
            (
                "1970-01-01 00:13:00=2026-05-02 14:00:00",
                "+20575d 13:47:00",
            ),
        ] {
            let clock: ClockCorrection = text.parse().unwrap();
            assert_eq!(clock.to_string(), shown, "{text}");
            assert_eq!(shown.parse(), Ok(clock));
        }
    }

    #[test]
    fn an_invalid_correction_is_rejected_with_an_example() {
        for (text, expected) in [
            ("", "+01:02:00"),
            ("01:02:00", "+01:02:00"),
            ("+1:2", "+01:02:00"),
            ("+24:00:00", "-12d 03:04:05"),
            ("+00:60", "+01:02:00"),
            ("++01:00", "+01:02:00"),
            ("+d", "+01:02:00"),
            ("+3600", "+01:02:00"),
            ("+73051d", "+01:02:00"),
            ("+9999999999d", "+01:02:00"),
            ("14:00=", "without a UTC offset"),
            ("14:00=2026-05-02 15:00", "both have a date"),
            (
                "2026-05-02 14:00=2026-05-02 15:00+02:00",
                "without a UTC offset",
            ),
            ("2026-05-02 14:00=2026-05-02 15:00Z", "without a UTC offset"),
            ("2026-02-30 14:00=2026-05-02 15:00", "without a UTC offset"),
            ("0001-01-01 00:00=2026-05-02 15:00", "within 200 years"),
        ] {
            let wrong = text.parse::<ClockCorrection>().unwrap_err().to_string();
            assert!(wrong.contains(expected), "{text}: {wrong}");
        }
    }

    #[test]
    fn a_corrected_time_crosses_days_and_years_and_keeps_its_offset() {
        for (time, clock, right) in [
            ("2026-05-02T14:00:00", "+01:02:00", "2026-05-02T15:02:00"),
            ("2026-12-31T23:30:00Z", "+01:00", "2027-01-01T00:30:00Z"),
            ("2028-02-28T23:59:59", "+00:00:01", "2028-02-29T00:00:00"),
            // Daylight saving time begins at 2:00 that night; the camera's clock ignores it.
            (
                "2026-03-29T01:30:00+01:00",
                "+01:00",
                "2026-03-29T02:30:00+01:00",
            ),
            (
                "2015-01-01T00:10:00",
                "+4139d 12:00:00",
                "2026-05-02T12:10:00",
            ),
        ] {
            let time: WallTime = time.parse().unwrap();
            let clock: ClockCorrection = clock.parse().unwrap();
            assert_eq!(clock.corrected(time).unwrap().to_string(), right);
        }
        let time: WallTime = "2026-05-02".parse().unwrap();
        let far: ClockCorrection = "+73050d".parse().unwrap();
        assert_eq!(far.corrected(time), None);
        assert_eq!(far.shifted(DateTime::MAX), None);
    }

    proptest! {
        #![proptest_config(crate::property_tests::random(256))]

        #[test]
        fn a_printed_correction_parses_back(seconds in -MAX_SECONDS..=MAX_SECONDS) {
            let clock = ClockCorrection::from_seconds(seconds).unwrap();
            prop_assert_eq!(clock.to_string().parse(), Ok(clock));
        }

        #[test]
        fn a_correction_and_its_inverse_cancel_out(seconds in -MAX_SECONDS / 3..=MAX_SECONDS / 3) {
            let time: WallTime = "2026-05-02T14:00:00".parse().unwrap();
            let forward = ClockCorrection::from_seconds(seconds).unwrap().corrected(time);
            let inverse = ClockCorrection::from_seconds(-seconds).unwrap();
            if let Some(forward) = forward {
                prop_assert_eq!(inverse.corrected(forward), Some(time));
            }
        }

        #[test]
        fn parsing_never_panics(text in "[-+0-9d: =T]{0,30}|\\PC{0,20}") {
            let _ = text.parse::<ClockCorrection>();
        }
    }
}
