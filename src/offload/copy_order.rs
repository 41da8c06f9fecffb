//! Files to copy, their source and their destinations.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::copy_task::CopyTask;
use super::source_change::Times;
use crate::checksum::HashKind;

/// Folder that files are copied to.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    /// Folder that receives the contents of the card's root; created if missing.
    pub folder: PathBuf,
    /// Folder that must exist: `folder` or one of its ancestors. Folders above it are never
    /// created, so nothing is written where a drive is usually mounted.
    pub base: PathBuf,
    /// Filesystem of `folder`, from [`filesystem()`]. If it changes, the drive was removed.
    pub filesystem: Option<u64>,
    /// True for a network share. Its writes use the system's cache, which combines them into larger
    /// requests.
    pub is_share: bool,
    /// True if parallel requests slow the device down (spinning disk, card). Copies are then
    /// verified between writes, not in parallel with them.
    pub is_single: bool,
}

impl Destination {
    /// Returns true if the drive was removed. Writes would then go to the system disk.
    #[must_use]
    pub(crate) fn is_gone(&self) -> bool {
        !self.base.is_dir() || filesystem(&self.folder) != self.filesystem
    }
}

/// Returns the id of the filesystem that a folder is on, or will be on once it is created.
#[must_use]
pub(crate) fn filesystem(folder: &Path) -> Option<u64> {
    let metadata = folder
        .ancestors()
        .find_map(|folder| folder.metadata().ok())?;
    #[cfg(unix)]
    {
        Some(std::os::unix::fs::MetadataExt::dev(&metadata))
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        Some(0)
    }
}

/// Files to copy and their destinations.
pub(crate) struct CopyOrder<'a> {
    /// Root of the card.
    pub source: &'a Path,
    /// True if the card's root is on a network share.
    pub is_share: bool,
    /// Properties of the file times on the card's filesystem.
    pub times: Times,
    /// Time at which the listing of the card ended.
    pub listed: Instant,
    /// Destinations of the copies.
    pub destinations: &'a [Destination],
    /// Files, in the order in which they are read.
    pub tasks: &'a [CopyTask],
    /// Kinds of the hashes computed for each file. The first kind verifies copies.
    pub kinds: &'a [HashKind],
    /// Returns true once copying must stop.
    pub is_cancelled: &'a (dyn Fn() -> bool + Sync),
}
