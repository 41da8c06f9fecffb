//! Verification of copies: compares every file in a folder with its manifests and the catalogue.
//!
//! Each file is read once, with direct I/O where possible, and hashed with all recorded kinds of
//! hashes. Findings are written to the ingest log and, on request, to a new generation of the
//! manifest.

mod expected;
mod findings_writer;
mod path_variants;
mod record;
mod report;
mod request;
mod verify_run;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::cancel::Cancel;
use crate::catalogue::Catalogue;
use crate::error::{Error, Problem};
use crate::mhl;
use crate::offload::{FileHashEvent, Item, Lane, Listing, hash_files, list_except};
use crate::source_file;
use crate::volume::Volumes;
use expected::{ExpectedHashes, HashSources};
use findings_writer::FindingsWriter;
use record::{FileRead, FileResult};
use verify_run::{VerifyRun, may_exist_unlisted};

pub use report::{Event, Report, VerifyState};
pub use request::Request;

/// Reason reported for an unfinished copy.
const UNFINISHED: &str =
    "unfinished copy: an ingest is running or was killed; the next ingest removes it";

/// Reason reported for a mount point. Files of the other volume are not verified.
const OTHER_VOLUME: &str = "another volume is mounted here; its files were not checked";

/// Reason reported for a manifest that its history does not include.
const UNNAMED: &str = "not in the chain, so nothing was compared with it: its writer was interrupted, or another \
                       machine replaced the chain; `btsindex verify --record` or the next ingest adds it";

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
    let listing = list_folder(&root, &request.cancel)?;
    let mut run = VerifyRun::new(&root, on_event);
    let empty = empty_folder_problem(&root, &listing, catalogue)?;
    let histories = sources.histories.iter();
    let unnamed = histories.flat_map(|(_, history)| history.unnamed());
    let unnamed = unnamed.map(|path| Problem::new(path, UNNAMED));
    for problem in listing.problems.iter().cloned().chain(empty).chain(unnamed) {
        run.add_problem(problem);
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
        run.add_unlisted(&unlisted.unmatched);
    }
    let sources = sources;
    let (excluded, items): (Vec<&Item>, Vec<&Item>) = listing
        .files
        .iter()
        .partition(|item| sources.is_excluded(&item.inside));
    let excluded = excluded.into_iter().map(|item| item.inside.clone());
    run.report.left_out = excluded
        .filter(|inside| sources.is_ignored_by_user(inside))
        .collect();
    let items: Vec<(&Item, ExpectedHashes)> = items
        .into_iter()
        .map(|item| (item, sources.expected_hashes(item)))
        .collect();
    run.report_event(Event::Begins {
        files: items.len(),
        bytes: items.iter().map(|(item, _)| item.bytes).sum(),
        with: sources.descriptions(),
    });
    let findings = FindingsWriter::new(&sources, catalogue);
    let results = hash_all(&items, &sources, findings, &request.cancel, &mut run)?;
    run.sort();
    if !sources.has_no_manifests() {
        let names = items.iter().map(|(item, _)| &item.inside);
        run.report.outside = names
            .filter(|path| mhl::manifest_path(path).is_none())
            .cloned()
            .collect();
    }
    run.report.is_interrupted = request.cancel.is_cancelled();
    if !run.report.is_interrupted && !listing.is_interrupted {
        run.add_missing(expected, &listing);
    }
    let mut report = run.report;
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
fn list_folder(root: &Path, cancel: &Cancel) -> Result<Listing, Error> {
    let nested = Volumes::mounted().under(root).into_iter().skip(1);
    let nested: Vec<_> = nested
        .map(|(nested, _)| (nested.mount, OTHER_VOLUME))
        .collect();
    let listed = list_except(root, &nested, &|| cancel.is_cancelled());
    let mut listing = listed.map_err(Error::path(root))?;
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
        Some(unmounted) => format!("no files: {}", unmounted.describe_unmounted()),
        None => "no files: nothing was compared".to_owned(),
    };
    Ok(Some(Problem::new(root, reason)))
}

/// Reads and hashes files, on as many threads as the device allows, and compares the hashes with the
/// expected ones. Returns the results in the order of the files.
fn hash_all<'a>(
    items: &'a [(&'a Item, ExpectedHashes)],
    sources: &HashSources,
    mut findings: FindingsWriter<'_>,
    cancel: &Cancel,
    run: &mut VerifyRun<'_>,
) -> Result<Vec<FileResult<'a>>, Error> {
    let (volume, _) = Volumes::mounted().locate(run.root);
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    let files = items
        .iter()
        .map(|(item, expected)| (run.root.join(&item.inside), *item, expected.kinds()));
    let lane = Lane {
        readers: volume.drive.kind.readers(jobs),
        files: files.collect(),
    };
    let mut results: Vec<FileResult<'a>> = Vec::new();
    let is_failed = AtomicBool::new(false);
    let is_stopped = || cancel.is_cancelled() || is_failed.load(Ordering::Relaxed);
    hash_files(&[lane], &is_stopped, &mut |event| match event {
        FileHashEvent::Reading(_, item) => {
            run.report_event(Event::Reading(items[item].0.inside.clone()));
        }
        FileHashEvent::Read(bytes) => {
            run.report_event(Event::Read(bytes));
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
            let state = run.add_result(item, expected, &file_read);
            results.push((*item, expected, state, file_read));
        }
    });
    findings.finish(&results)?;
    results.sort_by_key(|(_, _, _, file_read)| file_read.item);
    Ok(results)
}
