//! What can be typed after `btsindex sidecar`.

use clap::{Args, Subcommand};

use super::By;

/// Carry tags, notes, ratings and markers beside the footage, as XMP that Premiere, Bridge and others read
#[derive(Debug, Args)]
pub(crate) struct Sidecar {
    #[command(subcommand)]
    pub(crate) command: SidecarCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SidecarCommand {
    /// Write what people said of clips into an XMP file of each clip's name beside it
    ///
    /// C0001.MP4 gets C0001.xmp, on each drive that is there; C0001.MP4.xmp where the usual name is, or may be, another file's. What others wrote in it stays; what was taken back here since it
    /// was written goes. The footage itself is not touched. Rejected clips get the rating -1.
    Write {
        /// Only clips that a search for these words finds [default: all that people said something of]
        #[arg(value_name = "WORDS")]
        words: Vec<String>,

        /// Do not ask before files are written
        #[arg(long, short)]
        yes: bool,

        /// Print an object a file
        #[arg(long)]
        json: bool,
    },
    /// Take in what other programs wrote into the XMP files beside clips, as your words
    ///
    /// What people decided here stays: a tag that was removed, other stars. Such things are listed.
    Read {
        /// Only clips that a search for these words finds [default: all]
        #[arg(value_name = "WORDS")]
        words: Vec<String>,

        /// Where they say otherwise, believe the XMP files
        #[arg(long)]
        prefer_xmp: bool,

        /// Print an object a clip
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        by: By,
    },
}
