//! Builder of a generation: collects files one by one while a folder is copied or verified.

use std::path::PathBuf;

use jiff::Timestamp;

use super::{
    Creator, FileEntry, FolderEntry, Generation, HashEntry, Histories, MhlError, Process,
    SealOutcome,
};
use crate::checksum::{Checksum, HashKind};
use crate::value::{local_now, now};

/// Builder of the next generation of a set of histories.
pub struct GenerationBuilder<'a> {
    histories: &'a Histories,
    kind: HashKind,
    created: Timestamp,
    /// True while the whole folder was added. Folder hashes cannot be computed from a part of the
    /// files.
    is_whole: bool,
    files: Vec<FileEntry>,
    folders: Vec<FolderEntry>,
}

impl<'a> GenerationBuilder<'a> {
    /// Creates an empty builder. `kind` is the hash kind for files that the histories do not
    /// contain.
    #[must_use]
    pub fn new(histories: &'a Histories, kind: HashKind) -> Self {
        Self {
            histories,
            kind,
            created: now(),
            is_whole: true,
            files: Vec::new(),
            folders: Vec::new(),
        }
    }

    /// Records that a part of the folder is missing from the generation, so that it gets no folder
    /// hashes.
    pub fn leave_out(&mut self) {
        self.is_whole = false;
    }

    /// Adds a file with its path in the manifest ([`super::path`]; `None` if it cannot be
    /// represented), its size in bytes, its modification time in nanoseconds since 1970 UTC, and
    /// its hashes. Returns the result of comparing it with the histories; `None` if they ignore the
    /// file or its name cannot be represented.
    pub fn file(
        &mut self,
        path: Option<String>,
        bytes: u64,
        modified: i64,
        hashes: &[Checksum],
    ) -> Option<SealOutcome> {
        let Some(path) = path else {
            self.leave_out();
            return None;
        };
        if self.histories.is_ignored(&path, false) {
            return None;
        }
        let required = self.histories.required_kinds(&path, &[self.kind]);
        let requested = hashes.iter().filter(|hash| required.contains(&hash.kind()));
        let requested: Vec<Checksum> = requested.cloned().collect();
        let verdict = self.histories.judge(&path, &requested);
        let outcome = verdict.outcome;
        // The histories know the file only by hashes of other kinds, and none of these was
        // computed.
        if outcome == SealOutcome::Unproven {
            self.leave_out();
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

    /// Adds a folder below the root, empty or not. The arguments have the same meaning as for
    /// files.
    pub fn folder(&mut self, path: Option<String>, modified: i64) {
        if let Some(path) = path.filter(|path| !self.histories.is_ignored(path, true)) {
            self.folders.push(FolderEntry {
                path,
                previous: None,
                modified: timestamp(modified),
            });
        }
    }

    /// Writes the generation and returns the manifests: those of inner histories first, that of the
    /// root last.
    ///
    /// # Errors
    /// If a history is damaged or cannot be written.
    pub fn write(self, author: &str, process: Process) -> Result<Vec<PathBuf>, MhlError> {
        self.histories.write(&Generation {
            created: self.created,
            offset: local_now().offset(),
            creator: Creator::with_author(author),
            process,
            ignored: Vec::new(),
            kinds: if self.is_whole {
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
