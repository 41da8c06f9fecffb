//! One manifest of ASC MHL v2.0, read.

use std::path::Path;

use super::xml::{Step, Tag, Xml};
use super::{Action, Fault, FolderHash, amiss};
use crate::checksum::{Checksum, HashKind};

/// Patterns of one history; all of them are compiled.
const MOST_PATTERNS: usize = 10_000;

/// What a manifest says, handed over entry by entry.
pub(super) enum Said {
    File {
        path: String,
        previous: Option<String>,
        bytes: Option<u64>,
        hashes: Vec<(Checksum, Option<Action>)>,
    },
    /// The history's own folder is the empty path.
    Folder {
        path: String,
        previous: Option<String>,
        hashes: Vec<FolderHash>,
    },
    /// A manifest of a history below, relative to this history's folder.
    Reference { path: String, c4: Checksum },
    /// A pattern of what was left out.
    Pattern(String),
}

/// What is being read.
#[derive(Clone, Copy)]
enum Open {
    File,
    Folder,
    Root,
    Reference,
}

#[derive(Default)]
struct Half {
    path: Option<String>,
    previous: Option<String>,
    bytes: Option<u64>,
    hashes: Vec<(Checksum, Option<Action>)>,
    structures: Vec<Checksum>,
    is_structure: bool,
    action: Option<Action>,
}

/// Reads a manifest, and returns its hashes of those kinds.
///
/// # Errors
/// When it cannot be read, is no manifest, or `each` finds a fault with something: then the hash
/// decides whether the manifest was changed.
pub(super) fn read(
    path: &Path,
    is_as_recorded: impl Fn(&[Checksum]) -> Result<(), Fault>,
    kinds: &[HashKind],
    mut each: impl FnMut(Said) -> Result<(), String>,
) -> Result<Vec<Checksum>, Fault> {
    let mut xml = Xml::open(path, kinds)?;
    let fault = all(&mut xml, &mut each).err();
    // A manifest that was tampered with is told as such, whatever is wrong within it.
    let hashes = match (xml.hashes(), fault) {
        (Err(_), Some(fault)) => return Err(fault),
        (hashes, fault) => {
            let hashes = hashes?;
            is_as_recorded(&hashes)?;
            fault.map_or(Ok(hashes), Err)?
        }
    };
    Ok(hashes)
}

fn all(xml: &mut Xml, each: &mut impl FnMut(Said) -> Result<(), String>) -> Result<(), Fault> {
    let mut is_manifest = false;
    let mut open: Option<(Open, Half)> = None;
    // What others add is passed over, whatever its elements are called.
    let mut metadata = 0_usize;
    let mut patterns = 0_usize;
    while let Some(step) = xml.next()? {
        match step {
            Step::Open(tag) if !is_manifest => {
                let is_second = tag
                    .attribute("version")
                    .is_some_and(|version| version.starts_with("2."));
                if tag.name != "hashlist" || !is_second {
                    return Err(xml.malformed("it is no manifest of ASC MHL v2"));
                }
                is_manifest = true;
            }
            Step::Open(tag) if metadata > 0 || tag.name == "metadata" => metadata += 1,
            Step::Open(tag) => opened(&tag, &mut open).map_err(|reason| xml.malformed(reason))?,
            Step::Close { .. } if metadata > 0 => metadata -= 1,
            Step::Close { name, text } => {
                if name == "pattern" && open.is_none() && !text.is_empty() {
                    patterns += 1;
                    if patterns > MOST_PATTERNS {
                        return Err(xml.malformed("more patterns than can be"));
                    }
                    each(Said::Pattern(text)).map_err(|reason| xml.malformed(reason))?;
                    continue;
                }
                let said =
                    closed(&name, text, &mut open).map_err(|reason| xml.malformed(reason))?;
                if let Some(said) = said {
                    each(said).map_err(|reason| xml.malformed(reason))?;
                }
            }
        }
    }
    Ok(())
}

fn opened(tag: &Tag, open: &mut Option<(Open, Half)>) -> Result<(), String> {
    let Some((_, half)) = open else {
        let begun = match tag.name.as_str() {
            "hash" => Open::File,
            "directoryhash" => Open::Folder,
            "roothash" => Open::Root,
            "hashlistreference" => Open::Reference,
            _ => return Ok(()),
        };
        *open = Some((begun, Half::default()));
        return Ok(());
    };
    match tag.name.as_str() {
        "path" => {
            half.bytes = match tag.attribute("size") {
                None | Some("") => None,
                Some(size) => Some(size.trim().parse().map_err(|_| "a size that is none")?),
            };
        }
        "content" => half.is_structure = false,
        "structure" => half.is_structure = true,
        _ => half.action = tag.attribute("action").and_then(Action::named),
    }
    Ok(())
}

fn closed(
    name: &str,
    text: String,
    open: &mut Option<(Open, Half)>,
) -> Result<Option<Said>, String> {
    let Some((_, half)) = open else {
        return Ok(None);
    };
    match name {
        "path" => half.path = Some(text),
        "previousPath" => half.previous = Some(text),
        "hash" | "directoryhash" | "roothash" | "hashlistreference" => {
            return open.take().map(|(open, half)| said(open, half)).transpose();
        }
        name => {
            // An XXH32 is not what v2 knows.
            if let Some(kind) = HashKind::named(name).filter(|kind| *kind != HashKind::Xxh32) {
                let checksum = Checksum::parse(kind, text.trim())
                    .ok_or_else(|| format!("`{kind}` is no hash"))?;
                if half.is_structure {
                    half.structures.push(checksum);
                } else {
                    half.hashes.push((checksum, half.action));
                }
            }
        }
    }
    Ok(None)
}

fn said(open: Open, half: Half) -> Result<Said, String> {
    let path = match open {
        Open::Root => String::new(),
        Open::File | Open::Folder | Open::Reference => {
            half.path.ok_or("an entry without a path")?
        }
    };
    // Other tools write a folder's own slash.
    let path = match open {
        Open::Folder => path.strip_suffix('/').unwrap_or(&path).to_owned(),
        _ => path,
    };
    let is_root = matches!(open, Open::Root) || matches!(open, Open::Folder) && path == ".";
    for path in [Some(&path), half.previous.as_ref()].into_iter().flatten() {
        if let Some(reason) = amiss(path).filter(|_| !is_root) {
            return Err(reason.to_owned());
        }
    }
    Ok(match open {
        Open::File => Said::File {
            path,
            previous: half.previous,
            bytes: half.bytes,
            hashes: half.hashes,
        },
        Open::Folder | Open::Root => Said::Folder {
            path: if is_root { String::new() } else { path },
            previous: half.previous.filter(|_| !is_root),
            hashes: folder_hashes(half.hashes, &half.structures),
        },
        Open::Reference => {
            let mut hashes = half.hashes.into_iter().map(|(checksum, _)| checksum);
            let c4 = hashes.find(|checksum| checksum.kind() == HashKind::C4);
            Said::Reference {
                path,
                c4: c4.ok_or("a reference without its hash")?,
            }
        }
    })
}

/// Contents with the structure of the same kind.
fn folder_hashes(
    contents: Vec<(Checksum, Option<Action>)>,
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
