//! Wall-clock time at which a clip was recorded.
//!
//! Cameras know the wall time but seldom the offset from UTC. The two are stored separately, and an
//! unknown offset remains unknown.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::{Malformed, serde_as_text};

const EXPECTED: &str = "a date such as `2026-05-02` or `2026-05-02T14:00:00+02:00`";

/// Civil date and time, to the second, with the offset from UTC if it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WallTime {
    civil: DateTime,
    offset: Option<Offset>,
}

impl WallTime {
    /// Creates a wall time; `None` for a date that a clock shows if it was never set, and for years
    /// outside 1895 to 2199.
    ///
    /// Such dates are the epochs 1904 (QuickTime), 1970 (Unix), 1601 (Windows) and 1980 (FAT). The
    /// days before and after are rejected too, since an offset may have shifted them.
    #[must_use]
    pub fn new(civil: DateTime, offset: Option<Offset>) -> Option<Self> {
        let civil = civil.with().subsec_nanosecond(0).build().ok()?;
        let is_epoch = [1601, 1904, 1970, 1980].iter().any(|&year| {
            let epoch = Date::constant(year, 1, 1);
            let days = epoch
                .until(civil.date())
                .map_or(i32::MAX, |span| span.get_days());
            (-1..=1).contains(&days)
        });
        let is_plausible = (1895..2200).contains(&civil.year());
        (is_plausible && !is_epoch).then_some(Self { civil, offset })
    }

    /// Returns the same clock reading without an offset.
    #[must_use]
    pub fn without_offset(self) -> Self {
        Self {
            offset: None,
            ..self
        }
    }

    /// Returns the time `seconds` later by the same clock, with its offset unchanged; `None` if the
    /// result is not a plausible recording date (see [`WallTime::new`]).
    #[must_use]
    pub fn shifted(self, seconds: i64) -> Option<Self> {
        let shift = SignedDuration::from_secs(seconds);
        Self::new(self.civil.checked_add(shift).ok()?, self.offset)
    }

    /// Converts a file's modification time. It is an instant, so the result is in UTC.
    #[must_use]
    pub fn from_unix_nanos(nanos: i64) -> Option<Self> {
        let instant = Timestamp::from_nanosecond(i128::from(nanos)).ok()?;
        Self::new(TimeZone::UTC.to_datetime(instant), Some(Offset::UTC))
    }

    /// Parses the forms that cameras and containers write: `2026-05-02T14:00:00.000000Z`,
    /// `2026-05-02T14:00:00+0200`, `2026-05-02 14:00:00`, `2026:05:02 14:00:00`, `2026-05-02`.
    #[must_use]
    pub fn from_camera(text: &str) -> Option<Self> {
        let text = text.trim();
        let date = text.get(..10)?;
        let date = Date::strptime("%Y-%m-%d", date.replace([':', '/'], "-")).ok()?;
        let rest = text.get(10..)?.trim_start_matches(['T', ' ']);
        if rest.is_empty() {
            return Self::new(date.to_datetime(Time::midnight()), None);
        }
        let time = rest
            .get(..8)
            .map(|t| Time::strptime("%H:%M:%S", t.replace('-', ":")))?
            .ok()?;
        let zone = rest
            .get(8..)?
            .trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
        Self::new(date.to_datetime(time), parse_offset(zone.trim()))
    }

    /// Finds a date, and a time if one follows, in a name: `VID_20260502_143000`,
    /// `DJI_20260502143000_0001_D`, `2026-05-02 14.30.00`, `2026-05-02`.
    #[must_use]
    pub fn find_in_name(name: &str) -> Option<Self> {
        let digits: Vec<&str> = name
            .split(|c: char| !c.is_ascii_digit())
            .filter(|run| !run.is_empty())
            .collect();
        (0..digits.len()).find_map(|at| {
            let (date, rest) = match digits[at].len() {
                8 => (digits[at].to_owned(), &digits[at + 1..]),
                14 => return Self::from_digits(&digits[at][..8], &digits[at][8..]),
                4 => {
                    let [month, day, ..] = digits[at + 1..] else {
                        return None;
                    };
                    let is_date = month.len() == 2 && day.len() == 2;
                    (
                        is_date.then(|| format!("{}{month}{day}", digits[at]))?,
                        &digits[at + 3..],
                    )
                }
                _ => return None,
            };
            let time = match rest {
                [time, ..] if time.len() == 6 => (*time).to_owned(),
                [h, m, s, ..] if [h, m, s].iter().all(|part| part.len() == 2) => {
                    format!("{h}{m}{s}")
                }
                _ => String::new(),
            };
            Self::from_digits(&date, &time).or_else(|| Self::from_digits(&date, ""))
        })
    }

    /// Parses `20260502`, and `143000` or an empty time. Accepts the years 1990 to 2099: before
    /// 1990, no camera wrote dates into file names.
    fn from_digits(date: &str, time: &str) -> Option<Self> {
        let date = Date::strptime("%Y%m%d", date).ok()?;
        let time = if time.is_empty() {
            Time::midnight()
        } else {
            Time::strptime("%H%M%S", time).ok()?
        };
        (1990..2100)
            .contains(&date.year())
            .then(|| Self::new(date.to_datetime(time), None))
            .flatten()
    }

    /// Returns the clock reading without its offset.
    #[must_use]
    pub fn civil(self) -> DateTime {
        self.civil
    }

    /// Returns the seconds from 1970-01-01 to the clock reading, as if the clock showed UTC. The
    /// number is for ordering and ranges.
    #[must_use]
    pub fn wall_seconds(self) -> i64 {
        Offset::UTC
            .to_timestamp(self.civil)
            .map_or(i64::MAX, Timestamp::as_second)
    }
}

/// Parses `Z`, `+02:00`, `+0200` or `-07`; `None` for any other text, which means an unknown
/// offset.
fn parse_offset(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let (sign, digits) = text.split_at_checked(1)?;
    let digits = digits.replace(':', "");
    let hours: i32 = digits.get(..2)?.parse().ok()?;
    let minutes: i32 = digits.get(2..4).unwrap_or("0").parse().ok()?;
    let seconds = (hours * 60 + minutes) * 60;
    match sign {
        "+" => Offset::from_seconds(seconds).ok(),
        "-" => Offset::from_seconds(-seconds).ok(),
        _ => None,
    }
}

impl fmt::Display for WallTime {
    /// Formats as `2026-05-02T14:00:00+02:00`, without the offset if it is unknown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.civil.strftime("%Y-%m-%dT%H:%M:%S"))?;
        match self.offset {
            None => Ok(()),
            Some(offset) if offset == Offset::UTC => f.write_str("Z"),
            Some(offset) => {
                let minutes = offset.seconds() / 60;
                let sign = if minutes < 0 { '-' } else { '+' };
                write!(
                    f,
                    "{sign}{:02}:{:02}",
                    minutes.abs() / 60,
                    minutes.abs() % 60
                )
            }
        }
    }
}

impl FromStr for WallTime {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::from_camera(text).ok_or_else(|| Malformed::new(text, EXPECTED))
    }
}

serde_as_text!(WallTime);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn camera_timestamps_are_parsed() {
        for (text, shown) in [
            ("2026-05-02T14:00:01.000000Z", "2026-05-02T14:00:01Z"),
            ("2026-05-02T14:00:01+0200", "2026-05-02T14:00:01+02:00"),
            ("2026-05-02T14:00:01-07:00", "2026-05-02T14:00:01-07:00"),
            ("2026:05:02 14:00:01", "2026-05-02T14:00:01"),
            ("2026-05-02", "2026-05-02T00:00:00"),
        ] {
            assert_eq!(
                WallTime::from_camera(text).unwrap().to_string(),
                shown,
                "{text}"
            );
            assert_eq!(shown.parse::<WallTime>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn dates_in_names_are_found_and_other_numbers_ignored() {
        for (name, shown) in [
            ("VID_20260502_143000.mp4", Some("2026-05-02T14:30:00")),
            ("DJI_20260502143000_0001_D.MP4", Some("2026-05-02T14:30:00")),
            ("2026-05-02 14.30.00.mov", Some("2026-05-02T14:30:00")),
            ("ACME_2026-05-02", Some("2026-05-02T00:00:00")),
            ("20260502_0042.MOV", Some("2026-05-02T00:00:00")),
            ("GX010042.MP4", None),
            ("20269902.mov", None),
            ("12345678", None),
            ("1080_25_10", None),
        ] {
            assert_eq!(
                WallTime::find_in_name(name)
                    .map(|time| time.to_string())
                    .as_deref(),
                shown,
                "{name}"
            );
        }
    }

    #[test]
    fn a_shifted_time_keeps_its_offset() {
        for (time, seconds, shifted) in [
            (
                "2026-05-02T14:00:01+02:00",
                60,
                Some("2026-05-02T14:01:01+02:00"),
            ),
            ("2027-01-01T00:00:00Z", -1, Some("2026-12-31T23:59:59Z")),
            ("2028-02-28T12:00:00", 86_400, Some("2028-02-29T12:00:00")),
            ("2026-05-02T14:00:01", i64::MAX, None),
            ("2026-05-02T14:00:01", i64::MIN, None),
            ("1980-01-03T00:00:00", -86_400, None),
        ] {
            let time: WallTime = time.parse().unwrap();
            let result = time.shifted(seconds).map(|time| time.to_string());
            assert_eq!(result.as_deref(), shifted, "{time} {seconds}");
        }
    }

    #[test]
    fn dates_of_clocks_that_were_never_set_are_rejected() {
        for text in [
            "1904-01-01T00:00:00Z",
            "1970-01-01T00:00:00.000000Z",
            "1969-12-31T16:00:00-08:00",
            "1601-01-01T00:00:00Z",
            "1980-01-01 00:00:00",
            "0000-00-00 00:00:00",
            "2070-13-41",
            "",
            "é026-05-02",
        ] {
            assert_eq!(WallTime::from_camera(text), None, "{text}");
        }
    }
}
