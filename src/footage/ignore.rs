//! Files and folders that a scan skips: system folders, caches of editing programs, `.btsignore`,
//! `--exclude`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::source_file;

/// Lower-case names of folders that never contain footage.
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

/// Maximum size of a `.btsignore` file in bytes; the rest is ignored.
const MAX_BYTES: u64 = 256 * 1024;

/// Returns true for hidden names (`.x`, including `._x`, `.Trashes` and `.Spotlight-V100`) and
/// known folders without footage.
pub(super) fn is_never_footage(name: &str, is_folder: bool) -> bool {
    name.starts_with('.') || (is_folder && FOLDERS.contains(&name.to_lowercase().as_str()))
}

/// Patterns of `--exclude`, matched against names and against paths below the root.
#[derive(Debug, Clone, Default)]
pub(super) struct ExcludeGlobs(GlobSet);

impl ExcludeGlobs {
    /// Compiles the patterns; `*` does not match `/`, `**` does.
    pub(super) fn new(patterns: &[String]) -> Result<Self, globset::Error> {
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            let pattern = pattern.trim_end_matches('/');
            set.add(GlobBuilder::new(pattern).literal_separator(true).build()?);
        }
        Ok(Self(set.build()?))
    }

    /// Returns true if `path`, below `root`, is excluded.
    pub(super) fn has(&self, path: &Path, root: &Path) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let inside = path.strip_prefix(root).unwrap_or(path);
        path.file_name().is_some_and(|name| self.0.is_match(name)) || self.0.is_match(inside)
    }
}

/// `.btsignore` files of a folder and its parents.
#[derive(Debug, Clone, Default)]
pub(super) struct BtsIgnore {
    /// Patterns with their folders, outermost first.
    files: Vec<Arc<(PathBuf, Gitignore)>>,
}

impl BtsIgnore {
    /// Reads the `.btsignore` files of the parent folders of `root`, which also apply to it.
    pub(super) fn above(root: &Path) -> Self {
        let mut stack = Self::default();
        let mut folders: Vec<&Path> = root.ancestors().skip(1).collect();
        folders.reverse();
        for folder in folders {
            stack.push(folder);
        }
        stack
    }

    /// Returns a copy that also contains the `.btsignore` file of a subfolder.
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
        if file.take(MAX_BYTES).read_to_end(&mut text).is_err() {
            return;
        }
        let mut patterns = GitignoreBuilder::new(folder);
        for line in String::from_utf8_lossy(&text).lines() {
            // Invalid lines are skipped, as in git.
            let _ = patterns.add_line(None, line);
        }
        if let Ok(patterns) = patterns.build() {
            self.files.push(Arc::new((folder.to_owned(), patterns)));
        }
    }

    /// Returns true if a file or folder is ignored; the innermost file with a matching pattern
    /// decides.
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
