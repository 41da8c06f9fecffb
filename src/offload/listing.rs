//! Everything that is on a card, whatever it is: a card is copied whole.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::error::Problem;
use crate::original::modified;
use crate::publish;

/// What operating systems keep for themselves in the root of a drive: none of it is footage, and some may not be read.
const OF_SYSTEMS: [&str; 6] = [
    ".spotlight-v100",
    ".fseventsd",
    ".temporaryitems",
    ".documentrevisions-v100",
    "system volume information",
    "lost+found",
];

/// A file of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it is below the card's root.
    pub inside: PathBuf,
    /// Bytes.
    pub bytes: u64,
    /// Modification time in nanoseconds since 1970 UTC.
    pub modified: i64,
}

impl Item {
    /// Whether a file is of this size and time; filesystems keep times to two seconds at worst.
    #[must_use]
    pub fn is_like(&self, metadata: &Metadata) -> bool {
        metadata.is_file()
            && metadata.len() == self.bytes
            && (modified(metadata) - self.modified).abs() <= COARSEST
    }
}

/// How far a time is off that went through FAT, nanoseconds.
const COARSEST: i64 = 2_000_000_000;

/// What a card holds.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Its files, folder by folder, each in the order of names.
    pub files: Vec<Item>,
    /// Its folders, each before those in it, with their modification times; the root is not among them.
    pub folders: Vec<(PathBuf, i64)>,
    /// What could not be listed, or is no file: links, pipes.
    pub problems: Vec<Problem>,
    /// Folders of operating systems, which are left out.
    pub left_out: Vec<PathBuf>,
    /// Whether the listing was interrupted.
    pub is_cut: bool,
}

impl Listing {
    /// Leaves out files that are called as unfinished copies are, each with a problem.
    pub fn leave_out_unfinished(&mut self, root: &Path, reason: &str) {
        let is_unfinished = |item: &mut Item| {
            let name = item.inside.file_name();
            name.is_some_and(publish::is_unfinished)
        };
        let left = self.files.extract_if(.., is_unfinished);
        let problems = left.map(|item| Problem::new(root.join(&item.inside), reason));
        self.problems.extend(problems);
    }

    /// Leaves out what is at and below a path, with a problem.
    pub fn leave_out_below(&mut self, root: &Path, path: &Path, reason: &str) {
        let Ok(below) = path.strip_prefix(root) else {
            return;
        };
        self.files.retain(|item| !item.inside.starts_with(below));
        self.folders
            .retain(|(inside, _)| !inside.starts_with(below));
        self.problems.push(Problem::new(path, reason));
    }

    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Whether it is as it was at another time, to the last file.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.files == other.files && self.folders.len() == other.folders.len()
    }
}

/// Lists everything below a folder, as long as `go_on` says so. What is not a file of the same filesystem's
/// own is told as a problem, but for folders of operating systems.
///
/// # Errors
/// When the folder itself cannot be listed.
pub fn list(root: &Path, go_on: &dyn Fn() -> bool) -> io::Result<Listing> {
    std::fs::read_dir(root)?;
    let mut listing = Listing::default();
    let mut walk = WalkDir::new(root)
        .min_depth(1)
        .sort_by_file_name()
        .into_iter();
    while let Some(entry) = walk.next() {
        if !go_on() {
            listing.is_cut = true;
            break;
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                let reason = error
                    .io_error()
                    .map_or_else(|| error.to_string(), ToString::to_string);
                listing.problems.push(Problem::new(&path, reason));
                continue;
            }
        };
        let Ok(inside) = entry.path().strip_prefix(root).map(Path::to_owned) else {
            continue;
        };
        let kind = entry.file_type();
        if kind.is_dir() && entry.depth() == 1 && is_of_system(&entry) {
            listing.left_out.push(inside);
            walk.skip_current_dir();
            continue;
        }
        if !kind.is_dir() && !kind.is_file() {
            let reason = if kind.is_symlink() {
                "it is a link: what it leads to is not on the card, and was not copied"
            } else {
                "it is a pipe or a device, and was not copied"
            };
            listing
                .problems
                .push(Problem::new(entry.path(), reason.to_owned()));
            continue;
        }
        match entry.metadata() {
            Ok(metadata) if kind.is_dir() => listing.folders.push((inside, modified(&metadata))),
            Ok(metadata) => listing.files.push(Item {
                inside,
                bytes: metadata.len(),
                modified: modified(&metadata),
            }),
            Err(error) => listing
                .problems
                .push(Problem::new(entry.path(), error.to_string())),
        }
    }
    Ok(listing)
}

/// What `fsck` found again may be footage; an empty folder of it is nothing.
fn is_of_system(entry: &walkdir::DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy().to_lowercase();
    let is_empty =
        || std::fs::read_dir(entry.path()).map_or(true, |mut entries| entries.next().is_none());
    OF_SYSTEMS.contains(&name.as_str()) && (name != "lost+found" || is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn all_is_listed_but_what_systems_keep_for_themselves() {
        let card = tempfile::tempdir().unwrap();
        let root = card.path();
        for folder in [
            "b/empty",
            ".Spotlight-V100/x",
            "lost+found",
            "b/lost+found",
            "a",
        ] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for file in ["b/C0001.MP4", "a/.hidden", "Thumbs.db", "STATUS.BIN"] {
            fs::write(root.join(file), file).unwrap();
        }
        let listing = list(root, &|| true).unwrap();
        let names = listing
            .files
            .iter()
            .map(|file| file.inside.to_str().unwrap());
        let names: Vec<&str> = names.collect();
        assert_eq!(
            names,
            ["STATUS.BIN", "Thumbs.db", "a/.hidden", "b/C0001.MP4"]
        );
        let folders = listing
            .folders
            .iter()
            .map(|(path, _)| path.to_str().unwrap());
        let folders: Vec<&str> = folders.collect();
        assert_eq!(folders, ["a", "b", "b/empty", "b/lost+found"]);
        assert_eq!(listing.left_out.len(), 2);
        assert!(listing.problems.is_empty() && !listing.is_cut);
        assert!(list(root, &|| false).unwrap().is_cut);
        assert!(list(&root.join("gone"), &|| true).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_and_pipes_are_told() {
        let card = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc", card.path().join("etc")).unwrap();
        let listing = list(card.path(), &|| true).unwrap();
        assert!(listing.files.is_empty() && listing.folders.is_empty());
        assert_eq!(listing.problems.len(), 1);
    }
}
