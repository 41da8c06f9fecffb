//! Reader of one history: an `ascmhl` folder, whose manifests are verified against its chain.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::chain::{self, ChainLink};
use super::manifest::{self, ManifestEntry};
use super::{
    CHAIN, EXTENSION, FOLDER, FolderHash, HashAction, IGNORED_BY_DEFAULT, IgnorePatterns, MhlError,
};
use crate::atomic_file;
use crate::checksum::{Checksum, HashKind};

/// History of a folder: all generations that its chain names.
///
/// A manifest that the chain does not name is skipped: its writer was interrupted, or another
/// process replaced the chain. Its number is not reused, and the next writer adds it to the chain.
/// [`Histories`](super::Histories) also reads the histories of inner folders.
#[derive(Debug)]
pub struct History {
    pub(super) root: PathBuf,
    pub(super) links: Vec<ChainLink>,
    /// Metadata of the chain file when it was read.
    pub(super) chain: Metadata,
    /// Highest number of a manifest in the folder, even if the chain does not name that manifest.
    pub(super) last_number: u32,
    /// Numbers and names of unnamed manifests, which are later than the last link of the chain, in
    /// order.
    pub(super) unnamed: Vec<(u32, String)>,
    generations: Vec<ManifestRef>,
    files: HashMap<String, FileHistory>,
    folders: HashMap<String, FolderHistory>,
    /// Old paths by new path, with the generation that records each rename, oldest first.
    old_names: HashMap<String, Vec<(u32, String)>>,
    /// New paths by old path, with the generation that records each rename, oldest first.
    new_names: HashMap<String, Vec<(u32, String)>>,
    references: Vec<(String, Checksum)>,
    ignored: IgnorePatterns,
}

/// Number, file name and hash of one generation's manifest.
#[derive(Debug, Clone)]
pub struct ManifestRef {
    /// One-based number of the generation. Not every number is used.
    pub number: u32,
    /// File name of the manifest.
    pub name: String,
    /// C4 hash, by which other histories refer to the manifest.
    pub c4: Checksum,
}

/// All records of a file.
#[derive(Debug, Clone, Default)]
pub struct FileHistory {
    /// Size in bytes, from the last generation that records one.
    pub bytes: Option<u64>,
    /// Hashes with the generation of each, oldest first. The action is `None` if the program that
    /// wrote the manifest did not record it.
    pub hashes: Vec<(Checksum, Option<HashAction>, u32)>,
    /// Last generation that contains the file under this path.
    pub generation: u32,
}

/// All records of a folder.
#[derive(Debug, Clone, Default)]
pub struct FolderHistory {
    /// Hashes with the generation of each, oldest first.
    pub hashes: Vec<(FolderHash, u32)>,
    /// Last generation that contains the folder under this path.
    pub generation: u32,
}

impl History {
    /// Reads the history of a folder. Returns `None` if there is none, or if the `ascmhl` folder
    /// contains neither manifests nor a chain.
    ///
    /// # Errors
    /// Returns an error if a manifest is missing or differs from its hash in the chain, or if a
    /// file cannot be read or contains invalid values.
    pub fn read(root: &Path) -> Result<Option<Self>, MhlError> {
        let folder = root.join(FOLDER);
        match fs::symlink_metadata(&folder) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => {
                let error = io::Error::new(ErrorKind::NotADirectory, "not a folder");
                return Err(MhlError::path(&folder)(error));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(MhlError::path(&folder)(error)),
        }
        let manifests = manifests(&folder).map_err(MhlError::path(&folder))?;
        let path = folder.join(CHAIN);
        atomic_file::refresh(&path);
        let chain = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound && manifests.is_empty() => {
                return Ok(None);
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(MhlError::NoChain { path });
            }
            Err(error) => return Err(MhlError::path(&path)(error)),
        };
        let links = chain::read(&path)?;
        Self::from_links(root, chain, manifests, links).map(Some)
    }

    /// Reads the manifests that the links of a chain name. `manifests` are the numbers and names of
    /// all manifests in the folder.
    pub(super) fn from_links(
        root: &Path,
        chain: Metadata,
        mut manifests: Vec<(u32, String)>,
        links: Vec<ChainLink>,
    ) -> Result<Self, MhlError> {
        let folder = root.join(FOLDER);
        let last_linked = links.last().map_or(0, |link| link.number);
        manifests.retain(|(number, _)| *number > last_linked);
        manifests.sort();
        let mut history = Self {
            root: root.to_owned(),
            chain,
            last_number: manifests.last().map_or(last_linked, |(number, _)| *number),
            unnamed: manifests,
            generations: Vec::new(),
            files: HashMap::new(),
            folders: HashMap::new(),
            old_names: HashMap::new(),
            new_names: HashMap::new(),
            references: Vec::new(),
            ignored: IgnorePatterns::default(),
            links: Vec::new(),
        };
        for link in &links {
            history.add_generation(&folder, link)?;
        }
        history.links = links;
        Ok(history)
    }

    fn add_generation(&mut self, folder: &Path, link: &ChainLink) -> Result<(), MhlError> {
        let path = folder.join(&link.name);
        let kind = link.hash.kind();
        let check_hashes = |found: &[Checksum]| {
            if found.contains(&link.hash) {
                return Ok(());
            }
            Err(MhlError::Altered {
                path: path.clone(),
                kind,
            })
        };
        let mut patterns = Vec::new();
        let mut references = Vec::new();
        let number = link.number;
        let on_entry = |entry| {
            match entry {
                ManifestEntry::Pattern(pattern) => patterns.push(pattern),
                ManifestEntry::Reference { path, c4 } => references.push((path, c4)),
                entry => return self.add_entry(number, entry),
            }
            Ok(())
        };
        let kinds = [HashKind::C4, kind];
        let kinds = if kind == HashKind::C4 {
            &kinds[..1]
        } else {
            &kinds
        };
        let hashes =
            manifest::read(&path, check_hashes, kinds, on_entry).map_err(|error| match error {
                MhlError::Path { path, source } if source.kind() == ErrorKind::NotFound => {
                    MhlError::MissingManifest { path }
                }
                error => error,
            })?;
        self.references = references;
        self.ignored = if patterns.is_empty() {
            IgnorePatterns::default()
        } else {
            IgnorePatterns::new(patterns)
        };
        self.generations
            .extend(hashes.into_iter().take(1).map(|c4| ManifestRef {
                number,
                name: link.name.clone(),
                c4,
            }));
        Ok(())
    }

    fn add_entry(&mut self, number: u32, entry: ManifestEntry) -> Result<(), String> {
        let (path, previous) = match entry {
            ManifestEntry::File {
                path,
                previous,
                bytes,
                hashes,
            } => {
                let hashes = hashes
                    .into_iter()
                    .map(|(checksum, action)| (checksum, action, number));
                let is_folder_too = self
                    .folders
                    .get(&path)
                    .is_some_and(|known| known.generation == number);
                let known = self.files.entry(path.clone()).or_default();
                if known.generation == number || is_folder_too {
                    return Err("a path is listed twice".to_owned());
                }
                known.generation = number;
                known.bytes = bytes.or(known.bytes);
                known.hashes.extend(hashes.clone());
                if let Some(previous) = &previous {
                    let known = self.files.entry(previous.clone()).or_default();
                    known.hashes.extend(hashes);
                }
                (path, previous)
            }
            ManifestEntry::Folder {
                path,
                previous,
                hashes,
            } => {
                let is_file_too = self
                    .files
                    .get(&path)
                    .is_some_and(|known| known.generation == number);
                let known = self.folders.entry(path.clone()).or_default();
                if known.generation == number || is_file_too {
                    return Err("a path is listed twice".to_owned());
                }
                known.generation = number;
                known
                    .hashes
                    .extend(hashes.into_iter().map(|hash| (hash, number)));
                (path, previous)
            }
            ManifestEntry::Reference { .. } | ManifestEntry::Pattern(_) => return Ok(()),
        };
        if let Some(previous) = previous {
            let (old, new) = (previous, path);
            let names = self.old_names.entry(new.clone()).or_default();
            names.push((number, old.clone()));
            self.new_names.entry(old).or_default().push((number, new));
        }
        Ok(())
    }

    /// Returns true if the chain names the last manifest. If not, a writer was interrupted, or a
    /// network share returned an old version of the chain.
    pub(super) fn is_up_to_date(&self) -> bool {
        self.links.last().map_or(0, |link| link.number) == self.last_number
    }

    /// Returns the folder that the history describes.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the generations, oldest first.
    #[must_use]
    pub fn generations(&self) -> &[ManifestRef] {
        &self.generations
    }

    /// Returns the manifests of inner histories that the last generation refers to, with their C4
    /// hashes.
    #[must_use]
    pub fn references(&self) -> &[(String, Checksum)] {
        &self.references
    }

    /// Returns the ignore patterns of the last generation.
    #[must_use]
    pub fn ignored(&self) -> &IgnorePatterns {
        &self.ignored
    }

    /// Returns true if a path relative to the history's folder, separated by `/`, is ignored.
    #[must_use]
    pub fn is_ignored(&self, path: &str, is_folder: bool) -> bool {
        self.ignored.is_match(path, is_folder)
    }

    /// Returns the records of a file under exactly this path, without earlier names.
    #[must_use]
    pub fn file_history(&self, path: &str) -> Option<&FileHistory> {
        self.files.get(path)
    }

    /// Returns the kind of the first recorded hash of each file, with duplicates.
    pub(super) fn original_kinds(&self) -> impl Iterator<Item = HashKind> {
        let originals = self.files.values().filter_map(|known| known.hashes.first());
        originals.map(|(checksum, _, _)| checksum.kind())
    }

    /// Returns the records of a folder under exactly this path. The path of the history's own
    /// folder is empty.
    #[must_use]
    pub fn folder_history(&self, path: &str) -> Option<&FolderHistory> {
        self.folders.get(path)
    }

    /// Returns the hashes that a file must have: the first recorded hash of each kind, under any
    /// name the file ever had. The original hash comes first. Returns `None` for a file that was
    /// never recorded.
    ///
    /// Failed hashes are not included. The reference implementation would accept a failed hash that
    /// is the first of its kind.
    #[must_use]
    pub fn expected(&self, path: &str) -> Option<Vec<&Checksum>> {
        let mut names = vec![path];
        // Renames are followed from the newest to the oldest, at most one in each generation, so
        // that a cycle ends.
        let (mut name, mut before) = (path, u32::MAX);
        while let Some(old_names) = self.old_names.get(name)
            && let Some((generation, old)) = old_names
                .iter()
                .rfind(|(generation, _)| *generation < before)
        {
            names.push(old);
            (name, before) = (old, *generation);
        }
        let known = names.iter().rev().filter_map(|name| self.files.get(*name));
        let mut is_known = false;
        let mut all: Vec<&Checksum> = Vec::new();
        let mut original = None;
        for (checksum, action, _) in known.flat_map(|known| {
            is_known = true;
            &known.hashes
        }) {
            if *action == Some(HashAction::Failed) {
                continue;
            }
            if *action == Some(HashAction::Original) && original.is_none() {
                original = Some(checksum.kind());
            }
            if all.iter().all(|known| known.kind() != checksum.kind()) {
                all.push(checksum);
            }
        }
        all.sort_by_key(|checksum| Some(checksum.kind()) != original);
        is_known.then_some(all)
    }

    /// Returns all files and folders that must exist: those in any generation, under their current
    /// names, except ignored ones. The history's own folder is not included.
    ///
    /// The reference implementation finds missing files in the same way: files are never removed
    /// from a history.
    #[must_use]
    pub fn paths(&self) -> BTreeSet<&str> {
        let files = self.files.keys().map(|path| (path, false));
        let folders = self.folders.keys().map(|path| (path, true));
        files
            .chain(folders)
            .map(|(path, is_folder)| (self.current_name(path), is_folder))
            .filter(|(path, is_folder)| !path.is_empty() && !self.is_ignored(path, *is_folder))
            .map(|(path, _)| path)
            .collect()
    }

    fn current_name<'a>(&'a self, path: &'a str) -> &'a str {
        let (mut path, mut after) = (path, 0);
        while let Some(new_names) = self.new_names.get(path)
            && let Some((generation, new)) =
                new_names.iter().find(|(generation, _)| *generation > after)
        {
            (path, after) = (new, *generation);
        }
        path
    }

    /// Returns the ignore patterns of the next generation: the history's patterns, the default
    /// ones, and `more`.
    pub(super) fn ignored_with(history: Option<&Self>, more: &[String]) -> IgnorePatterns {
        let ignored =
            history.map_or_else(IgnorePatterns::default, |history| history.ignored.clone());
        let defaults: Vec<String> = IGNORED_BY_DEFAULT
            .iter()
            .map(|pattern| (*pattern).to_owned())
            .collect();
        ignored.with(&defaults).with(more)
    }
}

/// Returns the numbers and names of the manifests in a folder. `AppleDouble` files (`._NAME`) are
/// excluded.
fn manifests(folder: &Path) -> io::Result<Vec<(u32, String)>> {
    let mut manifests = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        let Some((stem, EXTENSION)) = name.rsplit_once('.') else {
            continue;
        };
        let digits = stem.split_once('_').map_or(stem, |(digits, _)| digits);
        if digits.len() >= 4
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(number) = digits.parse()
        {
            manifests.push((number, name.to_owned()));
        }
    }
    Ok(manifests)
}
