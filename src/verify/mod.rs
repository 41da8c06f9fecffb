//! Verification of copies: compares every file in a folder with its manifests and the catalogue.
//!
//! Each file is read once, with direct I/O where possible, and hashed with all recorded kinds of
//! hashes. Findings are written to the ingest log and, on request, to a new generation of the
//! manifest.

mod expected;
mod path_variants;
mod record;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::cancel::Cancel;
use crate::catalogue::Catalogue;
use crate::error::{Error, Problem, escape};
use crate::mhl;
use crate::offload::{
    FileHashEvent, Hashed, Item, Lane, Listing, ReadMethod, hash_files, list_except,
};
use crate::source_file;
use crate::volume::Volumes;
use expected::{ExpectedHashes, HashSources};
use record::FileResult;

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

/// Result of verifying a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VerifyState {
    /// The file is unchanged.
    Verified,
    /// The file has different content.
    Altered,
    /// The file no longer exists.
    Missing,
    /// The file is not in any manifest, the ingest log or the catalogue.
    New,
    /// The file could not be read.
    Unread,
}

impl VerifyState {
    /// Returns the name, as printed and in JSON.
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
    /// Reading of the files begins.
    Begins {
        /// Number of files.
        files: usize,
        /// Total size of the files in bytes.
        bytes: u64,
        /// Descriptions of the sources of expected hashes.
        with: Vec<String>,
    },
    /// A file is about to be read; its path is relative to the folder.
    Reading(PathBuf),
    /// More bytes were read: the number since the last event.
    Read(u64),
    /// A file was verified: its path relative to the folder, and the result.
    Finished(PathBuf, VerifyState),
    /// A file or folder could not be read.
    Problem(Problem),
}

/// Result of a verification.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Number of unchanged files.
    pub verified: usize,
    /// Total size of the unchanged files in bytes.
    pub bytes: u64,
    /// Files with different content. All paths are relative to the folder.
    pub altered: Vec<PathBuf>,
    /// Files that no longer exist.
    pub missing: Vec<PathBuf>,
    /// Files that are not in any manifest, the ingest log or the catalogue.
    pub new: Vec<PathBuf>,
    /// Files whose names a manifest cannot store. The catalogue may still contain their hashes.
    pub outside: Vec<PathBuf>,
    /// Files that were not read: a user's pattern excludes them from the manifests, and no other
    /// hash is recorded for them.
    pub left_out: Vec<PathBuf>,
    /// Files and folders that could not be read.
    pub problems: Vec<Problem>,
    /// Least certain method by which a file was read.
    pub how: Option<ReadMethod>,
    /// Manifests that were written. The manifest of the folder itself is the last one.
    pub manifests: Vec<PathBuf>,
    /// True if no hash is recorded for any file.
    pub is_unknown: bool,
    /// True if the verification was interrupted.
    pub is_interrupted: bool,
}

/// Interval at which findings are recorded. A killed process loses at most this much work.
const RECORD_INTERVAL: Duration = Duration::from_secs(2);

/// Reason reported for an unfinished copy.
const UNFINISHED: &str =
    "unfinished copy: an ingest is running or was killed; the next ingest removes it";

/// Reason reported for a mount point. Files of the other volume are not verified.
const OTHER_VOLUME: &str = "another volume is mounted here; its files were not checked";

/// Reason reported for a manifest that its history does not include.
const UNNAMED: &str = "not in the chain, so nothing was compared with it: its writer was interrupted, or another \
                       machine replaced the chain; `btsindex verify --record` or the next ingest adds it";

/// Reason reported for a file with a recorded hash that exists but is not in its folder's listing.
const UNLISTED: &str = "it exists but is not in its folder's listing, so it was not compared";

/// Result of reading a file: its hashes and read method, or the reason why it could not be read.
struct FileRead {
    item: usize,
    outcome: Result<Hashed, String>,
}

/// Verifies a folder and reports events to `on_event`. Without a catalogue, the expected hashes are
/// only those in manifests.
///
/// # Errors
/// Returns an error if the folder cannot be listed, its manifests are damaged, or the catalogue
/// cannot be written. Problems with single files become part of the report.
pub fn verify(
    request: &Request,
    catalogue: Option<&Catalogue>,
    on_event: &mut dyn FnMut(Event),
) -> Result<Report, Error> {
    let root = resolve_folder(&request.folder, catalogue)?;
    if root.is_file() {
        let error = ErrorKind::NotADirectory.into();
        return Err(Error::path(&request.folder)(error));
    }
    let mut sources = HashSources::read(&root, catalogue)?;
    let is_cancelled = || request.cancel.is_cancelled();
    let listing = list_folder(&root, &is_cancelled)?;
    let mut report = Report {
        problems: listing.problems.clone(),
        ..Report::default()
    };
    let empty = empty_folder_problem(&root, &listing, catalogue)?;
    report.problems.extend(empty);
    let histories = sources.histories.iter();
    let unnamed = histories.flat_map(|(_, history)| history.unnamed());
    let unnamed = unnamed.map(|path| Problem::new(path, UNNAMED));
    report.problems.extend(unnamed);
    for problem in &report.problems {
        on_event(Event::Problem(problem.clone()));
    }
    let expected = sources.expected_paths();
    let recorded = expected.iter().map(PathBuf::as_path);
    let recorded = recorded.chain(sources.catalogued()).collect();
    let mut unlisted = path_variants::find_unlisted(&root, &listing, recorded, &|inside| {
        may_exist_unlisted(&root, inside)
    });
    sources.set_variants(std::mem::take(&mut unlisted.variants));
    if !listing.is_interrupted {
        unlisted.unmatched.retain(|path| expected.contains(path));
        report.add_unlisted(&root, &unlisted.unmatched, on_event);
    }
    let sources = sources;
    let (excluded, items): (Vec<&Item>, Vec<&Item>) = listing
        .files
        .iter()
        .partition(|item| sources.is_excluded(&item.inside));
    let excluded = excluded.into_iter().map(|item| item.inside.clone());
    report.left_out = excluded
        .filter(|inside| sources.is_ignored_by_user(inside))
        .collect();
    let items: Vec<(&Item, ExpectedHashes)> = items
        .into_iter()
        .map(|item| (item, sources.expected_hashes(item)))
        .collect();
    on_event(Event::Begins {
        files: items.len(),
        bytes: items.iter().map(|(item, _)| item.bytes).sum(),
        with: sources.descriptions(),
    });
    let (mut results, mut findings) = (Vec::new(), FindingsWriter::new(&sources, catalogue));
    let is_failed = AtomicBool::new(false);
    let is_stopped = || is_cancelled() || is_failed.load(Ordering::Relaxed);
    hash_all(&root, &items, &is_stopped, &mut |event| match event {
        FileHashEvent::Reading(_, item) => on_event(Event::Reading(items[item].0.inside.clone())),
        FileHashEvent::Read(bytes) => {
            on_event(Event::Read(bytes));
            // Findings are recorded here, too, since the current file may take hours to read.
            is_failed.store(!findings.record_if_due(&results), Ordering::Relaxed);
        }
        FileHashEvent::Hashed(_, item, outcome) => {
            let mut file_read = FileRead {
                item,
                outcome: outcome.map_err(|error| error.to_string()),
            };
            let (item, expected) = &items[file_read.item];
            if let Ok(read) = &mut file_read.outcome {
                read.how = sources.read_method(&item.inside, read);
            }
            let state = report.add_result(&root, item, expected, &file_read, on_event);
            results.push((*item, expected, state, file_read));
        }
    });
    findings.finish(&results)?;
    results.sort_by_key(|(_, _, _, file_read)| file_read.item);
    report.sort();
    if !sources.has_no_manifests() {
        let names = items.iter().map(|(item, _)| &item.inside);
        report.outside = names
            .filter(|path| mhl::manifest_path(path).is_none())
            .cloned()
            .collect();
    }
    report.is_interrupted = request.cancel.is_cancelled();
    if !report.is_interrupted && !listing.is_interrupted {
        report.add_missing(&root, expected, &listing, on_event);
    }
    if let Some(catalogue) = catalogue {
        record::mark_missing(&sources, &report.missing, catalogue)?;
        if !report.is_interrupted && !listing.is_interrupted {
            let is_there = |inside: &Path| root.join(inside).symlink_metadata().is_ok();
            record::forget_hashes(&sources, &is_there, catalogue)?;
        }
    }
    report.is_unknown =
        items.iter().all(|(_, expected)| expected.is_unknown()) && report.missing.is_empty();
    if request.is_recorded && !report.is_interrupted {
        report.manifests = record::write_generation(&root, &sources, &results, &listing, request)?;
    }
    Ok(report)
}

/// Lists a folder. Unfinished copies and other volumes in it become problems.
fn list_folder(root: &Path, is_cancelled: &dyn Fn() -> bool) -> Result<Listing, Error> {
    let nested = Volumes::mounted().under(root).into_iter().skip(1);
    let nested: Vec<_> = nested
        .map(|(nested, _)| (nested.mount, OTHER_VOLUME))
        .collect();
    let mut listing = list_except(root, &nested, is_cancelled).map_err(Error::path(root))?;
    listing.leave_out_unfinished(root, UNFINISHED);
    Ok(listing)
}

/// Returns the real path of a folder. If the folder no longer exists, its copies are recorded as
/// missing.
fn resolve_folder(folder: &Path, catalogue: Option<&Catalogue>) -> Result<PathBuf, Error> {
    source_file::canonical(folder).or_else(|error| {
        if let Some(catalogue) = catalogue.filter(|_| error.kind() == ErrorKind::NotFound) {
            catalogue.mark_missing_if_gone(folder)?;
        }
        Err(Error::path(folder)(error))
    })
}

/// Returns true if a file that was not listed may exist, for example in an unreadable or skipped
/// folder. Returns false if its path contains a link, which leads to another file.
fn may_exist_unlisted(root: &Path, inside: &Path) -> bool {
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

/// Returns a problem if a folder contains no files, since its drive may not be mounted.
fn empty_folder_problem(
    root: &Path,
    listing: &Listing,
    catalogue: Option<&Catalogue>,
) -> Result<Option<Problem>, Error> {
    if !listing.files.is_empty() || !listing.problems.is_empty() || listing.is_interrupted {
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

/// Writer that records findings in the catalogue while files are read.
struct FindingsWriter<'a> {
    sources: &'a HashSources,
    catalogue: Option<&'a Catalogue>,
    /// Number of results already recorded.
    count: usize,
    last: Instant,
    outcome: Result<(), Error>,
}

impl<'a> FindingsWriter<'a> {
    fn new(sources: &'a HashSources, catalogue: Option<&'a Catalogue>) -> Self {
        Self {
            sources,
            catalogue,
            count: 0,
            last: Instant::now(),
            outcome: Ok(()),
        }
    }

    /// Records new findings if the last record is old enough. Returns false if recording failed.
    fn record_if_due(&mut self, results: &[FileResult<'_>]) -> bool {
        let is_due = results.len() > self.count && self.last.elapsed() >= RECORD_INTERVAL;
        if self.outcome.is_ok() && is_due {
            self.outcome = self.write(results);
            self.last = Instant::now();
        }
        self.outcome.is_ok()
    }

    /// Records the remaining findings.
    fn finish(mut self, results: &[FileResult<'_>]) -> Result<(), Error> {
        std::mem::replace(&mut self.outcome, Ok(()))?;
        self.write(results)
    }

    fn write(&mut self, results: &[FileResult<'_>]) -> Result<(), Error> {
        if let Some(catalogue) = self.catalogue {
            record::write_to_catalogue(self.sources, &results[self.count..], catalogue)?;
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
        let listed: BTreeSet<&Path> = files.map(|item| item.inside.as_path()).collect();
        let missing = expected_paths.into_iter().filter(|inside| {
            !listed.contains(inside.as_path()) && !may_exist_unlisted(root, inside)
        });
        self.missing = missing.collect();
        for path in &self.missing {
            on_event(Event::Finished(path.clone(), VerifyState::Missing));
        }
    }

    /// Adds a problem for each recorded file that exists without being listed, unless another
    /// problem covers its path.
    fn add_unlisted(&mut self, root: &Path, paths: &[PathBuf], on_event: &mut dyn FnMut(Event)) {
        for path in paths.iter().map(|inside| root.join(inside)) {
            let mut problems = self.problems.iter();
            if !problems.any(|problem| path.starts_with(&problem.path)) {
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
        expected: &ExpectedHashes,
        file_read: &FileRead,
        on_event: &mut dyn FnMut(Event),
    ) -> VerifyState {
        let state = match &file_read.outcome {
            Ok(read) => {
                self.how = Some(self.how.map_or(read.how, |before| before.min(read.how)));
                expected.compare(&read.hashes)
            }
            Err(reason) => {
                let problem = Problem::new(root.join(&item.inside), reason.clone());
                on_event(Event::Problem(problem.clone()));
                self.problems.push(problem);
                VerifyState::Unread
            }
        };
        self.count(item, state);
        on_event(Event::Finished(item.inside.clone(), state));
        state
    }

    /// Sorts the results by path, since files are read in parallel.
    fn sort(&mut self) {
        self.altered.sort();
        self.new.sort();
        self.problems
            .sort_by(|left, right| left.path.cmp(&right.path));
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
    is_cancelled: &(dyn Fn() -> bool + Sync),
    on_event: &mut dyn FnMut(FileHashEvent),
) {
    let (volume, _) = Volumes::mounted().locate(root);
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    let files = items
        .iter()
        .map(|(item, expected)| (root.join(&item.inside), *item, expected.kinds()));
    let lane = Lane {
        readers: volume.drive.kind.readers(jobs),
        files: files.collect(),
    };
    hash_files(&[lane], is_cancelled, on_event);
}
