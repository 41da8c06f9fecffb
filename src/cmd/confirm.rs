//! Confirmation prompt of commands that change several clips.

use std::io::{self, BufRead, IsTerminal, Write};

use btsindex::error::Error;

/// Asks a yes/no question on standard error, such as `change 3 clips`. Returns true for `y` or `yes`.
///
/// # Errors
/// [`Error::Unconfirmed`] if standard input is not a terminal.
pub(super) fn confirm(action: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        return Err(Error::Unconfirmed(action.to_owned()).into());
    }
    write!(io::stderr(), "{action}? [y/N] ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}
