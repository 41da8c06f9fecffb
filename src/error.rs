//! Error types: an [`Error`] ends the command, a [`Problem`] concerns one file and does not.

mod engine;
mod escape;

use std::io;
use std::path::{Path, PathBuf};

pub use engine::{EngineError, EngineErrorKind};
pub use escape::{escape, escape_prose, is_unsafe};

/// Reason why a command failed. Printed with its [`Error::hint`], if any.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Path that does not exist or cannot be accessed.
    #[error("{}: {source}", escape_path(path))]
    Path {
        /// Path that failed.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// Failure to run ffmpeg or ffprobe.
    #[error("cannot run `{tool}`: {source}")]
    Tool {
        /// Name of the tool, or the path that was tried.
        tool: String,
        /// Error of the operating system.
        source: io::Error,
    },
    /// Invalid query or argument.
    #[error("{message}")]
    Query {
        /// Description of the mistake.
        message: String,
        /// Advice for the user.
        hint: String,
    },
    /// Invalid glob after `--exclude`.
    #[error("invalid pattern: {0}")]
    Pattern(#[from] globset::Error),
    /// Invalid file written by a user: rules, vocabulary or shoot day.
    #[error("{}{}: {message}", escape(file), line.map_or_else(String::new, |line| format!(":{line}")))]
    InvalidFile {
        /// Name of the file.
        file: String,
        /// Line number, counted from 1.
        line: Option<usize>,
        /// Description of the mistake.
        message: String,
        /// Advice for the user.
        hint: String,
    },
    /// Word that matches several tags.
    #[error("`{tag}` is ambiguous: {}", join_or(meanings))]
    AmbiguousTag {
        /// Word as the user typed it.
        tag: String,
        /// Tags that match the word.
        meanings: Vec<String>,
    },
    /// Failed `SQLite` operation.
    #[error("catalogue {}: {source}", escape_path(path))]
    Catalogue {
        /// Path of the database file.
        path: PathBuf,
        /// Error reported by `SQLite`.
        source: EngineError,
    },
    /// Catalogue written by a newer btsindex.
    #[error(
        "catalogue {} has version {found}, this btsindex supports up to {newest}",
        escape_path(path)
    )]
    NewerCatalogue {
        /// Path of the database file.
        path: PathBuf,
        /// Schema version of the file.
        found: u32,
        /// Newest supported schema version.
        newest: u32,
    },
    /// File that is named like a catalogue but has other content.
    #[error("{} is not a btsindex catalogue", escape_path(path))]
    NotACatalogue {
        /// File that is not a catalogue.
        path: PathBuf,
    },
    /// Catalogue file that is empty although posters exist: its content was lost.
    #[error("catalogue {} is empty, but its posters exist", escape_path(path))]
    EmptiedCatalogue {
        /// Path of the database file.
        path: PathBuf,
    },
    /// Folder without a catalogue.
    #[error("no catalogue at {}", escape_path(path))]
    NoCatalogue {
        /// Path where it was expected.
        path: PathBuf,
    },
    /// Catalogue of an older version that is read-only and so cannot be upgraded.
    #[error(
        "catalogue {} has version {found} and cannot be written",
        escape_path(path)
    )]
    OlderCatalogue {
        /// Path of the database file.
        path: PathBuf,
        /// Schema version of the file.
        found: u32,
    },
    /// Catalogue of a version older than the oldest supported one.
    #[error(
        "catalogue {} has version {found}, this btsindex supports {oldest} and later",
        escape_path(path)
    )]
    UnsupportedCatalogue {
        /// Path of the database file.
        path: PathBuf,
        /// Schema version of the file.
        found: u32,
        /// Oldest supported schema version.
        oldest: u32,
    },
    /// Catalogue that failed its integrity check.
    #[error("catalogue {} is damaged: {damage}", escape_path(path))]
    DamagedCatalogue {
        /// Path of the database file.
        path: PathBuf,
        /// First fault that the integrity check reported.
        damage: String,
    },
    /// Catalogue that can be read but not written.
    #[error("catalogue {} cannot be written: {reason}", escape_path(path))]
    ReadOnlyCatalogue {
        /// Path of the database file.
        path: PathBuf,
        /// Cause, such as a full disk.
        reason: String,
    },
    /// Catalogue folder on a network share.
    #[error("catalogue {} is on a network share (`{share}`)", escape_path(path))]
    CatalogueOnShare {
        /// Folder of the catalogue.
        path: PathBuf,
        /// Name of the share.
        share: String,
    },
    /// Failure to store a document in the catalogue.
    #[error("catalogue {}: cannot write a record: {source}", escape_path(path))]
    Record {
        /// Path of the database file.
        path: PathBuf,
        /// Cause of the failure.
        source: io::Error,
    },
    /// Index folder that contains other files.
    #[error("{} is not a btsindex index", escape_path(path))]
    NotAnIndex {
        /// Folder of the index.
        path: PathBuf,
    },
    /// Failed tantivy operation.
    #[error("index: {0}")]
    Index(EngineError),
    /// Name or id that matches no clip.
    #[error("no clip `{0}`")]
    NoClip(String),
    /// Name shared by several clips.
    #[error("`{name}` is ambiguous: {count} clips match")]
    AmbiguousClip {
        /// Name as the user typed it.
        name: String,
        /// Number of clips that match.
        count: usize,
        /// Paths of some of the clips.
        examples: Vec<String>,
    },
    /// Clip that cannot have edits because its content is unknown.
    #[error("{name} cannot be annotated: it is empty or not scanned yet")]
    NoContent {
        /// Name of the clip.
        name: String,
    },
    /// Id prefix that matches no edit, or more than one.
    #[error("{} edit `{name}`", if *is_several { "more than one" } else { "no" })]
    NoEdit {
        /// Prefix as the user typed it.
        name: String,
        /// True if several edits match, false if none does.
        is_several: bool,
    },
    /// Name that matches no volume.
    #[error("no volume `{name}`")]
    NoVolume {
        /// Name as the user typed it.
        name: String,
        /// Most similar label in the catalogue.
        closest: Option<String>,
    },
    /// Attempt to set the disk of a volume that is not on a disk.
    #[error(
        "{volume} is not on a disk: it {}",
        if *is_memory { "is in memory and is lost when it is unmounted" } else { "shows files of other filesystems" }
    )]
    NoDisk {
        /// Label of the volume.
        volume: String,
        /// True if the volume is in memory.
        is_memory: bool,
    },
    /// Name shared by several volumes.
    #[error("`{name}` is ambiguous: {} volumes match", identities.len())]
    AmbiguousVolume {
        /// Name as the user typed it.
        name: String,
        /// Identities of the volumes.
        identities: Vec<String>,
    },
    /// Action that needs confirmation while standard input is not a terminal.
    #[error("confirmation required: pass --yes to {0}")]
    Unconfirmed(String),
    /// Manifest that is damaged or cannot be written.
    #[error("{0}")]
    Manifest(String),
    /// Value that cannot be parsed, such as a tag.
    #[error("{0}")]
    Malformed(#[from] crate::value::Malformed),
    /// Marker outside its clip.
    #[error("{message}")]
    Marker {
        /// Description of the mistake.
        message: String,
        /// Advice for the user.
        hint: String,
    },
    /// Clip whose drives are not mounted.
    #[error("{name} is on {} (not mounted)", join_and(volumes))]
    Offline {
        /// Name of the clip.
        name: String,
        /// Labels of the volumes; the volume of the best copy comes first.
        volumes: Vec<String>,
        /// Last path of the best copy.
        path: PathBuf,
    },
    /// Clip whose files are all missing.
    #[error("{name} is missing, last seen at {}", escape_path(path))]
    MissingClip {
        /// Name of the clip.
        name: String,
        /// Last path of the best copy.
        path: PathBuf,
    },
    /// File that the desktop failed to open.
    #[error("cannot open {}: {source}", escape_path(path))]
    Desktop {
        /// File to be opened.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// Existing file or folder at the output path that is not a report.
    #[error("{} exists and is not a btsindex report", escape_path(path))]
    NotAReport {
        /// Path given with `-o`, or the default.
        path: PathBuf,
    },
    /// Output path in a folder that does not exist.
    #[error("cannot write {}: its folder does not exist", escape_path(path))]
    NoOutputFolder {
        /// Path given with `-o`, or the default.
        path: PathBuf,
    },
    /// Requested match number is larger than the number of matches.
    #[error("no match {requested}: {found} found")]
    NoHit {
        /// Requested match, counted from 1.
        requested: usize,
        /// Number of matches of the search.
        found: usize,
    },
    /// Terminal that cannot be read or written.
    #[error("cannot use the terminal: {0}")]
    Terminal(io::Error),
    /// `browse` without a terminal.
    #[error("`btsindex browse` needs a terminal")]
    NoTerminal,
    /// The data folder is unknown because the home folder is.
    #[error("no data folder: the home folder is unknown")]
    NoHome,
    /// Interruption by the user.
    #[error("interrupted")]
    Interrupted,
    /// Unexpected end of a worker thread.
    #[error("a scan thread stopped unexpectedly")]
    Thread,
}

impl Error {
    /// Returns advice for the user, printed after `hint:`.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Path { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => {
                    "is the drive mounted? its clips are still in the catalogue".to_owned()
                }
                io::ErrorKind::PermissionDenied => {
                    "access denied; check its permissions".to_owned()
                }
                io::ErrorKind::StorageFull => {
                    "free some space, then run the same command again; nothing was lost".to_owned()
                }
                _ => return None,
            },
            Self::Tool { .. } => {
                "install ffmpeg (apt install ffmpeg, dnf install ffmpeg-free, brew install ffmpeg); \
                 `btsindex doctor` checks the installation"
                    .to_owned()
            }
            Self::Query { hint, .. } | Self::Marker { hint, .. } | Self::InvalidFile { hint, .. } => {
                hint.clone()
            }
            Self::Pattern(_) => {
                "patterns are globs such as `*.wav` or `**/Old Takes/**`".to_owned()
            }
            Self::NewerCatalogue { .. } => {
                "update btsindex, or point `--catalogue` at another folder; nothing was changed"
                    .to_owned()
            }
            Self::NotACatalogue { .. } => {
                "point `--catalogue` at another folder; nothing was changed".to_owned()
            }
            Self::EmptiedCatalogue { .. } => {
                "restore the file from a backup; to start over, delete it and the posters next to it"
                    .to_owned()
            }
            Self::NoCatalogue { .. } => {
                "scan some footage first: `btsindex scan PATH`".to_owned()
            }
            Self::Catalogue { source, .. } => return catalogue_hint(source.kind()),
            Self::NotAnIndex { .. } => {
                "nothing was changed; keep the catalogue in a separate folder with `--catalogue DIR`"
                    .to_owned()
            }
            Self::Index(_) => {
                "the index can be deleted at any time: the next search rebuilds it".to_owned()
            }
            Self::NoClip(_) => {
                "give a path, a file name or an id; `btsindex search` finds clips"
                    .to_owned()
            }
            Self::AmbiguousClip { examples, .. } => {
                format!("give a path or an id:\n  {}", examples.join("\n  "))
            }
            Self::OlderCatalogue { .. } => {
                "make its folder writable once, so that the catalogue can be upgraded, or copy it to a writable folder"
                    .to_owned()
            }
            Self::UnsupportedCatalogue { .. } => {
                "point `--catalogue` at a new folder and scan again; to keep the edits, run `edits export` with the \
                 old btsindex and `edits import` with this one; nothing was changed"
                    .to_owned()
            }
            Self::ReadOnlyCatalogue { .. } => {
                "free some space, or make its folder writable, and run the same command again; searches still work, \
                 and nothing was lost"
                    .to_owned()
            }
            Self::DamagedCatalogue { .. } => {
                "keep the file and restore a backup (those made before upgrades are in its `backups` folder), \
                 or move it away and scan again"
                    .to_owned()
            }
            Self::CatalogueOnShare { .. } => {
                "SQLite's locks are unreliable over a network, which can corrupt the catalogue: keep it on \
                 a local disk with `--catalogue DIR` or BTSINDEX_CATALOGUE; footage on shares is fine; \
                 `btsindex backup FILE` writes a copy to a share"
                    .to_owned()
            }
            Self::NoContent { .. } => {
                "scan it first: edits are stored by clip content".to_owned()
            }
            Self::NoEdit { .. } => {
                "`btsindex history CLIP` lists the edits of a clip with their ids".to_owned()
            }
            Self::NoVolume { closest, .. } => match closest {
                Some(label) => format!("did you mean `{label}`? `btsindex volumes` lists them all"),
                None => "`btsindex volumes` lists them all".to_owned(),
            },
            Self::NoDisk { is_memory: true, .. } => {
                "copy its files to a drive: copies in memory never count for `btsindex safe`".to_owned()
            }
            Self::NoDisk { .. } => {
                "set the disk of the volume that holds the files; `btsindex volumes` lists the volumes".to_owned()
            }
            Self::AmbiguousVolume { identities, .. } => format!(
                "give a mount point or an identity:\n  {}",
                identities.join("\n  ")
            ),
            Self::Manifest(_) => {
                "do not change it; copies of the folder have the same manifests, and `btsindex ingests` lists \
                 these copies"
                    .to_owned()
            }
            Self::Unconfirmed(_) => {
                "standard input is not a terminal; to confirm interactively, run the command in a terminal"
                    .to_owned()
            }
            Self::Offline { path, .. } => format!(
                "mount the drive and run the same command again; the file was last at {}",
                escape_path(path)
            ),
            Self::MissingClip { .. } => {
                "if it was moved, scan its new folder: the clip is recognised by its content"
                    .to_owned()
            }
            Self::Desktop { .. } => {
                "opening files needs a desktop with default programs, which ssh does not provide; \
                 `btsindex search --paths` prints the paths"
                    .to_owned()
            }
            Self::NotAReport { .. } => {
                "nothing was changed; choose another output file with `-o`".to_owned()
            }
            Self::NoOutputFolder { .. } => {
                "create the folder first, or mount its drive".to_owned()
            }
            Self::NoHit { .. } => {
                "matches are numbered from 1, in the order of `btsindex search`"
                    .to_owned()
            }
            Self::NoTerminal => {
                "`btsindex search` works without a terminal".to_owned()
            }
            Self::NoHome => "set HOME, or choose a folder with `--catalogue DIR`".to_owned(),
            Self::AmbiguousTag { meanings, .. } => {
                let first = meanings.first().map_or("", String::as_str);
                format!("give the full name, such as `{first}`")
            }
            Self::Record { .. }
            | Self::Interrupted
            | Self::Thread
            | Self::Malformed(_)
            | Self::Terminal(_) => return None,
        })
    }

    /// Returns a closure for `map_err` that adds the path to an I/O error.
    pub fn path(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Path { path, source }
    }
}

/// Joins names as alternatives: `` `a`, `b` or `c` ``.
fn join_or(names: &[String]) -> String {
    let quoted: Vec<String> = names
        .iter()
        .map(|name| format!("`{}`", escape(name)))
        .collect();
    match quoted.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        _ => quoted.concat(),
    }
}

fn catalogue_hint(kind: EngineErrorKind) -> Option<String> {
    Some(
        match kind {
            EngineErrorKind::DiskFull => "the disk is full: free some space and run the same command again; committed changes are safe",
            EngineErrorKind::Damaged => {
                "the catalogue is damaged; keep the file and restore a backup (those made before upgrades are in its `backups` folder), or move it away and scan again"
            }
            EngineErrorKind::Busy => {
                "another btsindex process is writing; try again later"
            }
            EngineErrorKind::NotWritable => {
                "a scan must be able to write to the catalogue's folder; choose another with `--catalogue DIR`"
            }
            EngineErrorKind::Io | EngineErrorKind::Other => return None,
        }
        .to_owned(),
    )
}

/// Returns the name most similar to `text`; `None` if more than a third of its letters differ.
#[must_use]
pub fn closest<'a>(text: &str, names: &[&'a str]) -> Option<&'a str> {
    names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(text, name), *name))
        .filter(|(wrong, name)| wrong * 3 <= name.len())
        .min_by_key(|(wrong, _)| *wrong)
        .map(|(_, name)| name)
}

/// File or folder that could not be read completely. The command continues without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// File or folder that could not be read.
    pub path: PathBuf,
    /// Short description of the cause.
    pub reason: String,
}

impl Problem {
    /// Creates a problem from a path and a reason.
    pub fn new(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            reason: reason.into(),
        }
    }
}

/// Joins labels: `` `SHELF-07` and `RAID-A` ``.
fn join_and(labels: &[String]) -> String {
    let quoted: Vec<String> = labels
        .iter()
        .map(|label| format!("`{}`", escape(label)))
        .collect();
    quoted.join(" and ")
}

/// Formats a path for an error. Escapes control characters, because messages go to terminals.
fn escape_path(path: &Path) -> String {
    escape(&path.to_string_lossy())
}
