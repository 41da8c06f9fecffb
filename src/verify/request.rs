//! Request to verify a folder.

use std::path::PathBuf;

use crate::cancel::Cancel;

/// Folder to verify, with options.
#[derive(Debug, Clone)]
pub struct Request {
    /// Folder to verify.
    pub folder: PathBuf,
    /// True if a new generation of the folder's manifest is written.
    pub is_recorded: bool,
    /// Name of the author that the new manifest states.
    pub author: String,
    /// Handle to cancel the verification.
    pub cancel: Cancel,
}
