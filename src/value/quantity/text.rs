//! Parsers and formatters for each quantity.
//!
//! A parser returns the first and last number that a text can mean; a formatter turns a number back
//! into text.

use std::fmt::Write;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};

use crate::value::{Bytes, Duration, Malformed, Rate, Timecode};

/// One end of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RangeEnd {
    First,
    Last,
}

pub(super) fn single(number: i64) -> (i64, i64) {
    (number, number)
}

pub(crate) fn saturating_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn parse_whole(text: &str) -> Result<(i64, i64), Malformed> {
    let number: i64 = text
        .parse()
        .map_err(|_| Malformed::new(text, "a whole number"))?;
    Ok(single(number))
}

/// Parses a size with a tolerance of half a unit of its last digit on either side.
pub(super) fn parse_rounded_bytes(text: &str) -> Result<(i64, i64), Malformed> {
    let bytes = saturating_i64(text.parse::<Bytes>()?.0);
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let decimals = number
        .split_once('.')
        .map_or(0, |(_, decimals)| decimals.len());
    let unit = saturating_i64(format!("1{}", &text[number.len()..]).parse::<Bytes>()?.0);
    let half = (0..decimals).fold(unit, |unit, _| unit / 10) / 2;
    let to = bytes
        .saturating_add(half)
        .saturating_sub(i64::from(half > 0));
    Ok((bytes.saturating_sub(half).max(0), to))
}

pub(super) fn format_bytes(number: i64) -> String {
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

pub(super) fn parse_rate(text: &str) -> Result<(i64, i64), Malformed> {
    // A value with six decimals is exact. One with fewer is rounded to the nearest standard rate.
    if let Some((whole, decimals)) = text.split_once('.')
        && decimals.len() == 6
        && let (Ok(whole), Ok(decimals)) = (whole.parse::<u32>(), decimals.parse::<u32>())
    {
        return Ok(single(i64::from(whole) * 1_000_000 + i64::from(decimals)));
    }
    text.parse().map(|rate: Rate| single(rate.micro()))
}

pub(super) fn format_rate(micro: i64) -> String {
    let short = format!("{}.{:03}", micro / 1_000_000, micro % 1_000_000 / 1000);
    let short = short.trim_end_matches('0').trim_end_matches('.');
    if parse_rate(short) == Ok(single(micro)) {
        return short.to_owned();
    }
    format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000)
}

pub(super) fn parse_micros(text: &str) -> Result<i64, Malformed> {
    // Durations are also accepted in the form in which they are printed: `1:30`, `1:02:05`.
    if text.contains(':') {
        let parts: Option<Vec<u64>> = text.split(':').map(|part| part.parse().ok()).collect();
        let seconds = match parts.as_deref() {
            Some([minutes, seconds @ 0..60]) => minutes
                .checked_mul(60)
                .and_then(|whole| whole.checked_add(*seconds)),
            Some([hours, minutes @ 0..60, seconds @ 0..60]) => hours
                .checked_mul(3600)
                .and_then(|whole| whole.checked_add(minutes * 60 + seconds)),
            _ => None,
        };
        return seconds
            .and_then(|seconds| seconds.checked_mul(1_000_000))
            .map(saturating_i64)
            .ok_or_else(|| Malformed::new(text, "a duration such as `1m30s` or `1:30`"));
    }
    Ok(saturating_i64(text.parse::<Duration>()?.as_micros()))
}

pub(super) fn format_duration(micros: i64) -> String {
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

/// Parses a year, a month, a day, or an hour, minute or second of a day.
pub(super) fn parse_date(text: &str) -> Result<(i64, i64), Malformed> {
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
    let (from, to) = parse_clock(time).map_err(|_| malformed())?;
    let midnight = seconds(first.to_datetime(Time::midnight()));
    Ok((midnight + from, midnight + to))
}

/// Returns the seconds from 1970 to a clock reading, as if the clock showed UTC.
fn seconds(civil: DateTime) -> i64 {
    Offset::UTC
        .to_timestamp(civil)
        .map_or(i64::MAX, Timestamp::as_second)
}

pub(super) fn format_date(number: i64, side: RangeEnd) -> String {
    let Ok(instant) = Timestamp::from_second(number) else {
        return String::new();
    };
    let civil = Offset::UTC.to_datetime(instant);
    let is_whole_day = match side {
        RangeEnd::First => civil.time() == Time::midnight(),
        RangeEnd::Last => civil.time() == Time::constant(23, 59, 59, 0),
    };
    let format = if is_whole_day {
        "%Y-%m-%d"
    } else {
        "%Y-%m-%dT%H:%M:%S"
    };
    civil.strftime(format).to_string()
}

/// Returns the date of `today`, `yesterday` or a weekday; `None` for other words.
#[must_use]
pub fn named_day(word: &str, today: &dyn Fn() -> Date) -> Option<Date> {
    let days_ago = |days: i64| today().checked_sub(days.days()).ok();
    match word.to_ascii_lowercase().as_str() {
        "today" => Some(today()),
        "yesterday" => days_ago(1),
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
            let weekday = names.iter().position(|name| *name == word)?;
            let now = today().weekday().to_monday_zero_offset();
            // The most recent such weekday, today included.
            days_ago((i64::from(now) - i64::try_from(weekday).ok()?).rem_euclid(7))
        }
    }
}

pub(super) fn parse_clock(text: &str) -> Result<(i64, i64), Malformed> {
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

pub(super) fn format_clock(number: i64, side: RangeEnd) -> String {
    let (hours, minutes, seconds) = (number / 3600, number / 60 % 60, number % 60);
    let implied = if side == RangeEnd::First { 0 } else { 59 };
    if seconds == implied {
        format!("{hours:02}:{minutes:02}")
    } else {
        format!("{hours:02}:{minutes:02}:{seconds:02}")
    }
}

pub(super) fn parse_hex(text: &str) -> Result<(i64, i64), Malformed> {
    let is_hex = (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    let digits = is_hex.then(|| &text[..text.len().min(HEX_DIGITS)]);
    let from = digits.and_then(|digits| i64::from_str_radix(&format!("{digits:0<15}"), 16).ok());
    let to = digits.and_then(|digits| i64::from_str_radix(&format!("{digits:f<15}"), 16).ok());
    from.zip(to)
        .ok_or_else(|| Malformed::new(text, "the beginning of an id, up to 32 hex digits"))
}

/// Number of hex digits that fit into a non-negative `i64`.
const HEX_DIGITS: usize = 15;

pub(super) fn parse_timecode(text: &str) -> Result<(i64, i64), Malformed> {
    if text
        .bytes()
        .filter(|byte| matches!(byte, b':' | b';' | b'.'))
        .count()
        == 2
    {
        let first: Timecode = format!("{text}:00").parse()?;
        return Ok((first.sort_key(), first.sort_key() + i64::from(u8::MAX)));
    }
    text.parse()
        .map(|timecode: Timecode| single(timecode.sort_key()))
}

pub(super) fn format_timecode(number: i64, side: RangeEnd) -> String {
    let (seconds, frames) = (number / 1000, number % 1000);
    let implied = if side == RangeEnd::First {
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
    if frames == implied && side == RangeEnd::Last {
        return text;
    }
    format!("{text}:{frames:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_that_overflow_are_rejected() {
        for (text, expected) in [
            ("1:30", Some(90_000_000)),
            ("1:02:05", Some(3_725_000_000)),
            ("307445734561825860:59", None),
            ("5124095576030431:59:59", None),
            ("18446744073709551615:59", None),
        ] {
            assert_eq!(parse_micros(text).ok(), expected, "{text}");
        }
    }
}
