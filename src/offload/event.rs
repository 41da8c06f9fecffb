//! Progress and results of copying.

use super::read_method::ReadMethod;
use super::source_change::SourceState;
use crate::checksum::Checksum;
use crate::source_file::Stamp;

/// Progress of a copy. Tasks and destinations are given by index.
#[derive(Debug)]
pub enum Event {
    /// The file of a task is about to be read.
    Reading(usize),
    /// More bytes were read from the card: the number since the last event.
    Read(u64),
    /// More bytes were written: the destination, and the number since the last event.
    Written(usize, u64),
    /// More bytes were read back: the destination, and the number since the last event.
    ReadBack(usize, u64),
    /// A file was read completely: the task, its hashes, and the file's state during the read.
    Hashed(usize, Vec<Checksum>, SourceState),
    /// A task ended at a destination: the task, the destination, and the outcome.
    Finished(usize, usize, CopyOutcome),
    /// A file could not be read completely: the task, and the reason.
    ReadFailed(usize, String),
    /// A destination accepts no more files: the destination, and the reason. Its remaining files
    /// are left unchanged.
    GivenUp(usize, String),
    /// The card was removed, so nothing more can be read from it: the reason.
    CardGone(String),
}

/// Method by which a copy was read back, and the state of the copy afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadBack {
    /// Method of the read.
    pub how: ReadMethod,
    /// Size and times after the read.
    pub stamp: Stamp,
}

/// Result of copying a file to a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyOutcome {
    /// The file was copied, read back and matches.
    Copied(ReadBack),
    /// The file existed already, was read back, and matches.
    Existed(ReadBack),
    /// A different file with that name exists. It was left unchanged.
    Conflict,
    /// The file could not be copied, with the reason.
    Failed(String),
}
