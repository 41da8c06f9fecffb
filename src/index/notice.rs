//! Notices that the index reports while it is used.

use std::fmt;

use crate::error::escape;

/// Notice for the user that is not a failure.
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
    /// The index could not be used and is rebuilt.
    Rebuilt {
        /// Predicate that follows "the index".
        reason: &'static str,
    },
    /// Another process writes the index; this process waits for it.
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
                "the index was damaged ({}); it is being made anew from the catalogue",
                escape(file)
            ),
            Self::Inconsistent => f.write_str(
                "the index failed to answer or gave an impossible answer, although its checksums are correct; it is being rebuilt from the catalogue",
            ),
            Self::DamagedAfterSearch { file } => write!(
                f,
                "a check after this search found the index damaged ({}); search again, what it found may be incomplete",
                escape(file)
            ),
            Self::Rebuilt { reason } => {
                write!(
                    f,
                    "the index {reason}; it is being made anew from the catalogue"
                )
            }
            Self::Waiting { holder } => {
                write!(f, "{} writes the index; waiting for it", escape(holder))
            }
            Self::StoppedWaiting { holder } => write!(
                f,
                "{} still writes the index; what was changed last may not be found",
                escape(holder)
            ),
            Self::InMemory { reason } => write!(
                f,
                "the index cannot be written; this search makes one in memory: {}",
                escape(reason)
            ),
            Self::NotTidied { reason } => {
                write!(f, "the index could not be tidied up: {}", escape(reason))
            }
        }
    }
}
