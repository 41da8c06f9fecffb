//! A generation gathered file by file, as a folder is copied or checked.

use std::path::PathBuf;

use jiff::Timestamp;

use super::{Creator, Entry, Fault, Folder, Generation, Hash, Histories, Outcome, Process};
use crate::checksum::{Checksum, HashKind};
use crate::value::{local_now, now};

/// What the next generation of some histories is to say.
pub struct Gatherer<'a> {
    histories: &'a Histories,
    kind: HashKind,
    made: Timestamp,
    /// Whether nothing of the folder was left out: a part of its files says nothing of its folders.
    is_whole: bool,
    files: Vec<Entry>,
    folders: Vec<Folder>,
}

impl<'a> Gatherer<'a> {
    /// Nothing yet, with hashes of one kind for files that the histories do not know.
    #[must_use]
    pub fn new(histories: &'a Histories, kind: HashKind) -> Self {
        Self {
            histories,
            kind,
            made: now(),
            is_whole: true,
            files: Vec::new(),
            folders: Vec::new(),
        }
    }

    /// Something of the folder is not in it.
    pub fn leave_out(&mut self) {
        self.is_whole = false;
    }

    /// Takes a file: its path as manifests write it, if they can ([`super::path`]), its size, its modification time in
    /// nanoseconds since 1970 UTC, and what it hashes to. What its histories make of that; `None` where they ignore it
    /// or cannot hold its name.
    pub fn file(
        &mut self,
        path: Option<String>,
        bytes: u64,
        modified: i64,
        hashes: &[Checksum],
    ) -> Option<Outcome> {
        let Some(path) = path else {
            self.leave_out();
            return None;
        };
        if self.histories.is_ignored(&path, false) {
            return None;
        }
        let needed = self.histories.needed(&path, &[self.kind]);
        let wanted = hashes.iter().filter(|hash| needed.contains(&hash.kind()));
        let wanted: Vec<Checksum> = wanted.cloned().collect();
        let verdict = self.histories.judged(&path, &wanted);
        let outcome = verdict.outcome;
        // It is known by hashes of another kind only, and none of these was computed.
        if outcome == Outcome::Unproven {
            self.leave_out();
            return Some(outcome);
        }
        self.files.push(Entry {
            path,
            previous: None,
            bytes,
            modified: timestamp(modified),
            created: None,
            hashes: Hash::all(verdict, self.made),
        });
        Some(outcome)
    }

    /// Takes a folder below the root, also an empty one; its path and time as those of files.
    pub fn folder(&mut self, path: Option<String>, modified: i64) {
        if let Some(path) = path.filter(|path| !self.histories.is_ignored(path, true)) {
            self.folders.push(Folder {
                path,
                previous: None,
                modified: timestamp(modified),
            });
        }
    }

    /// Writes it, and gives the manifests: of histories within first, that of the root last.
    ///
    /// # Errors
    /// When a history is damaged, or cannot be written.
    pub fn write(self, author: &str, process: Process) -> Result<Vec<PathBuf>, Fault> {
        self.histories.write(&Generation {
            created: self.made,
            offset: local_now().offset(),
            creator: Creator::by(author),
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
