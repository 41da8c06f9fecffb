//! Author recorded with edits and ingests.

use std::env;

use crate::cli;

/// Name used if neither `--author` nor the environment provides one.
const UNKNOWN: &str = "unknown";

/// Returns `--author`, or the login name.
pub(super) fn from_args(by: &cli::AuthorArgs) -> String {
    let login = || {
        ["USER", "LOGNAME", "USERNAME"]
            .into_iter()
            .find_map(|name| env::var(name).ok())
    };
    let name = by.author.clone().or_else(login).unwrap_or_default();
    match name.trim() {
        "" => UNKNOWN.to_owned(),
        name => name.to_owned(),
    }
}
