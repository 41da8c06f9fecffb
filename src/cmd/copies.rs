//! `btsindex copies`: lists clips by number of copies.
//!
//! The table is written in two passes over the catalogue, so that large catalogues need little
//! memory: the first measures the columns and sorts the clips, the second writes them.

use std::io::{self, Write};
use std::path::Path;

use btsindex::catalogue::{Catalogue, ClipCopies};
use btsindex::clip::FileCopy;
use btsindex::output::{FittedColumns, RowColumn, RowListing, Widths};
use btsindex::value::counted;
use serde_json::json;

use super::stdio::{print, stdout, width};
use super::{compare_copies, search};
use crate::cli::{self, Exit};

pub(crate) fn run(args: &cli::CopiesArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let format = args.format.get();
    let catalogue = Catalogue::open(catalogue)?;
    let clips = search::find_all(&args.words, &catalogue)?;
    let exit = if args.verify {
        compare_copies::hash_files(&clips, &catalogue)?
    } else {
        Exit::Done
    };
    let overview = measure(&clips, &catalogue, args)?;
    if overview.clips.is_empty() {
        writeln!(io::stderr(), "nothing found")?;
        return Ok(Exit::Negative);
    }
    let clips = compare_copies::read_pages(&overview.clips, &catalogue);
    let listing = RowListing::new(columns(), clips)
        .fitted(overview.columns)
        .paths(|clip| clip.best.iter().map(|best| best.path.clone()).collect());
    print(listing, format, &mut stdout())?;
    writeln!(
        io::stderr(),
        "{} found",
        counted(overview.clips.len(), "clip")
    )?;
    if overview.unverified > 0 && !format.is_for_programs() {
        writeln!(
            io::stderr(),
            "{} with several files that were never compared completely",
            counted(overview.unverified, "clip")
        )?;
        writeln!(
            io::stderr(),
            "hint: `btsindex copies --verify` reads and compares them"
        )?;
    }
    Ok(exit)
}

/// Result of the first pass over the clips.
struct CopyOverview {
    /// Ids of the clips to show, fewest copies first.
    clips: Vec<i64>,
    columns: FittedColumns,
    /// Number of clips with several files that were never compared completely.
    unverified: usize,
}

/// Counts the copies of every clip and measures the width of each column.
fn measure(
    clips: &[i64],
    catalogue: &Catalogue,
    args: &cli::CopiesArgs,
) -> anyhow::Result<CopyOverview> {
    let limit = args.fewer_than.unwrap_or(usize::MAX);
    let (mut order, mut unverified) = (Vec::new(), 0);
    let columns = columns();
    let mut widths = Widths::of_columns(&columns, width());
    let is_measured = !args.format.get().is_for_programs();
    for clip in compare_copies::read_pages(clips, catalogue) {
        let clip = clip?;
        let copies = &clip.present;
        unverified += usize::from(copies.files.len() > 1 && !copies.are_all_hashed());
        let count = if args.proved {
            copies.verified_volumes()
        } else {
            copies.volumes()
        };
        if count < limit {
            order.push((count, copies.clip));
            if is_measured {
                widths.measure_row(&columns, &clip);
            }
        }
    }
    order.sort_by_key(|(count, _)| *count);
    Ok(CopyOverview {
        clips: order.into_iter().map(|(_, clip)| clip).collect(),
        columns: widths.fit(),
        unverified,
    })
}

fn columns() -> Vec<RowColumn<'static, ClipCopies>> {
    vec![
        RowColumn::new("id", |clip: &ClipCopies| json!(clip.id)),
        RowColumn::new("name", |clip: &ClipCopies| {
            json!(clip.best.as_ref().map(FileCopy::name))
        }),
        RowColumn::new("volumes", |clip: &ClipCopies| json!(clip.present.volumes()))
            .shown("volumes", |clip| clip.present.volumes().to_string()),
        RowColumn::new("proved_volumes", |clip: &ClipCopies| {
            json!(clip.present.verified_volumes())
        })
        .shown("verified", |clip| {
            clip.present.verified_volumes().to_string()
        }),
        RowColumn::text("name", |clip: &ClipCopies| {
            clip.best.as_ref().map_or_else(String::new, FileCopy::name)
        }),
        RowColumn::text("where", volumes),
        RowColumn::new("differ", |clip: &ClipCopies| {
            json!(clip.present.hashes_differ())
        }),
        RowColumn::new("files", |clip: &ClipCopies| {
            compare_copies::files_json(&clip.present)
        })
        .cell(|clip| compare_copies::files_cell(&clip.present)),
    ]
}

/// Lists the volumes of a clip: `SHELF-07 (offline), RAID-A`. Reports files whose full hashes differ.
fn volumes(clip: &ClipCopies) -> String {
    let copies = &clip.present;
    let mut volumes: Vec<String> = Vec::new();
    for file in &copies.files {
        let volume = if file.is_mounted {
            file.label.clone()
        } else {
            format!("{} (offline)", file.label)
        };
        if !volumes.contains(&volume) {
            volumes.push(volume);
        }
    }
    match (volumes.is_empty(), copies.hashes_differ()) {
        (true, _) => clip.best.as_ref().map_or_else(String::new, |best| {
            format!("{} ({})", best.volume, best.status())
        }),
        (false, true) => format!("{}: contents DIFFER", volumes.join(", ")),
        (false, false) => volumes.join(", "),
    }
}
