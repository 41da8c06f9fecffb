//! Vocabulary: known tags, their hierarchy and their synonyms.
//!
//! A word may mean several tags (`rehearsal`), and the name of a group (`shoot`) means all tags in
//! the group. Tags outside the vocabulary are also valid, but have no synonyms.

use std::collections::{BTreeMap, HashMap};

use crate::error::{Error, closest};
use crate::toml_file::{TomlFile, TomlKind, TomlTable};
use crate::value::words::folded_runs;
use crate::value::{Malformed, parse_tag};

/// The built-in vocabulary, as TOML.
pub const BUILT_IN: &str = include_str!("vocabulary.toml");

/// Kind of file that errors in rules and vocabulary refer to.
pub(super) const FILE_KIND: TomlKind = TomlKind {
    plural: "rules",
    example: "btsindex tags rules",
};

/// Tag of the vocabulary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VocabularyTag {
    /// Id of the tag, which is its path in the hierarchy: `tv-set/rehearsal`.
    pub id: String,
    /// Group of the tag; a subtag is in the group of its parent.
    pub group: String,
    /// Description for `btsindex tags`.
    pub help: String,
    /// Words that mean this tag only.
    pub synonyms: Vec<String>,
    /// Ambiguous words that may mean this tag or another.
    pub among: Vec<String>,
}

/// Group of related tags, such as `shoot` or `people`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagGroup {
    /// Name of the group; as a query, it finds all tags in the group.
    pub id: String,
    /// Description for `btsindex tags`.
    pub help: String,
}

/// Known tags and groups.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    groups: Vec<TagGroup>,
    tags: Vec<VocabularyTag>,
    /// Index of the tag that each unambiguous word means, by the word's key. Filled only to check
    /// the user's words.
    owners: HashMap<String, usize>,
    /// Renamed tags: former id to current id.
    renamed: BTreeMap<String, String>,
}

/// Returns a key that is equal for all spellings of a word, such as `Ad Shoots` and `ad-shoot`.
fn key(text: &str) -> String {
    let mut runs = folded_runs(text);
    if let Some(last) = runs.last_mut() {
        *last = singular(last).to_owned();
    }
    runs.join(" ")
}

/// Removes an English plural ending from a word.
pub(super) fn singular(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(stem) if stem.len() >= 3 && !stem.ends_with(['s', 'u', 'i']) => stem,
        _ => word,
    }
}

impl Vocabulary {
    /// Creates a vocabulary from the built-in one, the user's additions and the renamed tags.
    ///
    /// # Errors
    /// Returns [`Error::InvalidFile`] if the user's vocabulary is invalid.
    pub fn new(user: Option<&str>, renamed: BTreeMap<String, String>) -> Result<Self, Error> {
        let mut vocabulary = Self::default();
        // The built-in vocabulary is not checked here, because a test verifies that it is
        // consistent.
        vocabulary.add_file("the built-in vocabulary", BUILT_IN, false)?;
        if let Some(user) = user {
            vocabulary.register_all_words();
            vocabulary.add_file("vocabulary.toml", user, true)?;
        }
        vocabulary.renamed = renamed;
        Ok(vocabulary)
    }

    fn add_file(&mut self, name: &str, text: &str, is_checked: bool) -> Result<(), Error> {
        TomlFile {
            name,
            text,
            kind: FILE_KIND,
        }
        .read(|file| {
            file.check_keys(&["group", "tag"])?;
            for table in file.tables("group")? {
                table.check_keys(&["id", "help"])?;
                let group = TagGroup {
                    id: tag_id(&table, "id", "shoot")?,
                    help: table.text("help")?.unwrap_or_default().to_owned(),
                };
                if !self.groups.iter().any(|other| other.id == group.id) {
                    self.groups.push(group);
                }
            }
            for table in file.tables("tag")? {
                self.add_tag(&table, is_checked)?;
            }
            Ok(())
        })
    }

    fn add_tag(&mut self, table: &TomlTable<'_>, is_checked: bool) -> Result<(), Error> {
        table.check_keys(&["id", "group", "help", "synonyms", "among"])?;
        let id = tag_id(table, "id", "tv-set/rehearsal")?;
        let group = self.group_of(&id, table)?;
        let synonyms = words(table, "synonyms")?;
        let among = words(table, "among")?;
        let existing = self.tags.iter().position(|tag| tag.id == id);
        let at = existing.unwrap_or(self.tags.len());
        if existing.is_none() {
            self.tags.push(VocabularyTag {
                id: id.clone(),
                group,
                help: String::new(),
                synonyms: Vec::new(),
                among: Vec::new(),
            });
        }
        if is_checked {
            for word in std::iter::once(&id).chain(&synonyms) {
                self.register_word(at, word, table)?;
            }
        }
        let tag = &mut self.tags[at];
        if let Some(help) = table.text("help")? {
            help.clone_into(&mut tag.help);
        }
        tag.synonyms.extend(synonyms);
        tag.among.extend(among);
        Ok(())
    }

    /// Returns the group that the table states, or else the group of the parent or of the existing
    /// tag.
    fn group_of(&self, id: &str, table: &TomlTable<'_>) -> Result<String, Error> {
        let parent_id = id.rsplit_once('/').map(|(parent_id, _)| parent_id);
        let parent = self
            .tags
            .iter()
            .find(|tag| Some(tag.id.as_str()) == parent_id || tag.id == id);
        match (table.get("group"), parent_id, parent) {
            (Some(value), None, _) => {
                let group = value.text()?;
                if self
                    .groups
                    .iter()
                    .any(|known_group| known_group.id == group)
                {
                    return Ok(group.to_owned());
                }
                let known_groups: Vec<&str> =
                    self.groups.iter().map(|group| group.id.as_str()).collect();
                let hint = closest(group, &known_groups).map_or_else(
                    || {
                        format!(
                            "known groups: {}; add a new one with `[[group]]`",
                            known_groups.join(", ")
                        )
                    },
                    |close| format!("did you mean `{close}`?"),
                );
                Err(value.wrong(format!("no group `{group}`"), hint))
            }
            (Some(value), Some(_), _) => Err(value.wrong(
                format!("`{id}` belongs to the group of its parent"),
                "remove `group`",
            )),
            (None, _, Some(parent)) => Ok(parent.group.clone()),
            (None, Some(parent_id), None) => Err(table.wrong(
                format!("`{parent_id}`, the parent of `{id}`, is not a tag"),
                format!("add the tag `{parent_id}` before it"),
            )),
            (None, None, None) => Err(table.wrong(
                format!("`{id}` has no group"),
                "add `group = \"moment\"`, or another group",
            )),
        }
    }

    /// Registers a word that means one tag only. Fails if it already means another tag or is its
    /// id.
    fn register_word(&mut self, at: usize, word: &str, table: &TomlTable<'_>) -> Result<(), Error> {
        let owner = *self.owners.entry(key(word)).or_insert(at);
        if owner == at {
            return Ok(());
        }
        let (id, other) = (&self.tags[at].id, &self.tags[owner]);
        let is_mutual = other.synonyms.iter().any(|synonym| key(synonym) == key(id));
        let message = if is_mutual {
            format!("`{id}` and `{}` are each other's synonyms", other.id)
        } else {
            format!("`{word}` already means `{}`", other.id)
        };
        Err(table.wrong(
            message,
            "list it under `among` if it may mean both; to rename a tag, use `btsindex tags rename`",
        ))
    }

    /// Registers the unambiguous words of all tags.
    fn register_all_words(&mut self) {
        for (at, tag) in self.tags.iter().enumerate() {
            for word in std::iter::once(&tag.id).chain(&tag.synonyms) {
                self.owners.entry(key(word)).or_insert(at);
            }
        }
    }

    /// Returns all tags, parents before children.
    #[must_use]
    pub fn tags(&self) -> &[VocabularyTag] {
        &self.tags
    }

    /// Returns all groups.
    #[must_use]
    pub fn groups(&self) -> &[TagGroup] {
        &self.groups
    }

    /// Returns the current id of a tag.
    #[must_use]
    pub fn current_name(&self, id: &str) -> String {
        current_name(&self.renamed, id)
    }

    /// Returns the ids of the tags that a word may mean; for a group, its top-level tags. The
    /// result is empty if the word is not in the vocabulary.
    #[must_use]
    pub fn meanings(&self, word: &str) -> Vec<String> {
        let exact = parse_tag(word).ok();
        let group = self
            .groups
            .iter()
            .find(|group| Some(&group.id) == exact.as_ref());
        let mut ids: Vec<String> = match group {
            Some(group) => self
                .tags
                .iter()
                .filter(|tag| tag.group == group.id && !tag.id.contains('/'))
                .map(|tag| tag.id.clone())
                .collect(),
            None => self.tags_for_word(word),
        };
        if exact
            .as_ref()
            .is_some_and(|exact| exact.contains('/') && ids.contains(exact))
        {
            ids.retain(|id| Some(id) == exact.as_ref());
        }
        for id in &mut ids {
            *id = self.current_name(id);
        }
        ids.dedup();
        ids
    }

    /// Returns the ids of the tags that a word may mean, ignoring groups.
    fn tags_for_word(&self, word: &str) -> Vec<String> {
        let word = key(word);
        let first = word.bytes().next();
        // The first letter excludes most words without computing their keys.
        let has_same_first = |text: &str| {
            let own_first = text
                .bytes()
                .find(|byte| !matches!(byte, b' ' | b'-' | b'\'' | b'/'));
            own_first
                .is_some_and(|byte| !byte.is_ascii() || Some(byte.to_ascii_lowercase()) == first)
        };
        let is_same = |text: &str| has_same_first(text) && key(text) == word;
        let matching = self.tags.iter().filter(|tag| {
            let last = tag.id.rsplit('/').next().unwrap_or_default();
            let mut words = tag.synonyms.iter().chain(&tag.among);
            is_same(&tag.id) || is_same(last) || words.any(|word| is_same(word))
        });
        matching.map(|tag| tag.id.clone()).collect()
    }

    /// Returns true if a word is the name of a group, and thus means all tags in it.
    #[must_use]
    pub fn is_group(&self, word: &str) -> bool {
        parse_tag(word).is_ok_and(|word| self.groups.iter().any(|group| group.id == word))
    }

    /// Resolves a tag that the user types: an id, a word that means one tag, or a new tag.
    ///
    /// # Errors
    /// Returns an error if the text is not a valid tag, or may mean several tags.
    pub fn resolve(&self, typed: &str) -> Result<String, Error> {
        let tag = parse_tag(typed)?;
        let is_id = self.tags.iter().any(|other| other.id == tag);
        let is_group = self.is_group(&tag);
        let meanings = self.meanings(&tag);
        match meanings.as_slice() {
            _ if is_id => Ok(self.current_name(&tag)),
            [id] if !is_group => Ok(id.clone()),
            [] => Ok(self.current_name(&tag)),
            several => Err(Error::AmbiguousTag {
                tag,
                meanings: several.to_vec(),
            }),
        }
    }

    /// Returns the id that is most similar to a tag outside the vocabulary.
    #[must_use]
    pub fn nearest(&self, tag: &str) -> Option<&str> {
        let ids: Vec<&str> = self.tags.iter().map(|tag| tag.id.as_str()).collect();
        let is_known = !self.meanings(tag).is_empty();
        closest(tag, &ids).filter(|_| !is_known)
    }

    /// Returns the phrases for `@id` in a rule: the tag's synonyms, and the last part of its path
    /// if that is unambiguous. Returns `None` if there is no such tag.
    #[must_use]
    pub(super) fn rule_phrases(&self, id: &str) -> Option<Vec<String>> {
        let is_named = |tag: &&VocabularyTag| tag.id == id || self.current_name(&tag.id) == id;
        let tag = self.tags.iter().find(is_named)?;
        let last = tag.id.rsplit('/').next().unwrap_or_default();
        let is_last = |other: &VocabularyTag| other.id.rsplit('/').next() == Some(last);
        let is_unambiguous = self.tags.iter().all(|other| {
            !other.among.iter().any(|word| key(word) == key(last))
                && (other.id == tag.id || !is_last(other))
        });
        let last = is_unambiguous.then(|| last.replace('-', " "));
        Some(
            last.into_iter()
                .chain(tag.synonyms.iter().cloned())
                .collect(),
        )
    }
}

/// Returns the current name of a tag: its new name, or a name derived from the new name of its
/// nearest renamed ancestor. A name that maps to itself is current, whatever its ancestors are.
#[must_use]
pub fn current_name(renamed: &BTreeMap<String, String>, id: &str) -> String {
    let mut name = id.to_owned();
    // The new name may itself be a former name. No chain uses the same entry twice, so the number
    // of entries limits the number of steps.
    for _ in 0..=renamed.len() {
        match renamed_once(renamed, &name) {
            Some(next) if next != name => name = next,
            _ => break,
        }
    }
    name
}

fn renamed_once(renamed: &BTreeMap<String, String>, id: &str) -> Option<String> {
    let slashes = id.rmatch_indices('/').map(|(at, _)| at);
    std::iter::once(id.len())
        .chain(slashes)
        .find_map(|end| Some(format!("{}{}", renamed.get(&id[..end])?, &id[end..])))
}

fn tag_id(table: &TomlTable<'_>, key: &str, example: &str) -> Result<String, Error> {
    let text = table.required(key, example)?;
    let id = parse_tag(text).map_err(|wrong: Malformed| {
        table.wrong(wrong.to_string(), format!("write `{key} = \"{example}\"`"))
    })?;
    if id == text {
        Ok(id)
    } else {
        Err(table.wrong(
            format!("`{text}` is not in canonical form"),
            format!("write `{key} = \"{id}\"`"),
        ))
    }
}

fn words(table: &TomlTable<'_>, key: &str) -> Result<Vec<String>, Error> {
    let texts = table.texts(key)?.into_iter();
    texts
        .map(|(text, value)| {
            if folded_runs(text).is_empty() {
                Err(value.wrong(
                    format!("`{text}` contains no letter"),
                    "write a word, such as \"interview\"",
                ))
            } else {
                Ok(text.to_owned())
            }
        })
        .collect()
}
