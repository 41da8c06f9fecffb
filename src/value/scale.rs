//! Quantities as queries compare them: what `30s`, `10GB..`, `>=1080` or `2026-05` ask for, as a
//! range of whole numbers, and how such a range is written again.

use std::fmt::Write;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};

use super::{Bytes, Duration, Malformed, Rate, Timecode};

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
        wraps: false,
    };
    /// Sizes. One that stands alone is as exact as it is written: `10GB` is 9.5 to 10.5.
    pub const BYTES: Self = Self {
        unit: "bytes",
        example: "10GB",
        alone: rounded_bytes,
        end: |text| text.parse().map(|bytes: Bytes| twice(capped(bytes.0))),
        text: |number, _| bytes_text(number),
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
    /// Addresses of frames, ordered as they are counted: see [`Timecode::ordered`].
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
        let is_empty = between.to < self.least || between.from > between.to && !self.wraps;
        if is_empty {
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
        Ok(Between {
            from: if first.is_empty() {
                from
            } else {
                end(first)?.0
            },
            to: if last.is_empty() { to } else { end(last)?.1 },
        })
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
        format!("{first}..{last}")
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

fn twice(number: i64) -> (i64, i64) {
    (number, number)
}

fn capped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn whole(text: &str) -> Result<(i64, i64), Malformed> {
    let number: i64 = text
        .parse()
        .map_err(|_| Malformed::new(text, "a whole number"))?;
    Ok(twice(number))
}

/// Half of the last digit's worth more or less.
fn rounded_bytes(text: &str) -> Result<(i64, i64), Malformed> {
    let bytes = capped(text.parse::<Bytes>()?.0);
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let decimals = number
        .split_once('.')
        .map_or(0, |(_, decimals)| decimals.len());
    let unit = capped(format!("1{}", &text[number.len()..]).parse::<Bytes>()?.0);
    let half = (0..decimals).fold(unit, |unit, _| unit / 10) / 2;
    let to = bytes
        .saturating_add(half)
        .saturating_sub(i64::from(half > 0));
    Ok((bytes.saturating_sub(half).max(0), to))
}

fn bytes_text(number: i64) -> String {
    let units = ["PB", "TB", "GB", "MB", "KB"];
    let mut scale: i64 = 1_000_000_000_000_000;
    for unit in units {
        if number != 0 && number % scale == 0 {
            return format!("{}{unit}", number / scale);
        }
        scale /= 1000;
    }
    number.to_string()
}

fn rate(text: &str) -> Result<(i64, i64), Malformed> {
    // Six decimals are meant as they stand; fewer mean the standard rate that they are near.
    if let Some((whole, decimals)) = text.split_once('.')
        && decimals.len() == 6
        && let (Ok(whole), Ok(decimals)) = (whole.parse::<u32>(), decimals.parse::<u32>())
    {
        return Ok(twice(i64::from(whole) * 1_000_000 + i64::from(decimals)));
    }
    text.parse().map(|rate: Rate| twice(rate.micro()))
}

fn rate_text(micro: i64) -> String {
    let short = format!("{}.{:03}", micro / 1_000_000, micro % 1_000_000 / 1000);
    let short = short.trim_end_matches('0').trim_end_matches('.');
    if rate(short) == Ok(twice(micro)) {
        return short.to_owned();
    }
    format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000)
}

fn micros(text: &str) -> Result<i64, Malformed> {
    // As clips' running times are shown: `1:30`, `1:02:05`.
    if text.contains(':') {
        let parts: Option<Vec<u64>> = text.split(':').map(|part| part.parse().ok()).collect();
        let seconds = match parts.as_deref() {
            Some([minutes, seconds @ 0..60]) => minutes.checked_mul(60).map(|m| m + seconds),
            Some([hours, minutes @ 0..60, seconds @ 0..60]) => {
                hours.checked_mul(3600).map(|h| h + minutes * 60 + seconds)
            }
            _ => None,
        };
        return seconds
            .and_then(|seconds| seconds.checked_mul(1_000_000))
            .map(capped)
            .ok_or_else(|| Malformed::new(text, "a duration such as `1m30s` or `1:30`"));
    }
    Ok(capped(text.parse::<Duration>()?.as_micros()))
}

fn duration_text(micros: i64) -> String {
    let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
    let mut text = String::new();
    for (amount, unit) in [(seconds / 3600, "h"), (seconds / 60 % 60, "m")] {
        if amount > 0 {
            // Writing to a string cannot fail.
            let _ = write!(text, "{amount}{unit}");
        }
    }
    let fraction = format!(".{rest:06}");
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    if seconds % 60 > 0 || !fraction.is_empty() || text.is_empty() {
        let _ = write!(text, "{}{fraction}s", seconds % 60);
    }
    text
}

/// A second or minute, or all of the day, month or year that was named.
fn day(text: &str) -> Result<(i64, i64), Malformed> {
    let malformed = || {
        Malformed::new(
            text,
            "a date such as `2026-05-02`, `2026-05`, `2026` or `2026-05-02T14:00`",
        )
    };
    let clean = text.trim_end_matches('Z').replace(' ', "T");
    let (date, time) = clean
        .split_once('T')
        .map_or((clean.as_str(), None), |(d, t)| (d, Some(t)));
    let digits = |text: &str, lengths: &[usize], by: char| {
        let parts: Vec<&str> = text.split(by).collect();
        let fits = parts.len() <= lengths.len()
            && parts.iter().zip(lengths).all(|(part, length)| {
                part.len() == *length && part.bytes().all(|byte| byte.is_ascii_digit())
            });
        fits.then(|| {
            parts
                .iter()
                .filter_map(|part| part.parse::<i16>().ok())
                .collect::<Vec<_>>()
        })
    };
    let parts = digits(date, &[4, 2, 2], '-').ok_or_else(malformed)?;
    let at = |at: usize| {
        parts
            .get(at)
            .and_then(|part| i8::try_from(*part).ok())
            .unwrap_or(1)
    };
    let first = Date::new(parts[0], at(1), at(2)).map_err(|_| malformed())?;
    let last = match parts.len() {
        1 => first.last_of_year(),
        2 => first.last_of_month(),
        _ => first,
    };
    let Some(time) = time else {
        let end = last.to_datetime(Time::constant(23, 59, 59, 0));
        return Ok((seconds(first.to_datetime(Time::midnight())), seconds(end)));
    };
    if parts.len() < 3 {
        return Err(malformed());
    }
    let (from, to) = clock(time).map_err(|_| malformed())?;
    let midnight = seconds(first.to_datetime(Time::midnight()));
    Ok((midnight + from, midnight + to))
}

/// Seconds from 1970 to a clock reading, as if it were UTC.
fn seconds(civil: DateTime) -> i64 {
    Offset::UTC
        .to_timestamp(civil)
        .map_or(i64::MAX, Timestamp::as_second)
}

fn date_text(number: i64, side: Side) -> String {
    let Ok(instant) = Timestamp::from_second(number) else {
        return String::new();
    };
    let civil = Offset::UTC.to_datetime(instant);
    let whole = match side {
        Side::First => civil.time() == Time::midnight(),
        Side::Last => civil.time() == Time::constant(23, 59, 59, 0),
    };
    let shown = if whole {
        "%Y-%m-%d"
    } else {
        "%Y-%m-%dT%H:%M:%S"
    };
    civil.strftime(shown).to_string()
}

/// The days that words such as `yesterday` name, as a date; `None` for other words.
#[must_use]
pub fn named_day(word: &str, today: Date) -> Option<Date> {
    let back = |days: i64| today.checked_sub(days.days()).ok();
    match word.to_ascii_lowercase().as_str() {
        "today" => Some(today),
        "yesterday" => back(1),
        word => {
            let names = [
                "monday",
                "tuesday",
                "wednesday",
                "thursday",
                "friday",
                "saturday",
                "sunday",
            ];
            let at = names.iter().position(|name| *name == word)?;
            let now = today.weekday().to_monday_zero_offset();
            // The last one that is over, or today's.
            back((i64::from(now) - i64::try_from(at).ok()?).rem_euclid(7))
        }
    }
}

fn clock(text: &str) -> Result<(i64, i64), Malformed> {
    let malformed = || Malformed::new(text, "a time of day such as `14:00`");
    let parts: Vec<&str> = text.split(':').collect();
    let mut numbers = [0_i64; 3];
    for (number, part) in numbers.iter_mut().zip(&parts) {
        let is_number = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        *number = is_number
            .then(|| part.parse().ok())
            .flatten()
            .ok_or_else(malformed)?;
    }
    let [hours, minutes, seconds] = numbers;
    if parts.len() > 3 || hours > 23 || minutes > 59 || seconds > 59 {
        return Err(malformed());
    }
    let from = hours * 3600 + minutes * 60 + seconds;
    let length = [3600, 60, 1][parts.len() - 1];
    Ok((from, from + length - 1))
}

fn clock_text(number: i64, side: Side) -> String {
    let (hours, minutes, seconds) = (number / 3600, number / 60 % 60, number % 60);
    let whole = if side == Side::First { 0 } else { 59 };
    if seconds == whole {
        format!("{hours:02}:{minutes:02}")
    } else {
        format!("{hours:02}:{minutes:02}:{seconds:02}")
    }
}

fn hex(text: &str) -> Result<(i64, i64), Malformed> {
    let is_hex = (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    let digits = is_hex.then(|| &text[..text.len().min(HEX_DIGITS)]);
    let from = digits.and_then(|digits| i64::from_str_radix(&format!("{digits:0<15}"), 16).ok());
    let to = digits.and_then(|digits| i64::from_str_radix(&format!("{digits:f<15}"), 16).ok());
    from.zip(to)
        .ok_or_else(|| Malformed::new(text, "the beginning of an id, up to 32 hex digits"))
}

/// So many fit into a number that is not negative.
const HEX_DIGITS: usize = 15;

fn timecode(text: &str) -> Result<(i64, i64), Malformed> {
    if text
        .bytes()
        .filter(|byte| matches!(byte, b':' | b';' | b'.'))
        .count()
        == 2
    {
        let first: Timecode = format!("{text}:00").parse()?;
        return Ok((first.ordered(), first.ordered() + i64::from(u8::MAX)));
    }
    text.parse()
        .map(|timecode: Timecode| twice(timecode.ordered()))
}

fn timecode_text(number: i64, side: Side) -> String {
    let (seconds, frames) = (number / 1000, number % 1000);
    let whole = if side == Side::First {
        0
    } else {
        i64::from(u8::MAX)
    };
    let text = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    if frames == whole && side == Side::Last {
        return text;
    }
    format!("{text}:{frames:02}")
}

#[cfg(test)]
mod tests {
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
        let thursday = Date::constant(2026, 11, 26);
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
