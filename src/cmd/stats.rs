//! `btsindex stats`: counts clips by facets.

use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::index::Finder;
use btsindex::output::stats_listing;

use super::interrupt::Interrupt;
use super::query_args;
use super::stdio::{print, print_index_notice, stdout};
use crate::cli::{self, Exit};

pub(crate) fn run(args: &cli::StatsArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    Interrupt::new()?.run_interruptible(|| count(args, catalogue))
}

fn count(args: &cli::StatsArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let query = query_args::parse(&args.words, &catalogue)?;
    let facets = query_args::parse_facets(&args.by)?;
    let mut finder = Finder::open(&catalogue, &mut print_index_notice)?;
    let tallies = finder.tally(&query, &facets, true, &mut print_index_notice)?;
    if tallies.total.clips == 0 {
        query_args::print_nothing_found(&query, &mut finder)?;
        return Ok(Exit::Negative);
    }
    let limit = if args.limit == 0 {
        usize::MAX
    } else {
        args.limit
    };
    let stale = catalogue.stale_facts()?;
    let listing = stats_listing(&tallies, limit, &stale);
    print(listing, args.format.get(), &mut stdout())?;
    finder.tidy(&mut print_index_notice);
    Ok(Exit::Done)
}
