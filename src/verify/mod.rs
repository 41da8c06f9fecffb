//! Copies looked at again: whether every file of a folder is still what its manifests, or the catalogue, say.
//!
//! Each file is read past the system's cache, once, for all hashes that anything knows of it. What is found goes
//! into the log of ingests, and into a new generation of the manifest where that is asked for.

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
use crate::offload::{Hashed, Heard, How, Item, Lane, Listing, hash_files, list_but};
use crate::source_file;
use crate::volume::Volumes;
use expected::{Basis, Known};
use record::Noted;

/// What to verify, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// A folder.
    pub folder: PathBuf,
    /// Whether a new generation of its manifest is written.
    pub is_recorded: bool,
    /// Who does it.
    pub author: String,
    /// Interrupts it.
    pub cancel: Cancel,
}

/// What a file is found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It is as it was.
    Verified,
    /// It holds something else than it did.
    Altered,
    /// It is not there any more.
    Missing,
    /// Nothing says what it has to be.
    New,
    /// It could not be read.
    Unread,
}

impl State {
    /// One word for people.
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

/// Something happened.
#[derive(Debug)]
pub enum Event {
    /// So much is to be read.
    Begins {
        /// Files.
        files: usize,
        /// Their bytes.
        bytes: u64,
        /// What they are compared with.
        with: Vec<String>,
    },
    /// A file is being read.
    Reading(PathBuf),
    /// So many more bytes were read.
    Read(u64),
    /// What a file, given below the folder, is found to be.
    Found(PathBuf, State),
    /// Something could not be read.
    Problem(Problem),
}

/// What it came to.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Files that are as they were.
    pub verified: usize,
    /// Bytes of these.
    pub bytes: u64,
    /// Files that hold something else, below the folder.
    pub altered: Vec<PathBuf>,
    /// Files that are not there any more.
    pub missing: Vec<PathBuf>,
    /// Files of which nothing says what they have to be.
    pub new: Vec<PathBuf>,
    /// Files whose names no manifest can hold; the catalogue may know them.
    pub outside: Vec<PathBuf>,
    /// Files that the manifests leave out because somebody wanted it so, and nothing else knows: they were not read.
    pub left_out: Vec<PathBuf>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// How files were read, the least certain.
    pub how: Option<How>,
    /// Generations that were written, the folder's own last.
    pub manifests: Vec<PathBuf>,
    /// Whether nothing was known of any file.
    pub is_unknown: bool,
    /// Whether it was interrupted.
    pub is_interrupted: bool,
}

/// What was found is written down this often: whoever is killed loses no more.
const BETWEEN_NOTES: Duration = Duration::from_secs(2);

/// What is told of a file that an ingest left, or is writing.
const UNFINISHED: &str =
    "an ingest is copying it, or was killed when it was: the next one removes what is left of it";

/// What is told of files that are on another volume: no copy of them is proved here.
const NESTED: &str = "another volume is mounted there; what is on it was not looked at";

/// Reason for a manifest that its history does not count.
const UNNAMED: &str = "the chain does not name this manifest, and nothing was compared with it: its writer was interrupted, or another \
                       machine replaced the chain; `btsindex verify --record` and the next ingest there take it in";

/// Reason for a known file that exists, but that the listing of its folder lacks.
const UNLISTED: &str = "it exists, but the listing of its folder lacks it: it was not compared";

/// A file that was read: its hashes and how it was read, or why it could not be.
struct Looked {
    item: usize,
    outcome: Result<Hashed, String>,
}

/// Verifies a folder, telling `report` what happens. Without a catalogue, manifests alone tell what files have
/// to be.
///
/// # Errors
/// When the folder cannot be listed, its manifests are damaged, or the catalogue cannot be written. What one
/// file does wrong is told.
pub fn verify(
    request: &Request,
    catalogue: Option<&Catalogue>,
    report: &mut dyn FnMut(Event),
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
        report(Event::Problem(problem.clone()));
    }
    let wanted = basis.wanted();
    let known = wanted.iter().map(PathBuf::as_path);
    let known = known.chain(basis.catalogued()).collect();
    let mut unlisted = spelling::unlisted(&root, &listing, known, &|inside| {
        is_there_unseen(&root, inside)
    });
    basis.respell(std::mem::take(&mut unlisted.spellings));
    if !listing.is_cut {
        unlisted.unmatched.retain(|path| wanted.contains(path));
        found.uncompared(&root, &unlisted.unmatched, report);
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
    let items: Vec<(&Item, Known)> = items
        .into_iter()
        .map(|item| (item, basis.known(item)))
        .collect();
    report(Event::Begins {
        files: items.len(),
        bytes: items.iter().map(|(item, _)| item.bytes).sum(),
        with: basis.names(),
    });
    let (mut noted, mut written) = (Vec::new(), Written::new(&basis, catalogue));
    let is_failed = AtomicBool::new(false);
    let go_on = || go_on() && !is_failed.load(Ordering::Relaxed);
    hash_all(&root, &items, &go_on, &mut |heard| match heard {
        Heard::Reading(_, item) => report(Event::Reading(items[item].0.inside.clone())),
        Heard::Read(bytes) => {
            report(Event::Read(bytes));
            // What is read now may take hours.
            is_failed.store(!written.is_up_to(&noted), Ordering::Relaxed);
        }
        Heard::Hashed(_, item, outcome) => {
            let mut one = Looked {
                item,
                outcome: outcome.map_err(|error| error.to_string()),
            };
            let (item, known) = &items[one.item];
            if let Ok(read) = &mut one.outcome {
                read.how = basis.how(&item.inside, read);
            }
            let state = found.take(&root, item, known, &one, report);
            noted.push((*item, known, state, one));
        }
    });
    written.end(&noted)?;
    noted.sort_by_key(|(_, _, _, one)| one.item);
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
        found.take_missing(&root, wanted, &listing, report);
    }
    if let Some(catalogue) = catalogue {
        record::missing(&basis, &found.missing, catalogue)?;
        if !found.is_interrupted && !listing.is_cut {
            let is_there = |inside: &Path| root.join(inside).symlink_metadata().is_ok();
            record::forget_hashes(&basis, &is_there, catalogue)?;
        }
    }
    found.is_unknown =
        items.iter().all(|(_, known)| known.is_nothing()) && found.missing.is_empty();
    if request.is_recorded && !found.is_interrupted {
        found.manifests = record::generation(&root, &basis, &noted, &listing, request)?;
    }
    Ok(found)
}

/// Lists a folder, without unfinished copies and what is on other volumes.
fn listed(root: &Path, go_on: &dyn Fn() -> bool) -> Result<Listing, Error> {
    let nested = Volumes::mounted().under(root).into_iter().skip(1);
    let nested: Vec<_> = nested.map(|(nested, _)| (nested.mount, NESTED)).collect();
    let mut listing = list_but(root, &nested, go_on).map_err(Error::path(root))?;
    listing.leave_out_unfinished(root, UNFINISHED);
    Ok(listing)
}

/// A folder's path as it is listed. Copies that were in one that is not there any more are recorded as missing.
fn real_folder(folder: &Path, catalogue: Option<&Catalogue>) -> Result<PathBuf, Error> {
    source_file::canonical(folder).or_else(|error| {
        if let Some(catalogue) = catalogue.filter(|_| error.kind() == ErrorKind::NotFound) {
            catalogue.mark_missing_if_gone(folder)?;
        }
        Err(Error::path(folder)(error))
    })
}

/// Whether a file that was not listed may be there all the same: in what cannot be looked into, or in a folder that is
/// left out. A link that stands there, or on the way to it, leads to something else.
fn is_there_unseen(root: &Path, inside: &Path) -> bool {
    let mut path = root.to_owned();
    for part in inside {
        path.push(part);
        match path.symlink_metadata() {
            Ok(there) if there.is_symlink() => return false,
            Ok(there) if there.is_dir() => {}
            // FUSE keeps names of files that were removed under another spelling; opening one asks the filesystem.
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

/// Why it is nothing good that a folder holds nothing: its drive may not be mounted there.
fn emptiness(
    root: &Path,
    listing: &Listing,
    catalogue: Option<&Catalogue>,
) -> Result<Option<Problem>, Error> {
    if !listing.files.is_empty() || !listing.problems.is_empty() || listing.is_cut {
        return Ok(None);
    }
    let away = match catalogue {
        Some(catalogue) => catalogue.away_from(root)?.into_iter().next(),
        None => None,
    };
    let reason = match away {
        Some(away) => format!(
            "there is no file in it: {} was mounted at {} and is not",
            escape(&away.label),
            escape(&away.mount.to_string_lossy())
        ),
        None => "there is no file in it: nothing was compared".to_owned(),
    };
    Ok(Some(Problem::new(root, reason)))
}

/// What was found, written down as it comes.
struct Written<'a> {
    basis: &'a Basis,
    catalogue: Option<&'a Catalogue>,
    /// So many of what was found.
    count: usize,
    last: Instant,
    outcome: Result<(), Error>,
}

impl<'a> Written<'a> {
    fn new(basis: &'a Basis, catalogue: Option<&'a Catalogue>) -> Self {
        Self {
            basis,
            catalogue,
            count: 0,
            last: Instant::now(),
            outcome: Ok(()),
        }
    }

    /// Writes down now and then what is new; whether that could be.
    fn is_up_to(&mut self, noted: &[Noted<'_>]) -> bool {
        let is_due = noted.len() > self.count && self.last.elapsed() >= BETWEEN_NOTES;
        if self.outcome.is_ok() && is_due {
            self.outcome = self.write(noted);
            self.last = Instant::now();
        }
        self.outcome.is_ok()
    }

    /// Writes down what is left.
    fn end(mut self, noted: &[Noted<'_>]) -> Result<(), Error> {
        std::mem::replace(&mut self.outcome, Ok(()))?;
        self.write(noted)
    }

    fn write(&mut self, noted: &[Noted<'_>]) -> Result<(), Error> {
        if let Some(catalogue) = self.catalogue {
            record::in_catalogue(self.basis, &noted[self.count..], catalogue)?;
        }
        self.count = noted.len();
        Ok(())
    }
}

impl Report {
    /// Takes what has to be there and was not listed.
    fn take_missing(
        &mut self,
        root: &Path,
        wanted: BTreeSet<PathBuf>,
        listing: &Listing,
        report: &mut dyn FnMut(Event),
    ) {
        let files = listing.files.iter();
        let there: BTreeSet<&Path> = files.map(|item| item.inside.as_path()).collect();
        let missing = wanted
            .into_iter()
            .filter(|inside| !there.contains(inside.as_path()) && !is_there_unseen(root, inside));
        self.missing = missing.collect();
        for path in &self.missing {
            report(Event::Found(path.clone(), State::Missing));
        }
    }

    /// Adds a problem for each known file that exists without being listed, unless one tells of it already.
    fn uncompared(&mut self, root: &Path, paths: &[PathBuf], report: &mut dyn FnMut(Event)) {
        for path in paths.iter().map(|inside| root.join(inside)) {
            let mut told = self.problems.iter();
            if !told.any(|problem| path.starts_with(&problem.path)) {
                let problem = Problem::new(path, UNLISTED);
                report(Event::Problem(problem.clone()));
                self.problems.push(problem);
            }
        }
    }

    /// Takes what was found of one file, and tells it.
    fn take(
        &mut self,
        root: &Path,
        item: &Item,
        known: &Known,
        looked: &Looked,
        report: &mut dyn FnMut(Event),
    ) -> State {
        let state = match &looked.outcome {
            Ok(read) => {
                self.how = Some(self.how.map_or(read.how, |before| before.min(read.how)));
                known.state(&read.hashes)
            }
            Err(reason) => {
                let problem = Problem::new(root.join(&item.inside), reason.clone());
                report(Event::Problem(problem.clone()));
                self.problems.push(problem);
                State::Unread
            }
        };
        self.count(item, state);
        report(Event::Found(item.inside.clone(), state));
        state
    }

    /// Files were read side by side: they are told in the order of their paths.
    fn sort(&mut self) {
        self.altered.sort();
        self.new.sort();
        self.problems
            .sort_by(|one, other| one.path.cmp(&other.path));
    }

    fn count(&mut self, item: &Item, state: State) {
        let list = match state {
            State::Verified => {
                self.verified += 1;
                self.bytes += item.bytes;
                return;
            }
            State::Altered => &mut self.altered,
            State::New => &mut self.new,
            State::Missing | State::Unread => return,
        };
        list.push(item.inside.clone());
    }
}

/// Reads and hashes files, on as many threads as the device bears.
fn hash_all(
    root: &Path,
    items: &[(&Item, Known)],
    go_on: &(dyn Fn() -> bool + Sync),
    told: &mut dyn FnMut(Heard),
) {
    let (volume, _) = Volumes::mounted().of(root);
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    let files = items
        .iter()
        .map(|(item, known)| (root.join(&item.inside), *item, known.kinds()));
    let lane = Lane {
        readers: volume.drive.kind.readers(jobs),
        files: files.collect(),
    };
    hash_files(&[lane], go_on, told);
}
