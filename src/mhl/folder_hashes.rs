//! Computation of ASC MHL folder hashes from the hashes of the files in a folder.
//!
//! A folder has two hashes. The content hash covers the hashes of its files and folders, so that it
//! does not change if files are renamed. The structure hash also covers the names.

use std::collections::BTreeMap;

use crate::checksum::{Checksum, HashKind, Hasher};

/// Both hashes of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderHash {
    /// Hash of the contents of all files and folders.
    pub content: Checksum,
    /// Hash of the contents and names of all files and folders.
    pub structure: Checksum,
}

/// Hashes of the direct children of a folder.
#[derive(Default)]
struct FolderContents {
    contents: Vec<Checksum>,
    structures: Vec<Checksum>,
}

/// Computes the hashes of all folders: those in `folders`, those that contain files, and the root,
/// whose path is empty. Paths are relative to the root and separated by `/`. Ignored files and
/// folders must not be included. Files whose checksum has another kind are skipped.
///
/// The algorithm is that of `DirectoryHashContext` in the `ascmhl` package 1.2. Hashes are sorted,
/// so the result does not depend on the order of files. The hash of an empty folder is the hash of
/// zero bytes.
#[must_use]
pub fn folder_hashes<'a>(
    kind: HashKind,
    files: impl IntoIterator<Item = (&'a str, &'a Checksum)>,
    folders: impl IntoIterator<Item = &'a str>,
) -> BTreeMap<String, FolderHash> {
    let mut contents: BTreeMap<&str, FolderContents> = BTreeMap::new();
    contents.entry("").or_default();
    for folder in folders {
        insert_with_parents(&mut contents, folder);
    }
    for (path, checksum) in files {
        if checksum.kind() != kind {
            continue;
        }
        let (folder, name) = split_parent(path);
        insert_with_parents(&mut contents, folder);
        if let Some(contents) = contents.get_mut(folder) {
            contents.structures.push(hash_named(kind, name, checksum));
            contents.contents.push(checksum.clone());
        }
    }
    // The deepest folders come first, since each folder adds its hashes to its parent.
    let mut order: Vec<&str> = contents.keys().copied().collect();
    order.sort_by_key(|path| std::cmp::Reverse(depth(path)));
    let mut hashes = BTreeMap::new();
    for path in order {
        let Some(children) = contents.remove(path) else {
            continue;
        };
        let hash = FolderHash {
            content: hash_sorted(kind, children.contents),
            structure: hash_sorted(kind, children.structures),
        };
        let (folder, name) = split_parent(path);
        if !path.is_empty()
            && let Some(above) = contents.get_mut(folder)
        {
            above
                .structures
                .push(hash_named(kind, name, &hash.structure));
            above.contents.push(hash.content.clone());
        }
        hashes.insert(path.to_owned(), hash);
    }
    hashes
}

/// Splits a path into its parent folder and its name. The folder is empty for a path in the root.
pub(super) fn split_parent(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Inserts a folder and its parents, unless they exist.
fn insert_with_parents<'a>(contents: &mut BTreeMap<&'a str, FolderContents>, mut folder: &'a str) {
    while !folder.is_empty() && !contents.contains_key(folder) {
        contents.insert(folder, FolderContents::default());
        (folder, _) = split_parent(folder);
    }
}

fn depth(path: &str) -> usize {
    if path.is_empty() {
        return 0;
    }
    1 + path.bytes().filter(|byte| *byte == b'/').count()
}

fn hash_named(kind: HashKind, name: &str, checksum: &Checksum) -> Checksum {
    let mut hasher = Hasher::new(kind);
    hasher.update(name.as_bytes());
    hasher.update(checksum.bytes());
    hasher.finish()
}

/// Hashes checksums in sorted order. The reference implementation sorts them as text. For texts of
/// equal length this is the order of the bytes, in base 58, too.
fn hash_sorted(kind: HashKind, mut contents: Vec<Checksum>) -> Checksum {
    contents.sort_unstable();
    let mut hasher = Hasher::new(kind);
    for checksum in &contents {
        hasher.update(checksum.bytes());
    }
    hasher.finish()
}
