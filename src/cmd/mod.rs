//! One file a subcommand: what was typed becomes a call, and its answer is printed.

mod ask;
mod asked;
mod backup;
mod browse;
mod compare;
mod completions;
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
mod open;
mod rebuild;
mod report;
mod safe;
mod scan;
mod search;
mod show;
mod sidecar;
mod stats;
mod tags;
mod thumbs;
mod undo;
mod verify;
mod volumes;

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use btsindex::error::Error;
use btsindex::index::IndexNotice;
use etcetera::BaseStrategy;

use crate::cli::{Cli, Command};

/// Clips that are read at one moment by commands that go through all of them.
const PAGE: usize = 500;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    Failed,
    BadUsage,
    SomeUnreadable,
    NothingFound,
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::BadUsage => 2,
            Exit::SomeUnreadable => 3,
            Exit::NothingFound => 4,
            Exit::Interrupted => 130,
        })
    }
}

/// Runs what was asked for.
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

/// Where the catalogue is when nobody says otherwise: `~/.local/share/btsindex` on Linux,
/// `~/Library/Application Support/btsindex` on macOS, `%APPDATA%\btsindex` on Windows.
fn data_folder() -> Result<PathBuf, Error> {
    let strategy = etcetera::base_strategy::choose_native_strategy().map_err(|_| Error::NoHome)?;
    Ok(strategy.data_dir().join("btsindex"))
}

/// Says what the index tells of itself.
fn said(note: &IndexNotice) {
    let is_talk = matches!(
        note,
        IndexNotice::Waiting { .. } | IndexNotice::Rebuilt { .. } | IndexNotice::InMemory { .. }
    );
    let prefix = if is_talk { "" } else { "warning: " };
    // Nobody may be listening; the command goes on all the same.
    let _ = writeln!(io::stderr(), "{prefix}{note}");
}

/// Standard output, buffered: data.
fn stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::new(io::stdout().lock())
}

/// How wide a table may be: as wide as the terminal, or as it likes when there is none.
fn width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}
