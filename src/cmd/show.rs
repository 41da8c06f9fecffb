//! `btsindex show`

use std::io::Write;
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::present::{Pictures, facts, facts_json, json_line};

use super::{Exit, stdout};
use crate::cli;

pub(crate) fn run(args: &cli::Show, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let clip = catalogue.find(&args.clip)?;
    let thumbnails = catalogue.thumbnails();
    let id = clip.id.as_ref().map(|id| id.value);
    let pictures = Pictures {
        poster: id.and_then(|id| thumbnails.posters.find(id)),
        strip: id.and_then(|id| thumbnails.strips.find(id)),
    };
    let mut out = stdout();
    if args.json {
        writeln!(out, "{}", json_line(&facts_json(&clip, &pictures)))?;
    } else {
        facts(&clip, &pictures, &mut out)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
