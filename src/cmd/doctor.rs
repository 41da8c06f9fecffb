//! `btsindex doctor`

use std::io::Write;
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::error::{Error, escape};
use btsindex::index::{Audit, Index, IndexState};
use btsindex::media::Tool;
use btsindex::output::{counted, grouped, json_line};
use btsindex::value::Bytes;
use serde_json::json;

use super::{Exit, stdout};
use crate::cli;

/// Below this a scan may fail for want of room.
const LITTLE_SPACE: u64 = 1_000_000_000;

/// Clips that are named, of each kind of fault.
const NAMED: usize = 10;

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

pub(crate) fn run(args: &cli::DoctorArgs, folder: &Path) -> anyhow::Result<Exit> {
    let mut checks = vec![
        tool("ffprobe", Tool::ffprobe(&|_| None)),
        tool("ffmpeg", Tool::ffmpeg(&|_| None)),
        space(folder),
    ];
    checks.extend(catalogue(folder, args.thorough));
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
            writeln!(out, "       hint: {}", escape(hint))?;
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
fn catalogue(folder: &Path, is_thorough: bool) -> Vec<Check> {
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
    let looked = index(&catalogue, is_thorough);
    checks.push(looked.unwrap_or_else(|error| Check::error("index", &error)));
    checks
}

fn index(catalogue: &Catalogue, is_thorough: bool) -> Result<Check, Error> {
    let place = Index::folder(catalogue).display().to_string();
    let index = match Index::inspect(catalogue, is_thorough)? {
        IndexState::Usable(index) => index,
        IndexState::Missing => {
            let found = format!("none yet at {place}; the next search makes it");
            return Ok(Check::well("index", found));
        }
        IndexState::Mismatched(why) => {
            let found = format!("the one at {place} {why}; the next search makes it anew");
            return Ok(Check::well("index", found));
        }
        IndexState::Damaged { file } => {
            let found = format!("{file} in {place} is damaged");
            let hint =
                "the next search makes it anew from the catalogue; so does `btsindex rebuild`";
            return Ok(Check::fault("index", found, hint));
        }
        IndexState::NotOurs => {
            Index::check_folder(catalogue)?;
            return Ok(Check::well("index", format!("none yet at {place}")));
        }
    };
    if is_thorough {
        return Ok(compared(&index.audit(catalogue)?));
    }
    let (at, now) = (index.seq(), catalogue.seq()?);
    let found = if at >= now {
        let clips = usize::try_from(index.count()).unwrap_or(usize::MAX);
        format!("{} at {place}", counted(clips, "clip"))
    } else {
        let behind = usize::try_from(now - at).unwrap_or(usize::MAX);
        format!(
            "{} behind at {place}; the next search catches up",
            counted(behind, "change")
        )
    };
    Ok(Check::well("index", found))
}

/// The index beside the catalogue, clip by clip.
fn compared(audit: &Audit) -> Check {
    let clips = counted(audit.compared, "clip");
    if audit.is_equal() {
        return Check::well("index", format!("{clips} compared, all equal"));
    }
    let faults = [
        ("differ", &audit.differing),
        ("missing", &audit.missing),
        ("doubled", &audit.doubled),
        ("too many", &audit.surplus),
    ];
    let named = faults
        .iter()
        .filter(|(_, clips)| !clips.is_empty())
        .map(|(what, clips)| {
            let some: Vec<String> = clips.iter().take(NAMED).map(i64::to_string).collect();
            let more = if clips.len() > NAMED { ", …" } else { "" };
            let (count, some) = (grouped(clips.len()), some.join(", "));
            format!("; {count} {what} ({some}{more})")
        });
    let found = format!("{clips} compared{}", named.collect::<String>());
    Check::fault(
        "index",
        found,
        "`btsindex rebuild` makes it anew from the catalogue",
    )
}
