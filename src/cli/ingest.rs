//! What can be typed after `btsindex ingest` and `btsindex ingests`.

use std::path::PathBuf;

use btsindex::checksum::HashKind;
use btsindex::shoot_day::{ClockCorrection, Template, parse_starts};
use clap::Args;
use jiff::civil::{Date, Time};

use super::By;

/// Take in the cards of a shoot day: copy, prove, seal, catalogue
///
/// Each file of a card is read once and written to every destination at once, then read back from each disk
/// and compared; only then the copy gets its name. Everything on a card is copied, nothing is ever overwritten, and the card is only
/// read. Each destination gets an ASC MHL manifest. What is said of the day is kept with the clips.
///
/// Interrupted, full, unplugged: the same command goes on where it stopped. One card that fails does not stop the others.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag that can be typed"
)]
pub(crate) struct Ingest {
    /// Cards or folders, and day files (*.toml) that name them
    #[arg(
        value_name = "PATH",
        required_unless_present_any = ["example", "watch"]
    )]
    pub(crate) paths: Vec<PathBuf>,

    /// Where to copy to; several times for several copies. In braces: production, date, year, month, day, kind, location, camera,
    /// card. What comes before the first brace must be there
    #[arg(long, value_name = "FOLDER")]
    pub(crate) to: Vec<Template>,

    /// Copy also to a folder where a drive is usually mounted and is not now: it is on the system disk
    #[arg(long)]
    pub(crate) allow_system_disk: bool,

    /// By which hash copies are proved [default: xxh128]
    #[arg(long, value_name = "KIND", value_parser = hash)]
    pub(crate) hash: Option<HashKind>,

    #[command(flatten)]
    pub(crate) day: Said,

    /// When a day begins: what was shot before belongs to the day before [default: 00:00]
    #[arg(long, value_name = "HH:MM", value_parser = parse_starts)]
    pub(crate) day_starts: Option<Time>,

    /// The footage stays where it is: only catalogue it, with what is said of the day
    #[arg(long, conflicts_with = "to")]
    pub(crate) scan_only: bool,

    /// Take in every card that is in this folder or is mounted there later, when nothing on it changes any more; Ctrl-C ends it
    #[arg(long, value_name = "DIR")]
    pub(crate) watch: Option<PathBuf>,

    /// Seconds for which nothing on a watched card may change
    #[arg(long, value_name = "SECONDS", default_value_t = 10, requires = "watch", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) quiet: u64,

    /// Print what would be done, and do nothing
    #[arg(long, conflicts_with = "watch")]
    pub(crate) dry_run: bool,

    /// Read headers only when cataloguing; the next scan makes the pictures
    #[arg(long)]
    pub(crate) no_pictures: bool,

    /// Print a day file to begin with
    #[arg(long, conflicts_with_all = ["paths", "to", "scan_only", "watch", "dry_run", "json"])]
    pub(crate) example: bool,

    /// Tell what happens as JSON, an object a line
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) by: By,
}

/// What is said of a day, and of its cards.
#[derive(Debug, Args)]
pub(crate) struct Said {
    /// What it was shot for
    #[arg(long, value_name = "NAME")]
    pub(crate) production: Option<String>,

    /// Which day [default: that of the latest files on the card]
    #[arg(long, value_name = "DATE")]
    pub(crate) date: Option<Date>,

    /// Which day of the shoot
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=999))]
    pub(crate) number: Option<u32>,

    /// What kind of shoot: becomes a tag
    #[arg(long, value_name = "TAG")]
    pub(crate) kind: Option<String>,

    /// Where
    #[arg(long, value_name = "PLACE")]
    pub(crate) location: Option<String>,

    /// Who: director=Anna Kim; several times
    #[arg(long, value_name = "ROLE=NAME")]
    pub(crate) crew: Vec<String>,

    /// Tags for all of it, with commas between them
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    pub(crate) tags: Vec<String>,

    /// Letter of the camera, of the cards named here
    #[arg(long, value_name = "LETTER")]
    pub(crate) camera: Option<String>,

    /// What the card is called instead of its folder
    #[arg(long, value_name = "NAME")]
    pub(crate) card_name: Option<String>,

    /// Put the camera's clock right: +01:02:00, or what it showed and what time it was: "14:00:00=15:02:00"
    #[arg(long, value_name = "CLOCK", allow_hyphen_values = true)]
    pub(crate) clock: Option<ClockCorrection>,
}

fn hash(text: &str) -> Result<HashKind, String> {
    text.parse()
        .map_err(|wrong: btsindex::value::Malformed| wrong.to_string())
}

/// List what was taken in: cards, copies, when they were verified and how
#[derive(Debug, Args)]
pub(crate) struct Ingests {
    /// Only this one, with everything that is known of it
    #[arg(value_name = "NO")]
    pub(crate) number: Option<i64>,

    /// … and each of its files
    #[arg(long, requires = "number")]
    pub(crate) files: bool,

    /// Print an object an ingest
    #[arg(long)]
    pub(crate) json: bool,
}

/// Check that every file of a folder is still what it was
///
/// Reads each file from its disk and compares it with the folder's ASC MHL history, with older MHL lists in it, with the log of
/// ingests and with the hashes in the catalogue: whatever there is. Says which files are verified, altered, missing, new. Ends
/// with 4 when a file is altered or missing, with 3 when one could not be compared.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Folders
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Write what was found into a new generation of the folder's ASC MHL
    #[arg(long)]
    pub(crate) record: bool,

    /// List the files that are verified, too
    #[arg(long, short)]
    pub(crate) verbose: bool,

    /// Tell what happens as JSON, an object a line
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) by: By,
}
