//! `btsindex verify`

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::error::{Error, escape};
use btsindex::media::Cancel;
use btsindex::output::{Look, VerifyProgress, json_line, verified, verified_json};
use btsindex::verify::{Report, Request, verify};

use super::scan::stop_on_ctrl_c;
use super::{Exit, ask, stdout};
use crate::cli;

pub(crate) fn run(args: &cli::VerifyArgs, folder: &Path) -> anyhow::Result<Exit> {
    let catalogue = match Catalogue::open(folder) {
        // Manifests tell without it.
        Err(Error::NoCatalogue { .. }) => None,
        opened => Some(opened?),
    };
    let cancel = Cancel::default();
    stop_on_ctrl_c(&cancel)?;
    let look = match (args.json, io::stderr().is_terminal()) {
        (true, _) => Look::Json,
        (false, true) => Look::Bar,
        (false, false) => Look::Lines,
    };
    let mut out = stdout();
    let mut exits = Vec::new();
    for path in &args.paths {
        let request = Request {
            folder: path.clone(),
            is_recorded: args.record,
            author: ask::author(&args.by),
            cancel: cancel.clone(),
        };
        let mut talk = io::stderr();
        let mut progress = VerifyProgress::new(look, args.verbose, &mut out, &mut talk);
        let outcome = verify(&request, catalogue.as_ref(), &mut |event| {
            progress.event(&event);
        });
        progress.end();
        let exit = told(outcome, path, args, &mut out)?;
        out.flush()?;
        if exit == Exit::Interrupted {
            return Ok(exit);
        }
        exits.push(exit);
    }
    let worst = [Exit::NothingFound, Exit::Failed, Exit::SomeUnreadable];
    let worst = worst.into_iter().find(|exit| exits.contains(exit));
    Ok(worst.unwrap_or(Exit::Done))
}

/// Prints what one folder came to; of several, one that cannot be verified does not stop the others.
fn told(
    outcome: Result<Report, Error>,
    path: &Path,
    args: &cli::VerifyArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let report = match outcome {
        Err(error) if args.paths.len() > 1 => {
            let mut talk = io::stderr();
            writeln!(talk, "error: {}", escape(&error.to_string()))?;
            if let Some(hint) = error.hint() {
                writeln!(talk, "hint: {hint}")?;
            }
            return Ok(Exit::Failed);
        }
        outcome => outcome?,
    };
    if args.json {
        writeln!(out, "{}", json_line(&verified_json(path, &report)))?;
    } else {
        verified(path, &report, out)?;
    }
    // As it was told: whoever interrupts what is over has its outcome.
    if report.is_interrupted {
        return Ok(Exit::Interrupted);
    }
    let is_wrong = !report.altered.is_empty() || !report.missing.is_empty();
    let is_nothing_known = report.verified == 0 && report.manifests.is_empty();
    let is_unsure = !report.problems.is_empty()
        || !report.outside.is_empty()
        || !report.left_out.is_empty()
        || is_nothing_known;
    let is_new = !report.new.is_empty() && report.manifests.is_empty();
    Ok(match (is_wrong, is_unsure || is_new) {
        (true, _) => Exit::NothingFound,
        (false, true) => Exit::SomeUnreadable,
        (false, false) => Exit::Done,
    })
}
