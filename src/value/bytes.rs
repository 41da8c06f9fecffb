//! Sizes in bytes, printed in the decimal units that drives are sold in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Malformed;

const EXPECTED: &str = "a size such as `700`, `25MB` or `1.5GB`";
const UNITS: [&str; 6] = ["B", "KB", "MB", "GB", "TB", "PB"];

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    /// Formats as `812 B` or `1.5 GB`: powers of 1,000, with one decimal below ten.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut unit, mut scale) = (0, 1_u64);
        while self.0 / scale >= 1000 && unit + 1 < UNITS.len() {
            scale *= 1000;
            unit += 1;
        }
        let tenths = u128::from(self.0) * 10 / u128::from(scale);
        if unit > 0 && tenths < 100 {
            write!(f, "{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
        } else {
            write!(f, "{} {}", tenths / 10, UNITS[unit])
        }
    }
}

impl FromStr for Bytes {
    type Err = Malformed;

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be a non-negative number first; `as` saturates"
    )]
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = || Malformed::new(text, EXPECTED);
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let unit = text[end..].trim().to_ascii_uppercase();
        let power = UNITS
            .iter()
            .position(|symbol| {
                unit.is_empty() || *symbol == unit || symbol.strip_suffix('B') == Some(&unit)
            })
            .ok_or_else(malformed)?;
        let number: f64 = text[..end].parse().map_err(|_| malformed())?;
        if let (0, Ok(bytes)) = (power, text[..end].parse()) {
            return Ok(Self(bytes));
        }
        let power = i32::try_from(power).map_err(|_| malformed())?;
        Ok(Self((number * 1000_f64.powi(power)).round() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_printed_and_parsed_in_decimal_units() {
        for (bytes, shown) in [
            (0, "0 B"),
            (812, "812 B"),
            (1500, "1.5 KB"),
            (64_000_000_000, "64 GB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), shown);
        }
        for (text, bytes) in [
            ("700", 700),
            ("25MB", 25_000_000),
            ("1.5 gb", 1_500_000_000),
            ("2k", 2000),
        ] {
            assert_eq!(text.parse::<Bytes>().unwrap(), Bytes(bytes), "{text}");
        }
        for text in ["", "MB", "5 furlongs", "-1"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
    }
}
