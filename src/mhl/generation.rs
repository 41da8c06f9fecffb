//! Contents of a new generation: files with their hashes, folders, and the creator.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::manifest_path::path_error;
use super::xml::is_xml;
use super::{FolderHash, HashAction, MhlError, SealVerdict, folder_hashes};
use crate::checksum::{Checksum, HashKind};
use crate::machine::host_name;

/// New generation. Paths are relative to the root and separated by `/`. Ignored files and folders
/// must not be included.
#[derive(Debug, Clone)]
pub struct Generation {
    /// Creation time, which is also part of the manifest's file name.
    pub created: Timestamp,
    /// Offset from UTC in which all times are written.
    pub offset: Offset,
    /// Program and person that created the generation.
    pub creator: Creator,
    /// Origin of the files, for the `process` element.
    pub process: Process,
    /// Additional ignore patterns. They are added to those of the history, or to the default
    /// patterns if there is no history.
    pub ignored: Vec<String>,
    /// All files, without duplicates.
    pub files: Vec<FileEntry>,
    /// All folders except the root, including empty ones. Folders that contain files may be
    /// omitted.
    pub folders: Vec<FolderEntry>,
    /// Kinds of the folder hashes. A kind is left out unless every file has a hash of it.
    pub kinds: Vec<HashKind>,
}

/// The `creatorinfo` element of a manifest: the program and the person that created it.
#[derive(Debug, Clone, Default)]
pub struct Creator {
    /// Host name of the computer.
    pub host: String,
    /// Name of the program.
    pub tool: String,
    /// Version of the program.
    pub version: String,
    /// Person who ran the program.
    pub author: Option<Author>,
    /// Location where the manifest was created, such as a studio.
    pub location: Option<String>,
    /// Comment, as free text.
    pub comment: Option<String>,
}

/// The `author` element of a manifest.
#[derive(Debug, Clone, Default)]
pub struct Author {
    /// Full name.
    pub name: String,
    /// Role in the production, such as `DIT`.
    pub role: Option<String>,
    /// Email address, in the form `name@host.domain`.
    pub email: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
}

impl Creator {
    /// Describes this program on this computer, with an author. Control characters are removed from
    /// the author's name.
    #[must_use]
    pub fn with_author(author: &str) -> Self {
        let name = author.chars().filter(|letter| !letter.is_control());
        Self {
            author: Some(Author {
                name: name.collect(),
                role: None,
                email: None,
                phone: None,
            }),
            ..Self::this_host()
        }
    }

    /// Describes this program on this computer, without an author.
    #[must_use]
    pub fn this_host() -> Self {
        Self {
            host: host_name().unwrap_or_else(|| "unknown".to_owned()),
            tool: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            author: None,
            location: None,
            comment: None,
        }
    }
}

/// The `process` element of a manifest: how the generation was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// The files were hashed in this folder.
    InPlace,
    /// The files were copied to this folder.
    Transfer,
    /// The generation was collected from other manifests.
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

/// The `hash` element of a manifest: one file with its hashes.
#[derive(Debug, Clone)]
pub struct FileEntry {
    /// Path relative to the root, separated by `/`.
    pub path: String,
    /// Path in the last generation that contains the file, if it was renamed since.
    pub previous: Option<String>,
    /// Size in bytes.
    pub bytes: u64,
    /// Modification time, if known.
    pub modified: Option<Timestamp>,
    /// Creation time, if known.
    pub created: Option<Timestamp>,
    /// Hashes of the file, at most one of each kind.
    pub hashes: Vec<HashEntry>,
}

/// Hash of a file, as a manifest records it.
#[derive(Debug, Clone)]
pub struct HashEntry {
    /// Hash of the file's content.
    pub checksum: Checksum,
    /// Result of comparing the hash with the history.
    pub action: HashAction,
    /// Time at which the hash was computed.
    pub computed_at: Timestamp,
}

impl HashEntry {
    /// Converts the verdict on a file into hash entries with the given time.
    #[must_use]
    pub fn from_verdict(verdict: SealVerdict, computed_at: Timestamp) -> Vec<Self> {
        let hashes = verdict.hashes.into_iter();
        hashes
            .map(|(checksum, action)| Self {
                checksum,
                action,
                computed_at,
            })
            .collect()
    }
}

/// The `directoryhash` element of a manifest, without its hashes.
#[derive(Debug, Clone)]
pub struct FolderEntry {
    /// Path relative to the root, separated by `/`.
    pub path: String,
    /// Path in the last generation that contains the folder, if it was renamed since. Each file in
    /// a renamed folder needs its own `previous` path, too.
    pub previous: Option<String>,
    /// Modification time of the folder, if known.
    pub modified: Option<Timestamp>,
}

impl Generation {
    /// Checks that a manifest can represent all values, before anything is written.
    pub(super) fn check(&self) -> Result<(), MhlError> {
        let mut paths = std::collections::HashSet::new();
        let files = self.files.iter().map(|file| &file.path);
        for path in files.chain(self.folders.iter().map(|folder| &folder.path)) {
            check_path(path)?;
            if !paths.insert(path) {
                return Err(MhlError::unwritable(path, "listed twice"));
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
                    let reason = "two hashes of one kind, or a kind that ASC MHL does not define";
                    return Err(MhlError::unwritable(&file.path, reason));
                }
                kinds.push(kind);
            }
        }
        self.check_texts()
    }

    fn check_texts(&self) -> Result<(), MhlError> {
        let creator = &self.creator;
        let author = creator.author.as_ref();
        let email = author.and_then(|author| author.email.as_deref());
        if let Some(email) = email.filter(|email| !is_address(email)) {
            return Err(MhlError::unwritable(
                email,
                "not an email address such as `name@host.domain`",
            ));
        }
        let texts = [&creator.host, &creator.tool, &creator.version];
        let optional = [&creator.location, &creator.comment];
        let author = author.map(|author| {
            let optional = [&author.role, &author.email, &author.phone];
            optional.into_iter().flatten().chain([&author.name])
        });
        let all = texts
            .into_iter()
            .chain(optional.into_iter().flatten())
            .chain(author.into_iter().flatten())
            .chain(&self.ignored);
        for text in all {
            if !text.chars().all(is_xml) {
                return Err(MhlError::unwritable(
                    text,
                    "contains characters that XML cannot represent",
                ));
            }
        }
        if self.ignored.iter().any(String::is_empty) {
            return Err(MhlError::unwritable("", "an empty pattern"));
        }
        Ok(())
    }

    /// Computes the hashes of all folders, keyed by path: one map for each kind that every file
    /// has.
    pub(super) fn folder_hashes(&self) -> Vec<std::collections::BTreeMap<String, FolderHash>> {
        let mut kinds = self.kinds.clone();
        // The schema requires this order.
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
                folder_hashes(kind, files, folders)
            })
            .collect()
    }
}

impl FileEntry {
    fn hash(&self, kind: HashKind) -> Option<&Checksum> {
        let mut hashes = self.hashes.iter().map(|hash| &hash.checksum);
        hashes.find(|checksum| checksum.kind() == kind)
    }
}

fn check_path(path: &str) -> Result<(), MhlError> {
    if let Some(reason) = path_error(path) {
        return Err(MhlError::unwritable(path, reason));
    }
    if path.chars().all(is_xml) {
        return Ok(());
    }
    Err(MhlError::unwritable(
        path,
        "contains characters that XML cannot represent",
    ))
}

/// Returns true if a text matches the schema's pattern for email addresses: `[^@]+@[^\.]+\..+`.
fn is_address(email: &str) -> bool {
    let Some((name, rest)) = email.split_once('@') else {
        return false;
    };
    let Some((host, domain)) = rest.split_once('.') else {
        return false;
    };
    !name.is_empty() && !host.is_empty() && !domain.is_empty() && !domain.contains(['\n', '\r'])
}
