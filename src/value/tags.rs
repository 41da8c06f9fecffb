//! Tags and their origins.
//!
//! Each tag has one canonical form, which can be typed without quotes: `ad-shoot`,
//! `tv-set/rehearsal`. The part before a slash is the parent of the part after it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Malformed;
use super::words::{composed, folded_runs};

/// A tag with its origin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tagged {
    /// Canonical form of the tag: `ad-shoot`.
    pub tag: String,
    /// Origin of the tag: a rule, a person or an ingest.
    #[serde(flatten)]
    pub origin: TagOrigin,
}

/// Origin of a tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TagOrigin {
    /// A rule derived the tag from names and facts.
    Rule {
        /// Name of the rule: `ad-shoot`.
        rule: String,
        /// Text that matched, in its original spelling: `AdShoot` in `AdShoot_ACME`.
        evidence: String,
        /// Confidence of the rule in percent.
        #[serde(default = "default_confidence")]
        confidence: u8,
    },
    /// A person added the tag.
    Person {
        /// Name of the person.
        person: String,
        /// Time of adding by the clock of that person's machine: `2026-05-02T14:00:00Z`.
        at: String,
    },
    /// The shoot-day file of an ingest lists the tag.
    Ingest {
        /// The shoot day: `2026-05-02`.
        ingest: String,
    },
}

/// Confidence of a stored tag without one. Without a default, its whole document would be
/// unreadable.
fn default_confidence() -> u8 {
    90
}

/// Converts a tag to its canonical form: lower case, with dashes between words.
///
/// `Ad Shoot` becomes `ad-shoot`, and `TV set / Rehearsal` becomes `tv-set/rehearsal`.
///
/// # Errors
/// Fails if the tag has no letter or digit, since no search could find it. Also fails if it is
/// longer than 100 characters, or contains a comma or a control character.
pub fn parse_tag(text: &str) -> Result<String, Malformed> {
    let lower = composed(text).to_lowercase();
    let levels = lower.split('/').map(|level| {
        let words = level.split(|c: char| c.is_whitespace() || matches!(c, '-' | '_'));
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        words.join("-")
    });
    let levels: Vec<String> = levels.filter(|level| !level.is_empty()).collect();
    let tag = levels.join("/");
    let is_valid = (1..=MAX_CHARS).contains(&tag.chars().count())
        && !folded_runs(&tag).is_empty()
        && !tag.contains(|c: char| c == ',' || c.is_control());
    is_valid.then_some(tag).ok_or_else(|| {
        Malformed::new(
            text,
            "a tag of letters and digits, such as `interview` or `ad-shoot`",
        )
    })
}

/// Maximum length of a tag in characters: a tag is a few words, not a sentence.
const MAX_CHARS: usize = 100;

/// The tags of a clip, sorted, without duplicates.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Tagged>", into = "Vec<Tagged>")]
pub struct Tags(Vec<Tagged>);

impl Tags {
    /// Adds a tag, unless it is already present with an origin of equal or higher rank.
    pub fn add(&mut self, tagged: Tagged) {
        match self.0.binary_search_by(|other| other.tag.cmp(&tagged.tag)) {
            Ok(at) if self.0[at].origin.rank() >= tagged.origin.rank() => {}
            Ok(at) => self.0[at] = tagged,
            Err(at) => self.0.insert(at, tagged),
        }
    }

    /// Adds a tag. An equal tag is replaced, whatever its origin.
    pub fn set(&mut self, tagged: Tagged) {
        self.remove(&tagged.tag);
        self.add(tagged);
    }

    /// Removes a tag.
    pub fn remove(&mut self, tag: &str) {
        self.0.retain(|other| other.tag != tag);
    }

    /// Removes the tags below `tag`, except those that a person added.
    pub fn remove_below(&mut self, tag: &str) {
        let is_below = |other: &Tagged| {
            let rest = other.tag.strip_prefix(tag);
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        self.0
            .retain(|other| matches!(other.origin, TagOrigin::Person { .. }) || !is_below(other));
    }

    /// Returns true if the clip has no tags.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Iterates over the tags in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &Tagged> {
        self.0.iter()
    }
}

impl TagOrigin {
    /// Rank of the origin: a person outranks an ingest, which outranks every rule.
    fn rank(&self) -> (u8, u8) {
        match self {
            Self::Rule { confidence, .. } => (0, *confidence),
            Self::Ingest { .. } => (1, 0),
            Self::Person { .. } => (2, 0),
        }
    }

    /// Returns the confidence in percent: 100 for people and ingests.
    #[must_use]
    pub fn confidence(&self) -> u8 {
        match self {
            Self::Rule { confidence, .. } => *confidence,
            Self::Person { .. } | Self::Ingest { .. } => 100,
        }
    }
}

impl From<Vec<Tagged>> for Tags {
    fn from(tags: Vec<Tagged>) -> Self {
        tags.into_iter().collect()
    }
}

impl From<Tags> for Vec<Tagged> {
    fn from(tags: Tags) -> Self {
        tags.0
    }
}

impl FromIterator<Tagged> for Tags {
    fn from_iter<I: IntoIterator<Item = Tagged>>(tags: I) -> Self {
        let mut all = Self::default();
        for tagged in tags {
            all.add(tagged);
        }
        all
    }
}

impl fmt::Display for Tags {
    /// Formats as `ad-shoot, interview`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, tagged) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{}", tagged.tag)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_tag_has_one_canonical_form() {
        for (text, canonical) in [
            ("Ad Shoot", "ad-shoot"),
            ("ad_shoot", "ad-shoot"),
            (" ad - shoot ", "ad-shoot"),
            ("TV set / Rehearsal", "tv-set/rehearsal"),
            ("/b-roll//", "b-roll"),
            ("E\u{301}te\u{301}", "été"),
            ("Night Owls 🦉", "night-owls-🦉"),
        ] {
            assert_eq!(parse_tag(text).unwrap(), canonical, "{text}");
            assert_eq!(parse_tag(canonical).unwrap(), canonical);
        }
        for text in ["", " ", "-", "/", "a,b", "a\nb\u{7}", &"x".repeat(101)] {
            assert!(parse_tag(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_origin_of_higher_rank_wins() {
        let by = |rule: &str, confidence| Tagged {
            tag: "drone".to_owned(),
            origin: TagOrigin::Rule {
                rule: rule.to_owned(),
                evidence: String::new(),
                confidence,
            },
        };
        let person = Tagged {
            tag: "drone".to_owned(),
            origin: TagOrigin::Person {
                person: "anna".to_owned(),
                at: String::new(),
            },
        };
        let tags: Tags = [by("a", 60), by("b", 90), by("c", 90), by("d", 70)]
            .into_iter()
            .collect();
        assert_eq!(tags.0, [by("b", 90)]);
        let tags: Tags = [by("a", 60), person.clone(), by("b", 100)]
            .into_iter()
            .collect();
        assert_eq!(tags.0, [person]);
    }
}
