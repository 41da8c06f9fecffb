//! `btsindex ingests`: lists ingests, or shows one in detail.

use std::io::{self, Write};
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::output::{ingest_json, json_line, write_ingest_details, write_ingest_table};

use super::stdio::{stdout, width};
use crate::cli::{self, Exit};

pub(crate) fn run(args: &cli::IngestsArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let mut out = stdout();
    if let Some(number) = args.number {
        let Some(ingest) = catalogue.ingest(number)? else {
            writeln!(
                io::stderr(),
                "no ingest {number}\nhint: `btsindex ingests` lists them all"
            )?;
            return Ok(Exit::Negative);
        };
        let files = args.files.then(|| catalogue.ingested(number)).transpose()?;
        if args.json {
            writeln!(
                out,
                "{}",
                json_line(&ingest_json(&ingest, files.as_deref()))
            )?;
        } else {
            write_ingest_details(&ingest, files.as_deref(), &mut out)?;
        }
        out.flush()?;
        return Ok(Exit::Done);
    }
    let ingests = catalogue.ingests()?;
    if ingests.is_empty() {
        writeln!(
            io::stderr(),
            "no ingests yet\nhint: start one with `btsindex ingest`"
        )?;
        return Ok(Exit::Negative);
    }
    if args.json {
        for ingest in &ingests {
            writeln!(out, "{}", json_line(&ingest_json(ingest, None)))?;
        }
    } else {
        write_ingest_table(&ingests, width(), &mut out)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
