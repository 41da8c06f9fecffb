//! Applies tag rules to files in the catalogue. A scan tags each file that it reads; all other
//! clips can be tagged again at any time, without their drives.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::scan_run::ScanRun;
use crate::catalogue::{Catalogue, RuleFile};
use crate::clip::{Clip, FIELDS};
use crate::error::Error;
use crate::tag::{FolderContext, RuleMatch, Rules};
use crate::value::TagOrigin;

/// Cache of the folder contexts that rules match against. Files of one folder are usually read in
/// sequence.
#[derive(Default)]
pub(super) struct FolderCache(Mutex<HashMap<i64, Arc<FolderContext>>>);

/// Maximum number of cached folders.
const CACHED_FOLDERS: usize = 64;

impl FolderCache {
    /// Returns the context of a folder, from the cache or the catalogue.
    pub(super) fn get(
        &self,
        catalogue: &Catalogue,
        rules: &Rules,
        folder: i64,
    ) -> Result<Arc<FolderContext>, Error> {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(context) = cached.get(&folder) {
            return Ok(context.clone());
        }
        if cached.len() >= CACHED_FOLDERS {
            cached.clear();
        }
        let context = Arc::new(folder_context(catalogue, rules, folder)?);
        cached.insert(folder, context.clone());
        Ok(context)
    }
}

/// Loads the context of a folder from the catalogue.
fn folder_context(
    catalogue: &Catalogue,
    rules: &Rules,
    folder: i64,
) -> Result<FolderContext, Error> {
    let details = catalogue.rule_folder(folder, rules.use_neighbours())?;
    Ok(rules.folder_context(&details.inside, &details.volume, &details.names))
}

/// Returns the facts of a file that do not come from names or rules. The first value contains all
/// of them, the second only those of the sidecars.
fn without_rules(file: &RuleFile) -> (Clip, Clip) {
    let mut own = file.own.clone();
    own.retain_sources(|source| !source.is_from_names());
    let mut known = file.content.clone();
    known.merge(&own);
    (known, own)
}

/// Returns the facts of a file from sidecars, names and the current rules.
fn apply_rules(rules: &Rules, context: &FolderContext, file: &RuleFile) -> Clip {
    let (known, mut own) = without_rules(file);
    own.merge(&rules.apply(context, &file.inside, &known));
    own
}

/// Applies the rules to all clips of the folders and updates the tags and facts that changed. Works
/// without the drives and leaves edits unchanged. Returns the number of clips that changed.
///
/// `on_progress` receives the number of files processed so far; if it returns false, the remaining
/// files are skipped.
///
/// # Errors
/// If the catalogue cannot be read or written.
pub fn retag(
    catalogue: &Catalogue,
    rules: &Rules,
    folders: &[i64],
    on_progress: &mut dyn FnMut(usize) -> bool,
) -> Result<usize, Error> {
    let mut context = |folder| folder_context(catalogue, rules, folder);
    let changed_facts = |context: &FolderContext, file: &RuleFile| {
        let facts = apply_rules(rules, context, file);
        (facts != file.own).then_some(facts)
    };
    let mut is_stopped = false;
    let changed = catalogue.retag_files(folders, &mut context, &changed_facts, &mut |files| {
        is_stopped = !on_progress(files);
        !is_stopped
    })?;
    if !is_stopped {
        catalogue.record_rules(folders)?;
    }
    Ok(changed)
}

/// Applies the rules again to folders in which files were added or removed. Does nothing unless a
/// rule depends on the names of other files in a clip's folder.
pub(super) fn retag_changed_folders(
    scan: &mut ScanRun<'_>,
    changed: &HashSet<i64>,
) -> Result<(), Error> {
    if !scan.rules.use_neighbours() || changed.is_empty() {
        return Ok(());
    }
    scan.writer.commit()?;
    let mut folders: Vec<i64> = changed.iter().copied().collect();
    folders.sort_unstable();
    retag(scan.writer.catalogue, scan.rules, &folders, &mut |_| {
        !scan.is_cancelled()
    })
    .map(drop)
}

/// Tag or fact that clips would gain or lose with other rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// Name of the field; `tag` for a tag.
    pub field: &'static str,
    /// Name of the tag, or value of the fact as text.
    pub value: String,
    /// True if the clips would gain it, false if they would lose it.
    pub is_gained: bool,
}

/// Clips that would gain or lose a tag or fact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affected {
    /// Ids of all affected clips.
    pub clips: BTreeSet<i64>,
    /// Some of the files, each as its path on the volume and the evidence of the rule.
    pub examples: Vec<(PathBuf, String)>,
}

/// Maximum number of examples per difference.
const MAX_EXAMPLES: usize = 3;

/// Returns the changes that `rules` would make, without applying them. Checks only `clips`, or all
/// clips if `None`. Tags that users added or removed never change, so they are left out.
///
/// # Errors
/// If the catalogue cannot be read.
pub fn compare(
    catalogue: &Catalogue,
    rules: &Rules,
    clips: Option<&BTreeSet<i64>>,
) -> Result<BTreeMap<Difference, Affected>, Error> {
    let decided = catalogue.decided_tags()?;
    let differences: Mutex<BTreeMap<Difference, Affected>> = Mutex::default();
    let folders = catalogue.folders()?;
    let mut context = |folder| folder_context(catalogue, rules, folder);
    let compare_file = |context: &FolderContext, file: &RuleFile| {
        if clips.is_none_or(|clips| clips.contains(&file.clip)) {
            let new = facts_from_names(&apply_rules(rules, context, file));
            let old = facts_from_names(&file.own);
            let mut differences = differences.lock().unwrap_or_else(PoisonError::into_inner);
            for (from, other, is_gained) in [(&new, &old, true), (&old, &new, false)] {
                for ((field, value), evidence) in from {
                    let key = (*field, value.clone());
                    let is_decided =
                        || *field == TAG && decided.contains(&(file.clip, value.clone()));
                    if other.contains_key(&key) || is_decided() {
                        continue;
                    }
                    let difference = Difference {
                        field,
                        value: value.clone(),
                        is_gained,
                    };
                    let affected = differences.entry(difference).or_default();
                    affected.clips.insert(file.clip);
                    if affected.examples.len() < MAX_EXAMPLES {
                        affected
                            .examples
                            .push((file.inside.clone(), evidence.clone()));
                    }
                }
            }
        }
        None
    };
    catalogue.retag_files(&folders, &mut context, &compare_file, &mut |_| true)?;
    Ok(differences
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner))
}

/// Field name of tags in differences.
const TAG: &str = "tag";

/// Returns the tags and facts of a file that come from names and rules, each with its evidence.
fn facts_from_names(own: &Clip) -> BTreeMap<(&'static str, String), String> {
    let mut facts = BTreeMap::new();
    for tagged in own.tags.iter().flat_map(|tags| tags.value.iter()) {
        if let TagOrigin::Rule { rule, evidence, .. } = &tagged.origin {
            facts.insert((TAG, tagged.tag.clone()), format!("{rule}: {evidence}"));
        }
    }
    for field in FIELDS.iter().filter(|field| field.name != "tags") {
        let source = (field.source)(own).filter(|source| source.is_from_names());
        if let (Some(source), Some(text)) = (source, (field.text)(own)) {
            facts.insert((field.name, text), source.to_string());
        }
    }
    facts
}

/// Rules that apply to a file, and facts from its name.
#[derive(Debug)]
pub struct TagExplanation {
    /// Path of the file on its volume.
    pub inside: PathBuf,
    /// Label of the volume.
    pub volume: String,
    /// Rules that match, in the order of evaluation, including those that another rule excludes.
    pub fired: Vec<RuleMatch>,
    /// Facts from the names of the file and its folders, as field and text.
    pub named: Vec<(&'static str, String)>,
}

/// Returns the rules that match each file of a clip.
///
/// # Errors
/// If the catalogue cannot be read.
pub fn explain(
    catalogue: &Catalogue,
    rules: &Rules,
    clip: i64,
) -> Result<Vec<TagExplanation>, Error> {
    let mut explanations = Vec::new();
    for (folder, file) in catalogue.rule_files(clip)? {
        let details = catalogue.rule_folder(folder, rules.use_neighbours())?;
        let context = rules.folder_context(&details.inside, &details.volume, &details.names);
        let (known, _) = without_rules(&file);
        let (named, fired) = rules.explain(&context, &file.inside, &known);
        let facts = FIELDS
            .iter()
            .filter_map(|field| Some((field.name, (field.text)(&named)?)));
        explanations.push(TagExplanation {
            fired,
            named: facts.collect(),
            inside: file.inside,
            volume: details.volume,
        });
    }
    Ok(explanations)
}
