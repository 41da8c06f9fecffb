//! One folder of a walk: what is in it, what each file is, which folders come next.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::{DirEntry, WalkDir};

use super::super::companions::{DeclaredExtension, Neighbours};
use super::super::ignore::{BtsIgnore, Excluded, is_never_footage};
use super::super::kind::{Named, named};
use super::super::sequence;
use super::stat::Looker;
use super::{Found, Listing, Role, Root, Step};
use crate::error::Problem;

/// From this size on, a file is looked into even when its extension says it is no footage.
const SUSPICIOUS: u64 = 16 * 1024 * 1024;

/// A folder to read.
pub(super) struct Folder {
    path: PathBuf,
    /// What the folders above it ignore.
    ignored: BtsIgnore,
    /// Where it really is, and the folders on the way to it.
    way: Arc<Way>,
}

/// A way through folders, from its end to the root.
struct Way {
    real: PathBuf,
    above: Option<Arc<Way>>,
}

/// What is to be told of a folder.
pub(super) enum Read {
    Step(Step),
    /// The root itself cannot be read.
    Unread(io::Error),
}

impl Folder {
    /// The folder that a walk begins with.
    pub(super) fn first(root: &Root) -> Self {
        let real = fs::canonicalize(&root.folder).unwrap_or_else(|_| root.folder.clone());
        Self {
            path: root.folder.clone(),
            ignored: BtsIgnore::above(&root.folder),
            way: Arc::new(Way { real, above: None }),
        }
    }

    /// A folder in it; `None` when it is a link that leads back to one above it.
    fn child(&self, entry: &DirEntry, name: &OsStr, ignored: &BtsIgnore) -> Option<Self> {
        let real = if entry.path_is_symlink() {
            fs::canonicalize(entry.path()).unwrap_or_else(|_| entry.path().to_owned())
        } else {
            self.way.real.join(name)
        };
        let mut way = Some(&*self.way);
        while let Some(folder) = way {
            // As bytes: component by component, names that repeat all the way down take long.
            if folder.real.as_os_str() == real.as_os_str() {
                return None;
            }
            way = folder.above.as_deref();
        }
        Some(Self {
            path: entry.path().to_owned(),
            ignored: ignored.clone(),
            way: Arc::new(Way {
                real,
                above: Some(Arc::clone(&self.way)),
            }),
        })
    }

    fn is_first(&self) -> bool {
        self.way.above.is_none()
    }

    /// It cannot be read: what was known to be in it is not known to be gone.
    fn unread(&self, error: walkdir::Error) -> Vec<Read> {
        if self.is_first() {
            let source = error.into_io_error();
            let source = source.unwrap_or_else(|| io::ErrorKind::Other.into());
            return vec![Read::Unread(source)];
        }
        let listing = Listing {
            folder: self.path.clone(),
            files: Vec::new(),
            is_whole: false,
        };
        vec![
            Read::Step(step_of(&error, &self.path)),
            Read::Step(Step::Folder(listing)),
        ]
    }
}

/// What went wrong; with the folder itself where its listing broke off.
fn step_of(error: &walkdir::Error, folder: &Path) -> Step {
    let path = error.path().unwrap_or(folder).to_owned();
    if error.loop_ancestor().is_some() {
        return Step::Loop(path);
    }
    let reason = error
        .io_error()
        .map_or_else(|| error.to_string(), ToString::to_string);
    Step::Problem(Problem::new(path, reason))
}

/// What this walk passes over.
pub(super) struct Passing<'a> {
    pub root: &'a Root,
    pub excluded: Excluded,
    pub own: Option<&'a Path>,
    pub follow_links: bool,
    pub declared: Option<DeclaredExtension>,
}

impl Passing<'_> {
    /// Reads a folder: what is to be told of it, and the folders in it.
    pub(super) fn read(&self, folder: &Folder) -> (Vec<Read>, Vec<Folder>) {
        let ignored = folder.ignored.inside(&folder.path);
        let mut pending = Pending::new(&folder.path, self.root.only.is_none());
        let (mut steps, mut below) = (Vec::new(), Vec::new());
        let entries = WalkDir::new(&folder.path)
            .follow_links(self.follow_links)
            .min_depth(1)
            .max_depth(1);
        // Sorted here: an entry's name is cut out of its path each time that it is asked for.
        let mut named = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => named.push((entry.file_name().to_owned(), entry)),
                Err(error) if error.depth() == 0 => {
                    return (folder.unread(error), Vec::new());
                }
                Err(error) => {
                    let step = step_of(&error, &folder.path);
                    if let Step::Problem(_) = step {
                        pending.is_whole = false;
                    }
                    steps.push(Read::Step(step));
                }
            }
        }
        named.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let looker = Looker::new(&folder.path, self.follow_links);
        for (name, entry) in named {
            if self.is_over(&entry, &name, &ignored) {
                continue;
            }
            if entry.file_type().is_dir() {
                match folder.child(&entry, &name, &ignored) {
                    Some(child) => below.push(child),
                    None => steps.push(Read::Step(Step::Loop(entry.into_path()))),
                }
            } else if entry.file_type().is_file()
                && let Err(problem) = pending.add(&entry, name, &looker)
            {
                pending.is_whole = false;
                steps.push(Read::Step(Step::Problem(problem)));
            }
        }
        let listing = pending.classify(self.root.only.as_ref(), self.declared);
        steps.push(Read::Step(Step::Folder(listing)));
        (steps, below)
    }

    fn is_over(&self, entry: &DirEntry, name: &OsStr, ignored: &BtsIgnore) -> bool {
        let is_folder = entry.file_type().is_dir();
        if let Some(only) = &self.root.only {
            // What was named is meant, whatever it is called.
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

/// A folder whose files are still coming.
struct Pending {
    folder: PathBuf,
    files: Vec<Found>,
    is_whole: bool,
}

impl Pending {
    fn new(folder: &Path, is_whole: bool) -> Self {
        Self {
            folder: folder.to_owned(),
            files: Vec::new(),
            is_whole,
        }
    }

    fn add(&mut self, entry: &DirEntry, name: OsString, looker: &Looker) -> Result<(), Problem> {
        let look = looker
            .look(entry, &name)
            .map_err(|error| Problem::new(entry.path(), error.to_string()))?;
        self.files.push(Found {
            name,
            bytes: look.bytes,
            modified: look.modified,
            changed: look.changed,
            inode: look.inode,
            role: Role::Media,
            original: None,
            frames: None,
        });
        Ok(())
    }

    /// Says of each file what it is, and makes one of an image sequence's frames.
    fn classify(
        self,
        only: Option<&BTreeSet<OsString>>,
        declared: Option<DeclaredExtension>,
    ) -> Listing {
        let names: Vec<OsString> = self.files.iter().map(|file| file.name.clone()).collect();
        let neighbours = Neighbours::new(&self.folder, names.iter()).declaring(declared);
        let mut frames = Vec::new();
        let mut files = Vec::new();
        for mut file in self.files {
            let name = file.name.to_string_lossy().into_owned();
            if let Some((role, original)) = neighbours.original_of(&name) {
                file.role = role;
                file.original = Some(original);
                files.push(file);
                continue;
            }
            match named(&name) {
                Named::Media => files.push(file),
                Named::Frame => frames.push(file),
                Named::Unsure | Named::MediaOrText => {
                    file.role = Role::Unsure;
                    files.push(file);
                }
                // Too large for what it says it is: it may be footage with a wrong extension.
                Named::Other if file.bytes >= SUSPICIOUS => {
                    file.role = Role::Unsure;
                    files.push(file);
                }
                Named::Other => {}
            }
        }
        files.extend(sequence::sequences(&frames));
        if let Some(only) = only {
            files = named_ones(files, only, &self.folder);
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Listing {
            folder: self.folder,
            files,
            is_whole: self.is_whole,
        }
    }
}

/// The files that were named, the sequences of frames that were, and the originals of companions.
fn named_ones(files: Vec<Found>, only: &BTreeSet<OsString>, folder: &Path) -> Vec<Found> {
    let is_named = |found: &Found| {
        only.contains(&found.name)
            || (found.frames.is_some()
                && only
                    .iter()
                    .any(|name| sequence::are_alike(&found.name, name)))
    };
    let originals: BTreeSet<PathBuf> = files
        .iter()
        .filter(|found| is_named(found))
        .filter_map(|found| found.original.clone())
        .collect();
    files
        .into_iter()
        .filter(|found| is_named(found) || originals.contains(&folder.join(&found.name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_read_is_told_of_and_says_nothing_of_its_files() {
        let above = tempfile::tempdir().unwrap();
        let root = Root {
            folder: above.path().to_owned(),
            only: None,
        };
        let passing = Passing {
            root: &root,
            excluded: Excluded::new(&[]).unwrap(),
            own: None,
            follow_links: false,
            declared: None,
        };
        let first = Folder::first(&root);
        let path = above.path().join("taken away");
        let inner = Folder {
            way: Arc::new(Way {
                real: path.clone(),
                above: Some(Arc::clone(&first.way)),
            }),
            ignored: BtsIgnore::default(),
            path: path.clone(),
        };
        let (steps, below) = passing.read(&inner);
        assert!(below.is_empty());
        let [
            Read::Step(Step::Problem(problem)),
            Read::Step(Step::Folder(listing)),
        ] = &steps[..]
        else {
            panic!("{} steps", steps.len());
        };
        assert_eq!((&problem.path, &listing.folder), (&path, &path));
        assert!(!listing.is_whole && listing.files.is_empty());
    }
}
