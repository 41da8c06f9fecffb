//! Frame rates and durations, rounded as ffprobe does.

use crate::value::{ExactDuration, Rate};

/// Maximum numerator and denominator of a frame rate in ffprobe's approximation.
const MAX_TERM: u64 = 30_000;

/// Returns the frame rate for a frame duration in nanoseconds, as ffprobe rounds it. `None` for
/// values that ffprobe ignores.
pub(super) fn frame_rate(nanoseconds: u64) -> Option<Rate> {
    if nanoseconds == 0 || nanoseconds > u64::from(u32::MAX) {
        return None;
    }
    let (frames, seconds) = approximate(1_000_000_000, nanoseconds, MAX_TERM)?;
    let is_plausible = frames < seconds * 1000 && frames > seconds * 5;
    Rate::from_ratio(frames.into(), seconds.into()).filter(|_| is_plausible)
}

/// Approximates a fraction by the nearest one whose numerator and denominator are at most `max`.
///
/// Uses continued fractions. Each convergent is the best approximation for its size of denominator,
/// and so is a semiconvergent that is closer than the convergent before it.
fn approximate(numerator: u64, denominator: u64, max: u64) -> Option<(u64, u64)> {
    let distance = |(n, d): (u64, u64)| {
        let (scaled, own_denominator) = (u128::from(n) * u128::from(denominator), u128::from(d));
        scaled.abs_diff(u128::from(numerator) * own_denominator)
    };
    let (mut previous, mut best) = ((0, 1), (1, 0));
    let (mut dividend, mut divisor) = (numerator, denominator);
    while divisor > 0 {
        let step = dividend / divisor;
        let after = |step: u64, (n, d): (u64, u64), (n_before, d_before): (u64, u64)| {
            Some((
                step.checked_mul(n)?.checked_add(n_before)?,
                step.checked_mul(d)?.checked_add(d_before)?,
            ))
        };
        let next = after(step, best, previous).filter(|&(n, d)| n <= max && d <= max);
        let Some(next) = next else {
            let max_factor = |term: u64, before: u64| (max - before).checked_div(term);
            let factors = [
                max_factor(best.0, previous.0),
                max_factor(best.1, previous.1),
            ];
            let factor = factors.into_iter().flatten().min()?.min(step);
            let next = after(factor, best, previous)?;
            // Compare both distances over a common denominator.
            let is_nearer =
                distance(next) * u128::from(best.1) < distance(best) * u128::from(next.1);
            return Some(if is_nearer || best.1 == 0 { next } else { best });
        };
        (previous, best) = (best, next);
        (dividend, divisor) = (divisor, dividend % divisor);
    }
    Some(best)
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
