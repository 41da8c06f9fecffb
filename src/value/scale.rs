//! Quantities as queries compare them: what `30s`, `10GB..`, `>=1080` or `2026-05` ask for, as a
//! range of whole numbers, and how such a range is written again.

mod quantity;

use super::{Bytes, Malformed};
use quantity::{
    bytes_text, clock, clock_text, date_text, day, duration_text, hex, micros, rate, rate_text,
    rounded_bytes, timecode, timecode_text, twice, whole,
};

pub(crate) use quantity::capped;
pub use quantity::named_day;

/// From the first number to the last, both included; the ends of `i64` stand for no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Between {
    /// The first.
    pub from: i64,
    /// The last.
    pub to: i64,
}

impl Between {
    /// Whether a number is in it.
    #[must_use]
    pub fn holds(self, number: i64) -> bool {
        (self.from..=self.to).contains(&number)
    }

    /// Whether a clock reading, in seconds from any midnight, is in it as a time of day; past
    /// midnight where it ends before it begins.
    #[must_use]
    pub fn holds_clock(self, seconds: i64) -> bool {
        let clock = seconds.rem_euclid(86_400);
        if self.from <= self.to {
            self.holds(clock)
        } else {
            clock >= self.from || clock <= self.to
        }
    }
}

/// How one kind of quantity is written and read.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// What it is counted in, for `btsindex fields`.
    pub unit: &'static str,
    /// Values as they may be written, for hints.
    pub example: &'static str,
    /// Nothing is less than this.
    pub least: i64,
    /// The numbers that a value standing alone asks for.
    alone: fn(&str) -> Result<(i64, i64), Malformed>,
    /// The first and last number that a value at the end of a range stands for.
    end: fn(&str) -> Result<(i64, i64), Malformed>,
    /// The shortest text whose first number at the end of a range is this; the last, when told.
    text: fn(i64, Side) -> String,
    /// The unit that a bare number is in, where others may be written.
    bare: Option<&'static str>,
    /// Whether a range may end before it begins: across midnight.
    wraps: bool,
}

/// Which end of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    First,
    Last,
}

impl Scale {
    /// Whole numbers.
    pub const WHOLE: Self = Self {
        unit: "number",
        example: "10",
        least: 0,
        alone: whole,
        end: whole,
        text: |number, _| number.to_string(),
        bare: None,
        wraps: false,
    };
    /// Sizes. One that stands alone is as exact as it is written: `10GB` is 9.5 to 10.5.
    pub const BYTES: Self = Self {
        unit: "bytes",
        example: "10GB",
        alone: rounded_bytes,
        end: |text| text.parse().map(|bytes: Bytes| twice(capped(bytes.0))),
        text: |number, _| bytes_text(number),
        bare: Some("B"),
        ..Self::WHOLE
    };
    /// Frames per second, in millionths.
    pub const RATE: Self = Self {
        unit: "frames per second",
        example: "23.976",
        least: 1,
        alone: rate,
        end: rate,
        text: |number, _| rate_text(number),
        ..Self::WHOLE
    };
    /// Running times in microseconds. One that stands alone is half a second more or less:
    /// nobody types microseconds.
    pub const DURATION: Self = Self {
        unit: "seconds",
        example: "1m30s",
        alone: |text| {
            let micros = micros(text)?;
            Ok((
                micros.saturating_sub(500_000).max(0),
                micros.saturating_add(499_999),
            ))
        },
        end: |text| micros(text).map(twice),
        text: |number, _| duration_text(number),
        bare: Some("s"),
        ..Self::WHOLE
    };
    /// Clock readings, in seconds from 1970 as if they were UTC. A day, month or year is all of it.
    pub const DATE: Self = Self {
        unit: "date and time",
        example: "2026-05-02",
        least: i64::MIN,
        alone: day,
        end: day,
        text: date_text,
        ..Self::WHOLE
    };
    /// Times of the day, in seconds after midnight; 22:00..02:00 goes past it.
    pub const CLOCK: Self = Self {
        unit: "time of day",
        example: "14:00",
        alone: clock,
        end: clock,
        text: clock_text,
        wraps: true,
        ..Self::WHOLE
    };
    /// Addresses of frames, ordered as they are counted: see [`super::Timecode::ordered`].
    pub const TIMECODE: Self = Self {
        unit: "timecode",
        example: "01:02:03:04",
        alone: timecode,
        end: timecode,
        text: timecode_text,
        ..Self::WHOLE
    };

    /// Fingerprints by their first 15 hex digits: a beginning asks for all that begin so.
    pub const FINGERPRINT: Self = Self {
        unit: "hex digits",
        example: "3fa9",
        alone: hex,
        end: hex,
        text: |number, _| format!("{number:015x}"),
        ..Self::WHOLE
    };

    /// What a value, a range (`a..b`, `a..`, `..b`) or a comparison (`>a`, `<=a`) asks for.
    ///
    /// # Errors
    /// When it is none, or nothing could ever be in it.
    pub fn read(&self, text: &str) -> Result<Between, Malformed> {
        let between = self.read_any(text)?;
        if between.to < self.least {
            return Err(Malformed::new(
                text,
                "a value that anything has: none is so small",
            ));
        }
        if between.from > between.to && !self.wraps {
            return Err(Malformed::new(
                text,
                "a range that anything is in: write the smaller end first",
            ));
        }
        Ok(between)
    }

    fn read_any(&self, text: &str) -> Result<Between, Malformed> {
        let (from, to) = (i64::MIN, i64::MAX);
        let end = |text: &str| (self.end)(text.trim());
        if let Some(rest) = text.strip_prefix(">=") {
            return Ok(Between {
                from: end(rest)?.0,
                to,
            });
        }
        if let Some(rest) = text.strip_prefix("<=") {
            return Ok(Between {
                from,
                to: end(rest)?.1,
            });
        }
        if let Some(rest) = text.strip_prefix('>') {
            let from = end(rest)?.1.saturating_add(1);
            return Ok(Between { from, to });
        }
        if let Some(rest) = text.strip_prefix('<') {
            let to = end(rest)?.0.saturating_sub(1);
            return Ok(Between { from, to });
        }
        let text = text.strip_prefix('=').unwrap_or(text);
        let Some((first, last)) = text.split_once("..") else {
            let (from, to) = (self.alone)(text.trim())?;
            return Ok(Between { from, to });
        };
        if first.is_empty() && last.is_empty() {
            return Err(Malformed::new(text, "a range with a beginning or an end"));
        }
        let to = if last.is_empty() { to } else { end(last)?.1 };
        // `1..2MB` begins at a megabyte, `30..2m` at thirty seconds.
        let with_unit = self.unit_of(last).filter(|_| !first.is_empty());
        let from = match with_unit.map(|unit| end(&format!("{first}{unit}"))) {
            Some(Ok((from, _))) if from <= to => from,
            _ if first.is_empty() => from,
            _ => end(first)?.0,
        };
        Ok(Between { from, to })
    }

    /// The unit at the end of a range that its beginning may do without.
    fn unit_of<'a>(&self, text: &'a str) -> Option<&'a str> {
        self.bare?;
        let text = text.trim();
        let at = text.find(|c: char| c.is_ascii_alphabetic())?;
        let (_, unit) = text.split_at(at);
        let is_letters = unit.chars().all(|c| c.is_ascii_alphabetic());
        is_letters.then_some(unit)
    }

    /// The range as it would be typed; reading it gives the range again.
    #[must_use]
    pub fn write(&self, between: Between) -> String {
        let Between { from, to } = between;
        let middle = from.midpoint(to);
        let near = [from, middle, middle.saturating_add(1)];
        let alone = near
            .into_iter()
            .filter(|_| from > i64::MIN && to < i64::MAX)
            .flat_map(|number| self.texts(number))
            .find(|text| (self.alone)(text) == Ok((from, to)));
        if let Some(text) = alone {
            return text;
        }
        let first = if from == i64::MIN {
            String::new()
        } else {
            (self.text)(from, Side::First)
        };
        let last = if to == i64::MAX {
            String::new()
        } else {
            (self.text)(to, Side::Last)
        };
        let is_bare = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        // Else it would be read in the unit of the other end.
        let is_misread = !first.is_empty() && is_bare(&first) && self.unit_of(&last).is_some();
        let unit = self.bare.filter(|_| is_misread).unwrap_or_default();
        format!("{first}{unit}..{last}")
    }

    /// Ways to write a number, short ones first: a date's year, month and day stand alone too.
    fn texts(&self, number: i64) -> Vec<String> {
        let text = (self.text)(number, Side::First);
        let cut = |length: usize| text.get(..length).map(str::to_owned);
        let mut texts: Vec<String> = Vec::new();
        match self.unit {
            "date and time" => texts.extend([4, 7].into_iter().filter_map(cut)),
            "time of day" => texts.extend(cut(2)),
            "timecode" => texts.extend(cut(8)),
            "hex digits" => texts.extend((1..15).filter_map(cut)),
            _ => {}
        }
        texts.push(text);
        texts
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::Date;

    use super::*;
    use proptest::prelude::*;

    const ALL: [Scale; 8] = [
        Scale::FINGERPRINT,
        Scale::WHOLE,
        Scale::BYTES,
        Scale::RATE,
        Scale::DURATION,
        Scale::DATE,
        Scale::CLOCK,
        Scale::TIMECODE,
    ];

    #[test]
    fn what_people_write_is_what_is_asked_for_and_is_written_again() {
        let (low, high) = (i64::MIN, i64::MAX);
        for (scale, text, from, to, written) in [
            (Scale::WHOLE, "10", 10, 10, "10"),
            (Scale::WHOLE, ">=4", 4, high, "4.."),
            (Scale::WHOLE, "<2", low, 1, "..1"),
            (Scale::BYTES, "10GB", 9_500_000_000, 10_499_999_999, "10GB"),
            (Scale::BYTES, "10GB..", 10_000_000_000, high, "10GB.."),
            (Scale::BYTES, ">10GB", 10_000_000_001, high, "10000000001.."),
            (Scale::BYTES, "1.5 gb..", 1_500_000_000, high, "1500MB.."),
            (Scale::BYTES, "700", 700, 700, "700"),
            (Scale::RATE, "23.976", 23_976_024, 23_976_024, "23.976"),
            (Scale::RATE, "24000/1001", 23_976_024, 23_976_024, "23.976"),
            (Scale::RATE, "50..60", 50_000_000, 60_000_000, "50..60"),
            (Scale::RATE, ">23.976", 23_976_025, high, "23.976025.."),
            (Scale::DURATION, "..30s", low, 30_000_000, "..30s"),
            (Scale::DURATION, "<30s", low, 29_999_999, "..29.999999s"),
            (
                Scale::DURATION,
                "1m30s..5m",
                90_000_000,
                300_000_000,
                "1m30s..5m",
            ),
            (Scale::DURATION, "90", 89_500_000, 90_499_999, "1m30s"),
            (
                Scale::DURATION,
                "1:02:05",
                3_724_500_000,
                3_725_499_999,
                "1h2m5s",
            ),
            (
                Scale::DATE,
                "2026-05-02",
                1_777_680_000,
                1_777_766_399,
                "2026-05-02",
            ),
            (Scale::DATE, "2026", 1_767_225_600, 1_798_761_599, "2026"),
            (
                Scale::DATE,
                "1904-01-01",
                -2_082_844_800,
                -2_082_758_401,
                "1904-01-01",
            ),
            (
                Scale::DATE,
                "2026-05-02 14:00",
                1_777_730_400,
                1_777_730_459,
                "2026-05-02T14:00:00..2026-05-02T14:00:59",
            ),
            (
                Scale::DATE,
                "2026-05-01..2026-05-14",
                1_777_593_600,
                1_778_803_199,
                "2026-05-01..2026-05-14",
            ),
            (Scale::CLOCK, "14:00..15:30", 50_400, 55_859, "14:00..15:30"),
            (Scale::CLOCK, "22..2", 79_200, 10_799, "22:00..02:59"),
            (Scale::CLOCK, "14", 50_400, 53_999, "14"),
            (
                Scale::TIMECODE,
                "01:02:03:04",
                3_723_004,
                3_723_004,
                "01:02:03:04",
            ),
            (
                Scale::FINGERPRINT,
                "3fa9",
                0x03fa_9000_0000_0000,
                0x03fa_9fff_ffff_ffff,
                "3fa9",
            ),
            (
                Scale::TIMECODE,
                "01:02:03",
                3_723_000,
                3_723_255,
                "01:02:03",
            ),
        ] {
            let between = scale.read(text).unwrap();
            assert_eq!((between.from, between.to), (from, to), "{text}");
            assert_eq!(scale.write(between), written, "{text}");
        }
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for (scale, text) in [
            (Scale::WHOLE, "x"),
            (Scale::WHOLE, ".."),
            (Scale::WHOLE, "<0"),
            (Scale::WHOLE, "5..1"),
            (Scale::BYTES, "5 furlongs"),
            (Scale::DATE, "2026-13"),
            (Scale::DATE, "2026-5-2"),
            (Scale::DATE, "2026-02-30"),
            (Scale::CLOCK, "25:00"),
            (Scale::DURATION, "1:75"),
            (Scale::TIMECODE, "1:2"),
        ] {
            assert!(scale.read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn weekdays_are_the_last_ones() {
        let thursday = &|| Date::constant(2026, 11, 26);
        for (word, day) in [
            ("today", "2026-11-26"),
            ("Yesterday", "2026-11-25"),
            ("tuesday", "2026-11-24"),
            ("thursday", "2026-11-26"),
            ("friday", "2026-11-20"),
        ] {
            assert_eq!(named_day(word, thursday).unwrap().to_string(), day);
        }
        assert_eq!(named_day("someday", thursday), None);
    }

    proptest! {
        #![proptest_config(crate::random_tests::random(256))]

        #[test]
        fn what_is_read_is_written_and_read_again(which in 0..ALL.len(), from in 0_i64..90_000_000_000, length in 0_i64..90_000_000, open in 0..4, text in "[0-9:.<>=TsmhGB/-]{0,24}") {
            let scale = ALL[which];
            let fit = |number: i64| match scale.unit {
                "time of day" => number % 86_400,
                "timecode" => number % 86_400 * 1000 + number % 100,
                _ => number.max(1),
            };
            let between = Between {
                from: if open == 1 { i64::MIN } else { fit(from) },
                to: if open == 2 { i64::MAX } else { fit(from + length) },
            };
            if between.from <= between.to && open != 3 {
                prop_assert_eq!(scale.read(&scale.write(between)), Ok(between), "{}", scale.write(between));
            }
            if let Ok(read) = scale.read(&text) {
                prop_assert_eq!(scale.read(&scale.write(read)), Ok(read), "{} {}", text, scale.write(read));
            }
        }
    }
}
