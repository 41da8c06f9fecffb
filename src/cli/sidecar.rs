//! Arguments of `btsindex sidecar`.

use clap::{Args, Subcommand};

use super::author::AuthorArgs;
use super::format::{FormatArgs, PerClip, PerFile};

/// Exchange tags, notes, ratings and markers with Premiere, Bridge and others as XMP sidecars
#[derive(Debug, Args)]
pub(crate) struct SidecarArgs {
    #[command(subcommand)]
    pub(crate) command: SidecarCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SidecarCommand {
    /// Write edits to XMP sidecars next to the clips
    ///
    /// C0001.MP4 gets C0001.xmp on every mounted drive, or C0001.MP4.xmp if C0001.xmp belongs to another file. Properties
    /// written by other programs are kept; edits that were undone since the last write are removed. The footage itself is not
    /// touched. Rejected clips get the rating -1.
    Write {
        /// Only clips that match this search [default: all clips with edits]
        #[arg(value_name = "WORDS")]
        words: Vec<String>,

        /// Skip the confirmation
        #[arg(long, short)]
        yes: bool,

        #[command(flatten)]
        format: FormatArgs<PerFile>,
    },
    /// Import changes that other programs made to XMP sidecars, as your edits
    ///
    /// Edits made here win, such as a removed tag or another rating. Such conflicts are listed.
    Read {
        /// Only clips that match this search [default: all]
        #[arg(value_name = "WORDS")]
        words: Vec<String>,

        /// Let the sidecars win in conflicts
        #[arg(long)]
        prefer_xmp: bool,

        #[command(flatten)]
        format: FormatArgs<PerClip>,

        #[command(flatten)]
        by: AuthorArgs,
    },
}
