//! `btsindex stats`

use std::io::Write;
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::index::Finder;
use btsindex::output::{stats, stats_json};

use super::interrupt::Interrupt;
use super::{Exit, asked, said, stdout, width};
use crate::cli;

pub(crate) fn run(args: &cli::StatsArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    Interrupt::new()?.at_once(|| count(args, catalogue))
}

fn count(args: &cli::StatsArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let query = asked::query(&args.words, &catalogue)?;
    let facets = asked::facets(&args.by)?;
    let mut finder = Finder::open(&catalogue, &mut said)?;
    let tallies = finder.tally(&query, &facets, true, &mut said)?;
    if tallies.whole.clips == 0 {
        asked::say_nothing_found(&query, &mut finder)?;
        return Ok(Exit::NothingFound);
    }
    let most = if args.limit == 0 {
        usize::MAX
    } else {
        args.limit
    };
    let mut out = stdout();
    if args.json {
        stats_json(&tallies, &mut out)?;
    } else {
        stats(&tallies, most, width(), &mut out)?;
    }
    out.flush()?;
    finder.tidy(&mut said);
    Ok(Exit::Done)
}
