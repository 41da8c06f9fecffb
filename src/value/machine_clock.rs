//! The clock of this machine, clamped to a range that dates can represent.
//!
//! The system clock may show any time, since it may be wrong or may never have been set. Its raw
//! reading can overflow date arithmetic, so all code reads the time through this module.

use std::time::SystemTime;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// Returns the current time, clamped to the years 1970 to 9999.
#[must_use]
pub fn now() -> Timestamp {
    clamp(SystemTime::now())
}

/// Returns the current time in this machine's time zone.
#[must_use]
pub fn local_now() -> Zoned {
    now().to_zoned(TimeZone::system())
}

/// Clamps a clock reading to the range that dates can represent.
fn clamp(time: SystemTime) -> Timestamp {
    if time < SystemTime::UNIX_EPOCH {
        return Timestamp::UNIX_EPOCH;
    }
    let last = Timestamp::from_second(Timestamp::MAX.as_second()).unwrap_or(Timestamp::MAX);
    // The fraction after the last whole second is excluded: rounded to microseconds, it could not
    // be parsed back.
    Timestamp::try_from(time).unwrap_or(last).min(last)
}

/// Formats seconds since 1970 UTC as `2026-05-02T12:00:00Z`; `None` beyond the range of dates.
#[must_use]
pub fn format_unix_seconds(seconds: i64) -> Option<String> {
    Timestamp::from_second(seconds).ok().map(to_utc_text)
}

/// Formats microseconds since 1970 UTC like [`format_unix_seconds`].
#[must_use]
pub fn format_unix_micros(micros: i64) -> Option<String> {
    Timestamp::from_microsecond(micros).ok().map(to_utc_text)
}

/// Formats nanoseconds since 1970 UTC, such as a file's modification time, like
/// [`format_unix_seconds`].
#[must_use]
pub fn format_unix_nanos(unix_nanos: i64) -> Option<String> {
    let instant = Timestamp::from_nanosecond(i128::from(unix_nanos)).ok()?;
    Some(to_utc_text(instant))
}

fn to_utc_text(instant: Timestamp) -> String {
    TimeZone::UTC
        .to_datetime(instant)
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_clock_reading_becomes_a_representable_time() {
        let after = |seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        let before = |seconds| SystemTime::UNIX_EPOCH.checked_sub(Duration::from_secs(seconds));
        let last = Timestamp::from_second(253_402_207_200).unwrap();
        for (clock, expected) in [
            (
                after(1_779_278_400),
                Timestamp::from_second(1_779_278_400).unwrap(),
            ),
            (after(0), Timestamp::UNIX_EPOCH),
            (before(1), Timestamp::UNIX_EPOCH),
            (before(1 << 40), Timestamp::UNIX_EPOCH),
            (before(i64::MAX.unsigned_abs()), Timestamp::UNIX_EPOCH),
            // 9999-12-31, the year 292,277,026,596, and the largest value that fits.
            (after(253_402_214_400), last),
            (after(9_223_372_036_825_516_800), last),
            (after(i64::MAX.unsigned_abs()), last),
        ] {
            let Some(clock) = clock else { continue };
            let now = clamp(clock);
            assert_eq!(now, expected);
            for zone in ["Pacific/Kiritimati", "Etc/GMT+12", "Europe/Berlin", "UTC"] {
                let Ok(zone) = TimeZone::get(zone) else {
                    continue;
                };
                let local = now.to_zoned(zone);
                assert!((1969..=9999).contains(&local.year()), "{local}");
                assert!(local.date().yesterday().is_ok());
            }
            assert!(format_unix_seconds(now.as_second()).is_some());
            assert!(format_unix_micros(now.as_microsecond()).is_some());
        }
    }

    #[test]
    fn a_stored_time_is_formatted_or_rejected() {
        for number in [
            i64::MIN,
            -1,
            0,
            1_779_278_400,
            253_402_207_200,
            253_402_214_400,
            i64::MAX,
        ] {
            let texts = [
                format_unix_seconds(number),
                format_unix_micros(number),
                format_unix_nanos(number),
            ];
            let is_utc =
                |text: &Option<String>| text.as_ref().is_none_or(|text| text.ends_with('Z'));
            assert!(texts.iter().all(is_utc), "{texts:?}");
        }
        let text = format_unix_seconds(253_402_207_199);
        assert_eq!(text.as_deref(), Some("9999-12-30T21:59:59Z"));
        assert_eq!(format_unix_seconds(253_402_214_400), None);
    }
}
