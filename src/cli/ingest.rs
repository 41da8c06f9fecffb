//! Arguments of `btsindex ingest`, `ingests` and `verify`.

use std::path::PathBuf;

use btsindex::checksum::HashKind;
use btsindex::shoot_day::{ClockCorrection, Template, parse_day_start};
use clap::Args;
use jiff::civil::{Date, Time};

use super::author::AuthorArgs;
use super::format::{Events, FORMAT, FormatArgs, Rows};

/// Offload the cards of a shoot day: copy, verify, seal, catalogue
///
/// Reads each file of a card once, writes it to all destinations at the same time, reads each copy back from its disk and
/// compares it; a copy gets its final name only after that. Copies everything on a card, never overwrites a file, and opens the card
/// read-only. Writes an ASC MHL manifest to each destination. Stores the facts of the shoot day with the clips.
///
/// After an interruption, a full disk or an unplugged drive, run the same command to resume. A card that fails does not stop the others.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command"
)]
pub(crate) struct IngestArgs {
    /// Cards or folders, or day files (*.toml) that list them
    #[arg(
        value_name = "PATH",
        required_unless_present_any = ["example", "watch"]
    )]
    pub(crate) paths: Vec<PathBuf>,

    /// Destination folder; repeat for more copies. Placeholders: {production}, {date}, {year}, {month}, {day}, {kind}, {location},
    /// {camera}, {card}. The folder before the first placeholder must exist
    #[arg(long, value_name = "FOLDER")]
    pub(crate) to: Vec<Template>,

    /// Allow a destination below a mount point without a mounted drive, which is on the system disk
    #[arg(long)]
    pub(crate) allow_system_disk: bool,

    /// Kind of hash that verifies copies [default: xxh128]
    #[arg(long, value_name = "KIND", value_parser = hash)]
    pub(crate) hash: Option<HashKind>,

    #[command(flatten)]
    pub(crate) day: DayArgs,

    /// Start of the shoot day: earlier clips belong to the previous day [default: 00:00]
    #[arg(long, value_name = "HH:MM", value_parser = parse_day_start)]
    pub(crate) day_starts: Option<Time>,

    /// Catalogue the footage in place with the facts of the day; copy nothing
    #[arg(long, conflicts_with = "to")]
    pub(crate) scan_only: bool,

    /// Ingest every card that is or will be mounted in this folder, once it stops changing; Ctrl-C stops watching
    #[arg(long, value_name = "DIR")]
    pub(crate) watch: Option<PathBuf>,

    /// Seconds that a watched card must remain unchanged
    #[arg(long, value_name = "SECONDS", default_value_t = 10, requires = "watch", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) quiet: u64,

    /// Print the plan without copying anything
    #[arg(long, conflicts_with = "watch")]
    pub(crate) dry_run: bool,

    /// Catalogue without posters and filmstrips; the next scan creates them
    #[arg(long)]
    pub(crate) no_pictures: bool,

    /// Print an example day file
    #[arg(long, conflicts_with_all = ["paths", "to", "scan_only", "watch", "dry_run", FORMAT])]
    pub(crate) example: bool,

    #[command(flatten)]
    pub(crate) format: FormatArgs<Events>,

    #[command(flatten)]
    pub(crate) by: AuthorArgs,
}

/// Facts of a shoot day and its cards.
#[derive(Debug, Args)]
pub(crate) struct DayArgs {
    /// Name of the production
    #[arg(long, value_name = "NAME")]
    pub(crate) production: Option<String>,

    /// Date of the shoot day [default: date of the newest files on the card]
    #[arg(long, value_name = "DATE")]
    pub(crate) date: Option<Date>,

    /// Number of the shoot day
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=999))]
    pub(crate) number: Option<u32>,

    /// Kind of shoot, added as a tag
    #[arg(long, value_name = "TAG")]
    pub(crate) kind: Option<String>,

    /// Where the footage was shot
    #[arg(long, value_name = "PLACE")]
    pub(crate) location: Option<String>,

    /// Crew member, such as director="Anna Kim"; can be repeated
    #[arg(long, value_name = "ROLE=NAME")]
    pub(crate) crew: Vec<String>,

    /// Tags for all clips, separated by commas
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    pub(crate) tags: Vec<String>,

    /// Camera letter of the cards given here
    #[arg(long, value_name = "LETTER")]
    pub(crate) camera: Option<String>,

    /// Name of the card [default: name of its folder]
    #[arg(long, value_name = "NAME")]
    pub(crate) card_name: Option<String>,

    /// Correct the camera's clock: an offset (+01:02:00), or the time it showed and the correct time ("14:00:00=15:02:00")
    #[arg(long, value_name = "CLOCK", allow_hyphen_values = true)]
    pub(crate) clock: Option<ClockCorrection>,
}

fn hash(text: &str) -> Result<HashKind, String> {
    text.parse()
        .map_err(|wrong: btsindex::value::Malformed| wrong.to_string())
}

/// List ingests: cards, copies, and how and when they were verified
#[derive(Debug, Args)]
pub(crate) struct IngestsArgs {
    /// Number of the ingest to show in detail
    #[arg(value_name = "NO")]
    pub(crate) number: Option<i64>,

    /// Also list its files
    #[arg(long, requires = "number")]
    pub(crate) files: bool,

    #[command(flatten)]
    pub(crate) format: FormatArgs<Rows>,
}

/// Verify the files of a folder against their recorded hashes
///
/// Reads each file from its disk and compares it with every record that exists: the folder's ASC MHL history, older MHL files in it, the
/// ingest log, and hashes in the catalogue. Lists altered, missing and new files. Exit code 4: a file is altered or missing;
/// 3: a file could not be read or verified.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Folders to verify
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Record the result as a new generation of the folder's ASC MHL history
    #[arg(long)]
    pub(crate) record: bool,

    /// Also list verified files
    #[arg(long, short)]
    pub(crate) verbose: bool,

    #[command(flatten)]
    pub(crate) format: FormatArgs<Events>,

    #[command(flatten)]
    pub(crate) by: AuthorArgs,
}
