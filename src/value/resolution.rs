//! Names of picture sizes in queries: `1080p`, `4k`, `3840x2160`.

use std::fmt;

use super::{Malformed, NumberRange, Quantity};

/// Picture size, or range of sizes, that a query requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// Range of line counts, as computed by [`lines`].
    Lines(NumberRange),
    /// Range of widths in thousands, as computed by [`thousands`].
    Thousands(NumberRange),
    /// Exact width and height in pixels.
    Picture(u32, u32),
}

const EXPECTED: &str = "a size such as `4k`, `1080p`, `1080p..4k` or `3840x2160`";

/// Returns the line count by which a picture size is named, such as 1080 for 1080p.
///
/// This is the shorter side. For a picture cropped wider than 1.9:1 it is the height before
/// cropping: 1920x804 is 1080p, as is 1080x1920.
#[must_use]
pub fn lines(width: i64, height: i64) -> i64 {
    let (short, long) = (width.min(height), width.max(height));
    if long * 10 <= short * 19 {
        short
    } else {
        (long * 9 + 8) / 16
    }
}

/// Returns the longer side in thousands, as in the common names `2k` and `4k`.
///
/// One `k` is 960 columns, since both 3840 and 4096 are called 4k. 2k is 2048, since 1920 is called
/// 1080p.
#[must_use]
pub fn thousands(width: i64, height: i64) -> i64 {
    match width.max(height) {
        1920..2000 => 1,
        long => long / 960,
    }
}

impl Resolution {
    /// Parses a size, a range of sizes or a comparison.
    ///
    /// The result is usually one condition. A range from lines to thousands (`1080p..4k`) gives
    /// two, and both must hold.
    ///
    /// # Errors
    /// Fails if the text is none of these, or if the range is reversed.
    pub fn parse(text: &str) -> Result<Vec<Self>, Malformed> {
        let text = text.trim().to_ascii_lowercase();
        let text = match text.as_str() {
            "uhd" => "2160p",
            "fhd" => "1080p",
            "hd" => "720p..1080p",
            "sd" => "..576p",
            text => &with_units(text),
        };
        let malformed = || Malformed::new(text, EXPECTED);
        if let Some((width, height)) = text.split_once('x') {
            let side = |text: &str| text.parse::<u32>().ok().filter(|side| *side > 0);
            let sides = side(width).zip(side(height)).ok_or_else(malformed)?;
            return Ok(vec![Self::Picture(sides.0, sides.1)]);
        }
        let numbers: String = text
            .chars()
            .filter(|c| !matches!(c, 'p' | 'i' | 'k'))
            .collect();
        let is_one_unit =
            |unit: &[char], other: &[char]| text.contains(unit) && !text.contains(other);
        let parse = |text: &str| Quantity::WHOLE.parse(text).map_err(|_| malformed());
        if is_one_unit(&['k'], &['p', 'i']) && has_units(text) {
            return Ok(vec![Self::Thousands(parse(&numbers)?)]);
        }
        if is_one_unit(&['p', 'i'], &['k']) && has_units(text) {
            return Ok(vec![Self::Lines(parse(&numbers)?)]);
        }
        let (first, last) = text.split_once("..").ok_or_else(malformed)?;
        if first.is_empty() || last.is_empty() {
            return Err(malformed());
        }
        let mut both = Self::parse(&format!("{first}.."))?;
        both.extend(Self::parse(&format!("..{last}"))?);
        // At 16:9, one `k` (960 columns) corresponds to 540 lines.
        let lines = |end: fn(&NumberRange) -> i64| {
            move |resolution: &Self| match resolution {
                Self::Thousands(range) => end(range).saturating_mul(540),
                Self::Lines(range) => end(range),
                Self::Picture(_, height) => i64::from(*height),
            }
        };
        let from = both.first().map(lines(|range| range.from));
        let to = both.last().map(lines(|range| range.to));
        if from > to {
            return Err(Malformed::new(
                text,
                "a valid range of sizes: write the smaller end first",
            ));
        }
        Ok(both)
    }

    /// Returns true if a picture of this displayed width and height matches.
    #[must_use]
    pub fn contains(self, width: i64, height: i64) -> bool {
        match self {
            Self::Lines(range) => range.contains(lines(width, height)),
            Self::Thousands(range) => range.contains(thousands(width, height)),
            Self::Picture(w, h) => (width, height) == (w.into(), h.into()),
        }
    }
}

/// Appends `p` to numbers of three or more digits: `1080` means `1080p`.
fn with_units(text: &str) -> String {
    let ends = text.split("..").map(|end| {
        let number = end.trim_start_matches(['<', '>', '=']);
        let is_lines = number.len() >= 3 && number.bytes().all(|b| b.is_ascii_digit());
        format!("{end}{}", if is_lines { "p" } else { "" })
    });
    ends.collect::<Vec<_>>().join("..")
}

/// Returns true if every number is followed by its unit.
fn has_units(text: &str) -> bool {
    let ends = text.trim_start_matches(['<', '>', '=']).split("..");
    ends.filter(|end| !end.is_empty()).all(|end| {
        end.strip_suffix(['p', 'i', 'k'])
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    })
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (range, unit) = match self {
            Self::Picture(width, height) => return write!(f, "{width}x{height}"),
            Self::Lines(range) => (range, "p"),
            Self::Thousands(range) => (range, "k"),
        };
        let end = |number: i64| match number {
            i64::MIN | i64::MAX => String::new(),
            number => format!("{number}{unit}"),
        };
        if range.from == range.to {
            f.write_str(&end(range.from))
        } else {
            write!(f, "{}..{}", end(range.from), end(range.to))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_match_the_pictures_that_users_mean() {
        for (text, shown, yes, no) in [
            (
                "4k",
                "4k",
                vec![(3840, 2160), (4096, 2160), (2160, 3840), (4448, 3096)],
                vec![(1920, 1080), (5120, 2880)],
            ),
            (
                "2K",
                "2k",
                vec![(2048, 1080), (2048, 1556)],
                vec![(1920, 1080), (3840, 2160)],
            ),
            (
                "1080p",
                "1080p",
                vec![
                    (1920, 1080),
                    (1080, 1920),
                    (1920, 804),
                    (2048, 1080),
                    (1440, 1080),
                ],
                vec![(1280, 720), (3840, 2160)],
            ),
            (
                ">=1080p",
                "1080p..",
                vec![(1920, 1080), (3840, 1600)],
                vec![(1280, 720)],
            ),
            (
                "<4k",
                "..3k",
                vec![(1920, 1080), (2880, 1620)],
                vec![(3840, 2160)],
            ),
            (
                "720p..1080p",
                "720p..1080p",
                vec![(1280, 720), (1920, 1080)],
                vec![(640, 480), (3840, 2160)],
            ),
            ("1080i", "1080p", vec![(1920, 1080)], vec![]),
            ("uhd", "2160p", vec![(3840, 2160)], vec![(1920, 1080)]),
            (
                "3840x2160",
                "3840x2160",
                vec![(3840, 2160)],
                vec![(4096, 2160), (2160, 3840)],
            ),
        ] {
            let parsed = Resolution::parse(text).unwrap();
            assert_eq!(parsed.len(), 1);
            assert_eq!(parsed[0].to_string(), shown);
            assert_eq!(Resolution::parse(shown).unwrap(), parsed);
            assert!(yes.iter().all(|&(w, h)| parsed[0].contains(w, h)), "{text}");
            assert!(!no.iter().any(|&(w, h)| parsed[0].contains(w, h)), "{text}");
        }
        assert_eq!(Resolution::parse("1080p..4k").unwrap().len(), 2);
        for (text, same) in [
            ("1080", "1080p"),
            (">=720", "720p.."),
            ("720..4k", "720p..4k"),
        ] {
            assert_eq!(Resolution::parse(text), Resolution::parse(same), "{text}");
        }
        for text in [
            "",
            "k",
            "4",
            "4k..x",
            "..",
            "4k..1080",
            "2160p..2k",
            "16..4k",
            "0x0",
            "p..k",
            "4pk",
            "-4k",
            "4ké",
            "4k..é",
        ] {
            assert!(Resolution::parse(text).is_err(), "{text}");
        }
    }
}
