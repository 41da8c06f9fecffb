//! `btsindex tags`: which tags there are, what gives them, and what they are called.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

use btsindex::catalogue::Catalogue;
use btsindex::clip::facet;
use btsindex::error::{Error, escape};
use btsindex::index::Finder;
use btsindex::output::{
    Counting, Look, branches, counted, difference, difference_json, explained, explained_json,
    json_line, tag_tree, tag_tree_json,
};
use btsindex::query::Query;
use btsindex::scan::{acquire_scan_lock, compare, explain, retag};
use btsindex::tag::{RULES, Rules, UserRules, VOCABULARY, Vocabulary, read_toml};
use btsindex::value::parse_tag;
use serde_json::json;

use super::interrupt::Interrupt;
use super::{Exit, ask, said, search, stdout};
use crate::cli::{self, TagsCommand};

/// Files of a person's own in the catalogue's folder.
const OWN_RULES: &str = "rules.toml";
const OWN_VOCABULARY: &str = "vocabulary.toml";

pub(crate) fn run(args: &cli::TagsArgs, folder: &Path) -> anyhow::Result<Exit> {
    match &args.command {
        None => list(args, folder),
        Some(TagsCommand::Explain { clip, json }) => why(clip, *json, folder),
        Some(TagsCommand::Test {
            rules,
            words,
            vocabulary,
            json,
        }) => test(rules, words, vocabulary.as_deref(), *json, folder),
        Some(TagsCommand::Apply { json }) => apply(*json, folder),
        Some(TagsCommand::Rename { from, to, yes, by }) => {
            let from = std::slice::from_ref(from);
            rename(from, to, *yes, by, folder)
        }
        Some(TagsCommand::Merge {
            from,
            into,
            yes,
            by,
        }) => rename(from, into, *yes, by, folder),
        Some(TagsCommand::Rules { own }) => print(*own, folder, RULES, |own| own.rules),
        Some(TagsCommand::Vocabulary { own }) => {
            print(*own, folder, VOCABULARY, |own| own.vocabulary)
        }
    }
}

/// The rules that are in force.
fn in_force(catalogue: &Catalogue) -> Result<Rules, Error> {
    Rules::new(&catalogue.own_rules()?)
}

fn list(args: &cli::TagsArgs, folder: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(folder)?;
    let vocabulary = catalogue.vocabulary()?;
    let mut finder = Finder::open(&catalogue, &mut said)?;
    let tags = facet("tags").ok().into_iter().collect::<Vec<_>>();
    let tallies = finder.tally(&Query::default(), &tags, false, &mut said)?;
    let rows = tallies.facets.into_iter().flat_map(|tally| tally.rows);
    let used: Vec<String> = rows.map(|(tag, _)| tag).collect();
    let mut tree = branches(&vocabulary, &used);
    for branch in &mut tree {
        branch.clips = finder.count_tagged(&branch.tags, &mut said)?;
    }
    tree.retain(|branch| args.all || branch.clips > 0);
    if tree.is_empty() {
        writeln!(
            io::stderr(),
            "no clip has a tag; `btsindex tags --all` lists those there are"
        )?;
        return Ok(Exit::NothingFound);
    }
    let mut out = stdout();
    if args.json {
        tag_tree_json(&tree, &mut out)?;
    } else {
        tag_tree(&tree, &mut out)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn why(clip: &Path, json: bool, folder: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(folder)?;
    let clip = catalogue.find_number(clip)?;
    let files = explain(&catalogue, &in_force(&catalogue)?, clip)?;
    let edits = match catalogue.content_of(clip) {
        Ok(content) => catalogue.edits(content)?,
        Err(Error::NoContent { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let mut out = stdout();
    if json {
        writeln!(out, "{}", json_line(&explained_json(&files, &edits)))?;
    } else {
        explained(&files, &edits, &mut out)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn test(
    rules: &Path,
    words: &[String],
    vocabulary: Option<&Path>,
    json: bool,
    folder: &Path,
) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(folder)?;
    let mut own = catalogue.own_rules()?;
    own.rules = Some(read_toml(rules)?);
    if let Some(vocabulary) = vocabulary {
        own.vocabulary = Some(read_toml(vocabulary)?);
    }
    let rules = Rules::new(&own).map_err(|error| named(error, rules, vocabulary))?;
    let clips = if words.is_empty() {
        None
    } else {
        let found: BTreeSet<i64> = search::find_all(words, &catalogue)?.into_iter().collect();
        if found.is_empty() {
            return Ok(Exit::NothingFound);
        }
        Some(found)
    };
    let differences = compare(&catalogue, &rules, clips.as_ref())?;
    let mut out = stdout();
    if json {
        difference_json(&differences, &mut out)?;
    } else {
        difference(&differences, &mut out)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// A complaint by the name of the file that was given.
fn named(error: Error, rules: &Path, vocabulary: Option<&Path>) -> Error {
    match error {
        Error::Written {
            file,
            line,
            message,
            hint,
        } => {
            let given = match file.as_str() {
                OWN_RULES => Some(rules),
                OWN_VOCABULARY => vocabulary,
                _ => None,
            };
            Error::Written {
                file: given.map_or(file, |path| path.to_string_lossy().into_owned()),
                line,
                message,
                hint,
            }
        }
        error => error,
    }
}

/// A file of a person's own, if it is there.
fn own_file(folder: &Path, name: &str) -> Result<Option<String>, Error> {
    let path = folder.join(name);
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        _ => read_toml(&path).map(Some),
    }
}

fn apply(json: bool, folder: &Path) -> anyhow::Result<Exit> {
    let begun = Instant::now();
    let catalogue = Catalogue::open(folder)?;
    let mut own = catalogue.own_rules()?;
    for (name, part) in [
        (OWN_RULES, &mut own.rules),
        (OWN_VOCABULARY, &mut own.vocabulary),
    ] {
        match own_file(folder, name)? {
            Some(text) => *part = Some(text).filter(|text| !text.trim().is_empty()),
            None if part.is_some() => writeln!(
                io::stderr(),
                "{name} is not there; what is in force of it stays"
            )?,
            None => {}
        }
    }
    let rules = Rules::new(&own).map_err(|error| {
        let (rules, vocabulary) = (folder.join(OWN_RULES), folder.join(OWN_VOCABULARY));
        named(error, &rules, Some(&vocabulary))
    })?;
    let (clips, is_whole) = tag_all(&catalogue, folder, &rules, Some(&own))?;
    let seconds = begun.elapsed().as_secs_f64();
    let mut out = stdout();
    if json {
        let seconds = (seconds * 1000.0).round() / 1000.0;
        writeln!(
            out,
            "{}",
            json_line(&json!({ "changed": clips, "seconds": seconds }))
        )?;
    } else {
        writeln!(out, "{} changed in {seconds:.1} s", counted(clips, "clip"))?;
    }
    out.flush()?;
    Ok(if is_whole {
        Exit::Done
    } else {
        Exit::Interrupted
    })
}

/// Tags every clip by some rules, while nobody scans; gives how many changed, and whether all
/// were looked at.
fn tag_all(
    catalogue: &Catalogue,
    folder: &Path,
    rules: &Rules,
    own: Option<&UserRules>,
) -> anyhow::Result<(usize, bool)> {
    let interrupt = Interrupt::new()?;
    let is_cancelled = || interrupt.is_asked();
    let mut waiting = |holder: &str| {
        // Nobody may be listening; the command goes on all the same.
        let _ = writeln!(io::stderr(), "waiting for {holder}");
    };
    let Some(_alone) = acquire_scan_lock(folder, "tags", &is_cancelled, &mut waiting)? else {
        return Ok((0, false));
    };
    if let Some(own) = own {
        catalogue.activate_rules(own)?;
    }
    let look = if io::stderr().is_terminal() {
        Look::Bar
    } else {
        Look::Lines
    };
    let mut talk = io::stderr();
    let mut counting = Counting::new("tagging", look, &mut talk);
    let total = catalogue.count()?;
    let clips = retag(catalogue, rules, &catalogue.folders()?, &mut |done| {
        counting.at(done, total.max(done));
        !interrupt.is_asked()
    });
    counting.end();
    let clips = clips?;
    if interrupt.is_asked() {
        writeln!(
            io::stderr(),
            "interrupted: `btsindex tags apply` tags the other clips"
        )?;
        return Ok((clips, false));
    }
    // The index follows now, so that no search has to wait for it. Where it does not come to that, the next search
    // brings it up to date.
    interrupt.at_once(|| -> anyhow::Result<()> {
        Finder::open(catalogue, &mut said)?.tidy(&mut said);
        Ok(())
    })?;
    Ok((clips, true))
}

fn rename(
    from: &[String],
    to: &str,
    yes: bool,
    by: &cli::AuthorArgs,
    folder: &Path,
) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(folder)?;
    let from: Vec<String> = from
        .iter()
        .map(|tag| parse_tag(tag))
        .collect::<Result<_, _>>()?;
    let to = parse_tag(to)?;
    let vocabulary = catalogue.vocabulary()?;
    // A former name means what it is called now.
    let from: Vec<String> = from
        .iter()
        .map(|tag| vocabulary.current_name(tag))
        .collect();
    let from: Vec<String> = from.into_iter().filter(|tag| *tag != to).collect();
    refuse_name(&from, &to, &vocabulary)?;
    let mut finder = Finder::open(&catalogue, &mut said)?;
    let count = finder.count_tagged(&from, &mut said)?;
    let others = finder.count_tagged(std::slice::from_ref(&to), &mut said)?;
    for tag in &from {
        refuse_unknown(tag, &vocabulary, &mut finder)?;
    }
    drop(finder);
    if !yes && count > 0 {
        let clips = counted(count, "clip");
        let also = if others > 0 && !from.contains(&to) {
            format!(", which {} already", has(others))
        } else {
            String::new()
        };
        let question = format!("call {} `{}` on {clips}{also}?", quoted(&from), escape(&to));
        if !ask::confirm(&question)? {
            writeln!(io::stderr(), "nothing was changed")?;
            return Ok(Exit::NothingFound);
        }
    }
    let renamed = catalogue.rename_tags(&from, &to, &ask::author(by))?;
    let rules = in_force(&catalogue)?;
    let (by_rules, is_whole) = tag_all(&catalogue, folder, &rules, None)?;
    let mut out = stdout();
    writeln!(
        out,
        "{} is called `{}` now: people's words on {}, what rules gave on {}",
        quoted(&from),
        escape(&to),
        counted(renamed, "clip"),
        counted(by_rules, "clip")
    )?;
    if let [one] = from.as_slice() {
        let (one, to) = (escape(one), escape(&to));
        writeln!(
            io::stderr(),
            "to take it back: `btsindex tags rename {to} {one}`"
        )?;
    }
    out.flush()?;
    Ok(if is_whole {
        Exit::Done
    } else {
        Exit::Interrupted
    })
}

fn has(count: usize) -> String {
    let verb = if count == 1 { "has" } else { "have" };
    format!("{} {verb}", counted(count, "clip"))
}

fn quoted(tags: &[String]) -> String {
    let quoted: Vec<String> = tags
        .iter()
        .map(|tag| format!("`{}`", escape(tag)))
        .collect();
    quoted.join(", ")
}

/// A name that cannot be given: what it is, and what would be right.
fn refuse_name(from: &[String], to: &str, vocabulary: &Vocabulary) -> Result<(), Error> {
    let refuse = |message: String, hint: String| Err(Error::Query { message, hint });
    if from.is_empty() {
        let message = format!("it is called `{}` already", escape(to));
        return refuse(message, "`btsindex tags` lists what there is".to_owned());
    }
    let is_above = |tag: &&String| to.starts_with(&format!("{tag}/"));
    if let Some(above) = from.iter().find(is_above) {
        let message = format!("`{to}` stands below `{above}`, which it is to replace");
        return refuse(message, "choose a name that does not begin so".to_owned());
    }
    if vocabulary.is_group(to) {
        let message = format!("`{to}` is a group of tags");
        return refuse(message, format!("choose another name, such as `{to}-1`"));
    }
    let called = vocabulary.current_name(to);
    if called != to && !from.contains(&called) {
        let message =
            format!("`{to}` is what `{called}` was called, and rules still mean that by it");
        let hint = format!(
            "choose another name, or give that one back: `btsindex tags rename {called} {to}`"
        );
        return refuse(message, hint);
    }
    Ok(())
}

/// A tag that no clip has and no vocabulary knows is misspelt.
fn refuse_unknown(
    tag: &str,
    vocabulary: &Vocabulary,
    finder: &mut Finder<'_>,
) -> anyhow::Result<()> {
    let is_known = vocabulary.tags().iter().any(|entry| {
        entry.id == tag
            || vocabulary.current_name(&entry.id) == tag
            || entry.id.starts_with(&format!("{tag}/"))
    });
    if is_known || finder.count_tagged(&[tag.to_owned()], &mut said)? > 0 {
        return Ok(());
    }
    let hint = match vocabulary.nearest(tag) {
        Some(close) => format!("did you mean `{close}`? `btsindex tags` lists them"),
        None => "`btsindex tags` lists those that clips have".to_owned(),
    };
    Err(Error::Query {
        message: format!("no clip has the tag `{}`", escape(tag)),
        hint,
    }
    .into())
}

fn print(
    own: bool,
    folder: &Path,
    built_in: &str,
    part: fn(UserRules) -> Option<String>,
) -> anyhow::Result<Exit> {
    let mut out = stdout();
    if own {
        let Some(text) = part(Catalogue::open(folder)?.own_rules()?) else {
            writeln!(io::stderr(), "you have none of your own in force")?;
            return Ok(Exit::NothingFound);
        };
        out.write_all(text.as_bytes())?;
    } else {
        out.write_all(built_in.as_bytes())?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
