//! `btsindex history`

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::clip::{in_effect, short_id};
use btsindex::output::{Table, json_line};
use serde_json::json;

use super::{Exit, stdout, width};
use crate::cli;

pub(crate) fn run(args: &cli::HistoryArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let clip = catalogue.find_number(&args.clip)?;
    let edits = catalogue.edits(catalogue.content_of(clip)?)?;
    let counting: HashSet<_> = in_effect(&edits).iter().map(|edit| edit.id).collect();
    let mut out = stdout();
    let mut table = Table::new(&["edit", "when", "who", "what", ""], width());
    for edit in &edits {
        let counts = counting.contains(&edit.id);
        if args.json {
            let line = json!({
                "edit": edit.id, "at": edit.at(), "author": edit.content.author,
                "action": edit.content.action, "counts": counts,
            });
            writeln!(out, "{}", json_line(&line))?;
            continue;
        }
        table.row(&[
            short_id(edit.id),
            edit.at(),
            edit.content.author.clone(),
            edit.content.action.to_string(),
            if counts { "" } else { "(taken back)" }.to_owned(),
        ]);
    }
    if !args.json {
        if edits.is_empty() {
            writeln!(out, "nobody said anything of it yet")?;
        } else {
            table.write(&mut out)?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}
