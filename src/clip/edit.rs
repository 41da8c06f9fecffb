//! What people say about a clip: single edits that are kept for ever, and what they come to.
//!
//! An edit never changes, and its id is a hash of all it says. So journals from several
//! machines are one by taking the union, in whatever order and however often; what the edits
//! of a clip come to depends on the set alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::{Clip, Fact, Source};
use crate::value::words::composed;
use crate::value::{
    Fingerprint, Malformed, Marker, Markers, Note, Notes, Selection, Tagged, Why,
    instant_of_micros, kept_tag, parse_name, parse_tag,
};

/// An edit's number, or that of all edits of one command: 128 bits, 32 hex digits.
pub type EditId = Fingerprint;

/// Stars are given from none to so many.
pub const MOST_STARS: u8 = 5;
/// Letters in a note or a marker.
const MOST_LETTERS: usize = 20_000;
/// No clip is longer than a year.
const MOST_MICROS: u64 = 366 * 86_400 * 1_000_000;
/// Later than this, 1 January 2200, no clock is believed, unless it counts on from one that is
/// known: one such clock must not keep whatever is said after it from being taken in.
pub const LAST_CLOCK: i64 = 7_258_118_400_000_000;

/// One thing that one person said of one clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Hash of all that follows.
    pub id: EditId,
    /// What was said.
    pub said: Said,
}

/// What an edit says; as JSON, in this order, it is what its id is the hash of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The clip's fingerprint.
    pub clip: Fingerprint,
    /// Microseconds: the machine's clock, but later than every edit that was known when this
    /// one was made. It decides what comes after what.
    pub clock: i64,
    /// Microseconds since 1970 UTC, by the machine's own clock.
    pub at: i64,
    /// Who said it.
    pub author: String,
    /// Edits of one command have one.
    pub batch: EditId,
    /// What to do.
    pub action: Action,
}

/// What an edit does.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The clip has this tag, whatever rules say.
    AddTag(String),
    /// The clip has not this tag, whatever rules say.
    RemoveTag(String),
    /// One more note.
    Note(String),
    /// So many stars; 0 takes them away.
    Stars(u8),
    /// Selected or rejected; `None` neither.
    Select(Option<Selection>),
    /// One more marker.
    Mark(Marker),
    /// That edit does not count any more.
    Undo(EditId),
}

impl Action {
    /// Whether it says something that can be said; journals come from elsewhere too.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), Malformed> {
        let is_story = |text: &str| {
            let count = text.chars().count();
            (1..=MOST_LETTERS).contains(&count) && !text.trim().is_empty()
        };
        let (text, is_well, expected) = match self {
            Self::AddTag(tag) | Self::RemoveTag(tag) => (
                tag.clone(),
                is_kept(tag)?,
                "a tag in lower case, such as `ad-shoot`",
            ),
            Self::Note(text) => (
                text.clone(),
                is_story(text),
                "a note of 1 to 20,000 letters",
            ),
            Self::Mark(marker) => (
                marker.text.clone(),
                is_story(&marker.text) && marker.micros <= MOST_MICROS,
                "a marker within a year, with a text of 1 to 20,000 letters",
            ),
            Self::Stars(stars) => (stars.to_string(), *stars <= MOST_STARS, "0 to 5 stars"),
            Self::Select(_) | Self::Undo(_) => return Ok(()),
        };
        is_well
            .then_some(())
            .ok_or_else(|| Malformed::new(&text, expected))
    }
}

/// Whether a tag is in the form it is kept in; before version 0.2 that had blanks between words.
fn is_kept(tag: &str) -> Result<bool, Malformed> {
    let words: Vec<&str> = tag.split_whitespace().collect();
    let former = composed(&words.join(" ")).to_lowercase();
    Ok(parse_tag(tag)? == tag || former == tag)
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddTag(tag) => write!(f, "tag added: {}", kept_tag(tag)),
            Self::RemoveTag(tag) => write!(f, "tag removed: {}", kept_tag(tag)),
            Self::Note(text) => write!(f, "note: {text}"),
            Self::Stars(stars) => write!(f, "stars: {stars}"),
            Self::Select(Some(selection)) => selection.fmt(f),
            Self::Select(None) => f.write_str("neither selected nor rejected"),
            Self::Mark(marker) => write!(f, "marker: {marker}"),
            Self::Undo(edit) => write!(f, "undid {}", short(*edit)),
        }
    }
}

/// The first digits of an id: enough to tell the edits of a clip apart.
#[must_use]
pub fn short(id: EditId) -> String {
    id.to_string()[..8].to_owned()
}

/// An edit as a line of a journal that travels.
#[derive(Serialize, Deserialize)]
struct Line {
    edit: EditId,
    #[serde(flatten)]
    said: Said,
}

impl Edit {
    /// An edit that says this.
    #[must_use]
    pub fn new(said: Said) -> Self {
        let id = Fingerprint(xxh3_128(said_json(&said).as_bytes()));
        Self { id, said }
    }

    /// As a line of JSON.
    #[must_use]
    pub fn to_line(&self) -> String {
        let said = said_json(&self.said);
        format!(r#"{{"edit":"{}",{}"#, self.id, &said[1..])
    }

    /// From a line of JSON, which must be what its id says.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_line(line: &str) -> Result<Self, String> {
        let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let edit = Self::new(line.said);
        if edit.id != line.edit {
            return Err("it was altered: its id is that of other words".to_owned());
        }
        if edit.said.clock < 0 {
            return Err(format!("its clock, {}, cannot be", edit.said.clock));
        }
        match parse_name(&edit.said.author) {
            Ok(name) if name == edit.said.author => {}
            Ok(_) => return Err("blanks stand around its author's name".to_owned()),
            Err(wrong) => return Err(wrong.to_string()),
        }
        edit.said
            .action
            .check()
            .map_err(|wrong| wrong.to_string())?;
        Ok(edit)
    }

    /// What comes after what, on every machine.
    fn order(&self) -> (i64, EditId) {
        (self.said.clock, self.id)
    }

    /// When it was said, by the clock of whoever said it: `2026-05-02T14:00:00Z`.
    #[must_use]
    pub fn at(&self) -> String {
        instant_of_micros(self.said.at).unwrap_or_default()
    }
}

fn said_json(said: &Said) -> String {
    // Strings and numbers can always be written.
    serde_json::to_string(said).unwrap_or_default()
}

/// The edits that count, in order: those that no undo, which itself counts, took back.
#[must_use]
pub fn in_effect(edits: &[Edit]) -> Vec<&Edit> {
    let mut latest: Vec<&Edit> = edits.iter().collect();
    latest.sort_by_key(|edit| std::cmp::Reverse(edit.order()));
    latest.dedup_by_key(|edit| edit.id);
    // An undo comes after what it takes back, so the latest edits are certain first.
    let mut undone = BTreeSet::new();
    let mut counting = Vec::new();
    for edit in latest {
        if undone.contains(&edit.id) {
            continue;
        }
        if let Action::Undo(other) = edit.said.action {
            undone.insert(other);
        }
        counting.push(edit);
    }
    counting.reverse();
    counting
}

/// What people said last of each tag, as it is kept now: whether it is to be there, and by which
/// edit.
#[must_use]
pub fn decided_tags(edits: &[Edit]) -> BTreeMap<String, (bool, &Edit)> {
    let mut decided = BTreeMap::new();
    for edit in in_effect(edits) {
        match &edit.said.action {
            Action::AddTag(tag) => _ = decided.insert(kept_tag(tag).into_owned(), (true, edit)),
            Action::RemoveTag(tag) => _ = decided.insert(kept_tag(tag).into_owned(), (false, edit)),
            _ => {}
        }
    }
    decided
}

/// Returns the same under the names that tags are `called` by now. Of several that are one now, it is there where one
/// of them is, unless a person removed it later under its name of now.
#[must_use]
pub fn decided_tags_as<'e>(
    edits: &'e [Edit],
    called: &dyn Fn(&str) -> String,
) -> BTreeMap<String, (bool, &'e Edit)> {
    let decided = decided_tags(edits);
    let mut named: BTreeMap<String, (bool, &Edit)> = BTreeMap::new();
    for (tag, said) in &decided {
        let now = called(tag);
        let removed = decided.get(&now).filter(|(is_there, _)| !is_there);
        if said.0 && removed.is_some_and(|(_, removal)| removal.order() > said.1.order()) {
            continue;
        }
        let known = named.entry(now).or_insert(*said);
        if said.0 && !known.0 {
            *known = *said;
        }
    }
    named
}

impl Clip {
    /// Takes in what people said: it stands above all that was found out.
    pub fn hear(&mut self, edits: &[Edit]) {
        self.hear_as(edits, &str::to_owned);
    }

    /// Takes in what people said, of tags that are `called` otherwise now. What they said last of
    /// each tag counts; of several that are one now, it is there where one of them is.
    pub fn hear_as(&mut self, edits: &[Edit], called: &dyn Fn(&str) -> String) {
        let (mut notes, mut markers) = (Vec::new(), Vec::new());
        let (mut notes_by, mut markers_by) = (None, None);
        for edit in in_effect(edits) {
            let by = || Source::person(&edit.said.author);
            match &edit.said.action {
                Action::Stars(0) => self.rating = None,
                Action::Stars(stars) => self.rating = Some(Fact::new(u32::from(*stars), by())),
                Action::Select(selection) => {
                    self.selection = selection.map(|selection| Fact::new(selection, by()));
                }
                Action::Note(text) => {
                    notes.push(Note {
                        text: text.clone(),
                        person: edit.said.author.clone(),
                        at: edit.at(),
                    });
                    notes_by = Some(by());
                }
                Action::Mark(marker) => {
                    markers.push(marker.clone());
                    markers_by = Some(by());
                }
                Action::AddTag(_) | Action::RemoveTag(_) | Action::Undo(_) => {}
            }
        }
        markers.sort();
        self.notes = notes_by.map(|by| Fact::new(Notes(notes), by));
        self.markers = markers_by.map(|by| Fact::new(Markers(markers), by));
        for (tag, (is_there, edit)) in decided_tags_as(edits, called) {
            self.hear_tag(&tag, is_there, edit);
        }
    }

    fn hear_tag(&mut self, tag: &str, is_there: bool, edit: &Edit) {
        if !is_there {
            if let Some(tags) = &mut self.tags {
                tags.value.remove(tag);
                // What rules say of something below it is not meant either.
                tags.value.remove_below(tag);
            }
            self.tags.take_if(|tags| tags.value.is_empty());
            return;
        }
        let by = Source::person(&edit.said.author);
        let tags = self
            .tags
            .get_or_insert_with(|| Fact::new(crate::value::Tags::default(), by));
        tags.value.set(Tagged {
            tag: tag.to_owned(),
            why: Why::Person {
                person: edit.said.author.clone(),
                at: edit.at(),
            },
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn edit(clock: i64, action: Action) -> Edit {
        Edit::new(Said {
            clip: Fingerprint(7),
            clock,
            at: 1_779_278_400_000_000 + clock,
            author: "anna".to_owned(),
            batch: Fingerprint(1),
            action,
        })
    }

    fn heard(edits: &[Edit]) -> Clip {
        let rule = Tagged {
            tag: "ad-shoot".to_owned(),
            why: Why::Rule {
                rule: "ad-shoot".to_owned(),
                evidence: "AdShoot".to_owned(),
                confidence: 95,
            },
        };
        let mut clip = Clip {
            tags: Some(Fact::new([rule].into_iter().collect(), Source::RULES)),
            ..Clip::default()
        };
        clip.hear(edits);
        clip
    }

    fn tags(edits: &[Edit]) -> String {
        heard(edits)
            .tags
            .map_or_else(String::new, |tags| tags.value.to_string())
    }

    #[test]
    fn people_stand_above_rules() {
        let add = edit(1, Action::AddTag("interview".to_owned()));
        let remove = edit(2, Action::RemoveTag("ad shoot".to_owned()));
        assert_eq!(tags(&[]), "ad-shoot");
        assert_eq!(tags(&[add.clone(), remove.clone()]), "interview");
        let undo = edit(3, Action::Undo(remove.id));
        let undone = [add, remove, undo.clone()];
        assert_eq!(tags(&undone), "ad-shoot, interview");
        let again = edit(4, Action::Undo(undo.id));
        assert_eq!(tags(&[&undone[..], &[again]].concat()), "interview");
        assert!(
            heard(&[edit(1, Action::Stars(4)), edit(2, Action::Stars(0))])
                .rating
                .is_none()
        );
    }

    #[test]
    fn with_a_tag_goes_what_rules_say_below_it() {
        let rule = |tag: &str| Tagged {
            tag: tag.to_owned(),
            why: Why::Rule {
                rule: "r".to_owned(),
                evidence: String::new(),
                confidence: 90,
            },
        };
        let tags = ["tv-set", "tv-set/taping", "tv-settings"].map(rule);
        let mut clip = Clip {
            tags: Some(Fact::new(tags.into_iter().collect(), Source::RULES)),
            ..Clip::default()
        };
        clip.hear(&[
            edit(1, Action::AddTag("tv-set/rehearsal".to_owned())),
            edit(2, Action::RemoveTag("tv-set".to_owned())),
        ]);
        let tags = clip.tags.unwrap().value.to_string();
        assert_eq!(tags, "tv-set/rehearsal, tv-settings");
    }

    #[test]
    fn a_tag_is_removed_by_its_name_of_now_whatever_it_was_added_by() {
        let called = |tag: &str| if tag == "cat" { "pet" } else { tag }.to_owned();
        let tags = |edits: &[Edit]| {
            let mut clip = Clip::default();
            clip.hear_as(edits, &called);
            clip.tags
                .map_or_else(String::new, |tags| tags.value.to_string())
        };
        let add = |clock, tag: &str| edit(clock, Action::AddTag(tag.to_owned()));
        let remove = |clock, tag: &str| edit(clock, Action::RemoveTag(tag.to_owned()));
        assert_eq!(tags(&[add(1, "cat")]), "pet");
        assert_eq!(tags(&[add(1, "cat"), remove(2, "pet")]), "");
        assert_eq!(tags(&[remove(1, "pet"), add(2, "cat")]), "pet");
        assert_eq!(tags(&[add(1, "pet"), remove(2, "cat")]), "pet");
    }

    #[test]
    fn a_line_is_what_its_id_says_or_it_is_not_believed() {
        let edit = edit(5, Action::Note("laughs at \"00:02\"\nloud".to_owned()));
        let line = edit.to_line();
        assert_eq!(Edit::from_line(&line).unwrap(), edit);
        for (from, to) in [("laughs", "coughs"), ("anna", "ben"), (":5,", ":6,")] {
            let altered = line.replacen(from, to, 1);
            assert!(
                altered != line && Edit::from_line(&altered).is_err(),
                "{altered}"
            );
        }
        assert!(Edit::from_line("{}").is_err() && Edit::from_line("[").is_err());
    }

    fn actions() -> impl Strategy<Value = Vec<Edit>> {
        let one = (0_i64..40, 0_u8..7, 0_u8..4, 0_usize..20);
        proptest::collection::vec(one, 0..20).prop_map(|all| {
            let mut edits: Vec<Edit> = Vec::new();
            for (clock, kind, number, earlier) in all {
                let tag = format!("tag {number}");
                edits.push(edit(
                    clock,
                    match kind {
                        0 => Action::AddTag(tag),
                        1 => Action::RemoveTag(tag),
                        2 => Action::Note(tag),
                        3 => Action::Stars(number),
                        4 => Action::Select((number > 1).then_some(Selection::Rejected)),
                        5 => Action::Mark(Marker {
                            micros: number.into(),
                            timecode: None,
                            text: tag,
                        }),
                        _ => {
                            Action::Undo(edits.get(earlier).map_or(Fingerprint(9), |edit| edit.id))
                        }
                    },
                ));
            }
            edits
        })
    }

    proptest! {
        #![proptest_config(crate::random_tests::random(256))]

        /// Union, as journals are brought together, in every way.
        #[test]
        fn merging_is_commutative_associative_and_idempotent(a in actions(), b in actions(), c in actions()) {
            let whole = heard(&[&a[..], &b, &c].concat());
            prop_assert_eq!(&heard(&[&c[..], &a, &b].concat()), &whole);
            prop_assert_eq!(&heard(&[&b[..], &c, &b, &a, &a].concat()), &whole);
            let mut sorted = [&a[..], &b, &c].concat();
            sorted.sort_by_key(|edit| edit.id);
            prop_assert_eq!(&heard(&sorted), &whole);
            for edit in &a {
                prop_assert_eq!(&Edit::from_line(&edit.to_line()).unwrap(), edit);
            }
        }
    }
}
