//! `btsindex copies`: lists clips by number of copies.
//!
//! The table is written in two passes over the catalogue, so that large catalogues need little
//! memory: the first measures the columns and sorts the clips, the second writes them.

use std::io::{self, Write};
use std::path::Path;

use btsindex::catalogue::{Catalogue, ClipCopies};
use btsindex::clip::FileCopy;
use btsindex::output::{FittedColumns, Widths, json_line};
use btsindex::value::counted;
use serde_json::json;

use super::compare_copies::PAGE;
use super::stdio::{stdout, width};
use super::{compare_copies, search};
use crate::cli::{self, Exit};

/// Columns of the table.
const COLUMNS: [&str; 4] = ["volumes", "verified", "name", "where"];

pub(crate) fn run(args: &cli::CopiesArgs, catalogue: &Path) -> anyhow::Result<Exit> {
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
    let mut out = stdout();
    if !args.json {
        overview.columns.write_headings(&mut out)?;
    }
    for page in overview.clips.chunks(PAGE) {
        for clip in catalogue.clip_copies(page)? {
            if args.json {
                writeln!(out, "{}", json_line(&as_json(&clip)))?;
            } else {
                overview.columns.write_row(&cells(&clip), &mut out)?;
            }
        }
    }
    out.flush()?;
    writeln!(
        io::stderr(),
        "{} found",
        counted(overview.clips.len(), "clip")
    )?;
    if overview.unverified > 0 && !args.json {
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
    let mut widths = Widths::new(&COLUMNS, width());
    for page in clips.chunks(PAGE) {
        for clip in catalogue.clip_copies(page)? {
            let copies = &clip.present;
            unverified += usize::from(copies.files.len() > 1 && !copies.are_all_hashed());
            let count = if args.proved {
                copies.verified_volumes()
            } else {
                copies.volumes()
            };
            if count < limit {
                order.push((count, copies.clip));
                if !args.json {
                    widths.measure(&cells(&clip));
                }
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

fn cells(clip: &ClipCopies) -> [String; 4] {
    [
        clip.present.volumes().to_string(),
        clip.present.verified_volumes().to_string(),
        clip.best.as_ref().map_or_else(String::new, FileCopy::name),
        volumes(clip),
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

fn as_json(clip: &ClipCopies) -> serde_json::Value {
    let copies = &clip.present;
    json!({
        "id": clip.id,
        "name": clip.best.as_ref().map(FileCopy::name),
        "volumes": copies.volumes(),
        "proved_volumes": copies.verified_volumes(),
        "differ": copies.hashes_differ(),
        "files": compare_copies::files_json(copies),
    })
}
