//! `btsindex tag`, `note`, `stars`, `select`, `reject`, `mark`: commands that edit clips.

use std::io::{self, Write};
use std::path::Path;

use btsindex::catalogue::{Catalogue, Edited};
use btsindex::clip::Action;
use btsindex::error::escape;
use btsindex::index::Finder;
use btsindex::output::{ClipColumns, OutputDevice, OutputFormat, write_listing};
use btsindex::query::Query;
use btsindex::tag::Vocabulary;
use btsindex::value::{Selection, counted, grouped, parse_tag};

use super::confirm::confirm;
use super::stdio::{print_index_notice, stdout, width};
use super::{author, search};
use crate::cli::{self, Exit};

/// Maximum number of clips listed in a preview.
const LISTED: usize = 10;

pub(crate) fn tag(args: cli::TagArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let (args, is_added) = match args.command {
        cli::TagCommand::Add(args) => (args, true),
        cli::TagCommand::Remove(args) => (args, false),
    };
    let opened = Catalogue::open(catalogue)?;
    let vocabulary = opened.vocabulary()?;
    let mut tags = Vec::new();
    for tag in args.tags.split(',') {
        if is_added {
            tags.push(resolve_tag(tag, &vocabulary)?);
        } else {
            tags.extend(resolve_removed_tags(tag, &vocabulary, &opened)?);
        }
    }
    let action = if is_added {
        Action::AddTag
    } else {
        Action::RemoveTag
    };
    let actions: Vec<Action> = tags.iter().cloned().map(action).collect();
    let (verb, to) = if is_added {
        ("added", "to")
    } else {
        ("removed", "from")
    };
    apply(&actions, &args.on, catalogue, &|clips| {
        format!("{} {verb} {to} {clips}", escape(&tags.join(", ")))
    })
}

/// Returns the vocabulary's name of a typed tag.
fn resolve_tag(typed: &str, vocabulary: &Vocabulary) -> anyhow::Result<String> {
    let tag = vocabulary.resolve(typed)?;
    let typed = parse_tag(typed)?;
    if typed != tag {
        print_resolved(&typed, &tag)?;
    } else if let Some(close) = vocabulary.nearest(&tag) {
        let mut stderr = io::stderr().lock();
        writeln!(
            stderr,
            "`{}` is not in the vocabulary; adding it anyway",
            escape(&tag)
        )?;
        writeln!(stderr, "hint: did you mean `{close}`?")?;
    }
    Ok(tag)
}

fn print_resolved(typed: &str, tag: &str) -> io::Result<()> {
    writeln!(
        io::stderr(),
        "using `{}` for `{}`",
        escape(tag),
        escape(typed)
    )
}

/// Returns the tags to remove: the vocabulary's tag for a word, and a tag that clips have under
/// exactly this name.
fn resolve_removed_tags(
    typed: &str,
    vocabulary: &Vocabulary,
    catalogue: &Catalogue,
) -> anyhow::Result<Vec<String>> {
    let tag = parse_tag(typed)?;
    let resolved = vocabulary.resolve(typed);
    if resolved.as_ref().is_ok_and(|resolved| *resolved == tag) {
        return Ok(vec![tag]);
    }
    let is_used = Finder::open(catalogue, &mut print_index_notice)?
        .count_tagged(std::slice::from_ref(&tag), &mut print_index_notice)?
        > 0;
    match resolved {
        Ok(resolved) if is_used => Ok(vec![resolved, tag]),
        Ok(resolved) => {
            print_resolved(&tag, &resolved)?;
            Ok(vec![resolved])
        }
        Err(_) if is_used => Ok(vec![tag]),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn note(args: cli::NoteArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    apply(&[Action::Note(args.text)], &args.on, catalogue, &|clips| {
        format!("note added to {clips}")
    })
}

pub(crate) fn stars(args: &cli::StarsArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let rating = match args.stars {
        0 => "rating cleared on".to_owned(),
        stars => format!("{} given to", counted(stars.into(), "star")),
    };
    apply(
        &[Action::Stars(args.stars)],
        &args.on,
        catalogue,
        &|clips| format!("{rating} {clips}"),
    )
}

pub(crate) fn select(args: &cli::SelectArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let (selection, outcome) = if args.clear {
        (None, "neither selected nor rejected")
    } else {
        (Some(Selection::Selected), "selected")
    };
    apply(
        &[Action::Select(selection)],
        &args.on,
        catalogue,
        &|clips| format!("{clips} {outcome}"),
    )
}

pub(crate) fn reject(args: &cli::RejectArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let action = Action::Select(Some(Selection::Rejected));
    apply(&[action], &args.on, catalogue, &|clips| {
        format!("{clips} rejected")
    })
}

pub(crate) fn mark(args: &cli::MarkArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let Some(clips) = select_clips(&args.on, &catalogue)? else {
        return Ok(Exit::Negative);
    };
    // The timecode is relative to each clip; all are checked before the first is marked.
    let mut marked = Vec::new();
    for &number in &clips {
        if let Some(clip) = catalogue.clip(number)? {
            let action = Action::Mark(clip.parse_marker(&args.at, &args.text)?);
            action.check()?;
            marked.push((number, vec![action]));
        }
    }
    let edited = catalogue.edit(&marked, &author::from_args(&args.on.by))?;
    print_result(&edited, &|clips| {
        format!("{} marked at {}", clips, escape(&args.at))
    })
}

/// Applies the same actions to all selected clips. `sentence` formats the result for a number of
/// clips, such as `3 clips`.
fn apply(
    actions: &[Action],
    on: &cli::TargetArgs,
    catalogue: &Path,
    sentence: &dyn Fn(&str) -> String,
) -> anyhow::Result<Exit> {
    for action in actions {
        action.check()?;
    }
    let catalogue = Catalogue::open(catalogue)?;
    let Some(clips) = select_clips(on, &catalogue)? else {
        return Ok(Exit::Negative);
    };
    let edits: Vec<_> = clips
        .into_iter()
        .map(|clip| (clip, actions.to_vec()))
        .collect();
    let edited = catalogue.edit(&edits, &author::from_args(&on.by))?;
    print_result(&edited, sentence)
}

fn print_result(edited: &Edited, sentence: &dyn Fn(&str) -> String) -> anyhow::Result<Exit> {
    let mut out = stdout();
    if edited.clips > 0 {
        writeln!(out, "{}", sentence(&counted(edited.clips, "clip")))?;
    }
    if edited.unchanged > 0 {
        writeln!(out, "{} unchanged", counted(edited.unchanged, "clip"))?;
    }
    out.flush()?;
    for name in &edited.refused {
        writeln!(
            io::stderr(),
            "warning: {name} cannot be annotated: it is empty or not scanned yet"
        )?;
    }
    Ok(if edited.refused.is_empty() {
        Exit::Done
    } else {
        Exit::SomeUnreadable
    })
}

/// Returns the clips given by name, or the matches of a query after a preview and confirmation.
/// Returns `None` if nothing was found or the user declined.
fn select_clips(on: &cli::TargetArgs, catalogue: &Catalogue) -> anyhow::Result<Option<Vec<i64>>> {
    if on.query.is_empty() {
        let mut clips = Vec::new();
        for clip in &on.clips {
            let number = catalogue.find_number(clip)?;
            if !clips.contains(&number) {
                clips.push(number);
            }
        }
        return Ok(Some(clips));
    }
    let clips = search::find_all(&on.query, catalogue)?;
    if clips.is_empty() {
        writeln!(io::stderr(), "nothing found")?;
        return Ok(None);
    }
    if clips.len() == 1 || on.yes {
        return Ok(Some(clips));
    }
    preview(&clips, catalogue)?;
    if confirm(&format!("change {}", counted(clips.len(), "clip")))? {
        return Ok(Some(clips));
    }
    writeln!(io::stderr(), "nothing changed")?;
    Ok(None)
}

/// Prints the first clips that would change, and the number of the others.
fn preview(clips: &[i64], catalogue: &Catalogue) -> anyhow::Result<()> {
    let first = catalogue.clips(&clips[..clips.len().min(LISTED)])?;
    let mut stderr = io::stderr().lock();
    let columns = ClipColumns::parse(&[], &Query::default())?;
    let device = OutputDevice {
        is_terminal: true,
        width: width(),
    };
    let listing = columns.listing(first.iter().map(Ok));
    write_listing(listing, OutputFormat::Table, device, &mut stderr)?;
    if clips.len() > LISTED {
        writeln!(stderr, "and {} more", grouped(clips.len() - LISTED))?;
    }
    Ok(())
}
