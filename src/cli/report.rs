//! Arguments of `btsindex report` and `btsindex sheet`.

use std::path::PathBuf;

use clap::Args;

use super::format::{FORMAT, FormatArgs, ReportData};

/// Write a report of a shoot day as one self-contained HTML file
///
/// Shows an overview of the day, a timeline with one lane per camera, anomalies, the cards and their copies, and every clip with its
/// poster. Works offline in any browser, also on a phone: search, filter, sort, print. Reads only the catalogue, so all drives may be
/// offline.
///
/// DAY is a date, `today`, `yesterday`, a weekday, or a day file with a date; WORDS after it narrow the report down. Anything else is
/// a query. A report of more than 2,000 clips is a folder with the page and its pictures.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Day, or a query as for `btsindex search`
    #[arg(value_name = "DAY|WORDS", required = true)]
    pub(crate) words: Vec<String>,

    /// Output file, `-` for standard output; replaces an earlier report, but no other file
    /// [default: DAY.html or report.html in the current folder; standard output with --format]
    #[arg(long, short, value_name = "FILE", allow_hyphen_values = true)]
    pub(crate) output: Option<PathBuf>,

    /// Write a folder with the page and its pictures, whatever the number of clips
    #[arg(long, conflicts_with = FORMAT)]
    pub(crate) folder: bool,

    #[command(flatten)]
    pub(crate) format: FormatArgs<ReportData>,
}

/// Write a contact sheet of a day or a search: a printable grid of pictures
///
/// Built from the same parts as a report; search and filters work the same way.
#[derive(Debug, Args)]
pub(crate) struct SheetArgs {
    /// Day, or a query as for `btsindex search`
    #[arg(value_name = "DAY|WORDS", required = true)]
    pub(crate) words: Vec<String>,

    /// Output file, `-` for standard output; replaces an earlier sheet or report, but no other file
    /// [default: DAY-sheet.html or sheet.html in the current folder]
    #[arg(long, short, value_name = "FILE", allow_hyphen_values = true)]
    pub(crate) output: Option<PathBuf>,

    /// Pictures per row [default: 4; 1 with --strips]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=12))]
    pub(crate) columns: Option<u8>,

    /// Show filmstrips instead of posters
    #[arg(long)]
    pub(crate) strips: bool,

    /// Write a folder with the page and its pictures, whatever the number of clips
    #[arg(long)]
    pub(crate) folder: bool,
}
