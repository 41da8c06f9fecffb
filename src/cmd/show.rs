//! `btsindex show`

use std::io::Write;
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::present::{facts, facts_json, json_line};

use super::{Exit, stdout};
use crate::cli;

pub(crate) fn run(args: &cli::Show, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let clip = catalogue.find(&args.clip)?;
    let poster = clip
        .id
        .as_ref()
        .map(|id| catalogue.posters().path(id.value));
    let poster = poster.filter(|path| path.exists());
    let mut out = stdout();
    if args.json {
        writeln!(out, "{}", json_line(&facts_json(&clip, poster.as_deref())))?;
    } else {
        facts(&clip, poster.as_deref(), &mut out)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
