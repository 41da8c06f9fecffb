//! What can be typed after `btsindex report` and `btsindex sheet`.

use std::path::PathBuf;

use clap::Args;

/// Make a report of a shoot day: one HTML file that needs nothing else
///
/// The day at a glance, a time line with a lane a camera, what is odd, the cards and where their copies are, and every clip with its
/// picture. It searches, filters and sorts in any browser, from a stick or on a phone, offline, and prints well. Nothing is
/// read from drives: they may all be on the shelf.
///
/// A day is a date, `today`, `yesterday`, a weekday, or a day file that has a date; words after it are a query that narrows it down.
/// Anything else is a query. More than 2,000 clips become a folder of that name, with the pictures beside the page.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// A day, or words and filters as `btsindex search` takes them
    #[arg(value_name = "DAY|WORDS", required = true)]
    pub(crate) words: Vec<String>,

    /// Where to write it, `-` for standard output; an earlier report is replaced, nothing else is
    /// [default: the day, or `report`, with .html, in the current folder; standard output with --json, --csv]
    #[arg(long, short, value_name = "FILE", allow_hyphen_values = true)]
    pub(crate) output: Option<PathBuf>,

    /// Make a folder of that name, with the pictures beside the page, however few clips there are
    #[arg(long, conflicts_with_all = ["json", "csv"])]
    pub(crate) folder: bool,

    /// Print one JSON object: the day, totals, cards, what is odd, clips
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,

    /// Print CSV (RFC 4180), a row a clip, with a heading; what a spreadsheet would work out has a ' before it
    #[arg(long)]
    pub(crate) csv: bool,
}

/// Make a contact sheet of a day or a search: pictures in a grid, to be printed
///
/// It is made of the same parts as a report, and can be searched and filtered in the same way.
#[derive(Debug, Args)]
pub(crate) struct Sheet {
    /// A day, or words and filters as `btsindex search` takes them
    #[arg(value_name = "DAY|WORDS", required = true)]
    pub(crate) words: Vec<String>,

    /// Where to write it, `-` for standard output; an earlier sheet or report is replaced, nothing else is
    /// [default: the day and `-sheet`, or `sheet`, with .html, in the current folder]
    #[arg(long, short, value_name = "FILE", allow_hyphen_values = true)]
    pub(crate) output: Option<PathBuf>,

    /// Pictures beside each other [default: 4; 1 with --strips]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=12))]
    pub(crate) columns: Option<u8>,

    /// Show each clip's strip instead of its poster
    #[arg(long)]
    pub(crate) strips: bool,

    /// Make a folder of that name, with the pictures beside the page, however few clips there are
    #[arg(long)]
    pub(crate) folder: bool,
}
