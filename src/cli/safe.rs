//! Arguments of `btsindex safe`.

use std::path::PathBuf;

use btsindex::safe::COPIES;
use btsindex::value::{Age, Malformed, parse_name};
use clap::Args;

use super::format::{FormatArgs, Verdict};

/// Check whether a card can be formatted
///
/// Reads and hashes every file on the card, and counts the distinct disks that hold a verified copy of the same content: compared
/// completely, never by fingerprint. Partitions of one disk count once, and so do shares of one server. A disk without a known serial number
/// does not count (set one with `btsindex volumes disk`), nor does the card itself. Copies on offline drives count by their last
/// verification; copies on mounted drives must still have the size and times they had then.
///
/// SAFE TO FORMAT means that every file is on the required number of disks. Any doubt means NOT SAFE. Exit code 0: safe; 4: not
/// safe.
#[derive(Debug, Args)]
pub(crate) struct SafeArgs {
    /// Cards: mount points or folders
    #[arg(required = true, value_name = "CARD")]
    pub(crate) cards: Vec<PathBuf>,

    /// Number of disks that must hold each file, in addition to the card
    #[arg(long, value_name = "N", default_value_t = COPIES, value_parser = clap::value_parser!(u8).range(1..=20))]
    pub(crate) copies: u8,

    /// Maximum age of a verification: 12h, 30d
    #[arg(long, value_name = "AGE")]
    pub(crate) max_age: Option<Age>,

    /// Your name for the disk the card is on, if its reader reports no serial number
    #[arg(long, value_name = "DISK", value_parser = disk)]
    pub(crate) card_disk: Option<String>,

    /// Read only samples of card files whose size and times are unchanged since the ingest
    #[arg(long)]
    pub(crate) trust_ingest: bool,

    /// Read all copies on mounted drives again
    #[arg(long)]
    pub(crate) paranoid: bool,

    /// List every file with all its copies
    #[arg(long)]
    pub(crate) files: bool,

    #[command(flatten)]
    pub(crate) format: FormatArgs<Verdict>,
}

fn disk(text: &str) -> Result<String, Malformed> {
    parse_name(text).map(str::to_owned)
}
