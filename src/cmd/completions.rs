//! `btsindex completions`: prints a completion script for a shell.

use clap::CommandFactory;

use super::stdio::stdout;
use crate::cli::{self, Exit};

pub(crate) fn run(args: &cli::CompletionsArgs) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut cli::Cli::command(),
        "btsindex",
        &mut script,
    );
    let mut out = stdout();
    std::io::Write::write_all(&mut out, &script)?;
    std::io::Write::flush(&mut out)?;
    Ok(Exit::Done)
}
