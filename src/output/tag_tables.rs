//! Output of `btsindex tags`: the tag tree with counts, the reasons for the tags of a clip, and the
//! effects of changed rules.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde_json::{Value, json};

use super::format::{RowColumn, RowListing};
use crate::clip::{Edit, decided_tags};
use crate::error::escape;
use crate::scan::{Affected, Difference, TagExplanation};
use crate::tag::Vocabulary;
use crate::value::{counted, grouped};

/// Tag or tag group, with the number of clips that have it or one of its subtags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagBranch {
    /// Id of the tag, or name of the group.
    pub id: String,
    /// Description; empty for tags outside the vocabulary.
    pub help: String,
    /// Indentation; 0 for a group.
    pub depth: usize,
    /// Ids of the tags to count.
    pub tags: Vec<String>,
    /// Number of clips; 0 until they are counted.
    pub clips: usize,
}

/// Group of the tags that are not in the vocabulary.
const OTHERS: &str = "others";

/// Returns the tree of all tags in the vocabulary or in use, in display order and without counts.
#[must_use]
pub fn list_tag_branches(vocabulary: &Vocabulary, used: &[String]) -> Vec<TagBranch> {
    let current_name = |id: &String| vocabulary.current_name(id);
    let known: Vec<String> = vocabulary
        .tags()
        .iter()
        .map(|entry| current_name(&entry.id))
        .collect();
    let mut unlisted: BTreeSet<String> = BTreeSet::new();
    for tag in used {
        let parents = tag.match_indices('/').map(|(at, _)| tag[..at].to_owned());
        unlisted.extend(
            parents
                .chain([tag.clone()])
                .filter(|tag| !known.contains(tag)),
        );
    }
    let branch = |id: String, help: &str, tags: Vec<String>, depth| TagBranch {
        id,
        help: help.to_owned(),
        depth,
        tags,
        clips: 0,
    };
    let mut all = Vec::new();
    for group in vocabulary.groups() {
        let of_group = || {
            vocabulary
                .tags()
                .iter()
                .filter(|entry| entry.group == group.id)
        };
        let roots = of_group().filter(|entry| !entry.id.contains('/'));
        let tags = roots.map(|entry| current_name(&entry.id)).collect();
        all.push(branch(group.id.clone(), &group.help, tags, 0));
        for entry in of_group() {
            let id = current_name(&entry.id);
            let depth = id.matches('/').count() + 1;
            all.push(branch(id.clone(), &entry.help, vec![id.clone()], depth));
            let is_below = |tag: &&String| tag.starts_with(&format!("{id}/"));
            let below: Vec<String> = unlisted.iter().filter(is_below).cloned().collect();
            for tag in below {
                unlisted.remove(&tag);
                let depth = tag.matches('/').count() + 1;
                all.push(branch(tag.clone(), "", vec![tag.clone()], depth));
            }
        }
    }
    // Merged tags have the same name and are listed once.
    let mut seen = BTreeSet::new();
    all.retain(|branch: &TagBranch| seen.insert((branch.depth, branch.id.clone())));
    if !unlisted.is_empty() {
        let roots = unlisted.iter().filter(|tag| !tag.contains('/'));
        let help = "not in the vocabulary";
        all.push(branch(OTHERS.to_owned(), help, roots.cloned().collect(), 0));
        for tag in unlisted {
            let depth = tag.matches('/').count() + 1;
            all.push(branch(tag.clone(), "", vec![tag], depth));
        }
    }
    all
}

/// Lists the tree; as text, it is indented.
#[must_use]
pub fn tag_listing(branches: &[TagBranch]) -> RowListing<'_, &TagBranch> {
    let columns = vec![
        RowColumn::optional("group", |branch: &&TagBranch| {
            (branch.depth == 0).then(|| json!(branch.id))
        }),
        RowColumn::optional("tag", |branch: &&TagBranch| {
            (branch.depth > 0).then(|| json!(branch.id))
        }),
        RowColumn::new("clips", |branch: &&TagBranch| json!(branch.clips)),
        RowColumn::new("help", |branch: &&TagBranch| {
            json!((!branch.help.is_empty()).then_some(&branch.help))
        }),
    ];
    RowListing::new(columns, branches.iter().map(Ok)).text(|_, out| write_tag_tree(branches, out))
}

/// Writes the tree as indented text.
fn write_tag_tree(branches: &[TagBranch], out: &mut dyn Write) -> io::Result<()> {
    let name = |branch: &TagBranch| {
        format!(
            "{:indent$}{}",
            "",
            escape(&branch.id),
            indent = branch.depth * 2
        )
    };
    let widest = branches
        .iter()
        .map(|branch| name(branch).chars().count())
        .max()
        .unwrap_or(0);
    for branch in branches {
        let line = format!(
            "{:widest$}  {:>9}  {}",
            name(branch),
            grouped(branch.clips),
            escape(&branch.help)
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Writes the rules that apply to each file of a clip, and the tags that users added or removed.
///
/// # Errors
/// Returns an error if `out` cannot be written.
pub fn write_explanation(
    files: &[TagExplanation],
    edits: &[Edit],
    out: &mut dyn Write,
) -> io::Result<()> {
    for file in files {
        let path = escape(&file.inside.to_string_lossy());
        writeln!(out, "{path} on {}", escape(&file.volume))?;
        if file.fired.is_empty() && file.named.is_empty() {
            writeln!(out, "  no rule applies")?;
        }
        for fired in &file.fired {
            let facts = fired
                .facts
                .iter()
                .map(|(field, value)| format!("{field} {value}"));
            let gives: Vec<String> = fired.tags.iter().cloned().chain(facts).collect();
            let reason = format!("rule {}, matched \"{}\"", fired.rule, fired.evidence);
            let gives = escape(&gives.join(", "));
            match &fired.excluded_by {
                None => writeln!(
                    out,
                    "  {gives:28} {:3}%  {}",
                    fired.confidence,
                    escape(&reason)
                )?,
                Some(by) => writeln!(
                    out,
                    "  {gives:28}   -   {}; excluded by rule {by}",
                    escape(&reason)
                )?,
            }
        }
        for (field, value) in &file.named {
            writeln!(
                out,
                "  {:28}       file name",
                escape(&format!("{field} {value}"))
            )?;
        }
    }
    let decided = decided_tags(edits);
    if !decided.is_empty() {
        writeln!(out, "people")?;
    }
    for (tag, (is_there, edit)) in decided {
        let verb = if is_there { "added" } else { "removed" };
        let by = escape(&edit.content.author);
        writeln!(
            out,
            "  {:28} {verb} by {by}, {}",
            escape(&tag),
            edit.time_text()
        )?;
    }
    Ok(())
}

/// Returns the content of [`write_explanation`] as one JSON object.
#[must_use]
pub fn explanation_json(files: &[TagExplanation], edits: &[Edit]) -> Value {
    let file = |file: &TagExplanation| {
        let fired = file.fired.iter().map(|fired| {
            json!({
                "rule": fired.rule, "evidence": fired.evidence, "confidence": fired.confidence,
                "tags": fired.tags, "facts": object(&fired.facts), "excluded_by": fired.excluded_by,
            })
        });
        json!({
            "path": file.inside.to_string_lossy(), "volume": file.volume,
            "fired": fired.collect::<Vec<_>>(), "names": object(&file.named),
        })
    };
    let decided = decided_tags(edits).into_iter().map(|(tag, (is_there, edit))| {
        json!({ "tag": tag, "added": is_there, "person": edit.content.author, "at": edit.time_text() })
    });
    json!({
        "files": files.iter().map(file).collect::<Vec<_>>(),
        "people": decided.collect::<Vec<_>>(),
    })
}

fn object(facts: &[(&'static str, String)]) -> Value {
    let facts = facts
        .iter()
        .map(|(field, value)| ((*field).to_owned(), Value::from(value.clone())));
    Value::Object(facts.collect())
}

/// Change that new rules would make, and its clips.
pub type TagChange<'a> = (&'a Difference, &'a Affected);

/// Lists the changes that new rules would make, each with its clip count and examples.
#[must_use]
pub fn difference_listing(
    differences: &BTreeMap<Difference, Affected>,
) -> RowListing<'_, TagChange<'_>> {
    let columns = vec![
        RowColumn::new("change", |(difference, _): &TagChange<'_>| {
            json!(if difference.is_gained {
                "gained"
            } else {
                "lost"
            })
        }),
        RowColumn::new("field", |(difference, _): &TagChange<'_>| {
            json!(difference.field)
        }),
        RowColumn::new("value", |(difference, _): &TagChange<'_>| {
            json!(difference.value)
        }),
        RowColumn::new("clips", |(_, affected): &TagChange<'_>| {
            json!(affected.clips.len())
        }),
        RowColumn::new("examples", |(_, affected): &TagChange<'_>| {
            let examples = affected.examples.iter();
            let examples = examples
                .map(|(path, evidence)| json!({ "path": path.to_string_lossy(), "why": evidence }));
            examples.collect()
        })
        .cell(|(_, affected): &TagChange<'_>| {
            let examples = affected.examples.iter();
            let paths = examples.map(|(path, _)| path.to_string_lossy().into_owned());
            paths.collect::<Vec<_>>().join("; ")
        }),
    ];
    RowListing::new(columns, differences.iter().map(Ok))
        .text(|_, out| write_differences(differences, out))
}

/// Writes the changes that new rules would make, each with its clip count and examples.
fn write_differences(
    differences: &BTreeMap<Difference, Affected>,
    out: &mut dyn Write,
) -> io::Result<()> {
    if differences.is_empty() {
        return writeln!(out, "no changes");
    }
    let mut clips: BTreeSet<i64> = BTreeSet::new();
    for (difference, affected) in differences {
        clips.extend(&affected.clips);
        let sign = if difference.is_gained { '+' } else { '-' };
        let label = match difference.field {
            "tag" => difference.value.clone(),
            field => format!("{field} {}", difference.value),
        };
        let count = counted(affected.clips.len(), "clip");
        writeln!(out, "{sign} {}  {count}", escape(&label))?;
        for (path, evidence) in &affected.examples {
            let path = escape(&path.to_string_lossy());
            writeln!(out, "    {path}  ({})", escape(evidence))?;
        }
    }
    let (gained, lost): (Vec<_>, Vec<_>) = differences
        .iter()
        .partition(|(difference, _)| difference.is_gained);
    let sum = |changes: &[(&Difference, &Affected)]| {
        changes
            .iter()
            .map(|(_, affected)| affected.clips.len())
            .sum::<usize>()
    };
    writeln!(
        out,
        "{} would change: {} gained, {} lost",
        counted(clips.len(), "clip"),
        grouped(sum(&gained)),
        grouped(sum(&lost))
    )
}
