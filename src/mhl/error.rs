//! What can be wrong with a history: it ends the reading of it, since half a history proves nothing.

use std::io;
use std::path::{Path, PathBuf};

use crate::checksum::HashKind;
use crate::error::escape;

/// Why a manifest or a history cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The system refused.
    #[error("{}: {source}", shown(path))]
    Path {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not what a manifest or a chain is.
    #[error("{}:{line}: {reason}", shown(path))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line where it was noticed, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// There are manifests, but no chain that names them.
    #[error("{}: there are manifests, but no chain", shown(path))]
    NoChain {
        /// Where the chain would be.
        path: PathBuf,
    },
    /// The chain names a manifest that is not there.
    #[error("{}: named by its chain, but missing", shown(path))]
    MissingManifest {
        /// The manifest.
        path: PathBuf,
    },
    /// A manifest is not the one that was entered in its chain, or in the history above.
    #[error(
        "{}: changed after it was written: its {kind} is not the one recorded",
        shown(path)
    )]
    Altered {
        /// The manifest.
        path: PathBuf,
        /// The hash that differs.
        kind: HashKind,
    },
    /// Another program wrote to a chain at the same moment.
    #[error(
        "{}: another program added a generation at the same moment",
        shown(path)
    )]
    Overtaken {
        /// The chain.
        path: PathBuf,
    },
    /// Something that a manifest cannot say.
    #[error("`{}`: {reason}", escape(name))]
    Unwritable {
        /// The path, or the text.
        name: String,
        /// Why.
        reason: &'static str,
    },
}

impl Fault {
    /// A path with what the system said of it.
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

fn shown(path: &Path) -> String {
    escape(&path.to_string_lossy())
}
