//! `btsindex browse`: starts the full-screen search.

use std::path::Path;

use btsindex::browse::{self, Ending};

use super::author;
use crate::cli::{self, Exit};

pub(crate) fn run(args: &cli::BrowseArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let author = author::from_args(&args.by);
    Ok(match browse::run(catalogue, &args.words, &author)? {
        Ending::Quit => Exit::Done,
        Ending::Stopped => Exit::Interrupted,
    })
}
