//! `btsindex ingests`: lists ingests, or shows one in detail.

use std::io::{self, Write};
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::error::Error;
use btsindex::output::{
    FormatNeeds, RowListing, ingest_json, ingest_listing, write_ingest_details,
};

use super::stdio::{print, stdout};
use crate::cli::{self, Exit};

pub(crate) fn run(args: &cli::IngestsArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let format = args.format.get();
    if args.number.is_some() && format.needs() != FormatNeeds::Rows {
        return Err(Error::Query {
            message: format!("one ingest cannot be printed as {}", format.name()),
            hint: "`btsindex ingests` without a number can".to_owned(),
        }
        .into());
    }
    let catalogue = Catalogue::open(catalogue)?;
    if let Some(number) = args.number {
        let Some(ingest) = catalogue.ingest(number)? else {
            writeln!(
                io::stderr(),
                "no ingest {number}\nhint: `btsindex ingests` lists them all"
            )?;
            return Ok(Exit::Negative);
        };
        let files = args.files.then(|| catalogue.ingested(number)).transpose()?;
        let listing = RowListing::of_object(
            (ingest, files),
            |(ingest, files)| ingest_json(ingest, files.as_deref()),
            |(ingest, files), out| write_ingest_details(ingest, files.as_deref(), out),
        );
        print(listing, format, &mut stdout())?;
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
    print(ingest_listing(&ingests), format, &mut stdout())?;
    Ok(Exit::Done)
}
