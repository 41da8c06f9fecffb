//! Name and version of a reader, as stored with the facts that it produced.

use std::fmt;

/// Reader with its version: `iso header 2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReaderLabel<'a> {
    /// Name of the reader.
    pub name: &'a str,
    /// Version, which increases when the reader produces other facts.
    pub version: u32,
}

impl<'a> ReaderLabel<'a> {
    /// Parses a stored label.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (name, version) = text.rsplit_once(' ')?;
        let version = version.parse().ok()?;
        Some(Self { name, version })
    }

    /// Returns true if `current` is a newer version of this reader.
    #[must_use]
    pub fn is_older_than(&self, current: &ReaderLabel<'_>) -> bool {
        self.name == current.name && self.version < current.version
    }
}

impl fmt::Display for ReaderLabel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_survives_a_round_trip() {
        let label = ReaderLabel {
            name: "iso header",
            version: 12,
        };
        assert_eq!(label.to_string(), "iso header 12");
        assert_eq!(ReaderLabel::parse("iso header 12"), Some(label));
        for invalid in ["", "iso", "iso header", "iso header -1"] {
            assert_eq!(ReaderLabel::parse(invalid), None, "{invalid}");
        }
    }

    #[test]
    fn only_a_smaller_version_of_the_same_reader_is_older() {
        let label = |text| ReaderLabel::parse(text).unwrap();
        let current = label("iso header 2");
        assert!(label("iso header 1").is_older_than(&current));
        for other in ["iso header 2", "iso header 3", "wave header 1"] {
            assert!(!label(other).is_older_than(&current), "{other}");
        }
    }
}
