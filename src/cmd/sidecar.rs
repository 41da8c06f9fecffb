//! `btsindex sidecar`: writes edits to XMP sidecars next to the footage, and reads them back.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::error::{Error, escape};
use btsindex::output::json_line;
use btsindex::value::counted;
use btsindex::xmp_sync::{
    SidecarFolder, SidecarOutcome, SidecarResult, read_sidecars, write_sidecars,
};
use serde_json::json;

use super::confirm::confirm;
use super::interrupt::Interrupt;
use super::stdio::stdout;
use super::{author, search};
use crate::cli::{self, Exit, SidecarCommand};

pub(crate) fn run(command: &SidecarCommand, catalogue: &Path) -> anyhow::Result<Exit> {
    match command {
        SidecarCommand::Write { words, yes, format } => {
            write(words, *yes, format.is_json(), catalogue)
        }
        SidecarCommand::Read {
            words,
            prefer_xmp,
            format,
            by,
        } => read(words, *prefer_xmp, format.is_json(), by, catalogue),
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
        writeln!(io::stderr(), "no edits on these clips yet")?;
        return Ok(Exit::Negative);
    }
    let action = format!("write XMP sidecars for {}", counted(clips.len(), "clip"));
    if !yes && !confirm(&action)? {
        writeln!(io::stderr(), "nothing written")?;
        return Ok(Exit::Negative);
    }
    // Sidecars are written next to footage: an interrupt must not leave a partial one.
    let interrupt = Interrupt::new()?;
    let mut out = stdout();
    let mut folders = SidecarFolder::default();
    let (mut count, mut unchanged, mut refused, mut skipped) = (0, 0, 0, 0);
    for clip in clips {
        if interrupt.is_requested() {
            break;
        }
        let sidecars = write_sidecars(&catalogue, clip, &mut folders)?;
        skipped += usize::from(sidecars.is_empty());
        for sidecar in &sidecars {
            match &sidecar.outcome {
                SidecarOutcome::Written => count += 1,
                SidecarOutcome::Unchanged => unchanged += 1,
                SidecarOutcome::Refused(_) => refused += 1,
            }
            if json {
                writeln!(out, "{}", json_line(&to_json(sidecar)))?;
            } else {
                print_messages(sidecar)?;
            }
        }
    }
    if !json {
        writeln!(
            out,
            "{} written, {unchanged} up to date",
            counted(count, "sidecar")
        )?;
        if skipped > 0 {
            let clips = counted(skipped, "clip");
            writeln!(
                out,
                "{clips} skipped: not on a mounted volume, or nothing to write"
            )?;
        }
    }
    out.flush()?;
    if interrupt.is_requested() {
        writeln!(io::stderr(), "interrupted; run the same command to resume")?;
        return Ok(Exit::Interrupted);
    }
    Ok(if refused > 0 {
        Exit::SomeUnreadable
    } else {
        Exit::Done
    })
}

fn print_messages(sidecar: &SidecarResult) -> io::Result<()> {
    let path = escape(&sidecar.path.to_string_lossy());
    let mut stderr = io::stderr().lock();
    if let SidecarOutcome::Refused(reason) = &sidecar.outcome {
        writeln!(stderr, "warning: {path}: {}", escape(reason))?;
    }
    if let Some(note) = &sidecar.note {
        writeln!(stderr, "{path}: {}", escape(note))?;
    }
    for conflict in &sidecar.conflicts {
        writeln!(
            stderr,
            "warning: {path}: {} is {} in the sidecar and {} in the catalogue: not overwritten",
            conflict.property,
            escape(&conflict.theirs),
            escape(&conflict.ours)
        )?;
        writeln!(stderr, "hint: `btsindex sidecar read` imports it")?;
    }
    Ok(())
}

fn to_json(sidecar: &SidecarResult) -> serde_json::Value {
    let (outcome, reason) = match &sidecar.outcome {
        SidecarOutcome::Written => ("written", None),
        SidecarOutcome::Unchanged => ("unchanged", None),
        SidecarOutcome::Refused(reason) => ("refused", Some(reason)),
    };
    let conflicts = sidecar.conflicts.iter().map(|conflict| {
        json!({ "property": conflict.property, "theirs": conflict.theirs, "ours": conflict.ours })
    });
    json!({
        "path": sidecar.path.to_string_lossy(), "outcome": outcome, "reason": reason,
        "note": sidecar.note,
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
    let mut edits = Vec::new();
    let mut out = stdout();
    let (mut sidecars, mut unreadable) = (0, 0);
    let mut folders = SidecarFolder::default();
    let interrupt = Interrupt::new()?;
    let clips = interrupt.run_interruptible(|| search::find_all(words, &catalogue))?;
    for clip in clips {
        if interrupt.is_requested() {
            writeln!(io::stderr(), "nothing imported")?;
            return Err(Error::Interrupted.into());
        }
        let imported = read_sidecars(&catalogue, &vocabulary, clip, prefer_xmp, &mut folders)?;
        sidecars += imported.read;
        unreadable += imported.failed.len();
        let name = catalogue.clip(clip)?.and_then(|clip| clip.name);
        let name = name.map_or_else(String::new, |name| name.value);
        for (path, reason) in &imported.failed {
            let path = escape(&path.to_string_lossy());
            writeln!(io::stderr(), "warning: {path}: {}", escape(reason))?;
        }
        for conflict in &imported.conflicts {
            writeln!(io::stderr(), "{}: {}", escape(&name), escape(conflict))?;
        }
        if json && imported.read > 0 {
            let actions: Vec<String> = imported.actions.iter().map(ToString::to_string).collect();
            let line = json!({ "clip": name, "taken": actions, "conflicts": imported.conflicts });
            writeln!(out, "{}", json_line(&line))?;
        }
        if !imported.actions.is_empty() {
            edits.push((clip, imported.actions));
        }
    }
    let count: usize = edits.iter().map(|(_, actions)| actions.len()).sum();
    if !edits.is_empty() {
        catalogue.edit(&edits, &author::from_args(by))?;
    }
    if !json {
        writeln!(
            out,
            "read {}: {} imported on {}",
            counted(sidecars, "sidecar"),
            counted(count, "edit"),
            counted(edits.len(), "clip")
        )?;
    }
    out.flush()?;
    Ok(match (sidecars, unreadable) {
        (_, 1..) => Exit::SomeUnreadable,
        (0, 0) => Exit::Negative,
        _ => Exit::Done,
    })
}
