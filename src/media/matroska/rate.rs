//! Frame rates and durations, rounded as ffprobe does.

use crate::value::{ExactDuration, Rate};

/// Maximum numerator and denominator of a frame rate in ffprobe's approximation.
const MAX_TERM: u32 = 30_000;

/// Returns the frame rate for a frame duration in nanoseconds, as ffprobe rounds it. `None` for
/// values that ffprobe ignores.
pub(super) fn frame_rate(nanoseconds: u64) -> Option<Rate> {
    if nanoseconds == 0 || nanoseconds > u64::from(u32::MAX) {
        return None;
    }
    let rate = Rate::nearest(1_000_000_000, nanoseconds.into(), MAX_TERM)?;
    let (frames, seconds) = rate.terms();
    let is_plausible = frames / 1000 < seconds && frames > seconds * 5;
    is_plausible.then_some(rate)
}

/// Converts a duration in units of `nanoseconds` to whole microseconds.
///
/// `None` for implausible durations, which ffprobe also ignores.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "checked to be a number of microseconds, truncated as ffprobe does"
)]
pub(super) fn exact_duration(units: f64, nanoseconds: u64) -> Option<ExactDuration> {
    let micros = units * nanoseconds as f64 * 1000.0 / 1_000_000.0;
    if !(1.0..1e15).contains(&micros) {
        return None;
    }
    Some(ExactDuration::from_micros(micros as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_rates_like_ffprobe() {
        for (nanoseconds, expected) in [
            (40_000_000, Some("25")),
            (41_708_333, Some("24000/1001")),
            (33_366_666, Some("30000/1001")),
            (16_683_350, Some("2997/50")),
            (41_708_375, Some("2997/125")),
            (42_000_000, Some("500/21")),
            (113_675_116, Some("8797/1000")),
            (500_000_000, None),
            (1_000, None),
            (0, None),
            (u64::MAX, None),
        ] {
            assert_eq!(
                frame_rate(nanoseconds)
                    .map(|rate| rate.to_string())
                    .as_deref(),
                expected,
                "{nanoseconds}"
            );
        }
    }

    #[test]
    fn truncates_durations_to_microseconds() {
        for (units, micros) in [(2023.0, 2_023_000), (2023.25, 2_023_250), (0.0019, 1)] {
            let expected = ExactDuration::from_micros(micros);
            assert_eq!(exact_duration(units, 1_000_000), Some(expected));
        }
        for implausible in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(
                exact_duration(implausible, 1_000_000),
                None,
                "{implausible}"
            );
        }
    }
}
