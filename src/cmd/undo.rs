//! `btsindex undo`: undoes the last command that edited clips, or one edit.

use std::io::Write;
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::error::escape;
use btsindex::value::counted;

use super::author;
use super::stdio::stdout;
use crate::cli::{self, Exit};

/// Maximum number of edits listed.
const LISTED: usize = 5;

pub(crate) fn run(args: &cli::UndoArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    let author = author::from_args(&args.by);
    let undone = match &args.edit {
        Some(edit) => catalogue.undo(edit, &author)?,
        None => catalogue.undo_last(&author)?,
    };
    let mut out = stdout();
    if undone.is_empty() {
        writeln!(out, "nothing to undo")?;
        out.flush()?;
        return Ok(Exit::Negative);
    }
    writeln!(out, "undid {}", counted(undone.len(), "edit"))?;
    for edit in undone.iter().take(LISTED) {
        writeln!(out, "  {}", escape(&edit.content.action.to_string()))?;
    }
    if undone.len() > LISTED {
        writeln!(out, "  and {} more", undone.len() - LISTED)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
