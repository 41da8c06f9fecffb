//! Tags from names and facts: rules that people can read, each of which says what fired it.
//!
//! What is asked of a clip is its path, its volume, what is known of its content, and which files
//! lie beside it; nothing is read from a drive. So a whole catalogue can be tagged anew at any time.

mod condition;
mod lexicon;
mod names;
mod parse;
#[cfg(test)]
mod tests;
mod vocabulary;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use crate::clip::{Clip, Fact, Source};
use crate::error::Error;
use crate::toml_file::Kind;
use crate::value::{Tagged, Tags, Why};
use condition::{Condition, Evidence, NeighbourTest, Seen};
use lexicon::{Lexicon, PhraseId, Spoken};
use parse::Maker;

pub use crate::toml_file::read_written;
pub use names::schemes;
pub use vocabulary::{BUILT_IN as VOCABULARY, Entry, Group, Vocabulary, called};

/// The rules that come with the program.
pub const RULES: &str = include_str!("rules.toml");

/// What complaints about rules and vocabulary point to.
const WRITTEN: Kind = Kind {
    plural: "rules",
    example: "btsindex tags rules",
};

/// What a person wrote beside the built-in rules, as it is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Own {
    /// Rules, as TOML.
    pub rules: Option<String>,
    /// More of the vocabulary, as TOML.
    pub vocabulary: Option<String>,
    /// Tags that are called otherwise now.
    pub renamed: BTreeMap<String, String>,
}

/// Rules, ready to be applied.
#[derive(Debug)]
pub struct Rules {
    vocabulary: Vocabulary,
    lexicon: Lexicon,
    /// What is asked of the files beside a clip.
    tests: Vec<NeighbourTest>,
    /// In the order in which they are tried: by priority, then as they are written.
    ordered: Vec<Rule>,
    /// Phrases of folders in which names say nothing of a shoot.
    elsewhere: HashSet<PhraseId>,
}

#[derive(Debug)]
struct Rule {
    name: String,
    when: Condition,
    tags: Vec<String>,
    wishes: Vec<Wish>,
    confidence: u8,
    priority: i64,
    excludes: Vec<String>,
    is_off: bool,
}

/// A fact that a rule gives.
#[derive(Debug)]
struct Wish {
    field: &'static str,
    /// What it is; `$scene` is what the group `scene` of a pattern took.
    text: String,
}

/// A folder as rules see it: looked at once for all files in it.
#[derive(Debug, Default)]
pub struct Place {
    /// Innermost first.
    folders: Vec<Spoken>,
    volume: Spoken,
    /// For each test, up to two of the folder's names that pass it.
    neighbours: Vec<Vec<String>>,
    /// Whether names say nothing of a shoot here.
    is_elsewhere: bool,
}

/// A rule that fired on a clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// The rule's name.
    pub rule: String,
    /// What fired it.
    pub evidence: String,
    /// How sure it is, in hundredths.
    pub confidence: u8,
    /// The tags it gives.
    pub tags: Vec<String>,
    /// Facts that it gives, as field and text.
    pub facts: Vec<(&'static str, String)>,
    /// The rule that keeps it from giving anything.
    pub excluded_by: Option<String>,
}

impl Rules {
    /// The built-in rules, with what a person wrote beside them.
    ///
    /// # Errors
    /// [`Error::InvalidFile`] for what cannot be understood, with file, line and hint.
    pub fn new(own: &Own) -> Result<Self, Error> {
        let vocabulary = Vocabulary::new(own.vocabulary.as_deref(), own.renamed.clone())?;
        let mut maker = Maker::new(&vocabulary);
        maker.take("the built-in rules", RULES)?;
        if let Some(rules) = &own.rules {
            maker.take("rules.toml", rules)?;
        }
        let Maker {
            mut lexicon,
            tests,
            mut rules,
            elsewhere,
            ..
        } = maker;
        lexicon.finish();
        rules.retain(|rule| !rule.is_off);
        rules.sort_by_key(|rule| -rule.priority);
        Ok(Self {
            vocabulary,
            lexicon,
            tests,
            ordered: rules,
            elsewhere,
        })
    }

    /// Which tags there are.
    #[must_use]
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Whether any rule asks for the files beside a clip.
    #[must_use]
    pub fn ask_for_neighbours(&self) -> bool {
        !self.tests.is_empty()
    }

    /// Looks at a folder below a volume, and at the names of the files in it.
    #[must_use]
    pub fn place(&self, folder: &Path, volume: &str, names: &[String]) -> Place {
        let mut folders: Vec<Spoken> = folder
            .iter()
            .rev()
            .map(|name| self.lexicon.hear(&name.to_string_lossy()))
            .collect();
        let is_elsewhere = folders.iter().any(|name| {
            name.hits
                .iter()
                .any(|hit| self.elsewhere.contains(&hit.phrase))
        });
        if is_elsewhere {
            folders.iter_mut().for_each(Spoken::take_back);
        }
        let mut neighbours = vec![Vec::new(); self.tests.len()];
        if !neighbours.is_empty() {
            for name in names {
                let spoken = self.lexicon.hear(name);
                for (test, passed) in self.tests.iter().zip(&mut neighbours) {
                    let is_one = match test {
                        NeighbourTest::Says(phrases) => spoken
                            .hits
                            .iter()
                            .any(|hit| !hit.is_void && phrases.contains(&hit.phrase)),
                        NeighbourTest::Fits(pattern) => pattern.is_match(name),
                    };
                    // One of two is not the clip itself.
                    if is_one && passed.len() < 2 {
                        passed.push(name.clone());
                    }
                }
            }
        }
        Place {
            folders,
            volume: self.lexicon.hear(volume),
            neighbours,
            is_elsewhere,
        }
    }

    /// The rules that fire on a clip, in the order in which they were tried: `name` is that of its
    /// file in the folder, `clip` all that is known of it without rules.
    #[must_use]
    pub fn fired(&self, place: &Place, name: &str, clip: &Clip) -> Vec<Fired> {
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let mut spoken = self.lexicon.hear(stem);
        if place.is_elsewhere {
            spoken.take_back();
        }
        let texts: Vec<Spoken> = [&clip.title, &clip.comment, &clip.transcript]
            .into_iter()
            .flatten()
            .map(|text| self.lexicon.hear(&text.value))
            .collect();
        let seen = Seen {
            stem,
            name: &spoken,
            folders: &place.folders,
            volume: &place.volume,
            texts: &texts,
            clip,
            neighbours: &place.neighbours,
            own: name,
            hear: &|text| self.lexicon.hear(text),
        };
        let mut excluded: HashMap<&str, &str> = HashMap::new();
        let mut fired = Vec::new();
        for rule in &self.ordered {
            let Some(evidence) = rule.when.holds(&seen) else {
                continue;
            };
            let by = excluded.get(rule.name.as_str()).copied();
            if by.is_none() {
                for other in &rule.excludes {
                    excluded.entry(other).or_insert(&rule.name);
                }
            }
            fired.push(Fired {
                rule: rule.name.clone(),
                confidence: rule.confidence.saturating_sub(evidence.doubt).max(1),
                tags: rule
                    .tags
                    .iter()
                    .map(|tag| self.vocabulary.called(tag))
                    .collect(),
                facts: rule.facts(&evidence),
                evidence: evidence.text,
                excluded_by: by.map(str::to_owned),
            });
        }
        fired
    }

    /// What names and rules give a clip: tags, and facts.
    #[must_use]
    pub fn given(&self, place: &Place, inside: &Path, clip: &Clip) -> Clip {
        let (mut given, fired) = self.explained(place, inside, clip);
        given.merge(&gift(
            fired.iter().filter(|fired| fired.excluded_by.is_none()),
        ));
        given
    }

    /// What the names of a file tell, and the rules that fire on it.
    #[must_use]
    pub fn explained(&self, place: &Place, inside: &Path, clip: &Clip) -> (Clip, Vec<Fired>) {
        let told = names::facts(inside);
        let mut known = clip.clone();
        known.merge(&told);
        known.derive();
        let name = inside.file_name().unwrap_or_default().to_string_lossy();
        let fired = self.fired(place, &name, &known);
        (told, fired)
    }
}

impl Rule {
    /// The facts that it gives, its patterns' groups put in.
    fn facts(&self, evidence: &Evidence) -> Vec<(&'static str, String)> {
        let wishes = self.wishes.iter().filter_map(|wish| {
            let text = match wish.text.strip_prefix('$') {
                None => wish.text.clone(),
                Some(group) => {
                    let taken = evidence.taken.iter().find(|(name, _)| name == group);
                    taken?.1.clone()
                }
            };
            let text = text.trim().to_owned();
            (!text.is_empty()).then_some((wish.field, text))
        });
        wishes.collect()
    }
}

fn keep<T>(fact: &mut Option<T>, other: Option<T>) {
    if fact.is_none() {
        *fact = other;
    }
}

/// What rules that fired come to.
fn gift<'a>(fired: impl Iterator<Item = &'a Fired>) -> Clip {
    let mut clip = Clip::default();
    let mut tags = Tags::default();
    for fired in fired {
        for tag in &fired.tags {
            tags.add(Tagged {
                tag: tag.clone(),
                why: Why::Rule {
                    rule: fired.rule.clone(),
                    evidence: fired.evidence.clone(),
                    confidence: fired.confidence,
                },
            });
        }
        for (field, text) in &fired.facts {
            let source = || Source::rule(&fired.rule);
            let number = || Some(Fact::new(text.parse().ok()?, source()));
            let words = |text: String| Some(Fact::new(text, source()));
            // The first rule that gives one is of the highest priority.
            match *field {
                "production" => keep(&mut clip.production, words(text.clone())),
                "camera_letter" => keep(&mut clip.camera_letter, words(text.to_uppercase())),
                "scene" => keep(&mut clip.scene, words(text.to_uppercase())),
                "shoot_day" => keep(&mut clip.shoot_day, number()),
                _ => keep(&mut clip.take, number()),
            }
        }
    }
    clip.tags = (!tags.is_empty()).then(|| Fact::new(tags, Source::RULES));
    clip
}
