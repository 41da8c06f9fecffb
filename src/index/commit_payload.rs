//! Metadata that is stored with each commit.

use serde::{Deserialize, Serialize};
use tantivy::index::IndexMeta;

/// Metadata that is stored with each commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CommitPayload {
    /// UUID of the indexed catalogue.
    pub(super) catalogue: String,
    /// Seq of the last change that the commit includes.
    pub(super) seq: i64,
    /// Version of the document format with which the documents were written.
    pub(super) documents: u32,
}

/// Parses the payload of the last commit.
pub(super) fn payload(metas: &IndexMeta) -> Option<CommitPayload> {
    serde_json::from_str(metas.payload.as_ref()?).ok()
}
