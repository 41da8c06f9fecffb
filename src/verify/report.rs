//! Progress and result of a verification.

use std::path::PathBuf;

use crate::error::Problem;
use crate::offload::ReadMethod;

/// Result of verifying a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VerifyState {
    /// The file is unchanged.
    Verified,
    /// The file has different content.
    Altered,
    /// The file no longer exists.
    Missing,
    /// The file is not in any manifest, the ingest log or the catalogue.
    New,
    /// The file could not be read.
    Unread,
}

impl VerifyState {
    /// Returns the name, as printed and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Altered => "altered",
            Self::Missing => "missing",
            Self::New => "new",
            Self::Unread => "unread",
        }
    }
}

/// Progress of a verification.
#[derive(Debug)]
pub enum Event {
    /// Reading of the files begins.
    Begins {
        /// Number of files.
        files: usize,
        /// Total size of the files in bytes.
        bytes: u64,
        /// Descriptions of the sources of expected hashes.
        with: Vec<String>,
    },
    /// A file is about to be read; its path is relative to the folder.
    Reading(PathBuf),
    /// More bytes were read: the number since the last event.
    Read(u64),
    /// A file was verified: its path relative to the folder, and the result.
    Finished(PathBuf, VerifyState),
    /// A file or folder could not be read.
    Problem(Problem),
}

/// Result of a verification.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Number of unchanged files.
    pub verified: usize,
    /// Total size of the unchanged files in bytes.
    pub bytes: u64,
    /// Files with different content. All paths are relative to the folder.
    pub altered: Vec<PathBuf>,
    /// Files that no longer exist.
    pub missing: Vec<PathBuf>,
    /// Files that are not in any manifest, the ingest log or the catalogue.
    pub new: Vec<PathBuf>,
    /// Files whose names a manifest cannot store. The catalogue may still contain their hashes.
    pub outside: Vec<PathBuf>,
    /// Files that were not read: a user's pattern excludes them from the manifests, and no other
    /// hash is recorded for them.
    pub left_out: Vec<PathBuf>,
    /// Files and folders that could not be read.
    pub problems: Vec<Problem>,
    /// Least certain method by which a file was read.
    pub how: Option<ReadMethod>,
    /// Manifests that were written. The manifest of the folder itself is the last one.
    pub manifests: Vec<PathBuf>,
    /// True if no hash is recorded for any file.
    pub is_unknown: bool,
    /// True if the verification was interrupted.
    pub is_interrupted: bool,
}
