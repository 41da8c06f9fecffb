//! Standard output and standard error of the subcommands.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use btsindex::error::Error;
use btsindex::index::IndexNotice;
use btsindex::output::{OutputDevice, OutputFormat, RowListing, write_listing};

/// Prints a notice of the index to standard error, as a warning if something is wrong.
pub(super) fn print_index_notice(note: &IndexNotice) {
    let is_routine = matches!(
        note,
        IndexNotice::Waiting { .. } | IndexNotice::Rebuilt { .. } | IndexNotice::InMemory { .. }
    );
    let prefix = if is_routine { "" } else { "warning: " };
    // Standard error may be closed; the command continues.
    let _ = writeln!(io::stderr(), "{prefix}{note}");
}

/// Returns buffered standard output, for data.
pub(super) fn stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::new(io::stdout().lock())
}

/// Returns the width of the terminal; `None` if standard output is not a terminal.
pub(super) fn width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

/// Writes a listing to standard output, which `out` buffers.
pub(super) fn print<R>(
    listing: RowListing<'_, R>,
    format: OutputFormat,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let device = OutputDevice {
        is_terminal: io::stdout().is_terminal(),
        width: width(),
    };
    let written = write_listing(listing, format, device, out).and_then(|()| out.flush());
    written.map_err(|error| match error.downcast::<Error>() {
        Ok(error) => error.into(),
        Err(error) => error.into(),
    })
}
