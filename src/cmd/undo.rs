//! `btsindex undo`

use std::io::Write;
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::error::escape;
use btsindex::output::counted;

use super::{Exit, ask, stdout};
use crate::cli;

/// Edits that are told one by one.
const TOLD: usize = 5;

pub(crate) fn run(args: &cli::UndoArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let author = ask::author(&args.by);
    let undone = match &args.edit {
        Some(edit) => catalogue.undo(edit, &author)?,
        None => catalogue.undo_last(&author)?,
    };
    let mut out = stdout();
    if undone.is_empty() {
        writeln!(out, "there is nothing to take back")?;
        out.flush()?;
        return Ok(Exit::NothingFound);
    }
    writeln!(out, "{} taken back", counted(undone.len(), "edit"))?;
    for edit in undone.iter().take(TOLD) {
        writeln!(out, "  {}", escape(&edit.content.action.to_string()))?;
    }
    if undone.len() > TOLD {
        writeln!(out, "  and {} more", undone.len() - TOLD)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
