//! Quantities that queries compare.
//!
//! Parses text such as `30s`, `10GB..`, `>=1080` or `2026-05` into a range of whole numbers, and
//! formats such a range as query text.

mod text;

use super::{Bytes, Malformed};
use text::{
    RangeEnd, format_bytes, format_clock, format_date, format_duration, format_rate,
    format_timecode, parse_clock, parse_date, parse_hex, parse_micros, parse_rate,
    parse_rounded_bytes, parse_timecode, parse_whole, single,
};

pub use text::named_day;
pub(crate) use text::saturating_i64;

/// Inclusive range of numbers; the limits of `i64` mean an open end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NumberRange {
    /// First number, included.
    pub from: i64,
    /// Last number, included.
    pub to: i64,
}

impl NumberRange {
    /// Returns true if the number is in the range.
    #[must_use]
    pub fn contains(self, number: i64) -> bool {
        (self.from..=self.to).contains(&number)
    }

    /// Returns true if a clock reading, in seconds from any midnight, is in the range as a time of
    /// day. A range that ends before it begins crosses midnight.
    #[must_use]
    pub fn contains_time_of_day(self, seconds: i64) -> bool {
        let clock = seconds.rem_euclid(86_400);
        if self.from <= self.to {
            self.contains(clock)
        } else {
            clock >= self.from || clock <= self.to
        }
    }
}

/// Text format of one kind of quantity: how values are parsed and printed.
#[derive(Debug, Clone, Copy)]
pub struct Quantity {
    /// Unit of the numbers, for `btsindex fields`.
    pub unit: &'static str,
    /// Example of a value, for hints.
    pub example: &'static str,
    /// Smallest possible number.
    pub min: i64,
    /// Parses a single value into the first and last number that it matches.
    parse_single: fn(&str) -> Result<(i64, i64), Malformed>,
    /// Parses one end of a range into the first and last number that it denotes.
    parse_end: fn(&str) -> Result<(i64, i64), Malformed>,
    /// Formats a number for one end of a range, as the shortest text that parses back to it.
    format_end: fn(i64, RangeEnd) -> String,
    /// Unit of a bare number, if other units are possible.
    bare_unit: Option<&'static str>,
    /// True if a range may end before it begins: times of day cross midnight.
    can_wrap: bool,
}

impl Quantity {
    /// Whole numbers, zero or more.
    pub const WHOLE: Self = Self {
        unit: "number",
        example: "10",
        min: 0,
        parse_single: parse_whole,
        parse_end: parse_whole,
        format_end: |number, _| number.to_string(),
        bare_unit: None,
        can_wrap: false,
    };
    /// Sizes in bytes. The precision of a single value is that of its text: `10GB` means 9.5 to
    /// 10.5 GB.
    pub const BYTES: Self = Self {
        unit: "bytes",
        example: "10GB",
        parse_single: parse_rounded_bytes,
        parse_end: |text| {
            text.parse()
                .map(|bytes: Bytes| single(saturating_i64(bytes.0)))
        },
        format_end: |number, _| format_bytes(number),
        bare_unit: Some("B"),
        ..Self::WHOLE
    };
    /// Frame rates in millionths of a frame per second.
    pub const RATE: Self = Self {
        unit: "frames per second",
        example: "23.976",
        min: 1,
        parse_single: parse_rate,
        parse_end: parse_rate,
        format_end: |number, _| format_rate(number),
        ..Self::WHOLE
    };
    /// Durations in microseconds. A single value matches half a second on either side, since users
    /// do not type microseconds.
    pub const DURATION: Self = Self {
        unit: "seconds",
        example: "1m30s",
        parse_single: |text| {
            let micros = parse_micros(text)?;
            Ok((
                micros.saturating_sub(500_000).max(0),
                micros.saturating_add(499_999),
            ))
        },
        parse_end: |text| parse_micros(text).map(single),
        format_end: |number, _| format_duration(number),
        bare_unit: Some("s"),
        ..Self::WHOLE
    };
    /// Clock readings in seconds since 1970, as if in UTC. A day, month or year means all of it.
    pub const DATE: Self = Self {
        unit: "date and time",
        example: "2026-05-02",
        min: i64::MIN,
        parse_single: parse_date,
        parse_end: parse_date,
        format_end: format_date,
        ..Self::WHOLE
    };
    /// Times of day in seconds after midnight; `22:00..02:00` crosses midnight.
    pub const CLOCK: Self = Self {
        unit: "time of day",
        example: "14:00",
        parse_single: parse_clock,
        parse_end: parse_clock,
        format_end: format_clock,
        can_wrap: true,
        ..Self::WHOLE
    };
    /// Timecodes, ordered by [`super::Timecode::sort_key`].
    pub const TIMECODE: Self = Self {
        unit: "timecode",
        example: "01:02:03:04",
        parse_single: parse_timecode,
        parse_end: parse_timecode,
        format_end: format_timecode,
        ..Self::WHOLE
    };

    /// Fingerprints by their first 15 hex digits; a shorter value is a prefix.
    pub const FINGERPRINT: Self = Self {
        unit: "hex digits",
        example: "3fa9",
        parse_single: parse_hex,
        parse_end: parse_hex,
        format_end: |number, _| format!("{number:015x}"),
        ..Self::WHOLE
    };

    /// Parses a value, a range (`a..b`, `a..`, `..b`) or a comparison (`>a`, `<=a`).
    ///
    /// # Errors
    /// Fails if the text is none of these, or no number could be in the range.
    pub fn parse(&self, text: &str) -> Result<NumberRange, Malformed> {
        let range = self.parse_any(text)?;
        if range.to < self.min {
            return Err(Malformed::new(
                text,
                "a possible value: it is below the minimum",
            ));
        }
        if range.from > range.to && !self.can_wrap {
            return Err(Malformed::new(
                text,
                "a valid range: write the smaller end first",
            ));
        }
        Ok(range)
    }

    fn parse_any(&self, text: &str) -> Result<NumberRange, Malformed> {
        let (from, to) = (i64::MIN, i64::MAX);
        let end = |text: &str| (self.parse_end)(text.trim());
        if let Some(rest) = text.strip_prefix(">=") {
            return Ok(NumberRange {
                from: end(rest)?.0,
                to,
            });
        }
        if let Some(rest) = text.strip_prefix("<=") {
            return Ok(NumberRange {
                from,
                to: end(rest)?.1,
            });
        }
        if let Some(rest) = text.strip_prefix('>') {
            let from = end(rest)?.1.saturating_add(1);
            return Ok(NumberRange { from, to });
        }
        if let Some(rest) = text.strip_prefix('<') {
            let to = end(rest)?.0.saturating_sub(1);
            return Ok(NumberRange { from, to });
        }
        let text = text.strip_prefix('=').unwrap_or(text);
        let Some((first, last)) = text.split_once("..") else {
            let (from, to) = (self.parse_single)(text.trim())?;
            return Ok(NumberRange { from, to });
        };
        if first.is_empty() && last.is_empty() {
            return Err(Malformed::new(text, "a range with a start or an end"));
        }
        let to = if last.is_empty() { to } else { end(last)?.1 };
        // `1..2MB` starts at one megabyte, `30..2m` at thirty seconds.
        let with_unit = self.unit_of(last).filter(|_| !first.is_empty());
        let from = match with_unit.map(|unit| end(&format!("{first}{unit}"))) {
            Some(Ok((from, _))) if from <= to => from,
            _ if first.is_empty() => from,
            _ => end(first)?.0,
        };
        Ok(NumberRange { from, to })
    }

    /// Returns the unit that a range end carries, which also applies to a start without a unit.
    /// `None` for a quantity with a single unit.
    fn unit_of<'a>(&self, text: &'a str) -> Option<&'a str> {
        self.bare_unit?;
        let text = text.trim();
        let at = text.find(|c: char| c.is_ascii_alphabetic())?;
        let (_, unit) = text.split_at(at);
        let is_letters = unit.chars().all(|c| c.is_ascii_alphabetic());
        is_letters.then_some(unit)
    }

    /// Formats the range as query text. Parsing that text returns the same range.
    #[must_use]
    pub fn format(&self, range: NumberRange) -> String {
        let NumberRange { from, to } = range;
        let middle = from.midpoint(to);
        let candidates = [from, middle, middle.saturating_add(1)];
        let single_value = candidates
            .into_iter()
            .filter(|_| from > i64::MIN && to < i64::MAX)
            .flat_map(|number| self.candidate_texts(number))
            .find(|text| (self.parse_single)(text) == Ok((from, to)));
        if let Some(text) = single_value {
            return text;
        }
        let first = if from == i64::MIN {
            String::new()
        } else {
            (self.format_end)(from, RangeEnd::First)
        };
        let last = if to == i64::MAX {
            String::new()
        } else {
            (self.format_end)(to, RangeEnd::Last)
        };
        let is_bare = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        // A start without a unit would be parsed in the unit of the end.
        let is_misread = !first.is_empty() && is_bare(&first) && self.unit_of(&last).is_some();
        let unit = self.bare_unit.filter(|_| is_misread).unwrap_or_default();
        format!("{first}{unit}..{last}")
    }

    /// Returns possible texts for a number, shortest first. A prefix of a date, for example, is a
    /// year or a month.
    fn candidate_texts(&self, number: i64) -> Vec<String> {
        let text = (self.format_end)(number, RangeEnd::First);
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

    const ALL: [Quantity; 8] = [
        Quantity::FINGERPRINT,
        Quantity::WHOLE,
        Quantity::BYTES,
        Quantity::RATE,
        Quantity::DURATION,
        Quantity::DATE,
        Quantity::CLOCK,
        Quantity::TIMECODE,
    ];

    #[test]
    #[expect(clippy::too_many_lines, reason = "table of ranges")]
    fn query_text_parses_to_a_range_and_formats_back() {
        let (low, high) = (i64::MIN, i64::MAX);
        for (quantity, text, from, to, formatted) in [
            (Quantity::WHOLE, "10", 10, 10, "10"),
            (Quantity::WHOLE, ">=4", 4, high, "4.."),
            (Quantity::WHOLE, "<2", low, 1, "..1"),
            (
                Quantity::BYTES,
                "10GB",
                9_500_000_000,
                10_499_999_999,
                "10GB",
            ),
            (Quantity::BYTES, "10GB..", 10_000_000_000, high, "10GB.."),
            (
                Quantity::BYTES,
                ">10GB",
                10_000_000_001,
                high,
                "10000000001..",
            ),
            (Quantity::BYTES, "1.5 gb..", 1_500_000_000, high, "1500MB.."),
            (Quantity::BYTES, "700", 700, 700, "700"),
            (Quantity::RATE, "23.976", 23_976_024, 23_976_024, "23.976"),
            (
                Quantity::RATE,
                "24000/1001",
                23_976_024,
                23_976_024,
                "23.976",
            ),
            (Quantity::RATE, "50..60", 50_000_000, 60_000_000, "50..60"),
            (Quantity::RATE, ">23.976", 23_976_025, high, "23.976025.."),
            (Quantity::DURATION, "..30s", low, 30_000_000, "..30s"),
            (Quantity::DURATION, "<30s", low, 29_999_999, "..29.999999s"),
            (
                Quantity::DURATION,
                "1m30s..5m",
                90_000_000,
                300_000_000,
                "1m30s..5m",
            ),
            (Quantity::DURATION, "90", 89_500_000, 90_499_999, "1m30s"),
            (
                Quantity::DURATION,
                "1:02:05",
                3_724_500_000,
                3_725_499_999,
                "1h2m5s",
            ),
            (
                Quantity::DATE,
                "2026-05-02",
                1_777_680_000,
                1_777_766_399,
                "2026-05-02",
            ),
            (Quantity::DATE, "2026", 1_767_225_600, 1_798_761_599, "2026"),
            (
                Quantity::DATE,
                "1904-01-01",
                -2_082_844_800,
                -2_082_758_401,
                "1904-01-01",
            ),
            (
                Quantity::DATE,
                "2026-05-02 14:00",
                1_777_730_400,
                1_777_730_459,
                "2026-05-02T14:00:00..2026-05-02T14:00:59",
            ),
            (
                Quantity::DATE,
                "2026-05-01..2026-05-14",
                1_777_593_600,
                1_778_803_199,
                "2026-05-01..2026-05-14",
            ),
            (
                Quantity::CLOCK,
                "14:00..15:30",
                50_400,
                55_859,
                "14:00..15:30",
            ),
            (Quantity::CLOCK, "22..2", 79_200, 10_799, "22:00..02:59"),
            (Quantity::CLOCK, "14", 50_400, 53_999, "14"),
            (
                Quantity::TIMECODE,
                "01:02:03:04",
                3_723_004,
                3_723_004,
                "01:02:03:04",
            ),
            (
                Quantity::FINGERPRINT,
                "3fa9",
                0x03fa_9000_0000_0000,
                0x03fa_9fff_ffff_ffff,
                "3fa9",
            ),
            (
                Quantity::TIMECODE,
                "01:02:03",
                3_723_000,
                3_723_255,
                "01:02:03",
            ),
        ] {
            let range = quantity.parse(text).unwrap();
            assert_eq!((range.from, range.to), (from, to), "{text}");
            assert_eq!(quantity.format(range), formatted, "{text}");
        }
    }

    #[test]
    fn invalid_values_are_rejected() {
        for (quantity, text) in [
            (Quantity::WHOLE, "x"),
            (Quantity::WHOLE, ".."),
            (Quantity::WHOLE, "<0"),
            (Quantity::WHOLE, "5..1"),
            (Quantity::BYTES, "5 furlongs"),
            (Quantity::DATE, "2026-13"),
            (Quantity::DATE, "2026-5-2"),
            (Quantity::DATE, "2026-02-30"),
            (Quantity::CLOCK, "25:00"),
            (Quantity::DURATION, "1:75"),
            (Quantity::TIMECODE, "1:2"),
        ] {
            assert!(quantity.parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn weekdays_mean_the_most_recent_ones() {
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
        #![proptest_config(crate::property_tests::random(256))]

        #[test]
        fn a_formatted_range_parses_back(which in 0..ALL.len(), from in 0_i64..90_000_000_000, length in 0_i64..90_000_000, open in 0..4, text in "[0-9:.<>=TsmhGB/-]{0,24}") {
            let quantity = ALL[which];
            let fit = |number: i64| match quantity.unit {
                "time of day" => number % 86_400,
                "timecode" => number % 86_400 * 1000 + number % 100,
                _ => number.max(1),
            };
            let range = NumberRange {
                from: if open == 1 { i64::MIN } else { fit(from) },
                to: if open == 2 { i64::MAX } else { fit(from + length) },
            };
            if range.from <= range.to && open != 3 {
                prop_assert_eq!(quantity.parse(&quantity.format(range)), Ok(range), "{}", quantity.format(range));
            }
            if let Ok(parsed) = quantity.parse(&text) {
                prop_assert_eq!(quantity.parse(&quantity.format(parsed)), Ok(parsed), "{} {}", text, quantity.format(parsed));
            }
        }
    }
}
