//! Edits by people: single changes to a clip, which are stored forever, and their combined effect.
//!
//! An edit never changes, and its id is a hash of its content. So journals from several machines
//! can be merged as sets, in any order and any number of times: the effect of the edits on a clip
//! depends only on the set.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::{Clip, Fact, Source};
use crate::value::{
    Fingerprint, Malformed, Marker, Markers, Note, Notes, Selection, TagOrigin, Tagged,
    format_unix_micros, parse_name, parse_tag,
};

/// Id of an edit, or of all edits of one command: 128 bits, 32 hex digits.
pub type EditId = Fingerprint;

/// Highest rating in stars. 0 means no rating.
pub const MAX_STARS: u8 = 5;
/// Longest note or marker text in characters.
const MAX_CHARS: usize = 20_000;
/// Last valid marker position in microseconds: clips are shorter than a year.
const MAX_MARKER_MICROS: u64 = 366 * 86_400 * 1_000_000;
/// Latest plausible clock of an edit in microseconds: 1 January 2200.
///
/// A later clock is rejected unless it follows a known one closely. Otherwise one wrong clock would
/// prevent all later edits from being imported.
pub const MAX_CLOCK: i64 = 7_258_118_400_000_000;

/// One change that one person made to one clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Hash of the content.
    pub id: EditId,
    /// Content of the edit.
    pub content: EditContent,
}

/// Content of an edit. The edit's id is the hash of this struct as JSON, with fields in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditContent {
    /// Fingerprint of the clip.
    pub clip: Fingerprint,
    /// Logical time in microseconds, which orders edits: the machine's time, raised if necessary
    /// above the clock of every edit known when this one was created.
    pub clock: i64,
    /// Time by the machine's own clock, in microseconds since 1970 UTC.
    pub at: i64,
    /// Name of the author.
    pub author: String,
    /// Id shared by all edits of one command.
    pub batch: EditId,
    /// Change to the clip.
    pub action: Action,
}

/// Change that an edit makes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Adds a tag, regardless of the rules.
    AddTag(String),
    /// Removes a tag, regardless of the rules.
    RemoveTag(String),
    /// Adds a note.
    Note(String),
    /// Sets the rating in stars; 0 clears it.
    Stars(u8),
    /// Marks the clip as selected or rejected; `None` clears the mark.
    Select(Option<Selection>),
    /// Adds a marker.
    Mark(Marker),
    /// Undoes the edit with this id.
    Undo(EditId),
}

impl Action {
    /// Checks that the action is valid, because journals also come from other machines.
    ///
    /// # Errors
    /// [`Malformed`] with the invalid value.
    pub fn check(&self) -> Result<(), Malformed> {
        let is_text = |text: &str| {
            let count = text.chars().count();
            (1..=MAX_CHARS).contains(&count) && !text.trim().is_empty()
        };
        let (text, is_valid, expected) = match self {
            Self::AddTag(tag) | Self::RemoveTag(tag) => (
                tag.clone(),
                parse_tag(tag)? == *tag,
                "a tag in lower case, such as `ad-shoot`",
            ),
            Self::Note(text) => (
                text.clone(),
                is_text(text),
                "a note of 1 to 20,000 characters",
            ),
            Self::Mark(marker) => (
                marker.text.clone(),
                is_text(&marker.text) && marker.micros <= MAX_MARKER_MICROS,
                "a marker in the first year of a clip, with a text of 1 to 20,000 characters",
            ),
            Self::Stars(stars) => (stars.to_string(), *stars <= MAX_STARS, "0 to 5 stars"),
            Self::Select(_) | Self::Undo(_) => return Ok(()),
        };
        is_valid
            .then_some(())
            .ok_or_else(|| Malformed::new(&text, expected))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddTag(tag) => write!(f, "tag added: {tag}"),
            Self::RemoveTag(tag) => write!(f, "tag removed: {tag}"),
            Self::Note(text) => write!(f, "note: {text}"),
            Self::Stars(stars) => write!(f, "stars: {stars}"),
            Self::Select(Some(selection)) => selection.fmt(f),
            Self::Select(None) => f.write_str("neither selected nor rejected"),
            Self::Mark(marker) => write!(f, "marker: {marker}"),
            Self::Undo(edit) => write!(f, "undid {}", short_id(*edit)),
        }
    }
}

/// Returns the first 8 digits of an id, which are enough to distinguish the edits of a clip.
#[must_use]
pub fn short_id(id: EditId) -> String {
    id.to_string()[..8].to_owned()
}

/// One line of an exported journal.
#[derive(Serialize, Deserialize)]
struct JournalLine {
    edit: EditId,
    #[serde(flatten)]
    content: EditContent,
}

impl Edit {
    /// Creates an edit with this content.
    #[must_use]
    pub fn new(content: EditContent) -> Self {
        let id = Fingerprint(xxh3_128(to_json(&content).as_bytes()));
        Self { id, content }
    }

    /// Formats the edit as a line of JSON.
    #[must_use]
    pub fn to_line(&self) -> String {
        let content = to_json(&self.content);
        format!(r#"{{"edit":"{}",{}"#, self.id, &content[1..])
    }

    /// Parses a line of JSON and checks its content against its id.
    ///
    /// # Errors
    /// A message that describes the problem.
    pub fn from_line(line: &str) -> Result<Self, String> {
        let line: JournalLine = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let edit = Self::new(line.content);
        if edit.id != line.edit {
            return Err("altered: its id does not match its content".to_owned());
        }
        if edit.content.clock < 0 {
            return Err(format!("its clock is invalid: {}", edit.content.clock));
        }
        match parse_name(&edit.content.author) {
            Ok(name) if name == edit.content.author => {}
            Ok(_) => return Err("its author's name has spaces around it".to_owned()),
            Err(wrong) => return Err(wrong.to_string()),
        }
        edit.content
            .action
            .check()
            .map_err(|wrong| wrong.to_string())?;
        Ok(edit)
    }

    /// Returns a sort key that gives the same order on every machine.
    fn sort_key(&self) -> (i64, EditId) {
        (self.content.clock, self.id)
    }

    /// Returns the time of the edit by its author's clock: `2026-05-02T14:00:00Z`.
    #[must_use]
    pub fn time_text(&self) -> String {
        format_unix_micros(self.content.at).unwrap_or_default()
    }
}

fn to_json(content: &EditContent) -> String {
    // Serialising strings and numbers cannot fail.
    serde_json::to_string(content).unwrap_or_default()
}

/// Returns the edits in effect, oldest first: those not undone by an undo that is itself in effect.
#[must_use]
pub fn in_effect(edits: &[Edit]) -> Vec<&Edit> {
    let mut latest: Vec<&Edit> = edits.iter().collect();
    latest.sort_by_key(|edit| std::cmp::Reverse(edit.sort_key()));
    latest.dedup_by_key(|edit| edit.id);
    // An undo is later than the edit it undoes, so edits are processed from latest to earliest.
    let mut undone = BTreeSet::new();
    let mut in_effect = Vec::new();
    for edit in latest {
        if undone.contains(&edit.id) {
            continue;
        }
        if let Action::Undo(other) = edit.content.action {
            undone.insert(other);
        }
        in_effect.push(edit);
    }
    in_effect.reverse();
    in_effect
}

/// Returns the last decision for each tag: true if the tag is set, and the edit that decided it.
#[must_use]
pub fn decided_tags(edits: &[Edit]) -> BTreeMap<String, (bool, &Edit)> {
    let mut decided = BTreeMap::new();
    for edit in in_effect(edits) {
        let (tag, is_set) = match &edit.content.action {
            Action::AddTag(tag) => (tag, true),
            Action::RemoveTag(tag) => (tag, false),
            _ => continue,
        };
        decided.insert(tag.clone(), (is_set, edit));
    }
    decided
}

/// Returns the last decision for each tag, by the tag's current name.
///
/// If several former names map to the same current name, the tag is set if any of them is set,
/// unless a later edit removed it under the current name.
#[must_use]
pub fn decided_tags_renamed<'e>(
    edits: &'e [Edit],
    current_name: &dyn Fn(&str) -> String,
) -> BTreeMap<String, (bool, &'e Edit)> {
    let decided = decided_tags(edits);
    let mut named: BTreeMap<String, (bool, &Edit)> = BTreeMap::new();
    for (tag, decision) in &decided {
        let name = current_name(tag);
        let removed = decided.get(&name).filter(|(is_set, _)| !is_set);
        if decision.0
            && removed.is_some_and(|(_, removal)| removal.sort_key() > decision.1.sort_key())
        {
            continue;
        }
        let combined = named.entry(name).or_insert(*decision);
        if decision.0 && !combined.0 {
            *combined = *decision;
        }
    }
    named
}

impl Clip {
    /// Applies edits, which override all other sources.
    pub fn apply_edits(&mut self, edits: &[Edit]) {
        self.apply_edits_renamed(edits, &str::to_owned);
    }

    /// Applies edits, with tags under their current names. The last edit of each tag counts. See
    /// [`decided_tags_renamed`] for tags that share a current name.
    pub fn apply_edits_renamed(&mut self, edits: &[Edit], current_name: &dyn Fn(&str) -> String) {
        let (mut notes, mut markers) = (Vec::new(), Vec::new());
        let (mut notes_source, mut markers_source) = (None, None);
        for edit in in_effect(edits) {
            let source = || Source::person(&edit.content.author);
            match &edit.content.action {
                Action::Stars(0) => self.rating = None,
                Action::Stars(stars) => self.rating = Some(Fact::new(u32::from(*stars), source())),
                Action::Select(selection) => {
                    self.selection = selection.map(|selection| Fact::new(selection, source()));
                }
                Action::Note(text) => {
                    notes.push(Note {
                        text: text.clone(),
                        person: edit.content.author.clone(),
                        at: edit.time_text(),
                    });
                    notes_source = Some(source());
                }
                Action::Mark(marker) => {
                    markers.push(marker.clone());
                    markers_source = Some(source());
                }
                Action::AddTag(_) | Action::RemoveTag(_) | Action::Undo(_) => {}
            }
        }
        markers.sort();
        self.notes = notes_source.map(|source| Fact::new(Notes(notes), source));
        self.markers = markers_source.map(|source| Fact::new(Markers(markers), source));
        for (tag, (is_set, edit)) in decided_tags_renamed(edits, current_name) {
            self.apply_tag(&tag, is_set, edit);
        }
    }

    fn apply_tag(&mut self, tag: &str, is_set: bool, edit: &Edit) {
        if !is_set {
            if let Some(tags) = &mut self.tags {
                tags.value.remove(tag);
                // Subtags that a rule assigned no longer apply.
                tags.value.remove_below(tag);
            }
            self.tags.take_if(|tags| tags.value.is_empty());
            return;
        }
        let source = Source::person(&edit.content.author);
        let tags = self
            .tags
            .get_or_insert_with(|| Fact::new(crate::value::Tags::default(), source));
        tags.value.set(Tagged {
            tag: tag.to_owned(),
            origin: TagOrigin::Person {
                person: edit.content.author.clone(),
                at: edit.time_text(),
            },
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn edit(clock: i64, action: Action) -> Edit {
        Edit::new(EditContent {
            clip: Fingerprint(7),
            clock,
            at: 1_779_278_400_000_000 + clock,
            author: "anna".to_owned(),
            batch: Fingerprint(1),
            action,
        })
    }

    fn edited(edits: &[Edit]) -> Clip {
        let rule = Tagged {
            tag: "ad-shoot".to_owned(),
            origin: TagOrigin::Rule {
                rule: "ad-shoot".to_owned(),
                evidence: "AdShoot".to_owned(),
                confidence: 95,
            },
        };
        let mut clip = Clip {
            tags: Some(Fact::new([rule].into_iter().collect(), Source::RULES)),
            ..Clip::default()
        };
        clip.apply_edits(edits);
        clip
    }

    fn tags(edits: &[Edit]) -> String {
        edited(edits)
            .tags
            .map_or_else(String::new, |tags| tags.value.to_string())
    }

    #[test]
    fn edits_override_rules() {
        let add = edit(1, Action::AddTag("interview".to_owned()));
        let remove = edit(2, Action::RemoveTag("ad-shoot".to_owned()));
        assert_eq!(tags(&[]), "ad-shoot");
        assert_eq!(tags(&[add.clone(), remove.clone()]), "interview");
        let undo = edit(3, Action::Undo(remove.id));
        let undone = [add, remove, undo.clone()];
        assert_eq!(tags(&undone), "ad-shoot, interview");
        let again = edit(4, Action::Undo(undo.id));
        assert_eq!(tags(&[&undone[..], &[again]].concat()), "interview");
        assert!(
            edited(&[edit(1, Action::Stars(4)), edit(2, Action::Stars(0))])
                .rating
                .is_none()
        );
    }

    #[test]
    fn removing_a_tag_removes_the_rule_tags_below_it() {
        let rule = |tag: &str| Tagged {
            tag: tag.to_owned(),
            origin: TagOrigin::Rule {
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
        clip.apply_edits(&[
            edit(1, Action::AddTag("tv-set/rehearsal".to_owned())),
            edit(2, Action::RemoveTag("tv-set".to_owned())),
        ]);
        let tags = clip.tags.unwrap().value.to_string();
        assert_eq!(tags, "tv-set/rehearsal, tv-settings");
    }

    #[test]
    fn a_tag_is_removed_by_its_current_name_even_if_added_under_a_former_one() {
        let current_name = |tag: &str| if tag == "cat" { "pet" } else { tag }.to_owned();
        let tags = |edits: &[Edit]| {
            let mut clip = Clip::default();
            clip.apply_edits_renamed(edits, &current_name);
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
    fn a_line_whose_id_does_not_match_its_content_is_rejected() {
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

    fn edits() -> impl Strategy<Value = Vec<Edit>> {
        let parameters = (0_i64..40, 0_u8..7, 0_u8..4, 0_usize..20);
        proptest::collection::vec(parameters, 0..20).prop_map(|all| {
            let mut edits: Vec<Edit> = Vec::new();
            for (clock, kind, number, earlier) in all {
                let tag = format!("tag-{number}");
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
        #![proptest_config(crate::property_tests::random(256))]

        /// Merges the same journals in different orders and with duplicates.
        #[test]
        fn merging_is_commutative_associative_and_idempotent(a in edits(), b in edits(), c in edits()) {
            let expected = edited(&[&a[..], &b, &c].concat());
            prop_assert_eq!(&edited(&[&c[..], &a, &b].concat()), &expected);
            prop_assert_eq!(&edited(&[&b[..], &c, &b, &a, &a].concat()), &expected);
            let mut sorted = [&a[..], &b, &c].concat();
            sorted.sort_by_key(|edit| edit.id);
            prop_assert_eq!(&edited(&sorted), &expected);
            for edit in &a {
                prop_assert_eq!(&Edit::from_line(&edit.to_line()).unwrap(), edit);
            }
        }
    }
}
