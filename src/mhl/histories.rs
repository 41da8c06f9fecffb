//! All histories below a folder: its own, and those of folders within, which a camera card brings
//! along when it is copied into a folder of reels.
//!
//! A file belongs to the nearest history above it. Whoever writes a new generation of the outer
//! one writes one of each, and the outer one refers to those next below it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use walkdir::WalkDir;

use super::written::{self, Part, Place, folders};
use super::{FOLDER, Fault, Generation, History, Known, LOCK, Verdict};
use crate::checksum::{Checksum, HashKind};
use crate::lock::Shared;
use crate::publish;

/// Looks at a history on a share that may show an old one; systems remember for a second what they saw.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(400);

/// The histories of a folder and of those within. All paths are relative to this folder, their
/// parts separated by `/`.
#[derive(Debug)]
pub struct Histories {
    root: PathBuf,
    /// By the folder each belongs to; the root's, which is always there, by the empty path.
    pub(super) all: BTreeMap<String, Option<History>>,
    /// Locks of those that are to be written, by the same paths.
    locks: BTreeMap<String, Shared>,
}

impl Histories {
    /// Reads them all. Links to folders are not followed; a folder that may not be looked into is
    /// passed over, and so is one whose name is not UTF-8, since no manifest can name it.
    ///
    /// # Errors
    /// As [`History::read`]; also when a history refers to a generation within that is not there, or
    /// is another than it was.
    pub fn read(root: &Path) -> Result<Self, Fault> {
        let mut all = BTreeMap::from([(String::new(), History::read(root)?)]);
        for path in within(root)? {
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

    /// Reads them all while no other process, on any machine, writes to the root's or to those within for which
    /// `is_written` says yes; that lasts until they are dropped. `None` when `go_on` ended the wait for others.
    ///
    /// # Errors
    /// As [`Histories::read`]; also when the lock cannot be created.
    pub fn lock(
        root: &Path,
        is_written: &dyn Fn(&str) -> bool,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Option<Self>, Fault> {
        loop {
            let places = || -> Result<BTreeSet<String>, Fault> {
                let mut places = within(root)?;
                places.retain(|place| is_written(place));
                places.insert(String::new());
                Ok(places)
            };
            let mut locks = BTreeMap::new();
            // Outer ones first, in every process: none waits for one that waits for it.
            for place in places()? {
                let folder = root.join(&place).join(FOLDER);
                written::make_folder(&folder)?;
                let path = folder.join(LOCK);
                let Some(lock) = Shared::hold(&path, go_on).map_err(Fault::path(&path))? else {
                    return Ok(None);
                };
                locks.insert(place, lock);
            }
            // Another process may have made one before these locks were held.
            if places()?.iter().eq(locks.keys()) {
                let mut histories = Self::read_settled(root, &locks)?;
                histories.take_in(&locks)?;
                return Ok(Some(Self { locks, ..histories }));
            }
        }
    }

    /// Reads them all once a share shows what others wrote to those that are locked.
    fn read_settled(root: &Path, locks: &BTreeMap<String, Shared>) -> Result<Self, Fault> {
        let is_local = File::open(root).is_ok_and(|root| publish::is_local(&root));
        let mut left = if is_local { 1 } else { LOOKS };
        loop {
            left -= 1;
            let read = Self::read(root);
            let is_settled = read.as_ref().is_ok_and(|histories| {
                let locked = histories
                    .found()
                    .filter(|(place, _)| locks.contains_key(*place));
                locked.into_iter().all(|(_, history)| history.is_settled())
            });
            if is_settled || left == 0 {
                return read;
            }
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    fn check_references(&self) -> Result<(), Fault> {
        let mut found = self.found();
        found.try_for_each(|(place, history)| self.check_references_of(place, history))
    }

    /// Checks that the manifests that the last generation of a history refers to are those of the histories within.
    pub(super) fn check_references_of(&self, place: &str, history: &History) -> Result<(), Fault> {
        for (path, c4) in history.references() {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            let Some(folder) = folder.strip_suffix(FOLDER) else {
                continue;
            };
            let folder = below(place, folder.trim_end_matches('/'));
            // A folder that was moved away took its history along.
            let Some(Some(inner)) = self.all.get(&folder) else {
                continue;
            };
            let path = inner.root().join(FOLDER).join(name);
            match inner.generations().iter().find(|made| made.name == name) {
                None => return Err(Fault::MissingManifest { path }),
                Some(made) if made.c4 != *c4 => {
                    let kind = HashKind::C4;
                    return Err(Fault::Altered { path, kind });
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Whether all locks are held still: a process that was stopped for a minute may have lost them, and have replaced a
    /// chain of another at the last moment.
    #[must_use]
    pub fn are_held(&self) -> bool {
        self.locks.values().all(Shared::is_held)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found().next().is_none()
    }

    /// The folder they were looked for in.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The histories that there are, each with the folder it belongs to; the root's, if it has one,
    /// first, with the empty path.
    pub fn found(&self) -> impl Iterator<Item = (&str, &History)> {
        self.all
            .iter()
            .filter_map(|(path, history)| Some((path.as_str(), history.as_ref()?)))
    }

    /// The history that a file belongs to, if there is one, and the file's path in it.
    #[must_use]
    pub fn nearest<'a>(&self, path: &'a str) -> (Option<&History>, &'a str) {
        let (place, local) = self.place(path);
        (self.all.get(place).and_then(Option::as_ref), local)
    }

    /// The folder of the nearest history, and the path in it. A folder that has a history belongs
    /// to it.
    fn place<'a>(&self, path: &'a str) -> (&'a str, &'a str) {
        let mut folder = path;
        while !folder.is_empty() {
            if self.all.contains_key(folder) {
                let local = path.get(folder.len()..).unwrap_or_default();
                return (folder, local.trim_start_matches('/'));
            }
            folder = super::tree::parted(folder).0;
        }
        ("", path)
    }

    /// The hashes that a file has to have: see [`History::expected`].
    #[must_use]
    pub fn expected(&self, path: &str) -> Option<Vec<&Checksum>> {
        let (history, local) = self.nearest(path);
        history?.expected(local)
    }

    /// What is known of a file by that very path.
    #[must_use]
    pub fn known(&self, path: &str) -> Option<&Known> {
        let (history, local) = self.nearest(path);
        history?.known(local)
    }

    /// What a found hash means: see [`judged`](super::judged).
    #[must_use]
    pub fn judged(&self, path: &str, found: &[Checksum]) -> Verdict {
        let (history, local) = self.nearest(path);
        super::judged(history, local, found)
    }

    /// The kinds of hashes to make of a file: see [`needed`](super::needed).
    #[must_use]
    pub fn needed(&self, path: &str, wanted: &[HashKind]) -> Vec<HashKind> {
        let (history, local) = self.nearest(path);
        super::needed(history, local, wanted)
    }

    /// Whether a file is left out because somebody wanted it so, and not as all histories leave it out.
    #[must_use]
    pub fn is_ignored_on_purpose(&self, path: &str) -> bool {
        self.is_ignored(path, false) && !super::Ignored::default().has(path, false)
    }

    /// Whether a file or folder is left out: by a history above it, or by what all histories leave
    /// out.
    #[must_use]
    pub fn is_ignored(&self, path: &str, is_folder: bool) -> bool {
        let by_default = super::Ignored::default();
        let mut folder = path;
        loop {
            if let Some(history) = self.all.get(folder) {
                let local = path.get(folder.len()..).unwrap_or_default();
                let local = local.trim_start_matches('/');
                let is_ignored = match history {
                    Some(history) => history.is_ignored(local, is_folder),
                    None => by_default.has(local, is_folder),
                };
                if is_ignored {
                    return true;
                }
            }
            if folder.is_empty() {
                return false;
            }
            folder = super::tree::parted(folder).0;
        }
    }

    /// The kinds of hashes that files are known by at first, each once.
    #[must_use]
    pub fn kinds(&self) -> Vec<HashKind> {
        let originals = self
            .found()
            .flat_map(|(_, history)| history.original_kinds());
        let kinds: BTreeSet<HashKind> = originals.collect();
        kinds.into_iter().collect()
    }

    /// All files and folders that have to be there: see [`History::paths`].
    #[must_use]
    pub fn paths(&self) -> BTreeSet<String> {
        let all = self.found().flat_map(|(place, history)| {
            let paths = history.paths().into_iter();
            paths.map(move |path| below(place, path))
        });
        // A folder that is left out above may have a history of its own.
        all.filter(|path| !self.is_ignored(path, false)).collect()
    }

    /// Writes a new generation of the folder, and of each history within that has a file or folder in it, the
    /// innermost first, and returns the manifests; that of the folder itself is the last one.
    ///
    /// Patterns to leave out are added to the outermost history; those without a `/` to all.
    ///
    /// # Errors
    /// As [`write`](super::write). Histories that were written before the fault keep their new
    /// generation, which is a true one.
    pub fn write(&self, generation: &Generation) -> Result<Vec<PathBuf>, Fault> {
        generation.check()?;
        let hashes = generation.folder_hashes();
        let all_folders = folders(generation);
        let mut parts: BTreeMap<&str, Part<'_>> = BTreeMap::new();
        let roots: BTreeMap<&str, PathBuf> = self
            .all
            .keys()
            .map(|place| (place.as_str(), self.root.join(place)))
            .collect();
        for (place, root) in &roots {
            let history = self.all.get(*place).and_then(Option::as_ref);
            if all_folders.contains_key(place) {
                parts.insert(place, Part::new(root, history));
            }
        }
        for file in &generation.files {
            let (place, local) = self.place(&file.path);
            if let Some(part) = parts.get_mut(place) {
                let previous = file.previous.as_deref();
                part.add_file(
                    file,
                    local,
                    previous.and_then(|old| self.within(place, old)),
                );
            }
        }
        for (path, folder) in &all_folders {
            let previous = folder.and_then(|folder| folder.previous.as_deref());
            let mut places = vec![self.place(path)];
            // A folder with a history of its own is a folder of the one above, too.
            if places.iter().any(|(_, local)| local.is_empty()) && !path.is_empty() {
                places.push(self.above(path));
            }
            for (place, local) in places {
                if let Some(part) = parts.get_mut(place) {
                    let place = Place {
                        path: local,
                        previous: previous.and_then(|old| self.within(place, old)),
                    };
                    part.add_folder(path, *folder, &hashes, place);
                }
            }
        }
        let mut written = Vec::new();
        // What is within comes after what it is in.
        while let Some((place, part)) = parts.pop_last() {
            let mut ignored = generation.ignored.clone();
            // What says where it holds is meant for the outermost.
            ignored.retain(|pattern| place.is_empty() || !pattern.contains('/'));
            let manifest = part.write(generation, &ignored, self.locks.get(place))?;
            let (above, local) = self.above(place);
            if !place.is_empty()
                && let Some(part) = parts.get_mut(above)
            {
                let path = format!("{local}/{FOLDER}/{}", manifest.name);
                part.references.push((path, manifest.c4));
            }
            written.push(manifest.path);
        }
        Ok(written)
    }

    /// A path as the history of that folder has it. What came from another history has no old path
    /// in this one.
    fn within<'a>(&self, folder: &str, path: &'a str) -> Option<&'a str> {
        let (place, local) = self.place(path);
        (place == folder && !local.is_empty()).then_some(local)
    }

    /// The history next above a folder that has one, and the folder's path in it.
    fn above<'a>(&self, path: &'a str) -> (&'a str, &'a str) {
        let (folder, _) = super::tree::parted(path);
        let (place, _) = self.place(folder);
        let local = path.get(place.len()..).unwrap_or_default();
        (place, local.trim_start_matches('/'))
    }
}

/// A path in a folder, which may be the root.
fn below(folder: &str, path: &str) -> String {
    match (folder, path) {
        ("", path) | (path, "") => path.to_owned(),
        (folder, path) => format!("{folder}/{path}"),
    }
}

/// Folders below a root that have a history, by their paths. Links to folders are not followed.
fn within(root: &Path) -> Result<BTreeSet<String>, Fault> {
    let mut places = BTreeSet::new();
    let mut walk = WalkDir::new(root).min_depth(1).into_iter();
    while let Some(entry) = walk.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(fault) => {
                let path = fault.path().unwrap_or(root).to_owned();
                match fault.into_io_error() {
                    // What another process gave its name or removed meanwhile is no fault either.
                    Some(fault)
                        if !matches!(
                            fault.kind(),
                            ErrorKind::PermissionDenied | ErrorKind::NotFound
                        ) =>
                    {
                        return Err(Fault::path(path)(fault));
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
            places.extend(relative(root, folder));
        }
    }
    Ok(places)
}

fn relative(root: &Path, path: &Path) -> Option<String> {
    let path = path.strip_prefix(root).ok()?;
    let parts: Option<Vec<&str>> = path
        .components()
        .map(|part| part.as_os_str().to_str())
        .collect();
    Some(parts?.join("/"))
}
