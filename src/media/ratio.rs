//! Fractions in lowest terms, in which ffprobe prints frame rates and pixel aspect ratios.

use std::ops::{Div, Rem};

/// Reduces a fraction to lowest terms; `None` if either number is 0.
pub(super) fn reduce<T>(numerator: T, denominator: T) -> Option<(T, T)>
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

/// Formats a pixel aspect ratio such as `64:45`; `None` if its terms do not fit in 32 bits and
/// ffprobe would round it.
pub(super) fn format_aspect_ratio(horizontal: u64, vertical: u64) -> Option<String> {
    let (horizontal, vertical) = reduce(horizontal, vertical)?;
    let fits = |number: u64| i32::try_from(number).is_ok();
    (fits(horizontal) && fits(vertical)).then(|| format!("{horizontal}:{vertical}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reduces_fractions_and_rejects_zero() {
        assert_eq!(reduce(60_000_u32, 2002), Some((30_000, 1001)));
        assert_eq!(reduce(u128::MAX, u128::MAX), Some((1, 1)));
        assert_eq!(reduce(0_u64, 5), None);
        assert_eq!(reduce(5_u64, 0), None);
        assert_eq!(format_aspect_ratio(1280, 900).as_deref(), Some("64:45"));
        assert_eq!(format_aspect_ratio(1 << 31, 1), None);
    }
}
