//! Subcommands, one file each: turn arguments into a library call and print the result.

mod author;
mod backup;
mod browse;
mod compare_copies;
mod completions;
mod confirm;
mod copies;
mod doctor;
mod duplicates;
mod edit;
mod edits;
mod fields;
mod history;
mod ingest;
mod ingests;
mod interrupt;
mod query_args;
mod rebuild;
mod report;
mod safe;
mod scan;
mod search;
mod show;
mod sidecar;
mod stats;
mod stdio;
mod tags;
mod undo;
mod verify;
mod volumes;

use std::path::PathBuf;

use btsindex::error::Error;
use etcetera::BaseStrategy;

use crate::cli::{Cli, Command, Exit};

/// Runs the subcommand and returns its outcome.
pub(crate) fn run(cli: Cli) -> anyhow::Result<Exit> {
    let catalogue = || cli.catalogue.clone().map_or_else(data_folder, Ok);
    match cli.command {
        Command::Scan(args) => scan::run(args, catalogue()?),
        Command::Ingest(args) => ingest::run(&args, catalogue()?),
        Command::Ingests(args) => ingests::run(&args, &catalogue()?),
        Command::Verify(args) => verify::run(&args, &catalogue()?),
        Command::Safe(args) => safe::run(&args, &catalogue()?, cli.catalogue.is_some()),
        Command::Search(args) => search::run(&args, &catalogue()?),
        Command::Browse(args) => browse::run(&args, &catalogue()?),
        Command::Stats(args) => stats::run(&args, &catalogue()?),
        Command::Show(args) => show::run(&args, &catalogue()?),
        Command::Report(args) => report::report(&args, &catalogue()?),
        Command::Sheet(args) => report::sheet(&args, &catalogue()?),
        Command::Tag(args) => edit::tag(args, &catalogue()?),
        Command::Tags(args) => tags::run(&args, &catalogue()?),
        Command::Note(args) => edit::note(args, &catalogue()?),
        Command::Stars(args) => edit::stars(&args, &catalogue()?),
        Command::Select(args) => edit::select(&args, &catalogue()?),
        Command::Reject(args) => edit::reject(&args, &catalogue()?),
        Command::Mark(args) => edit::mark(&args, &catalogue()?),
        Command::History(args) => history::run(&args, &catalogue()?),
        Command::Undo(args) => undo::run(&args, &catalogue()?),
        Command::Edits(args) => edits::run(&args.command, &catalogue()?),
        Command::Sidecar(args) => sidecar::run(&args.command, &catalogue()?),
        Command::Volumes(args) => volumes::run(&args, &catalogue()?),
        Command::Copies(args) => copies::run(&args, &catalogue()?),
        Command::Duplicates(args) => duplicates::run(&args, &catalogue()?),
        Command::Backup(args) => backup::run(&args, &catalogue()?),
        Command::Fields(args) => fields::run(&args),
        Command::Doctor(args) => doctor::run(&args, &catalogue()?),
        Command::Rebuild(args) => rebuild::run(&args, &catalogue()?),
        Command::Completions(args) => completions::run(&args),
    }
}

/// Returns the default folder of the catalogue: `~/.local/share/btsindex` on Linux,
/// `~/Library/Application Support/btsindex` on macOS, `%APPDATA%\btsindex` on Windows.
fn data_folder() -> Result<PathBuf, Error> {
    let strategy = etcetera::base_strategy::choose_native_strategy().map_err(|_| Error::NoHome)?;
    Ok(strategy.data_dir().join("btsindex"))
}
