//! This machine's clock, which may show any time: one that was never set, or that someone set wrong.
//!
//! Whoever needs the time gets it here, as one that dates and arithmetic can bear; the system's own
//! reading makes them overflow.

use std::time::SystemTime;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// The time now, to the nearest that a date can be written of: from 1970 to the end of 9999.
#[must_use]
pub fn now() -> Timestamp {
    nearest(SystemTime::now())
}

/// The time now, at the place of this machine.
#[must_use]
pub fn local_now() -> Zoned {
    now().to_zoned(TimeZone::system())
}

/// The nearest time to a clock's reading that a date can be written of.
fn nearest(time: SystemTime) -> Timestamp {
    if time < SystemTime::UNIX_EPOCH {
        return Timestamp::UNIX_EPOCH;
    }
    let last = Timestamp::from_second(Timestamp::MAX.as_second()).unwrap_or(Timestamp::MAX);
    // In whole microseconds the very last second cannot be read back.
    Timestamp::try_from(time).unwrap_or(last).min(last)
}

/// A time in seconds since 1970 UTC as text: `2026-05-02T12:00:00Z`; `None` beyond the range of dates.
#[must_use]
pub fn instant_of_seconds(seconds: i64) -> Option<String> {
    Timestamp::from_second(seconds).ok().map(written)
}

/// As [`instant_of_seconds`], of microseconds.
#[must_use]
pub fn instant_of_micros(micros: i64) -> Option<String> {
    Timestamp::from_microsecond(micros).ok().map(written)
}

/// A file's modification time as text, to the second: `2026-05-02T12:00:00Z`.
#[must_use]
pub fn instant(unix_nanos: i64) -> Option<String> {
    let instant = Timestamp::from_nanosecond(i128::from(unix_nanos)).ok()?;
    Some(written(instant))
}

fn written(instant: Timestamp) -> String {
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
    fn whatever_a_clock_shows_is_a_time_that_can_be_written() {
        let after = |seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        let before = |seconds| SystemTime::UNIX_EPOCH.checked_sub(Duration::from_secs(seconds));
        let last = Timestamp::from_second(253_402_207_200).unwrap();
        for (clock, wanted) in [
            (
                after(1_779_278_400),
                Timestamp::from_second(1_779_278_400).unwrap(),
            ),
            (after(0), Timestamp::UNIX_EPOCH),
            (before(1), Timestamp::UNIX_EPOCH),
            (before(1 << 40), Timestamp::UNIX_EPOCH),
            (before(i64::MAX.unsigned_abs()), Timestamp::UNIX_EPOCH),
            // 9999-12-31, the year 292,277,026,596, and as much as fits.
            (after(253_402_214_400), last),
            (after(9_223_372_036_825_516_800), last),
            (after(i64::MAX.unsigned_abs()), last),
        ] {
            let Some(clock) = clock else { continue };
            let now = nearest(clock);
            assert_eq!(now, wanted);
            for zone in ["Pacific/Kiritimati", "Etc/GMT+12", "Europe/Berlin", "UTC"] {
                let Ok(zone) = TimeZone::get(zone) else {
                    continue;
                };
                let there = now.to_zoned(zone);
                assert!((1969..=9999).contains(&there.year()), "{there}");
                assert!(there.date().yesterday().is_ok());
            }
            assert!(instant_of_seconds(now.as_second()).is_some());
            assert!(instant_of_micros(now.as_microsecond()).is_some());
        }
    }

    #[test]
    fn stored_times_are_written_or_none() {
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
                instant_of_seconds(number),
                instant_of_micros(number),
                instant(number),
            ];
            let is_well =
                |text: &Option<String>| text.as_ref().is_none_or(|text| text.ends_with('Z'));
            assert!(texts.iter().all(is_well), "{texts:?}");
        }
        let text = instant_of_seconds(253_402_207_199);
        assert_eq!(text.as_deref(), Some("9999-12-30T21:59:59Z"));
        assert_eq!(instant_of_seconds(253_402_214_400), None);
    }
}
