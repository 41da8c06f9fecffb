//! Media hash lists: records of a folder's files and their hashes, stored in that folder.
//!
//! This module reads and writes ASC MHL v2.0, and reads the older MHL 1.1 ([`mhl1`]). It follows
//! the reference implementation, the `ascmhl` package 1.2 (<https://github.com/ascmitc/mhl>), which
//! verifies the output of this module in tests. It is separate from the catalogue because a history
//! belongs to a folder, moves with it, and must be readable without this program.
//!
//! A **history** ([`History`]) is an `ascmhl` folder. It contains **generations**, each with a
//! manifest, and a **chain** that stores the hash of every manifest. [`Histories`] are all
//! histories of a folder and the folders in it. [`Histories::write`] seals a folder;
//! [`Histories::expected`] returns the hashes to verify against.

mod chain;
mod compare;
mod error;
mod folder_hashes;
mod generation;
mod generation_builder;
mod histories;
mod history;
mod ignore;
mod manifest;
mod manifest_path;
pub mod mhl1;
mod unnamed_manifests;
mod write;
mod xml;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;

pub use compare::{SealOutcome, SealVerdict, compare, required_kinds};
pub use error::MhlError;
pub use folder_hashes::{FolderHash, folder_hashes};
pub use generation::{Author, Creator, FileEntry, FolderEntry, Generation, HashEntry, Process};
pub use generation_builder::GenerationBuilder;
pub use histories::Histories;
pub use history::{FileHistory, FolderHistory, History, ManifestRef};
pub use ignore::{DEFAULT as IGNORED_BY_DEFAULT, IgnorePatterns};
pub use manifest_path::{can_represent, manifest_path};
pub use write::write;

/// Name of the folder that contains a history.
pub const FOLDER: &str = "ascmhl";
/// File name of the chain.
const CHAIN: &str = "ascmhl_chain.xml";
/// File name of the lock held while a history is written.
const LOCK: &str = crate::atomic_file::LOCK;
/// File extension of manifests.
const EXTENSION: &str = "mhl";

/// The `action` attribute of a hash in a manifest: the result of comparing it with earlier hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HashAction {
    /// The first hash of the file.
    Original,
    /// The hash equals the earlier hash of its kind. A hash of a new kind was computed in the same
    /// read as an equal hash of another kind.
    Verified,
    /// The hash differs from the earlier hash of its kind.
    Failed,
}

impl HashAction {
    /// Returns the spelling used in manifests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Verified => "verified",
            Self::Failed => "failed",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Original, Self::Verified, Self::Failed]
            .into_iter()
            .find(|action| action.name() == name)
    }
}

impl fmt::Display for HashAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Returns true if a path names a file of a history: a manifest or the chain.
#[must_use]
pub fn is_history_file(path: &Path) -> bool {
    let is_manifest = || path.extension().is_some_and(|kind| kind == EXTENSION);
    is_in_history(path) && (is_chain(path) || is_manifest())
}

/// Returns true if a path names the chain of a history, which every generation changes.
#[must_use]
pub fn is_chain(path: &Path) -> bool {
    is_in_history(path) && path.file_name().is_some_and(|name| name == CHAIN)
}

fn is_in_history(path: &Path) -> bool {
    let folder = path.parent().and_then(Path::file_name);
    folder.is_some_and(|folder| folder == FOLDER)
}

/// Returns true if the chain file `chain` equals or extends the chain file `before`. Returns false
/// if either cannot be read, or if `before` contains no generation.
#[must_use]
pub fn has_grown(chain: &Path, before: &Path) -> bool {
    let (Ok(links), Ok(before)) = (chain::read(chain), chain::read(before)) else {
        return false;
    };
    !before.is_empty() && links.starts_with(&before)
}
