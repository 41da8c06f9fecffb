//! `btsindex safe`: checks whether cards can be formatted.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use btsindex::cancel::Cancel;
use btsindex::catalogue::Catalogue;
use btsindex::output::{
    ProgressFormat, SafetyProgress, SuggestedOptions, json_line, safety_json, write_safety,
};
use btsindex::safe::{Request, safe};

use super::scan::stop_on_ctrl_c;
use super::stdio::stdout;
use crate::cli::{self, Exit};

/// Checks each card. `is_named`: `--catalogue` was given, so suggested commands must contain it.
pub(crate) fn run(args: &cli::SafeArgs, folder: &Path, is_named: bool) -> anyhow::Result<Exit> {
    let cancel = Cancel::default();
    stop_on_ctrl_c(&cancel)?;
    let format = match (args.format.is_json(), io::stderr().is_terminal()) {
        (true, _) => ProgressFormat::Json,
        (false, true) => ProgressFormat::Bar,
        (false, false) => ProgressFormat::Lines,
    };
    let mut catalogue = Catalogue::open(folder)?;
    let mut out = stdout();
    let mut are_all_safe = true;
    for (at, card) in args.cards.iter().enumerate() {
        let request = Request {
            card: card.clone(),
            copies: args.copies.into(),
            max_age: args.max_age,
            disk: args.card_disk.clone(),
            is_ingest_trusted: args.trust_ingest,
            is_paranoid: args.paranoid,
            cancel: cancel.clone(),
        };
        if at > 0 {
            // The mounted volumes may have changed since the last card.
            catalogue.refresh_mounts()?;
        }
        let mut stderr = io::stderr();
        let mut progress = SafetyProgress::new(format, &mut out, &mut stderr);
        let report = safe(&request, &mut catalogue, &mut |event| {
            progress.on_event(&event);
        });
        progress.finish();
        let report = report?;
        let options = SuggestedOptions {
            request: &request,
            catalogue: is_named.then_some(folder),
        };
        if args.format.is_json() {
            for line in safety_json(&report, options) {
                writeln!(out, "{}", json_line(&line))?;
            }
        } else {
            write_safety(&report, options, args.files, &mut out)?;
        }
        out.flush()?;
        // The report decides, not the signal: an interrupt after the last file changes no verdict.
        if report.is_interrupted {
            return Ok(Exit::Interrupted);
        }
        are_all_safe &= report.is_safe();
    }
    Ok(if are_all_safe {
        Exit::Done
    } else {
        Exit::Negative
    })
}
