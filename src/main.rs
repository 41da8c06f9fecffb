//! The `btsindex` program: parses the arguments, runs the subcommand and sets the exit code.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a test that fails should stop"
    )
)]

mod cli;
mod cmd;

use std::io::{self, Write};
use std::process::ExitCode;

use btsindex::error::{Error, escape};
use clap::{CommandFactory, Parser};

use cli::Exit;

fn main() -> ExitCode {
    if let Some(code) = btsindex::media::exec_with_parent_death_signal() {
        return ExitCode::from(u8::try_from(code).unwrap_or(1));
    }
    let arguments = cli::negations(std::env::args_os());
    let cli = match cli::Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let program = cli::Cli::command();
            cli::with_accepted_formats(error, &program, &arguments).exit()
        }
    };
    match cmd::run(cli) {
        Ok(exit) => exit.into(),
        Err(error) if is_closed_pipe(&error) => Exit::Done.into(),
        Err(error) => fail(&error).into(),
    }
}

/// Returns true if the program that reads standard output has exited: `btsindex search | head` is not
/// an error.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Prints an error with its hint, and returns the exit code for it.
fn fail(error: &anyhow::Error) -> Exit {
    let known = error.downcast_ref::<Error>();
    let mut stderr = io::stderr().lock();
    // If standard error cannot be written, only the exit code reports the error.
    let _ = match known {
        Some(Error::Interrupted) => writeln!(stderr, "interrupted"),
        // The message includes the cause.
        Some(known) => writeln!(stderr, "error: {}", escape(&known.to_string())),
        None => writeln!(stderr, "error: {}", escape(&format!("{error:#}"))),
    };
    if let Some(hint) = known.and_then(Error::hint) {
        // Examples in a hint are on separate lines.
        let lines: Vec<String> = hint.lines().map(escape).collect();
        let _ = writeln!(stderr, "hint: {}", lines.join("\n"));
    }
    match known {
        Some(Error::Query { .. } | Error::Pattern(_)) => Exit::BadUsage,
        Some(Error::NoClip(_)) => Exit::Negative,
        Some(Error::Interrupted) => Exit::Interrupted,
        _ => Exit::Failed,
    }
}
