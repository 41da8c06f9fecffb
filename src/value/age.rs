//! Ages such as `30d`: elapsed times in whole seconds, in the unit that the user types.

use std::fmt;
use std::str::FromStr;

use super::Malformed;

const EXPECTED: &str = "an age such as `12h`, `30d` or `4w`";

/// Units of an age: suffix when parsed, seconds, suffix when printed, and the count from which the
/// next larger unit is printed instead.
const UNITS: [(&str, i64, &str, i64); 5] = [
    ("s", 1, "s", 100),
    ("m", 60, "min", 100),
    ("h", 3600, "h", 48),
    ("d", 86_400, "days", 100),
    ("w", 604_800, "weeks", i64::MAX),
];

/// Elapsed time in whole seconds; negative if the instant is in the future.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(pub i64);

impl fmt::Display for Age {
    /// Formats as `40 s`, `3 h` or `12 days`, rounded down; a negative age is `0 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.max(0);
        for (_, unit, name, limit) in UNITS {
            if seconds / unit < limit {
                return write!(f, "{} {name}", seconds / unit);
            }
        }
        write!(f, "{seconds} s")
    }
}

impl FromStr for Age {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = || Malformed::new(text, EXPECTED);
        let end = text.find(|c: char| !c.is_ascii_digit());
        let (number, unit) = text.split_at(end.ok_or_else(malformed)?);
        let unit = UNITS.iter().find(|(name, ..)| *name == unit.trim());
        let (_, seconds, ..) = unit.ok_or_else(malformed)?;
        let number: i64 = number.parse().map_err(|_| malformed())?;
        number.checked_mul(*seconds).map(Self).ok_or_else(malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_parsed_and_printed_in_one_unit() {
        let parse = |text: &str| text.parse::<Age>();
        assert_eq!(parse("30d"), Ok(Age(2_592_000)));
        assert_eq!(parse("12h"), Ok(Age(43_200)));
        assert_eq!(parse("90 m"), Ok(Age(5400)));
        assert_eq!(parse("4w"), Ok(Age(2_419_200)));
        for wrong in [
            "",
            "30",
            "d",
            "-1d",
            "1.5d",
            "30 years",
            "99999999999999999w",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        for (seconds, shown) in [
            (-5, "0 s"),
            (99, "99 s"),
            (100, "1 min"),
            (5999, "99 min"),
            (172_799, "47 h"),
            (172_800, "2 days"),
            (8_640_000, "14 weeks"),
        ] {
            assert_eq!(Age(seconds).to_string(), shown);
        }
    }
}
