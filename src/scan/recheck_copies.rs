//! Checks verified copies of cards when a scan walks their folder.
//!
//! The walk sees only footage and its companions, but `safe` counts every file of a card. So each
//! copy that the ingest log lists below a root is checked, whatever its type. A copy that is
//! missing or changed since it was verified no longer counts as verified. Each copy costs one
//! `stat`.

use std::collections::HashMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread;

use super::scan_run::ScanRun;
use super::{ScanEvent, ScanRequest};
use crate::catalogue::{
    CHANGED_SINCE_VERIFIED, Catalogue, CopyFound, CopyState, Finding, VerifiedCopy, unix_seconds,
};
use crate::error::Error;
use crate::mhl;
use crate::source_file::Stamp;
use crate::volume::{Volume, Volumes};

/// Number of copies per query to the catalogue.
const PAGE: usize = 1000;
/// Minimum number of copies for which several threads are worthwhile.
const MIN_PARALLEL: usize = 100;

const LINK: &str = "its folder is a link to another folder";

/// Reason why a copy no longer counts as verified.
enum CopyDoubt {
    /// The file does not exist.
    Missing,
    /// The file exists, but its content may have changed, for this reason.
    MayDiffer(String),
}

/// Copies on one volume that no longer count as verified.
#[derive(Default)]
struct DoubtedCopies {
    findings: Vec<Finding>,
    /// Paths relative to the root of the volume.
    paths: Vec<PathBuf>,
    /// Number of missing files; the other copies changed.
    missing: usize,
}

/// Checks every verified copy below the roots, and records those that no longer count as verified.
///
/// # Errors
/// If the catalogue cannot be read or written.
pub(super) fn recheck_copies(roots: &[PathBuf], scan: &mut ScanRun<'_>) -> Result<(), Error> {
    let mut roots = roots.iter();
    roots.try_for_each(|root| recheck_root(root, scan))
}

/// Checks the verified copies below one root.
fn recheck_root(root: &Path, scan: &mut ScanRun<'_>) -> Result<(), Error> {
    let catalogue = scan.writer.catalogue;
    for (volume, start) in catalogue.volumes().under(root) {
        let Some(volume_id) = catalogue.volume_id(&volume.identity)? else {
            continue;
        };
        let mut doubted = DoubtedCopies::default();
        for (ingest, destination, folder) in catalogue.ingests_on(volume_id)? {
            if folder.starts_with(&start) || start.starts_with(&folder) {
                let destination = IngestDestination {
                    id: (ingest, destination),
                    folder: &folder,
                    start: &start,
                    volume: &volume,
                    volumes: catalogue.volumes(),
                };
                destination.check_copies(scan.request, catalogue, &mut doubted)?;
            }
        }
        // If a drive was unmounted during the check, the results are not valid.
        let are_mounts_same = || Volumes::mounted().are_same_under(catalogue.volumes(), root);
        if doubted.findings.is_empty() || fs::metadata(root).is_err() || !are_mounts_same() {
            continue;
        }
        catalogue.record_findings(&doubted.findings)?;
        let paths: Vec<&Path> = doubted.paths.iter().map(PathBuf::as_path).collect();
        catalogue.mark_hashes_suspect(volume_id, &paths)?;
        scan.writer.report(doubted.event(root));
    }
    Ok(())
}

/// Folder that an ingest copied a card to.
struct IngestDestination<'a> {
    /// Id of the ingest, and index of the destination.
    id: (i64, usize),
    /// Path relative to the root of the volume.
    folder: &'a Path,
    /// Folder on the volume; only copies inside it are checked.
    start: &'a Path,
    volume: &'a Volume,
    volumes: &'a Volumes,
}

impl IngestDestination<'_> {
    /// Checks the copies in this destination and adds doubtful ones to `doubted`.
    fn check_copies(
        &self,
        request: &ScanRequest,
        catalogue: &Catalogue,
        doubted: &mut DoubtedCopies,
    ) -> Result<(), Error> {
        let readers = request.readers_for(&self.volume.drive);
        let mut after = PathBuf::new();
        while !request.cancel.is_cancelled() {
            let mut copies = catalogue.verified_copies(self.id, &after, PAGE)?;
            let Some(last) = copies.last() else {
                break;
            };
            after.clone_from(&last.inside);
            copies.retain(|copy| self.folder.join(&copy.inside).starts_with(self.start));
            let doubts = self.find_doubts(&copies, readers)?;
            for (copy, doubt) in copies.iter().zip(doubts) {
                if let Some(doubt) = doubt {
                    doubted.add(copy, self, doubt);
                }
            }
        }
        Ok(())
    }

    /// Checks a page of copies with up to `readers` threads. Returns one result per copy.
    fn find_doubts(
        &self,
        copies: &[VerifiedCopy],
        readers: usize,
    ) -> Result<Vec<Option<CopyDoubt>>, Error> {
        let check = |copies: &[VerifiedCopy]| -> Vec<Option<CopyDoubt>> {
            let mut folders = HashMap::new();
            let copies = copies.iter();
            copies
                .map(|copy| self.find_doubt(copy, &mut folders))
                .collect()
        };
        if readers < 2 || copies.len() < MIN_PARALLEL {
            return Ok(check(copies));
        }
        thread::scope(|scope| {
            let shares = copies.chunks(copies.len().div_ceil(readers));
            let threads: Vec<_> = shares
                .map(|share| scope.spawn(move || check(share)))
                .collect();
            let mut doubts = Vec::with_capacity(copies.len());
            for thread in threads {
                doubts.extend(thread.join().map_err(|_| Error::Thread)?);
            }
            Ok(doubts)
        })
    }

    /// Checks one copy. Returns `None` if it is unchanged or cannot be checked now. `folders`
    /// caches the state of folders.
    fn find_doubt(
        &self,
        copy: &VerifiedCopy,
        folders: &mut HashMap<PathBuf, CopyFolder>,
    ) -> Option<CopyDoubt> {
        let inside = self.folder.join(&copy.inside);
        let path = self.volumes.path(&self.volume.identity, &inside)?;
        let (folder, name) = (path.parent()?, path.file_name()?);
        let state = match folders.get(folder) {
            Some(state) => *state,
            None => *folders
                .entry(folder.to_owned())
                .or_insert(self.folder_state(folder)),
        };
        match state {
            CopyFolder::Present => {}
            CopyFolder::Missing => return Some(CopyDoubt::Missing),
            CopyFolder::Hidden => return None,
            CopyFolder::Linked => return Some(CopyDoubt::MayDiffer(LINK.to_owned())),
        }
        match folder.join(name).symlink_metadata() {
            Ok(metadata) if !metadata.is_file() => Some(CopyDoubt::Missing),
            // The chain file changes with each new generation of the history.
            Ok(_) if mhl::is_chain(&copy.inside) => None,
            Ok(metadata) => {
                let now = Stamp::from_metadata(&metadata);
                let has_change_time = self.volume.detects_writes_by_ctime();
                let is_unchanged = copy
                    .stamp
                    .is_none_or(|then| then.is_like(&now, has_change_time));
                (!is_unchanged).then(|| CopyDoubt::MayDiffer(CHANGED_SINCE_VERIFIED.to_owned()))
            }
            Err(error) if is_gone(&error) => Some(CopyDoubt::Missing),
            // If a share does not respond, or access is denied, the copy may be intact.
            Err(error) if self.volume.is_share() || is_denied(&error) => None,
            Err(error) => Some(CopyDoubt::MayDiffer(error.to_string())),
        }
    }

    /// Returns the state of a folder of copies.
    fn folder_state(&self, folder: &Path) -> CopyFolder {
        match fs::canonicalize(folder) {
            Err(error) if is_gone(&error) => CopyFolder::Missing,
            Ok(real) if real != folder => CopyFolder::Linked,
            Ok(real) if self.volumes.locate(&real).0.identity == self.volume.identity => {
                CopyFolder::Present
            }
            // Another volume is mounted over the folder, or it cannot be read.
            Ok(_) | Err(_) => CopyFolder::Hidden,
        }
    }
}

/// State of a folder that should contain copies.
#[derive(Clone, Copy)]
enum CopyFolder {
    Present,
    Missing,
    /// The files cannot be accessed now.
    Hidden,
    /// The path contains a link to another folder.
    Linked,
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn is_denied(error: &io::Error) -> bool {
    error.kind() == ErrorKind::PermissionDenied
}

impl DoubtedCopies {
    fn add(&mut self, copy: &VerifiedCopy, destination: &IngestDestination<'_>, doubt: CopyDoubt) {
        let Some(digest) = copy.digest.clone() else {
            return;
        };
        let (state, problem) = match doubt {
            CopyDoubt::Missing => (CopyState::Missing, None),
            CopyDoubt::MayDiffer(reason) => (CopyState::Unread, Some(reason)),
        };
        self.missing += usize::from(state == CopyState::Missing);
        let found = CopyFound {
            state,
            how: None,
            at: unix_seconds(),
            problem,
            stamp: copy.stamp,
        };
        let finding = Finding::Rechecked(copy.file, destination.id.1, digest, found);
        self.findings.push(finding);
        self.paths.push(destination.folder.join(&copy.inside));
    }

    fn event(&self, root: &Path) -> ScanEvent {
        ScanEvent::CopiesDoubted {
            root: root.to_owned(),
            missing: self.missing,
            changed: self.findings.len() - self.missing,
            example: self.paths.first().cloned().unwrap_or_default(),
        }
    }
}
