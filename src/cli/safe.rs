//! What can be typed after `btsindex safe`.

use std::path::PathBuf;

use btsindex::safe::COPIES;
use btsindex::value::{Age, Malformed, parse_name};
use clap::Args;

/// Say whether a card may be formatted
///
/// Reads and hashes every file on the card now, and counts the distinct disks on which the catalogue knows a verified copy of just
/// that content: compared in full, never by fingerprint. Two partitions of one disk count once, and so do shares of one server;
/// a disk whose number nobody knows does not count (`btsindex volumes disk` says it), nor does the card's own. Copies on drives that
/// are not mounted count by their last verification; of those that are, size and times are looked at.
///
/// SAFE TO FORMAT means: every file, on as many disks as were asked for. Every doubt ends in no. Ends with 0 when it is
/// safe, with 4 when it is not.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag that can be typed"
)]
pub(crate) struct Safe {
    /// Cards
    #[arg(required = true, value_name = "CARD")]
    pub(crate) cards: Vec<PathBuf>,

    /// On how many disks each file has to be, beside the card
    #[arg(long, value_name = "N", default_value_t = COPIES, value_parser = clap::value_parser!(u8).range(1..=20))]
    pub(crate) copies: u8,

    /// How long ago each copy has to have been verified at most: 12h, 30d
    #[arg(long, value_name = "AGE")]
    pub(crate) max_age: Option<Age>,

    /// Which disk the card is on, where its reader tells no number: what you call it
    #[arg(long, value_name = "DISK", value_parser = disk)]
    pub(crate) card_disk: Option<String>,

    /// Read only samples of files whose size, time and sample are those of when the card was ingested
    #[arg(long)]
    pub(crate) trust_ingest: bool,

    /// Read every copy whose drive is mounted, now
    #[arg(long)]
    pub(crate) paranoid: bool,

    /// List every file, with each of its copies
    #[arg(long)]
    pub(crate) files: bool,

    /// Tell what happens as JSON, an object a line: each file, then the verdict
    #[arg(long)]
    pub(crate) json: bool,
}

fn disk(text: &str) -> Result<String, Malformed> {
    parse_name(text).map(str::to_owned)
}
