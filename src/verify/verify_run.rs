//! Running verification: the results so far and the receiver of events.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::expected::ExpectedHashes;
use super::record::FileRead;
use super::report::{Event, Report, VerifyState};
use crate::error::Problem;
use crate::offload::{Item, Listing};

/// Reason reported for a file with a recorded hash that exists but is not in its folder's listing.
const UNLISTED: &str = "it exists but is not in its folder's listing, so it was not compared";

/// Folder, results so far, and receiver of events.
pub(super) struct VerifyRun<'a> {
    pub(super) root: &'a Path,
    pub(super) report: Report,
    on_event: &'a mut dyn FnMut(Event),
}

impl<'a> VerifyRun<'a> {
    pub(super) fn new(root: &'a Path, on_event: &'a mut dyn FnMut(Event)) -> Self {
        Self {
            root,
            report: Report::default(),
            on_event,
        }
    }

    pub(super) fn report_event(&mut self, event: Event) {
        (self.on_event)(event);
    }

    /// Adds a problem and reports it.
    pub(super) fn add_problem(&mut self, problem: Problem) {
        self.report_event(Event::Problem(problem.clone()));
        self.report.problems.push(problem);
    }

    /// Adds expected files that were not listed.
    pub(super) fn add_missing(&mut self, expected_paths: BTreeSet<PathBuf>, listing: &Listing) {
        let files = listing.files.iter();
        let listed: BTreeSet<&Path> = files.map(|item| item.inside.as_path()).collect();
        let missing = expected_paths.into_iter().filter(|inside| {
            !listed.contains(inside.as_path()) && !may_exist_unlisted(self.root, inside)
        });
        self.report.missing = missing.collect();
        for path in &self.report.missing {
            (self.on_event)(Event::Finished(path.clone(), VerifyState::Missing));
        }
    }

    /// Adds a problem for each recorded file that exists without being listed, unless another
    /// problem covers its path.
    pub(super) fn add_unlisted(&mut self, paths: &[PathBuf]) {
        for path in paths.iter().map(|inside| self.root.join(inside)) {
            let mut problems = self.report.problems.iter();
            if !problems.any(|problem| path.starts_with(&problem.path)) {
                self.add_problem(Problem::new(path, UNLISTED));
            }
        }
    }

    /// Adds the result of one file and reports it.
    pub(super) fn add_result(
        &mut self,
        item: &Item,
        expected: &ExpectedHashes,
        file_read: &FileRead,
    ) -> VerifyState {
        let state = match &file_read.outcome {
            Ok(read) => {
                let how = &mut self.report.how;
                *how = Some(how.map_or(read.how, |before| before.min(read.how)));
                expected.compare(&read.hashes)
            }
            Err(reason) => {
                self.add_problem(Problem::new(self.root.join(&item.inside), reason.clone()));
                VerifyState::Unread
            }
        };
        self.count(item, state);
        self.report_event(Event::Finished(item.inside.clone(), state));
        state
    }

    /// Sorts the results by path, since files are read in parallel.
    pub(super) fn sort(&mut self) {
        self.report.altered.sort();
        self.report.new.sort();
        self.report
            .problems
            .sort_by(|left, right| left.path.cmp(&right.path));
    }

    fn count(&mut self, item: &Item, state: VerifyState) {
        let list = match state {
            VerifyState::Verified => {
                self.report.verified += 1;
                self.report.bytes += item.bytes;
                return;
            }
            VerifyState::Altered => &mut self.report.altered,
            VerifyState::New => &mut self.report.new,
            VerifyState::Missing | VerifyState::Unread => return,
        };
        list.push(item.inside.clone());
    }
}

/// Returns true if a file that was not listed may exist, for example in an unreadable or skipped
/// folder. Returns false if its path contains a link, which leads to another file.
pub(super) fn may_exist_unlisted(root: &Path, inside: &Path) -> bool {
    let mut path = root.to_owned();
    for part in inside {
        path.push(part);
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_symlink() => return false,
            Ok(metadata) if metadata.is_dir() => {}
            // FUSE caches the name of a file that was removed under another spelling. Opening the
            // file asks the filesystem.
            Ok(metadata) => {
                let is_gone = || File::open(&path).is_err_and(|error| is_not_found(error.kind()));
                return metadata.is_file() && path == root.join(inside) && !is_gone();
            }
            Err(error) => return !is_not_found(error.kind()),
        }
    }
    false
}

fn is_not_found(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory)
}
