//! `btsindex copies`

use std::io::{self, Write};
use std::path::Path;

use btsindex::catalogue::{Catalogue, Copied};
use btsindex::clip::Clip;
use btsindex::present::{Table, counted, json_line};
use serde_json::json;

use super::{Exit, compare, search, stdout, width};
use crate::cli;

pub(crate) fn run(args: &cli::Copies, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let clips = search::find_all(&args.words, &catalogue)?;
    let exit = if args.verify {
        compare::all(&clips, &catalogue)?
    } else {
        Exit::Done
    };
    let copied = clips.iter().map(|&clip| catalogue.copied(clip));
    let mut copied: Vec<Copied> = copied.collect::<Result<_, _>>()?;
    let count = |copied: &Copied| {
        if args.proved {
            copied.proved_volumes()
        } else {
            copied.volumes()
        }
    };
    let most = args.fewer_than.unwrap_or(usize::MAX);
    let unproved = copied
        .iter()
        .filter(|copied| copied.files.len() > 1 && !copied.are_all_hashed());
    let unproved = unproved.count();
    copied.retain(|copied| count(copied) < most);
    copied.sort_by_key(count);
    if copied.is_empty() {
        writeln!(io::stderr(), "nothing found")?;
        return Ok(Exit::NothingFound);
    }
    let mut out = stdout();
    let mut table = Table::new(&["volumes", "proved", "name", "where"], width());
    for copied in &copied {
        let clip = catalogue.clip(copied.clip)?.unwrap_or_default();
        if args.json {
            writeln!(out, "{}", json_line(&as_json(copied, &clip)))?;
            continue;
        }
        table.row(&[
            copied.volumes().to_string(),
            copied.proved_volumes().to_string(),
            clip.name
                .as_ref()
                .map_or_else(String::new, |name| name.value.clone()),
            places(copied, &clip),
        ]);
    }
    if !args.json {
        table.write(&mut out)?;
    }
    out.flush()?;
    writeln!(io::stderr(), "{} found", counted(copied.len(), "clip"))?;
    if unproved > 0 && !args.json {
        writeln!(
            io::stderr(),
            "{} with several files that were never compared in full; `btsindex copies --verify` reads them whole",
            counted(unproved, "clip")
        )?;
    }
    Ok(exit)
}

/// `SHELF-07 (offline), RAID-A`; files that full hashes tell apart are said to differ.
fn places(copied: &Copied, clip: &Clip) -> String {
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
        (true, _) => clip.files.first().map_or_else(String::new, |best| {
            format!("{} ({})", best.volume, best.standing())
        }),
        (false, true) => format!("{}: their contents DIFFER", places.join(", ")),
        (false, false) => places.join(", "),
    }
}

fn as_json(copied: &Copied, clip: &Clip) -> serde_json::Value {
    json!({
        "id": clip.id.as_ref().map(|id| id.value),
        "name": clip.name.as_ref().map(|name| &name.value),
        "volumes": copied.volumes(),
        "proved_volumes": copied.proved_volumes(),
        "differ": copied.do_differ(),
        "files": compare::files_json(copied),
    })
}
