//! Request to check a card.

use std::path::PathBuf;

use crate::cancel::Cancel;
use crate::value::Age;

/// Default number of disks that must hold each file.
pub const COPIES: u8 = 2;

/// Card to check, and how strict the check is.
#[derive(Debug, Clone)]
pub struct Request {
    /// Root of the card, or a folder on it.
    pub card: PathBuf,
    /// Number of disks that must hold each file, not counting the card's own.
    pub copies: usize,
    /// Maximum age of the last verification of each copy.
    pub max_age: Option<Age>,
    /// Reuse the hashes of the ingest for files with the same size, time and sample.
    pub is_ingest_trusted: bool,
    /// Name that the user gave the card's disk, for readers that report no serial number.
    pub disk: Option<String>,
    /// Read every copy whose volume is mounted.
    pub is_paranoid: bool,
    /// Cancels the check.
    pub cancel: Cancel,
}
