//! What a new generation is to say: files and folders with what was found of them.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::{Action, Verdict, amiss, is_xml};
use super::{Fault, FolderHash, tree};
use crate::checksum::{Checksum, HashKind};

/// A generation that is to be written. Paths are relative to the root, their parts separated by
/// `/`; what is ignored must not be among them.
#[derive(Debug, Clone)]
pub struct Generation {
    /// When it was made; it names the manifest.
    pub created: Timestamp,
    /// In which all times are written.
    pub offset: Offset,
    /// Who made it.
    pub creator: Creator,
    /// How.
    pub process: Process,
    /// Patterns that are left out from now on, beside those of the history, or the default ones.
    pub ignored: Vec<String>,
    /// All files, each once.
    pub files: Vec<Entry>,
    /// All folders, also empty ones, without the root. One that a file is in need not be named.
    pub folders: Vec<Folder>,
    /// How folders are hashed; a kind that some file lacks is left out.
    pub kinds: Vec<HashKind>,
}

/// Who made a generation.
#[derive(Debug, Clone, Default)]
pub struct Creator {
    /// The computer's name.
    pub host: String,
    /// The program.
    pub tool: String,
    /// Its version.
    pub version: String,
    /// The person.
    pub author: Option<Author>,
    /// Where.
    pub location: Option<String>,
    /// Whatever else.
    pub comment: Option<String>,
}

/// A person.
#[derive(Debug, Clone, Default)]
pub struct Author {
    /// Their name.
    pub name: String,
    /// `DIT`, say.
    pub role: Option<String>,
    /// `name@host.domain`.
    pub email: Option<String>,
    /// Their number.
    pub phone: Option<String>,
}

impl Creator {
    /// This program on this machine, run by somebody.
    #[must_use]
    pub fn by(author: &str) -> Self {
        let name = author.chars().filter(|letter| !letter.is_control());
        Self {
            author: Some(Author {
                name: name.collect(),
                role: None,
                email: None,
                phone: None,
            }),
            ..Self::here()
        }
    }

    /// This program on this machine.
    #[must_use]
    pub fn here() -> Self {
        Self {
            host: host(),
            tool: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            author: None,
            location: None,
            comment: None,
        }
    }
}

#[cfg(unix)]
fn host() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "unknown".to_owned())
}

/// How a generation came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// The files were there.
    InPlace,
    /// They were copied there.
    Transfer,
    /// It was gathered from other manifests.
    Flatten,
}

impl Process {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::InPlace => "in-place",
            Self::Transfer => "transfer",
            Self::Flatten => "flatten",
        }
    }
}

/// A file.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Where it is.
    pub path: String,
    /// Where it was when it was last recorded, if it was renamed since.
    pub previous: Option<String>,
    /// Its size.
    pub bytes: u64,
    /// When it was last written, where that is known.
    pub modified: Option<Timestamp>,
    /// When it was made, where that is known.
    pub created: Option<Timestamp>,
    /// Its hashes, at most one of a kind.
    pub hashes: Vec<Hash>,
}

/// A hash of a file.
#[derive(Debug, Clone)]
pub struct Hash {
    /// What was found.
    pub checksum: Checksum,
    /// What it stands for.
    pub action: Action,
    /// When it was found.
    pub made: Timestamp,
}

impl Hash {
    /// What was made of a file's hashes, at that time.
    #[must_use]
    pub fn all(verdict: Verdict, made: Timestamp) -> Vec<Self> {
        let hashes = verdict.hashes.into_iter();
        hashes
            .map(|(checksum, action)| Self {
                checksum,
                action,
                made,
            })
            .collect()
    }
}

/// A folder.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Where it is.
    pub path: String,
    /// Where it was when it was last recorded, if it was renamed since; the files in it each say
    /// so, too.
    pub previous: Option<String>,
    /// When something in it was last named or removed, where that is known.
    pub modified: Option<Timestamp>,
}

impl Generation {
    /// Whether a manifest can hold all of it.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let mut paths = std::collections::HashSet::new();
        let files = self.files.iter().map(|file| &file.path);
        for path in files.chain(self.folders.iter().map(|folder| &folder.path)) {
            check_path(path)?;
            if !paths.insert(path) {
                return Err(Fault::unwritable(path, "it is there twice"));
            }
        }
        let folders = self.folders.iter().map(|folder| &folder.previous);
        let previous = self.files.iter().map(|file| &file.previous).chain(folders);
        for path in previous.flatten() {
            check_path(path)?;
        }
        for file in &self.files {
            let mut kinds: Vec<HashKind> = Vec::new();
            for kind in file.hashes.iter().map(|hash| hash.checksum.kind()) {
                if kind == HashKind::Xxh32 || kinds.contains(&kind) {
                    let reason = "it has two hashes of a kind, or one that ASC MHL has not";
                    return Err(Fault::unwritable(&file.path, reason));
                }
                kinds.push(kind);
            }
        }
        self.check_texts()
    }

    fn check_texts(&self) -> Result<(), Fault> {
        let creator = &self.creator;
        let author = creator.author.as_ref();
        let email = author.and_then(|author| author.email.as_deref());
        if let Some(email) = email.filter(|email| !is_address(email)) {
            return Err(Fault::unwritable(
                email,
                "it is no address, as `name@host.domain` is",
            ));
        }
        let texts = [&creator.host, &creator.tool, &creator.version];
        let said = [&creator.location, &creator.comment];
        let author = author.map(|author| {
            let said = [&author.role, &author.email, &author.phone];
            said.into_iter().flatten().chain([&author.name])
        });
        let all = texts
            .into_iter()
            .chain(said.into_iter().flatten())
            .chain(author.into_iter().flatten())
            .chain(&self.ignored);
        for text in all {
            if !text.chars().all(is_xml) {
                return Err(Fault::unwritable(text, "XML cannot hold it"));
            }
        }
        if self.ignored.iter().any(String::is_empty) {
            return Err(Fault::unwritable("", "an empty pattern"));
        }
        Ok(())
    }

    /// The hashes of all folders, by their paths, in each kind that every file has.
    pub(super) fn folder_hashes(&self) -> Vec<std::collections::BTreeMap<String, FolderHash>> {
        let mut kinds = self.kinds.clone();
        // The schema wants them in this order.
        kinds.sort_by_key(|kind| kind.name());
        kinds.dedup();
        kinds.retain(|kind| {
            let mut files = self.files.iter();
            *kind != HashKind::Xxh32 && files.all(|file| file.hash(*kind).is_some())
        });
        kinds
            .into_iter()
            .map(|kind| {
                let files = self
                    .files
                    .iter()
                    .filter_map(|file| Some((file.path.as_str(), file.hash(kind)?)));
                let folders = self.folders.iter().map(|folder| folder.path.as_str());
                tree::folder_hashes(kind, files, folders)
            })
            .collect()
    }
}

impl Entry {
    fn hash(&self, kind: HashKind) -> Option<&Checksum> {
        let mut hashes = self.hashes.iter().map(|hash| &hash.checksum);
        hashes.find(|checksum| checksum.kind() == kind)
    }
}

fn check_path(path: &str) -> Result<(), Fault> {
    if let Some(reason) = amiss(path) {
        return Err(Fault::unwritable(path, reason));
    }
    if path.chars().all(is_xml) {
        return Ok(());
    }
    Err(Fault::unwritable(path, "XML cannot hold this name"))
}

/// As the schema has it: `[^@]+@[^\.]+\..+`.
fn is_address(email: &str) -> bool {
    let Some((name, rest)) = email.split_once('@') else {
        return false;
    };
    let Some((host, domain)) = rest.split_once('.') else {
        return false;
    };
    !name.is_empty() && !host.is_empty() && !domain.is_empty() && !domain.contains(['\n', '\r'])
}
