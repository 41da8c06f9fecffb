//! `btsindex history`: lists all edits of a clip.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::clip::{in_effect, short_id};
use btsindex::output::{TextTable, json_line};
use serde_json::json;

use super::stdio::{stdout, width};
use crate::cli::{self, Exit};

pub(crate) fn run(args: &cli::HistoryArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let clip = catalogue.find_number(&args.clip)?;
    let edits = catalogue.edits(catalogue.content_of(clip)?)?;
    let active: HashSet<_> = in_effect(&edits).iter().map(|edit| edit.id).collect();
    let mut out = stdout();
    let mut table = TextTable::new(&["edit", "time", "author", "action", ""], width());
    for edit in &edits {
        let is_active = active.contains(&edit.id);
        if args.json {
            let line = json!({
                "edit": edit.id, "at": edit.time_text(), "author": edit.content.author,
                "action": edit.content.action, "counts": is_active,
            });
            writeln!(out, "{}", json_line(&line))?;
            continue;
        }
        table.row(&[
            short_id(edit.id),
            edit.time_text(),
            edit.content.author.clone(),
            edit.content.action.to_string(),
            if is_active { "" } else { "(undone)" }.to_owned(),
        ]);
    }
    if !args.json {
        if edits.is_empty() {
            writeln!(out, "no edits yet")?;
        } else {
            table.write(&mut out)?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}
