//! `btsindex duplicates`: lists clips that exist in more than one file.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::Path;

use btsindex::catalogue::{Catalogue, ClipFiles, HashedFile};
use btsindex::error::escape;
use btsindex::output::{RowColumn, RowListing};
use btsindex::value::{Bytes, counted};
use serde_json::json;

use super::stdio::{print, stdout};
use super::{compare_copies, search};
use crate::cli::{self, Exit};

pub(crate) fn run(args: &cli::DuplicatesArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let mut clips = catalogue.with_several_files()?;
    if !args.words.is_empty() {
        let found: HashSet<i64> = search::find_all(&args.words, &catalogue)?
            .into_iter()
            .collect();
        clips.retain(|clip| found.contains(clip));
    }
    let exit = if args.verify {
        compare_copies::hash_files(&clips, &catalogue)?
    } else {
        Exit::Done
    };
    let order = by_spare_bytes(&clips, &catalogue, args.same_volume)?;
    if order.is_empty() {
        writeln!(io::stderr(), "nothing found")?;
        return Ok(Exit::Negative);
    }
    let bytes: u64 = order.iter().map(|(bytes, _)| *bytes).sum();
    let order: Vec<i64> = order.into_iter().map(|(_, clip)| clip).collect();
    let clips = compare_copies::read_pages(&order, &catalogue);
    let listing = RowListing::new(columns(), clips.map(|found| Ok(found?.present)))
        .text_of_row(write)
        .paths(|copied| copied.files.iter().map(|file| file.path.clone()).collect());
    print(listing, args.format.get(), &mut stdout())?;
    writeln!(
        io::stderr(),
        "{} in more than one file, {} in extra copies",
        counted(order.len(), "clip"),
        Bytes(bytes)
    )?;
    Ok(exit)
}

/// Returns the clips with the bytes that their additional files use, largest first.
fn by_spare_bytes(
    clips: &[i64],
    catalogue: &Catalogue,
    is_same_volume: bool,
) -> anyhow::Result<Vec<(u64, i64)>> {
    let mut order = Vec::new();
    for found in compare_copies::read_pages(clips, catalogue) {
        let copied = found?.present;
        if !is_same_volume || share_a_volume(&copied.files) {
            order.push((copied.spare_bytes(), copied.clip));
        }
    }
    order.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    Ok(order)
}

fn write(copied: &ClipFiles, out: &mut dyn Write) -> io::Result<()> {
    let bytes = copied.files.first().map_or(0, |file| file.bytes);
    writeln!(
        out,
        "{} in {}, {}",
        Bytes(bytes),
        counted(copied.files.len(), "file"),
        verdict(copied)
    )?;
    for file in &copied.files {
        let offline = if file.is_mounted { "" } else { " (offline)" };
        writeln!(
            out,
            "  {}{offline}  {}",
            escape(&file.label),
            escape(&file.path.to_string_lossy())
        )?;
    }
    Ok(())
}

fn columns() -> Vec<RowColumn<'static, ClipFiles>> {
    vec![
        RowColumn::new("clip", |copied: &ClipFiles| json!(copied.clip)),
        RowColumn::new("verdict", |copied: &ClipFiles| json!(verdict(copied))),
        RowColumn::new("spare_bytes", |copied: &ClipFiles| {
            json!(copied.spare_bytes())
        }),
        RowColumn::new("files", compare_copies::files_json).cell(compare_copies::files_cell),
    ]
}

fn verdict(copied: &ClipFiles) -> &'static str {
    if copied.hashes_differ() {
        "same fingerprint, but contents DIFFER"
    } else if copied.are_all_hashed() {
        "identical, compared completely"
    } else {
        "same fingerprint, not compared completely"
    }
}

fn share_a_volume(files: &[HashedFile]) -> bool {
    let mut volumes: Vec<i64> = files.iter().map(|file| file.volume).collect();
    volumes.sort_unstable();
    volumes.windows(2).any(|pair| pair[0] == pair[1])
}
