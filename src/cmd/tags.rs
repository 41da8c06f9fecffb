//! `btsindex tags`: lists tags, explains them, renames them, and applies custom rules.

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
    ClipProgress, OutputFormat, ProgressFormat, RowListing, difference_listing, explanation_json,
    list_tag_branches, tag_listing, write_explanation,
};
use btsindex::query::Query;
use btsindex::scan::{acquire_scan_lock, compare, explain, retag};
use btsindex::tag::{RULES, Rules, UserRules, VOCABULARY, Vocabulary, read_toml};
use btsindex::value::{counted, parse_tag};
use serde_json::json;

use super::confirm::confirm;
use super::interrupt::Interrupt;
use super::stdio::{print, print_index_notice, stdout};
use super::{author, search};
use crate::cli::{self, Exit, TagsCommand};

/// Custom files in the catalogue's folder.
const CUSTOM_RULES: &str = "rules.toml";
const CUSTOM_VOCABULARY: &str = "vocabulary.toml";

pub(crate) fn run(args: &cli::TagsArgs, folder: &Path) -> anyhow::Result<Exit> {
    match &args.command {
        None => list(args, folder),
        Some(TagsCommand::Explain { clip, format }) => explain_clip(clip, format.get(), folder),
        Some(TagsCommand::Test {
            rules,
            words,
            vocabulary,
            format,
        }) => test_rules(rules, words, vocabulary.as_deref(), format.get(), folder),
        Some(TagsCommand::Apply { format }) => apply(format.get(), folder),
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
        Some(TagsCommand::Rules { own: false }) => print_text(RULES),
        Some(TagsCommand::Rules { own: true }) => {
            let rules = Catalogue::open(folder)?.user_rules()?.rules;
            print_custom(rules, "no custom rules are active")
        }
        Some(TagsCommand::Vocabulary { own: false }) => print_text(VOCABULARY),
        Some(TagsCommand::Vocabulary { own: true }) => {
            let vocabulary = Catalogue::open(folder)?.user_rules()?.vocabulary;
            print_custom(vocabulary, "no custom vocabulary is active")
        }
    }
}

/// Returns the active rules.
fn active_rules(catalogue: &Catalogue) -> Result<Rules, Error> {
    Rules::new(&catalogue.user_rules()?)
}

fn list(args: &cli::TagsArgs, folder: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(folder)?;
    let vocabulary = catalogue.vocabulary()?;
    let mut finder = Finder::open(&catalogue, &mut print_index_notice)?;
    let tags = facet("tags").ok().into_iter().collect::<Vec<_>>();
    let tallies = finder.tally(&Query::default(), &tags, false, &mut print_index_notice)?;
    let rows = tallies.facets.into_iter().flat_map(|tally| tally.rows);
    let used: Vec<String> = rows.map(|(tag, _)| tag).collect();
    let mut tree = list_tag_branches(&vocabulary, &used);
    for branch in &mut tree {
        branch.clips = finder.count_tagged(&branch.tags, &mut print_index_notice)?;
    }
    tree.retain(|branch| args.all || branch.clips > 0);
    if tree.is_empty() {
        writeln!(
            io::stderr(),
            "no tags yet\nhint: `btsindex tags --all` lists the vocabulary"
        )?;
        return Ok(Exit::Negative);
    }
    print(tag_listing(&tree), args.format.get(), &mut stdout())?;
    Ok(Exit::Done)
}

fn explain_clip(clip: &Path, format: OutputFormat, folder: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(folder)?;
    let clip = catalogue.find_number(clip)?;
    let files = explain(&catalogue, &active_rules(&catalogue)?, clip)?;
    let edits = match catalogue.content_of(clip) {
        Ok(content) => catalogue.edits(content)?,
        Err(Error::NoContent { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let listing = RowListing::of_object(
        (files, edits),
        |(files, edits)| explanation_json(files, edits),
        |(files, edits), out| write_explanation(files, edits, out),
    );
    print(listing, format, &mut stdout())?;
    Ok(Exit::Done)
}

fn test_rules(
    rules: &Path,
    words: &[String],
    vocabulary: Option<&Path>,
    format: OutputFormat,
    folder: &Path,
) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(folder)?;
    let mut own = catalogue.user_rules()?;
    own.rules = Some(read_toml(rules)?);
    if let Some(vocabulary) = vocabulary {
        own.vocabulary = Some(read_toml(vocabulary)?);
    }
    let rules = Rules::new(&own).map_err(|error| with_path(error, rules, vocabulary))?;
    let clips = if words.is_empty() {
        None
    } else {
        let found: BTreeSet<i64> = search::find_all(words, &catalogue)?.into_iter().collect();
        if found.is_empty() {
            return Ok(Exit::Negative);
        }
        Some(found)
    };
    let differences = compare(&catalogue, &rules, clips.as_ref())?;
    print(difference_listing(&differences), format, &mut stdout())?;
    Ok(Exit::Done)
}

/// Replaces the name of a custom file in an error by the path that was given.
fn with_path(error: Error, rules: &Path, vocabulary: Option<&Path>) -> Error {
    match error {
        Error::InvalidFile {
            file,
            line,
            message,
            hint,
        } => {
            let given = match file.as_str() {
                CUSTOM_RULES => Some(rules),
                CUSTOM_VOCABULARY => vocabulary,
                _ => None,
            };
            Error::InvalidFile {
                file: given.map_or(file, |path| path.to_string_lossy().into_owned()),
                line,
                message,
                hint,
            }
        }
        error => error,
    }
}

/// Reads a custom file; `None` if it does not exist.
fn read_custom_file(folder: &Path, name: &str) -> Result<Option<String>, Error> {
    let path = folder.join(name);
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        _ => read_toml(&path).map(Some),
    }
}

fn apply(format: OutputFormat, folder: &Path) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let catalogue = Catalogue::open(folder)?;
    let mut own = catalogue.user_rules()?;
    for (name, part) in [
        (CUSTOM_RULES, &mut own.rules),
        (CUSTOM_VOCABULARY, &mut own.vocabulary),
    ] {
        match read_custom_file(folder, name)? {
            Some(text) => *part = Some(text).filter(|text| !text.trim().is_empty()),
            None if part.is_some() => {
                writeln!(io::stderr(), "{name} not found; keeping the active version")?;
            }
            None => {}
        }
    }
    let rules = Rules::new(&own).map_err(|error| {
        let (rules, vocabulary) = (folder.join(CUSTOM_RULES), folder.join(CUSTOM_VOCABULARY));
        with_path(error, &rules, Some(&vocabulary))
    })?;
    let (clips, is_complete) = tag_all(&catalogue, folder, &rules, Some(&own))?;
    let seconds = started.elapsed().as_secs_f64();
    let listing = RowListing::of_object(
        (clips, seconds),
        |(clips, seconds)| {
            let seconds = (seconds * 1000.0).round() / 1000.0;
            json!({ "changed": clips, "seconds": seconds })
        },
        |(clips, seconds), out| {
            writeln!(out, "{} changed in {seconds:.1} s", counted(*clips, "clip"))
        },
    );
    print(listing, format, &mut stdout())?;
    Ok(if is_complete {
        Exit::Done
    } else {
        Exit::Interrupted
    })
}

/// Tags all clips by the given rules, while no scan is running. Returns the number of clips that
/// changed, and false if it was interrupted. `own`: custom rules and vocabulary to activate first.
fn tag_all(
    catalogue: &Catalogue,
    folder: &Path,
    rules: &Rules,
    own: Option<&UserRules>,
) -> anyhow::Result<(usize, bool)> {
    let interrupt = Interrupt::new()?;
    let is_cancelled = || interrupt.is_requested();
    let mut on_wait = |holder: &str| {
        // Standard error may be closed; the command continues.
        let _ = writeln!(io::stderr(), "waiting for {holder}");
    };
    let Some(_lock) = acquire_scan_lock(folder, "tags", &is_cancelled, &mut on_wait)? else {
        return Ok((0, false));
    };
    if let Some(own) = own {
        catalogue.activate_rules(own)?;
    }
    let format = if io::stderr().is_terminal() {
        ProgressFormat::Bar
    } else {
        ProgressFormat::Lines
    };
    let mut stderr = io::stderr();
    let mut counter = ClipProgress::new("tagging", format, &mut stderr);
    let total = catalogue.count()?;
    let clips = retag(catalogue, rules, &catalogue.folders()?, &mut |done| {
        counter.set(done, total.max(done));
        !interrupt.is_requested()
    });
    counter.finish();
    let clips = clips?;
    if interrupt.is_requested() {
        writeln!(
            io::stderr(),
            "interrupted; run `btsindex tags apply` to resume"
        )?;
        return Ok((clips, false));
    }
    // Updates the index now, so that no search has to wait for it. If this is interrupted, the next
    // search updates it.
    interrupt.run_interruptible(|| -> anyhow::Result<()> {
        Finder::open(catalogue, &mut print_index_notice)?.tidy(&mut print_index_notice);
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
    // Former names of tags resolve to the current ones.
    let from: Vec<String> = from
        .iter()
        .map(|tag| vocabulary.current_name(tag))
        .collect();
    let from: Vec<String> = from.into_iter().filter(|tag| *tag != to).collect();
    refuse_name(&from, &to, &vocabulary)?;
    let mut finder = Finder::open(&catalogue, &mut print_index_notice)?;
    let count = finder.count_tagged(&from, &mut print_index_notice)?;
    let existing = finder.count_tagged(std::slice::from_ref(&to), &mut print_index_notice)?;
    for tag in &from {
        refuse_unknown(tag, &vocabulary, &mut finder)?;
    }
    drop(finder);
    if !yes && count > 0 {
        let clips = counted(count, "clip");
        let noun = if from.len() == 1 { "tag" } else { "tags" };
        let (old, new) = (quoted(&from), escape(&to));
        let merged = if existing > 0 && !from.contains(&to) {
            let others = counted(existing, "clip");
            format!(" and merge it with `{new}` on {others}")
        } else {
            String::new()
        };
        let action = format!("rename {noun} {old} to `{new}` on {clips}{merged}");
        if !confirm(&action)? {
            writeln!(io::stderr(), "nothing changed")?;
            return Ok(Exit::Negative);
        }
    }
    let renamed = catalogue.rename_tags(&from, &to, &author::from_args(by))?;
    let rules = active_rules(&catalogue)?;
    let (by_rules, is_complete) = tag_all(&catalogue, folder, &rules, None)?;
    let mut out = stdout();
    writeln!(
        out,
        "renamed {} to `{}`: {} tagged by people, {} by rules",
        quoted(&from),
        escape(&to),
        counted(renamed, "clip"),
        counted(by_rules, "clip")
    )?;
    if let [one] = from.as_slice() {
        let (one, to) = (escape(one), escape(&to));
        writeln!(io::stderr(), "to revert: `btsindex tags rename {to} {one}`")?;
    }
    out.flush()?;
    Ok(if is_complete {
        Exit::Done
    } else {
        Exit::Interrupted
    })
}

fn quoted(tags: &[String]) -> String {
    let quoted: Vec<String> = tags
        .iter()
        .map(|tag| format!("`{}`", escape(tag)))
        .collect();
    quoted.join(", ")
}

/// Checks that `from` can be renamed to `to`: not the same tag, a subtag of it, a group, or the
/// former name of another tag.
fn refuse_name(from: &[String], to: &str, vocabulary: &Vocabulary) -> Result<(), Error> {
    let refuse = |message: String, hint: String| Err(Error::Query { message, hint });
    if from.is_empty() {
        let message = format!("the tag is already called `{}`", escape(to));
        return refuse(message, "`btsindex tags` lists all tags".to_owned());
    }
    let is_above = |tag: &&String| to.starts_with(&format!("{tag}/"));
    if let Some(above) = from.iter().find(is_above) {
        let message = format!("`{to}` is a subtag of `{above}`, which it would replace");
        return refuse(
            message,
            format!("choose a name that does not start with `{above}/`"),
        );
    }
    if vocabulary.is_group(to) {
        let message = format!("`{to}` is a group of tags");
        return refuse(message, format!("choose another name, such as `{to}-1`"));
    }
    let called = vocabulary.current_name(to);
    if called != to && !from.contains(&called) {
        let message = format!("`{to}` is the former name of `{called}`, and rules still use it");
        let hint = format!(
            "choose another name, or rename `{called}` back: `btsindex tags rename {called} {to}`"
        );
        return refuse(message, hint);
    }
    Ok(())
}

/// Returns an error for a tag that no clip has and that is not in the vocabulary: it is probably
/// misspelt.
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
    if is_known || finder.count_tagged(&[tag.to_owned()], &mut print_index_notice)? > 0 {
        return Ok(());
    }
    let hint = match vocabulary.nearest(tag) {
        Some(close) => format!("did you mean `{close}`? `btsindex tags` lists all tags"),
        None => "`btsindex tags` lists all tags".to_owned(),
    };
    Err(Error::Query {
        message: format!("no clip has the tag `{}`", escape(tag)),
        hint,
    }
    .into())
}

fn print_text(text: &str) -> anyhow::Result<Exit> {
    let mut out = stdout();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(Exit::Done)
}

/// Prints custom rules or vocabulary, or `missing` if there are none.
fn print_custom(text: Option<String>, missing: &str) -> anyhow::Result<Exit> {
    let Some(text) = text else {
        writeln!(io::stderr(), "{missing}")?;
        return Ok(Exit::Negative);
    };
    print_text(&text)
}
