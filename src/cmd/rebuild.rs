//! `btsindex rebuild`

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

use btsindex::catalogue::Catalogue;
use btsindex::index::Index;
use btsindex::present::{Counting, Look, counted, json_line};
use serde_json::json;

use super::{Exit, said, stdout};
use crate::cli;

pub(crate) fn run(args: &cli::Rebuild, catalogue: &Path) -> anyhow::Result<Exit> {
    let begun = Instant::now();
    let catalogue = Catalogue::open(catalogue)?;
    let look = match (args.json, io::stderr().is_terminal()) {
        (true, _) => Look::Json,
        (false, true) => Look::Bar,
        (false, false) => Look::Lines,
    };
    let mut talk = io::stderr();
    let mut counting = Counting::new("indexing", look, &mut talk);
    let index = Index::remake(&catalogue, &mut said, &mut |done, total| {
        counting.at(done, total);
    });
    counting.end();
    let clips = usize::try_from(index?.count())?;
    let seconds = begun.elapsed().as_secs_f64();
    let mut out = stdout();
    if args.json {
        let rounded = (seconds * 1000.0).round() / 1000.0;
        writeln!(
            out,
            "{}",
            json_line(&json!({ "clips": clips, "seconds": rounded }))
        )?;
    } else {
        writeln!(out, "indexed {} in {seconds:.1} s", counted(clips, "clip"))?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
