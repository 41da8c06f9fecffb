//! Messages from the reader of a card to the hasher and the writers.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::buffers::{PIECE, Piece};
use super::source_change::SourceState;
use crate::checksum::Checksum;

/// File in progress, shared by all threads.
pub(super) struct Job {
    pub(super) task: usize,
    pub(super) inside: PathBuf,
    pub(super) bytes: u64,
    pub(super) modified: i64,
    /// True if the file has holes on the card.
    pub(super) is_sparse: bool,
    /// Hashes from an earlier run.
    pub(super) known_hashes: Option<Vec<Checksum>>,
    /// Hashes, set once the file was read; `None` if it could not be read completely.
    pub(super) hashes: OnceLock<Option<Vec<Checksum>>>,
}

/// Message to the hasher and the writers. A file is sent as `Begin`, any number of `Piece`, `End`.
#[derive(Clone)]
pub(super) enum Message {
    /// Start of a file.
    Begin(Arc<Job>),
    /// Next piece of the file.
    Piece(Arc<Piece>),
    /// End of the file, with its state; `None` if it is incomplete or was changed.
    End(Option<SourceState>),
    /// Request to compare a file that exists at the destination with the same name and size.
    Compare(Arc<Job>),
}

/// Minimum size, in bytes, of files that are read and written with direct I/O.
pub(super) const DIRECT_IO_MIN_BYTES: u64 = 2 * PIECE as u64;
