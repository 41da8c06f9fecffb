//! A scan: the one place where walk, headers, pictures, catalogue and index meet.
//!
//! First the walk: every name is in the catalogue as a stub, and soon in the index. Then
//! headers: each file that is new or changed. Then posters, then strips. What was found is
//! written in batches by the thread that called; the index follows by seq. All queues are in
//! the catalogue: a scan that is cut off loses at most a batch, and the next one goes on.

mod copies;
mod device_queues;
mod event;
mod missing;
mod read_file;
mod reconcile;
mod request;
mod retry;
mod still_growing;
mod tagging;
mod thumbnails;
mod timing;
mod verify;
mod volumes;
mod writer;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use crate::catalogue::{Catalogue, PendingPictures, Reading};
use crate::error::{Error, Problem};
use crate::index::Index;
use crate::lock::{self, Held};
use crate::media::{ProcessLimits, ThumbnailKind, ThumbnailMaker, Tools};
use crate::tag::Rules;
use crate::volume::Drive;
use tagging::Places;

pub use event::{Event, Stage, Summary};
pub use request::Request;
pub use tagging::{Affected, Difference, Explained, compare, explain, retag};
pub use timing::Timing;
pub use verify::{Verified, Verifying, verify};

use device_queues::{Lane, Lanes};
use read_file::{Reader, Task};
use reconcile::{Sift, Sifted};
use thumbnails::Pictures;
use timing::Meter;
use writer::{BATCH_AGE, Writer};

/// Readings that may wait to be written.
const WAITING: usize = 256;
/// Threads that wait for devices at a time, whatever is asked for.
const MOST_THREADS: usize = 64;

/// Clips that could take over what was said before are counted up to here.
const OFFERS: usize = 1000;

/// What is told of a clip whose file is not as it was read.
const WAITS: &str = "it changed, or its drive was taken away, since its header was read: \
                     its pictures wait for the next scan";

/// Scans, telling `report` what happens.
///
/// # Errors
/// When nothing could be scanned at all: no path can be read, a tool cannot be run, the
/// catalogue cannot be written. What one file does wrong is an [`Event::Problem`].
pub fn scan(request: &Request, report: &mut dyn FnMut(Event)) -> Result<Summary, Error> {
    run(request, report, Job::Scan)
}

/// Makes the pictures anew that are gone, of clips that are mounted; `request` names no paths.
///
/// # Errors
/// As [`scan`].
pub fn remake_pictures(request: &Request, report: &mut dyn FnMut(Event)) -> Result<Summary, Error> {
    run(request, report, Job::Pictures)
}

/// What is done while nobody else scans.
#[derive(Clone, Copy)]
enum Job {
    Scan,
    Pictures,
}

fn run(request: &Request, report: &mut dyn FnMut(Event), job: Job) -> Result<Summary, Error> {
    let begun = Instant::now();
    // Before anything is made: without tools there is nothing to do.
    let tools = find_tools(request)?;
    Catalogue::reject_unsuitable_folder(&request.catalogue)?;
    let is_cancelled = || request.cancel.is_cancelled();
    let mut told = |holder: &str| {
        report(Event::Waiting {
            holder: holder.to_owned(),
        });
    };
    let Some(_alone) = alone(&request.catalogue, "scan", &is_cancelled, &mut told)? else {
        return Ok(Summary {
            is_interrupted: true,
            ..Summary::default()
        });
    };
    let mut catalogue = Catalogue::create(&request.catalogue)?;
    if request.mark_volume && volumes::mark_all(request, &catalogue, report)? {
        catalogue = Catalogue::create(&request.catalogue)?;
    }
    volumes::tell_clones(request, &catalogue, report);
    catalogue.check_integrity_if_due()?;
    for path in &request.paths {
        let is_gone = |error: std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        if path.symlink_metadata().is_err_and(is_gone) {
            catalogue.doubt_missing(path)?;
        }
    }
    catalogue.set_scanning(true)?;
    Index::check_folder(&catalogue)?;
    let rules = Rules::new(&catalogue.own_rules()?)?;
    let mut scan = Scan {
        request,
        tools: &tools,
        rules: &rules,
        writer: Writer::new(&catalogue),
        summary: Summary::default(),
        report,
        is_hopeless: false,
    };
    match job {
        Job::Scan => scan.run()?,
        Job::Pictures => scan.remake_pictures()?,
    }
    let Scan {
        writer,
        mut summary,
        report,
        ..
    } = scan;
    let meter = Meter::start("index");
    writer.finish(report)?;
    remember(&catalogue, &tools)?;
    summary.adoptable = catalogue.adoptions(OFFERS)?.len();
    catalogue.set_scanning(false)?;
    summary.timings.push(meter.stop(0));
    summary.is_interrupted = request.cancel.is_cancelled();
    summary.elapsed = begun.elapsed();
    Ok(summary)
}

/// Has the catalogue's files and volumes to itself: the second waits, and `told` hears for whom;
/// `None` when `abort` ended the waiting.
///
/// # Errors
/// When the lock file cannot be made or locked.
pub fn alone(
    catalogue: &Path,
    what_we_do: &str,
    abort: &dyn Fn() -> bool,
    told: &mut dyn FnMut(&str),
) -> Result<Option<Held>, Error> {
    fs::create_dir_all(catalogue).map_err(Error::path(catalogue))?;
    lock::hold(&catalogue.join("scan.lock"), what_we_do, abort, told)
}

/// Finds ffmpeg and ffprobe; asking their versions costs a process each, so what an earlier
/// scan was told is believed while they are the same files.
fn find_tools(request: &Request) -> Result<Tools, Error> {
    let catalogue = Catalogue::open(&request.catalogue).ok();
    Tools::find(&|description| catalogue.as_ref()?.tool_version(description).ok()?)
}

fn remember(catalogue: &Catalogue, tools: &Tools) -> Result<(), Error> {
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

/// What a worker tells the thread that writes.
enum Message {
    /// A file is being read.
    Started(PathBuf),
    /// A file was read.
    Finished {
        reading: Box<Reading>,
        path: PathBuf,
        bytes: u64,
        /// Why it could not be read, wholly or in part.
        problem: Option<String>,
    },
    /// A file changed while it was read: it is left for the next scan.
    Moves(PathBuf),
    /// Only ffprobe knows a file's header; it waits until all others are read.
    Deferred(Task),
    /// Something became of a clip's pictures.
    Pictured {
        clip: i64,
        path: PathBuf,
        outcome: thumbnails::Outcome,
    },
    /// ffmpeg hangs on one clip after the other.
    Hopeless,
    /// The scan cannot go on.
    Fatal(Error),
}

/// A scan as it runs.
struct Scan<'a, 'w> {
    request: &'a Request,
    tools: &'a Tools,
    rules: &'a Rules,
    writer: Writer<'w>,
    summary: Summary,
    report: &'a mut dyn FnMut(Event),
    /// Whether it was said that ffmpeg hangs.
    is_hopeless: bool,
}

impl Scan<'_, '_> {
    /// All stages, one after another.
    fn run(&mut self) -> Result<(), Error> {
        let meter = Meter::start("walk");
        let sifted = sift_all(
            self.request,
            self.tools,
            &mut self.writer,
            &mut self.summary,
            self.report,
        )?;
        let found = self.summary.found + self.summary.companions;
        self.summary.timings.push(meter.stop(found));
        let walked = Instant::now();
        self.headers(sifted.unread)?;
        self.young(sifted.young, walked)?;
        if !self.is_cancelled() {
            let originals = missing::settle(
                &sifted.gone,
                &sifted.walked,
                &sifted.seen_before,
                self.request,
                &mut self.writer,
                &mut self.summary,
                self.report,
            )?;
            self.writer.commit()?;
            copies::look_again(&sifted.roots, self)?;
            let originals = originals.into_iter().map(|file| (file, Drive::unknown()));
            self.headers(originals.collect())?;
        }
        let cancel = &self.request.cancel;
        tagging::ask_again(&mut self.writer, self.rules, &sifted.changed, &mut |_| {
            !cancel.is_cancelled()
        })?;
        if self.request.pictures {
            self.all_pictures(&sifted.walked)?;
        }
        Ok(())
    }

    /// Pictures that are gone, of clips that have a file on a mounted volume.
    fn remake_pictures(&mut self) -> Result<(), Error> {
        let catalogue = self.writer.catalogue;
        let lacking = retry::lacking_pictures(catalogue, self.request.strip)?;
        let (mut files, mut folders) = (Vec::new(), HashSet::new());
        for clip in lacking {
            let copied = catalogue.copied(clip)?;
            let there = copied.files.iter().find(|file| file.is_mounted);
            let Some(file) = there else {
                self.summary.offline += 1;
                continue;
            };
            let identity = catalogue.volume_identity(file.volume)?;
            let drive = catalogue.volumes().drive(&identity);
            self.writer
                .write(self.report, |catalogue| catalogue.read_again(file.file))?;
            folders.insert(file.folder);
            files.push((file.file, drive.unwrap_or_else(Drive::unknown)));
        }
        self.writer.commit()?;
        files.sort_by_key(|(file, _)| *file);
        self.headers(files)?;
        self.all_pictures(&folders)
    }

    fn all_pictures(&mut self, folders: &HashSet<i64>) -> Result<(), Error> {
        for work in [ThumbnailKind::Poster, ThumbnailKind::Strip] {
            self.pictures(work, folders)?;
        }
        Ok(())
    }

    fn is_cancelled(&self) -> bool {
        self.request.cancel.is_cancelled()
    }

    fn limits(&self) -> ProcessLimits {
        ProcessLimits {
            deadline: self.request.deadline,
            cancel: self.request.cancel.clone(),
        }
    }

    /// Reads the headers of files, each with its device: those that this program knows, then
    /// those that only ffprobe does.
    fn headers(&mut self, files: Vec<(i64, Drive)>) -> Result<(), Error> {
        if files.is_empty() || self.is_cancelled() {
            return Ok(());
        }
        (self.report)(Event::Queued {
            stage: Stage::Headers,
            count: files.len(),
        });
        let reader = Reader {
            catalogue: Mutex::new(Catalogue::open(&self.request.catalogue)?),
            thumbnails: self.writer.catalogue.thumbnails(),
            tools: self.tools.clone(),
            headers: self.request.headers,
            strip: self.request.strip,
            rules: self.rules,
            places: Places::default(),
            limits: self.limits(),
        };
        let mut widths = Vec::new();
        let mut numbers: BTreeMap<Drive, usize> = BTreeMap::new();
        let mut tasks = Vec::new();
        for (file, drive) in files {
            let lane = *numbers.entry(drive).or_insert_with_key(|drive| {
                widths.push(self.request.readers_of(drive));
                widths.len() - 1
            });
            tasks.push(Task {
                file,
                lane,
                deferred: None,
            });
        }
        for stage in ["headers", "headers by ffprobe"] {
            let meter = Meter::start(stage);
            let count = tasks.len();
            let mut lanes: Vec<Lane<Task>> = widths.iter().map(|&most| Lane::new(most)).collect();
            for task in tasks.drain(..) {
                lanes[task.lane].waiting.push_back(task);
            }
            tasks = self.work(lanes, MOST_THREADS, &|task, sender| {
                reader.read(task, sender);
            })?;
            self.summary.timings.push(meter.stop(count - tasks.len()));
            if tasks.is_empty() || self.is_cancelled() {
                break;
            }
        }
        Ok(())
    }

    /// Reads what was written a moment before the walk came by, as far as it stands still now.
    fn young(&mut self, files: Vec<(i64, Drive)>, walked: Instant) -> Result<(), Error> {
        if files.is_empty() {
            return Ok(());
        }
        self.writer.commit()?;
        still_growing::wait(walked, &self.request.cancel);
        if self.is_cancelled() {
            return Ok(());
        }
        let mut still = Vec::new();
        for (file, drive) in files {
            match self.writer.catalogue.unread_file(file)? {
                Some(unread) if !still_growing::stands_still(&unread) => self.moves(unread.path),
                Some(_) => still.push((file, drive)),
                None => {}
            }
        }
        self.headers(still)
    }

    fn moves(&mut self, path: PathBuf) {
        self.summary.moving += 1;
        (self.report)(Event::Moving(path));
    }

    /// Makes the pictures that wait, of clips in the folders that were walked.
    fn pictures(&mut self, work: ThumbnailKind, walked: &HashSet<i64>) -> Result<(), Error> {
        if self.is_cancelled() || (work == ThumbnailKind::Strip && self.request.strip == 0) {
            return Ok(());
        }
        self.writer.commit()?;
        let is_current = |tool: &str| self.tools.has_version(tool);
        let pending = self.writer.catalogue.pending(work, walked, &is_current)?;
        if pending.is_empty() {
            return Ok(());
        }
        let (stage, name) = match work {
            ThumbnailKind::Poster => (Stage::Posters, "posters"),
            ThumbnailKind::Strip => (Stage::Strips, "strips"),
        };
        let count = pending.len();
        (self.report)(Event::Queued { stage, count });
        let meter = Meter::start(name);
        let drives = self.drives(&pending)?;
        let drive = |pending: &PendingPictures| {
            let drive = drives.get(&pending.volume).cloned();
            drive.unwrap_or_else(Drive::unknown)
        };
        let readers = |drive: &Drive| self.request.readers_of(drive);
        let jobs = self.request.jobs;
        let lanes = thumbnails::lanes(pending, work, jobs, &drive, &readers);
        let pictures = Pictures {
            work,
            catalogue: Mutex::new(Catalogue::open(&self.request.catalogue)?),
            thumbnails: self.writer.catalogue.thumbnails(),
            studio: ThumbnailMaker {
                ffmpeg: self.tools.ffmpeg.clone(),
                limits: self.limits(),
                format: self.request.thumbs,
                late: Arc::default(),
            },
        };
        self.work(lanes, jobs, &|batch, sender| pictures.make(&batch, sender))?;
        self.summary.timings.push(meter.stop(count));
        Ok(())
    }

    /// The devices of the volumes that clips are on.
    fn drives(&self, pending: &[PendingPictures]) -> Result<HashMap<i64, Drive>, Error> {
        let catalogue = self.writer.catalogue;
        let mut drives = HashMap::new();
        for &PendingPictures { volume, .. } in pending {
            if let Entry::Vacant(place) = drives.entry(volume) {
                let identity = catalogue.volume_identity(volume)?;
                let drive = catalogue.volumes().drive(&identity);
                place.insert(drive.unwrap_or_else(Drive::unknown));
            }
        }
        Ok(drives)
    }

    /// Has workers do all that waits in lanes, and writes what comes back as it comes. Gives
    /// the tasks that were deferred.
    fn work<T: Send>(
        &mut self,
        lanes: Vec<Lane<T>>,
        most: usize,
        task: &(dyn Fn(T, &SyncSender<Message>) + Sync),
    ) -> Result<Vec<Task>, Error> {
        let lanes = Lanes::new(lanes);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(lanes.width().min(most))
            .build()
            .map_err(|_| Error::Thread)?;
        let cancel = self.request.cancel.clone();
        let (sender, receiver) = sync_channel::<Message>(WAITING);
        let mut deferred = Vec::new();
        thread::scope(|scope| {
            scope.spawn(|| {
                // Moved in, so that the last worker's end closes the channel.
                let sender = sender;
                pool.broadcast(|_| {
                    lanes.work(|item| {
                        if !cancel.is_cancelled() {
                            task(item, &sender);
                        }
                    });
                });
            });
            let mut outcome = Ok(());
            loop {
                let taken = match receiver.recv_timeout(BATCH_AGE) {
                    Ok(Message::Deferred(task)) => {
                        deferred.push(task);
                        Ok(())
                    }
                    Ok(message) if outcome.is_ok() => self.take(message),
                    // After a failure the workers end soon; what they still send is let go.
                    Ok(_) => Ok(()),
                    Err(RecvTimeoutError::Timeout) => self.writer.tick(self.report),
                    Err(RecvTimeoutError::Disconnected) => break,
                };
                if let Err(error) = taken {
                    outcome = outcome.and(Err(error));
                    self.request.cancel.cancel();
                }
            }
            outcome
        })?;
        Ok(deferred)
    }

    fn take(&mut self, message: Message) -> Result<(), Error> {
        match message {
            Message::Started(path) => (self.report)(Event::Reading(path)),
            Message::Finished {
                reading,
                path,
                bytes,
                problem,
            } => {
                self.summary.count(&reading.outcome);
                self.writer.record(&reading, self.report)?;
                self.problem(&path, problem);
                (self.report)(Event::Read { path, bytes });
            }
            Message::Moves(path) => self.moves(path),
            Message::Pictured {
                clip,
                path,
                outcome,
            } => {
                let is_poster = matches!(outcome, thumbnails::Outcome::Poster(_));
                self.summary.posters += usize::from(is_poster);
                let problem = self.pictured(clip, outcome)?;
                self.problem(&path, problem);
                (self.report)(Event::Pictured(path));
            }
            Message::Hopeless => {
                if !std::mem::replace(&mut self.is_hopeless, true) {
                    (self.report)(Event::Warning {
                        message: "ffmpeg hangs on one clip after the other".to_owned(),
                        hint: "the pictures that are left wait for the next scan; `btsindex doctor` looks at ffmpeg".to_owned(),
                    });
                }
            }
            // Taken before.
            Message::Deferred(_) => {}
            Message::Fatal(error) => return Err(error),
        }
        Ok(())
    }

    /// Writes what became of a clip's pictures; gives what is to be told of it.
    fn pictured(
        &mut self,
        clip: i64,
        outcome: thumbnails::Outcome,
    ) -> Result<Option<String>, Error> {
        self.writer.write(self.report, |catalogue| match outcome {
            thumbnails::Outcome::Poster(next) => {
                catalogue.record_poster(clip, &next).map(|()| None)
            }
            thumbnails::Outcome::Strip(count) => catalogue.record_strip(clip, count).map(|()| None),
            thumbnails::Outcome::Unplanned => catalogue.replan_pictures(clip).map(|()| None),
            thumbnails::Outcome::Waits => Ok(Some(WAITS.to_owned())),
            thumbnails::Outcome::NoStrip {
                reason,
                failed_with,
            } => {
                catalogue.record_strip_failure(clip, &failed_with)?;
                Ok(Some(reason))
            }
            thumbnails::Outcome::Failed {
                reason,
                source,
                failed_with,
            } => {
                catalogue.record_picture_failure(clip, &reason, &source, &failed_with)?;
                Ok(Some(reason))
            }
        })
    }

    fn problem(&mut self, path: &std::path::Path, reason: Option<String>) {
        if let Some(reason) = reason {
            self.summary.unreadable += 1;
            (self.report)(Event::Problem(Problem::new(path, reason)));
        }
    }
}

/// Walks every path.
fn sift_all(
    request: &Request,
    tools: &Tools,
    writer: &mut Writer<'_>,
    summary: &mut Summary,
    report: &mut dyn FnMut(Event),
) -> Result<Sifted, Error> {
    let mut sift = Sift::new(request, tools, writer, summary, report);
    let mut first_error = None;
    let mut is_any_walked = false;
    for root in reconcile::roots(&request.paths) {
        match root.and_then(|root| sift.root(&root)) {
            Ok(()) => is_any_walked = true,
            Err(Error::Path { path, source }) => {
                sift.unread_root(&path)?;
                sift.problem(Problem::new(&path, source.to_string()));
                first_error.get_or_insert(Error::Path { path, source });
            }
            Err(error) => return Err(error),
        }
    }
    let sifted = sift.finish()?;
    // A root that is not there may be accepted to be gone.
    let is_accepted = request.accept_missing && !sifted.gone.is_empty();
    match first_error {
        Some(error) if !is_any_walked && !is_accepted => Err(error),
        _ => Ok(sifted),
    }
}
