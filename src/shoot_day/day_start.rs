//! Start of a shoot day, so that clips filmed after midnight belong to the previous day.

use jiff::civil::{Date, DateTime, Time};

use crate::value::Malformed;

/// Returns the shoot date of a moment: before `starts`, the previous date.
#[must_use]
pub fn shoot_date(civil: DateTime, starts: Time) -> Date {
    let date = civil.date();
    if civil.time() < starts {
        date.yesterday().unwrap_or(date)
    } else {
        date
    }
}

/// Parses the time at which shoot days start, in hours and minutes: `04:00`.
///
/// # Errors
/// Returns an error if the text is not a time of day in whole minutes.
pub fn parse_day_start(text: &str) -> Result<Time, Malformed> {
    let (hour, minute) = text.trim().split_once(':').unwrap_or_default();
    // TOML times include seconds: `04:00:00`.
    let minute = minute.strip_suffix(":00").unwrap_or(minute);
    let number = |text: &str, digits: std::ops::RangeInclusive<usize>| -> Option<i8> {
        let is_number = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| is_number)
    };
    let time = number(hour, 1..=2)
        .zip(number(minute, 2..=2))
        .and_then(|(hour, minute)| Time::new(hour, minute, 0, 0).ok());
    time.ok_or_else(|| Malformed::new(text, "a time of day such as `04:00`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_began() {
        let starts = parse_day_start("04:00").unwrap();
        for (moment, date) in [
            ("2026-05-02T04:00:00", "2026-05-02"),
            ("2026-05-02T23:59:59", "2026-05-02"),
            ("2026-05-03T00:00:00", "2026-05-02"),
            ("2026-05-03T03:59:59", "2026-05-02"),
            ("2028-03-01T01:00:00", "2028-02-29"),
            ("2027-01-01T01:00:00", "2026-12-31"),
        ] {
            let moment: DateTime = moment.parse().unwrap();
            assert_eq!(shoot_date(moment, starts).to_string(), date);
            assert_eq!(shoot_date(moment, Time::midnight()), moment.date());
        }
        assert_eq!(shoot_date(DateTime::MIN, starts), Date::MIN);
    }

    #[test]
    fn parses_times_of_day() {
        for (text, hour) in [("04:00", 4), ("4:00", 4), ("00:00", 0), ("04:00:00", 4)] {
            assert_eq!(
                parse_day_start(text),
                Ok(Time::constant(hour, 0, 0, 0)),
                "{text}"
            );
        }
        for text in [
            "", "4", "24:00", "04:60", "04:0", "+4:00", "04:00:30", "four",
        ] {
            assert!(parse_day_start(text).is_err(), "{text}");
        }
    }
}
