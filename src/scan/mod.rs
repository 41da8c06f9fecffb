//! A scan: the one place where walk, probe, tags, catalogue and index meet.
//!
//! First the walk: every name is in the catalogue as a stub, and soon in the index.
//! Then the reading: each file that is new or changed, on all cores. What was found is
//! written in batches by the thread that called; the index follows by seq. A scan that
//! is cut off loses at most a batch, and the next one goes on from there.

mod event;
mod lock;
mod missing;
mod read;
mod sift;
mod writer;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rayon::iter::{ParallelBridge, ParallelIterator};

use crate::catalogue::Catalogue;
use crate::error::{Error, Problem};
use crate::footage::WalkOptions;
use crate::index::Index;
use crate::media::{Cancel, Limits, Tools};
use crate::tag::Rules;

pub use event::{Event, Summary};

use read::{Message, Reader};
use sift::{Sift, Sifted};
use writer::{BATCH_AGE, Writer};

/// Readings that may wait to be written.
const WAITING: usize = 256;

/// What to scan, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// Folders or files.
    pub paths: Vec<PathBuf>,
    /// Where the catalogue is.
    pub catalogue: PathBuf,
    /// How to walk.
    pub walk: WalkOptions,
    /// Files read at a time.
    pub jobs: usize,
    /// After this, one run of ffprobe or ffmpeg is killed.
    pub deadline: Duration,
    /// Marks files as missing even when more than half of a folder's are gone.
    pub accept_missing: bool,
    /// Interrupts the scan.
    pub cancel: Cancel,
}

/// Scans, telling `report` what happens.
///
/// # Errors
/// When nothing could be scanned at all: no path can be read, a tool cannot be run, the
/// catalogue cannot be written. What one file does wrong is an [`Event::Problem`].
pub fn scan(request: &Request, report: &mut dyn FnMut(Event)) -> Result<Summary, Error> {
    let begun = Instant::now();
    let tools = Tools::find()?;
    let rules = Rules::built_in()?;
    let Some(_lock) = lock::hold(&request.catalogue, &request.cancel, report)? else {
        return Ok(Summary {
            is_interrupted: true,
            ..Summary::default()
        });
    };
    let catalogue = Catalogue::create(&request.catalogue)?;
    let index = Index::open(&catalogue)?;
    let mut writer = Writer::new(&catalogue, &index);
    let mut summary = Summary::default();
    let sifted = sift_all(request, &tools, &mut writer, &mut summary, report)?;
    let read =
        |files, writer: &mut Writer<'_>, summary: &mut Summary, report: &mut dyn FnMut(Event)| {
            read_all(request, files, &tools, &rules, writer, summary, report)
        };
    read(sifted.unread, &mut writer, &mut summary, report)?;
    if !request.cancel.is_cancelled() {
        let (gone, walked) = (&sifted.gone, &sifted.walked);
        let originals = missing::settle(gone, walked, request, &mut writer, &mut summary, report)?;
        writer.commit()?;
        read(originals, &mut writer, &mut summary, report)?;
    }
    writer.finish(report)?;
    summary.is_interrupted = request.cancel.is_cancelled();
    summary.elapsed = begun.elapsed();
    Ok(summary)
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
    for root in sift::roots(&request.paths) {
        match root.and_then(|root| sift.root(&root)) {
            Ok(()) => is_any_walked = true,
            Err(Error::Path { path, source }) => {
                sift.problem(Problem::new(&path, source.to_string()));
                first_error.get_or_insert(Error::Path { path, source });
            }
            Err(error) => return Err(error),
        }
    }
    let sifted = sift.finish()?;
    match first_error {
        Some(error) if !is_any_walked => Err(error),
        _ => Ok(sifted),
    }
}

/// Reads files on all cores, and writes what comes back as it comes.
fn read_all(
    request: &Request,
    unread: Vec<i64>,
    tools: &Tools,
    rules: &Rules,
    writer: &mut Writer<'_>,
    summary: &mut Summary,
    report: &mut dyn FnMut(Event),
) -> Result<(), Error> {
    if unread.is_empty() {
        return Ok(());
    }
    report(Event::Queued {
        files: unread.len(),
    });
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(request.jobs)
        .build()
        .map_err(|_| Error::Thread)?;
    let reader = Reader {
        catalogue: Mutex::new(Catalogue::open(&request.catalogue)?),
        posters: writer.posters(),
        tools: tools.clone(),
        rules,
        limits: Limits {
            deadline: request.deadline,
            cancel: request.cancel.clone(),
        },
    };
    let (sender, receiver) = sync_channel::<Message>(WAITING);
    thread::scope(|scope| {
        scope.spawn(move || {
            let files = unread
                .into_iter()
                .take_while(|_| !reader.limits.cancel.is_cancelled());
            // One after another, so that a disk is read in the order it was walked.
            pool.install(|| {
                files
                    .par_bridge()
                    .for_each_with(sender, |sender, file| reader.read(file, sender));
            });
        });
        let mut outcome = Ok(());
        loop {
            let taken = match receiver.recv_timeout(BATCH_AGE) {
                Ok(message) if outcome.is_ok() => take(message, writer, summary, report),
                // After a failure the workers end soon; what they still send is let go.
                Ok(_) => Ok(()),
                Err(RecvTimeoutError::Timeout) => writer.tick(report),
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if let Err(error) = taken {
                outcome = outcome.and(Err(error));
                request.cancel.cancel();
            }
        }
        outcome
    })
}

fn take(
    message: Message,
    writer: &mut Writer<'_>,
    summary: &mut Summary,
    report: &mut dyn FnMut(Event),
) -> Result<(), Error> {
    match message {
        Message::Started(path) => report(Event::Reading(path)),
        Message::Finished {
            reading,
            path,
            bytes,
            problem,
        } => {
            summary.count(&reading.outcome);
            writer.record(&reading, report)?;
            if let Some(reason) = problem {
                summary.unreadable += 1;
                report(Event::Problem(Problem::new(&path, reason)));
            }
            report(Event::Read { path, bytes });
        }
        Message::Fatal(error) => return Err(error),
    }
    Ok(())
}
