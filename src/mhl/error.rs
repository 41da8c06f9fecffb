//! Errors of reading and writing a history. A read stops at the first error, since a partial
//! history verifies nothing.

use std::io;
use std::path::{Path, PathBuf};

use crate::checksum::HashKind;
use crate::error::escape;

/// Error of reading or writing a manifest or a history.
#[derive(Debug, thiserror::Error)]
pub enum MhlError {
    /// A filesystem operation failed.
    #[error("{}: {source}", display_path(path))]
    Path {
        /// File or folder that was accessed.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A file is not a valid manifest, chain or MHL 1.x list.
    #[error("{}:{line}: {reason}", display_path(path))]
    Malformed {
        /// Path of the file.
        path: PathBuf,
        /// One-based line at which the error was detected.
        line: usize,
        /// Description of the error.
        reason: String,
    },
    /// The folder contains manifests but no chain.
    #[error(
        "{}: missing, although its folder contains manifests",
        display_path(path)
    )]
    NoChain {
        /// Path at which the chain was expected.
        path: PathBuf,
    },
    /// The chain names a manifest that does not exist.
    #[error("{}: listed in the chain, but missing", display_path(path))]
    MissingManifest {
        /// Path of the missing manifest.
        path: PathBuf,
    },
    /// The hash of a manifest differs from the one in its chain or in the history above it.
    #[error(
        "{}: changed after it was written: its {kind} hash differs from the recorded one",
        display_path(path)
    )]
    Altered {
        /// Path of the changed manifest.
        path: PathBuf,
        /// Kind of the hash that differs.
        kind: HashKind,
    },
    /// Another program wrote the chain at the same time, or took over the lock.
    #[error(
        "{}: another program added a generation at the same time",
        display_path(path)
    )]
    Overtaken {
        /// Path of the chain.
        path: PathBuf,
    },
    /// A value cannot be represented in a manifest.
    #[error("`{}`: {reason}", escape(name))]
    Unwritable {
        /// Path or text that was rejected.
        name: String,
        /// Reason for the rejection.
        reason: &'static str,
    },
}

impl MhlError {
    /// Returns a function that attaches `path` to an I/O error.
    pub(super) fn path(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Path { path, source }
    }

    pub(super) fn unwritable(name: &str, reason: &'static str) -> Self {
        Self::Unwritable {
            name: name.to_owned(),
            reason,
        }
    }
}

fn display_path(path: &Path) -> String {
    escape(&path.to_string_lossy())
}
