//! `btsindex tag`, `note`, `stars`, `select`, `reject`, `mark`: what people say of clips.

use std::io::{self, Write};
use std::path::Path;

use btsindex::catalogue::{Catalogue, Edited};
use btsindex::clip::Action;
use btsindex::error::escape;
use btsindex::index::Finder;
use btsindex::output::{Columns, counted, grouped};
use btsindex::query::Query;
use btsindex::tag::Vocabulary;
use btsindex::value::{Selection, parse_tag};

use super::{Exit, ask, said, search, stdout, width};
use crate::cli;

/// Clips of a preview that are shown, not only counted.
const SHOWN: usize = 10;

pub(crate) fn tag(args: cli::TagArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let (args, is_added) = match args.command {
        cli::TagCommand::Add(args) => (args, true),
        cli::TagCommand::Remove(args) => (args, false),
    };
    let known = Catalogue::open(catalogue)?;
    let vocabulary = known.vocabulary()?;
    let mut tags = Vec::new();
    for tag in args.tags.split(',') {
        if is_added {
            tags.push(meant(tag, &vocabulary)?);
        } else {
            tags.extend(removed(tag, &vocabulary, &known)?);
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
    say(&actions, &args.on, catalogue, &|clips| {
        format!("{} {verb} {to} {clips}", escape(&tags.join(", ")))
    })
}

/// The tag that was typed, as the vocabulary calls it.
fn meant(typed: &str, vocabulary: &Vocabulary) -> anyhow::Result<String> {
    let tag = vocabulary.resolve(typed)?;
    let typed = parse_tag(typed)?;
    if typed != tag {
        writeln!(
            io::stderr(),
            "{} is called {}",
            escape(&typed),
            escape(&tag)
        )?;
    } else if let Some(close) = vocabulary.nearest(&tag) {
        writeln!(
            io::stderr(),
            "{} is in no vocabulary and kept as it is; did you mean {close}?",
            escape(&tag)
        )?;
    }
    Ok(tag)
}

/// The tags that are to go: what the vocabulary means by the word, and what is called just so.
fn removed(
    typed: &str,
    vocabulary: &Vocabulary,
    catalogue: &Catalogue,
) -> anyhow::Result<Vec<String>> {
    let tag = parse_tag(typed)?;
    let meant = vocabulary.resolve(typed);
    if meant.as_ref().is_ok_and(|meant| *meant == tag) {
        return Ok(vec![tag]);
    }
    let is_used = Finder::open(catalogue, &mut said)?
        .count_tagged(std::slice::from_ref(&tag), &mut said)?
        > 0;
    match meant {
        Ok(meant) if is_used => Ok(vec![meant, tag]),
        Ok(meant) => {
            writeln!(
                io::stderr(),
                "{} is called {}",
                escape(&tag),
                escape(&meant)
            )?;
            Ok(vec![meant])
        }
        Err(_) if is_used => Ok(vec![tag]),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn note(args: cli::NoteArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    say(&[Action::Note(args.text)], &args.on, catalogue, &|clips| {
        format!("noted on {clips}")
    })
}

pub(crate) fn stars(args: &cli::StarsArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let stars = counted(args.stars.into(), "star");
    say(
        &[Action::Stars(args.stars)],
        &args.on,
        catalogue,
        &|clips| format!("{stars} given to {clips}"),
    )
}

pub(crate) fn select(args: &cli::SelectArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let (selection, what) = if args.clear {
        (None, "neither selected nor rejected")
    } else {
        (Some(Selection::Selected), "selected")
    };
    say(
        &[Action::Select(selection)],
        &args.on,
        catalogue,
        &|clips| format!("{clips} {what}"),
    )
}

pub(crate) fn reject(args: &cli::RejectArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let action = Action::Select(Some(Selection::Rejected));
    say(&[action], &args.on, catalogue, &|clips| {
        format!("{clips} rejected")
    })
}

pub(crate) fn mark(args: &cli::MarkArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let Some(clips) = chosen(&args.on, &catalogue)? else {
        return Ok(Exit::NothingFound);
    };
    // Each clip has its own timecodes; all are looked at before one is marked.
    let mut marked = Vec::new();
    for &number in &clips {
        if let Some(clip) = catalogue.clip(number)? {
            let action = Action::Mark(clip.parse_marker(&args.at, &args.text)?);
            action.check()?;
            marked.push((number, vec![action]));
        }
    }
    let edited = catalogue.edit(&marked, &ask::author(&args.on.by))?;
    told(&edited, &|clips| {
        format!("{} marked at {}", clips, escape(&args.at))
    })
}

/// Says the same of all that was chosen.
fn say(
    actions: &[Action],
    on: &cli::TargetArgs,
    catalogue: &Path,
    sentence: &dyn Fn(&str) -> String,
) -> anyhow::Result<Exit> {
    for action in actions {
        action.check()?;
    }
    let catalogue = Catalogue::open(catalogue)?;
    let Some(clips) = chosen(on, &catalogue)? else {
        return Ok(Exit::NothingFound);
    };
    let said: Vec<_> = clips
        .into_iter()
        .map(|clip| (clip, actions.to_vec()))
        .collect();
    let edited = catalogue.edit(&said, &ask::author(&on.by))?;
    told(&edited, sentence)
}

fn told(edited: &Edited, sentence: &dyn Fn(&str) -> String) -> anyhow::Result<Exit> {
    let mut out = stdout();
    if edited.clips > 0 {
        writeln!(out, "{}", sentence(&counted(edited.clips, "clip")))?;
    }
    if edited.unchanged > 0 {
        writeln!(out, "{} had it already", counted(edited.unchanged, "clip"))?;
    }
    out.flush()?;
    for name in &edited.refused {
        writeln!(
            io::stderr(),
            "warning: {name}: it was not read yet, or is empty: nothing can be said of it"
        )?;
    }
    Ok(if edited.refused.is_empty() {
        Exit::Done
    } else {
        Exit::SomeUnreadable
    })
}

/// The clips that were named, or that a query finds: these after a look at them. `None` when
/// there are none, or they are not to be changed.
fn chosen(on: &cli::TargetArgs, catalogue: &Catalogue) -> anyhow::Result<Option<Vec<i64>>> {
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
    let question = format!("change {}?", counted(clips.len(), "clip"));
    if ask::confirm(&question)? {
        return Ok(Some(clips));
    }
    writeln!(io::stderr(), "nothing was changed")?;
    Ok(None)
}

/// The first of the clips that would change, and how many more.
fn preview(clips: &[i64], catalogue: &Catalogue) -> anyhow::Result<()> {
    let first = catalogue.clips(&clips[..clips.len().min(SHOWN)])?;
    let mut talk = io::stderr().lock();
    let columns = Columns::named(&[], &Query::default())?;
    columns.table(&first, width()).write(&mut talk)?;
    if clips.len() > SHOWN {
        writeln!(talk, "and {} more", grouped(clips.len() - SHOWN))?;
    }
    Ok(())
}
