//! Threads of a scan: they run the queued tasks of all devices, and the calling thread records their
//! results.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread;

use super::ScanEvent;
use super::device_queues::{DeviceQueue, DeviceQueues};
use super::scan_run::ScanRun;
use super::worker_message::{ReadTask, ThumbnailOutcome, WorkerMessage};
use super::writer::BATCH_AGE;
use crate::error::{Error, Problem};

/// Capacity of the channel from workers to the writer.
const CHANNEL_CAPACITY: usize = 256;

/// Problem of a clip whose pictures are postponed.
const POSTPONED: &str =
    "changed or unmounted since its header was read: the next scan creates its pictures";

impl ScanRun<'_> {
    /// Runs the queued tasks on at most `max_threads` threads and writes the results as they
    /// arrive. Returns the tasks that were deferred.
    pub(super) fn run_workers<T: Send>(
        &mut self,
        queues: Vec<DeviceQueue<T>>,
        max_threads: usize,
        task: &(dyn Fn(T, &SyncSender<WorkerMessage>) + Sync),
    ) -> Result<Vec<ReadTask>, Error> {
        let queues = DeviceQueues::new(queues);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(queues.max_workers().min(max_threads))
            .build()
            .map_err(|_| Error::Thread)?;
        let cancel = self.request.cancel.clone();
        let (sender, receiver) = sync_channel::<WorkerMessage>(CHANNEL_CAPACITY);
        let mut deferred = Vec::new();
        thread::scope(|scope| {
            scope.spawn(|| {
                // Moved in, so that the channel closes when the last worker ends.
                let sender = sender;
                pool.broadcast(|_| {
                    queues.run_worker(|item| {
                        if !cancel.is_cancelled() {
                            task(item, &sender);
                        }
                    });
                });
            });
            let mut outcome = Ok(());
            loop {
                let result = match receiver.recv_timeout(BATCH_AGE) {
                    Ok(WorkerMessage::Deferred(task)) => {
                        deferred.push(task);
                        Ok(())
                    }
                    Ok(message) if outcome.is_ok() => self.handle(message),
                    // The workers end soon after a failure. Their remaining messages are dropped.
                    Ok(_) => Ok(()),
                    Err(RecvTimeoutError::Timeout) => self.writer.tick(),
                    Err(RecvTimeoutError::Disconnected) => break,
                };
                if let Err(error) = result {
                    outcome = outcome.and(Err(error));
                    self.request.cancel.cancel();
                }
            }
            outcome
        })?;
        Ok(deferred)
    }

    /// Records the result of a worker.
    fn handle(&mut self, message: WorkerMessage) -> Result<(), Error> {
        match message {
            WorkerMessage::Started(path) => self.writer.report(ScanEvent::Reading(path)),
            WorkerMessage::Finished {
                reading,
                path,
                bytes,
                problem,
            } => {
                if self.is_refreshing {
                    self.summary.refreshed += 1;
                } else {
                    self.summary.count(&reading.outcome);
                }
                self.writer.record(&reading)?;
                self.report_if_problem(&path, problem);
                self.writer.report(ScanEvent::Read { path, bytes });
            }
            WorkerMessage::StillGrowing(path) => self.report_growing(path),
            WorkerMessage::Pictured {
                clip,
                path,
                outcome,
            } => {
                let is_poster = matches!(outcome, ThumbnailOutcome::Poster(_));
                self.summary.posters += usize::from(is_poster);
                let problem = self.record_pictures(clip, outcome)?;
                self.report_if_problem(&path, problem);
                self.writer.report(ScanEvent::Pictured(path));
            }
            WorkerMessage::FfmpegStalled => {
                if !std::mem::replace(&mut self.is_stall_reported, true) {
                    self.writer.report(ScanEvent::Warning {
                        message: "ffmpeg timed out on several clips".to_owned(),
                        hint: "the next scan creates the remaining pictures; check ffmpeg with `btsindex doctor`".to_owned(),
                    });
                }
            }
            // Handled by `run_workers`.
            WorkerMessage::Deferred(_) => {}
            WorkerMessage::Fatal(error) => return Err(error),
        }
        Ok(())
    }

    /// Records the outcome of a clip's pictures. Returns the problem, if there is one.
    fn record_pictures(
        &mut self,
        clip: i64,
        outcome: ThumbnailOutcome,
    ) -> Result<Option<String>, Error> {
        self.writer.write(|catalogue| match outcome {
            ThumbnailOutcome::Poster(next) => catalogue.record_poster(clip, &next).map(|()| None),
            ThumbnailOutcome::Strip(count) => catalogue.record_strip(clip, count).map(|()| None),
            ThumbnailOutcome::PlanOutdated => catalogue.replan_pictures(clip).map(|()| None),
            ThumbnailOutcome::Postponed => Ok(Some(POSTPONED.to_owned())),
            ThumbnailOutcome::NoStrip {
                reason,
                failed_with,
            } => {
                catalogue.record_strip_failure(clip, &failed_with)?;
                Ok(Some(reason))
            }
            ThumbnailOutcome::Failed {
                reason,
                source,
                failed_with,
            } => {
                catalogue.record_picture_failure(clip, &reason, &source, &failed_with)?;
                Ok(Some(reason))
            }
        })
    }

    fn report_if_problem(&mut self, path: &Path, reason: Option<String>) {
        if let Some(reason) = reason {
            self.report_problem(Problem::new(path, reason));
        }
    }
}
