//! What a scan passes over: system folders, editors' caches, `.btsignore`, `--exclude`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::source_file;

/// Folders that are never footage, whatever their case.
const FOLDERS: &[&str] = &[
    "system volume information",
    "$recycle.bin",
    "recycler",
    "#recycle",
    "@eadir",
    "@recycle",
    "lost+found",
    "adobe premiere pro video previews",
    "adobe premiere pro audio previews",
    "adobe premiere pro preview files",
    "adobe premiere pro captured audio",
    "adobe after effects disk cache",
    "media cache",
    "media cache files",
    "peak files",
    "cacheclip",
    "optimizedmedia",
    "render files",
    "resolve cache",
];

/// A `.btsignore` longer than this is not one.
const LONGEST: u64 = 256 * 1024;

/// Hidden (`.x`, which takes in `._x`, `.Trashes`, `.Spotlight-V100`), or a known other folder.
pub(super) fn is_never_footage(name: &str, is_folder: bool) -> bool {
    name.starts_with('.') || (is_folder && FOLDERS.contains(&name.to_lowercase().as_str()))
}

/// The patterns of `--exclude`, matched against names and against paths below the root.
#[derive(Debug, Clone, Default)]
pub(super) struct Excluded(GlobSet);

impl Excluded {
    /// Compiles the patterns; `*` does not cross folders, `**` does.
    pub(super) fn new(patterns: &[String]) -> Result<Self, globset::Error> {
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            let pattern = pattern.trim_end_matches('/');
            set.add(GlobBuilder::new(pattern).literal_separator(true).build()?);
        }
        Ok(Self(set.build()?))
    }

    /// Whether `path`, below `root`, is excluded.
    pub(super) fn has(&self, path: &Path, root: &Path) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let inside = path.strip_prefix(root).unwrap_or(path);
        path.file_name().is_some_and(|name| self.0.is_match(name)) || self.0.is_match(inside)
    }
}

/// The `.btsignore` files of a folder and those above it.
#[derive(Debug, Clone, Default)]
pub(super) struct BtsIgnore {
    /// Each with its folder, outermost first.
    files: Vec<Arc<(PathBuf, Gitignore)>>,
}

impl BtsIgnore {
    /// Reads the files of the folders above `root`, which hold for it too.
    pub(super) fn above(root: &Path) -> Self {
        let mut stack = Self::default();
        let mut folders: Vec<&Path> = root.ancestors().skip(1).collect();
        folders.reverse();
        for folder in folders {
            stack.push(folder);
        }
        stack
    }

    /// The same with the file of a folder inside.
    pub(super) fn inside(&self, folder: &Path) -> Self {
        let mut inside = self.clone();
        inside.push(folder);
        inside
    }

    fn push(&mut self, folder: &Path) {
        let Ok(file) = source_file::open(&folder.join(".btsignore")) else {
            return;
        };
        let mut text = Vec::new();
        if file.take(LONGEST).read_to_end(&mut text).is_err() {
            return;
        }
        let mut patterns = GitignoreBuilder::new(folder);
        for line in String::from_utf8_lossy(&text).lines() {
            // A line that is no pattern is passed over, as git does.
            let _ = patterns.add_line(None, line);
        }
        if let Ok(patterns) = patterns.build() {
            self.files.push(Arc::new((folder.to_owned(), patterns)));
        }
    }

    /// Whether a file or folder is ignored; the innermost file that speaks of it decides.
    pub(super) fn has(&self, path: &Path, is_folder: bool) -> bool {
        for (_, patterns) in self.files.iter().rev().map(|file| &**file) {
            match patterns.matched(path, is_folder) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        false
    }
}
