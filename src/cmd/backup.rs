//! `btsindex backup`: copies the catalogue to a file.

use std::io::Write;
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::error::escape;
use btsindex::value::counted;

use super::interrupt::Interrupt;
use super::stdio::stdout;
use crate::cli::{self, Exit};

pub(crate) fn run(args: &cli::BackupArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let interrupt = Interrupt::new()?;
    let catalogue = Catalogue::open(catalogue)?;
    catalogue.backup_unless_cancelled(&args.file, &|| interrupt.is_requested())?;
    let mut out = stdout();
    writeln!(
        out,
        "backed up {} and {} to {}",
        counted(catalogue.count()?, "clip"),
        counted(catalogue.edit_count()?, "edit"),
        escape(&args.file.to_string_lossy())
    )?;
    out.flush()?;
    Ok(Exit::Done)
}
