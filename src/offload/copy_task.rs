//! File to be copied, with what is known from earlier runs.

use super::card_listing::Item;
use crate::checksum::Checksum;

/// File to be copied, and its state at each destination.
#[derive(Debug, Clone)]
pub struct CopyTask {
    /// File as listed on the card.
    pub item: Item,
    /// Hashes from an earlier run, including one of the first kind of the order. `None`
    /// if there are none, or if the size or time changed since.
    pub known_hashes: Option<Vec<Checksum>>,
    /// Per destination: true if its copy is already verified.
    pub is_verified: Vec<bool>,
    /// True if the file must be read again although `known_hashes` exist, because they may be
    /// wrong.
    pub must_reread: bool,
}
