//! What can be typed.

mod ingest;
mod report;
mod safe;
mod search;
mod sidecar;
mod tags;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use ingest::{Ingest, Ingests, Verify};
pub(crate) use report::{Report, Sheet};
pub(crate) use safe::Safe;
pub(crate) use search::{Browse, Search, Stats, negations};
pub(crate) use sidecar::{Sidecar, SidecarCommand};
pub(crate) use tags::{Tags, TagsCommand};

const AFTER: &str = "\
Exit codes: 0 done, 1 failed, 2 bad usage, 3 done but some files could not be read,
4 nothing found or done, or not safe, 130 interrupted.

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
    Ingest(Ingest),
    Ingests(Ingests),
    Verify(Verify),
    Safe(Safe),
    Search(Search),
    Browse(Browse),
    Stats(Stats),
    Show(Show),
    Report(Report),
    Sheet(Sheet),
    Tag(Tag),
    Tags(Tags),
    Note(Note),
    Stars(Stars),
    Select(Select),
    Reject(Reject),
    Mark(Mark),
    History(History),
    Undo(Undo),
    Edits(Edits),
    Sidecar(Sidecar),
    Volumes(Volumes),
    Copies(Copies),
    Duplicates(Duplicates),
    Backup(Backup),
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

    /// Put a small file on volumes that have no uuid, so that they are known again: the only
    /// thing that is ever written to a drive of footage, and only when asked for
    #[arg(long)]
    pub(crate) mark_volume: bool,

    /// Read the fingerprint of every file again: finds content that changed unseen
    #[arg(long)]
    pub(crate) recheck: bool,

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

/// Which clips, and who says so.
#[derive(Debug, Args)]
pub(crate) struct On {
    /// Clips: each a path, a file name, or the beginning of an id
    #[arg(value_name = "CLIP", required_unless_present = "query")]
    pub(crate) clips: Vec<PathBuf>,

    /// All clips that a search for these words finds
    #[arg(long, value_name = "WORDS", num_args = 1.., conflicts_with = "clips")]
    pub(crate) query: Vec<String>,

    /// Do not ask before several clips change
    #[arg(long, short)]
    pub(crate) yes: bool,

    #[command(flatten)]
    pub(crate) by: By,
}

/// Who says it.
#[derive(Debug, Args)]
pub(crate) struct By {
    /// Who says so [default: the name you are logged in by]
    #[arg(
        long,
        value_name = "NAME",
        env = "BTSINDEX_AUTHOR",
        hide_env_values = true
    )]
    pub(crate) author: Option<String>,
}

/// Add or remove tags
///
/// A tag that you add or remove stays so, whatever rules say; it follows the clip wherever its
/// file goes.
#[derive(Debug, Args)]
pub(crate) struct Tag {
    #[command(subcommand)]
    pub(crate) command: TagCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TagCommand {
    /// Add a tag, or several: interview,b-roll
    Add(TagArgs),
    /// Remove a tag, or several, whoever or whatever gave it
    Remove(TagArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TagArgs {
    /// A tag, or several with commas between them
    #[arg(value_name = "TAG")]
    pub(crate) tags: String,

    #[command(flatten)]
    pub(crate) on: On,
}

/// Write a note
///
/// Notes are kept one below the other; `btsindex undo` takes one back.
#[derive(Debug, Args)]
pub(crate) struct Note {
    /// What it says
    #[arg(value_name = "TEXT")]
    pub(crate) text: String,

    #[command(flatten)]
    pub(crate) on: On,
}

/// Give stars, 0 to 5
#[derive(Debug, Args)]
pub(crate) struct Stars {
    /// How many; 0 takes them away
    #[arg(value_name = "STARS", value_parser = clap::value_parser!(u8).range(0..=5))]
    pub(crate) stars: u8,

    #[command(flatten)]
    pub(crate) on: On,
}

/// Select clips: they are to be used
#[derive(Debug, Args)]
pub(crate) struct Select {
    /// Neither selected nor rejected any more
    #[arg(long)]
    pub(crate) clear: bool,

    #[command(flatten)]
    pub(crate) on: On,
}

/// Reject clips: they are not to be used
#[derive(Debug, Args)]
pub(crate) struct Reject {
    #[command(flatten)]
    pub(crate) on: On,
}

/// Mark a place in a clip
#[derive(Debug, Args)]
pub(crate) struct Mark {
    /// A timecode of the clip (10:02:12:00), or how far in it is (12.5s, 1m30s)
    #[arg(value_name = "TIMECODE")]
    pub(crate) at: String,

    /// What is to be seen there
    #[arg(value_name = "TEXT")]
    pub(crate) text: String,

    #[command(flatten)]
    pub(crate) on: On,
}

/// Show everything people said of a clip, and when
#[derive(Debug, Args)]
pub(crate) struct History {
    /// A path, a file name, or the beginning of an id
    #[arg(value_name = "CLIP")]
    pub(crate) clip: PathBuf,

    /// Print an object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Take back what you said last, or one edit
///
/// Nothing is erased: that it was taken back is one more entry of the history, and can be taken
/// back too.
#[derive(Debug, Args)]
pub(crate) struct Undo {
    /// Beginning of an edit's id, as `btsindex history` shows it [default: your last command]
    #[arg(value_name = "EDIT")]
    pub(crate) edit: Option<String>,

    #[command(flatten)]
    pub(crate) by: By,
}

/// Carry edits from one catalogue to another
#[derive(Debug, Args)]
pub(crate) struct Edits {
    #[command(subcommand)]
    pub(crate) command: EditsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EditsCommand {
    /// Write every edit as JSON, an object a line, to a file or standard output
    Export {
        /// Where to; nothing that is there is replaced. - is standard output
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Take in what others exported, in any order and however often
    Import {
        /// Files that `edits export` wrote; - is standard input
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Let clips take over what was said of the content that stood in their places before
    ///
    /// For a file that another program rewrote, such as one that put metadata into it: it is
    /// another content now, and what people said belongs to the one before. Without CLIP, lists
    /// what could be taken over.
    Adopt {
        /// Clips that take over: each a path, a file name, or the beginning of an id
        #[arg(value_name = "CLIP", conflicts_with = "all")]
        clips: Vec<PathBuf>,
        /// All that are listed
        #[arg(long)]
        all: bool,
        /// Do not ask before several clips change
        #[arg(long, short)]
        yes: bool,
    },
}

/// List the drives and shares that were ever seen, and what is on them
#[derive(Debug, Args)]
pub(crate) struct Volumes {
    #[command(subcommand)]
    pub(crate) command: Option<VolumesCommand>,

    /// Print an object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VolumesCommand {
    /// Call a volume something else
    Rename {
        /// Its label, its mount point, or the beginning of its identity
        volume: String,
        /// What it is called from now on
        name: String,
    },
    /// Say which disk a volume is on, where no system tells its number
    ///
    /// `btsindex safe` counts copies on distinct disks only. What systems told of a volume stays known; what was said of it
    /// before does not.
    Disk {
        /// Its label, its mount point, or the beginning of its identity
        volume: String,
        /// What stands on the disk, or what you call it: the same for every volume that is on it
        disk: String,
    },
    /// Forget a volume and the files on it
    ///
    /// Says first what would be lost. What people said of its clips is kept, should they come
    /// back.
    Forget {
        /// Its label, its mount point, or the beginning of its identity
        volume: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// Say on how many volumes clips are, the fewest first
///
/// Copies are told by their fingerprints, which sample a file. `--verify` reads files whole, and
/// only that proves that they hold the same.
#[derive(Debug, Args)]
pub(crate) struct Copies {
    /// Only clips that a search for these words finds
    #[arg(value_name = "WORDS")]
    pub(crate) words: Vec<String>,

    /// Only clips that are on fewer volumes than this
    #[arg(long, value_name = "N")]
    pub(crate) fewer_than: Option<usize>,

    /// Count only volumes whose copies were compared in full
    #[arg(long)]
    pub(crate) proved: bool,

    /// Read all files of clips that have several, where they are mounted, and compare them
    #[arg(long)]
    pub(crate) verify: bool,

    /// Print an object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// List clips that several files hold, and what they take up
#[derive(Debug, Args)]
pub(crate) struct Duplicates {
    /// Only clips that a search for these words finds
    #[arg(value_name = "WORDS")]
    pub(crate) words: Vec<String>,

    /// Only files that share a volume: one of them saves nothing if the disk dies
    #[arg(long)]
    pub(crate) same_volume: bool,

    /// Read the files whole, where they are mounted, and compare them
    #[arg(long)]
    pub(crate) verify: bool,

    /// Print an object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Copy the catalogue to a file, while it is in use
///
/// The copy holds everything; index and pictures come back by themselves. To go back to it, put
/// it in the catalogue's folder as catalogue.sqlite, and take away catalogue.sqlite-wal.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// Where to; nothing that is there is replaced
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
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

/// Make the index anew, and the pictures that are gone
///
/// Never needed for finding: a search mends the index by itself. Searches go on meanwhile.
/// Pictures are made of clips that are mounted.
#[derive(Debug, Args)]
pub(crate) struct Rebuild {
    /// The index only
    #[arg(long)]
    pub(crate) no_pictures: bool,

    /// Print one object: clips, posters, seconds
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
