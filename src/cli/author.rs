//! Option `--author` of commands that record an author.

use clap::Args;

/// Author of an edit.
#[derive(Debug, Args)]
pub(crate) struct AuthorArgs {
    /// Author recorded with the edit [default: $USER]
    #[arg(
        long,
        value_name = "NAME",
        env = "BTSINDEX_AUTHOR",
        hide_env_values = true
    )]
    pub(crate) author: Option<String>,
}
