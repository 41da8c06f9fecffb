//! Standard output and standard error of the subcommands.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use btsindex::index::IndexNotice;

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
