//! Tags, and why each is there.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One tag with the rule that gave it and the words that fired the rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tagged {
    /// The tag: `ad shoot`.
    pub tag: String,
    /// The rule's name: `ad-shoot`.
    pub rule: String,
    /// The words that fired it, as they stand in the path: `AdShoot` in `AdShoot_ACME`.
    pub evidence: String,
}

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
