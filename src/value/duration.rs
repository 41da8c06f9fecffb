//! Duration of a clip in whole microseconds, the resolution of ffprobe.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Malformed;

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

#[cfg(test)]
mod tests {
    use super::*;

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
