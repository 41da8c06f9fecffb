//! `btsindex verify`: compares the files of folders with their recorded hashes.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use btsindex::cancel::Cancel;
use btsindex::catalogue::Catalogue;
use btsindex::error::{Error, escape};
use btsindex::output::{
    ProgressFormat, VerifyProgress, json_line, verification_json, write_verification,
};
use btsindex::verify::{Report, Request, verify};

use super::author;
use super::scan::stop_on_ctrl_c;
use super::stdio::stdout;
use crate::cli::{self, Exit};

pub(crate) fn run(args: &cli::VerifyArgs, folder: &Path) -> anyhow::Result<Exit> {
    let catalogue = match Catalogue::open(folder) {
        // Manifests suffice without a catalogue.
        Err(Error::NoCatalogue { .. }) => None,
        opened => Some(opened?),
    };
    let cancel = Cancel::default();
    stop_on_ctrl_c(&cancel)?;
    let format = match (args.format.is_json(), io::stderr().is_terminal()) {
        (true, _) => ProgressFormat::Json,
        (false, true) => ProgressFormat::Bar,
        (false, false) => ProgressFormat::Lines,
    };
    let mut out = stdout();
    let mut exits = Vec::new();
    for path in &args.paths {
        let request = Request {
            folder: path.clone(),
            is_recorded: args.record,
            author: author::from_args(&args.by),
            cancel: cancel.clone(),
        };
        let mut stderr = io::stderr();
        let mut progress = VerifyProgress::new(format, args.verbose, &mut out, &mut stderr);
        let outcome = verify(&request, catalogue.as_ref(), &mut |event| {
            progress.on_event(&event);
        });
        progress.finish();
        let exit = print_outcome(outcome, path, args, &mut out)?;
        out.flush()?;
        if exit == Exit::Interrupted {
            return Ok(exit);
        }
        exits.push(exit);
    }
    let worst = [Exit::Negative, Exit::Failed, Exit::SomeUnreadable];
    let worst = worst.into_iter().find(|exit| exits.contains(exit));
    Ok(worst.unwrap_or(Exit::Done))
}

/// Prints the result for one folder. With several folders, an error does not stop the others.
fn print_outcome(
    outcome: Result<Report, Error>,
    path: &Path,
    args: &cli::VerifyArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let report = match outcome {
        Err(error) if args.paths.len() > 1 => {
            let mut stderr = io::stderr();
            writeln!(stderr, "error: {}", escape(&error.to_string()))?;
            if let Some(hint) = error.hint() {
                writeln!(stderr, "hint: {hint}")?;
            }
            return Ok(Exit::Failed);
        }
        outcome => outcome?,
    };
    if args.format.is_json() {
        writeln!(out, "{}", json_line(&verification_json(path, &report)))?;
    } else {
        write_verification(path, &report, out)?;
    }
    // The report decides, not the signal: an interrupt after the last file changes no result.
    if report.is_interrupted {
        return Ok(Exit::Interrupted);
    }
    let is_wrong = !report.altered.is_empty() || !report.missing.is_empty();
    let is_unrecorded = report.verified == 0 && report.manifests.is_empty();
    let is_incomplete = !report.problems.is_empty()
        || !report.outside.is_empty()
        || !report.left_out.is_empty()
        || is_unrecorded;
    let is_new = !report.new.is_empty() && report.manifests.is_empty();
    Ok(match (is_wrong, is_incomplete || is_new) {
        (true, _) => Exit::Negative,
        (false, true) => Exit::SomeUnreadable,
        (false, false) => Exit::Done,
    })
}
