//! Messages from the threads that copy and finalize cards to the main thread.

use std::path::PathBuf;

use crate::ingest::seal::Sealed;
use crate::offload;

/// Messages from the copying threads.
pub(super) enum CopyMessage {
    /// Event of copying a card.
    Event(offload::Event),
    /// The copying thread of a card ended.
    CopyEnded,
    /// Event of finalizing a card.
    Finalize(FinalizeEvent),
    /// Finalizing a card ended: true if all of its files are copied and verified, `None` if
    /// interrupted.
    Finalized(Option<bool>),
}

/// Event of finalizing a card.
pub(super) enum FinalizeEvent {
    /// A file changed on the card after it was read, so its copies at these destinations are
    /// outdated.
    Changed(usize, Vec<usize>),
    /// The card cannot be listed again, probably because it was removed.
    CardRemoved,
    /// Problem with a file or folder: path and reason.
    Problem(PathBuf, String),
    /// Another process holds the lock of a destination's history.
    WaitingForManifest(usize),
    /// The manifest of a destination was written, or could not be.
    Sealed(usize, Result<Sealed, String>),
}
