//! Builder of a generation. It collects files one by one after a folder was copied or verified.

use std::path::PathBuf;

use jiff::Timestamp;

use super::{
    Creator, FileEntry, FolderEntry, Generation, HashEntry, Histories, MhlError, Process,
    SealOutcome,
};
use crate::checksum::{Checksum, HashKind};
use crate::value::{local_now, now};

/// Builder of the next generation of a folder's histories.
pub struct GenerationBuilder<'a> {
    histories: &'a Histories,
    kind: HashKind,
    created: Timestamp,
    /// True unless a part of the folder is missing. Folder hashes cannot be computed from a part of
    /// the files.
    is_complete: bool,
    files: Vec<FileEntry>,
    folders: Vec<FolderEntry>,
}

impl<'a> GenerationBuilder<'a> {
    /// Creates an empty builder. `kind` is the kind of hash for files that the histories do not
    /// contain.
    #[must_use]
    pub fn new(histories: &'a Histories, kind: HashKind) -> Self {
        Self {
            histories,
            kind,
            created: now(),
            is_complete: true,
            files: Vec::new(),
            folders: Vec::new(),
        }
    }

    /// Marks the generation as incomplete, so that it gets no folder hashes.
    pub fn mark_incomplete(&mut self) {
        self.is_complete = false;
    }

    /// Adds a file, unless the histories ignore it. Returns the result of comparing it with the
    /// histories; `None` if it was not added. `path` is the result of
    /// [`manifest_path`](super::manifest_path), `bytes` the size, and `modified` the modification
    /// time in nanoseconds since 1970 UTC. A `path` of `None` makes the generation incomplete.
    pub fn add_file(
        &mut self,
        path: Option<String>,
        bytes: u64,
        modified: i64,
        hashes: &[Checksum],
    ) -> Option<SealOutcome> {
        let Some(path) = path else {
            self.mark_incomplete();
            return None;
        };
        if self.histories.is_ignored(&path, false) {
            return None;
        }
        let required = self.histories.required_kinds(&path, &[self.kind]);
        let requested = hashes.iter().filter(|hash| required.contains(&hash.kind()));
        let requested: Vec<Checksum> = requested.cloned().collect();
        let verdict = self.histories.compare(&path, &requested);
        let outcome = verdict.outcome;
        // The histories contain only hashes of other kinds for this file, and none of these was
        // computed.
        if outcome == SealOutcome::Unverifiable {
            self.mark_incomplete();
            return Some(outcome);
        }
        self.files.push(FileEntry {
            path,
            previous: None,
            bytes,
            modified: timestamp(modified),
            created: None,
            hashes: HashEntry::from_verdict(verdict, self.created),
        });
        Some(outcome)
    }

    /// Adds a folder below the root. The arguments have the same meaning as in [`Self::add_file`].
    pub fn add_folder(&mut self, path: Option<String>, modified: i64) {
        if let Some(path) = path.filter(|path| !self.histories.is_ignored(path, true)) {
            self.folders.push(FolderEntry {
                path,
                previous: None,
                modified: timestamp(modified),
            });
        }
    }

    /// Writes the generation and returns the paths of the manifests: those of inner histories
    /// first, that of the root last.
    ///
    /// # Errors
    /// Returns an error if a history cannot be written.
    pub fn write(self, author: &str, process: Process) -> Result<Vec<PathBuf>, MhlError> {
        self.histories.write(&Generation {
            created: self.created,
            offset: local_now().offset(),
            creator: Creator::with_author(author),
            process,
            ignored: Vec::new(),
            kinds: if self.is_complete {
                vec![self.kind]
            } else {
                Vec::new()
            },
            folders: self.folders,
            files: self.files,
        })
    }
}

fn timestamp(nanos: i64) -> Option<Timestamp> {
    Timestamp::from_nanosecond(i128::from(nanos)).ok()
}
