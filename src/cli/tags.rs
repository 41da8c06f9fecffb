//! Arguments of `btsindex tags`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::author::AuthorArgs;
use super::format::{FormatArgs, OneObject, Rows};

/// List tags with clip counts; show and change the rules that add them
///
/// Tags come from people and from rules. A rule checks folder names, file names and metadata, and each tag it adds
/// states the reason. Tags added or removed by a person override the rules.
///
/// Custom rules are in rules.toml in the catalogue's folder, custom words in vocabulary.toml.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct TagsArgs {
    #[command(subcommand)]
    pub(crate) command: Option<TagsCommand>,

    /// List tags without clips as well
    #[arg(long)]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) format: FormatArgs<Rows>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TagsCommand {
    /// Explain why a clip has its tags, and why it lacks others
    Explain {
        /// Path, file name, or start of an id
        #[arg(value_name = "CLIP")]
        clip: PathBuf,

        #[command(flatten)]
        format: FormatArgs<OneObject>,
    },
    /// Show what other rules would change, without applying them
    Test {
        /// Rules in the format of rules.toml
        #[arg(value_name = "RULES.toml")]
        rules: PathBuf,

        /// Only clips that match this search
        #[arg(value_name = "WORDS")]
        words: Vec<String>,

        /// Custom vocabulary, in the format of vocabulary.toml
        #[arg(long, value_name = "FILE")]
        vocabulary: Option<PathBuf>,

        #[command(flatten)]
        format: FormatArgs<Rows>,
    },
    /// Activate rules.toml and vocabulary.toml and tag all clips again, online or offline
    ///
    /// A file with an error changes nothing. Without the file, the active version is kept; an empty file leaves only the
    /// built-in rules or words.
    Apply {
        #[command(flatten)]
        format: FormatArgs<OneObject>,
    },
    /// Rename a tag and its subtags, on all clips and in future
    Rename {
        /// Tag
        #[arg(value_name = "TAG")]
        from: String,

        /// New name
        #[arg(value_name = "NEW")]
        to: String,

        /// Skip the confirmation
        #[arg(long, short)]
        yes: bool,

        #[command(flatten)]
        by: AuthorArgs,
    },
    /// Merge tags into one, on all clips and in future
    Merge {
        /// Tags to merge
        #[arg(value_name = "TAG", required = true)]
        from: Vec<String>,

        /// Resulting tag
        #[arg(long, value_name = "TAG")]
        into: String,

        /// Skip the confirmation
        #[arg(long, short)]
        yes: bool,

        #[command(flatten)]
        by: AuthorArgs,
    },
    /// Print the built-in rules, or the active custom rules
    Rules {
        /// Custom instead of built-in
        #[arg(long)]
        own: bool,
    },
    /// Print the built-in vocabulary, or the active custom vocabulary
    Vocabulary {
        /// Custom instead of built-in
        #[arg(long)]
        own: bool,
    },
}
