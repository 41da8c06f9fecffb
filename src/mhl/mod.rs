//! Media hash lists: what a folder held when it was copied or checked, written beside it.
//!
//! ASC MHL v2.0 is written and read; the older MHL 1.1 is read ([`classic`]). What decides is the
//! reference, the `ascmhl` package 1.2 (<https://github.com/ascmitc/mhl>), which judges what is written here.
//! It stands apart from the catalogue: a history belongs to a folder, goes where that goes, and
//! must be understood without this program.
//!
//! A **history** ([`History`]) is an `ascmhl` folder: **generations**, one manifest each, and a
//! chain that holds the hash of every manifest. [`Histories`] are all of them below a folder.
//! A card is sealed by [`Histories::write`]; what is there is checked by [`Histories::expected`].

mod chain;
pub mod classic;
mod fault;
mod gather;
mod generation;
mod histories;
mod history;
mod ignore;
mod judged;
mod manifest;
mod take_in;
mod tree;
mod written;
mod xml;

#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::fmt;
use std::path::{Component, Path};

pub use fault::Fault;
pub use gather::Gatherer;
pub use generation::{Author, Creator, Entry, Folder, Generation, Hash, Process};
pub use histories::Histories;
pub use history::{History, Known, KnownFolder, Made};
pub use ignore::{DEFAULT as IGNORED_BY_DEFAULT, Ignored};
pub use judged::{Outcome, Verdict, judged, needed};
pub use tree::{FolderHash, folder_hashes};
pub use written::write;

/// The folder of a history.
pub const FOLDER: &str = "ascmhl";
/// The chain in it.
const CHAIN: &str = "ascmhl_chain.xml";
/// Name of the lock of those who write a history.
const LOCK: &str = crate::publish::LOCK;
/// What manifests end by.
const EXTENSION: &str = "mhl";

/// What a hash in a manifest stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// The first of its file.
    Original,
    /// The same as before; or of another kind, made while one known before was verified.
    Verified,
    /// Not the same as before.
    Failed,
}

impl Action {
    /// As manifests write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Verified => "verified",
            Self::Failed => "failed",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Original, Self::Verified, Self::Failed]
            .into_iter()
            .find(|action| action.name() == name)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Whether a manifest can hold the name of a file: it must be UTF-8, and have no characters that
/// XML 1.0 has not (controls but tab and line ends, U+FFFE, U+FFFF).
///
/// Line ends are written as references, and read back by the reference too; but a manifest that the
/// reference itself writes has blanks put into such a name, and into one with U+0085, U+2028 or
/// U+2029.
#[must_use]
pub fn can_hold(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.chars().all(is_xml))
}

/// Whether a file is part of a history by its path: a manifest, or the chain.
#[must_use]
pub fn is_of_history(path: &Path) -> bool {
    let is_manifest = || path.extension().is_some_and(|kind| kind == EXTENSION);
    is_in_history(path) && (is_chain(path) || is_manifest())
}

/// Whether a file is the chain of a history by its path: each generation changes it.
#[must_use]
pub fn is_chain(path: &Path) -> bool {
    is_in_history(path) && path.file_name().is_some_and(|name| name == CHAIN)
}

fn is_in_history(path: &Path) -> bool {
    let folder = path.parent().and_then(Path::file_name);
    folder.is_some_and(|folder| folder == FOLDER)
}

/// Whether a chain is another one with generations added to it, or none; no, where one of them cannot be read.
#[must_use]
pub fn has_grown(chain: &Path, before: &Path) -> bool {
    let (Ok(links), Ok(before)) = (chain::read(chain), chain::read(before)) else {
        return false;
    };
    !before.is_empty() && links.starts_with(&before)
}

/// A path below a history's folder as manifests write it; `None` where none can hold it.
#[must_use]
pub fn path(inside: &Path) -> Option<String> {
    let parts = inside
        .iter()
        .map(|part| part.to_str().filter(|_| can_hold(part)));
    let parts: Vec<&str> = parts.collect::<Option<_>>()?;
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// Whether XML 1.0 can hold a character, even as a reference.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..)
}

/// Why a path cannot be one below a history's folder.
fn amiss(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("an empty path");
    }
    let mut parts = path.split('/');
    if !parts.all(|part| !matches!(part, "" | "." | "..")) {
        return Some("a path that is not a plain relative one");
    }
    // Where `\` and `C:` have a meaning, they must not lead out either.
    let is_below = Path::new(path)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    (!is_below).then_some("a path that leads out of its folder")
}
