//! All histories of a folder: that of the folder itself, and those of folders inside it. For
//! example, a card that is copied into a folder of reels may contain its own history.
//!
//! A file belongs to the nearest history above it. A new generation of the outer history includes a
//! new generation of each inner one, and every history refers to those directly below it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use walkdir::WalkDir;

use super::write::{self, HistoryPart, HistoryPath, all_folders};
use super::{FOLDER, FileHistory, Generation, History, LOCK, MhlError, SealVerdict};
use crate::atomic_file;
use crate::checksum::{Checksum, HashKind};
use crate::lock::Shared;

/// Maximum number of reads of a history on a network share. A read may return an old version, since
/// clients cache file attributes for about a second.
const MAX_READS: u32 = 5;
/// Pause between two reads of a history on a network share.
const READ_INTERVAL: Duration = Duration::from_millis(400);

/// Histories of a folder and of the folders inside it. All paths are relative to this folder and
/// separated by `/`.
#[derive(Debug)]
pub struct Histories {
    root: PathBuf,
    /// Histories by the folder they belong to. The key of the root is the empty path, which is
    /// always present.
    pub(super) all: BTreeMap<String, Option<History>>,
    /// Locks of the histories to be written, by folder.
    locks: BTreeMap<String, Shared>,
}

impl Histories {
    /// Reads all histories. Links to folders are not followed. Folders without read permission are
    /// skipped, as are folders whose names are not UTF-8, since no manifest can name them.
    ///
    /// # Errors
    /// Returns the errors of [`History::read`], and an error if a history refers to an inner
    /// generation that is missing or has changed.
    pub fn read(root: &Path) -> Result<Self, MhlError> {
        let mut all = BTreeMap::from([(String::new(), History::read(root)?)]);
        for path in find_history_folders(root)? {
            if let Some(history) = History::read(&root.join(&path))? {
                all.insert(path, Some(history));
            }
        }
        let histories = Self {
            root: root.to_owned(),
            all,
            locks: BTreeMap::new(),
        };
        histories.check_references()?;
        Ok(histories)
    }

    /// Locks the histories of the root and of the folders selected by `is_written`, then reads all
    /// histories. No other process, on any machine, can write to a locked history until the result
    /// is dropped. Waits for other processes while `keep_waiting` returns true, and returns `None`
    /// if it returns false.
    ///
    /// # Errors
    /// Returns the errors of [`Histories::read`], and an error if a lock cannot be created.
    pub fn lock(
        root: &Path,
        is_written: &dyn Fn(&str) -> bool,
        keep_waiting: &dyn Fn() -> bool,
    ) -> Result<Option<Self>, MhlError> {
        loop {
            let folders = || -> Result<BTreeSet<String>, MhlError> {
                let mut folders = find_history_folders(root)?;
                folders.retain(|owner| is_written(owner));
                folders.insert(String::new());
                Ok(folders)
            };
            let mut locks = BTreeMap::new();
            // Every process locks outer histories first, so that no two processes wait for each
            // other.
            for owner in folders()? {
                let folder = root.join(&owner).join(FOLDER);
                write::create_folder(&folder)?;
                let path = folder.join(LOCK);
                let Some(lock) =
                    Shared::hold(&path, keep_waiting).map_err(MhlError::path(&path))?
                else {
                    return Ok(None);
                };
                locks.insert(owner, lock);
            }
            // Another process may have created a history before these locks were acquired.
            if folders()?.iter().eq(locks.keys()) {
                let mut histories = Self::read_up_to_date(root, &locks)?;
                histories.adopt_manifests(&locks)?;
                return Ok(Some(Self { locks, ..histories }));
            }
        }
    }

    /// Reads all histories. On a network share, reads them repeatedly until the locked ones are up
    /// to date.
    fn read_up_to_date(root: &Path, locks: &BTreeMap<String, Shared>) -> Result<Self, MhlError> {
        let is_local = File::open(root).is_ok_and(|root| atomic_file::is_local(&root));
        let mut left = if is_local { 1 } else { MAX_READS };
        loop {
            left -= 1;
            let read = Self::read(root);
            let is_up_to_date = read.as_ref().is_ok_and(|histories| {
                let locked = histories
                    .iter()
                    .filter(|(owner, _)| locks.contains_key(*owner));
                locked
                    .into_iter()
                    .all(|(_, history)| history.is_up_to_date())
            });
            if is_up_to_date || left == 0 {
                return read;
            }
            thread::sleep(READ_INTERVAL);
        }
    }

    fn check_references(&self) -> Result<(), MhlError> {
        let mut histories = self.iter();
        histories.try_for_each(|(owner, history)| self.check_references_of(owner, history))
    }

    /// Checks that the manifests that the last generation refers to are those of the inner
    /// histories.
    pub(super) fn check_references_of(
        &self,
        owner: &str,
        history: &History,
    ) -> Result<(), MhlError> {
        for (path, c4) in history.references() {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            let Some(folder) = folder.strip_suffix(FOLDER) else {
                continue;
            };
            let folder = join(owner, folder.trim_end_matches('/'));
            // The folder may have been moved, together with its history.
            let Some(Some(inner)) = self.all.get(&folder) else {
                continue;
            };
            let path = inner.root().join(FOLDER).join(name);
            match inner
                .generations()
                .iter()
                .find(|generation| generation.name == name)
            {
                None => return Err(MhlError::MissingManifest { path }),
                Some(generation) if generation.c4 != *c4 => {
                    let kind = HashKind::C4;
                    return Err(MhlError::Altered { path, kind });
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Returns true if all locks are still held. A process that was stopped for a minute may have
    /// lost its locks, and may have replaced a chain that another process wrote.
    #[must_use]
    pub fn holds_all_locks(&self) -> bool {
        self.locks.values().all(Shared::is_held)
    }

    /// Returns true if no history was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Returns the folder below which the histories were read.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Iterates over the histories, each with the folder it belongs to. The history of the root, if
    /// it exists, comes first and has the empty path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &History)> {
        self.all
            .iter()
            .filter_map(|(path, history)| Some((path.as_str(), history.as_ref()?)))
    }

    /// Returns the history that a file belongs to, and the file's path relative to it. The history
    /// is `None` if there is none.
    #[must_use]
    pub fn nearest<'a>(&self, path: &'a str) -> (Option<&History>, &'a str) {
        let (owner, local) = self.owner(path);
        (self.all.get(owner).and_then(Option::as_ref), local)
    }

    /// Splits a path into the folder of the nearest history and the path below it. A folder with a
    /// history belongs to its own history.
    fn owner<'a>(&self, path: &'a str) -> (&'a str, &'a str) {
        let mut folder = path;
        while !folder.is_empty() {
            if self.all.contains_key(folder) {
                let local = path.get(folder.len()..).unwrap_or_default();
                return (folder, local.trim_start_matches('/'));
            }
            folder = super::folder_hashes::split_parent(folder).0;
        }
        ("", path)
    }

    /// Returns the hashes that a file must have: see [`History::expected`].
    #[must_use]
    pub fn expected(&self, path: &str) -> Option<Vec<&Checksum>> {
        let (history, local) = self.nearest(path);
        history?.expected(local)
    }

    /// Returns the records of a file under exactly this path.
    #[must_use]
    pub fn file_history(&self, path: &str) -> Option<&FileHistory> {
        let (history, local) = self.nearest(path);
        history?.file_history(local)
    }

    /// Compares the computed hashes of a file with its history: see [`compare`](super::compare()).
    #[must_use]
    pub fn compare(&self, path: &str, found: &[Checksum]) -> SealVerdict {
        let (history, local) = self.nearest(path);
        super::compare(history, local, found)
    }

    /// Returns the kinds of hashes to compute for a file: see
    /// [`required_kinds`](super::required_kinds).
    #[must_use]
    pub fn required_kinds(&self, path: &str, requested: &[HashKind]) -> Vec<HashKind> {
        let (history, local) = self.nearest(path);
        super::required_kinds(history, local, requested)
    }

    /// Returns true if a user's pattern ignores a file that the default patterns do not ignore.
    #[must_use]
    pub fn is_ignored_by_user(&self, path: &str) -> bool {
        self.is_ignored(path, false) && !super::IgnorePatterns::default().is_match(path, false)
    }

    /// Returns true if a history above a file or folder, or a default pattern, ignores it.
    #[must_use]
    pub fn is_ignored(&self, path: &str, is_folder: bool) -> bool {
        let default_patterns = super::IgnorePatterns::default();
        let mut folder = path;
        loop {
            if let Some(history) = self.all.get(folder) {
                let local = path.get(folder.len()..).unwrap_or_default();
                let local = local.trim_start_matches('/');
                let is_ignored = match history {
                    Some(history) => history.is_ignored(local, is_folder),
                    None => default_patterns.is_match(local, is_folder),
                };
                if is_ignored {
                    return true;
                }
            }
            if folder.is_empty() {
                return false;
            }
            folder = super::folder_hashes::split_parent(folder).0;
        }
    }

    /// Returns the kinds of the original hashes of all files, without duplicates.
    #[must_use]
    pub fn kinds(&self) -> Vec<HashKind> {
        let originals = self
            .iter()
            .flat_map(|(_, history)| history.original_kinds());
        let kinds: BTreeSet<HashKind> = originals.collect();
        kinds.into_iter().collect()
    }

    /// Returns all files and folders that must exist: see [`History::paths`].
    #[must_use]
    pub fn paths(&self) -> BTreeSet<String> {
        let all = self.iter().flat_map(|(owner, history)| {
            let paths = history.paths().into_iter();
            paths.map(move |path| join(owner, path))
        });
        // A folder ignored by an outer history may have its own history.
        all.filter(|path| !self.is_ignored(path, false)).collect()
    }

    /// Writes a new generation of the root's history, and of each inner history to which a file or
    /// folder belongs. Returns the paths of the manifests, in the order of writing: inner histories
    /// first, the root last.
    ///
    /// Ignore patterns are added to the root's history. Patterns without a `/` are added to inner
    /// histories, too.
    ///
    /// # Errors
    /// Returns the errors of [`write`](super::write()). Histories written before the error keep
    /// their new generation, which is valid.
    pub fn write(&self, generation: &Generation) -> Result<Vec<PathBuf>, MhlError> {
        generation.check()?;
        let hashes = generation.folder_hashes();
        let all_folders = all_folders(generation);
        let mut parts: BTreeMap<&str, HistoryPart<'_>> = BTreeMap::new();
        let roots: BTreeMap<&str, PathBuf> = self
            .all
            .keys()
            .map(|owner| (owner.as_str(), self.root.join(owner)))
            .collect();
        for (owner, root) in &roots {
            let history = self.all.get(*owner).and_then(Option::as_ref);
            if all_folders.contains_key(owner) {
                parts.insert(owner, HistoryPart::new(root, history));
            }
        }
        for file in &generation.files {
            let (owner, local) = self.owner(&file.path);
            if let Some(part) = parts.get_mut(owner) {
                let previous = file.previous.as_deref();
                part.add_file(
                    file,
                    local,
                    previous.and_then(|old| self.path_in_history(owner, old)),
                );
            }
        }
        for (path, folder) in &all_folders {
            let previous = folder.and_then(|folder| folder.previous.as_deref());
            let mut owners = vec![self.owner(path)];
            // A folder with its own history is also recorded as a folder in the history above.
            if owners.iter().any(|(_, local)| local.is_empty()) && !path.is_empty() {
                owners.push(self.parent_history(path));
            }
            for (owner, local) in owners {
                if let Some(part) = parts.get_mut(owner) {
                    let location = HistoryPath {
                        path: local,
                        previous: previous.and_then(|old| self.path_in_history(owner, old)),
                    };
                    part.add_folder(path, *folder, &hashes, location);
                }
            }
        }
        let mut written = Vec::new();
        // Inner histories sort after outer ones, so they are written first.
        while let Some((owner, part)) = parts.pop_last() {
            let mut ignored = generation.ignored.clone();
            // A pattern with a `/` is relative to the root.
            ignored.retain(|pattern| owner.is_empty() || !pattern.contains('/'));
            let manifest = part.write(generation, &ignored, self.locks.get(owner))?;
            let (above, local) = self.parent_history(owner);
            if !owner.is_empty()
                && let Some(part) = parts.get_mut(above)
            {
                let path = format!("{local}/{FOLDER}/{}", manifest.name);
                part.references.push((path, manifest.c4));
            }
            written.push(manifest.path);
        }
        Ok(written)
    }

    /// Returns a path relative to the history of `folder`; `None` for a path that belongs to
    /// another history.
    fn path_in_history<'a>(&self, folder: &str, path: &'a str) -> Option<&'a str> {
        let (owner, local) = self.owner(path);
        (owner == folder && !local.is_empty()).then_some(local)
    }

    /// Returns the folder of the nearest history above a folder, and the folder's path relative to
    /// it.
    fn parent_history<'a>(&self, path: &'a str) -> (&'a str, &'a str) {
        let (folder, _) = super::folder_hashes::split_parent(path);
        let (owner, _) = self.owner(folder);
        let local = path.get(owner.len()..).unwrap_or_default();
        (owner, local.trim_start_matches('/'))
    }
}

/// Joins a folder and a path below it. Both may be empty.
fn join(folder: &str, path: &str) -> String {
    match (folder, path) {
        ("", path) | (path, "") => path.to_owned(),
        (folder, path) => format!("{folder}/{path}"),
    }
}

/// Returns the paths of folders below the root that contain a history. Links to folders are not
/// followed.
fn find_history_folders(root: &Path) -> Result<BTreeSet<String>, MhlError> {
    let mut folders = BTreeSet::new();
    let mut walk = WalkDir::new(root).min_depth(1).into_iter();
    while let Some(entry) = walk.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                match error.into_io_error() {
                    // A folder that another process renamed or removed in the meantime is not an
                    // error.
                    Some(error)
                        if !matches!(
                            error.kind(),
                            ErrorKind::PermissionDenied | ErrorKind::NotFound
                        ) =>
                    {
                        return Err(MhlError::path(path)(error));
                    }
                    _ => continue,
                }
            }
        };
        if !entry.file_type().is_dir() || entry.file_name() != FOLDER {
            continue;
        }
        walk.skip_current_dir();
        let folder = entry.path().parent().unwrap_or(root);
        if folder != root {
            folders.extend(relative_path(root, folder));
        }
    }
    Ok(folders)
}

fn relative_path(root: &Path, path: &Path) -> Option<String> {
    let path = path.strip_prefix(root).ok()?;
    let parts: Option<Vec<&str>> = path
        .components()
        .map(|part| part.as_os_str().to_str())
        .collect();
    Some(parts?.join("/"))
}
