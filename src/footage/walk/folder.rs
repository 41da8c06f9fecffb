//! Reads one folder of a walk: classifies its files and collects its subfolders.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::{DirEntry, WalkDir};

use super::super::companions::{DeclaredExtension, FolderNames};
use super::super::found_file::{FoundFile, Role};
use super::super::ignore::{BtsIgnore, ExcludeGlobs, is_never_footage};
use super::super::kind::{NameKind, kind_of_name};
use super::super::sequence;
use super::event::{FolderListing, WalkEvent, WalkRoot};
use super::stat::FolderStat;
use crate::error::Problem;

/// Minimum size in bytes of files that are opened although their extension is not a footage
/// extension.
const SUSPICIOUS: u64 = 16 * 1024 * 1024;

/// Folder to read.
pub(super) struct WalkFolder {
    path: PathBuf,
    /// Ignore patterns of its parents.
    ignored: BtsIgnore,
    /// Real path and parent folders, for loop detection.
    ancestors: Arc<Ancestors>,
}

/// Real path of a folder, linked to its parents up to the root.
struct Ancestors {
    real: PathBuf,
    parent: Option<Arc<Ancestors>>,
}

/// Output of reading a folder.
pub(super) enum Read {
    WalkEvent(WalkEvent),
    /// The root cannot be read.
    RootError(io::Error),
}

impl WalkFolder {
    /// Returns the root of a walk.
    pub(super) fn root(root: &WalkRoot) -> Self {
        let real = fs::canonicalize(&root.folder).unwrap_or_else(|_| root.folder.clone());
        Self {
            path: root.folder.clone(),
            ignored: BtsIgnore::above(&root.folder),
            ancestors: Arc::new(Ancestors { real, parent: None }),
        }
    }

    /// Returns a subfolder; `None` for a link to one of its parent folders.
    fn child(&self, entry: &DirEntry, name: &OsStr, ignored: &BtsIgnore) -> Option<Self> {
        let real = if entry.path_is_symlink() {
            fs::canonicalize(entry.path()).unwrap_or_else(|_| entry.path().to_owned())
        } else {
            self.ancestors.real.join(name)
        };
        let mut ancestor = Some(&*self.ancestors);
        while let Some(folder) = ancestor {
            // Compared as bytes, because comparing path components is slow for deep paths.
            if folder.real.as_os_str() == real.as_os_str() {
                return None;
            }
            ancestor = folder.parent.as_deref();
        }
        Some(Self {
            path: entry.path().to_owned(),
            ignored: ignored.clone(),
            ancestors: Arc::new(Ancestors {
                real,
                parent: Some(Arc::clone(&self.ancestors)),
            }),
        })
    }

    fn is_root(&self) -> bool {
        self.ancestors.parent.is_none()
    }

    /// Reports an unreadable folder as incomplete, so that the files in it are not marked as
    /// missing.
    fn unreadable_output(&self, error: walkdir::Error) -> Vec<Read> {
        if self.is_root() {
            let source = error.into_io_error();
            let source = source.unwrap_or_else(|| io::ErrorKind::Other.into());
            return vec![Read::RootError(source)];
        }
        let listing = FolderListing {
            folder: self.path.clone(),
            files: Vec::new(),
            is_whole: false,
        };
        vec![
            Read::WalkEvent(to_event(&error, &self.path)),
            Read::WalkEvent(WalkEvent::Folder(listing)),
        ]
    }
}

/// Converts an error to an event; uses the path of the folder if the error has none.
fn to_event(error: &walkdir::Error, folder: &Path) -> WalkEvent {
    let path = error.path().unwrap_or(folder).to_owned();
    if error.loop_ancestor().is_some() {
        return WalkEvent::Loop(path);
    }
    let reason = error
        .io_error()
        .map_or_else(|| error.to_string(), ToString::to_string);
    WalkEvent::Problem(Problem::new(path, reason))
}

/// Filters of a walk.
pub(super) struct WalkFilter<'a> {
    pub root: &'a WalkRoot,
    pub excluded: ExcludeGlobs,
    pub own: Option<&'a Path>,
    pub follow_links: bool,
    pub declared: Option<DeclaredExtension>,
}

impl WalkFilter<'_> {
    /// Reads a folder; returns its output and its subfolders.
    pub(super) fn read(&self, folder: &WalkFolder) -> (Vec<Read>, Vec<WalkFolder>) {
        let ignored = folder.ignored.inside(&folder.path);
        let mut files_in_folder = FolderFiles::new(&folder.path, self.root.only.is_none());
        let (mut outputs, mut subfolders) = (Vec::new(), Vec::new());
        let entries = WalkDir::new(&folder.path)
            .follow_links(self.follow_links)
            .min_depth(1)
            .max_depth(1);
        // Sorted here, because `DirEntry::file_name` extracts the name from the path on each call.
        let mut named = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => named.push((entry.file_name().to_owned(), entry)),
                Err(error) if error.depth() == 0 => {
                    return (folder.unreadable_output(error), Vec::new());
                }
                Err(error) => {
                    let event = to_event(&error, &folder.path);
                    if let WalkEvent::Problem(_) = event {
                        files_in_folder.is_whole = false;
                    }
                    outputs.push(Read::WalkEvent(event));
                }
            }
        }
        named.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let folder_stat = FolderStat::new(&folder.path, self.follow_links);
        for (name, entry) in named {
            if self.is_skipped(&entry, &name, &ignored) {
                continue;
            }
            if entry.file_type().is_dir() {
                match folder.child(&entry, &name, &ignored) {
                    Some(child) => subfolders.push(child),
                    None => outputs.push(Read::WalkEvent(WalkEvent::Loop(entry.into_path()))),
                }
            } else if entry.file_type().is_file()
                && let Err(problem) = files_in_folder.add(&entry, name, &folder_stat)
            {
                files_in_folder.is_whole = false;
                outputs.push(Read::WalkEvent(WalkEvent::Problem(problem)));
            }
        }
        let listing = files_in_folder.classify(self.root.only.as_ref(), self.declared);
        outputs.push(Read::WalkEvent(WalkEvent::Folder(listing)));
        (outputs, subfolders)
    }

    fn is_skipped(&self, entry: &DirEntry, name: &OsStr, ignored: &BtsIgnore) -> bool {
        let is_folder = entry.file_type().is_dir();
        if let Some(only) = &self.root.only {
            // A file that the user named is included, whatever its name.
            return is_folder || is_hidden_neighbour(only, name);
        }
        is_never_footage(&name.to_string_lossy(), is_folder)
            || is_folder && self.own == Some(entry.path())
            || self.excluded.has(entry.path(), &self.root.folder)
            || ignored.has(entry.path(), is_folder)
    }
}

fn is_hidden_neighbour(only: &BTreeSet<OsString>, name: &OsStr) -> bool {
    !only.contains(name) && is_never_footage(&name.to_string_lossy(), false)
}

/// Files found so far in the folder that is being read.
struct FolderFiles {
    folder: PathBuf,
    files: Vec<FoundFile>,
    is_whole: bool,
}

impl FolderFiles {
    fn new(folder: &Path, is_whole: bool) -> Self {
        Self {
            folder: folder.to_owned(),
            files: Vec::new(),
            is_whole,
        }
    }

    fn add(
        &mut self,
        entry: &DirEntry,
        name: OsString,
        folder_stat: &FolderStat,
    ) -> Result<(), Problem> {
        let stat = folder_stat
            .stat(entry, &name)
            .map_err(|error| Problem::new(entry.path(), error.to_string()))?;
        self.files.push(FoundFile {
            name,
            bytes: stat.bytes,
            modified: stat.modified,
            changed: stat.changed,
            inode: stat.inode,
            role: Role::Media,
            original: None,
            frames: None,
        });
        Ok(())
    }

    /// Classifies the files and combines frames into image sequences.
    fn classify(
        self,
        only: Option<&BTreeSet<OsString>>,
        declared: Option<DeclaredExtension>,
    ) -> FolderListing {
        let names: Vec<OsString> = self.files.iter().map(|file| file.name.clone()).collect();
        let names_in_folder =
            FolderNames::new(&self.folder, names.iter()).with_declared_extension(declared);
        let mut frames = Vec::new();
        let mut files = Vec::new();
        for mut file in self.files {
            let name = file.name.to_string_lossy().into_owned();
            if let Some((role, original)) = names_in_folder.original_of(&name) {
                file.role = role;
                file.original = Some(original);
                files.push(file);
                continue;
            }
            match kind_of_name(&name) {
                NameKind::Media => files.push(file),
                NameKind::Frame => frames.push(file),
                NameKind::Unsure | NameKind::MediaOrText => {
                    file.role = Role::Unsure;
                    files.push(file);
                }
                // Too large for its extension, so it may be footage with a wrong extension.
                NameKind::Other if file.bytes >= SUSPICIOUS => {
                    file.role = Role::Unsure;
                    files.push(file);
                }
                NameKind::Other => {}
            }
        }
        files.extend(sequence::sequences(&frames));
        if let Some(only) = only {
            files = requested_files(files, only, &self.folder);
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        FolderListing {
            folder: self.folder,
            files,
            is_whole: self.is_whole,
        }
    }
}

/// Returns the requested files, sequences with requested frames, and originals of requested
/// companions.
fn requested_files(
    files: Vec<FoundFile>,
    only: &BTreeSet<OsString>,
    folder: &Path,
) -> Vec<FoundFile> {
    let is_requested = |found: &FoundFile| {
        only.contains(&found.name)
            || (found.frames.is_some()
                && only
                    .iter()
                    .any(|name| sequence::are_same_sequence(&found.name, name)))
    };
    let originals: BTreeSet<PathBuf> = files
        .iter()
        .filter(|found| is_requested(found))
        .filter_map(|found| found.original.clone())
        .collect();
    files
        .into_iter()
        .filter(|found| is_requested(found) || originals.contains(&folder.join(&found.name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_folder_is_reported_as_incomplete() {
        let parent = tempfile::tempdir().unwrap();
        let root = WalkRoot {
            folder: parent.path().to_owned(),
            only: None,
        };
        let filter = WalkFilter {
            root: &root,
            excluded: ExcludeGlobs::new(&[]).unwrap(),
            own: None,
            follow_links: false,
            declared: None,
        };
        let first = WalkFolder::root(&root);
        let path = parent.path().join("removed");
        let inner = WalkFolder {
            ancestors: Arc::new(Ancestors {
                real: path.clone(),
                parent: Some(Arc::clone(&first.ancestors)),
            }),
            ignored: BtsIgnore::default(),
            path: path.clone(),
        };
        let (outputs, subfolders) = filter.read(&inner);
        assert!(subfolders.is_empty());
        let [
            Read::WalkEvent(WalkEvent::Problem(problem)),
            Read::WalkEvent(WalkEvent::Folder(listing)),
        ] = &outputs[..]
        else {
            panic!("{} outputs", outputs.len());
        };
        assert_eq!((&problem.path, &listing.folder), (&path, &path));
        assert!(!listing.is_whole && listing.files.is_empty());
    }
}
