//! Known paths whose spelling differs from the listed one by case or Unicode normalization, but
//! which the filesystem finds.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

use crate::offload::Listing;

/// Known paths that exist although the listing lacks them.
#[derive(Debug, Default)]
pub(super) struct Unlisted {
    /// Known spellings, by listed file.
    pub(super) spellings: HashMap<PathBuf, Vec<PathBuf>>,
    /// Known paths without a listed file.
    pub(super) unmatched: Vec<PathBuf>,
}

/// Matches known paths that exist but are not listed to listed files. `exists` returns true if a
/// file may exist.
pub(super) fn unlisted(
    root: &Path,
    listing: &Listing,
    known: BTreeSet<&Path>,
    exists: &dyn Fn(&Path) -> bool,
) -> Unlisted {
    let mut unlisted = Unlisted::default();
    let files: HashSet<&Path> = listing.files.iter().map(|item| &*item.inside).collect();
    let absent = known.into_iter().filter(|path| !files.contains(path));
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
        let found = listed(root, path, &children).filter(|_| !is_left_out);
        match found.filter(|found| files.contains(found.as_path())) {
            Some(found) => {
                let spellings = unlisted.spellings.entry(found).or_default();
                spellings.push(path.to_owned());
            }
            None => unlisted.unmatched.push(path.to_owned()),
        }
    }
    unlisted
}

/// Returns the listed path of a known path, matched name by name.
fn listed(root: &Path, known: &Path, children: &HashMap<&Path, Vec<&OsStr>>) -> Option<PathBuf> {
    let mut found = PathBuf::new();
    for name in known {
        let names = children.get(found.as_path())?;
        let name = if names.contains(&name) {
            name
        } else {
            let path = root.join(&found).join(name);
            // FUSE gives each spelling a separate inode number.
            let is_same_name = |one: &&&OsStr| is_alike(one, name);
            let is_same_inode = |one: &&&OsStr| is_inode(&root.join(&found).join(one), &path);
            let mut all = names.iter().filter(is_same_name);
            let by_name = all.next().filter(|_| all.next().is_none());
            by_name.or_else(|| names.iter().find(is_same_inode))?
        };
        found.push(name);
    }
    Some(found)
}

/// Returns true if two names differ only by case or Unicode normalization.
fn is_alike(one: &OsStr, other: &OsStr) -> bool {
    let fold = |name: &OsStr| -> Option<String> {
        let lower = name.to_str()?.nfd().flat_map(char::to_lowercase);
        Some(lower.nfd().collect())
    };
    let (one, other) = (fold(one), fold(other));
    one.is_some() && one == other
}

#[cfg(unix)]
fn is_inode(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(one), Ok(other)) = (one.symlink_metadata(), other.symlink_metadata()) else {
        return false;
    };
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_inode(_one: &Path, _other: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_by_case_or_normalization_are_alike() {
        for (one, other) in [
            ("PRIVATE", "private"),
            ("cafe\u{301}.MP4", "CAF\u{c9}.mp4"),
            ("\u{c5}", "\u{212b}"),
        ] {
            assert!(is_alike(OsStr::new(one), OsStr::new(other)), "{one}");
        }
        assert!(!is_alike(OsStr::new("A1"), OsStr::new("A2")));
    }
}
