//! What stands in one `ascmhl` folder, read and proven against its chain.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::chain::{self, Link};
use super::manifest::{self, Said};
use super::{Action, CHAIN, EXTENSION, FOLDER, Fault, FolderHash, IGNORED_BY_DEFAULT, Ignored};
use crate::checksum::{Checksum, HashKind};
use crate::publish;

/// The history of a folder: every generation that its chain names.
///
/// A manifest that the chain does not name is passed over: whoever wrote it was interrupted, or another replaced the chain.
/// Its number is not used again; the next writer takes it in. Histories of folders within are not looked at: see
/// [`Histories`](super::Histories).
#[derive(Debug)]
pub struct History {
    pub(super) root: PathBuf,
    pub(super) links: Vec<Link>,
    /// The chain, as it was when it was read.
    pub(super) chain: Metadata,
    /// The greatest number that a manifest here has, whether the chain names it or not.
    pub(super) last_number: u32,
    /// Manifests that follow the last one of the chain, which does not name them: numbers and names, in order.
    pub(super) unnamed: Vec<(u32, String)>,
    made: Vec<Made>,
    files: HashMap<String, Known>,
    folders: HashMap<String, KnownFolder>,
    /// By new path: the old one, with the generation that says so; the oldest first.
    old_names: HashMap<String, Vec<(u32, String)>>,
    /// By old path: the new one.
    new_names: HashMap<String, Vec<(u32, String)>>,
    references: Vec<(String, Checksum)>,
    ignored: Ignored,
}

/// One generation of a history.
#[derive(Debug, Clone)]
pub struct Made {
    /// Counted from 1; numbers may be missing.
    pub number: u32,
    /// The manifest's file name.
    pub name: String,
    /// By which others refer to the manifest.
    pub c4: Checksum,
}

/// What is known of a file.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Its size, as the last generation has it that names one.
    pub bytes: Option<u64>,
    /// Its hashes, with the generation of each, the oldest first. Manifests of others may not say
    /// what a hash stands for.
    pub hashes: Vec<(Checksum, Option<Action>, u32)>,
    /// The last generation that names it by this path.
    pub generation: u32,
}

/// What is known of a folder.
#[derive(Debug, Clone, Default)]
pub struct KnownFolder {
    /// Its hashes, with the generation of each, the oldest first.
    pub hashes: Vec<(FolderHash, u32)>,
    /// The last generation that names it by this path.
    pub generation: u32,
}

impl History {
    /// Reads the history of a folder; `None` when it has none, or only an empty `ascmhl` folder.
    ///
    /// # Errors
    /// When a manifest is missing or is not the one that was entered in the chain, when anything
    /// cannot be read, or says what cannot be.
    pub fn read(root: &Path) -> Result<Option<Self>, Fault> {
        let folder = root.join(FOLDER);
        match fs::symlink_metadata(&folder) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => {
                let fault = io::Error::new(ErrorKind::NotADirectory, "not a folder");
                return Err(Fault::path(&folder)(fault));
            }
            Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(None),
            Err(fault) => return Err(Fault::path(&folder)(fault)),
        }
        let manifests = manifests(&folder).map_err(Fault::path(&folder))?;
        let path = folder.join(CHAIN);
        publish::refresh(&path);
        let chain = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(fault) if fault.kind() == ErrorKind::NotFound && manifests.is_empty() => {
                return Ok(None);
            }
            Err(fault) if fault.kind() == ErrorKind::NotFound => {
                return Err(Fault::NoChain { path });
            }
            Err(fault) => return Err(Fault::path(&path)(fault)),
        };
        let links = chain::read(&path)?;
        Self::of(root, chain, manifests, links).map(Some)
    }

    /// Reads the manifests that links name.
    pub(super) fn of(
        root: &Path,
        chain: Metadata,
        mut manifests: Vec<(u32, String)>,
        links: Vec<Link>,
    ) -> Result<Self, Fault> {
        let folder = root.join(FOLDER);
        let last_linked = links.last().map_or(0, |link| link.number);
        manifests.retain(|(number, _)| *number > last_linked);
        manifests.sort();
        let mut history = Self {
            root: root.to_owned(),
            chain,
            last_number: manifests.last().map_or(last_linked, |(number, _)| *number),
            unnamed: manifests,
            made: Vec::new(),
            files: HashMap::new(),
            folders: HashMap::new(),
            old_names: HashMap::new(),
            new_names: HashMap::new(),
            references: Vec::new(),
            ignored: Ignored::default(),
            links: Vec::new(),
        };
        for link in &links {
            history.add(&folder, link)?;
        }
        history.links = links;
        Ok(history)
    }

    fn add(&mut self, folder: &Path, link: &Link) -> Result<(), Fault> {
        let path = folder.join(&link.name);
        let kind = link.hash.kind();
        let is_as_recorded = |found: &[Checksum]| {
            if found.contains(&link.hash) {
                return Ok(());
            }
            Err(Fault::Altered {
                path: path.clone(),
                kind,
            })
        };
        let mut patterns = Vec::new();
        let mut references = Vec::new();
        let number = link.number;
        let each = |said| {
            match said {
                Said::Pattern(pattern) => patterns.push(pattern),
                Said::Reference { path, c4 } => references.push((path, c4)),
                said => return self.enter(number, said),
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
            manifest::read(&path, is_as_recorded, kinds, each).map_err(|fault| match fault {
                Fault::Path { path, source } if source.kind() == ErrorKind::NotFound => {
                    Fault::MissingManifest { path }
                }
                fault => fault,
            })?;
        self.references = references;
        self.ignored = if patterns.is_empty() {
            Ignored::default()
        } else {
            Ignored::new(patterns)
        };
        self.made.extend(hashes.into_iter().take(1).map(|c4| Made {
            number,
            name: link.name.clone(),
            c4,
        }));
        Ok(())
    }

    fn enter(&mut self, number: u32, said: Said) -> Result<(), String> {
        let (path, previous) = match said {
            Said::File {
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
                    return Err("a path that was there already".to_owned());
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
            Said::Folder {
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
                    return Err("a path that was there already".to_owned());
                }
                known.generation = number;
                known
                    .hashes
                    .extend(hashes.into_iter().map(|hash| (hash, number)));
                (path, previous)
            }
            Said::Reference { .. } | Said::Pattern(_) => return Ok(()),
        };
        if let Some(previous) = previous {
            let (old, new) = (previous, path);
            let names = self.old_names.entry(new.clone()).or_default();
            names.push((number, old.clone()));
            self.new_names.entry(old).or_default().push((number, new));
        }
        Ok(())
    }

    /// Whether its chain names the last manifest that is there. Else whoever wrote that was interrupted, or a share shows
    /// an old chain.
    pub(super) fn is_settled(&self) -> bool {
        self.links.last().map_or(0, |link| link.number) == self.last_number
    }

    /// The folder whose history it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its generations, the oldest first.
    #[must_use]
    pub fn generations(&self) -> &[Made] {
        &self.made
    }

    /// The manifests of histories below that the last generation refers to, with their C4.
    #[must_use]
    pub fn references(&self) -> &[(String, Checksum)] {
        &self.references
    }

    /// What its last generation left out.
    #[must_use]
    pub fn ignored(&self) -> &Ignored {
        &self.ignored
    }

    /// Whether a path below its folder, parts separated by `/`, is left out.
    #[must_use]
    pub fn is_ignored(&self, path: &str, is_folder: bool) -> bool {
        self.ignored.has(path, is_folder)
    }

    /// What is known of a file by that very path.
    #[must_use]
    pub fn known(&self, path: &str) -> Option<&Known> {
        self.files.get(path)
    }

    /// Of each file, the kind of hash that it is known by at first.
    pub(super) fn original_kinds(&self) -> impl Iterator<Item = HashKind> {
        let originals = self.files.values().filter_map(|known| known.hashes.first());
        originals.map(|(checksum, _, _)| checksum.kind())
    }

    /// What is known of a folder by that very path; of the history's own by the empty one.
    #[must_use]
    pub fn known_folder(&self, path: &str) -> Option<&KnownFolder> {
        self.folders.get(path)
    }

    /// The hashes that a file has to have: the first of each kind, the original before all others;
    /// under whatever names it had. `None` for a file that was never recorded.
    ///
    /// What was recorded as failed is no hash to have; the reference would take it, were it the
    /// first of its kind.
    #[must_use]
    pub fn expected(&self, path: &str) -> Option<Vec<&Checksum>> {
        let mut names = vec![path];
        // The newest renaming first, one of each generation, so that a circle ends.
        let (mut name, mut before) = (path, u32::MAX);
        while let Some(old_names) = self.old_names.get(name)
            && let Some((generation, old)) = old_names.iter().rfind(|(of, _)| *of < before)
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
            if *action == Some(Action::Failed) {
                continue;
            }
            if *action == Some(Action::Original) && original.is_none() {
                original = Some(checksum.kind());
            }
            if all.iter().all(|known| known.kind() != checksum.kind()) {
                all.push(checksum);
            }
        }
        all.sort_by_key(|checksum| Some(checksum.kind()) != original);
        is_known.then_some(all)
    }

    /// All files and folders that have to be there: whatever any generation names, by the name it
    /// has by now, but for what is ignored by now. The history's own folder is not among them.
    ///
    /// So the reference looks for what is missing: a history does not forget.
    #[must_use]
    pub fn paths(&self) -> BTreeSet<&str> {
        let files = self.files.keys().map(|path| (path, false));
        let folders = self.folders.keys().map(|path| (path, true));
        files
            .chain(folders)
            .map(|(path, is_folder)| (self.now(path), is_folder))
            .filter(|(path, is_folder)| !path.is_empty() && !self.is_ignored(path, *is_folder))
            .map(|(path, _)| path)
            .collect()
    }

    fn now<'a>(&'a self, path: &'a str) -> &'a str {
        let (mut path, mut after) = (path, 0);
        while let Some(new_names) = self.new_names.get(path)
            && let Some((generation, new)) = new_names.iter().find(|(of, _)| *of > after)
        {
            (path, after) = (new, *generation);
        }
        path
    }

    /// What a next generation leaves out, if it leaves out more.
    pub(super) fn ignoring(history: Option<&Self>, more: &[String]) -> Ignored {
        let ignored = history.map_or_else(Ignored::default, |history| history.ignored.clone());
        let defaults: Vec<String> = IGNORED_BY_DEFAULT
            .iter()
            .map(|pattern| (*pattern).to_owned())
            .collect();
        ignored.with(&defaults).with(more)
    }
}

/// The numbers of the manifests in a folder; copies of a Mac's attributes are none.
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
