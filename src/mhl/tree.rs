//! Hashes of folders, as ASC MHL defines them, from the hashes of the files in them.
//!
//! A folder has two: the hash of its contents takes the hashes of what is in it, and so stays
//! when files are renamed; the hash of its structure takes names in as well.

use std::collections::BTreeMap;

use crate::checksum::{Checksum, HashKind, Hasher};

/// What a folder hashes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderHash {
    /// Of what its files hold.
    pub content: Checksum,
    /// Of that and of names.
    pub structure: Checksum,
}

/// What is in a folder.
#[derive(Default)]
struct Held {
    contents: Vec<Checksum>,
    structures: Vec<Checksum>,
}

/// The hashes of all folders: of those named, of those that files are in, and of the root, which is
/// the empty path. Paths are relative to the root, their parts separated by `/`; what is ignored
/// must not be among them. Checksums of another kind are passed over.
///
/// As `DirectoryHashContext` of the `ascmhl` package 1.2 computes them: hashes are sorted, and so
/// are independent of the order of files; an empty folder hashes to that of no bytes.
#[must_use]
pub fn folder_hashes<'a>(
    kind: HashKind,
    files: impl IntoIterator<Item = (&'a str, &'a Checksum)>,
    folders: impl IntoIterator<Item = &'a str>,
) -> BTreeMap<String, FolderHash> {
    let mut held: BTreeMap<&str, Held> = BTreeMap::new();
    held.entry("").or_default();
    for folder in folders {
        note(&mut held, folder);
    }
    for (path, checksum) in files {
        if checksum.kind() != kind {
            continue;
        }
        let (folder, name) = parted(path);
        note(&mut held, folder);
        if let Some(held) = held.get_mut(folder) {
            held.structures.push(named(kind, name, checksum));
            held.contents.push(checksum.clone());
        }
    }
    // The deepest first: each adds to the one it is in.
    let mut order: Vec<&str> = held.keys().copied().collect();
    order.sort_by_key(|path| std::cmp::Reverse(depth(path)));
    let mut hashes = BTreeMap::new();
    for path in order {
        let Some(done) = held.remove(path) else {
            continue;
        };
        let hash = FolderHash {
            content: joined(kind, done.contents),
            structure: joined(kind, done.structures),
        };
        let (folder, name) = parted(path);
        if !path.is_empty()
            && let Some(above) = held.get_mut(folder)
        {
            above.structures.push(named(kind, name, &hash.structure));
            above.contents.push(hash.content.clone());
        }
        hashes.insert(path.to_owned(), hash);
    }
    hashes
}

/// A path's folder, which is empty for those in the root, and its name.
pub(super) fn parted(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// A folder, and all that it is in.
fn note<'a>(held: &mut BTreeMap<&'a str, Held>, mut folder: &'a str) {
    while !folder.is_empty() && !held.contains_key(folder) {
        held.insert(folder, Held::default());
        (folder, _) = parted(folder);
    }
}

fn depth(path: &str) -> usize {
    if path.is_empty() {
        return 0;
    }
    1 + path.bytes().filter(|byte| *byte == b'/').count()
}

fn named(kind: HashKind, name: &str, checksum: &Checksum) -> Checksum {
    let mut hasher = Hasher::new(kind);
    hasher.update(name.as_bytes());
    hasher.update(checksum.bytes());
    hasher.finish()
}

/// The reference sorts hashes as text; digits of one length sort as the bytes do, also in base 58.
fn joined(kind: HashKind, mut held: Vec<Checksum>) -> Checksum {
    held.sort_unstable();
    let mut hasher = Hasher::new(kind);
    for checksum in &held {
        hasher.update(checksum.bytes());
    }
    hasher.finish()
}
