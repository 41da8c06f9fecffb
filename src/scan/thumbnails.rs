//! Picture stages of a scan: first posters, then strips. One ffmpeg decodes many clips in a batch.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, PoisonError};

use super::device_queues::DeviceQueue;
use super::worker_message::{ThumbnailOutcome, WorkerMessage};
use crate::catalogue::{Catalogue, INDEX, PendingPictures, Thumbnails};
use crate::clip::Source;
use crate::error::Error;
use crate::footage::{frame_paths, modified};
use crate::media::{
    ProbeError, ThumbnailFormat, ThumbnailJob, ThumbnailKind, ThumbnailMaker, ThumbnailOutput,
};
use crate::source_file::{self, ReadLimiter};
use crate::value::Fingerprint;
use crate::volume::Drive;

/// Maximum clips per poster batch: large enough that the start-up time of ffmpeg is negligible.
const MAX_POSTER_BATCH: usize = 48;
/// Minimum clips per poster batch, even if workers stay idle: starting ffmpeg takes as long as
/// decoding two pictures.
const MIN_POSTER_BATCH: usize = 8;
/// Maximum clips per strip batch.
const MAX_STRIP_BATCH: usize = 12;

/// Clips that one ffmpeg decodes.
#[derive(Debug, Clone)]
pub(super) struct ClipBatch {
    clips: Vec<PendingPictures>,
    read_limiter: ReadLimiter,
}

/// State that all workers share.
pub(super) struct ThumbnailWorker {
    pub work: ThumbnailKind,
    /// Connection for queries; only the calling thread writes.
    pub catalogue: Mutex<Catalogue>,
    pub thumbnails: Thumbnails,
    pub maker: ThumbnailMaker,
}

/// Groups clips with the same decoder and device into batches, and returns one queue per device.
///
/// `drive` returns the device of a clip. At most `jobs` batches are decoded at the same time;
/// `readers` limits the threads that read from a device.
pub(super) fn queue_batches(
    pending: Vec<PendingPictures>,
    work: ThumbnailKind,
    jobs: usize,
    drive: &dyn Fn(&PendingPictures) -> Drive,
    readers: &dyn Fn(&Drive) -> usize,
) -> Vec<DeviceQueue<ClipBatch>> {
    let (min_size, max_size) = match work {
        ThumbnailKind::Poster => (MIN_POSTER_BATCH, MAX_POSTER_BATCH),
        ThumbnailKind::Strip => (1, MAX_STRIP_BATCH),
    };
    let mut drives: BTreeMap<Drive, Vec<Vec<PendingPictures>>> = BTreeMap::new();
    let mut groups: BTreeMap<(bool, Option<i64>, Drive), Vec<PendingPictures>> = BTreeMap::new();
    for clip in pending {
        // Clips that ffmpeg opens itself have no recipe. They come last, one per batch.
        let key = (clip.recipe.is_none(), clip.recipe, drive(&clip));
        groups.entry(key).or_default().push(clip);
    }
    for ((is_single, _, drive), clips) in groups {
        let batches = drives.entry(drive).or_default();
        let size = if is_single {
            1
        } else {
            // Divides a group among the workers, but into parts large enough to be worth starting
            // ffmpeg.
            clips.len().div_ceil(jobs).clamp(min_size, max_size)
        };
        batches.extend(clips.chunks(size.max(1)).map(<[PendingPictures]>::to_vec));
    }
    drives
        .into_iter()
        .map(|(drive, batches)| {
            let read_limiter = ReadLimiter::new(readers(&drive));
            let mut queue = DeviceQueue::new(jobs);
            queue.waiting = batches
                .into_iter()
                .map(|clips| ClipBatch {
                    clips,
                    read_limiter: read_limiter.clone(),
                })
                .collect();
            queue
        })
        .collect()
}

/// File of a clip in a batch, with its size and time when the header was read.
struct ClipFile {
    clip: i64,
    fingerprint: Fingerprint,
    path: PathBuf,
    bytes: u64,
    modified: i64,
    is_sequence: bool,
}

impl ThumbnailWorker {
    /// Creates the pictures of a batch and sends the result of each clip.
    pub(super) fn make(&self, batch: &ClipBatch, sender: &SyncSender<WorkerMessage>) {
        // Sending fails only if the scan has already failed.
        let send = |message| drop(sender.send(message));
        if self.maker.is_stalled() {
            return;
        }
        let (files, jobs) = match self.prepare(batch, &send) {
            Ok(prepared) => prepared.into_iter().unzip::<_, _, Vec<_>, Vec<_>>(),
            Err(error) => return send(WorkerMessage::Fatal(error)),
        };
        if let Some(first) = files.first() {
            let first: &ClipFile = first;
            send(WorkerMessage::Started(first.path.clone()));
        }
        let result = self.maker.make(self.work, &jobs, &mut |index, output| {
            let file: &ClipFile = &files[index];
            match self.save_output(file, output) {
                Ok(Some(outcome)) => send(WorkerMessage::Pictured {
                    clip: file.clip,
                    path: file.path.clone(),
                    outcome,
                }),
                Ok(None) => {}
                Err(error) => send(WorkerMessage::Fatal(error)),
            }
        });
        if let Err(ProbeError::Fatal(error)) = result {
            send(WorkerMessage::Fatal(error));
        }
        if self.maker.is_stalled() {
            send(WorkerMessage::FfmpegStalled);
        }
    }

    /// Returns the clips of a batch whose files did not change since they were read. Sends the
    /// outcomes of the other clips.
    fn prepare(
        &self,
        batch: &ClipBatch,
        send: &dyn Fn(WorkerMessage),
    ) -> Result<Vec<(ClipFile, ThumbnailJob)>, Error> {
        let mut prepared = Vec::new();
        for &pending in &batch.clips {
            let waiting = {
                let catalogue = self.catalogue.lock();
                let catalogue = catalogue.unwrap_or_else(PoisonError::into_inner);
                catalogue.picture_job(pending)?
            };
            let Some(waiting) = waiting else { continue };
            let Some(plan) = waiting.plan else {
                send(WorkerMessage::Pictured {
                    clip: waiting.clip,
                    path: waiting.path,
                    outcome: ThumbnailOutcome::PlanOutdated,
                });
                continue;
            };
            let frames = if waiting.is_sequence {
                frame_paths(&waiting.path)
            } else {
                Vec::new()
            };
            let file = ClipFile {
                clip: waiting.clip,
                fingerprint: waiting.fingerprint,
                path: waiting.path.clone(),
                bytes: waiting.bytes,
                modified: waiting.modified,
                is_sequence: waiting.is_sequence,
            };
            if !file.is_unchanged() {
                send(WorkerMessage::Pictured {
                    clip: file.clip,
                    path: file.path,
                    outcome: ThumbnailOutcome::Postponed,
                });
                continue;
            }
            let job = ThumbnailJob {
                path: waiting.path,
                frames,
                read_limiter: batch.read_limiter.clone(),
                plan,
            };
            prepared.push((file, job));
        }
        Ok(prepared)
    }

    /// Writes the pictures of a clip; `None` if the scan was cancelled.
    fn save_output(
        &self,
        file: &ClipFile,
        output: Result<ThumbnailOutput, ProbeError>,
    ) -> Result<Option<ThumbnailOutcome>, Error> {
        // The file was removed or replaced in the meantime, so the pictures may show another clip.
        if !file.is_unchanged() {
            return Ok(Some(ThumbnailOutcome::Postponed));
        }
        Ok(match output {
            Ok(ThumbnailOutput::Poster { image, next }) => {
                self.save(file, ThumbnailKind::Poster, &image)?;
                Some(ThumbnailOutcome::Poster(next))
            }
            Ok(ThumbnailOutput::Strip { strip, poster }) => {
                if let Some(poster) = poster {
                    self.save(file, ThumbnailKind::Poster, &poster)?;
                }
                let mut pictures = 0;
                if let Some((image, index)) = strip {
                    pictures = index.seconds.len();
                    let index = serde_json::to_vec(&index).unwrap_or_default();
                    let path = self.thumbnails.strips.path(file.fingerprint, INDEX);
                    self.thumbnails
                        .strips
                        .write(file.fingerprint, INDEX, &index)
                        .map_err(Error::path(path))?;
                    self.save(file, ThumbnailKind::Strip, &image)?;
                }
                Some(ThumbnailOutcome::Strip(pictures))
            }
            // The drive is failing, not the file.
            Err(ProbeError::BadFile(_)) if source_file::try_reading(&file.path).is_err() => {
                Some(ThumbnailOutcome::Postponed)
            }
            Err(ProbeError::BadFile(reason)) => Some(self.failed_outcome(&reason, None)?),
            Err(ProbeError::Temporary(reason)) => {
                Some(self.failed_outcome(&reason, Some("deadline"))?)
            }
            Err(ProbeError::Cancelled) => None,
            Err(ProbeError::Fatal(error)) => return Err(error),
        })
    }

    /// Returns the outcome of a clip whose pictures could not be created. `tool`, if given, is
    /// recorded instead of the version of ffmpeg.
    fn failed_outcome(&self, reason: &str, tool: Option<&str>) -> Result<ThumbnailOutcome, Error> {
        let version = self.maker.ffmpeg.version()?;
        let failed_with = tool.unwrap_or(version).to_owned();
        Ok(match self.work {
            ThumbnailKind::Poster => ThumbnailOutcome::Failed {
                reason: format!("no picture could be decoded: {reason}"),
                source: Source::tool(version),
                failed_with,
            },
            ThumbnailKind::Strip => ThumbnailOutcome::NoStrip {
                reason: format!("no strip could be made: {reason}"),
                failed_with,
            },
        })
    }

    fn save(&self, file: &ClipFile, work: ThumbnailKind, image: &[u8]) -> Result<(), Error> {
        let folder = match work {
            ThumbnailKind::Poster => &self.thumbnails.posters,
            ThumbnailKind::Strip => &self.thumbnails.strips,
        };
        let extension = match self.maker.format {
            ThumbnailFormat::Jpeg => "jpg",
            ThumbnailFormat::Webp => "webp",
        };
        let path = folder.path(file.fingerprint, extension);
        folder
            .save(file.fingerprint, extension, image)
            .map_err(Error::path(path))
    }
}

impl ClipFile {
    /// Returns true if the file is still the one whose header was read, so that the frame positions
    /// in the plan are valid.
    fn is_unchanged(&self) -> bool {
        let Ok(now) = fs::metadata(&self.path) else {
            return false;
        };
        // For an image sequence, size and time are stored for all frames together, so one frame
        // cannot be compared.
        self.is_sequence || (now.len() == self.bytes && modified(&now) == self.modified)
    }
}
