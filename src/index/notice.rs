//! What the index tells of itself while it is used.

use std::fmt;

use crate::error::escape;

/// Something that people should know, and that is no failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexNotice {
    /// A file of the index was not what was written.
    Damaged {
        /// Its name in the index's folder.
        file: String,
    },
    /// A search failed or gave an impossible answer, although the checksums of all files are correct.
    Inconsistent,
    /// A file of the index was found to be damaged after it was searched.
    DamagedAfterSearch {
        /// Its name in the index's folder.
        file: String,
    },
    /// The index could not be used as it was.
    Rebuilt {
        /// Why, as what it is or was.
        reason: &'static str,
    },
    /// Another process is at the index; this one waits for it.
    Waiting {
        /// Who.
        holder: String,
    },
    /// It took too long.
    StoppedWaiting {
        /// Who.
        holder: String,
    },
    /// The index cannot be brought up to the catalogue where it is.
    InMemory {
        /// Why not.
        reason: String,
    },
    /// The index is whole, but of more pieces than it need be.
    NotTidied {
        /// Why.
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
