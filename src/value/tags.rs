//! Tags, and why each is there.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Malformed;
use super::words::{composed, folded_runs};

/// One tag, and why it is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tagged {
    /// The tag: `ad shoot`.
    pub tag: String,
    /// Who or what gave it.
    #[serde(flatten)]
    pub why: Why,
}

/// Why a tag is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Why {
    /// A rule read it in a name.
    Rule {
        /// The rule's name: `ad-shoot`.
        rule: String,
        /// The words that fired it, as they stand in the path: `AdShoot` in `AdShoot_ACME`.
        evidence: String,
    },
    /// A person said so.
    Person {
        /// Who.
        person: String,
        /// When, by that person's clock: `2026-05-02T14:00:00Z`.
        at: String,
    },
}

/// A tag as people write it, in the one form it is kept in: lower case, single blanks.
///
/// # Errors
/// When no letter and no digit is in it, by which it could be found, it is longer than 100
/// characters, or holds a comma or a control character.
pub fn parse_tag(text: &str) -> Result<String, Malformed> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let tag = composed(&words.join(" ")).to_lowercase();
    let is_well = (1..=MOST_LETTERS).contains(&tag.chars().count())
        && !folded_runs(&tag).is_empty()
        && !tag.contains(|c: char| c == ',' || c.is_control());
    is_well.then_some(tag).ok_or_else(|| {
        Malformed::new(
            text,
            "a tag of letters and digits, such as `interview` or `ad shoot`",
        )
    })
}

/// A tag is a few words, not a story.
const MOST_LETTERS: usize = 100;

/// The tags of a clip, sorted, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(Vec<Tagged>);

impl Tags {
    /// Adds a tag, unless it is there already.
    pub fn add(&mut self, tagged: Tagged) {
        match self.0.binary_search_by(|known| known.tag.cmp(&tagged.tag)) {
            Ok(_) => {}
            Err(place) => self.0.insert(place, tagged),
        }
    }

    /// Adds a tag, whatever gave it before.
    pub fn set(&mut self, tagged: Tagged) {
        self.remove(&tagged.tag);
        self.add(tagged);
    }

    /// Takes a tag away.
    pub fn remove(&mut self, tag: &str) {
        self.0.retain(|known| known.tag != tag);
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every tag, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Tagged> {
        self.0.iter()
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
    /// `ad shoot, interview`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, tagged) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{}", tagged.tag)?;
        }
        Ok(())
    }
}
