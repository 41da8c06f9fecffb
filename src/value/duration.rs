//! Duration of a clip in whole microseconds, the resolution of ffprobe, and in the units of a file.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Malformed, Rate};

const EXPECTED: &str = "a duration such as `90`, `90s`, `1m30s` or `1h`";

/// Duration in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

impl Duration {
    /// Creates a duration from whole microseconds.
    #[must_use]
    pub fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Returns the duration in microseconds.
    #[must_use]
    pub fn as_micros(self) -> u64 {
        self.0
    }

    /// Returns the duration in seconds, for arithmetic with positions inside a clip.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "exact up to 285 years")]
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Parses seconds as ffprobe prints them (`12.345678`); `None` if negative or not a number.
    #[must_use]
    pub fn from_decimal(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) {
            return None;
        }
        let micros: String = fraction.chars().chain("000000".chars()).take(6).collect();
        let whole: u64 = whole.parse().ok()?;
        Some(Self(
            whole
                .checked_mul(1_000_000)?
                .checked_add(micros.parse().ok()?)?,
        ))
    }
}

impl fmt::Display for Duration {
    /// Formats as seconds below a minute (`4.2s`), otherwise as `m:ss` or `h:mm:ss`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0.saturating_add(50_000) / 100_000;
        if tenths < 600 {
            return write!(f, "{}.{}s", tenths / 10, tenths % 10);
        }
        let seconds = self.0.saturating_add(500_000) / 1_000_000;
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        if hours == 0 {
            write!(f, "{minutes}:{:02}", seconds % 60)
        } else {
            write!(f, "{hours}:{minutes:02}:{:02}", seconds % 60)
        }
    }
}

impl FromStr for Duration {
    type Err = Malformed;

    /// Parses seconds (`90`, `4.5s`) or units (`1h2m3s`).
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = || Malformed::new(text, EXPECTED);
        if let Some(seconds) = Self::from_decimal(text) {
            return Ok(seconds);
        }
        let mut total: u64 = 0;
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest
                .find(|c: char| c.is_ascii_alphabetic())
                .ok_or_else(malformed)?;
            let amount = Self::from_decimal(&rest[..end]).ok_or_else(malformed)?;
            let factor = match &rest[end..=end] {
                "h" => 3600,
                "m" => 60,
                "s" => 1,
                _ => return Err(malformed()),
            };
            let part = amount.0.checked_mul(factor).ok_or_else(malformed)?;
            total = total.checked_add(part).ok_or_else(malformed)?;
            rest = &rest[end + 1..];
        }
        if text.is_empty() {
            return Err(malformed());
        }
        Ok(Self(total))
    }
}

impl Serialize for Duration {
    /// Writes the seconds as a number.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(self.as_seconds())
    }
}

impl<'de> Deserialize<'de> for Duration {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be a non-negative number first; `as` saturates"
    )]
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(from)?;
        if !seconds.is_finite() || seconds < 0.0 {
            return Err(serde::de::Error::custom("a duration must not be negative"));
        }
        Ok(Self((seconds * 1e6).round() as u64))
    }
}

/// Duration as a file stores it: a whole number of units of its time base.
#[derive(Debug, Clone, Copy)]
pub struct ExactDuration {
    units: u64,
    units_per_second: Rate,
}

impl ExactDuration {
    /// Creates a duration from a number of units, such as frames, samples or ticks of a clock.
    #[must_use]
    pub fn new(units: u64, units_per_second: Rate) -> Self {
        Self {
            units,
            units_per_second,
        }
    }

    /// Creates a duration from whole microseconds.
    #[must_use]
    pub fn from_micros(micros: u64) -> Self {
        Self::new(micros, Rate::MICROSECONDS)
    }

    /// Returns the duration in microseconds, rounded to nearest; `None` if it does not fit in 64
    /// bits.
    #[must_use]
    pub fn rounded(self) -> Option<Duration> {
        let (numerator, denominator) = self.units_per_second.terms();
        let (numerator, denominator) = (u128::from(numerator), u128::from(denominator));
        // 64 + 32 + 21 bits do not overflow.
        let twice = u128::from(self.units) * denominator * 2_000_000;
        let micros = (twice + numerator) / (numerator * 2);
        u64::try_from(micros).ok().map(Duration)
    }
}

impl Ord for ExactDuration {
    fn cmp(&self, other: &Self) -> Ordering {
        // 64 + 32 + 32 bits do not overflow.
        let scaled = |one: &Self, other: &Self| {
            let (denominator, numerator) = (
                one.units_per_second.terms().1,
                other.units_per_second.terms().0,
            );
            u128::from(one.units) * u128::from(denominator) * u128::from(numerator)
        };
        scaled(self, other).cmp(&scaled(other, self))
    }
}

impl PartialOrd for ExactDuration {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ExactDuration {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for ExactDuration {}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(units: u64, num: u32, den: u32) -> ExactDuration {
        ExactDuration::new(units, Rate::new(num, den).unwrap())
    }

    #[test]
    fn exact_durations_are_rounded_to_the_nearest_microsecond() {
        for (duration, micros) in [
            (exact(100, 25, 1), Some(4_000_000)),
            (exact(1, 30_000, 1001), Some(33_367)),
            (exact(1, 2_000_000, 1), Some(1)),
            (exact(1, 2_000_001, 1), Some(0)),
            (exact(u64::MAX, 1_000_000, 1), Some(u64::MAX)),
            (exact(u64::MAX, 999_999, 1), None),
            (exact(u64::MAX, 1, u32::MAX), None),
        ] {
            assert_eq!(duration.rounded().map(Duration::as_micros), micros);
        }
        assert_eq!(ExactDuration::from_micros(7).rounded(), Some(Duration(7)));
    }

    #[test]
    fn exact_durations_compare_across_time_bases() {
        assert_eq!(exact(100, 25, 1), exact(192_000, 48_000, 1));
        assert!(exact(100, 25, 1) < exact(192_001, 48_000, 1));
        assert!(exact(u64::MAX, u32::MAX, 1) < exact(u64::MAX, 1, u32::MAX));
    }

    #[test]
    fn durations_are_parsed_in_every_usual_form() {
        for (text, micros) in [
            ("90", 90_000_000),
            ("4.5s", 4_500_000),
            ("1m30s", 90_000_000),
            ("1h", 3_600_000_000),
            ("0.000001", 1),
        ] {
            assert_eq!(
                text.parse::<Duration>().unwrap().as_micros(),
                micros,
                "{text}"
            );
        }
        for text in ["", "-1", "1x", "m", "1m30", "ten"] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_printed_short() {
        for (micros, shown) in [
            (4_240_000, "4.2s"),
            (59_960_000, "1:00"),
            (65_000_000, "1:05"),
            (3_725_000_000, "1:02:05"),
        ] {
            assert_eq!(Duration(micros).to_string(), shown);
        }
    }
}
