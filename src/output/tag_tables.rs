//! Tags and what gives them: the tree with counts, why a clip has its tags, and what other rules
//! would change.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde_json::{Value, json};

use super::{counted, grouped, json_line};
use crate::clip::{Edit, decided_tags};
use crate::error::escape;
use crate::scan::{Affected, Difference, TagExplanation};
use crate::tag::Vocabulary;

/// A tag with how many clips have it, or one below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its id; of a group, its name.
    pub id: String,
    /// What it means; empty where nobody says.
    pub help: String,
    /// How far it is indented.
    pub depth: usize,
    /// The ids that count for it.
    pub tags: Vec<String>,
    /// Clips.
    pub clips: usize,
}

/// What stands for tags that are in no vocabulary.
const OTHERS: &str = "others";

/// The tree of the vocabulary and of the tags that clips have; not counted yet.
#[must_use]
pub fn branches(vocabulary: &Vocabulary, used: &[String]) -> Vec<Branch> {
    let called = |id: &String| vocabulary.current_name(id);
    let known: Vec<String> = vocabulary
        .tags()
        .iter()
        .map(|entry| called(&entry.id))
        .collect();
    let mut strange: BTreeSet<String> = BTreeSet::new();
    for tag in used {
        let above = tag.match_indices('/').map(|(at, _)| tag[..at].to_owned());
        strange.extend(
            above
                .chain([tag.clone()])
                .filter(|tag| !known.contains(tag)),
        );
    }
    let branch = |id: String, help: &str, tags: Vec<String>, depth| Branch {
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
        let tags = roots.map(|entry| called(&entry.id)).collect();
        all.push(branch(group.id.clone(), &group.help, tags, 0));
        for entry in of_group() {
            let id = called(&entry.id);
            let depth = id.matches('/').count() + 1;
            all.push(branch(id.clone(), &entry.help, vec![id.clone()], depth));
            let is_below = |tag: &&String| tag.starts_with(&format!("{id}/"));
            let below: Vec<String> = strange.iter().filter(is_below).cloned().collect();
            for tag in below {
                strange.remove(&tag);
                let depth = tag.matches('/').count() + 1;
                all.push(branch(tag.clone(), "", vec![tag.clone()], depth));
            }
        }
    }
    // Two tags that were made one are told once.
    let mut told = BTreeSet::new();
    all.retain(|branch: &Branch| told.insert((branch.depth, branch.id.clone())));
    if !strange.is_empty() {
        let roots = strange.iter().filter(|tag| !tag.contains('/'));
        let help = "in no vocabulary";
        all.push(branch(OTHERS.to_owned(), help, roots.cloned().collect(), 0));
        for tag in strange {
            let depth = tag.matches('/').count() + 1;
            all.push(branch(tag.clone(), "", vec![tag], depth));
        }
    }
    all
}

/// Writes the tree.
///
/// # Errors
/// When `out` cannot be written to.
pub fn tag_tree(branches: &[Branch], out: &mut dyn Write) -> io::Result<()> {
    let name = |branch: &Branch| {
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

/// Writes the tree, an object a line.
///
/// # Errors
/// When `out` cannot be written to.
pub fn tag_tree_json(branches: &[Branch], out: &mut dyn Write) -> io::Result<()> {
    for branch in branches {
        let kind = if branch.depth == 0 { "group" } else { "tag" };
        let help = (!branch.help.is_empty()).then_some(&branch.help);
        let line = json!({ kind: branch.id, "clips": branch.clips, "help": help });
        writeln!(out, "{}", json_line(&line))?;
    }
    Ok(())
}

/// Writes why a clip has its tags, file by file, and what people decided.
///
/// # Errors
/// When `out` cannot be written to.
pub fn explained(files: &[TagExplanation], edits: &[Edit], out: &mut dyn Write) -> io::Result<()> {
    for file in files {
        let path = escape(&file.inside.to_string_lossy());
        writeln!(out, "{path} on {}", escape(&file.volume))?;
        if file.fired.is_empty() && file.named.is_empty() {
            writeln!(out, "  no rule fires")?;
        }
        for fired in &file.fired {
            let facts = fired
                .facts
                .iter()
                .map(|(field, value)| format!("{field} {value}"));
            let gives: Vec<String> = fired.tags.iter().cloned().chain(facts).collect();
            let why = format!("rule {}, for \"{}\"", fired.rule, fired.evidence);
            let gives = escape(&gives.join(", "));
            match &fired.excluded_by {
                None => writeln!(
                    out,
                    "  {gives:28} {:3} %  {}",
                    fired.confidence,
                    escape(&why)
                )?,
                Some(by) => writeln!(
                    out,
                    "  {gives:28}   -    {}; rule {by} excludes it",
                    escape(&why)
                )?,
            }
        }
        for (field, value) in &file.named {
            writeln!(
                out,
                "  {:28}        its name",
                escape(&format!("{field} {value}"))
            )?;
        }
    }
    let decided = decided_tags(edits);
    if !decided.is_empty() {
        writeln!(out, "people")?;
    }
    for (tag, (is_there, edit)) in decided {
        let what = if is_there { "added" } else { "removed" };
        let by = escape(&edit.content.author);
        writeln!(out, "  {:28} {what} by {by}, {}", escape(&tag), edit.at())?;
    }
    Ok(())
}

/// The same as one object.
#[must_use]
pub fn explained_json(files: &[TagExplanation], edits: &[Edit]) -> Value {
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
        json!({ "tag": tag, "added": is_there, "person": edit.content.author, "at": edit.at() })
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

/// Writes what would change, with how many clips and some of them.
///
/// # Errors
/// When `out` cannot be written to.
pub fn difference(
    differences: &BTreeMap<Difference, Affected>,
    out: &mut dyn Write,
) -> io::Result<()> {
    if differences.is_empty() {
        return writeln!(out, "nothing would change");
    }
    let mut clips: BTreeSet<i64> = BTreeSet::new();
    for (difference, affected) in differences {
        clips.extend(&affected.clips);
        let sign = if difference.is_gained { '+' } else { '-' };
        let what = match difference.field {
            "tag" => difference.value.clone(),
            field => format!("{field} {}", difference.value),
        };
        let count = counted(affected.clips.len(), "clip");
        writeln!(out, "{sign} {}  {count}", escape(&what))?;
        for (path, evidence) in &affected.examples {
            let path = escape(&path.to_string_lossy());
            writeln!(out, "    {path}  ({})", escape(evidence))?;
        }
    }
    let (gained, lost): (Vec<_>, Vec<_>) = differences
        .iter()
        .partition(|(difference, _)| difference.is_gained);
    let sum = |some: &[(&Difference, &Affected)]| {
        some.iter()
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

/// The same, an object a line.
///
/// # Errors
/// When `out` cannot be written to.
pub fn difference_json(
    differences: &BTreeMap<Difference, Affected>,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (difference, affected) in differences {
        let examples = affected
            .examples
            .iter()
            .map(|(path, evidence)| json!({ "path": path.to_string_lossy(), "why": evidence }));
        let line = json!({
            "change": if difference.is_gained { "gained" } else { "lost" },
            "field": difference.field, "value": difference.value,
            "clips": affected.clips.len(), "examples": examples.collect::<Vec<_>>(),
        });
        writeln!(out, "{}", json_line(&line))?;
    }
    Ok(())
}
