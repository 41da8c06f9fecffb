//! How far a camera's clock was off: the correction that puts the times of a card right.
//!
//! It shifts the clock reading alone. What offset from UTC a camera wrote stays as it is, and
//! summer time plays no part: a camera's clock runs on through it.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};

use super::{Malformed, WallTime, serde_as_text};

const EXPECTED: &str =
    "a correction such as `+01:02:00`, `-12d 03:04:05` or `14:00:00=15:02:00` (shows=was)";
const EXPECTED_READING: &str =
    "a time such as `2026-05-02 14:00:00` or `14:00`, to the second and with no offset";
const DAY: i64 = 24 * 60 * 60;
/// 200 years: a clock that was never set shows 1904 or 1970.
const MOST: i64 = 73_050 * DAY;

/// A correction in whole seconds, up to 200 years either way: what a clock should have shown, less
/// what it showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Clock(i64);

impl Clock {
    /// So many seconds later; `None` beyond 200 years either way.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        (-MOST..=MOST).contains(&seconds).then_some(Self(seconds))
    }

    /// The whole of it in seconds.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0
    }

    /// The correction of a clock that showed one time when it was another: both with a date, or
    /// both without, which are then the nearest such times, at most 12 hours apart.
    ///
    /// # Errors
    /// When either is no time, one alone has a date, or they are more than 200 years apart.
    pub fn between(shows: &str, was: &str) -> Result<Self, Malformed> {
        match (reading(shows)?, reading(was)?) {
            ((Some(wrong_date), wrong), (Some(right_date), right)) => {
                let wrong = wrong_date.to_datetime(wrong);
                let apart = right_date.to_datetime(right).duration_since(wrong);
                Self::from_seconds(apart.as_secs())
                    .ok_or_else(|| Malformed::new(was, "within 200 years of what the clock shows"))
            }
            ((None, wrong), (None, right)) => {
                let apart = right.duration_since(wrong).as_secs().rem_euclid(DAY);
                Ok(Self(if apart > DAY / 2 { apart - DAY } else { apart }))
            }
            _ => Err(Malformed::new(
                was,
                "written as what the clock shows: both have a date, or neither",
            )),
        }
    }

    /// What a clock should have shown; `None` when it is out of the range of dates.
    #[must_use]
    pub fn shifted(self, showed: DateTime) -> Option<DateTime> {
        showed.checked_add(SignedDuration::from_secs(self.0)).ok()
    }

    /// A wall time put right, its offset from UTC as it was; `None` when it comes to be one that
    /// no camera can have recorded at.
    #[must_use]
    pub fn corrected(self, time: WallTime) -> Option<WallTime> {
        time.shifted(self.0)
    }
}

/// A clock's reading, with a date or without.
fn reading(text: &str) -> Result<(Option<Date>, Time), Malformed> {
    let malformed = || Malformed::new(text, EXPECTED_READING);
    let trimmed = text.trim();
    let (date, time) = match trimmed.split_once(['T', 't', ' ']) {
        Some((date, time)) => (Some(date), time.trim_start()),
        None => (None, trimmed),
    };
    let date = date.map(|date| {
        let is_well = date.len() == 10 && date.starts_with(|c: char| c.is_ascii_digit());
        let date = Date::strptime("%Y-%m-%d", date).ok();
        date.filter(|_| is_well).ok_or_else(malformed)
    });
    let time = clock_time(time).ok_or_else(malformed)?;
    Ok((date.transpose()?, time))
}

/// `14:00:00` or `14:00`.
fn clock_time(text: &str) -> Option<Time> {
    let parts: Option<Vec<i8>> = text.split(':').map(two_digits).collect();
    match *parts?.as_slice() {
        [hour, minute] => Time::new(hour, minute, 0, 0).ok(),
        [hour, minute, second] => Time::new(hour, minute, second, 0).ok(),
        _ => None,
    }
}

fn two_digits(text: &str) -> Option<i8> {
    let is_well = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_well.then(|| text.parse().ok()).flatten()
}

/// `12d 03:04:05`, `03:04:05`, `03:04` or `12d`, in seconds.
fn length(text: &str) -> Option<i64> {
    let (days, time) = match text.split_once('d') {
        Some((days, time)) => (days, time.trim_start()),
        None => ("0", text),
    };
    let is_number = (1..=6).contains(&days.len()) && days.bytes().all(|b| b.is_ascii_digit());
    let days: i64 = days.parse().ok().filter(|_| is_number)?;
    let time = if time.is_empty() && text.contains('d') {
        Time::midnight()
    } else {
        clock_time(time)?
    };
    let seconds = time.duration_since(Time::midnight()).as_secs();
    Some(days * DAY + seconds)
}

impl fmt::Display for Clock {
    /// `+01:02:00`, or `-12d 03:04:05` from a day on.
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

impl FromStr for Clock {
    type Err = Malformed;

    /// Reads a signed correction (`+01:02:00`, `-00:07`, `+2d`, `-12d 03:04:05`), or what the clock
    /// shows and what time it is then (`14:00:00=15:02:00`).
    fn from_str(text: &str) -> Result<Self, Malformed> {
        if let Some((shows, was)) = text.split_once('=') {
            return Self::between(shows, was);
        }
        let malformed = || Malformed::new(text, EXPECTED);
        let trimmed = text.trim();
        let later = trimmed.strip_prefix('+').and_then(length);
        // A document may have turned the hyphen into a minus sign.
        let earlier = trimmed.strip_prefix(['-', '−']).and_then(length);
        later
            .or_else(|| earlier.map(|seconds| -seconds))
            .and_then(Self::from_seconds)
            .ok_or_else(malformed)
    }
}

serde_as_text!(Clock);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn corrections_are_read_as_people_write_them() {
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
            let clock: Clock = text.parse().unwrap();
            assert_eq!(clock.to_string(), shown, "{text}");
            assert_eq!(shown.parse(), Ok(clock));
        }
    }

    #[test]
    fn what_is_no_correction_says_what_would_be_one() {
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
            ("14:00=", "no offset"),
            ("14:00=2026-05-02 15:00", "both have a date"),
            ("2026-05-02 14:00=2026-05-02 15:00+02:00", "no offset"),
            ("2026-05-02 14:00=2026-05-02 15:00Z", "no offset"),
            ("2026-02-30 14:00=2026-05-02 15:00", "no offset"),
            ("0001-01-01 00:00=2026-05-02 15:00", "within 200 years"),
        ] {
            let wrong = text.parse::<Clock>().unwrap_err().to_string();
            assert!(wrong.contains(expected), "{text}: {wrong}");
        }
    }

    #[test]
    fn a_time_is_put_right_across_days_and_years_and_keeps_its_offset() {
        for (time, clock, right) in [
            ("2026-05-02T14:00:00", "+01:02:00", "2026-05-02T15:02:00"),
            ("2026-12-31T23:30:00Z", "+01:00", "2027-01-01T00:30:00Z"),
            ("2028-02-28T23:59:59", "+00:00:01", "2028-02-29T00:00:00"),
            // Summer time begins at 2:00 there; the camera's clock knows nothing of it.
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
            let clock: Clock = clock.parse().unwrap();
            assert_eq!(clock.corrected(time).unwrap().to_string(), right);
        }
        let time: WallTime = "2026-05-02".parse().unwrap();
        let far: Clock = "+73050d".parse().unwrap();
        assert_eq!(far.corrected(time), None);
        assert_eq!(far.shifted(DateTime::MAX), None);
    }

    proptest! {
        #![proptest_config(crate::random_tests::random(256))]

        #[test]
        fn what_is_printed_is_read_back(seconds in -MOST..=MOST) {
            let clock = Clock::from_seconds(seconds).unwrap();
            prop_assert_eq!(clock.to_string().parse(), Ok(clock));
        }

        #[test]
        fn a_correction_and_its_opposite_are_none(seconds in -MOST / 3..=MOST / 3) {
            let time: WallTime = "2026-05-02T14:00:00".parse().unwrap();
            let there = Clock::from_seconds(seconds).unwrap().corrected(time);
            let back = Clock::from_seconds(-seconds).unwrap();
            if let Some(there) = there {
                prop_assert_eq!(back.corrected(there), Some(time));
            }
        }

        #[test]
        fn any_text_is_read_or_complained_of(text in "[-+0-9d: =T]{0,30}|\\PC{0,20}") {
            let _ = text.parse::<Clock>();
        }
    }
}
