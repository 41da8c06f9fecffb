//! Frame rates, and times as ffprobe prints them.

use crate::media::header;

/// The largest number in a frame rate; ffprobe takes the nearest fraction below.
const MOST: u64 = 30_000;

/// The rate of frames of so many nanoseconds, as ffprobe prints it; `None` where ffprobe
/// does not trust it.
pub(super) fn frame_rate(nanoseconds: u64) -> Option<String> {
    if nanoseconds == 0 || nanoseconds > u64::from(u32::MAX) {
        return None;
    }
    let (frames, seconds) = nearest(1_000_000_000, nanoseconds, MOST)?;
    let is_usual = frames < seconds * 1000 && frames > seconds * 5;
    is_usual.then(|| format!("{frames}/{seconds}"))
}

/// The fraction nearest to another of which neither number is above `most`.
///
/// By continued fractions: each step is the best of its size, and so is a part of a step that
/// comes nearer than the step before.
fn nearest(numerator: u64, denominator: u64, most: u64) -> Option<(u64, u64)> {
    let distance = |(n, d): (u64, u64)| {
        let (wide, high) = (u128::from(n) * u128::from(denominator), u128::from(d));
        wide.abs_diff(u128::from(numerator) * high)
    };
    let (mut before, mut best) = ((0, 1), (1, 0));
    let (mut rest, mut by) = (numerator, denominator);
    while by > 0 {
        let step = rest / by;
        let after = |step: u64, (n, d): (u64, u64), (n_before, d_before): (u64, u64)| {
            Some((
                step.checked_mul(n)?.checked_add(n_before)?,
                step.checked_mul(d)?.checked_add(d_before)?,
            ))
        };
        let next = after(step, best, before).filter(|&(n, d)| n <= most && d <= most);
        let Some(next) = next else {
            let room = |of: u64, already: u64| (most - already).checked_div(of);
            let part = [room(best.0, before.0), room(best.1, before.1)];
            let part = part.into_iter().flatten().min()?.min(step);
            let next = after(part, best, before)?;
            // Both over the same denominator.
            let is_nearer =
                distance(next) * u128::from(best.1) < distance(best) * u128::from(next.1);
            return Some(if is_nearer || best.1 == 0 { next } else { best });
        };
        (before, best) = (best, next);
        (rest, by) = (by, rest % by);
    }
    Some(best)
}

/// Seconds with six digits of a length in units of so many nanoseconds.
///
/// `None` for what is no length: ffprobe does not believe it either.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "checked to be a number of microseconds, cut off as ffprobe does"
)]
pub(super) fn seconds(units: f64, nanoseconds: u64) -> Option<String> {
    let micros = units * nanoseconds as f64 * 1000.0 / 1_000_000.0;
    if !(1.0..1e15).contains(&micros) {
        return None;
    }
    Some(header::seconds(micros as u128))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_the_fractions_that_ffprobe_prints() {
        for (nanoseconds, expected) in [
            (40_000_000, Some("25/1")),
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
                frame_rate(nanoseconds).as_deref(),
                expected,
                "{nanoseconds}"
            );
        }
    }

    #[test]
    fn lengths_are_cut_to_microseconds() {
        assert_eq!(seconds(2023.0, 1_000_000).as_deref(), Some("2.023000"));
        assert_eq!(seconds(2023.25, 1_000_000).as_deref(), Some("2.023250"));
        for none in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(seconds(none, 1_000_000), None, "{none}");
        }
    }
}
