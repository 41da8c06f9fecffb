//! The scan pipeline: connects walk, header readers, pictures, catalogue and index.
//!
//! The walk comes first: it adds a row for every file, so names are searchable within seconds. Then
//! come the headers of new and changed files, then posters, then strips. Workers send their results
//! to the calling thread, which writes them in batches; the index follows by sequence number. All
//! queues are stored in the catalogue: an interrupted scan loses at most one batch, and the next
//! one resumes.

mod device_queues;
mod event;
mod hash_copies;
mod index_update;
mod missing;
mod options;
mod read_file;
mod recheck_copies;
mod reconcile;
mod refresh;
mod retry;
mod scan_run;
mod still_growing;
mod tagging;
mod thumbnails;
mod timing;
mod volumes;
mod worker_message;
mod workers;
mod writer;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::catalogue::{Catalogue, PendingPictures};
use crate::error::{Error, Problem};
use crate::index::Index;
use crate::lock::{self, Held};
use crate::media::{ThumbnailKind, ThumbnailMaker, Tools};
use crate::tag::Rules;
use crate::volume::Drive;

pub use event::{ScanEvent, ScanStage, ScanSummary};
pub use hash_copies::{HashEvent, HashedCopies, hash_copies};
pub(crate) use index_update::update_index;
pub use options::ScanRequest;
pub use tagging::{Affected, Difference, TagExplanation, compare, explain, retag};
pub use timing::StageTiming;

use device_queues::DeviceQueue;
use read_file::FileReader;
use reconcile::{Reconciler, WalkResult};
use scan_run::ScanRun;
use tagging::FolderCache;
use thumbnails::ThumbnailWorker;
use timing::StageMeter;
use worker_message::ReadTask;
use writer::ScanWriter;

/// Maximum number of reader threads for all devices, whatever the options are.
const MAX_THREADS: usize = 64;

/// Upper limit of the number of adoptable clips in the summary.
const MAX_ADOPTABLE: usize = 1000;

/// Scans the paths of the request into the catalogue. Waits while another process scans into it.
///
/// # Errors
/// If nothing could be scanned: no path can be read, a tool cannot be run, or the catalogue cannot
/// be written. A file that cannot be read is a [`ScanEvent::Problem`].
pub fn scan(
    request: &ScanRequest,
    on_event: &mut dyn FnMut(ScanEvent),
) -> Result<ScanSummary, Error> {
    run(request, on_event, ScanJob::Scan)
}

/// Recreates deleted pictures of clips on mounted volumes. Ignores the paths of the request.
///
/// # Errors
/// Same as [`scan`].
pub fn remake_pictures(
    request: &ScanRequest,
    on_event: &mut dyn FnMut(ScanEvent),
) -> Result<ScanSummary, Error> {
    run(request, on_event, ScanJob::Pictures)
}

/// Task to run while holding the scan lock.
#[derive(Clone, Copy)]
enum ScanJob {
    Scan,
    Pictures,
}

fn run(
    request: &ScanRequest,
    on_event: &mut dyn FnMut(ScanEvent),
    job: ScanJob,
) -> Result<ScanSummary, Error> {
    let started = Instant::now();
    // Checked before anything is created, because a scan cannot run without the tools.
    let tools = find_tools(request)?;
    Catalogue::reject_unsuitable_folder(&request.catalogue)?;
    let is_cancelled = || request.cancel.is_cancelled();
    let mut on_wait = |holder: &str| {
        on_event(ScanEvent::Waiting {
            holder: holder.to_owned(),
        });
    };
    let Some(_lock) = acquire_scan_lock(&request.catalogue, "scan", &is_cancelled, &mut on_wait)?
    else {
        return Ok(ScanSummary {
            is_interrupted: true,
            ..ScanSummary::default()
        });
    };
    let mut catalogue = Catalogue::create(&request.catalogue)?;
    if request.mark_volume && volumes::mark_all(request, &catalogue, on_event)? {
        catalogue.refresh_mounts()?;
    }
    volumes::clone_warnings(request, &catalogue)
        .into_iter()
        .for_each(&mut *on_event);
    catalogue.check_integrity_if_due()?;
    for path in &request.paths {
        let is_not_found = |error: std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        if path.symlink_metadata().is_err_and(is_not_found) {
            catalogue.mark_missing_if_gone(path)?;
        }
    }
    catalogue.set_scanning(true)?;
    Index::check_folder(&catalogue)?;
    let rules = Rules::new(&catalogue.user_rules()?)?;
    let writer = ScanWriter::new(&catalogue, on_event);
    let mut scan = ScanRun::new(request, &tools, &rules, writer);
    match job {
        ScanJob::Scan => scan.run()?,
        ScanJob::Pictures => scan.remake_pictures()?,
    }
    let ScanRun {
        writer,
        mut summary,
        ..
    } = scan;
    let meter = StageMeter::start("index");
    writer.finish()?;
    store_tool_versions(&catalogue, &tools)?;
    summary.adoptable = catalogue.adoptions(MAX_ADOPTABLE)?.len();
    catalogue.set_scanning(false)?;
    summary.timings.push(meter.stop(0));
    summary.is_interrupted = request.cancel.is_cancelled();
    summary.elapsed = started.elapsed();
    Ok(summary)
}

/// Acquires the lock that protects files and volumes in the catalogue from other processes. While
/// another process holds the lock, waits and calls `on_wait` with its name. Returns `None` if
/// `is_cancelled` ended the wait.
///
/// # Errors
/// If the lock file cannot be created or locked.
pub fn acquire_scan_lock(
    catalogue: &Path,
    purpose: &str,
    is_cancelled: &dyn Fn() -> bool,
    on_wait: &mut dyn FnMut(&str),
) -> Result<Option<Held>, Error> {
    fs::create_dir_all(catalogue).map_err(Error::path(catalogue))?;
    lock::hold(&catalogue.join("scan.lock"), purpose, is_cancelled, on_wait)
}

/// Finds ffmpeg and ffprobe. Querying a version starts a process, so the version stored by an
/// earlier scan is used if the program file is unchanged.
fn find_tools(request: &ScanRequest) -> Result<Tools, Error> {
    let catalogue = Catalogue::open(&request.catalogue).ok();
    Tools::find(&|description| catalogue.as_ref()?.tool_version(description).ok()?)
}

/// Stores the versions of ffmpeg and ffprobe for later scans.
fn store_tool_versions(catalogue: &Catalogue, tools: &Tools) -> Result<(), Error> {
    for (description, version) in [&tools.ffprobe, &tools.ffmpeg]
        .iter()
        .filter_map(|tool| tool.cached_version())
    {
        if catalogue.tool_version(description)?.as_deref() != Some(version) {
            catalogue.set_tool_version(description, version)?;
        }
    }
    Ok(())
}

impl ScanRun<'_> {
    /// Runs all stages, one after another.
    fn run(&mut self) -> Result<(), Error> {
        let meter = StageMeter::start("walk");
        let walk = walk_all(self)?;
        let found = self.summary.found + self.summary.companions;
        self.summary.timings.push(meter.stop(found));
        let walk_end = Instant::now();
        self.read_headers(walk.unread)?;
        self.read_recent(walk.recent, walk_end)?;
        if !self.is_cancelled() {
            let originals =
                missing::mark_missing(&walk.missing, &walk.walked, &walk.seen_before, self)?;
            self.writer.commit()?;
            recheck_copies::recheck_copies(&walk.roots, self)?;
            let originals = originals.into_iter().map(|file| (file, Drive::unknown()));
            self.read_headers(originals.collect())?;
        }
        tagging::retag_changed_folders(self, &walk.changed)?;
        if self.request.pictures {
            self.create_all_pictures(&walk.walked)?;
        }
        if self.request.refresh_limit == 0 {
            return Ok(());
        }
        self.refresh_tags()?;
        self.reported = walk.problems;
        self.refresh(walk.refresh)
    }

    /// Creates the missing pictures of clips that have a file on a mounted volume.
    fn remake_pictures(&mut self) -> Result<(), Error> {
        let catalogue = self.writer.catalogue;
        let lacking = retry::clips_lacking_pictures(catalogue, self.request.strip)?;
        let (mut files, mut folders) = (Vec::new(), HashSet::new());
        for clip in lacking {
            let copied = catalogue.clip_files(clip)?;
            let mounted = copied.files.iter().find(|file| file.is_mounted);
            let Some(file) = mounted else {
                self.summary.offline += 1;
                continue;
            };
            let identity = catalogue.volume_identity(file.volume)?;
            let drive = catalogue.volumes().drive(&identity);
            self.writer
                .write(|catalogue| catalogue.read_again(file.file))?;
            folders.insert(file.folder);
            files.push((file.file, drive.unwrap_or_else(Drive::unknown)));
        }
        self.writer.commit()?;
        files.sort_by_key(|(file, _)| *file);
        self.read_headers(files)?;
        self.create_all_pictures(&folders)
    }

    /// Creates all posters first, then all strips.
    fn create_all_pictures(&mut self, folders: &HashSet<i64>) -> Result<(), Error> {
        for work in [ThumbnailKind::Poster, ThumbnailKind::Strip] {
            self.create_pictures(work, folders)?;
        }
        Ok(())
    }

    /// Reads files, given by id and device: first all that the built-in readers support, then those
    /// that need ffprobe.
    fn read_headers(&mut self, files: Vec<(i64, Drive)>) -> Result<(), Error> {
        if files.is_empty() || self.is_cancelled() {
            return Ok(());
        }
        self.writer.report(ScanEvent::Queued {
            stage: ScanStage::Headers,
            count: files.len(),
        });
        let reader = FileReader {
            catalogue: Mutex::new(Catalogue::open(&self.request.catalogue)?),
            thumbnails: self.writer.catalogue.thumbnails(),
            tools: self.tools.clone(),
            headers: self.request.headers,
            strip: self.request.strip,
            rules: self.rules,
            folders: FolderCache::default(),
            limits: self.limits(),
            refresh: self.is_refreshing && self.request.refresh,
        };
        let mut max_readers = Vec::new();
        let mut queue_of: BTreeMap<Drive, usize> = BTreeMap::new();
        let mut tasks = Vec::new();
        for (file, drive) in files {
            let queue = *queue_of.entry(drive).or_insert_with_key(|drive| {
                max_readers.push(self.request.readers_for(drive));
                max_readers.len() - 1
            });
            tasks.push(ReadTask {
                file,
                queue,
                deferred: None,
            });
        }
        for stage in ["headers", "headers by ffprobe"] {
            let meter = StageMeter::start(stage);
            let count = tasks.len();
            let mut queues: Vec<DeviceQueue<ReadTask>> = max_readers
                .iter()
                .map(|&max| DeviceQueue::new(max))
                .collect();
            for task in tasks.drain(..) {
                queues[task.queue].waiting.push_back(task);
            }
            tasks = self.run_workers(queues, MAX_THREADS, &|task, sender| {
                reader.read(task, sender);
            })?;
            self.summary.timings.push(meter.stop(count - tasks.len()));
            if tasks.is_empty() || self.is_cancelled() {
                break;
            }
        }
        Ok(())
    }

    /// Reads files modified just before the walk, unless they are still changing.
    fn read_recent(&mut self, files: Vec<(i64, Drive)>, walk_end: Instant) -> Result<(), Error> {
        if files.is_empty() {
            return Ok(());
        }
        self.writer.commit()?;
        still_growing::wait(walk_end, &self.request.cancel);
        if self.is_cancelled() {
            return Ok(());
        }
        let mut stable = Vec::new();
        for (file, drive) in files {
            match self.writer.catalogue.unread_file(file)? {
                Some(unread) if !still_growing::is_stable(&unread) => {
                    self.report_growing(unread.path);
                }
                Some(_) => stable.push((file, drive)),
                None => {}
            }
        }
        self.read_headers(stable)
    }

    /// Creates the queued pictures of one kind, for clips in the walked folders.
    fn create_pictures(&mut self, work: ThumbnailKind, walked: &HashSet<i64>) -> Result<(), Error> {
        if self.is_cancelled() || (work == ThumbnailKind::Strip && self.request.strip == 0) {
            return Ok(());
        }
        self.writer.commit()?;
        let is_current = |tool: &str| self.tools.has_version(tool);
        let pending = self
            .writer
            .catalogue
            .pending_pictures(work, walked, &is_current)?;
        if pending.is_empty() {
            return Ok(());
        }
        let (stage, name) = match work {
            ThumbnailKind::Poster => (ScanStage::Posters, "posters"),
            ThumbnailKind::Strip => (ScanStage::Strips, "strips"),
        };
        let count = pending.len();
        self.writer.report(ScanEvent::Queued { stage, count });
        let meter = StageMeter::start(name);
        let drives = self.find_drives(pending.iter().map(|pending| pending.volume))?;
        let drive = |pending: &PendingPictures| {
            let drive = drives.get(&pending.volume).cloned();
            drive.unwrap_or_else(Drive::unknown)
        };
        let readers = |drive: &Drive| self.request.readers_for(drive);
        let jobs = self.request.jobs;
        let queues = thumbnails::queue_batches(pending, work, jobs, &drive, &readers);
        let worker = ThumbnailWorker {
            work,
            catalogue: Mutex::new(Catalogue::open(&self.request.catalogue)?),
            thumbnails: self.writer.catalogue.thumbnails(),
            maker: ThumbnailMaker {
                ffmpeg: self.tools.ffmpeg.clone(),
                limits: self.limits(),
                format: self.request.thumbs,
                consecutive_timeouts: Arc::default(),
            },
        };
        self.run_workers(queues, jobs, &|batch, sender| worker.make(&batch, sender))?;
        self.summary.timings.push(meter.stop(count));
        Ok(())
    }

    /// Returns the devices of volumes, by volume id.
    fn find_drives(
        &self,
        volumes: impl Iterator<Item = i64>,
    ) -> Result<HashMap<i64, Drive>, Error> {
        let catalogue = self.writer.catalogue;
        let mut drives = HashMap::new();
        for volume in volumes {
            if let Entry::Vacant(entry) = drives.entry(volume) {
                let identity = catalogue.volume_identity(volume)?;
                let drive = catalogue.volumes().drive(&identity);
                entry.insert(drive.unwrap_or_else(Drive::unknown));
            }
        }
        Ok(drives)
    }
}

/// Walks all paths of a request. A path that cannot be read is a problem; it is an error only if no
/// path can be read.
fn walk_all(scan: &mut ScanRun<'_>) -> Result<WalkResult, Error> {
    let request = scan.request;
    let mut reconciler = Reconciler::new(scan);
    let mut first_error = None;
    let mut is_any_walked = false;
    for root in reconcile::roots(&request.paths) {
        match root.and_then(|root| reconciler.walk_root(&root)) {
            Ok(()) => is_any_walked = true,
            Err(Error::Path { path, source }) => {
                reconciler.add_unreadable_root(&path)?;
                reconciler.report_problem(Problem::new(&path, source.to_string()));
                first_error.get_or_insert(Error::Path { path, source });
            }
            Err(error) => return Err(error),
        }
    }
    let walk = reconciler.finish()?;
    // With `--accept-missing`, a scan succeeds even if it only marks the files of missing roots.
    let is_accepted = request.accept_missing && !walk.missing.is_empty();
    match first_error {
        Some(error) if !is_any_walked && !is_accepted => Err(error),
        _ => Ok(walk),
    }
}
