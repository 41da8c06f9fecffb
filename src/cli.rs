//! Command-line arguments, one type per subcommand; `--help` is generated from their comments.

mod author;
mod exit;
mod format;
mod ingest;
mod report;
mod safe;
mod search;
mod sidecar;
mod tags;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use author::AuthorArgs;
pub(crate) use exit::Exit;
pub(crate) use format::{FormatArgs, with_accepted_formats};
pub(crate) use ingest::{IngestArgs, IngestsArgs, VerifyArgs};
pub(crate) use report::{ReportArgs, SheetArgs};
pub(crate) use safe::SafeArgs;
pub(crate) use search::{BrowseArgs, SearchArgs, SearchMode, StatsArgs, negations};
pub(crate) use sidecar::{SidecarArgs, SidecarCommand};
pub(crate) use tags::{TagsArgs, TagsCommand};

use format::{Events, FORMAT, FileRows, OneClip, Rebuilt, Rows};

const FIRST_STEPS: &str = "\
First steps:
  btsindex scan /Volumes/SHELF-07        catalogue a drive; run it again after each shoot day
  btsindex search drummer laughing       find a shot and the drive that holds it
  btsindex show C0001.MP4                show all metadata of a clip";

/// Catalogue behind-the-scenes footage and find any shot again, even on drives that are offline.
#[derive(Debug, Parser)]
#[command(version, about, after_help = after_help(), propagate_version = true)]
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

fn after_help() -> String {
    format!("{}\n\n{FIRST_STEPS}", Exit::help())
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Scan(ScanArgs),
    Ingest(IngestArgs),
    Ingests(IngestsArgs),
    Verify(VerifyArgs),
    Safe(SafeArgs),
    Search(SearchArgs),
    Browse(BrowseArgs),
    Stats(StatsArgs),
    Show(ShowArgs),
    Report(ReportArgs),
    Sheet(SheetArgs),
    Tag(TagArgs),
    Tags(TagsArgs),
    Note(NoteArgs),
    Stars(StarsArgs),
    Select(SelectArgs),
    Reject(RejectArgs),
    Mark(MarkArgs),
    History(HistoryArgs),
    Undo(UndoArgs),
    Edits(EditsArgs),
    Sidecar(SidecarArgs),
    Volumes(VolumesArgs),
    Copies(CopiesArgs),
    Duplicates(DuplicatesArgs),
    Backup(BackupArgs),
    Fields(FieldsArgs),
    Doctor(DoctorArgs),
    Rebuild(RebuildArgs),
    Completions(CompletionsArgs),
}

/// Catalogue the footage in folders or on drives
///
/// Walks each path and reads new and changed files; a repeated scan only lists the folders.
/// Originals are opened read-only. Ctrl-C stops cleanly; run the same command to resume.
///
/// Skipped: hidden files, system and recycle folders, caches and render folders of editing
/// programs, and everything matched by `.btsignore` files (gitignore syntax, in any folder).
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command"
)]
#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// Folders, drives or single files
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Skip files and folders whose name, or path below PATH, matches
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,

    /// Follow symbolic links; loops are detected
    #[arg(long)]
    pub(crate) follow_links: bool,

    /// Frames in the filmstrip of each clip, 0 for none
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(0..=32))]
    pub(crate) strip: u8,

    /// Image format of posters and filmstrips
    #[arg(long, value_enum, value_name = "KIND", default_value_t = PictureFormat::Jpeg)]
    pub(crate) thumbs: PictureFormat,

    /// Read headers only; the next scan creates posters and filmstrips
    #[arg(long)]
    pub(crate) no_pictures: bool,

    /// Header reader: btsindex with ffprobe as fallback, or ffprobe for every file
    #[arg(long, value_enum, value_name = "READER", default_value_t = ReaderChoice::Own)]
    pub(crate) reader: ReaderChoice,

    /// CPU cores to use [default: all]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) jobs: Option<u16>,

    /// Files read from one device at the same time [default: 1 on spinning disks and cards]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) readers: Option<u16>,

    /// Print time and bytes spent in each stage at the end
    #[arg(long)]
    pub(crate) timings: bool,

    /// Seconds before ffprobe or ffmpeg is stopped on one file
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) deadline: u64,

    /// Mark files as missing even if more than half of the files under a path are gone
    #[arg(long)]
    pub(crate) accept_missing: bool,

    /// Write a small marker file to volumes without a uuid, to recognise them later. A scan writes
    /// nothing else to a drive of footage
    #[arg(long)]
    pub(crate) mark_volume: bool,

    /// Read the fingerprint of every file again, to find content that changed without a new size or time
    #[arg(long)]
    pub(crate) recheck: bool,

    /// Read the facts of all clips under the paths again, and of all clips on mounted volumes that an
    /// older version read. Without it, each scan refreshes up to 5,000 of the latter after new files
    #[arg(long)]
    pub(crate) refresh: bool,

    #[command(flatten)]
    pub(crate) format: FormatArgs<Events>,
}

/// Image format of posters and filmstrips.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PictureFormat {
    /// Supported everywhere
    Jpeg,
    /// About a third smaller
    Webp,
}

/// Program that reads media headers.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ReaderChoice {
    /// btsindex; ffprobe for formats it does not support
    Own,
    /// ffprobe for every file: slower, for comparison
    Ffprobe,
}

/// Show all metadata, tags and copies of one clip
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Path, file name, or start of an id
    #[arg(value_name = "CLIP")]
    pub(crate) clip: PathBuf,

    #[command(flatten)]
    pub(crate) format: FormatArgs<OneClip>,
}

/// Clips to edit, and the author of the edit.
#[derive(Debug, Args)]
pub(crate) struct TargetArgs {
    /// Clips: each a path, a file name, or the start of an id
    #[arg(value_name = "CLIP", required_unless_present = "query")]
    pub(crate) clips: Vec<PathBuf>,

    /// Edit all clips that match this search
    #[arg(long, value_name = "WORDS", num_args = 1.., conflicts_with = "clips")]
    pub(crate) query: Vec<String>,

    /// Skip the confirmation when several clips would change
    #[arg(long, short)]
    pub(crate) yes: bool,

    #[command(flatten)]
    pub(crate) by: AuthorArgs,
}

/// Add or remove tags
///
/// Your tags override the rules: a tag that you add or remove stays that way. Tags belong to the
/// content, so they follow a clip when its file is moved, renamed or copied.
#[derive(Debug, Args)]
pub(crate) struct TagArgs {
    #[command(subcommand)]
    pub(crate) command: TagCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TagCommand {
    /// Add one or more tags: interview,b-roll
    Add(TagNamesArgs),
    /// Remove one or more tags, whether a person or a rule added them
    Remove(TagNamesArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TagNamesArgs {
    /// Tags, separated by commas
    #[arg(value_name = "TAG")]
    pub(crate) tags: String,

    #[command(flatten)]
    pub(crate) on: TargetArgs,
}

/// Add a note
///
/// A clip can have several notes; `btsindex undo` removes the last one.
#[derive(Debug, Args)]
pub(crate) struct NoteArgs {
    /// Text of the note
    #[arg(value_name = "TEXT")]
    pub(crate) text: String,

    #[command(flatten)]
    pub(crate) on: TargetArgs,
}

/// Rate clips with 0 to 5 stars
#[derive(Debug, Args)]
pub(crate) struct StarsArgs {
    /// Stars; 0 clears the rating
    #[arg(value_name = "STARS", value_parser = clap::value_parser!(u8).range(0..=5))]
    pub(crate) stars: u8,

    #[command(flatten)]
    pub(crate) on: TargetArgs,
}

/// Select clips for use in the edit
#[derive(Debug, Args)]
pub(crate) struct SelectArgs {
    /// Clear the selection or rejection
    #[arg(long)]
    pub(crate) clear: bool,

    #[command(flatten)]
    pub(crate) on: TargetArgs,
}

/// Reject clips: search lists them last
#[derive(Debug, Args)]
pub(crate) struct RejectArgs {
    #[command(flatten)]
    pub(crate) on: TargetArgs,
}

/// Add a marker at a timecode of a clip
#[derive(Debug, Args)]
pub(crate) struct MarkArgs {
    /// Timecode of the clip (10:02:12:00), or offset from its start (12.5s, 1m30s)
    #[arg(value_name = "TIMECODE")]
    pub(crate) at: String,

    /// Text of the marker
    #[arg(value_name = "TEXT")]
    pub(crate) text: String,

    #[command(flatten)]
    pub(crate) on: TargetArgs,
}

/// Show all edits of a clip, with author and time
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// Path, file name, or start of an id
    #[arg(value_name = "CLIP")]
    pub(crate) clip: PathBuf,

    #[command(flatten)]
    pub(crate) format: FormatArgs<Rows>,
}

/// Undo your last command that edited clips, or one edit
///
/// Nothing is erased: the undo is a further entry in the history, and can be undone as well.
#[derive(Debug, Args)]
pub(crate) struct UndoArgs {
    /// Start of an edit's id, as shown by `btsindex history` [default: your last command]
    #[arg(value_name = "EDIT")]
    pub(crate) edit: Option<String>,

    #[command(flatten)]
    pub(crate) by: AuthorArgs,
}

/// Transfer edits between catalogues
#[derive(Debug, Args)]
pub(crate) struct EditsArgs {
    #[command(subcommand)]
    pub(crate) command: EditsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EditsCommand {
    /// Export all edits as JSON, one object per line
    Export {
        /// Output file; must not exist. `-` or none: standard output
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Import exported edits; order and repetition do not matter
    Import {
        /// Files written by `edits export`; `-` for standard input
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Adopt the edits of a clip whose file was replaced
    ///
    /// When another program rewrites a file, for example to embed metadata, btsindex sees new content
    /// at the same path, and the edits stay with the old content. `adopt` transfers them.
    /// Without CLIP, lists the edits that can be adopted.
    Adopt {
        /// Clips that receive the edits: each a path, a file name, or the start of an id
        #[arg(value_name = "CLIP", conflicts_with_all = ["all", FORMAT])]
        clips: Vec<PathBuf>,
        /// Adopt for all listed clips
        #[arg(long, conflicts_with = FORMAT)]
        all: bool,
        /// Skip the confirmation when several clips would change
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        format: FormatArgs<FileRows>,
    },
}

/// List all known drives and shares and what they hold
#[derive(Debug, Args)]
pub(crate) struct VolumesArgs {
    #[command(subcommand)]
    pub(crate) command: Option<VolumesCommand>,

    #[command(flatten)]
    pub(crate) format: FormatArgs<Rows>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VolumesCommand {
    /// Rename a volume in the catalogue
    Rename {
        /// Label, mount point, or start of the identity
        volume: String,
        /// New name
        name: String,
    },
    /// Set the disk that a volume is on, if the system does not report its serial number
    ///
    /// `btsindex safe` counts copies on distinct disks only. Serial numbers reported by a system are kept; a disk that
    /// was set before is replaced.
    Disk {
        /// Label, mount point, or start of the identity
        volume: String,
        /// Label on the disk, or your own name for it: the same for all volumes on that disk
        disk: String,
    },
    /// Forget a volume and the files on it
    ///
    /// Lists first what will be removed. Edits of its clips are kept in case the clips come back.
    Forget {
        /// Label, mount point, or start of the identity
        volume: String,
        /// Skip the confirmation
        #[arg(long, short)]
        yes: bool,
    },
}

/// List clips by number of copies, fewest first
///
/// Copies are recognised by fingerprint, which samples a file. `--verify` reads files completely;
/// only that proves that they are identical.
#[derive(Debug, Args)]
pub(crate) struct CopiesArgs {
    /// Only clips that match this search
    #[arg(value_name = "WORDS")]
    pub(crate) words: Vec<String>,

    /// Only clips on fewer than N volumes
    #[arg(long, value_name = "N")]
    pub(crate) fewer_than: Option<usize>,

    /// Count only volumes whose copies were compared completely
    #[arg(long)]
    pub(crate) proved: bool,

    /// Read and compare all mounted files of clips that have more than one
    #[arg(long)]
    pub(crate) verify: bool,

    #[command(flatten)]
    pub(crate) format: FormatArgs<FileRows>,
}

/// List clips that exist in more than one file, and the space they use
#[derive(Debug, Args)]
pub(crate) struct DuplicatesArgs {
    /// Only clips that match this search
    #[arg(value_name = "WORDS")]
    pub(crate) words: Vec<String>,

    /// Only files on the same volume, which are no protection against a disk failure
    #[arg(long)]
    pub(crate) same_volume: bool,

    /// Read mounted files completely and compare them
    #[arg(long)]
    pub(crate) verify: bool,

    #[command(flatten)]
    pub(crate) format: FormatArgs<FileRows>,
}

/// Back up the catalogue to a file, even while it is in use
///
/// The backup is complete; index and pictures are rebuilt automatically. To restore it, copy it
/// to the catalogue's folder as catalogue.sqlite and remove catalogue.sqlite-wal.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// Output file; must not exist
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// List all fields with type, source and meaning
#[derive(Debug, Args)]
pub(crate) struct FieldsArgs {
    #[command(flatten)]
    pub(crate) format: FormatArgs<Rows>,
}

/// Check the catalogue, the index and the programs that btsindex needs
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Read all index files and compare every indexed clip with the catalogue
    #[arg(long)]
    pub(crate) thorough: bool,

    #[command(flatten)]
    pub(crate) format: FormatArgs<Rows>,
}

/// Rebuild the index and missing pictures
///
/// Rarely needed: a search repairs the index by itself. Searches work during a rebuild. Pictures can
/// only be created for clips on mounted volumes.
#[derive(Debug, Args)]
pub(crate) struct RebuildArgs {
    /// Rebuild the index only
    #[arg(long)]
    pub(crate) no_pictures: bool,

    #[command(flatten)]
    pub(crate) format: FormatArgs<Rebuilt>,
}

/// Print a completion script for a shell
///
/// For bash: btsindex completions bash > ~/.local/share/bash-completion/completions/btsindex
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Shell
    pub(crate) shell: Shell,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_argument_definitions_are_consistent() {
        Cli::command().debug_assert();
    }
}
