//! `btsindex history`: lists all edits of a clip.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::clip::{Edit, in_effect, short_id};
use btsindex::output::{RowColumn, RowListing};
use serde_json::json;

use super::stdio::{print, stdout};
use crate::cli::{self, Exit};

pub(crate) fn run(args: &cli::HistoryArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let clip = catalogue.find_number(&args.clip)?;
    let edits = catalogue.edits(catalogue.content_of(clip)?)?;
    let format = args.format.get();
    let mut out = stdout();
    if edits.is_empty() && !format.is_for_programs() {
        writeln!(out, "no edits yet")?;
        out.flush()?;
        return Ok(Exit::Done);
    }
    print(listing(&edits), format, &mut out)?;
    Ok(Exit::Done)
}

fn listing(edits: &[Edit]) -> RowListing<'_, &Edit> {
    let active: HashSet<_> = in_effect(edits).iter().map(|edit| edit.id).collect();
    let undone = active.clone();
    let columns = vec![
        RowColumn::new("edit", |edit: &&Edit| json!(edit.id))
            .shown("edit", |edit| short_id(edit.id)),
        RowColumn::new("at", |edit: &&Edit| json!(edit.time_text()))
            .shown("time", |edit| edit.time_text()),
        RowColumn::new("author", |edit: &&Edit| json!(edit.content.author))
            .shown("author", |edit| edit.content.author.clone()),
        RowColumn::new("action", |edit: &&Edit| json!(edit.content.action))
            .cell(|edit| edit.content.action.to_string())
            .shown("action", |edit| edit.content.action.to_string()),
        RowColumn::new("counts", move |edit: &&Edit| {
            json!(active.contains(&edit.id))
        })
        .shown("", move |edit| {
            let is_active = undone.contains(&edit.id);
            if is_active { "" } else { "(undone)" }.to_owned()
        }),
    ];
    RowListing::new(columns, edits.iter().map(Ok))
}
