//! Posters and filmstrips, decoded by ffmpeg as planned when the header was read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::batch_decode::{self, DecodedKeyframe, FileKeyframes};
use super::frame::{Frame, Raster};
use super::image::{self, StripIndex, ThumbnailFormat};
use super::keyframes::{Keyframe, KeyframeStorage};
use super::probe_error::ProbeError;
use super::process::ProcessLimits;
use super::single_decode::{self, Input, SeekPosition};
use super::thumbnail_plan::{ThumbnailJob, ThumbnailKind, ThumbnailPlan};
use super::thumbnail_positions::{input, poster_positions, strip_positions};
use super::tool::Tool;

/// Number of consecutive timeouts after which no further processes are started.
const MAX_TIMEOUTS: u32 = 3;

/// Thumbnail created for one job.
#[derive(Debug)]
pub enum ThumbnailOutput {
    /// Poster of a clip.
    Poster {
        /// Contents of the image file.
        image: Vec<u8>,
        /// Plan for the filmstrip.
        next: Box<ThumbnailPlan>,
    },
    /// Filmstrip of a clip.
    Strip {
        /// Contents and frame index of the image file; `None` if the clip has no frames.
        strip: Option<(Vec<u8>, StripIndex)>,
        /// Replacement for a poster that was not presentable; `None` to keep the poster.
        poster: Option<Vec<u8>>,
    },
}

/// Frames decoded for a filmstrip so far.
#[derive(Debug, Clone, Default)]
struct StripFrames {
    /// Time in seconds and content of each frame.
    frames: Vec<(f64, Frame)>,
    /// Keyframe of each frame; empty if they were not decoded by `batch_decode`.
    keys: Vec<Keyframe>,
}

/// Creates thumbnails with ffmpeg.
#[derive(Debug, Clone)]
pub struct ThumbnailMaker {
    /// Decoder of the frames.
    pub ffmpeg: Tool,
    /// Limits of each process.
    pub limits: ProcessLimits,
    /// File format of the thumbnails.
    pub format: ThumbnailFormat,
    /// Number of consecutive timeouts of all threads.
    pub consecutive_timeouts: Arc<AtomicU32>,
}

impl ThumbnailMaker {
    /// Counts the timeout if the result is one, and returns the result.
    ///
    /// # Errors
    /// Returns the error in `result`.
    fn count_timeouts<T>(&self, result: Result<T, ProbeError>) -> Result<T, ProbeError> {
        match &result {
            Err(ProbeError::Temporary(_)) => {
                self.consecutive_timeouts.fetch_add(1, Ordering::Relaxed);
            }
            _ => self.consecutive_timeouts.store(0, Ordering::Relaxed),
        }
        result
    }

    /// Returns true if ffmpeg appears to hang on every file. No further processes are then started,
    /// and the remaining jobs stay in the queue.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        self.consecutive_timeouts.load(Ordering::Relaxed) >= MAX_TIMEOUTS
    }

    /// Creates thumbnails for jobs whose plans have equal recipes. Calls `on_result` with the index
    /// of each job in `jobs`.
    ///
    /// # Errors
    /// Fails if ffmpeg cannot be run or the run is cancelled. Jobs without a result were not done.
    pub fn make(
        &self,
        kind: ThumbnailKind,
        jobs: &[ThumbnailJob],
        on_result: &mut dyn FnMut(usize, Result<ThumbnailOutput, ProbeError>),
    ) -> Result<(), ProbeError> {
        match kind {
            ThumbnailKind::Poster => self.make_posters(jobs, on_result),
            ThumbnailKind::Strip => self.make_strips(jobs, on_result),
        }
    }

    fn make_posters(
        &self,
        jobs: &[ThumbnailJob],
        on_result: &mut dyn FnMut(usize, Result<ThumbnailOutput, ProbeError>),
    ) -> Result<(), ProbeError> {
        let mut best: Vec<Option<Frame>> = vec![None; jobs.len()];
        let mut is_done = vec![false; jobs.len()];
        // The first pass tries one keyframe per clip, the second pass up to three more if the first
        // is not presentable.
        for range in [0..1, 1..usize::MAX] {
            let keys_to_try = |at: usize| {
                let keys = jobs[at].plan.keyed.as_ref().map(|keyed| &keyed.poster);
                let keys = keys.map(|keys| {
                    let end = range.end.min(keys.len());
                    keys.get(range.start..end).unwrap_or_default().to_vec()
                });
                keys.filter(|_| !is_done[at]).unwrap_or_default()
            };
            let keys_by_job: Vec<Vec<Keyframe>> = (0..jobs.len()).map(keys_to_try).collect();
            let is_decoded = self.decode_keyframes(
                jobs,
                ThumbnailKind::Poster,
                &keys_by_job,
                &mut |at, _, frame| {
                    if is_done[at] {
                    } else if frame.is_presentable() {
                        is_done[at] = true;
                        on_result(at, self.finish_poster(&frame, &jobs[at]));
                    } else if best[at]
                        .as_ref()
                        .is_none_or(|best| frame.is_better_than(best))
                    {
                        best[at] = Some(frame);
                    }
                },
            )?;
            if !is_decoded {
                break;
            }
        }
        for (at, job) in jobs.iter().enumerate().filter(|&(at, _)| !is_done[at]) {
            if self.is_stalled() {
                break;
            }
            let result = match best[at].take() {
                Some(frame) => self.finish_poster(&frame, job),
                None => match self.decode_poster(job) {
                    Ok(frame) => self.finish_poster(&frame, job),
                    Err(ProbeError::Cancelled) => return Err(ProbeError::Cancelled),
                    Err(error) => Err(error),
                },
            };
            on_result(at, result);
        }
        Ok(())
    }

    /// Decodes keyframes of all jobs. Calls `on_frame` with the index of the job, the index of the
    /// keyframe and its time in seconds, and the frame.
    ///
    /// Returns false if the decoder failed. The caller then decodes missing frames one by one.
    fn decode_keyframes(
        &self,
        jobs: &[ThumbnailJob],
        kind: ThumbnailKind,
        keys_by_job: &[Vec<Keyframe>],
        on_frame: &mut dyn FnMut(usize, (usize, f64), Frame),
    ) -> Result<bool, ProbeError> {
        let files: Vec<(usize, FileKeyframes)> = jobs
            .iter()
            .zip(keys_by_job)
            .enumerate()
            .filter(|(_, (_, keys))| !keys.is_empty())
            .map(|(at, (job, keys))| {
                let file = FileKeyframes {
                    path: job.path.clone(),
                    read_limiter: job.read_limiter.clone(),
                    storage: job
                        .plan
                        .keyed
                        .as_ref()
                        .map_or(KeyframeStorage::Whole, |keyed| keyed.stored),
                    keys: keys.clone(),
                };
                (at, file)
            })
            .collect();
        let first = files.first().map(|&(at, _)| &jobs[at].plan);
        let Some((plan, keyed)) = first.and_then(|plan| Some((plan, plan.keyed.as_ref()?))) else {
            return Ok(true);
        };
        let raster = plan.raster(kind);
        let (job_indices, files): (Vec<usize>, Vec<FileKeyframes>) = files.into_iter().unzip();
        let mut on_decoded = |decoded: DecodedKeyframe| {
            let frame = Frame::new(decoded.pixels, raster);
            let key = (decoded.key, seconds(decoded.micros));
            on_frame(job_indices[decoded.file], key, frame);
        };
        let (tool, limits) = (&self.ffmpeg, &self.limits);
        let decoder = &keyed.decoder;
        let result = batch_decode::decode(decoder, raster, &files, tool, limits, &mut on_decoded);
        match self.count_timeouts(result) {
            Err(ProbeError::Temporary(_) | ProbeError::BadFile(_)) => Ok(false),
            result => result.map(|()| true),
        }
    }

    fn finish_poster(
        &self,
        frame: &Frame,
        job: &ThumbnailJob,
    ) -> Result<ThumbnailOutput, ProbeError> {
        let image = self.encode(frame)?;
        let mut next = Box::new(job.plan.clone());
        next.is_poor = !frame.is_presentable();
        if let Some(keyed) = &mut next.keyed {
            keyed.poster.clear();
        }
        Ok(ThumbnailOutput::Poster { image, next })
    }

    fn encode(&self, frame: &Frame) -> Result<Vec<u8>, ProbeError> {
        image::encode(&frame.rgb, (frame.width, frame.height), self.format)
    }

    /// Decodes the poster of a file that ffmpeg opens itself.
    fn decode_poster(&self, job: &ThumbnailJob) -> Result<Frame, ProbeError> {
        let _permit = job.read_limiter.acquire();
        let mut best: Option<Frame> = None;
        let mut first_error = None;
        for (input, position) in poster_positions(job) {
            match self.decode_position(&input, position, &job.plan.poster) {
                Ok(frame) if frame.is_presentable() => return Ok(frame),
                Ok(frame) => {
                    if best.as_ref().is_none_or(|best| frame.is_better_than(best)) {
                        best = Some(frame);
                    }
                }
                Err(ProbeError::BadFile(reason)) => {
                    first_error.get_or_insert(reason);
                }
                Err(error) => return Err(error),
            }
        }
        best.ok_or_else(|| ProbeError::BadFile(first_error.unwrap_or_default()))
    }

    /// Decodes one frame. If that fails with the header alone, tries again and lets ffmpeg analyse
    /// the streams.
    fn decode_position(
        &self,
        input: &Input,
        position: SeekPosition,
        raster: &Raster,
    ) -> Result<Frame, ProbeError> {
        let decode = |input: &Input| {
            self.count_timeouts(single_decode::decode_frame(
                input,
                position,
                raster,
                &self.ffmpeg,
                &self.limits,
            ))
        };
        let pixels = match decode(input) {
            Err(ProbeError::BadFile(_)) if input.is_described => decode(&Input {
                is_described: false,
                ..input.clone()
            }),
            decoded => decoded,
        };
        Ok(Frame::new(pixels?, raster))
    }

    fn make_strips(
        &self,
        jobs: &[ThumbnailJob],
        on_result: &mut dyn FnMut(usize, Result<ThumbnailOutput, ProbeError>),
    ) -> Result<(), ProbeError> {
        let keys_by_job: Vec<Vec<Keyframe>> = jobs
            .iter()
            .map(|job| {
                job.plan
                    .keyed
                    .as_ref()
                    .map_or_else(Vec::new, |keyed| keyed.strip.clone())
            })
            .collect();
        let mut strips: Vec<StripFrames> = vec![StripFrames::default(); jobs.len()];
        let mut done = 0;
        self.decode_keyframes(
            jobs,
            ThumbnailKind::Strip,
            &keys_by_job,
            &mut |at, (key, second), frame| {
                // Frames are decoded in the order of the jobs, so the strips of all earlier jobs
                // are complete.
                for earlier in done..at {
                    self.finish_strip(&jobs[earlier], &mut strips[earlier], earlier, on_result);
                }
                done = done.max(at);
                strips[at].frames.push((second, frame));
                strips[at].keys.extend(keys_by_job[at].get(key));
            },
        )?;
        for at in done..jobs.len() {
            if self.is_stalled() {
                break;
            }
            if self.limits.cancel.is_cancelled() {
                return Err(ProbeError::Cancelled);
            }
            self.finish_strip(&jobs[at], &mut strips[at], at, on_result);
        }
        Ok(())
    }

    fn finish_strip(
        &self,
        job: &ThumbnailJob,
        pending: &mut StripFrames,
        at: usize,
        on_result: &mut dyn FnMut(usize, Result<ThumbnailOutput, ProbeError>),
    ) {
        let StripFrames { mut frames, keys } = std::mem::take(pending);
        if frames.is_empty() {
            match self.decode_strip(job) {
                Ok(decoded) => frames = decoded,
                Err(error) => return on_result(at, Err(error)),
            }
        }
        let poster = self.better_poster(job, &frames, &keys);
        let strip = image::arrange_strip(&frames).map(|(rgb, size, index)| {
            image::encode(&rgb, size, self.format).map(|image| (image, index))
        });
        on_result(
            at,
            strip
                .transpose()
                .map(|strip| ThumbnailOutput::Strip { strip, poster }),
        );
    }

    /// Decodes the filmstrip of a file that ffmpeg opens itself. All positions are decoded in one
    /// run, or in one run each if that fails.
    fn decode_strip(&self, job: &ThumbnailJob) -> Result<Vec<(f64, Frame)>, ProbeError> {
        let positions = strip_positions(job);
        if positions.is_empty() {
            return Ok(Vec::new());
        }
        let _permit = job.read_limiter.acquire();
        let raster = &job.plan.tile;
        let second = |position: &SeekPosition| match *position {
            SeekPosition::KeyframeBefore(second) | SeekPosition::Exact(second) => second,
            SeekPosition::FrameNumber(number) => f64::from(number),
        };
        match self.count_timeouts(single_decode::decode_frames(
            &positions,
            raster,
            &self.ffmpeg,
            &self.limits,
        )) {
            Ok(pictures) => Ok(positions
                .iter()
                .zip(pictures)
                .map(|((_, position), pixels)| (second(position), Frame::new(pixels, raster)))
                .collect()),
            Err(ProbeError::BadFile(reason)) => {
                let mut frames = Vec::new();
                for (input, position) in &positions {
                    match self.decode_position(input, *position, raster) {
                        Ok(frame) => frames.push((second(position), frame)),
                        Err(ProbeError::BadFile(_)) => {}
                        Err(error) => return Err(error),
                    }
                }
                if frames.is_empty() {
                    return Err(ProbeError::BadFile(reason));
                }
                Ok(frames)
            }
            Err(error) => Err(error),
        }
    }

    /// Creates a poster from the best filmstrip frame if the existing poster is not presentable.
    fn better_poster(
        &self,
        job: &ThumbnailJob,
        frames: &[(f64, Frame)],
        keys: &[Keyframe],
    ) -> Option<Vec<u8>> {
        if !job.plan.is_poor {
            return None;
        }
        let (at, (second, best)) = frames.iter().enumerate().reduce(|best, next| {
            if next.1.1.is_better_than(&best.1.1) {
                next
            } else {
                best
            }
        })?;
        if !best.is_presentable() {
            return None;
        }
        let mut better = None;
        if let Some(&key) = keys.get(at) {
            let jobs = std::slice::from_ref(job);
            let on_frame = &mut |_, _, frame| better = Some(frame);
            self.decode_keyframes(jobs, ThumbnailKind::Poster, &[vec![key]], on_frame)
                .ok()?;
        } else if job.frames.is_empty() {
            let position = SeekPosition::KeyframeBefore(*second);
            better = self
                .decode_position(&input(job), position, &job.plan.poster)
                .ok();
        }
        self.encode(&better?).ok()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a duration")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
