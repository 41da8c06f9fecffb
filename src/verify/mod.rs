//! Verification of copies: compares every file of a folder with its manifests and the catalogue.
//!
//! Each file is read once, with direct I/O, for all known kinds of hashes. Findings are written to
//! the log of ingests and, on request, to a new generation of the manifest.

mod expected;
mod record;
mod spelling;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::catalogue::Catalogue;
use crate::error::{Error, Problem, escape};
use crate::media::Cancel;
use crate::mhl;
use crate::offload::{FileHashEvent, Hashed, How, Item, Lane, Listing, hash_files, list_but};
use crate::source_file;
use crate::volume::Volumes;
use expected::{Basis, ExpectedHashes};
use record::FileResult;

/// Folder to verify, and options.
#[derive(Debug, Clone)]
pub struct Request {
    /// Folder to verify.
    pub folder: PathBuf,
    /// True if a new generation of its manifest is written.
    pub is_recorded: bool,
    /// Author recorded in the manifest.
    pub author: String,
    /// Cancels the verification.
    pub cancel: Cancel,
}

/// Result of verifying a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VerifyState {
    /// The file is unchanged.
    Verified,
    /// The file has different content.
    Altered,
    /// The file no longer exists.
    Missing,
    /// The file is in no manifest, log or catalogue.
    New,
    /// The file could not be read.
    Unread,
}

impl VerifyState {
    /// Returns the name as printed and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Altered => "altered",
            Self::Missing => "missing",
            Self::New => "new",
            Self::Unread => "unread",
        }
    }
}

/// Progress of a verification.
#[derive(Debug)]
pub enum Event {
    /// Reading begins.
    Begins {
        /// Number of files.
        files: usize,
        /// Their size in bytes.
        bytes: u64,
        /// Descriptions of the sources of expected hashes.
        with: Vec<String>,
    },
    /// Reading of a file began; path relative to the folder.
    Reading(PathBuf),
    /// Number of further bytes read.
    Read(u64),
    /// Path relative to the folder, and the result of verifying it.
    Found(PathBuf, VerifyState),
    /// A file or folder could not be read.
    Problem(Problem),
}

/// Result of a verification.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Number of unchanged files.
    pub verified: usize,
    /// Size of these files.
    pub bytes: u64,
    /// Files with different content, relative to the folder.
    pub altered: Vec<PathBuf>,
    /// Files that no longer exist.
    pub missing: Vec<PathBuf>,
    /// Files that are in no manifest, log or catalogue.
    pub new: Vec<PathBuf>,
    /// Files whose names cannot be stored in a manifest; the catalogue may know them.
    pub outside: Vec<PathBuf>,
    /// Files that a user's pattern excludes from the manifests and that are not known otherwise;
    /// not read.
    pub left_out: Vec<PathBuf>,
    /// Files and folders that could not be read.
    pub problems: Vec<Problem>,
    /// Least certain read method.
    pub how: Option<How>,
    /// Manifests that were written, the folder's own last.
    pub manifests: Vec<PathBuf>,
    /// True if nothing was known of any file.
    pub is_unknown: bool,
    /// True if the verification was interrupted.
    pub is_interrupted: bool,
}

/// Interval at which findings are recorded; a killed process loses no more.
const RECORD_INTERVAL: Duration = Duration::from_secs(2);

/// Reason reported for an unfinished copy.
const UNFINISHED: &str =
    "unfinished copy of a running or killed ingest: the next ingest there removes leftovers";

/// Reason reported for a mount point; its files are not verified here.
const NESTED: &str = "another volume is mounted here; its files were not checked";

/// Reason reported for a manifest that its history does not count.
const UNNAMED: &str = "the chain does not name this manifest, so nothing was compared with it: its writer was interrupted, or another \
                       machine replaced the chain; `btsindex verify --record` and the next ingest there add it";

/// Reason reported for a known file that exists but is not in the listing of its folder.
const UNLISTED: &str = "exists, but its folder does not list it: not compared";

/// File that was read: its hashes and read method, or the reason why it could not be read.
struct FileRead {
    item: usize,
    outcome: Result<Hashed, String>,
}

/// Verifies a folder and reports events to `on_event`. Without a catalogue, only manifests give
/// expected hashes.
///
/// # Errors
/// Returns an error if the folder cannot be listed, its manifests are damaged, or the catalogue
/// cannot be written. Problems of single files are reported.
pub fn verify(
    request: &Request,
    catalogue: Option<&Catalogue>,
    on_event: &mut dyn FnMut(Event),
) -> Result<Report, Error> {
    let root = real_folder(&request.folder, catalogue)?;
    if root.is_file() {
        let error = ErrorKind::NotADirectory.into();
        return Err(Error::path(&request.folder)(error));
    }
    let mut basis = Basis::read(&root, catalogue)?;
    let go_on = || !request.cancel.is_cancelled();
    let listing = listed(&root, &go_on)?;
    let mut found = Report {
        problems: listing.problems.clone(),
        ..Report::default()
    };
    found
        .problems
        .extend(emptiness(&root, &listing, catalogue)?);
    let unnamed = basis.histories.iter().flat_map(|(_, one)| one.unnamed());
    let unnamed = unnamed.map(|path| Problem::new(path, UNNAMED));
    found.problems.extend(unnamed);
    for problem in &found.problems {
        on_event(Event::Problem(problem.clone()));
    }
    let expected = basis.expected_paths();
    let known = expected.iter().map(PathBuf::as_path);
    let known = known.chain(basis.catalogued()).collect();
    let mut unlisted = spelling::unlisted(&root, &listing, known, &|inside| {
        is_there_unseen(&root, inside)
    });
    basis.respell(std::mem::take(&mut unlisted.spellings));
    if !listing.is_cut {
        unlisted.unmatched.retain(|path| expected.contains(path));
        found.add_unlisted(&root, &unlisted.unmatched, on_event);
    }
    let basis = basis;
    let (left_out, items): (Vec<&Item>, Vec<&Item>) = listing
        .files
        .iter()
        .partition(|item| basis.is_left_out(&item.inside));
    let on_purpose = left_out.into_iter().map(|item| item.inside.clone());
    found.left_out = on_purpose
        .filter(|inside| basis.is_ignored_on_purpose(inside))
        .collect();
    let items: Vec<(&Item, ExpectedHashes)> = items
        .into_iter()
        .map(|item| (item, basis.known(item)))
        .collect();
    on_event(Event::Begins {
        files: items.len(),
        bytes: items.iter().map(|(item, _)| item.bytes).sum(),
        with: basis.names(),
    });
    let (mut results, mut written) = (Vec::new(), FindingsWriter::new(&basis, catalogue));
    let is_failed = AtomicBool::new(false);
    let go_on = || go_on() && !is_failed.load(Ordering::Relaxed);
    hash_all(&root, &items, &go_on, &mut |event| match event {
        FileHashEvent::Reading(_, item) => on_event(Event::Reading(items[item].0.inside.clone())),
        FileHashEvent::Read(bytes) => {
            on_event(Event::Read(bytes));
            // The current file may take hours to read.
            is_failed.store(!written.record_if_due(&results), Ordering::Relaxed);
        }
        FileHashEvent::Hashed(_, item, outcome) => {
            let mut one = FileRead {
                item,
                outcome: outcome.map_err(|error| error.to_string()),
            };
            let (item, known) = &items[one.item];
            if let Ok(read) = &mut one.outcome {
                read.how = basis.how(&item.inside, read);
            }
            let state = found.add_result(&root, item, known, &one, on_event);
            results.push((*item, known, state, one));
        }
    });
    written.end(&results)?;
    results.sort_by_key(|(_, _, _, one)| one.item);
    found.sort();
    if !basis.is_catalogued_only() {
        let names = items.iter().map(|(item, _)| &item.inside);
        found.outside = names
            .filter(|path| mhl::path(path).is_none())
            .cloned()
            .collect();
    }
    found.is_interrupted = request.cancel.is_cancelled();
    if !found.is_interrupted && !listing.is_cut {
        found.add_missing(&root, expected, &listing, on_event);
    }
    if let Some(catalogue) = catalogue {
        record::missing(&basis, &found.missing, catalogue)?;
        if !found.is_interrupted && !listing.is_cut {
            let is_there = |inside: &Path| root.join(inside).symlink_metadata().is_ok();
            record::forget_hashes(&basis, &is_there, catalogue)?;
        }
    }
    found.is_unknown =
        items.iter().all(|(_, known)| known.is_unknown()) && found.missing.is_empty();
    if request.is_recorded && !found.is_interrupted {
        found.manifests = record::generation(&root, &basis, &results, &listing, request)?;
    }
    Ok(found)
}

/// Lists a folder without unfinished copies and other volumes.
fn listed(root: &Path, go_on: &dyn Fn() -> bool) -> Result<Listing, Error> {
    let nested = Volumes::mounted().under(root).into_iter().skip(1);
    let nested: Vec<_> = nested.map(|(nested, _)| (nested.mount, NESTED)).collect();
    let mut listing = list_but(root, &nested, go_on).map_err(Error::path(root))?;
    listing.leave_out_unfinished(root, UNFINISHED);
    Ok(listing)
}

/// Returns a folder's path as listed. Copies in a folder that no longer exist are recorded as
/// missing.
fn real_folder(folder: &Path, catalogue: Option<&Catalogue>) -> Result<PathBuf, Error> {
    source_file::canonical(folder).or_else(|error| {
        if let Some(catalogue) = catalogue.filter(|_| error.kind() == ErrorKind::NotFound) {
            catalogue.mark_missing_if_gone(folder)?;
        }
        Err(Error::path(folder)(error))
    })
}

/// Returns true if an unlisted file may exist: in an unreadable or skipped folder. A link in its
/// path leads to another file.
fn is_there_unseen(root: &Path, inside: &Path) -> bool {
    let mut path = root.to_owned();
    for part in inside {
        path.push(part);
        match path.symlink_metadata() {
            Ok(there) if there.is_symlink() => return false,
            Ok(there) if there.is_dir() => {}
            // FUSE keeps names of files that were removed under another spelling; opening one asks
            // the filesystem.
            Ok(there) => {
                let is_gone = || File::open(&path).is_err_and(|error| is_absent(error.kind()));
                return there.is_file() && path == root.join(inside) && !is_gone();
            }
            Err(error) => return !is_absent(error.kind()),
        }
    }
    false
}

fn is_absent(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Returns a problem if a folder is empty: its drive may not be mounted.
fn emptiness(
    root: &Path,
    listing: &Listing,
    catalogue: Option<&Catalogue>,
) -> Result<Option<Problem>, Error> {
    if !listing.files.is_empty() || !listing.problems.is_empty() || listing.is_cut {
        return Ok(None);
    }
    let unmounted = match catalogue {
        Some(catalogue) => catalogue.unmounted_volumes_at(root)?.into_iter().next(),
        None => None,
    };
    let reason = match unmounted {
        Some(unmounted) => format!(
            "no files: {} is not mounted; it was mounted at {}",
            escape(&unmounted.label),
            escape(&unmounted.mount.to_string_lossy())
        ),
        None => "no files: nothing was compared".to_owned(),
    };
    Ok(Some(Problem::new(root, reason)))
}

/// Records findings as they arrive.
struct FindingsWriter<'a> {
    basis: &'a Basis,
    catalogue: Option<&'a Catalogue>,
    /// Number of findings already recorded.
    count: usize,
    last: Instant,
    outcome: Result<(), Error>,
}

impl<'a> FindingsWriter<'a> {
    fn new(basis: &'a Basis, catalogue: Option<&'a Catalogue>) -> Self {
        Self {
            basis,
            catalogue,
            count: 0,
            last: Instant::now(),
            outcome: Ok(()),
        }
    }

    /// Records new findings at intervals. Returns false if that failed.
    fn record_if_due(&mut self, results: &[FileResult<'_>]) -> bool {
        let is_due = results.len() > self.count && self.last.elapsed() >= RECORD_INTERVAL;
        if self.outcome.is_ok() && is_due {
            self.outcome = self.write(results);
            self.last = Instant::now();
        }
        self.outcome.is_ok()
    }

    /// Records the remaining findings.
    fn end(mut self, results: &[FileResult<'_>]) -> Result<(), Error> {
        std::mem::replace(&mut self.outcome, Ok(()))?;
        self.write(results)
    }

    fn write(&mut self, results: &[FileResult<'_>]) -> Result<(), Error> {
        if let Some(catalogue) = self.catalogue {
            record::in_catalogue(self.basis, &results[self.count..], catalogue)?;
        }
        self.count = results.len();
        Ok(())
    }
}

impl Report {
    /// Adds expected files that were not listed.
    fn add_missing(
        &mut self,
        root: &Path,
        expected_paths: BTreeSet<PathBuf>,
        listing: &Listing,
        on_event: &mut dyn FnMut(Event),
    ) {
        let files = listing.files.iter();
        let there: BTreeSet<&Path> = files.map(|item| item.inside.as_path()).collect();
        let missing = expected_paths
            .into_iter()
            .filter(|inside| !there.contains(inside.as_path()) && !is_there_unseen(root, inside));
        self.missing = missing.collect();
        for path in &self.missing {
            on_event(Event::Found(path.clone(), VerifyState::Missing));
        }
    }

    /// Adds a problem for each known file that exists without being listed, unless a problem covers
    /// it already.
    fn add_unlisted(&mut self, root: &Path, paths: &[PathBuf], on_event: &mut dyn FnMut(Event)) {
        for path in paths.iter().map(|inside| root.join(inside)) {
            let mut known = self.problems.iter();
            if !known.any(|problem| path.starts_with(&problem.path)) {
                let problem = Problem::new(path, UNLISTED);
                on_event(Event::Problem(problem.clone()));
                self.problems.push(problem);
            }
        }
    }

    /// Adds the result of one file and reports it.
    fn add_result(
        &mut self,
        root: &Path,
        item: &Item,
        known: &ExpectedHashes,
        reading: &FileRead,
        on_event: &mut dyn FnMut(Event),
    ) -> VerifyState {
        let state = match &reading.outcome {
            Ok(read) => {
                self.how = Some(self.how.map_or(read.how, |before| before.min(read.how)));
                known.state(&read.hashes)
            }
            Err(reason) => {
                let problem = Problem::new(root.join(&item.inside), reason.clone());
                on_event(Event::Problem(problem.clone()));
                self.problems.push(problem);
                VerifyState::Unread
            }
        };
        self.count(item, state);
        on_event(Event::Found(item.inside.clone(), state));
        state
    }

    /// Sorts by path, since files are read in parallel.
    fn sort(&mut self) {
        self.altered.sort();
        self.new.sort();
        self.problems
            .sort_by(|one, other| one.path.cmp(&other.path));
    }

    fn count(&mut self, item: &Item, state: VerifyState) {
        let list = match state {
            VerifyState::Verified => {
                self.verified += 1;
                self.bytes += item.bytes;
                return;
            }
            VerifyState::Altered => &mut self.altered,
            VerifyState::New => &mut self.new,
            VerifyState::Missing | VerifyState::Unread => return,
        };
        list.push(item.inside.clone());
    }
}

/// Reads and hashes files, on as many threads as the device allows.
fn hash_all(
    root: &Path,
    items: &[(&Item, ExpectedHashes)],
    go_on: &(dyn Fn() -> bool + Sync),
    on_event: &mut dyn FnMut(FileHashEvent),
) {
    let (volume, _) = Volumes::mounted().locate(root);
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    let files = items
        .iter()
        .map(|(item, known)| (root.join(&item.inside), *item, known.kinds()));
    let lane = Lane {
        readers: volume.drive.kind.readers(jobs),
        files: files.collect(),
    };
    hash_files(&[lane], go_on, on_event);
}
