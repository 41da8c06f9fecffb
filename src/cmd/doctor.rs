//! `btsindex doctor`

use std::io::Write;
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::error::{Error, escape};
use btsindex::index::Index;
use btsindex::media::Tool;
use btsindex::present::{counted, json_line};
use btsindex::value::Bytes;
use serde_json::json;

use super::{Exit, stdout};
use crate::cli;

/// Below this a scan may fail for want of room.
const LITTLE_SPACE: u64 = 1_000_000_000;

/// One thing that was looked at.
struct Check {
    what: &'static str,
    is_well: bool,
    found: String,
    hint: Option<String>,
}

impl Check {
    fn well(what: &'static str, found: String) -> Self {
        Self {
            what,
            is_well: true,
            found,
            hint: None,
        }
    }

    fn fault(what: &'static str, found: String, hint: impl Into<String>) -> Self {
        Self {
            what,
            is_well: false,
            found,
            hint: Some(hint.into()),
        }
    }

    fn error(what: &'static str, error: &Error) -> Self {
        Self {
            what,
            is_well: false,
            found: error.to_string(),
            hint: error.hint(),
        }
    }
}

pub(crate) fn run(args: &cli::Doctor, folder: &Path) -> anyhow::Result<Exit> {
    let mut checks = vec![
        tool("ffprobe", Tool::ffprobe(&|_| None)),
        tool("ffmpeg", Tool::ffmpeg(&|_| None)),
        space(folder),
    ];
    checks.extend(catalogue(folder));
    let mut out = stdout();
    for check in &checks {
        if args.json {
            let line = json!({ "check": check.what, "well": check.is_well, "found": check.found, "hint": check.hint });
            writeln!(out, "{}", json_line(&line))?;
            continue;
        }
        let verdict = if check.is_well { "ok" } else { "FAULT" };
        writeln!(
            out,
            "{verdict:5}  {:9}  {}",
            check.what,
            escape(&check.found)
        )?;
        if let Some(hint) = &check.hint {
            writeln!(out, "       hint: {hint}")?;
        }
    }
    out.flush()?;
    let is_well = checks.iter().all(|check| check.is_well);
    Ok(if is_well { Exit::Done } else { Exit::Failed })
}

fn tool(what: &'static str, found: Result<Tool, Error>) -> Check {
    let told = found.and_then(|tool| {
        let version = tool.version()?;
        Ok(format!("{version} at {}", tool.path.display()))
    });
    match told {
        Ok(told) => Check::well(what, told),
        Err(error) => Check::error(what, &error),
    }
}

/// Room on the disk that holds, or will hold, the catalogue.
fn space(folder: &Path) -> Check {
    let there = folder
        .ancestors()
        .find(|folder| folder.exists())
        .unwrap_or(folder);
    match fs4::available_space(there) {
        Ok(free) if free < LITTLE_SPACE => Check::fault(
            "space",
            format!("{} free at {}", Bytes(free), there.display()),
            "free some space, or move the catalogue with `--catalogue DIR`",
        ),
        Ok(free) => Check::well(
            "space",
            format!("{} free at {}", Bytes(free), there.display()),
        ),
        Err(error) => Check::fault(
            "space",
            error.to_string(),
            "the folder of the catalogue cannot be looked at",
        ),
    }
}

/// The catalogue, then its index; the index is a view, so its faults mend themselves.
fn catalogue(folder: &Path) -> Vec<Check> {
    let catalogue = match Catalogue::open(folder) {
        Ok(catalogue) => catalogue,
        Err(error @ Error::NoCatalogue { .. }) => {
            let mut check = Check::well("catalogue", format!("none yet at {}", folder.display()));
            check.hint = error.hint();
            return vec![check];
        }
        Err(error) => return vec![Check::error("catalogue", &error)],
    };
    let whole = catalogue
        .damage()
        .and_then(|damage| Ok((damage, catalogue.count()?)));
    let mut checks = vec![match whole {
        Ok((None, clips)) => Check::well(
            "catalogue",
            format!("{} at {}", counted(clips, "clip"), folder.display()),
        ),
        Ok((Some(damage), _)) => Check::fault(
            "catalogue",
            format!("{} is damaged: {damage}", folder.display()),
            "keep the file; restore a copy, or move it away and scan again",
        ),
        Err(error) => Check::error("catalogue", &error),
    }];
    checks.push(index(&catalogue).unwrap_or_else(|error| Check::error("index", &error)));
    checks
}

fn index(catalogue: &Catalogue) -> Result<Check, Error> {
    let folder = Index::folder(catalogue);
    let Some(index) = Index::existing(catalogue)? else {
        let found = format!(
            "none that is whole at {}; the next search makes it",
            folder.display()
        );
        return Ok(Check::well("index", found));
    };
    let damage = index.damage()?;
    if !damage.is_empty() {
        return Ok(Check::fault(
            "index",
            format!(
                "{} in {} are damaged",
                counted(damage.len(), "file"),
                folder.display()
            ),
            format!(
                "delete {}: the next search makes it anew from the catalogue",
                folder.display()
            ),
        ));
    }
    let (at, now) = (index.seq(), catalogue.seq()?);
    let state = if at == now {
        format!(
            "{} at {}",
            counted(usize::try_from(index.count()?).unwrap_or(0), "clip"),
            folder.display()
        )
    } else {
        format!(
            "{} behind at {}; the next search catches up",
            counted(usize::try_from(now - at).unwrap_or(0), "change"),
            folder.display()
        )
    };
    Ok(Check::well("index", state))
}
