//! `btsindex copies`

use std::io::{self, Write};
use std::path::Path;

use btsindex::catalogue::{Catalogue, ClipCopies};
use btsindex::clip::FileCopy;
use btsindex::output::{FittedColumns, Widths, counted, json_line};
use serde_json::json;

use super::{Exit, PAGE, compare, search, stdout, width};
use crate::cli;

/// Columns of the table.
const COLUMNS: [&str; 4] = ["volumes", "proved", "name", "where"];

pub(crate) fn run(args: &cli::CopiesArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let clips = search::find_all(&args.words, &catalogue)?;
    let exit = if args.verify {
        compare::all(&clips, &catalogue)?
    } else {
        Exit::Done
    };
    let outline = looked_through(&clips, &catalogue, args)?;
    if outline.clips.is_empty() {
        writeln!(io::stderr(), "nothing found")?;
        return Ok(Exit::NothingFound);
    }
    let mut out = stdout();
    if !args.json {
        outline.columns.headings(&mut out)?;
    }
    for page in outline.clips.chunks(PAGE) {
        for found in catalogue.clip_copies(page)? {
            if args.json {
                writeln!(out, "{}", json_line(&as_json(&found)))?;
            } else {
                outline.columns.row(&cells(&found), &mut out)?;
            }
        }
    }
    out.flush()?;
    writeln!(
        io::stderr(),
        "{} found",
        counted(outline.clips.len(), "clip")
    )?;
    if outline.unproved > 0 && !args.json {
        writeln!(
            io::stderr(),
            "{} with several files that were never compared in full; `btsindex copies --verify` reads them whole",
            counted(outline.unproved, "clip")
        )?;
    }
    Ok(exit)
}

/// What is kept of all clips before any of them is shown.
struct Outline {
    /// Numbers of those to show, the fewest copies first.
    clips: Vec<i64>,
    columns: FittedColumns,
    /// Clips with several files that were never compared in full.
    unproved: usize,
}

/// Looks at every clip, page by page.
fn looked_through(
    clips: &[i64],
    catalogue: &Catalogue,
    args: &cli::CopiesArgs,
) -> anyhow::Result<Outline> {
    let most = args.fewer_than.unwrap_or(usize::MAX);
    let (mut order, mut unproved) = (Vec::new(), 0);
    let mut widths = Widths::new(&COLUMNS, width());
    for page in clips.chunks(PAGE) {
        for found in catalogue.clip_copies(page)? {
            let copied = &found.copied;
            unproved += usize::from(copied.files.len() > 1 && !copied.are_all_hashed());
            let count = if args.proved {
                copied.proved_volumes()
            } else {
                copied.volumes()
            };
            if count < most {
                order.push((count, copied.clip));
                if !args.json {
                    widths.measure(&cells(&found));
                }
            }
        }
    }
    order.sort_by_key(|(count, _)| *count);
    Ok(Outline {
        clips: order.into_iter().map(|(_, clip)| clip).collect(),
        columns: widths.fit(),
        unproved,
    })
}

fn cells(found: &ClipCopies) -> [String; 4] {
    [
        found.copied.volumes().to_string(),
        found.copied.proved_volumes().to_string(),
        found.best.as_ref().map_or_else(String::new, FileCopy::name),
        places(found),
    ]
}

/// `SHELF-07 (offline), RAID-A`; files that full hashes tell apart are said to differ.
fn places(found: &ClipCopies) -> String {
    let copied = &found.copied;
    let mut places: Vec<String> = Vec::new();
    for file in &copied.files {
        let place = if file.is_mounted {
            file.label.clone()
        } else {
            format!("{} (offline)", file.label)
        };
        if !places.contains(&place) {
            places.push(place);
        }
    }
    match (places.is_empty(), copied.do_differ()) {
        (true, _) => found.best.as_ref().map_or_else(String::new, |best| {
            format!("{} ({})", best.volume, best.status())
        }),
        (false, true) => format!("{}: their contents DIFFER", places.join(", ")),
        (false, false) => places.join(", "),
    }
}

fn as_json(found: &ClipCopies) -> serde_json::Value {
    let copied = &found.copied;
    json!({
        "id": found.id,
        "name": found.best.as_ref().map(FileCopy::name),
        "volumes": copied.volumes(),
        "proved_volumes": copied.proved_volumes(),
        "differ": copied.do_differ(),
        "files": compare::files_json(copied),
    })
}
