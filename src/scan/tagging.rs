//! Where rules meet the catalogue: a file that is read is tagged, and all that were read can be
//! tagged anew at any time, without their drives.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::writer::Writer;
use crate::catalogue::{Catalogue, RuleFile};
use crate::clip::{Clip, FIELDS};
use crate::error::Error;
use crate::tag::{FolderContext, RuleMatch, Rules};
use crate::value::TagOrigin;

/// Folders that were looked at: files of one follow each other.
#[derive(Default)]
pub(super) struct Places(Mutex<HashMap<i64, Arc<FolderContext>>>);

/// So many folders are remembered.
const REMEMBERED: usize = 64;

impl Places {
    /// A folder as the rules see it.
    pub(super) fn of(
        &self,
        catalogue: &Catalogue,
        rules: &Rules,
        folder: i64,
    ) -> Result<Arc<FolderContext>, Error> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = known.get(&folder) {
            return Ok(place.clone());
        }
        if known.len() >= REMEMBERED {
            known.clear();
        }
        let place = Arc::new(looked_at(catalogue, rules, folder)?);
        known.insert(folder, place.clone());
        Ok(place)
    }
}

/// A folder below its volume, and how the rules see it.
fn looked_at(catalogue: &Catalogue, rules: &Rules, folder: i64) -> Result<FolderContext, Error> {
    let housed = catalogue.rule_folder(folder, rules.use_neighbours())?;
    Ok(rules.folder_context(&housed.inside, &housed.volume, &housed.names))
}

/// What is known of a file without names and rules: what its content says, and what lies beside.
fn without_rules(kept: &RuleFile) -> (Clip, Clip) {
    let mut own = kept.own.clone();
    own.retain_sources(|source| !source.is_from_names());
    let mut known = kept.content.clone();
    known.merge(&own);
    (known, own)
}

/// What rules give a file now, beside what else its place says.
fn told(rules: &Rules, place: &FolderContext, kept: &RuleFile) -> Clip {
    let (known, mut own) = without_rules(kept);
    own.merge(&rules.apply(place, &kept.inside, &known));
    own
}

/// Gives every clip of some folders, or of all, the tags and facts that the rules give now. No
/// drive is needed, and what people said is not touched. `each` hears how many files were looked at; when
/// it says no, what was tagged stays and the rest is left. Gives how many clips changed.
///
/// # Errors
/// When the catalogue cannot be read or written.
pub fn retag(
    catalogue: &Catalogue,
    rules: &Rules,
    folders: &[i64],
    each: &mut dyn FnMut(usize) -> bool,
) -> Result<usize, Error> {
    let mut place = |folder| looked_at(catalogue, rules, folder);
    let tell = |place: &FolderContext, kept: &RuleFile| {
        let now = told(rules, place, kept);
        (now != kept.own).then_some(now)
    };
    catalogue.retag_files(folders, &mut place, &tell, each)
}

/// Where rules ask for the files beside a clip, those of folders in which files came or went are
/// asked again.
pub(super) fn ask_again(
    writer: &mut Writer<'_>,
    rules: &Rules,
    changed: &HashSet<i64>,
    each: &mut dyn FnMut(usize) -> bool,
) -> Result<(), Error> {
    if !rules.use_neighbours() || changed.is_empty() {
        return Ok(());
    }
    writer.commit()?;
    let mut folders: Vec<i64> = changed.iter().copied().collect();
    folders.sort_unstable();
    retag(writer.catalogue, rules, &folders, each).map(drop)
}

/// One tag, or fact, that clips would gain or lose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// `tag`, or the fact's field.
    pub field: &'static str,
    /// The tag, or the fact's value.
    pub value: String,
    /// Whether they would gain it.
    pub is_gained: bool,
}

/// The clips that a difference is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affected {
    /// Their numbers.
    pub clips: BTreeSet<i64>,
    /// Paths of the first files below their volumes, with what fires the rule, or did.
    pub examples: Vec<(PathBuf, String)>,
}

/// Examples of one difference that are kept.
const EXAMPLES: usize = 3;

/// What would change if other rules were in force; nothing does. Only `clips` are looked at, or all. What
/// people decided does not change, so it is left out.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn compare(
    catalogue: &Catalogue,
    rules: &Rules,
    clips: Option<&BTreeSet<i64>>,
) -> Result<BTreeMap<Difference, Affected>, Error> {
    let decided = catalogue.decided_tags()?;
    let differences: Mutex<BTreeMap<Difference, Affected>> = Mutex::default();
    let folders = catalogue.folders()?;
    let mut place = |folder| looked_at(catalogue, rules, folder);
    let tell = |place: &FolderContext, kept: &RuleFile| {
        if clips.is_none_or(|clips| clips.contains(&kept.clip)) {
            let (gained, lost) = (given(&told(rules, place, kept)), given(&kept.own));
            let mut all = differences.lock().unwrap_or_else(PoisonError::into_inner);
            for (some, others, is_gained) in [(&gained, &lost, true), (&lost, &gained, false)] {
                for ((field, value), evidence) in some {
                    let key = (*field, value.clone());
                    let is_decided =
                        || *field == TAG && decided.contains(&(kept.clip, value.clone()));
                    if others.contains_key(&key) || is_decided() {
                        continue;
                    }
                    let difference = Difference {
                        field,
                        value: value.clone(),
                        is_gained,
                    };
                    let affected = all.entry(difference).or_default();
                    affected.clips.insert(kept.clip);
                    if affected.examples.len() < EXAMPLES {
                        affected
                            .examples
                            .push((kept.inside.clone(), evidence.clone()));
                    }
                }
            }
        }
        None
    };
    catalogue.retag_files(&folders, &mut place, &tell, &mut |_| true)?;
    Ok(differences
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner))
}

/// What tags are called among the differences.
const TAG: &str = "tag";

/// The tags and facts of a file that names and rules gave, with what fired them.
fn given(own: &Clip) -> BTreeMap<(&'static str, String), String> {
    let mut given = BTreeMap::new();
    for tagged in own.tags.iter().flat_map(|tags| tags.value.iter()) {
        if let TagOrigin::Rule { rule, evidence, .. } = &tagged.origin {
            given.insert((TAG, tagged.tag.clone()), format!("{rule}: {evidence}"));
        }
    }
    for field in FIELDS.iter().filter(|field| field.name != "tags") {
        let source = (field.source)(own).filter(|source| source.is_from_names());
        if let (Some(source), Some(text)) = (source, (field.text)(own)) {
            given.insert((field.name, text), source.to_string());
        }
    }
    given
}

/// A file, and which rules fire on it now.
#[derive(Debug)]
pub struct Explained {
    /// Below its volume.
    pub inside: PathBuf,
    /// What its volume is called.
    pub volume: String,
    /// In the order in which they were tried; those that others exclude, too.
    pub fired: Vec<RuleMatch>,
    /// Facts that its names give, as field and text.
    pub named: Vec<(&'static str, String)>,
}

/// Which rules fire on the files of a clip.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn explain(catalogue: &Catalogue, rules: &Rules, clip: i64) -> Result<Vec<Explained>, Error> {
    let mut explained = Vec::new();
    for (folder, kept) in catalogue.rule_files(clip)? {
        let housed = catalogue.rule_folder(folder, rules.use_neighbours())?;
        let place = rules.folder_context(&housed.inside, &housed.volume, &housed.names);
        let (known, _) = without_rules(&kept);
        let (named, fired) = rules.explain(&place, &kept.inside, &known);
        let facts = FIELDS
            .iter()
            .filter_map(|field| Some((field.name, (field.text)(&named)?)));
        explained.push(Explained {
            fired,
            named: facts.collect(),
            inside: kept.inside,
            volume: housed.volume,
        });
    }
    Ok(explained)
}
