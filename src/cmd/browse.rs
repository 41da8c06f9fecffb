//! `btsindex browse`

use std::path::Path;

use btsindex::browse::{self, Ending};

use super::{Exit, ask};
use crate::cli;

pub(crate) fn run(args: &cli::BrowseArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let author = ask::author(&args.by);
    Ok(match browse::run(catalogue, &args.words, &author)? {
        Ending::Quit => Exit::Done,
        Ending::Stopped => Exit::Interrupted,
    })
}
