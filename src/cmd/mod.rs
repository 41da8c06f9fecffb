//! Subcommands, one file each: turn arguments into a library call and print the result.
//!
//! The exit codes are defined here; the help and the documentation use the same table.

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
mod tags;
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

/// Number of clips read from the catalogue at a time by commands that process all clips.
const PAGE: usize = 500;

/// Outcome of a command, returned to the shell as its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    Failed,
    BadUsage,
    SomeUnreadable,
    Negative,
    Interrupted,
}

impl Exit {
    const ALL: [Self; 6] = [
        Self::Done,
        Self::Failed,
        Self::BadUsage,
        Self::SomeUnreadable,
        Self::Negative,
        Self::Interrupted,
    ];

    /// Exit code that the shell receives.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::BadUsage => 2,
            Self::SomeUnreadable => 3,
            Self::Negative => 4,
            Self::Interrupted => 130,
        }
    }

    /// Description for `--help`. README.md and docs/ use the same words, which a test compares.
    fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::BadUsage => "bad usage, or an invalid query",
            Self::SomeUnreadable => "done, but some files could not be read, copied or verified",
            Self::Negative => "nothing found, nothing to do, not safe, or files altered or missing",
            Self::Interrupted => "interrupted",
        }
    }

    /// Lists all exit codes for `--help`, one per line.
    pub(crate) fn help() -> String {
        let lines = Self::ALL.map(|exit| format!("  {:<4} {}", exit.code(), exit.meaning()));
        format!("Exit codes:\n{}", lines.join("\n"))
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

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

/// Prints a notice of the index to standard error, as a warning if something is wrong.
fn print_index_notice(note: &IndexNotice) {
    let is_routine = matches!(
        note,
        IndexNotice::Waiting { .. } | IndexNotice::Rebuilt { .. } | IndexNotice::InMemory { .. }
    );
    let prefix = if is_routine { "" } else { "warning: " };
    // Standard error may be closed; the command continues.
    let _ = writeln!(io::stderr(), "{prefix}{note}");
}

/// Returns buffered standard output, for data.
fn stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::new(io::stdout().lock())
}

/// Returns the width of the terminal; `None` if standard output is not a terminal.
fn width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}
