//! Notices about the state of the index.

use std::fmt;

use crate::error::escape;

/// Notice for the user; the operation continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexNotice {
    /// A file of the index failed its checksum.
    Damaged {
        /// File name, relative to the index's folder.
        file: String,
    },
    /// A search failed or returned an impossible result, although the checksums of all files are
    /// correct.
    Inconsistent,
    /// A check after a search found a damaged file.
    DamagedAfterSearch {
        /// File name, relative to the index's folder.
        file: String,
    },
    /// The index could not be used and is being rebuilt.
    Rebuilt {
        /// Predicate that follows "the index".
        reason: &'static str,
    },
    /// Another process is writing the index; this process waits for it.
    Waiting {
        /// Name and pid of the lock holder.
        holder: String,
    },
    /// The wait for another process timed out.
    StoppedWaiting {
        /// Name and pid of the lock holder.
        holder: String,
    },
    /// The index on disk cannot be updated, so an index in memory is used.
    InMemory {
        /// Error that prevented the update.
        reason: String,
    },
    /// The index is intact, but its segments could not be merged.
    NotTidied {
        /// Error that prevented the merge.
        reason: String,
    },
}

impl fmt::Display for IndexNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged { file } => write!(
                f,
                "the index is damaged ({}); rebuilding it from the catalogue",
                escape(file)
            ),
            Self::Inconsistent => f.write_str(
                "searching the index failed although its checksums are correct; rebuilding it from the catalogue",
            ),
            Self::DamagedAfterSearch { file } => write!(
                f,
                "a check after this search found the index damaged ({}); results may be incomplete: search again",
                escape(file)
            ),
            Self::Rebuilt { reason } => {
                write!(
                    f,
                    "the index {reason}; rebuilding it from the catalogue"
                )
            }
            Self::Waiting { holder } => {
                write!(f, "waiting for {}, which is writing the index", escape(holder))
            }
            Self::StoppedWaiting { holder } => write!(
                f,
                "{} is still writing the index; the latest changes may be missing",
                escape(holder)
            ),
            Self::InMemory { reason } => write!(
                f,
                "the index cannot be written; using one in memory for this search: {}",
                escape(reason)
            ),
            Self::NotTidied { reason } => {
                write!(f, "could not clean up the index: {}", escape(reason))
            }
        }
    }
}
