//! How long ago something was, to the second.

use std::fmt;
use std::str::FromStr;

use super::Malformed;

const EXPECTED: &str = "an age such as `12h`, `30d` or `4w`";

/// What people write behind a number, and the seconds that it stands for; each is told up to so many of it.
const UNITS: [(&str, i64, &str, i64); 5] = [
    ("s", 1, "s", 100),
    ("m", 60, "min", 100),
    ("h", 3600, "h", 48),
    ("d", 86_400, "days", 100),
    ("w", 604_800, "weeks", i64::MAX),
];

/// A time that has passed, in seconds; negative: what it is of is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(pub i64);

impl fmt::Display for Age {
    /// `40 s`, `3 h`, `12 days`: never more than it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.max(0);
        for (_, unit, name, most) in UNITS {
            if seconds / unit < most {
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
    fn an_age_is_read_and_told_in_one_unit() {
        let read = |text: &str| text.parse::<Age>();
        assert_eq!(read("30d"), Ok(Age(2_592_000)));
        assert_eq!(read("12h"), Ok(Age(43_200)));
        assert_eq!(read("90 m"), Ok(Age(5400)));
        assert_eq!(read("4w"), Ok(Age(2_419_200)));
        for wrong in [
            "",
            "30",
            "d",
            "-1d",
            "1.5d",
            "30 years",
            "99999999999999999w",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        for (seconds, told) in [
            (-5, "0 s"),
            (99, "99 s"),
            (100, "1 min"),
            (5999, "99 min"),
            (172_799, "47 h"),
            (172_800, "2 days"),
            (8_640_000, "14 weeks"),
        ] {
            assert_eq!(Age(seconds).to_string(), told);
        }
    }
}
