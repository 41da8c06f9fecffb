//! Pixel aspect ratios.

use crate::value::lowest_terms;

/// Shape of a pixel: its width and height in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PixelAspect {
    horizontal: u32,
    vertical: u32,
}

impl PixelAspect {
    /// Square pixels.
    pub(super) const SQUARE: Self = Self {
        horizontal: 1,
        vertical: 1,
    };

    /// Creates a ratio from a width and a height; `None` if either is zero.
    pub(super) fn new(horizontal: u32, vertical: u32) -> Option<Self> {
        let (horizontal, vertical) = lowest_terms(horizontal.into(), vertical.into())?;
        Some(Self {
            horizontal: u32::try_from(horizontal).ok()?,
            vertical: u32::try_from(vertical).ok()?,
        })
    }

    /// Creates a ratio from products of sizes; `None` if its terms do not fit in 32 bits with a
    /// sign, and ffprobe would round it.
    pub(super) fn from_products(horizontal: u64, vertical: u64) -> Option<Self> {
        let (horizontal, vertical) = lowest_terms(horizontal.into(), vertical.into())?;
        let term = |number: u128| i32::try_from(number).ok().map(i32::unsigned_abs);
        Some(Self {
            horizontal: term(horizontal)?,
            vertical: term(vertical)?,
        })
    }

    /// Converts a width in these pixels to square pixels. Ratios above 10:1 are ignored.
    pub(super) fn square_width(self, width: u32) -> u32 {
        let (num, den) = (u64::from(self.horizontal), u64::from(self.vertical));
        if num > den * 10 || den > num * 10 {
            return width;
        }
        u32::try_from((u64::from(width) * num + den / 2) / den)
            .unwrap_or(width)
            .max(1)
    }
}

impl std::fmt::Display for PixelAspect {
    /// Formats as `64:45`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.horizontal, self.vertical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reduces_ratios_and_rejects_those_that_ffprobe_rounds() {
        let text = |ratio: Option<PixelAspect>| ratio.map(|ratio| ratio.to_string());
        let products = |horizontal, vertical| PixelAspect::from_products(horizontal, vertical);
        assert_eq!(text(products(1280, 900)).as_deref(), Some("64:45"));
        assert_eq!(text(products(1 << 40, 1 << 41)).as_deref(), Some("1:2"));
        assert_eq!(products(1 << 31, 1), None);
        assert_eq!(
            text(PixelAspect::new(1 << 31, 1)).as_deref(),
            Some("2147483648:1")
        );
        assert_eq!(PixelAspect::new(0, 5), None);
        assert_eq!(PixelAspect::new(5, 0), None);
    }

    #[test]
    fn converts_widths_to_square_pixels() {
        let square = |horizontal, vertical, width| {
            PixelAspect::new(horizontal, vertical)
                .unwrap()
                .square_width(width)
        };
        assert_eq!(square(4, 3, 1440), 1920);
        assert_eq!(square(64, 45, 720), 1024);
        assert_eq!(square(11, 1, 720), 720);
        assert_eq!(square(1, 9, 1), 1);
        assert_eq!(PixelAspect::SQUARE.square_width(720), 720);
    }
}
