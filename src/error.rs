//! What goes wrong: an [`Error`] ends the command, a [`Problem`] is one file's.

mod escape;

use std::io;
use std::path::{Path, PathBuf};

pub use escape::{escape, escape_prose, is_unsafe};

/// Why a command failed. Printed with [`Error::hint`] where there is one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A path that was named does not exist or cannot be opened.
    #[error("{}: {source}", shown(path))]
    Path {
        /// What was named.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// ffmpeg or ffprobe cannot be run.
    #[error("`{tool}` cannot be run: {source}")]
    Tool {
        /// Its name, or the path that was tried.
        tool: String,
        /// What the system said.
        source: io::Error,
    },
    /// A query that makes no sense.
    #[error("{message}")]
    Query {
        /// What is wrong with it.
        message: String,
        /// What would be right.
        hint: String,
    },
    /// `--exclude` was given something that is no pattern.
    #[error("bad pattern: {0}")]
    Pattern(#[from] globset::Error),
    /// A file that a person wrote (rules, vocabulary, a shoot day) that cannot be understood.
    #[error("{}{}: {message}", escape(file), line.map_or_else(String::new, |line| format!(":{line}")))]
    Written {
        /// What the file is called.
        file: String,
        /// Which line, from 1.
        line: Option<usize>,
        /// What is wrong with it.
        message: String,
        /// What would be right.
        hint: String,
    },
    /// A word that may mean several tags.
    #[error("`{tag}` may be {}", either(meanings))]
    ManyTags {
        /// What was typed.
        tag: String,
        /// The tags it may mean.
        meanings: Vec<String>,
    },
    /// `SQLite` failed.
    #[error("catalogue {}: {source}", shown(path))]
    Catalogue {
        /// The catalogue's file.
        path: PathBuf,
        /// What `SQLite` said.
        source: rusqlite::Error,
    },
    /// The catalogue was written by a newer btsindex.
    #[error(
        "catalogue {} has version {found}, this btsindex reads up to {known}",
        shown(path)
    )]
    NewerCatalogue {
        /// The catalogue's file.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The newest version this program knows.
        known: u32,
    },
    /// A file called the catalogue is something else.
    #[error("{} is not a btsindex catalogue", shown(path))]
    NotACatalogue {
        /// The file.
        path: PathBuf,
    },
    /// The catalogue's file is empty, but what belongs to it shows that it was not always.
    #[error("catalogue {} is empty, but its posters are there", shown(path))]
    EmptiedCatalogue {
        /// The file.
        path: PathBuf,
    },
    /// There is no catalogue yet.
    #[error("there is no catalogue at {}", shown(path))]
    NoCatalogue {
        /// Where one was looked for.
        path: PathBuf,
    },
    /// The catalogue was written by an older btsindex, and cannot be brought up to date here.
    #[error("catalogue {} has version {found} and cannot be written", shown(path))]
    OlderCatalogue {
        /// The catalogue's file.
        path: PathBuf,
        /// Its schema version.
        found: u32,
    },
    /// The catalogue is not what was written there.
    #[error("catalogue {} is damaged: {damage}", shown(path))]
    DamagedCatalogue {
        /// The catalogue's file.
        path: PathBuf,
        /// What was found.
        damage: String,
    },
    /// The catalogue can be read, but not written.
    #[error("catalogue {} cannot be written: {reason}", shown(path))]
    OnlyReadable {
        /// The catalogue's file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The catalogue would be on a network share.
    #[error("catalogue {} is on a network share (`{share}`)", shown(path))]
    CatalogueOnShare {
        /// The catalogue's folder.
        path: PathBuf,
        /// The share.
        share: String,
    },
    /// A document could not be written to the catalogue.
    #[error("catalogue {}: a record cannot be written: {source}", shown(path))]
    Record {
        /// The catalogue's file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder where the index would be holds something else.
    #[error("{} is not an index of btsindex", shown(path))]
    NotAnIndex {
        /// The folder.
        path: PathBuf,
    },
    /// tantivy failed.
    #[error("index: {0}")]
    Index(#[from] tantivy::TantivyError),
    /// Nothing in the catalogue goes by that name.
    #[error("no clip `{0}`")]
    NoClip(String),
    /// Several clips go by that name.
    #[error("`{name}` may mean any of {count} clips")]
    ManyClips {
        /// What was asked for.
        name: String,
        /// How many answer to it.
        count: usize,
        /// Some of them: id and path.
        examples: Vec<String>,
    },
    /// A clip that people's words cannot be kept for.
    #[error("{name} was not read yet, or is empty, so nothing can be said of it")]
    NoContent {
        /// The clip's name.
        name: String,
    },
    /// No edit, or several, begin with that id.
    #[error("{} edit `{name}`", if *is_several { "more than one" } else { "no" })]
    NoEdit {
        /// What was asked for.
        name: String,
        /// Whether more than one begins so.
        is_several: bool,
    },
    /// Nothing in the catalogue goes by that name.
    #[error("no volume `{name}`")]
    NoVolume {
        /// What was asked for.
        name: String,
        /// The label most like it.
        closest: Option<String>,
    },
    /// A volume that is on no disk is said to be on one.
    #[error(
        "{volume} is on no disk: it {}",
        if *is_memory { "is in memory, and is lost when it is unmounted" } else { "shows files of other filesystems" }
    )]
    NoDisk {
        /// What people call the volume.
        volume: String,
        /// Whether it is in memory.
        is_memory: bool,
    },
    /// Several volumes go by that name.
    #[error("`{name}` may mean any of {} volumes", identities.len())]
    ManyVolumes {
        /// What was asked for.
        name: String,
        /// What each is known by.
        identities: Vec<String>,
    },
    /// More than one clip would change, and nobody was there to be asked.
    #[error("nothing was changed: {0}")]
    Unconfirmed(String),
    /// A manifest that is damaged, or cannot be written.
    #[error("{0}")]
    Manifest(String),
    /// A value that cannot be.
    #[error("{0}")]
    Malformed(#[from] crate::value::Malformed),
    /// A marker outside its clip.
    #[error("{message}")]
    Marker {
        /// What is wrong with it.
        message: String,
        /// What would be right.
        hint: String,
    },
    /// The drives that a clip's files are on are not there.
    #[error("{name} is on {}, not mounted now", list(volumes))]
    Offline {
        /// The clip's name.
        name: String,
        /// The labels of the volumes, the best copy's first.
        volumes: Vec<String>,
        /// Where the best copy was.
        path: PathBuf,
    },
    /// No file holds a clip any more, as far as is known.
    #[error("{name} is missing: it was at {}", shown(path))]
    Gone {
        /// The clip's name.
        name: String,
        /// Where its best copy was.
        path: PathBuf,
    },
    /// The desktop would not open a file.
    #[error("{} could not be opened: {source}", shown(path))]
    Desktop {
        /// What should have been opened.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something that is no report has the name that a report was to have.
    #[error("{} is there already, and no report of btsindex", shown(path))]
    NotOurs {
        /// What has the name.
        path: PathBuf,
    },
    /// Something was to be written to a folder that is not there.
    #[error("{} cannot be written: there is no such folder", shown(path))]
    NoPlace {
        /// What was to be written.
        path: PathBuf,
    },
    /// A search did not find so many clips.
    #[error("there is no clip {wanted}: {found} found")]
    NoHit {
        /// Which one was asked for, counted from 1.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// The terminal could not be written to, or read.
    #[error("the terminal cannot be used: {0}")]
    Terminal(io::Error),
    /// The screen of `browse` needs a terminal.
    #[error("`btsindex browse` needs a terminal")]
    NoTerminal,
    /// The data folder of this platform could not be found.
    #[error("no data folder: the home folder is not known")]
    NoHome,
    /// The user interrupted the command.
    #[error("interrupted")]
    Interrupted,
    /// A worker thread died.
    #[error("a scan thread stopped unexpectedly")]
    Thread,
}

impl Error {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Path { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => {
                    "is the drive mounted? the catalogue still knows its clips".to_owned()
                }
                io::ErrorKind::PermissionDenied => {
                    "you may not read it; check its permissions".to_owned()
                }
                io::ErrorKind::StorageFull => {
                    "free some space, then run the same command again; nothing was lost".to_owned()
                }
                _ => return None,
            },
            Self::Tool { .. } => {
                "install ffmpeg (apt install ffmpeg, dnf install ffmpeg-free, brew install ffmpeg); \
                 `btsindex doctor` says what was found"
                    .to_owned()
            }
            Self::Query { hint, .. } | Self::Marker { hint, .. } | Self::Written { hint, .. } => {
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
                "restore the file from a copy; to begin anew, delete it and the posters beside it"
                    .to_owned()
            }
            Self::NoCatalogue { .. } => {
                "scan some footage first: `btsindex scan PATH`".to_owned()
            }
            Self::Catalogue { source, .. } => return catalogue_hint(source),
            Self::NotAnIndex { .. } => {
                "it was left alone; keep the catalogue in a folder of its own with `--catalogue DIR`"
                    .to_owned()
            }
            Self::Index(_) => {
                "the index can be deleted at any time: the next search makes it anew".to_owned()
            }
            Self::NoClip(_) => {
                "name it by its path, its file name or its id; `btsindex search` finds them"
                    .to_owned()
            }
            Self::ManyClips { examples, .. } => {
                format!("name one by its path or id:\n  {}", examples.join("\n  "))
            }
            Self::OlderCatalogue { .. } => {
                "make its folder writable once, so that it can be brought up to date, or copy it to a place that is"
                    .to_owned()
            }
            Self::OnlyReadable { .. } => {
                "free some space, or make its folder writable, and run the same command again; searching works, \
                 and nothing was lost"
                    .to_owned()
            }
            Self::DamagedCatalogue { .. } => {
                "keep the file and restore a backup: copies from before upgrades are in its `backups` folder; \
                 or move it away and scan again"
                    .to_owned()
            }
            Self::CatalogueOnShare { .. } => {
                "SQLite's locks cannot be trusted over a network, and a lost lock is a lost catalogue: keep it on \
                 a disk of this computer with `--catalogue DIR` or BTSINDEX_CATALOGUE; footage on shares is fine; \
                 `btsindex backup FILE` puts a copy on a share"
                    .to_owned()
            }
            Self::NoContent { .. } => {
                "scan it first: what people say of a clip is kept by its content".to_owned()
            }
            Self::NoEdit { .. } => {
                "`btsindex history CLIP` lists the edits of a clip with their ids".to_owned()
            }
            Self::NoVolume { closest, .. } => match closest {
                Some(label) => format!("did you mean `{label}`? `btsindex volumes` lists them all"),
                None => "`btsindex volumes` lists them all".to_owned(),
            },
            Self::NoDisk { is_memory: true, .. } => {
                "copy what is there to a drive: copies in memory never count for `btsindex safe`".to_owned()
            }
            Self::NoDisk { .. } => {
                "name the disks of the volumes that the files are on; `btsindex volumes` lists them".to_owned()
            }
            Self::ManyVolumes { identities, .. } => format!(
                "name one by its mount point, or by what it is known by:\n  {}",
                identities.join("\n  ")
            ),
            Self::Manifest(_) => {
                "keep it as it is; another copy of the folder has the same manifests, and `btsindex ingests` lists \
                 where copies are"
                    .to_owned()
            }
            Self::Unconfirmed(_) => {
                "answer `y`, or say `--yes` where nobody is there to be asked".to_owned()
            }
            Self::Offline { path, .. } => format!(
                "mount the drive and do the same again; the file was last at {}",
                shown(path)
            ),
            Self::Gone { .. } => {
                "if it was moved, scan the place where it is now: it is known again by its content"
                    .to_owned()
            }
            Self::Desktop { .. } => {
                "a desktop opens files by its default programs, which a login over ssh has not; \
                 `btsindex search --paths` prints where files are"
                    .to_owned()
            }
            Self::NotOurs { .. } => {
                "nothing was changed; `-o` gives the report another name".to_owned()
            }
            Self::NoPlace { .. } => {
                "make the folder first, or mount the drive that it is on".to_owned()
            }
            Self::NoHit { .. } => {
                "clips are counted from 1, in the order in which `btsindex search` lists them"
                    .to_owned()
            }
            Self::NoTerminal => {
                "`btsindex search` prints what it finds, also into a pipe".to_owned()
            }
            Self::NoHome => "set HOME, or say where with `--catalogue DIR`".to_owned(),
            Self::ManyTags { meanings, .. } => {
                let first = meanings.first().map_or("", String::as_str);
                format!("write which one it is, such as `{first}`")
            }
            Self::Record { .. }
            | Self::Interrupted
            | Self::Thread
            | Self::Malformed(_)
            | Self::Terminal(_) => return None,
        })
    }

    /// A path with what the system said of it.
    pub fn path(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Path { path, source }
    }
}

/// `a`, `b` or `c`.
fn either(names: &[String]) -> String {
    let quoted: Vec<String> = names
        .iter()
        .map(|name| format!("`{}`", escape(name)))
        .collect();
    match quoted.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        _ => quoted.concat(),
    }
}

fn catalogue_hint(source: &rusqlite::Error) -> Option<String> {
    use rusqlite::ErrorCode;
    Some(
        match source.sqlite_error_code()? {
            ErrorCode::DiskFull => "the disk is full: free some space and run the same command again; what was committed is safe",
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                "the catalogue is damaged; keep the file and restore a backup (copies from before upgrades are in its `backups` folder), or move it away and scan again"
            }
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                "another btsindex is writing; try again when it is done"
            }
            ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
                "the catalogue's folder must be writable to scan; `--catalogue DIR` chooses another"
            }
            _ => return None,
        }
        .to_owned(),
    )
}

/// The name most like `text`, if one is like it: a third of the letters may be wrong.
#[must_use]
pub fn closest<'a>(text: &str, names: &[&'a str]) -> Option<&'a str> {
    names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(text, name), *name))
        .filter(|(wrong, name)| wrong * 3 <= name.len())
        .min_by_key(|(wrong, _)| *wrong)
        .map(|(_, name)| name)
}

/// One file could not be read, wholly or in part; the run goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file or folder.
    pub path: PathBuf,
    /// Why, in a few words.
    pub reason: String,
}

impl Problem {
    /// A problem of one path.
    pub fn new(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            reason: reason.into(),
        }
    }
}

/// `` `SHELF-07` and `RAID-A` ``.
fn list(labels: &[String]) -> String {
    let quoted: Vec<String> = labels
        .iter()
        .map(|label| format!("`{}`", escape(label)))
        .collect();
    quoted.join(" and ")
}

/// A path in an error: control characters are escaped, since messages go to terminals.
fn shown(path: &Path) -> String {
    escape(&path.to_string_lossy())
}
