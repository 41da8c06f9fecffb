//! How large a picture is, as people name it: `1080p`, `4k`, `3840x2160`.

use std::fmt;

use super::{Between, Malformed, Scale};

/// Sizes of pictures that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// So many lines, see [`lines`].
    Lines(Between),
    /// So many thousand across, see [`thousands`].
    Thousands(Between),
    /// Exactly this wide and high.
    Picture(u32, u32),
}

const EXPECTED: &str = "a size such as `4k`, `1080p`, `1080p..4k` or `3840x2160`";

/// Lines of a picture as wide as those that are named by them: the shorter side; but of one
/// cropped wider than 1.9:1, the lines it was cropped from. 1920x804 is 1080p, as is 1080x1920.
#[must_use]
pub fn lines(width: i64, height: i64) -> i64 {
    let (short, long) = (width.min(height), width.max(height));
    if long * 10 <= short * 19 {
        short
    } else {
        (long * 9 + 8) / 16
    }
}

/// The longer side in thousands as people name it: a `k` is 960 columns, since 4k is 3840 or
/// 4096; 2k is 2048, as 1920 is called 1080p.
#[must_use]
pub fn thousands(width: i64, height: i64) -> i64 {
    match width.max(height) {
        1920..2000 => 1,
        long => long / 960,
    }
}

impl Resolution {
    /// What a size, a range of sizes or a comparison asks for: one thing, or, where lines and
    /// thousands are its ends, two that must both hold.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(text: &str) -> Result<Vec<Self>, Malformed> {
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
        let read = |text: &str| Scale::WHOLE.read(text).map_err(|_| malformed());
        if is_one_unit(&['k'], &['p', 'i']) && has_units(text) {
            return Ok(vec![Self::Thousands(read(&numbers)?)]);
        }
        if is_one_unit(&['p', 'i'], &['k']) && has_units(text) {
            return Ok(vec![Self::Lines(read(&numbers)?)]);
        }
        let (first, last) = text.split_once("..").ok_or_else(malformed)?;
        if first.is_empty() || last.is_empty() {
            return Err(malformed());
        }
        let mut both = Self::read(&format!("{first}.."))?;
        both.extend(Self::read(&format!("..{last}"))?);
        // A thousand across are 540 lines of the usual shape.
        let lines = |end: fn(&Between) -> i64| {
            move |one: &Self| match one {
                Self::Thousands(between) => end(between).saturating_mul(540),
                Self::Lines(between) => end(between),
                Self::Picture(_, high) => i64::from(*high),
            }
        };
        let from = both.first().map(lines(|between| between.from));
        let to = both.last().map(lines(|between| between.to));
        if from > to {
            return Err(Malformed::new(
                text,
                "a range of sizes: write the smaller end first",
            ));
        }
        Ok(both)
    }

    /// Whether a picture shown so wide and high is one.
    #[must_use]
    pub fn holds(self, width: i64, height: i64) -> bool {
        match self {
            Self::Lines(between) => between.holds(lines(width, height)),
            Self::Thousands(between) => between.holds(thousands(width, height)),
            Self::Picture(wide, high) => (width, height) == (wide.into(), high.into()),
        }
    }
}

/// A size, or a range, in which `1080` is `1080p`: numbers of so many digits are lines.
fn with_units(text: &str) -> String {
    let ends = text.split("..").map(|end| {
        let number = end.trim_start_matches(['<', '>', '=']);
        let is_lines = number.len() >= 3 && number.bytes().all(|b| b.is_ascii_digit());
        format!("{end}{}", if is_lines { "p" } else { "" })
    });
    ends.collect::<Vec<_>>().join("..")
}

/// Whether each number has its unit after it.
fn has_units(text: &str) -> bool {
    let ends = text.trim_start_matches(['<', '>', '=']).split("..");
    ends.filter(|end| !end.is_empty()).all(|end| {
        end.strip_suffix(['p', 'i', 'k'])
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    })
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (between, unit) = match self {
            Self::Picture(width, height) => return write!(f, "{width}x{height}"),
            Self::Lines(between) => (between, "p"),
            Self::Thousands(between) => (between, "k"),
        };
        let end = |number: i64| match number {
            i64::MIN | i64::MAX => String::new(),
            number => format!("{number}{unit}"),
        };
        if between.from == between.to {
            f.write_str(&end(between.from))
        } else {
            write!(f, "{}..{}", end(between.from), end(between.to))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_called_what_people_call_them() {
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
            let asked = Resolution::read(text).unwrap();
            assert_eq!(asked.len(), 1);
            assert_eq!(asked[0].to_string(), shown);
            assert_eq!(Resolution::read(shown).unwrap(), asked);
            assert!(yes.iter().all(|&(w, h)| asked[0].holds(w, h)), "{text}");
            assert!(!no.iter().any(|&(w, h)| asked[0].holds(w, h)), "{text}");
        }
        assert_eq!(Resolution::read("1080p..4k").unwrap().len(), 2);
        for (text, same) in [
            ("1080", "1080p"),
            (">=720", "720p.."),
            ("720..4k", "720p..4k"),
        ] {
            assert_eq!(Resolution::read(text), Resolution::read(same), "{text}");
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
            assert!(Resolution::read(text).is_err(), "{text}");
        }
    }
}
