//! Verified copies of cards, looked at again by a scan of their folder.
//!
//! The walk sees footage and what belongs to it; `safe` counts every file of a card. So each copy that the log of ingests
//! places below a root is looked at, whatever it is: one that is gone, or does not look as it did when it was read, is
//! verified no longer. A copy costs a stat.

use std::collections::HashMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread;

use super::{Event, Request, Scan};
use crate::catalogue::{Catalogue, CopyFound, CopyState, Finding, VerifiedCopy, unix_seconds};
use crate::error::{Error, escape};
use crate::mhl;
use crate::source_file::Stamp;
use crate::volume::{Volume, Volumes};

/// Copies that are looked at between two questions to the catalogue.
const PAGE: usize = 1000;
/// So few are looked at one after another.
const FEW: usize = 100;

const CHANGED: &str = "it changed after it was verified";
const LINK: &str = "a link leads to another folder";

/// State of a copy that is not as it was verified.
enum Doubt {
    /// The copy is not there.
    Missing,
    /// The copy is there but cannot be relied on: why.
    Unread(String),
}

/// Copies on one volume that are not as they were verified.
#[derive(Default)]
struct Doubted {
    findings: Vec<Finding>,
    /// Paths below the volume.
    paths: Vec<PathBuf>,
    missing: usize,
}

/// Looks at every verified copy below some folders, and records which of them are verified no longer.
///
/// # Errors
/// When the catalogue cannot be read or written.
pub(super) fn look_again(roots: &[PathBuf], scan: &mut Scan<'_, '_>) -> Result<(), Error> {
    let mut roots = roots.iter();
    roots.try_for_each(|root| below(root, scan.request, scan.writer.catalogue, scan.report))
}

fn below(
    root: &Path,
    request: &Request,
    catalogue: &Catalogue,
    report: &mut dyn FnMut(Event),
) -> Result<(), Error> {
    for (volume, begin) in catalogue.volumes().under(root) {
        let Some(number) = catalogue.volume_id(&volume.identity)? else {
            continue;
        };
        let mut doubted = Doubted::default();
        for (ingest, place, folder) in catalogue.ingests_on(number)? {
            if folder.starts_with(&begin) || begin.starts_with(&folder) {
                let place = Place {
                    number: (ingest, place),
                    folder: &folder,
                    begin: &begin,
                    volume: &volume,
                    volumes: catalogue.volumes(),
                };
                place.look(request, catalogue, &mut doubted)?;
            }
        }
        // Of a drive that was taken away meanwhile, nothing is known.
        let is_same = || Volumes::mounted().are_same_under(catalogue.volumes(), root);
        if doubted.findings.is_empty() || fs::metadata(root).is_err() || !is_same() {
            continue;
        }
        catalogue.note_findings(&doubted.findings)?;
        let paths: Vec<&Path> = doubted.paths.iter().map(PathBuf::as_path).collect();
        catalogue.doubt_hashes(number, &paths)?;
        report(doubted.warning(root));
    }
    Ok(())
}

/// A place of an ingest.
struct Place<'a> {
    /// Numbers of the ingest and of the place.
    number: (i64, usize),
    /// Path below the volume.
    folder: &'a Path,
    /// Folder of the volume in which copies are looked at.
    begin: &'a Path,
    volume: &'a Volume,
    volumes: &'a Volumes,
}

impl Place<'_> {
    /// Looks at the copies of the place.
    fn look(
        &self,
        request: &Request,
        catalogue: &Catalogue,
        doubted: &mut Doubted,
    ) -> Result<(), Error> {
        let readers = request.readers_of(&self.volume.drive);
        let mut after = PathBuf::new();
        while !request.cancel.is_cancelled() {
            let mut copies = catalogue.verified_copies(self.number, &after, PAGE)?;
            let Some(last) = copies.last() else {
                break;
            };
            after.clone_from(&last.inside);
            copies.retain(|copy| self.folder.join(&copy.inside).starts_with(self.begin));
            let doubts = self.doubts(&copies, readers)?;
            for (copy, doubt) in copies.iter().zip(doubts) {
                if let Some(doubt) = doubt {
                    doubted.add(copy, self, doubt);
                }
            }
        }
        Ok(())
    }

    /// Looks at some copies, several at a time where the drive bears it.
    fn doubts(&self, copies: &[VerifiedCopy], readers: usize) -> Result<Vec<Option<Doubt>>, Error> {
        let look = |copies: &[VerifiedCopy]| -> Vec<Option<Doubt>> {
            let mut folders = HashMap::new();
            let copies = copies.iter();
            copies.map(|copy| self.doubt(copy, &mut folders)).collect()
        };
        if readers < 2 || copies.len() < FEW {
            return Ok(look(copies));
        }
        thread::scope(|scope| {
            let shares = copies.chunks(copies.len().div_ceil(readers));
            let threads: Vec<_> = shares
                .map(|share| scope.spawn(move || look(share)))
                .collect();
            let mut doubts = Vec::with_capacity(copies.len());
            for thread in threads {
                doubts.extend(thread.join().map_err(|_| Error::Thread)?);
            }
            Ok(doubts)
        })
    }

    /// Looks at one copy. `folders` remembers which folders are where they should be.
    fn doubt(&self, copy: &VerifiedCopy, folders: &mut HashMap<PathBuf, Folder>) -> Option<Doubt> {
        let inside = self.folder.join(&copy.inside);
        let path = self.volumes.path(&self.volume.identity, &inside)?;
        let (folder, name) = (path.parent()?, path.file_name()?);
        let found = match folders.get(folder) {
            Some(found) => *found,
            None => *folders
                .entry(folder.to_owned())
                .or_insert(self.find(folder)),
        };
        match found {
            Folder::There => {}
            Folder::Missing => return Some(Doubt::Missing),
            Folder::Hidden => return None,
            Folder::Linked => return Some(Doubt::Unread(LINK.to_owned())),
        }
        match folder.join(name).symlink_metadata() {
            Ok(metadata) if !metadata.is_file() => Some(Doubt::Missing),
            // Each generation of a history changes its chain.
            Ok(_) if mhl::is_chain(&copy.inside) => None,
            Ok(metadata) => {
                let now = Stamp::of(&metadata);
                let is_kept = self.volume.is_told_by_change_time();
                let is_like = |then: Stamp| then.is_like(&now, is_kept);
                let is_unchanged = copy.stamp.is_none_or(is_like);
                (!is_unchanged).then(|| Doubt::Unread(CHANGED.to_owned()))
            }
            Err(error) if is_gone(&error) => Some(Doubt::Missing),
            // A share that does not answer says nothing of the copy, and neither does a folder of somebody else.
            Err(error) if self.volume.is_share() || is_denied(&error) => None,
            Err(error) => Some(Doubt::Unread(error.to_string())),
        }
    }

    /// Looks at a folder of copies.
    fn find(&self, folder: &Path) -> Folder {
        match fs::canonicalize(folder) {
            Err(error) if is_gone(&error) => Folder::Missing,
            Ok(real) if real != folder => Folder::Linked,
            Ok(real) if self.volumes.of(&real).0.identity == self.volume.identity => Folder::There,
            // Something is mounted over it, or it cannot be looked into.
            Ok(_) | Err(_) => Folder::Hidden,
        }
    }
}

/// A folder in which copies should be.
#[derive(Clone, Copy)]
enum Folder {
    There,
    Missing,
    /// What is in it cannot be seen now.
    Hidden,
    /// A link leads elsewhere.
    Linked,
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn is_denied(error: &io::Error) -> bool {
    error.kind() == ErrorKind::PermissionDenied
}

impl Doubted {
    fn add(&mut self, copy: &VerifiedCopy, place: &Place<'_>, doubt: Doubt) {
        let Some(digest) = copy.digest.clone() else {
            return;
        };
        let (state, problem) = match doubt {
            Doubt::Missing => (CopyState::Missing, None),
            Doubt::Unread(reason) => (CopyState::Unread, Some(reason)),
        };
        self.missing += usize::from(state == CopyState::Missing);
        let found = CopyFound {
            state,
            how: None,
            at: unix_seconds(),
            problem,
            stamp: copy.stamp,
        };
        let finding = Finding::Seen(copy.file, place.number.1, digest, found);
        self.findings.push(finding);
        self.paths.push(place.folder.join(&copy.inside));
    }

    fn warning(&self, root: &Path) -> Event {
        let root = escape(&root.to_string_lossy());
        let missing = self.missing;
        let changed = self.findings.len() - missing;
        let first = self.paths.first().map(|path| path.to_string_lossy());
        Event::Warning {
            message: format!(
                "{root}: {missing} verified copies of cards are missing and {changed} changed, such as `{}`",
                escape(&first.unwrap_or_default())
            ),
            hint: format!(
                "`btsindex verify {root}` reads them; `btsindex safe` does not count them"
            ),
        }
    }
}
