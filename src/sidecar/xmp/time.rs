//! XMP times, which are frame counts. The frame rate is in a separate property or part of the
//! value.
//!
//! XMP data types, `FrameRate` and `FrameCount`: `f25` is 25 frames per second, `f30000s1001` is
//! 30,000 frames in 1,001 seconds, and `15f24` is 15 frames at 24 per second. A count without a
//! rate is in seconds.

/// Ticks per second in Premiere.
const TICKS: u64 = 254_016_000_000;

/// Ticks per microsecond in Premiere.
const TICKS_PER_MICRO: u128 = 254_016;

/// Frame rate as a number of frames per number of seconds, both in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameRate {
    frames: u128,
    seconds: u128,
}

impl FrameRate {
    /// Rate of a count that has no frame rate: one per second.
    pub(super) const SECONDS: Self = Self {
        frames: MILLION,
        seconds: MILLION,
    };

    /// Returns the rate of Premiere's ticks. Every microsecond is a whole number of ticks.
    pub(super) fn ticks() -> String {
        format!("f{TICKS}")
    }

    /// Parses `f25`, `f30000s1001` or `f29.97`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().strip_prefix('f')?;
        let (frames, seconds) = text.split_once('s').unwrap_or((text, "1"));
        let (frames, seconds) = (millionths(frames)?, millionths(seconds)?);
        (frames > 0 && seconds > 0).then_some(Self { frames, seconds })
    }
}

const MILLION: u128 = 1_000_000;

/// Converts a frame count to microseconds, rounded down. A rate within `count` takes precedence
/// over `rate`.
pub(super) fn micros(count: &str, rate: Option<FrameRate>) -> Option<u64> {
    let count = count.trim();
    let at = count.find('f').unwrap_or(count.len());
    let (count, own_rate) = count.split_at(at);
    let rate = if own_rate.is_empty() {
        rate?
    } else {
        FrameRate::parse(own_rate)?
    };
    let micros = millionths(count)?.checked_mul(rate.seconds)? / rate.frames;
    u64::try_from(micros).ok()
}

/// Converts microseconds to Premiere's ticks.
pub(super) fn to_ticks(micros: u64) -> String {
    (u128::from(micros) * TICKS_PER_MICRO).to_string()
}

/// Parses a decimal number and returns it in millionths.
fn millionths(text: &str) -> Option<u128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let fraction: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let whole: u128 = whole.parse().ok()?;
    whole
        .checked_mul(MILLION)?
        .checked_add(fraction.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts_counts_at_their_rates() {
        for (count, rate, read) in [
            ("150", "f25", Some(6_000_000)),
            ("600", "f30000s1001", Some(20_020_000)),
            ("1", "f30000s1001", Some(33_366)),
            ("8475667200", "f254016000000", Some(33_366)),
            ("15f24", "f25", Some(625_000)),
            ("15f1000", "", Some(15_000)),
            ("15f30000s1001", "", Some(500_500)),
            ("12", "f1", Some(12_000_000)),
            (" 12.5 ", "f1", Some(12_500_000)),
            ("2997", "f29.97", Some(100_000_000)),
            ("0", "", None),
            ("-1", "f25", None),
            ("+1", "f25", None),
            ("", "f25", None),
            ("maximum", "f25", None),
            ("1f0", "f25", None),
            ("1f", "f25", None),
            ("340282366920938463463374607431768211455", "f25", None),
            ("99999999999999999999", "f1", None),
        ] {
            assert_eq!(
                micros(count, FrameRate::parse(rate)),
                read,
                "{count} {rate}"
            );
        }
        assert_eq!(micros("12", Some(FrameRate::SECONDS)), Some(12_000_000));
        for text in ["", "25", "f", "f0", "f25s0", "f25s", "fs1001", "f-25"] {
            assert_eq!(FrameRate::parse(text), None, "{text}");
        }
    }

    #[test]
    fn microseconds_survive_a_round_trip_through_ticks() {
        let ticks = FrameRate::parse(&FrameRate::ticks());
        for time in [0, 1, 999_999, 1_000_001, u64::MAX] {
            assert_eq!(micros(&to_ticks(time), ticks), Some(time), "{time}");
        }
    }
}
