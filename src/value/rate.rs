//! Rates as rational numbers: 23.976 frames per second are `24000/1001`.

use std::fmt;
use std::str::FromStr;

use super::{Malformed, serde_as_text};

const EXPECTED: &str = "a frame rate such as `25`, `23.976` or `30000/1001`";

/// Rates that cameras record at; a measured rate close to one of them is rounded to it.
const STANDARD: [(u32, u32); 13] = [
    (24000, 1001),
    (24, 1),
    (25, 1),
    (30000, 1001),
    (30, 1),
    (48000, 1001),
    (48, 1),
    (50, 1),
    (60000, 1001),
    (60, 1),
    (100, 1),
    (120_000, 1001),
    (120, 1),
];

/// Frames or units of time per second as a fraction in lowest terms; never zero, never infinite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    num: u32,
    den: u32,
}

impl Rate {
    /// One million per second: the time base of microseconds.
    pub const MICROSECONDS: Self = Self {
        num: 1_000_000,
        den: 1,
    };

    /// Creates a rate of `num / den` frames per second; `None` if either is zero.
    #[must_use]
    pub fn new(num: u32, den: u32) -> Option<Self> {
        Self::from_ratio(num.into(), den.into())
    }

    /// Creates a rate of `num / den` per second; `None` if either is zero, or if the fraction in
    /// lowest terms does not fit in 32 bits.
    #[must_use]
    pub fn from_ratio(num: u128, den: u128) -> Option<Self> {
        let (num, den) = lowest_terms(num, den)?;
        Some(Self {
            num: u32::try_from(num).ok()?,
            den: u32::try_from(den).ok()?,
        })
    }

    /// Creates the rate nearest to `num / den` whose terms are at most `max`; `None` if either is
    /// zero, or so large that the calculation overflows.
    ///
    /// Uses continued fractions. Each convergent is the best approximation for its size of
    /// denominator, and so is a semiconvergent that is closer than the convergent before it.
    #[must_use]
    pub fn nearest(num: u128, den: u128, max: u32) -> Option<Self> {
        let max = u128::from(max);
        let distance =
            |(n, d): (u128, u128)| Some(n.checked_mul(den)?.abs_diff(num.checked_mul(d)?));
        let (mut previous, mut best) = ((0, 1), (1, 0));
        let (mut dividend, mut divisor) = (num, den);
        while divisor > 0 {
            let step = dividend / divisor;
            let after = |step: u128, (n, d): (u128, u128), (n_before, d_before): (u128, u128)| {
                Some((
                    step.checked_mul(n)?.checked_add(n_before)?,
                    step.checked_mul(d)?.checked_add(d_before)?,
                ))
            };
            let next = after(step, best, previous).filter(|&(n, d)| n <= max && d <= max);
            let Some(next) = next else {
                let max_factor = |term: u128, before: u128| (max - before).checked_div(term);
                let factors = [
                    max_factor(best.0, previous.0),
                    max_factor(best.1, previous.1),
                ];
                let factor = factors.into_iter().flatten().min()?.min(step);
                let next = after(factor, best, previous)?;
                // Compare both distances over a common denominator.
                let is_nearer =
                    distance(next)?.checked_mul(best.1)? < distance(best)?.checked_mul(next.1)?;
                best = if is_nearer || best.1 == 0 { next } else { best };
                break;
            };
            (previous, best) = (best, next);
            (dividend, divisor) = (divisor, dividend % divisor);
        }
        Self::from_ratio(best.0, best.1)
    }

    /// Returns the numerator and the denominator, in lowest terms.
    #[must_use]
    pub fn terms(self) -> (u32, u32) {
        (self.num, self.den)
    }

    /// Returns frames per second as a float, for comparing and printing.
    #[must_use]
    pub fn per_second(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// Returns millionths of a frame per second, for ordering and ranges.
    #[must_use]
    pub fn micro(self) -> i64 {
        let micro = u64::from(self.num) * 1_000_000;
        let rounded = (micro + u64::from(self.den) / 2) / u64::from(self.den);
        i64::try_from(rounded).unwrap_or(i64::MAX)
    }

    /// Returns the number of whole frames that a timecode counts per second: 30 for `30000/1001`.
    #[must_use]
    pub fn timecode_base(self) -> u32 {
        self.num.div_ceil(self.den)
    }

    /// Returns true for the rates that cameras record at.
    #[must_use]
    pub fn is_standard(self) -> bool {
        STANDARD.contains(&(self.num, self.den))
    }

    /// Returns the standard rate within one part in 4,000 of this one, or this one unchanged.
    ///
    /// Rates of containers that count in milliseconds, and quotients of frame count and duration,
    /// are slightly off. The rates 24 and 23.976 differ by one part in 1,000.
    #[must_use]
    pub fn snapped(self) -> Self {
        STANDARD
            .iter()
            .map(|&(num, den)| Self { num, den })
            .find(|standard| (self.per_second() / standard.per_second() - 1.0).abs() < 1.0 / 4000.0)
            .unwrap_or(self)
    }

    /// Returns the frame that contains an audio sample, both counted from the same instant; `None`
    /// if the sample rate is zero.
    ///
    /// Few frames begin exactly on a sample. A frame therefore counts as begun if it begins before
    /// the sample ends, so rounding the sample number down does not select the previous frame.
    #[must_use]
    pub fn frame_of_sample(self, sample: u64, sample_rate: u32) -> Option<u64> {
        let scaled = (u128::from(sample) + 1) * u128::from(self.num) - 1;
        let frame = scaled.checked_div(u128::from(self.den) * u128::from(sample_rate))?;
        u64::try_from(frame).ok()
    }

    /// Returns the start of a frame in microseconds after the start of the first frame, rounded
    /// down.
    #[must_use]
    pub fn micros_of_frame(self, frame: u32) -> u64 {
        let micros = u128::from(frame) * u128::from(self.den) * 1_000_000 / u128::from(self.num);
        u64::try_from(micros).unwrap_or(u64::MAX)
    }

    /// Returns the frame shown at a time in microseconds after the start of the first frame.
    ///
    /// Start times of frames are rounded down, so a time less than a microsecond before a frame
    /// belongs to that frame.
    #[must_use]
    pub fn frame_at(self, micros: u64) -> u32 {
        let scaled = (u128::from(micros) + 1) * u128::from(self.num) - 1;
        u32::try_from(scaled / (u128::from(self.den) * 1_000_000)).unwrap_or(u32::MAX)
    }

    /// Returns half this rate: the frame rate if this one counts fields.
    #[must_use]
    pub fn halved(self) -> Option<Self> {
        Self::new(self.num, self.den.checked_mul(2)?)
    }
}

impl fmt::Display for Rate {
    /// Formats as `25` or `30000/1001`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 {
            write!(f, "{}", self.num)
        } else {
            write!(f, "{}/{}", self.num, self.den)
        }
    }
}

impl FromStr for Rate {
    type Err = Malformed;

    /// Parses `30000/1001`, `25` or `23.976`; decimals near a standard rate are rounded to it.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = || Malformed::new(text, EXPECTED);
        if let Some((num, den)) = text.split_once('/') {
            let num = num.parse().map_err(|_| malformed())?;
            let den = den.parse().map_err(|_| malformed())?;
            return Self::new(num, den).ok_or_else(malformed);
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if fraction.len() > 6 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return Err(malformed());
        }
        let den = 10_u32.pow(u32::try_from(fraction.len()).unwrap_or(0));
        let num = format!("{whole}{fraction}")
            .parse()
            .map_err(|_| malformed())?;
        let rate = Self::new(num, den).ok_or_else(malformed)?;
        Ok(if den == 1 { rate } else { rate.snapped() })
    }
}

serde_as_text!(Rate);

/// Reduces a fraction to lowest terms; `None` if either number is zero.
pub(crate) fn lowest_terms(numerator: u128, denominator: u128) -> Option<(u128, u128)> {
    let (mut a, mut b) = (numerator, denominator);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    (numerator != 0 && denominator != 0).then(|| (numerator / a, denominator / a))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_rounded_to_the_nearest_standard_rate() {
        for (text, shown) in [
            ("23.976", "24000/1001"),
            ("23.98", "24000/1001"),
            ("29.97", "30000/1001"),
            ("59.94", "60000/1001"),
            ("24", "24"),
            ("25.000", "25"),
            ("12.5", "25/2"),
            ("50/2", "25"),
        ] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn fractions_are_reduced_before_their_size_is_checked() {
        let ratio = |num, den| Rate::from_ratio(num, den).map(Rate::terms);
        assert_eq!(ratio(60_000, 2002), Some((30_000, 1001)));
        assert_eq!(ratio(25 << 40, 1 << 40), Some((25, 1)));
        assert_eq!(ratio((1 << 32) + 1, 1001), None);
        assert_eq!(ratio(u128::MAX, u128::MAX), Some((1, 1)));
        assert_eq!((ratio(0, 5), ratio(5, 0)), (None, None));
    }

    #[test]
    fn a_fraction_with_large_terms_is_replaced_by_the_nearest_rate() {
        let nearest = |num, den, max| Rate::nearest(num, den, max).map(Rate::terms);
        assert_eq!(nearest(60_000, 2002, 30_000), Some((30_000, 1001)));
        assert_eq!(nearest(60_000, 2002, 29_999), Some((19_001, 634)));
        assert_eq!(nearest((1 << 40) + 1, 1 << 40, 1000), Some((1, 1)));
        assert_eq!(nearest(1 << 40, 1, 1000), Some((1000, 1)));
        assert_eq!((nearest(0, 5, 9), nearest(5, 0, 9)), (None, None));
        assert_eq!(nearest(u128::MAX, u128::MAX - 1, 1000), None);
    }

    #[test]
    fn zero_and_garbage_are_rejected() {
        for text in ["0", "0/0", "30/0", "", "fast", "-25", "1.2345678", "25/"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_frame_starts_at_the_sample_that_contains_its_start() {
        // 29.97: frames begin at samples 0, 1601.6, 3203.2, 4804.8, 6406.4 and 8008 exactly.
        let ntsc = Rate::new(30000, 1001).unwrap();
        for (sample, frame) in [
            (0, 0),
            (1600, 0),
            (1601, 1),
            (3203, 2),
            (8007, 4),
            (8008, 5),
        ] {
            assert_eq!(ntsc.frame_of_sample(sample, 48000), Some(frame), "{sample}");
        }
        assert_eq!(ntsc.frame_of_sample(1, 0), None);
        let fastest = Rate::new(u32::MAX, 1).unwrap();
        assert_eq!(fastest.frame_of_sample(u64::MAX, 1), None);
    }

    #[test]
    fn the_start_time_of_a_frame_maps_back_to_it() {
        for (num, den) in STANDARD {
            let rate = Rate::new(num, den).unwrap();
            for frame in (0..5000).chain([2_589_407, 10_368_000]) {
                assert_eq!(rate.frame_at(rate.micros_of_frame(frame)), frame, "{rate}");
            }
        }
    }

    #[test]
    fn measured_rates_snap_but_nonstandard_ones_are_unchanged() {
        assert_eq!(
            Rate::new(19001, 317).unwrap().snapped(),
            Rate::new(60000, 1001).unwrap()
        );
        assert_eq!(
            Rate::new(15, 1).unwrap().snapped(),
            Rate::new(15, 1).unwrap()
        );
        assert_ne!(
            Rate::new(24, 1).unwrap(),
            Rate::new(24000, 1001).unwrap().snapped()
        );
    }
}
