//! Recorded paths whose spelling differs from the listed one in case or Unicode normalization. On
//! some filesystems both spellings lead to the same file.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

use crate::offload::Listing;

/// Recorded paths that exist although the listing does not contain them.
#[derive(Debug, Default)]
pub(super) struct Unlisted {
    /// Recorded paths that lead to a listed file, by listed path.
    pub(super) variants: HashMap<PathBuf, Vec<PathBuf>>,
    /// Recorded paths that lead to no listed file.
    pub(super) unmatched: Vec<PathBuf>,
}

/// Finds the listed files of recorded paths that exist but are not listed. `exists` returns true if
/// a file may exist.
pub(super) fn find_unlisted(
    root: &Path,
    listing: &Listing,
    recorded: BTreeSet<&Path>,
    exists: &dyn Fn(&Path) -> bool,
) -> Unlisted {
    let mut unlisted = Unlisted::default();
    let files: HashSet<&Path> = listing.files.iter().map(|item| &*item.inside).collect();
    let absent = recorded.into_iter().filter(|path| !files.contains(path));
    let existing: Vec<&Path> = absent.filter(|path| exists(path)).collect();
    if existing.is_empty() {
        return unlisted;
    }
    let mut children: HashMap<&Path, Vec<&OsStr>> = HashMap::new();
    let folders = listing.folders.iter().map(|(inside, _)| inside.as_path());
    for path in folders.chain(files.iter().copied()) {
        if let Some((folder, name)) = path.parent().zip(path.file_name()) {
            children.entry(folder).or_default().push(name);
        }
    }
    for path in existing {
        let mut problems = listing.problems.iter();
        let is_left_out = listing.left_out.iter().any(|out| path.starts_with(out))
            || problems.any(|problem| root.join(path).starts_with(&problem.path));
        let found = find_listed(root, path, &children).filter(|_| !is_left_out);
        match found.filter(|found| files.contains(found.as_path())) {
            Some(found) => {
                let variants = unlisted.variants.entry(found).or_default();
                variants.push(path.to_owned());
            }
            None => unlisted.unmatched.push(path.to_owned()),
        }
    }
    unlisted
}

/// Returns the listed path that a recorded path leads to. Each name in the path is matched
/// separately.
fn find_listed(
    root: &Path,
    recorded: &Path,
    children: &HashMap<&Path, Vec<&OsStr>>,
) -> Option<PathBuf> {
    let mut found = PathBuf::new();
    for name in recorded {
        let names = children.get(found.as_path())?;
        let name = if names.contains(&name) {
            name
        } else {
            let path = root.join(&found).join(name);
            // Inodes are compared last, since FUSE may give each spelling its own inode number.
            let has_same_name = |left: &&&OsStr| is_same_name(left, name);
            let has_same_inode =
                |left: &&&OsStr| is_same_inode(&root.join(&found).join(left), &path);
            let mut matching = names.iter().filter(has_same_name);
            let by_name = matching.next().filter(|_| matching.next().is_none());
            by_name.or_else(|| names.iter().find(has_same_inode))?
        };
        found.push(name);
    }
    Some(found)
}

/// Returns true if two names are equal except for case and Unicode normalization.
fn is_same_name(left: &OsStr, right: &OsStr) -> bool {
    let fold = |name: &OsStr| -> Option<String> {
        let lower = name.to_str()?.nfd().flat_map(char::to_lowercase);
        Some(lower.nfd().collect())
    };
    let (left, right) = (fold(left), fold(right));
    left.is_some() && left == right
}

#[cfg(unix)]
fn is_same_inode(left: &Path, right: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(left), Ok(right)) = (left.symlink_metadata(), right.symlink_metadata()) else {
        return false;
    };
    (left.dev(), left.ino()) == (right.dev(), right.ino())
}

#[cfg(not(unix))]
fn is_same_inode(_left: &Path, _right: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_only_in_case_or_normalization_are_the_same() {
        for (left, right) in [
            ("PRIVATE", "private"),
            ("cafe\u{301}.MP4", "CAF\u{c9}.mp4"),
            ("\u{c5}", "\u{212b}"),
        ] {
            assert!(is_same_name(OsStr::new(left), OsStr::new(right)), "{left}");
        }
        assert!(!is_same_name(OsStr::new("A1"), OsStr::new("A2")));
    }
}
