//! What can be typed after `btsindex tags`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::By;

/// List the tags there are, and how many clips have each; see and change what gives them
///
/// Tags come from people and from rules. A rule reads folder and file names and what is known of a clip, and each tag it
/// gives says why it is there. What a person added or removed stays so, whatever rules say.
///
/// Your own rules stand in rules.toml in the catalogue's folder, your own words in vocabulary.toml.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Tags {
    #[command(subcommand)]
    pub(crate) command: Option<TagsCommand>,

    /// List tags that no clip has, too
    #[arg(long)]
    pub(crate) all: bool,

    /// Print an object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TagsCommand {
    /// Say why a clip has its tags, and why it has not others
    Explain {
        /// A path, a file name, or the beginning of an id
        #[arg(value_name = "CLIP")]
        clip: PathBuf,

        /// Print one object
        #[arg(long)]
        json: bool,
    },
    /// Show what would change if other rules were in force; nothing does
    Test {
        /// The rules, as they would stand in rules.toml
        #[arg(value_name = "RULES.toml")]
        rules: PathBuf,

        /// Only clips that a search for these words finds
        #[arg(value_name = "WORDS")]
        words: Vec<String>,

        /// With other words of your own, as they would stand in vocabulary.toml
        #[arg(long, value_name = "FILE")]
        vocabulary: Option<PathBuf>,

        /// Print an object a line
        #[arg(long)]
        json: bool,
    },
    /// Put rules.toml and vocabulary.toml in force, and tag all clips by them, without their drives
    ///
    /// Where they cannot be understood, nothing changes. Take a file away to keep what is in force; an empty one
    /// leaves only what comes with btsindex.
    Apply {
        /// Print one object
        #[arg(long)]
        json: bool,
    },
    /// Call a tag, and all below it, something else, on all clips and from now on
    Rename {
        /// The tag
        #[arg(value_name = "TAG")]
        from: String,

        /// What it is called from now on
        #[arg(value_name = "NEW")]
        to: String,

        /// Do not ask before clips change
        #[arg(long, short)]
        yes: bool,

        #[command(flatten)]
        by: By,
    },
    /// Make one tag of several, on all clips and from now on
    Merge {
        /// The tags
        #[arg(value_name = "TAG", required = true)]
        from: Vec<String>,

        /// The tag that they become
        #[arg(long, value_name = "TAG")]
        into: String,

        /// Do not ask before clips change
        #[arg(long, short)]
        yes: bool,

        #[command(flatten)]
        by: By,
    },
    /// Print the rules that come with btsindex, or your own that are in force
    Rules {
        /// Your own
        #[arg(long)]
        own: bool,
    },
    /// Print the vocabulary that comes with btsindex, or your own that is in force
    Vocabulary {
        /// Your own
        #[arg(long)]
        own: bool,
    },
}
