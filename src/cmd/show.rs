//! `btsindex show`

use std::io::Write;
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::output::{Pictures, facts, facts_json, json_line};

use super::{Exit, stdout};
use crate::cli;

pub(crate) fn run(args: &cli::ShowArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let clip = catalogue.find(&args.clip)?;
    let pictures = Pictures::of(&clip, &catalogue.thumbnails());
    let mut out = stdout();
    if args.json {
        writeln!(out, "{}", json_line(&facts_json(&clip, &pictures)))?;
    } else {
        facts(&clip, &pictures, &mut out)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
