//! The vocabulary: which tags there are, which stand below which, and what else they are called.
//!
//! A word may mean several tags (`rehearsal`), and a group's name all tags of the group (`shoot`).
//! Tags that are in no vocabulary are as good as others; they mean only themselves.

use std::collections::{BTreeMap, HashMap};

use super::WRITTEN;
use crate::error::{Error, closest};
use crate::toml_file::{Table, TomlFile};
use crate::value::words::folded_runs;
use crate::value::{Malformed, parse_tag};

/// The vocabulary that comes with the program.
pub const BUILT_IN: &str = include_str!("vocabulary.toml");

/// One tag of the vocabulary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path id: `tv-set/rehearsal`.
    pub id: String,
    /// The group that it belongs to, by what stands first in its path.
    pub group: String,
    /// What it means, for people.
    pub help: String,
    /// Other words for it, and for nothing else.
    pub synonyms: Vec<String>,
    /// Words that may mean it, or something else.
    pub among: Vec<String>,
}

/// A group of tags that stand side by side: `shoot`, `people`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name, which finds all of its tags.
    pub id: String,
    /// What belongs to it, for people.
    pub help: String,
}

/// Which tags there are.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    groups: Vec<Group>,
    entries: Vec<Entry>,
    /// Entries by the key of each word that means them and nothing else; only worked out where
    /// words of a person's own are checked against them.
    owners: HashMap<String, usize>,
    /// What people call a tag instead: former id to the one of now.
    renamed: BTreeMap<String, String>,
}

/// Spellings that are the same word: `Ad Shoots` is `ad-shoot`.
fn key(text: &str) -> String {
    let mut runs = folded_runs(text);
    if let Some(last) = runs.last_mut() {
        *last = singular(last).to_owned();
    }
    runs.join(" ")
}

/// A word without its plural ending, as far as English has one.
pub(super) fn singular(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(stem) if stem.len() >= 3 && !stem.ends_with(['s', 'u', 'i']) => stem,
        _ => word,
    }
}

impl Vocabulary {
    /// The built-in vocabulary, with what a person added to it, and with tags that were renamed.
    ///
    /// # Errors
    /// [`Error::InvalidFile`] for what cannot be understood.
    pub fn new(own: Option<&str>, renamed: BTreeMap<String, String>) -> Result<Self, Error> {
        let mut vocabulary = Self::default();
        // That it contradicts itself nowhere is proved by a test, not each time.
        vocabulary.take("the built-in vocabulary", BUILT_IN, false)?;
        if let Some(own) = own {
            vocabulary.own_all();
            vocabulary.take("vocabulary.toml", own, true)?;
        }
        vocabulary.renamed = renamed;
        Ok(vocabulary)
    }

    fn take(&mut self, name: &str, text: &str, is_checked: bool) -> Result<(), Error> {
        TomlFile {
            name,
            text,
            kind: WRITTEN,
        }
        .read(|file| {
            file.only(&["group", "tag"])?;
            for table in file.tables("group")? {
                table.only(&["id", "help"])?;
                let group = Group {
                    id: tag_id(&table, "id", "shoot")?,
                    help: table.text("help")?.unwrap_or_default().to_owned(),
                };
                if !self.groups.iter().any(|known| known.id == group.id) {
                    self.groups.push(group);
                }
            }
            for table in file.tables("tag")? {
                self.take_tag(&table, is_checked)?;
            }
            Ok(())
        })
    }

    fn take_tag(&mut self, table: &Table<'_>, is_checked: bool) -> Result<(), Error> {
        table.only(&["id", "group", "help", "synonyms", "among"])?;
        let id = tag_id(table, "id", "tv-set/rehearsal")?;
        let group = self.group_of(&id, table)?;
        let synonyms = words(table, "synonyms")?;
        let among = words(table, "among")?;
        let known = self.entries.iter().position(|known| known.id == id);
        let at = known.unwrap_or(self.entries.len());
        if known.is_none() {
            self.entries.push(Entry {
                id: id.clone(),
                group,
                help: String::new(),
                synonyms: Vec::new(),
                among: Vec::new(),
            });
        }
        if is_checked {
            for word in std::iter::once(&id).chain(&synonyms) {
                self.own(at, word, table)?;
            }
        }
        let entry = &mut self.entries[at];
        if let Some(help) = table.text("help")? {
            help.clone_into(&mut entry.help);
        }
        entry.synonyms.extend(synonyms);
        entry.among.extend(among);
        Ok(())
    }

    /// The group that is said, or that of what stands above.
    fn group_of(&self, id: &str, table: &Table<'_>) -> Result<String, Error> {
        let above = id.rsplit_once('/').map(|(above, _)| above);
        let parent = self
            .entries
            .iter()
            .find(|known| Some(known.id.as_str()) == above || known.id == id);
        match (table.get("group"), above, parent) {
            (Some(value), None, _) => {
                let group = value.text()?;
                if self.groups.iter().any(|known| known.id == group) {
                    return Ok(group.to_owned());
                }
                let known: Vec<&str> = self.groups.iter().map(|group| group.id.as_str()).collect();
                let hint = closest(group, &known).map_or_else(
                    || {
                        format!(
                            "there are {}; begin a new one with `[[group]]`",
                            known.join(", ")
                        )
                    },
                    |close| format!("did you mean `{close}`?"),
                );
                Err(value.wrong(format!("no group `{group}`"), hint))
            }
            (Some(value), Some(_), _) => Err(value.wrong(
                format!("`{id}` belongs to the group of what stands above it"),
                "leave `group` out",
            )),
            (None, _, Some(parent)) => Ok(parent.group.clone()),
            (None, Some(above), None) => Err(table.wrong(
                format!("`{id}` stands below `{above}`, which is no tag"),
                format!("write a tag `{above}` before it"),
            )),
            (None, None, None) => Err(table.wrong(
                format!("`{id}` belongs to no group"),
                "write `group = \"moment\"`, or another group's name",
            )),
        }
    }

    /// A word that means another tag, or is one, cannot mean this one alone.
    fn own(&mut self, at: usize, word: &str, table: &Table<'_>) -> Result<(), Error> {
        let owner = *self.owners.entry(key(word)).or_insert(at);
        if owner == at {
            return Ok(());
        }
        let (id, other) = (&self.entries[at].id, &self.entries[owner]);
        let is_mutual = other.synonyms.iter().any(|synonym| key(synonym) == key(id));
        let message = if is_mutual {
            format!("`{id}` and `{}` are each other's synonyms", other.id)
        } else {
            format!("`{word}` means `{}` already", other.id)
        };
        Err(table.wrong(
            message,
            "write it under `among` if it may mean both; to give a tag another name, `btsindex tags rename`",
        ))
    }

    /// Notes which word means which entry.
    fn own_all(&mut self) {
        for (at, entry) in self.entries.iter().enumerate() {
            for word in std::iter::once(&entry.id).chain(&entry.synonyms) {
                self.owners.entry(key(word)).or_insert(at);
            }
        }
    }

    /// Every tag, those above before those below.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Every group.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The tag of an id, as it is called now.
    #[must_use]
    pub fn called(&self, id: &str) -> String {
        called(&self.renamed, id)
    }

    /// The ids that a word may mean; of a group, those of all its outermost tags. Nothing, where
    /// it is in no vocabulary.
    #[must_use]
    pub fn meanings(&self, word: &str) -> Vec<String> {
        let exact = parse_tag(word).ok();
        let group = self
            .groups
            .iter()
            .find(|group| Some(&group.id) == exact.as_ref());
        let mut ids: Vec<String> = match group {
            Some(group) => self
                .entries
                .iter()
                .filter(|entry| entry.group == group.id && !entry.id.contains('/'))
                .map(|entry| entry.id.clone())
                .collect(),
            None => self.entries_called(word),
        };
        if exact
            .as_ref()
            .is_some_and(|exact| exact.contains('/') && ids.contains(exact))
        {
            ids.retain(|id| Some(id) == exact.as_ref());
        }
        for id in &mut ids {
            *id = self.called(id);
        }
        ids.dedup();
        ids
    }

    /// The ids of entries that a word may mean.
    fn entries_called(&self, word: &str) -> Vec<String> {
        let wanted = key(word);
        let first = wanted.bytes().next();
        // Most words begin otherwise, and need not be looked at.
        let begins = |text: &str| {
            let own = text
                .bytes()
                .find(|byte| !matches!(byte, b' ' | b'-' | b'\'' | b'/'));
            own.is_some_and(|byte| !byte.is_ascii() || Some(byte.to_ascii_lowercase()) == first)
        };
        let is_it = |text: &str| begins(text) && key(text) == wanted;
        let called = self.entries.iter().filter(|entry| {
            let last = entry.id.rsplit('/').next().unwrap_or_default();
            let mut words = entry.synonyms.iter().chain(&entry.among);
            is_it(&entry.id) || is_it(last) || words.any(|word| is_it(word))
        });
        called.map(|entry| entry.id.clone()).collect()
    }

    /// Whether a word is a group's name, and means all of its tags.
    #[must_use]
    pub fn is_group(&self, word: &str) -> bool {
        parse_tag(word).is_ok_and(|word| self.groups.iter().any(|group| group.id == word))
    }

    /// The tag that a person means who gives it: an id, the one tag that a word means, or what was
    /// typed.
    ///
    /// # Errors
    /// When it is no tag, or may be one of several.
    pub fn meant(&self, typed: &str) -> Result<String, Error> {
        let tag = parse_tag(typed)?;
        let is_id = self.entries.iter().any(|entry| entry.id == tag);
        let is_group = self.is_group(&tag);
        let meanings = self.meanings(&tag);
        match meanings.as_slice() {
            _ if is_id => Ok(self.called(&tag)),
            [one] if !is_group => Ok(one.clone()),
            [] => Ok(self.called(&tag)),
            several => Err(Error::AmbiguousTag {
                tag,
                meanings: several.to_vec(),
            }),
        }
    }

    /// The id that is most like a tag that is in no vocabulary.
    #[must_use]
    pub fn nearest(&self, tag: &str) -> Option<&str> {
        let ids: Vec<&str> = self.entries.iter().map(|entry| entry.id.as_str()).collect();
        let is_known = !self.meanings(tag).is_empty();
        closest(tag, &ids).filter(|_| !is_known)
    }

    /// The words that a rule means by `@id`: its synonyms, and what stands last in its path unless
    /// that may mean something else. `None` where there is no such tag.
    #[must_use]
    pub(super) fn spoken(&self, id: &str) -> Option<Vec<String>> {
        let is_meant = |entry: &&Entry| entry.id == id || self.called(&entry.id) == id;
        let entry = self.entries.iter().find(is_meant)?;
        let last = entry.id.rsplit('/').next().unwrap_or_default();
        let is_last = |other: &Entry| other.id.rsplit('/').next() == Some(last);
        let is_clear = self.entries.iter().all(|other| {
            !other.among.iter().any(|word| key(word) == key(last))
                && (other.id == entry.id || !is_last(other))
        });
        let own = is_clear.then(|| last.replace('-', " "));
        Some(
            own.into_iter()
                .chain(entry.synonyms.iter().cloned())
                .collect(),
        )
    }
}

/// Returns the current name of a tag: its own new name, or one derived from the new name of its nearest renamed parent. A
/// name that maps to itself is current, whatever its parents were renamed to.
#[must_use]
pub fn called(renamed: &BTreeMap<String, String>, id: &str) -> String {
    let mut name = id.to_owned();
    // What a new name of a tag above makes of it may be a former name itself. No name leads on through the same
    // entry twice, so that more steps than entries are never needed.
    for _ in 0..=renamed.len() {
        match renamed_once(renamed, &name) {
            Some(now) if now != name => name = now,
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

fn tag_id(table: &Table<'_>, key: &str, example: &str) -> Result<String, Error> {
    let text = table.needed(key, example)?;
    let id = parse_tag(text).map_err(|wrong: Malformed| {
        table.wrong(wrong.to_string(), format!("write `{key} = \"{example}\"`"))
    })?;
    if id == text {
        Ok(id)
    } else {
        Err(table.wrong(
            format!("`{text}` is not how a tag is written"),
            format!("write `{key} = \"{id}\"`"),
        ))
    }
}

fn words(table: &Table<'_>, key: &str) -> Result<Vec<String>, Error> {
    let texts = table.texts(key)?.into_iter();
    texts
        .map(|(text, value)| {
            if folded_runs(text).is_empty() {
                Err(value.wrong(
                    format!("`{text}` holds no letter"),
                    "write a word, such as \"interview\"",
                ))
            } else {
                Ok(text.to_owned())
            }
        })
        .collect()
}
