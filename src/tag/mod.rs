//! Rules that assign tags and facts to clips, and report what they matched.
//!
//! Rules test a clip's path, its volume, the facts of its content, and the names of the other files
//! in its folder. They read nothing from a drive, so the whole catalogue can be tagged again at any
//! time.

mod condition;
mod names;
mod parse;
mod phrase_matcher;
mod rule;
#[cfg(test)]
mod tests;
mod vocabulary;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::LazyLock;

use xxhash_rust::xxh3::xxh3_64;

use crate::clip::{Clip, Fact, Source};
use crate::error::Error;
use crate::value::{TagOrigin, Tagged, Tags};
use condition::{ConditionInput, NeighbourTest};
use parse::RuleBuilder;
use phrase_matcher::{MatchedText, PhraseId, PhraseMatcher};
use rule::Rule;

pub use crate::toml_file::read_toml;
pub use names::schemes;
pub use vocabulary::{BUILT_IN as VOCABULARY, TagGroup, Vocabulary, VocabularyTag, current_name};

/// The built-in rules, as TOML.
pub const RULES: &str = include_str!("rules.toml");

/// Version of the code that applies rules and derives facts from names. Increase it when the same
/// rules give other tags or facts. Changes of the built-in rules and vocabulary need no increase.
const NAMES_VERSION: u32 = 1;

/// Returns the version of names, built-in rules and vocabulary, as stored with the facts that they
/// gave: `rules 1 9e0f83d2`.
#[must_use]
pub fn rules_label() -> &'static str {
    static LABEL: LazyLock<String> = LazyLock::new(|| {
        let hash = xxh3_64(format!("{RULES}\0{VOCABULARY}").as_bytes());
        format!("rules {NAMES_VERSION} {hash:016x}")
    });
    &LABEL
}

/// Returns true if a label names rules other than the current ones. Rules have no order, so the
/// rules of a newer program count as outdated, too.
#[must_use]
pub fn is_outdated(label: &str) -> bool {
    label.starts_with("rules ") && label != rules_label()
}

/// The user's active additions to the built-in rules and vocabulary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserRules {
    /// Additional rules, as TOML.
    pub rules: Option<String>,
    /// Additional vocabulary, as TOML.
    pub vocabulary: Option<String>,
    /// Renamed tags: former id to current id.
    pub renamed: BTreeMap<String, String>,
}

/// Rules, compiled and sorted by priority.
#[derive(Debug)]
pub struct Rules {
    vocabulary: Vocabulary,
    phrase_matcher: PhraseMatcher,
    /// Tests on the names of the other files in a clip's folder.
    tests: Vec<NeighbourTest>,
    /// Rules in the order in which they are tried: highest priority first, then as listed.
    ordered: Vec<Rule>,
    /// Phrases in folder names that disable name-based rules, such as `holiday`.
    unrelated: HashSet<PhraseId>,
}

/// Rule input that all files of a folder share, computed once per folder.
#[derive(Debug, Default)]
pub struct FolderContext {
    /// Names of the folder and its parents, innermost first.
    folders: Vec<MatchedText>,
    volume: MatchedText,
    /// For each neighbour test, up to two names in the folder that pass it.
    neighbours: Vec<Vec<String>>,
    /// True if a folder name disables name-based rules.
    is_unrelated: bool,
}

/// Rule that matched a clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleMatch {
    /// Name of the rule.
    pub rule: String,
    /// Text that matched, in its original spelling.
    pub evidence: String,
    /// Confidence in percent.
    pub confidence: u8,
    /// Tags that the rule assigns.
    pub tags: Vec<String>,
    /// Facts that the rule assigns, as field name and text.
    pub facts: Vec<(&'static str, String)>,
    /// Name of the matching rule that excludes this one. An excluded rule assigns nothing.
    pub excluded_by: Option<String>,
}

impl Rules {
    /// Compiles the built-in rules and the user's additions.
    ///
    /// # Errors
    /// Returns [`Error::InvalidFile`] for an invalid rule or vocabulary, with file, line and hint.
    pub fn new(user: &UserRules) -> Result<Self, Error> {
        let vocabulary = Vocabulary::new(user.vocabulary.as_deref(), user.renamed.clone())?;
        let mut builder = RuleBuilder::new(&vocabulary);
        builder.add_file("the built-in rules", RULES)?;
        if let Some(rules) = &user.rules {
            builder.add_file("rules.toml", rules)?;
        }
        let RuleBuilder {
            mut phrase_matcher,
            tests,
            mut rules,
            unrelated,
            ..
        } = builder;
        phrase_matcher.build_spelling_index();
        rules.retain(|rule| !rule.is_off);
        rules.sort_by_key(|rule| -rule.priority);
        Ok(Self {
            vocabulary,
            phrase_matcher,
            tests,
            ordered: rules,
            unrelated,
        })
    }

    /// Returns the vocabulary that the rules use.
    #[must_use]
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Returns true if any rule tests the names of the other files in a clip's folder.
    #[must_use]
    pub fn use_neighbours(&self) -> bool {
        !self.tests.is_empty()
    }

    /// Computes the rule input that the files of a folder share. `folder` is relative to the
    /// volume; `names` are the files in it.
    #[must_use]
    pub fn folder_context(&self, folder: &Path, volume: &str, names: &[String]) -> FolderContext {
        let mut folders: Vec<MatchedText> = folder
            .iter()
            .rev()
            .map(|name| self.phrase_matcher.find_phrases(&name.to_string_lossy()))
            .collect();
        let is_unrelated = folders.iter().any(|name| {
            name.hits
                .iter()
                .any(|hit| self.unrelated.contains(&hit.phrase))
        });
        if is_unrelated {
            folders.iter_mut().for_each(MatchedText::void_all);
        }
        let mut neighbours = vec![Vec::new(); self.tests.len()];
        if !neighbours.is_empty() {
            for name in names {
                let text = self.phrase_matcher.find_phrases(name);
                for (test, passed) in self.tests.iter().zip(&mut neighbours) {
                    let is_match = match test {
                        NeighbourTest::Phrases(phrases) => text
                            .hits
                            .iter()
                            .any(|hit| !hit.is_void && phrases.contains(&hit.phrase)),
                        NeighbourTest::Pattern(pattern) => pattern.is_match(name),
                    };
                    // Two are stored, because one of them may be the clip itself.
                    if is_match && passed.len() < 2 {
                        passed.push(name.clone());
                    }
                }
            }
        }
        FolderContext {
            folders,
            volume: self.phrase_matcher.find_phrases(volume),
            neighbours,
            is_unrelated,
        }
    }

    /// Returns the rules that match a clip, in the order in which they were tried. `name` is the
    /// file name; `clip` has all facts except those from rules.
    #[must_use]
    pub fn matches(&self, folder: &FolderContext, name: &str, clip: &Clip) -> Vec<RuleMatch> {
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let mut name_text = self.phrase_matcher.find_phrases(stem);
        if folder.is_unrelated {
            name_text.void_all();
        }
        let texts: Vec<MatchedText> = [&clip.title, &clip.comment, &clip.transcript]
            .into_iter()
            .flatten()
            .map(|text| self.phrase_matcher.find_phrases(&text.value))
            .collect();
        let input = ConditionInput {
            stem,
            name: &name_text,
            folders: &folder.folders,
            volume: &folder.volume,
            texts: &texts,
            clip,
            neighbours: &folder.neighbours,
            file_name: name,
            find_phrases: &|text| self.phrase_matcher.find_phrases(text),
        };
        let mut excluded: HashMap<&str, &str> = HashMap::new();
        let mut matches = Vec::new();
        for rule in &self.ordered {
            let Some(evidence) = rule.when.evaluate(&input) else {
                continue;
            };
            let excluded_by = excluded.get(rule.name.as_str()).copied();
            if excluded_by.is_none() {
                for other in &rule.excludes {
                    excluded.entry(other).or_insert(&rule.name);
                }
            }
            matches.push(RuleMatch {
                rule: rule.name.clone(),
                confidence: rule.confidence.saturating_sub(evidence.doubt).max(1),
                tags: rule
                    .tags
                    .iter()
                    .map(|tag| self.vocabulary.current_name(tag))
                    .collect(),
                facts: rule.facts(&evidence),
                evidence: evidence.text,
                excluded_by: excluded_by.map(str::to_owned),
            });
        }
        matches
    }

    /// Returns the tags and facts that names and rules assign to a clip. `inside` is the clip's
    /// path relative to the volume.
    #[must_use]
    pub fn apply(&self, folder: &FolderContext, inside: &Path, clip: &Clip) -> Clip {
        let (mut assigned, matches) = self.explain(folder, inside, clip);
        assigned.merge(&assigned_facts(
            matches.iter().filter(|rule| rule.excluded_by.is_none()),
        ));
        assigned
    }

    /// Returns the facts from the names of a file and its folders, and the rules that match it.
    #[must_use]
    pub fn explain(
        &self,
        folder: &FolderContext,
        inside: &Path,
        clip: &Clip,
    ) -> (Clip, Vec<RuleMatch>) {
        let named = names::facts(inside);
        let mut with_names = clip.clone();
        with_names.merge(&named);
        with_names.derive();
        let name = inside.file_name().unwrap_or_default().to_string_lossy();
        let matches = self.matches(folder, &name, &with_names);
        (named, matches)
    }
}

fn set_if_none<T>(fact: &mut Option<T>, other: Option<T>) {
    if fact.is_none() {
        *fact = other;
    }
}

/// Returns the tags and facts that matching rules assign.
fn assigned_facts<'a>(matches: impl Iterator<Item = &'a RuleMatch>) -> Clip {
    let mut clip = Clip::default();
    let mut tags = Tags::default();
    for rule in matches {
        for tag in &rule.tags {
            tags.add(Tagged {
                tag: tag.clone(),
                origin: TagOrigin::Rule {
                    rule: rule.rule.clone(),
                    evidence: rule.evidence.clone(),
                    confidence: rule.confidence,
                },
            });
        }
        for (field, text) in &rule.facts {
            let source = || Source::rule(&rule.rule);
            let number = || Some(Fact::new(text.parse().ok()?, source()));
            let words = |text: String| Some(Fact::new(text, source()));
            // The first rule that assigns a field has the highest priority.
            match *field {
                "production" => set_if_none(&mut clip.production, words(text.clone())),
                "camera_letter" => set_if_none(&mut clip.camera_letter, words(text.to_uppercase())),
                "scene" => set_if_none(&mut clip.scene, words(text.to_uppercase())),
                "shoot_day" => set_if_none(&mut clip.shoot_day, number()),
                _ => set_if_none(&mut clip.take, number()),
            }
        }
    }
    clip.tags = (!tags.is_empty()).then(|| Fact::new(tags, Source::RULES));
    clip
}
