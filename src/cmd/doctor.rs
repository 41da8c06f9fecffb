//! `btsindex doctor`: checks the tools, the catalogue and the index.

use std::io::{self, Write};
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::error::{Error, escape};
use btsindex::index::{Audit, Index, IndexState};
use btsindex::media::Tool;
use btsindex::output::{RowColumn, RowListing, STALE_FACTS_HINT, stale_facts_line};
use btsindex::value::{Bytes, counted, grouped};
use serde_json::json;

use super::stdio::{print, stdout};
use crate::cli::{self, Exit};

/// Free bytes below which a scan may fail.
const LITTLE_SPACE: u64 = 1_000_000_000;

/// Maximum number of clips listed for each kind of fault.
const LISTED: usize = 10;

/// Result of one check.
struct Check {
    name: &'static str,
    is_ok: bool,
    result: String,
    hint: Option<String>,
}

impl Check {
    fn ok(name: &'static str, result: String) -> Self {
        Self {
            name,
            is_ok: true,
            result,
            hint: None,
        }
    }

    fn fault(name: &'static str, result: String, hint: impl Into<String>) -> Self {
        Self {
            name,
            is_ok: false,
            result,
            hint: Some(hint.into()),
        }
    }

    fn error(name: &'static str, error: &Error) -> Self {
        Self {
            name,
            is_ok: false,
            result: error.to_string(),
            hint: error.hint(),
        }
    }
}

pub(crate) fn run(args: &cli::DoctorArgs, folder: &Path) -> anyhow::Result<Exit> {
    let mut checks = vec![
        check_tool("ffprobe", Tool::ffprobe(&|_| None)),
        check_tool("ffmpeg", Tool::ffmpeg(&|_| None)),
        check_space(folder),
    ];
    checks.extend(check_catalogue(folder, args.thorough));
    let columns = vec![
        RowColumn::new("check", |check: &&Check| json!(check.name)),
        RowColumn::new("well", |check: &&Check| json!(check.is_ok)),
        RowColumn::new("found", |check: &&Check| json!(check.result)),
        RowColumn::new("hint", |check: &&Check| json!(check.hint)),
    ];
    let listing = RowListing::new(columns, checks.iter().map(Ok))
        .text_of_row(|check, out| write_check(check, out));
    print(listing, args.format.get(), &mut stdout())?;
    let is_ok = checks.iter().all(|check| check.is_ok);
    Ok(if is_ok { Exit::Done } else { Exit::Failed })
}

fn write_check(check: &Check, out: &mut dyn Write) -> io::Result<()> {
    let verdict = if check.is_ok { "ok" } else { "FAULT" };
    writeln!(
        out,
        "{verdict:5}  {:9}  {}",
        check.name,
        escape(&check.result)
    )?;
    if let Some(hint) = &check.hint {
        writeln!(out, "       hint: {}", escape(hint))?;
    }
    Ok(())
}

fn check_tool(name: &'static str, tool: Result<Tool, Error>) -> Check {
    let version = tool.and_then(|tool| {
        let version = tool.version()?;
        Ok(format!("{version} at {}", tool.path.display()))
    });
    match version {
        Ok(version) => Check::ok(name, version),
        Err(error) => Check::error(name, &error),
    }
}

/// Checks the free space on the disk that holds, or will hold, the catalogue.
fn check_space(folder: &Path) -> Check {
    let existing = folder
        .ancestors()
        .find(|folder| folder.exists())
        .unwrap_or(folder);
    match fs4::available_space(existing) {
        Ok(free) if free < LITTLE_SPACE => Check::fault(
            "space",
            format!("{} free at {}", Bytes(free), existing.display()),
            "free some space, or move the catalogue with `--catalogue DIR`",
        ),
        Ok(free) => Check::ok(
            "space",
            format!("{} free at {}", Bytes(free), existing.display()),
        ),
        Err(error) => Check::fault(
            "space",
            error.to_string(),
            "check the permissions of the catalogue's folder",
        ),
    }
}

/// Checks the catalogue, then its index. A search repairs the index, which is derived from the
/// catalogue.
fn check_catalogue(folder: &Path, is_thorough: bool) -> Vec<Check> {
    let catalogue = match Catalogue::open(folder) {
        Ok(catalogue) => catalogue,
        Err(error @ Error::NoCatalogue { .. }) => {
            let mut check = Check::ok("catalogue", format!("none yet at {}", folder.display()));
            check.hint = error.hint();
            return vec![check];
        }
        Err(error) => return vec![Check::error("catalogue", &error)],
    };
    let damage = catalogue
        .damage()
        .and_then(|damage| Ok((damage, catalogue.count()?)));
    let mut checks = vec![match damage {
        Ok((None, clips)) => Check::ok(
            "catalogue",
            format!("{} at {}", counted(clips, "clip"), folder.display()),
        ),
        Ok((Some(damage), _)) => Check::fault(
            "catalogue",
            format!("{} is damaged: {damage}", folder.display()),
            "keep the file; restore a backup, or move the file away and scan again",
        ),
        Err(error) => Check::error("catalogue", &error),
    }];
    checks.push(match catalogue.stale_facts() {
        Ok(stale) if stale.clips == 0 => Check::ok("facts", "all read by this version".to_owned()),
        Ok(stale) => Check {
            hint: Some(STALE_FACTS_HINT.to_owned()),
            ..Check::ok("facts", stale_facts_line(&stale))
        },
        Err(error) => Check::error("facts", &error),
    });
    let index = check_index(&catalogue, is_thorough);
    checks.push(index.unwrap_or_else(|error| Check::error("index", &error)));
    checks
}

fn check_index(catalogue: &Catalogue, is_thorough: bool) -> Result<Check, Error> {
    let path = Index::folder(catalogue).display().to_string();
    let index = match Index::inspect(catalogue, is_thorough)? {
        IndexState::Usable(index) => index,
        IndexState::Missing => {
            let result = format!("none yet at {path}; the next search creates it");
            return Ok(Check::ok("index", result));
        }
        IndexState::Mismatched(reason) => {
            let result = format!("the index at {path} {reason}; the next search rebuilds it");
            return Ok(Check::ok("index", result));
        }
        IndexState::Damaged { file } => {
            let result = format!("{file} in {path} is damaged");
            let hint = "the next search or `btsindex rebuild` rebuilds it from the catalogue";
            return Ok(Check::fault("index", result, hint));
        }
        IndexState::NotOurs => {
            Index::check_folder(catalogue)?;
            return Ok(Check::ok("index", format!("none yet at {path}")));
        }
    };
    if is_thorough {
        return Ok(check_audit(&index.audit(catalogue)?));
    }
    let (at, now) = (index.seq(), catalogue.seq()?);
    let result = if at >= now {
        let clips = usize::try_from(index.count()).unwrap_or(usize::MAX);
        format!("{} at {path}", counted(clips, "clip"))
    } else {
        let behind = usize::try_from(now - at).unwrap_or(usize::MAX);
        format!(
            "{} behind at {path}; the next search catches up",
            counted(behind, "change")
        )
    };
    Ok(Check::ok("index", result))
}

/// Reports the differences between index and catalogue, clip by clip.
fn check_audit(audit: &Audit) -> Check {
    let clips = counted(audit.compared, "clip");
    if audit.is_equal() {
        return Check::ok("index", format!("{clips} compared, all equal"));
    }
    let faults = [
        ("differ", &audit.differing),
        ("missing", &audit.missing),
        ("duplicate", &audit.duplicated),
        ("unexpected", &audit.surplus),
    ];
    let details = faults
        .iter()
        .filter(|(_, clips)| !clips.is_empty())
        .map(|(fault, clips)| {
            let ids: Vec<String> = clips.iter().take(LISTED).map(i64::to_string).collect();
            let more = if clips.len() > LISTED { ", …" } else { "" };
            let (count, ids) = (grouped(clips.len()), ids.join(", "));
            format!("; {count} {fault} ({ids}{more})")
        });
    let result = format!("{clips} compared{}", details.collect::<String>());
    Check::fault(
        "index",
        result,
        "`btsindex rebuild` rebuilds it from the catalogue",
    )
}
