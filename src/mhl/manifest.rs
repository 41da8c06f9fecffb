//! Reader of an ASC MHL v2.0 manifest.

use std::path::Path;

use super::manifest_path::path_error;
use super::xml::{StartTag, XmlEvent, XmlReader};
use super::{FolderHash, HashAction, MhlError};
use crate::checksum::{Checksum, HashKind};

/// Maximum number of ignore patterns. All patterns are compiled, which costs time and memory.
const MAX_PATTERNS: usize = 10_000;

/// Entry of a manifest.
pub(super) enum ManifestEntry {
    File {
        path: String,
        previous: Option<String>,
        bytes: Option<u64>,
        hashes: Vec<(Checksum, Option<HashAction>)>,
    },
    /// Folder. The path of the history's own folder is empty.
    Folder {
        path: String,
        previous: Option<String>,
        hashes: Vec<FolderHash>,
    },
    /// Manifest of an inner history. Its path is relative to this history's folder.
    Reference { path: String, c4: Checksum },
    /// Ignore pattern.
    Pattern(String),
}

/// Kind of the entry that is being read.
#[derive(Clone, Copy)]
enum EntryKind {
    File,
    Folder,
    Root,
    Reference,
}

#[derive(Default)]
struct PartialEntry {
    path: Option<String>,
    previous: Option<String>,
    bytes: Option<u64>,
    hashes: Vec<(Checksum, Option<HashAction>)>,
    structures: Vec<Checksum>,
    is_structure: bool,
    action: Option<HashAction>,
}

/// Reads a manifest and returns its hashes of the requested kinds.
///
/// `check_hashes` receives these hashes, and returns an error if the manifest was changed.
/// `on_entry` receives each entry.
///
/// # Errors
/// Returns an error if the file cannot be read, is not a manifest, or a callback returns an error.
/// An error of `check_hashes` takes precedence.
pub(super) fn read(
    path: &Path,
    check_hashes: impl Fn(&[Checksum]) -> Result<(), MhlError>,
    kinds: &[HashKind],
    mut on_entry: impl FnMut(ManifestEntry) -> Result<(), String>,
) -> Result<Vec<Checksum>, MhlError> {
    let mut xml = XmlReader::open(path, kinds)?;
    let error = read_entries(&mut xml, &mut on_entry).err();
    // A manifest with a wrong hash is reported as changed, even if it also contains other errors.
    let hashes = match (xml.finish(), error) {
        (Err(_), Some(error)) => return Err(error),
        (hashes, error) => {
            let hashes = hashes?;
            check_hashes(&hashes)?;
            error.map_or(Ok(hashes), Err)?
        }
    };
    Ok(hashes)
}

fn read_entries(
    xml: &mut XmlReader,
    on_entry: &mut impl FnMut(ManifestEntry) -> Result<(), String>,
) -> Result<(), MhlError> {
    let mut is_manifest = false;
    let mut open: Option<(EntryKind, PartialEntry)> = None;
    // Nesting depth within a `metadata` element. Other programs may add elements of any name there,
    // which are skipped.
    let mut metadata_depth = 0_usize;
    let mut patterns = 0_usize;
    while let Some(event) = xml.next()? {
        match event {
            XmlEvent::Start(tag) if !is_manifest => {
                let is_version_2 = tag
                    .attribute("version")
                    .is_some_and(|version| version.starts_with("2."));
                if tag.name != "hashlist" || !is_version_2 {
                    return Err(xml.malformed("not an ASC MHL v2 manifest"));
                }
                is_manifest = true;
            }
            XmlEvent::Start(tag) if metadata_depth > 0 || tag.name == "metadata" => {
                metadata_depth += 1;
            }
            XmlEvent::Start(tag) => {
                start_element(&tag, &mut open).map_err(|reason| xml.malformed(reason))?;
            }
            XmlEvent::End { .. } if metadata_depth > 0 => metadata_depth -= 1,
            XmlEvent::End { name, text } => {
                if name == "pattern" && open.is_none() && !text.is_empty() {
                    patterns += 1;
                    if patterns > MAX_PATTERNS {
                        return Err(xml.malformed("too many patterns"));
                    }
                    on_entry(ManifestEntry::Pattern(text))
                        .map_err(|reason| xml.malformed(reason))?;
                    continue;
                }
                let entry =
                    end_element(&name, text, &mut open).map_err(|reason| xml.malformed(reason))?;
                if let Some(entry) = entry {
                    on_entry(entry).map_err(|reason| xml.malformed(reason))?;
                }
            }
        }
    }
    Ok(())
}

fn start_element(
    tag: &StartTag,
    open: &mut Option<(EntryKind, PartialEntry)>,
) -> Result<(), String> {
    let Some((_, partial)) = open else {
        let kind = match tag.name.as_str() {
            "hash" => EntryKind::File,
            "directoryhash" => EntryKind::Folder,
            "roothash" => EntryKind::Root,
            "hashlistreference" => EntryKind::Reference,
            _ => return Ok(()),
        };
        *open = Some((kind, PartialEntry::default()));
        return Ok(());
    };
    match tag.name.as_str() {
        "path" => {
            partial.bytes = match tag.attribute("size") {
                None | Some("") => None,
                Some(size) => Some(size.trim().parse().map_err(|_| "invalid file size")?),
            };
        }
        "content" => partial.is_structure = false,
        "structure" => partial.is_structure = true,
        _ => partial.action = tag.attribute("action").and_then(HashAction::from_name),
    }
    Ok(())
}

fn end_element(
    name: &str,
    text: String,
    open: &mut Option<(EntryKind, PartialEntry)>,
) -> Result<Option<ManifestEntry>, String> {
    let Some((_, partial)) = open else {
        return Ok(None);
    };
    match name {
        "path" => partial.path = Some(text),
        "previousPath" => partial.previous = Some(text),
        "hash" | "directoryhash" | "roothash" | "hashlistreference" => {
            return open
                .take()
                .map(|(open, partial)| finish_entry(open, partial))
                .transpose();
        }
        name => {
            // ASC MHL v2 does not define XXH32.
            if let Some(kind) = HashKind::from_name(name).filter(|kind| *kind != HashKind::Xxh32) {
                let checksum = Checksum::parse(kind, text.trim())
                    .ok_or_else(|| format!("invalid `{kind}` hash"))?;
                if partial.is_structure {
                    partial.structures.push(checksum);
                } else {
                    partial.hashes.push((checksum, partial.action));
                }
            }
        }
    }
    Ok(None)
}

fn finish_entry(kind: EntryKind, partial: PartialEntry) -> Result<ManifestEntry, String> {
    let path = match kind {
        EntryKind::Root => String::new(),
        EntryKind::File | EntryKind::Folder | EntryKind::Reference => {
            partial.path.ok_or("an entry without a path")?
        }
    };
    // Some programs append a slash to folder paths.
    let path = match kind {
        EntryKind::Folder => path.strip_suffix('/').unwrap_or(&path).to_owned(),
        _ => path,
    };
    let is_root =
        matches!(kind, EntryKind::Root) || matches!(kind, EntryKind::Folder) && path == ".";
    for path in [Some(&path), partial.previous.as_ref()]
        .into_iter()
        .flatten()
    {
        if let Some(reason) = path_error(path).filter(|_| !is_root) {
            return Err(reason.to_owned());
        }
    }
    Ok(match kind {
        EntryKind::File => ManifestEntry::File {
            path,
            previous: partial.previous,
            bytes: partial.bytes,
            hashes: partial.hashes,
        },
        EntryKind::Folder | EntryKind::Root => ManifestEntry::Folder {
            path: if is_root { String::new() } else { path },
            previous: partial.previous.filter(|_| !is_root),
            hashes: folder_hashes(partial.hashes, &partial.structures),
        },
        EntryKind::Reference => {
            let mut hashes = partial.hashes.into_iter().map(|(checksum, _)| checksum);
            let c4 = hashes.find(|checksum| checksum.kind() == HashKind::C4);
            ManifestEntry::Reference {
                path,
                c4: c4.ok_or("a reference without a hash")?,
            }
        }
    })
}

/// Pairs each content hash with the structure hash of the same kind.
fn folder_hashes(
    contents: Vec<(Checksum, Option<HashAction>)>,
    structures: &[Checksum],
) -> Vec<FolderHash> {
    let hashes = contents.into_iter().filter_map(|(content, _)| {
        let structure = structures
            .iter()
            .find(|structure| structure.kind() == content.kind())?
            .clone();
        Some(FolderHash { content, structure })
    });
    hashes.collect()
}
