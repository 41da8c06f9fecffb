//! Asking before something is done that many clips feel; and who it is that asks for it.

use std::env;
use std::io::{self, BufRead, IsTerminal, Write};

use btsindex::error::Error;

use crate::cli;

/// Whether the answer is yes. Where nobody is there to be asked, that is an error.
pub(super) fn confirm(question: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        return Err(Error::Unconfirmed(format!("{question} was not answered")).into());
    }
    write!(io::stderr(), "{question} [y/N] ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}

/// The name that edits are kept under.
pub(super) fn author(by: &cli::AuthorArgs) -> String {
    let login = || {
        ["USER", "LOGNAME", "USERNAME"]
            .into_iter()
            .find_map(|name| env::var(name).ok())
    };
    let name = by.author.clone().or_else(login).unwrap_or_default();
    match name.trim() {
        "" => "somebody".to_owned(),
        name => name.to_owned(),
    }
}
