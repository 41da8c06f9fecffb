//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

const AFTER: &str = "\
Exit codes: 0 done, 1 failed, 2 bad usage, 3 done but some files could not be read,
4 nothing found, 130 interrupted.

First steps:
  btsindex scan /Volumes/SHELF-07        catalogue a drive; run it again after each shoot day
  btsindex search drummer laughing       find the shot, and the drive it is on
  btsindex show C0001.MP4                everything known of a clip";

/// Catalogue behind-the-scenes footage and find the shot again, on whichever drive it is.
#[derive(Debug, Parser)]
#[command(version, about, after_help = AFTER, propagate_version = true)]
pub(crate) struct Cli {
    /// Folder that holds the catalogue [default: the platform's data folder]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "BTSINDEX_CATALOGUE",
        hide_env_values = true
    )]
    pub(crate) catalogue: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Scan(Scan),
    Search(Search),
    Show(Show),
    Fields(Fields),
    Doctor(Doctor),
    Rebuild(Rebuild),
    Completions(Completions),
}

/// Catalogue the footage in folders or on drives
///
/// Walks each path, reads what is new or changed, and leaves the rest alone: scanning again
/// costs a look at each folder. Originals are only ever read. Ctrl-C stops cleanly and the
/// same command goes on from there.
///
/// Passed over: hidden files, system and recycle folders, editors' caches and render
/// folders, and what `.btsignore` files (gitignore syntax, in any folder) name.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag that can be typed"
)]
#[derive(Debug, Args)]
pub(crate) struct Scan {
    /// Folders, drives or single files
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Pass over files and folders whose name, or path below PATH, matches
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,

    /// Follow symbolic links; loops are noticed
    #[arg(long)]
    pub(crate) follow_links: bool,

    /// Pictures in each clip's strip, 0 for none
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(0..=32))]
    pub(crate) strip: u8,

    /// What posters and strips are written as
    #[arg(long, value_enum, value_name = "KIND", default_value_t = Thumbs::Jpeg)]
    pub(crate) thumbs: Thumbs,

    /// Read headers only; the next scan makes the pictures
    #[arg(long)]
    pub(crate) no_pictures: bool,

    /// Who reads headers: btsindex, and ffprobe what btsindex does not know; or ffprobe alone
    #[arg(long, value_enum, value_name = "READER", default_value_t = HeaderReader::Own)]
    pub(crate) reader: HeaderReader,

    /// Processors to use [default: all]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) jobs: Option<u16>,

    /// Files read from one device at the same time [default: 1 from a spinning disk or a card]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) readers: Option<u16>,

    /// Print at the end where time and bytes went
    #[arg(long)]
    pub(crate) timings: bool,

    /// Seconds after which ffprobe or ffmpeg is given up on one file
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) deadline: u64,

    /// Mark files as missing even when more than half of a path's are gone
    #[arg(long)]
    pub(crate) accept_missing: bool,

    /// Tell what happens as JSON, an object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// What pictures are written as.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Thumbs {
    /// Read by everything
    Jpeg,
    /// A third smaller
    Webp,
}

/// Who reads headers.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum HeaderReader {
    /// This program as far as it can, else ffprobe
    Own,
    /// The reference: slower
    Ffprobe,
}

/// Find clips by words and fields
///
/// All words must match, somewhere in a clip's name, folders, tags, camera, title or
/// comment; accents and capitals do not matter, and names are found by their parts
/// (`day2` finds `Day_2`, `interview` finds `BTSInterview`). Best first; without words,
/// every clip.
///
/// `field:value` narrows down: `tag:interview`, `camera:fx3`, `codec:prores`,
/// `captured:2026-05`. `btsindex fields` lists the fields.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag that can be typed"
)]
#[derive(Debug, Args)]
pub(crate) struct Search {
    /// Words, and filters such as camera:fx3
    #[arg(value_name = "WORDS")]
    pub(crate) words: Vec<String>,

    /// Show at most N clips, 0 for all [default: 50; all with --json, --paths, -0]
    #[arg(long, short = 'n', value_name = "N")]
    pub(crate) limit: Option<usize>,

    /// Print each clip as JSON, an object a line
    #[arg(long, conflicts_with_all = ["paths", "null"])]
    pub(crate) json: bool,

    /// Print only paths, one a clip
    #[arg(long)]
    pub(crate) paths: bool,

    /// Print only paths, each ended by a zero byte: safe for xargs -0
    #[arg(long, short = '0')]
    pub(crate) null: bool,

    /// Print the paths of all copies, missing ones left out
    #[arg(long, conflicts_with = "json")]
    pub(crate) all_files: bool,
}

/// Show everything known of one clip
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A path, a file name, or the beginning of an id
    #[arg(value_name = "CLIP")]
    pub(crate) clip: PathBuf,

    /// Print it as JSON, with the source of each fact
    #[arg(long)]
    pub(crate) json: bool,
}

/// List every field: its type, where it comes from, what it means
#[derive(Debug, Args)]
pub(crate) struct Fields {
    /// Print an object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Check that everything btsindex needs is there and whole
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Read every file of the index, and compare every clip in it with the catalogue
    #[arg(long)]
    pub(crate) thorough: bool,

    /// Print an object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Make the index anew from the catalogue
///
/// Never needed for finding: a search mends the index by itself. Searches go on meanwhile.
#[derive(Debug, Args)]
pub(crate) struct Rebuild {
    /// Print one object: clips and seconds
    #[arg(long)]
    pub(crate) json: bool,
}

/// Print a completion script for a shell
///
/// For bash: btsindex completions bash > ~/.local/share/bash-completion/completions/btsindex
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// Which shell
    pub(crate) shell: Shell,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
