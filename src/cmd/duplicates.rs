//! `btsindex duplicates`

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::Path;

use btsindex::catalogue::{Catalogue, Copied, Hashed};
use btsindex::error::escape;
use btsindex::present::{counted, json_line};
use btsindex::value::Bytes;
use serde_json::json;

use super::{Exit, compare, search, stdout};
use crate::cli;

pub(crate) fn run(args: &cli::Duplicates, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let mut clips = catalogue.with_several_files()?;
    if !args.words.is_empty() {
        let found: HashSet<i64> = search::find_all(&args.words, &catalogue)?
            .into_iter()
            .collect();
        clips.retain(|clip| found.contains(clip));
    }
    let exit = if args.verify {
        compare::all(&clips, &catalogue)?
    } else {
        Exit::Done
    };
    let mut all = Vec::new();
    for clip in clips {
        let copied = catalogue.copied(clip)?;
        if !args.same_volume || share_a_volume(&copied.files) {
            all.push(copied);
        }
    }
    if all.is_empty() {
        writeln!(io::stderr(), "nothing found")?;
        return Ok(Exit::NothingFound);
    }
    // What takes up most comes first.
    all.sort_by_key(|copied| std::cmp::Reverse(copied.spare_bytes()));
    let mut out = stdout();
    for copied in &all {
        if args.json {
            let line = json!({ "clip": copied.clip, "verdict": verdict(copied), "spare_bytes": copied.spare_bytes(), "files": compare::files_json(copied) });
            writeln!(out, "{}", json_line(&line))?;
            continue;
        }
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
    }
    out.flush()?;
    let bytes: u64 = all.iter().map(Copied::spare_bytes).sum();
    writeln!(
        io::stderr(),
        "{} in more than one file, {} more than one file each would take",
        counted(all.len(), "clip"),
        Bytes(bytes)
    )?;
    Ok(exit)
}

fn verdict(copied: &Copied) -> &'static str {
    if copied.do_differ() {
        "which DIFFER though their samples are the same"
    } else if copied.are_all_hashed() {
        "the same to the last byte"
    } else {
        "the same by their fingerprint"
    }
}

fn share_a_volume(files: &[Hashed]) -> bool {
    let mut volumes: Vec<i64> = files.iter().map(|file| file.volume).collect();
    volumes.sort_unstable();
    volumes.windows(2).any(|pair| pair[0] == pair[1])
}
