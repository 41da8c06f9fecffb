//! `btsindex ingests`

use std::io::{self, Write};
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::output::{ingest_card, ingest_json, ingest_table, json_line};

use super::{Exit, stdout, width};
use crate::cli;

pub(crate) fn run(args: &cli::IngestsArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let mut out = stdout();
    if let Some(number) = args.number {
        let Some(ingest) = catalogue.ingest(number)? else {
            writeln!(
                io::stderr(),
                "no ingest {number}; `btsindex ingests` lists them all"
            )?;
            return Ok(Exit::NothingFound);
        };
        let files = args.files.then(|| catalogue.ingested(number)).transpose()?;
        if args.json {
            writeln!(
                out,
                "{}",
                json_line(&ingest_json(&ingest, files.as_deref()))
            )?;
        } else {
            ingest_card(&ingest, files.as_deref(), &mut out)?;
        }
        out.flush()?;
        return Ok(Exit::Done);
    }
    let ingests = catalogue.ingests()?;
    if ingests.is_empty() {
        writeln!(
            io::stderr(),
            "nothing was taken in yet: `btsindex ingest` does it"
        )?;
        return Ok(Exit::NothingFound);
    }
    if args.json {
        for ingest in &ingests {
            writeln!(out, "{}", json_line(&ingest_json(ingest, None)))?;
        }
    } else {
        ingest_table(&ingests, width(), &mut out)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
