//! `btsindex sidecar`: what people said, beside the footage.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::error::{Error, escape};
use btsindex::output::{counted, json_line};
use btsindex::xmp_sync::{
    SidecarFolder, SidecarOutcome, SidecarResult, read_sidecars, write_sidecars,
};
use serde_json::json;

use super::interrupt::Interrupt;
use super::{Exit, ask, search, stdout};
use crate::cli::{self, SidecarCommand};

pub(crate) fn run(command: &SidecarCommand, catalogue: &Path) -> anyhow::Result<Exit> {
    match command {
        SidecarCommand::Write { words, yes, json } => write(words, *yes, *json, catalogue),
        SidecarCommand::Read {
            words,
            prefer_xmp,
            json,
            by,
        } => read(words, *prefer_xmp, *json, by, catalogue),
    }
}

fn write(words: &[String], yes: bool, json: bool, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let mut clips = catalogue.clips_with_edits()?;
    if !words.is_empty() {
        let found: HashSet<i64> = search::find_all(words, &catalogue)?.into_iter().collect();
        clips.retain(|clip| found.contains(clip));
    }
    if clips.is_empty() {
        writeln!(io::stderr(), "nobody said anything of these clips yet")?;
        return Ok(Exit::NothingFound);
    }
    let question = format!("write beside {}?", counted(clips.len(), "clip"));
    if !yes && !ask::confirm(&question)? {
        writeln!(io::stderr(), "nothing was written")?;
        return Ok(Exit::NothingFound);
    }
    // From here on files are written beside footage: an unfinished one must not stay there.
    let interrupt = Interrupt::new()?;
    let mut out = stdout();
    let mut beside = SidecarFolder::default();
    let (mut count, mut same, mut refused, mut away) = (0, 0, 0, 0);
    for clip in clips {
        if interrupt.is_asked() {
            break;
        }
        let written = write_sidecars(&catalogue, clip, &mut beside)?;
        away += usize::from(written.is_empty());
        for one in &written {
            match &one.outcome {
                SidecarOutcome::Written => count += 1,
                SidecarOutcome::Unchanged => same += 1,
                SidecarOutcome::Refused(_) => refused += 1,
            }
            if json {
                writeln!(out, "{}", json_line(&object(one)))?;
            } else {
                tell(one)?;
            }
        }
    }
    if !json {
        writeln!(
            out,
            "{} written, {same} said it already",
            counted(count, "sidecar")
        )?;
        if away > 0 {
            let clips = counted(away, "clip");
            writeln!(
                out,
                "{clips} on no mounted volume, or with nothing to write"
            )?;
        }
    }
    out.flush()?;
    if interrupt.is_asked() {
        writeln!(
            io::stderr(),
            "interrupted: the same command writes the others"
        )?;
        return Ok(Exit::Interrupted);
    }
    Ok(if refused > 0 {
        Exit::SomeUnreadable
    } else {
        Exit::Done
    })
}

fn tell(one: &SidecarResult) -> io::Result<()> {
    let path = escape(&one.path.to_string_lossy());
    let mut talk = io::stderr().lock();
    if let SidecarOutcome::Refused(reason) = &one.outcome {
        writeln!(talk, "warning: {path}: {}", escape(reason))?;
    }
    if let Some(note) = &one.note {
        writeln!(talk, "{path}: {}", escape(note))?;
    }
    for conflict in &one.conflicts {
        writeln!(
            talk,
            "warning: {path}: {} is {} there and {} here; it stays",
            conflict.property,
            escape(&conflict.theirs),
            escape(&conflict.ours)
        )?;
        writeln!(talk, "hint: `btsindex sidecar read` takes it in")?;
    }
    Ok(())
}

fn object(one: &SidecarResult) -> serde_json::Value {
    let (outcome, reason) = match &one.outcome {
        SidecarOutcome::Written => ("written", None),
        SidecarOutcome::Unchanged => ("unchanged", None),
        SidecarOutcome::Refused(reason) => ("refused", Some(reason)),
    };
    let conflicts = one.conflicts.iter().map(|conflict| {
        json!({ "property": conflict.property, "theirs": conflict.theirs, "ours": conflict.ours })
    });
    json!({
        "path": one.path.to_string_lossy(), "outcome": outcome, "reason": reason, "note": one.note,
        "conflicts": conflicts.collect::<Vec<_>>(),
    })
}

fn read(
    words: &[String],
    prefer_xmp: bool,
    json: bool,
    by: &cli::AuthorArgs,
    catalogue: &Path,
) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let vocabulary = catalogue.vocabulary()?;
    let mut said = Vec::new();
    let mut out = stdout();
    let (mut sidecars, mut unread) = (0, 0);
    let mut beside = SidecarFolder::default();
    let interrupt = Interrupt::new()?;
    let clips = interrupt.at_once(|| search::find_all(words, &catalogue))?;
    for clip in clips {
        if interrupt.is_asked() {
            writeln!(io::stderr(), "nothing was taken in")?;
            return Err(Error::Interrupted.into());
        }
        let heard = read_sidecars(&catalogue, &vocabulary, clip, prefer_xmp, &mut beside)?;
        sidecars += heard.read;
        unread += heard.unread.len();
        let name = catalogue.clip(clip)?.and_then(|clip| clip.name);
        let name = name.map_or_else(String::new, |name| name.value);
        for (path, reason) in &heard.unread {
            let path = escape(&path.to_string_lossy());
            writeln!(io::stderr(), "warning: {path}: {}", escape(reason))?;
        }
        for conflict in &heard.conflicts {
            writeln!(io::stderr(), "{}: {}", escape(&name), escape(conflict))?;
        }
        if json && heard.read > 0 {
            let taken: Vec<String> = heard.actions.iter().map(ToString::to_string).collect();
            let line = json!({ "clip": name, "taken": taken, "conflicts": heard.conflicts });
            writeln!(out, "{}", json_line(&line))?;
        }
        if !heard.actions.is_empty() {
            said.push((clip, heard.actions));
        }
    }
    let actions: usize = said.iter().map(|(_, actions)| actions.len()).sum();
    if !said.is_empty() {
        catalogue.edit(&said, &ask::author(by))?;
    }
    if !json {
        writeln!(
            out,
            "read {}: {} new on {}",
            counted(sidecars, "sidecar"),
            counted(actions, "thing"),
            counted(said.len(), "clip")
        )?;
    }
    out.flush()?;
    Ok(match (sidecars, unread) {
        (_, 1..) => Exit::SomeUnreadable,
        (0, 0) => Exit::NothingFound,
        _ => Exit::Done,
    })
}
