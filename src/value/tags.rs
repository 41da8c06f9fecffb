//! Tags, and why each is there.
//!
//! A tag is kept in one form, in which it can be typed without quotes: `ad-shoot`,
//! `tv-set/rehearsal`. What stands before a slash is above what stands behind it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Malformed;
use super::words::{composed, folded_runs};

/// One tag, and why it is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tagged {
    /// The tag: `ad-shoot`.
    pub tag: String,
    /// Who or what gave it.
    #[serde(flatten)]
    pub why: Why,
}

/// Why a tag is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Why {
    /// A rule read it in names and facts.
    Rule {
        /// The rule's name: `ad-shoot`.
        rule: String,
        /// What fired it: `AdShoot` in `AdShoot_ACME`, as it stands there.
        evidence: String,
        /// How sure the rule is, in hundredths.
        #[serde(default = "unsaid")]
        confidence: u8,
    },
    /// A person said so.
    Person {
        /// Who.
        person: String,
        /// When, by that person's clock: `2026-05-02T14:00:00Z`.
        at: String,
    },
    /// It was said of the shoot day when its cards were taken in.
    Ingest {
        /// Which day: `2026-05-02`.
        ingest: String,
    },
}

/// How sure rules were before they said so.
fn unsaid() -> u8 {
    90
}

/// A tag as people write it, in the one form it is kept in: lower case, a dash between words:
/// `Ad Shoot` is `ad-shoot`, `TV set / Rehearsal` is `tv-set/rehearsal`.
///
/// # Errors
/// When no letter and no digit is in it, by which it could be found, it is longer than 100
/// characters, or holds a comma or a control character.
pub fn parse_tag(text: &str) -> Result<String, Malformed> {
    let lower = composed(text).to_lowercase();
    let levels = lower.split('/').map(|level| {
        let words = level.split(|c: char| c.is_whitespace() || matches!(c, '-' | '_'));
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        words.join("-")
    });
    let levels: Vec<String> = levels.filter(|level| !level.is_empty()).collect();
    let tag = levels.join("/");
    let is_well = (1..=MOST_LETTERS).contains(&tag.chars().count())
        && !folded_runs(&tag).is_empty()
        && !tag.contains(|c: char| c == ',' || c.is_control());
    is_well.then_some(tag).ok_or_else(|| {
        Malformed::new(
            text,
            "a tag of letters and digits, such as `interview` or `ad-shoot`",
        )
    })
}

/// Tags that rules gave before there were paths, and what they are now.
const FORMER: [(&str, &str); 5] = [
    ("location-scout", "pre-production/location-scout"),
    ("table-read", "pre-production/table-read"),
    ("casting", "pre-production/casting"),
    ("edit-suite", "post-production/edit-suite"),
    ("grading", "post-production/grading"),
];

/// A tag that is kept, in the form of now: before version 0.2 there were blanks between words, and
/// no paths.
#[must_use]
pub fn kept_tag(text: &str) -> std::borrow::Cow<'_, str> {
    let kept = in_form(text);
    match FORMER.iter().find(|(former, _)| *former == kept) {
        Some((_, now)) => (*now).into(),
        None => kept,
    }
}

fn in_form(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.is_ascii() || text.contains([' ', '_', '-', '/']) {
        parse_tag(text).map_or(text.into(), Into::into)
    } else {
        text.into()
    }
}

/// A tag is a few words, not a story.
const MOST_LETTERS: usize = 100;

/// The tags of a clip, sorted, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Tagged>", into = "Vec<Tagged>")]
pub struct Tags(Vec<Tagged>);

impl Tags {
    /// Adds a tag, unless it is there already for a reason that is as sure.
    pub fn add(&mut self, tagged: Tagged) {
        match self.0.binary_search_by(|known| known.tag.cmp(&tagged.tag)) {
            Ok(place) if self.0[place].why.rank() >= tagged.why.rank() => {}
            Ok(place) => self.0[place] = tagged,
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

    /// Takes away what rules gave below a tag.
    pub fn remove_below(&mut self, tag: &str) {
        let is_below = |known: &Tagged| {
            let rest = known.tag.strip_prefix(tag);
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        self.0
            .retain(|known| matches!(known.why, Why::Person { .. }) || !is_below(known));
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

impl Why {
    /// People are above what was said of a day, and that above every rule.
    fn rank(&self) -> (u8, u8) {
        match self {
            Self::Rule { confidence, .. } => (0, *confidence),
            Self::Ingest { .. } => (1, 0),
            Self::Person { .. } => (2, 0),
        }
    }

    /// How sure it is, in hundredths; a person is.
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
        let kept = |tagged: Tagged| Tagged {
            tag: kept_tag(&tagged.tag).into_owned(),
            ..tagged
        };
        tags.into_iter().map(kept).collect()
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
    /// `ad-shoot, interview`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, tagged) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{}", tagged.tag)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_a_tag_is_written_it_is_kept_in_one_form() {
        for (text, kept) in [
            ("Ad Shoot", "ad-shoot"),
            ("ad_shoot", "ad-shoot"),
            (" ad - shoot ", "ad-shoot"),
            ("TV set / Rehearsal", "tv-set/rehearsal"),
            ("/b-roll//", "b-roll"),
            ("E\u{301}te\u{301}", "été"),
            ("Night Owls 🦉", "night-owls-🦉"),
        ] {
            assert_eq!(parse_tag(text).unwrap(), kept, "{text}");
            assert_eq!(parse_tag(kept).unwrap(), kept);
            assert_eq!(kept_tag(text.to_lowercase().as_str()), kept);
        }
        assert_eq!(kept_tag("location scout"), "pre-production/location-scout");
        assert_eq!(kept_tag("grading"), "post-production/grading");
        for text in ["", " ", "-", "/", "a,b", "a\nb\u{7}", &"x".repeat(101)] {
            assert!(parse_tag(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn tags_of_before_are_read_as_those_of_now() {
        let stored = r#"[{"tag":"ad shoot","rule":"ad-shoot","evidence":"AdShoot"}]"#;
        let tags: Tags = serde_json::from_str(stored).unwrap();
        assert_eq!(tags.to_string(), "ad-shoot");
        assert_eq!(
            serde_json::to_string(&tags).unwrap(),
            r#"[{"tag":"ad-shoot","rule":"ad-shoot","evidence":"AdShoot","confidence":90}]"#
        );
    }

    #[test]
    fn the_surer_reason_stays() {
        let by = |rule: &str, confidence| Tagged {
            tag: "drone".to_owned(),
            why: Why::Rule {
                rule: rule.to_owned(),
                evidence: String::new(),
                confidence,
            },
        };
        let person = Tagged {
            tag: "drone".to_owned(),
            why: Why::Person {
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
