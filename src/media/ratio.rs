//! Fractions in lowest terms, as ffprobe prints rates and shapes of pixels.

use std::ops::{Div, Rem};

/// A fraction in lowest terms; `None` where either number is 0.
pub(super) fn lowest<T>(numerator: T, denominator: T) -> Option<(T, T)>
where
    T: Copy + Default + PartialEq + Rem<Output = T> + Div<Output = T>,
{
    let zero = T::default();
    let (mut a, mut b) = (numerator, denominator);
    while b != zero {
        (a, b) = (b, a % b);
    }
    (numerator != zero && denominator != zero).then(|| (numerator / a, denominator / a))
}

/// The shape of a pixel, `64:45`; `None` for one that ffprobe would have to round.
pub(super) fn aspect(wide: u64, high: u64) -> Option<String> {
    let (wide, high) = lowest(wide, high)?;
    let is_sane = |number: u64| i32::try_from(number).is_ok();
    (is_sane(wide) && is_sane(high)).then(|| format!("{wide}:{high}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_in_lowest_terms_or_none() {
        assert_eq!(lowest(60_000_u32, 2002), Some((30_000, 1001)));
        assert_eq!(lowest(u128::MAX, u128::MAX), Some((1, 1)));
        assert_eq!(lowest(0_u64, 5), None);
        assert_eq!(lowest(5_u64, 0), None);
        assert_eq!(aspect(1280, 900).as_deref(), Some("64:45"));
        assert_eq!(aspect(1 << 31, 1), None);
    }
}
