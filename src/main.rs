//! The `btsindex` program: parse, run, and say how it went by the exit code.

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
use clap::Parser;

fn main() -> ExitCode {
    if let Some(code) = btsindex::media::exec_with_parent_death_signal() {
        return ExitCode::from(u8::try_from(code).unwrap_or(1));
    }
    let cli = cli::Cli::parse_from(cli::negations(std::env::args_os()));
    match cmd::run(cli) {
        Ok(exit) => exit.into(),
        Err(error) if is_closed_pipe(&error) => cmd::Exit::Done.into(),
        Err(error) => fail(&error).into(),
    }
}

/// Whoever read our output has had enough of it: `btsindex search | head` is no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn fail(error: &anyhow::Error) -> cmd::Exit {
    let known = error.downcast_ref::<Error>();
    let mut talk = io::stderr().lock();
    // When not even standard error can be written to, the exit code must do.
    let _ = match known {
        Some(Error::Interrupted) => writeln!(talk, "interrupted"),
        // It says its cause itself.
        Some(known) => writeln!(talk, "error: {}", escape(&known.to_string())),
        None => writeln!(talk, "error: {}", escape(&format!("{error:#}"))),
    };
    if let Some(hint) = known.and_then(Error::hint) {
        // Examples stand on lines of their own.
        let lines: Vec<String> = hint.lines().map(escape).collect();
        let _ = writeln!(talk, "hint: {}", lines.join("\n"));
    }
    match known {
        Some(Error::Query { .. } | Error::Pattern(_)) => cmd::Exit::BadUsage,
        Some(Error::NoClip(_)) => cmd::Exit::NothingFound,
        Some(Error::Interrupted) => cmd::Exit::Interrupted,
        _ => cmd::Exit::Failed,
    }
}
