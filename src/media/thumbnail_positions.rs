//! Positions at which ffmpeg decodes frames for thumbnails in files that it opens itself.

use super::single_decode::{Input, SeekPosition};
use super::thumbnail_plan::ThumbnailJob;

/// Returns the file that ffmpeg opens for a job.
pub(super) fn input(job: &ThumbnailJob) -> Input {
    Input {
        path: job.path.clone(),
        is_described: job.plan.is_described,
    }
}

/// Returns the positions to try for a poster. Those away from both ends of the clip come first.
pub(super) fn poster_positions(job: &ThumbnailJob) -> Vec<(Input, SeekPosition)> {
    if let [_, ..] = job.frames.as_slice() {
        let middle = job.frames.len() / 2;
        let still = |at: usize| (frame_input(job, at), SeekPosition::FrameNumber(0));
        return vec![still(middle), still(job.frames.len() / 4)];
    }
    let seconds = job.plan.seconds();
    let keyframe_at = |part: f64| SeekPosition::KeyframeBefore(seconds * part);
    let positions = match seconds {
        // The duration is unknown.
        ..0.001 => vec![
            SeekPosition::FrameNumber(0),
            SeekPosition::FrameNumber(30),
            SeekPosition::FrameNumber(75),
            SeekPosition::FrameNumber(5),
        ],
        // There are only a few frames, so the first one is used.
        ..0.2 => vec![SeekPosition::FrameNumber(0)],
        // The clip is short, so decoding up to an exact position is cheap.
        ..60.0 => vec![
            keyframe_at(0.35),
            keyframe_at(0.6),
            SeekPosition::Exact(seconds * 0.5),
            SeekPosition::Exact(seconds * 0.85),
            SeekPosition::FrameNumber(0),
        ],
        _ => vec![
            keyframe_at(0.35),
            keyframe_at(0.6),
            keyframe_at(0.85),
            SeekPosition::FrameNumber(0),
        ],
    };
    let input = input(job);
    positions
        .into_iter()
        .map(|position| (input.clone(), position))
        .collect()
}

/// Returns evenly spaced positions for a filmstrip; empty if the duration is unknown.
pub(super) fn strip_positions(job: &ThumbnailJob) -> Vec<(Input, SeekPosition)> {
    let count = job.plan.strip;
    let length = job.frames.len();
    if length > 0 {
        let count = count.min(length);
        return (0..count)
            .map(|number| (number * 2 + 1) * length / (count * 2))
            .map(|at| (frame_input(job, at), SeekPosition::FrameNumber(0)))
            .collect();
    }
    let seconds = job.plan.seconds();
    if seconds < 0.2 {
        return Vec::new();
    }
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let position = |number: usize| {
        SeekPosition::KeyframeBefore(seconds * (number as f64 + 0.5) / count as f64)
    };
    (0..count)
        .map(|number| (input(job), position(number)))
        .collect()
}

fn frame_input(job: &ThumbnailJob, at: usize) -> Input {
    Input {
        path: job.frames.get(at).unwrap_or(&job.path).clone(),
        is_described: false,
    }
}
