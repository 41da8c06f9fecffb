//! Times as XMP counts them: frames of a rate that stands beside them, or in them.
//!
//! XMP data types, `FrameRate` and `FrameCount`: `f25` is 25 frames in a second, `f30000s1001`
//! is 30,000 in 1,001 seconds; `15f24` is 15 frames at 24 a second, and a count without a rate
//! counts seconds.

/// Ticks in a second, as Premiere counts them.
const TICKS: u64 = 254_016_000_000;

/// Premiere's ticks in a microsecond.
const TICKS_IN_A_MICRO: u128 = 254_016;

/// How many frames last how many seconds, both in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameRate {
    frames: u128,
    seconds: u128,
}

impl FrameRate {
    /// The rate of a count that has none.
    pub(super) const SECONDS: Self = Self {
        frames: MILLION,
        seconds: MILLION,
    };

    /// Premiere's ticks, in which a microsecond is a whole number.
    pub(super) fn ticks() -> String {
        format!("f{TICKS}")
    }

    /// Reads `f25`, `f30000s1001` or `f29.97`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.trim().strip_prefix('f')?;
        let (frames, seconds) = text.split_once('s').unwrap_or((text, "1"));
        let (frames, seconds) = (millionths(frames)?, millionths(seconds)?);
        (frames > 0 && seconds > 0).then_some(Self { frames, seconds })
    }
}

const MILLION: u128 = 1_000_000;

/// Reads a count of frames as microseconds, rounded down; its own rate goes before the
/// `rate` beside it.
pub(super) fn micros(count: &str, rate: Option<FrameRate>) -> Option<u64> {
    let count = count.trim();
    let at = count.find('f').unwrap_or(count.len());
    let (count, own) = count.split_at(at);
    let rate = if own.is_empty() {
        rate?
    } else {
        FrameRate::read(own)?
    };
    let micros = millionths(count)?.checked_mul(rate.seconds)? / rate.frames;
    u64::try_from(micros).ok()
}

/// Writes microseconds as Premiere's ticks.
pub(super) fn in_ticks(micros: u64) -> String {
    (u128::from(micros) * TICKS_IN_A_MICRO).to_string()
}

/// A decimal number, in millionths.
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
    fn counts_are_read_at_their_rates() {
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
            assert_eq!(micros(count, FrameRate::read(rate)), read, "{count} {rate}");
        }
        assert_eq!(micros("12", Some(FrameRate::SECONDS)), Some(12_000_000));
        for text in ["", "25", "f", "f0", "f25s0", "f25s", "fs1001", "f-25"] {
            assert_eq!(FrameRate::read(text), None, "{text}");
        }
    }

    #[test]
    fn microseconds_are_whole_ticks() {
        let ticks = FrameRate::read(&FrameRate::ticks());
        for time in [0, 1, 999_999, 1_000_001, u64::MAX] {
            assert_eq!(micros(&in_ticks(time), ticks), Some(time), "{time}");
        }
    }
}
