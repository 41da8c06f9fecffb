//! Batch decoding of keyframes of many clips by one ffmpeg process.
//!
//! Starting ffmpeg takes longer than decoding a frame, and opening a file with it takes even
//! longer. This module therefore reads the selected keyframes itself. It writes them, with numbers,
//! to the input pipe of one process for all clips with the same decoder configuration.

mod extract;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod make_decodable;
mod matroska_cluster;
mod matroska_pipe;
mod transport_stream;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ffmpeg_sidecar::command::FfmpegCommand;

use super::frame::Raster;
use super::keyframes::{Decoder, Keyframe, KeyframeStorage};
use super::probe_error::ProbeError;
use super::process::{self, ProcessLimits};
use super::tool::Tool;
use crate::source_file::{Original, ReadLimiter};

use matroska_pipe::NumberedPicture;

/// Maximum number of bytes of decoded frames that one process holds in memory.
const MAX_HELD_BYTES: u64 = 256 * 1024 * 1024;

/// Keyframes of one file to decode.
#[derive(Debug, Clone)]
pub(super) struct FileKeyframes {
    pub path: PathBuf,
    pub read_limiter: ReadLimiter,
    pub storage: KeyframeStorage,
    pub keys: Vec<Keyframe>,
}

/// Decoded keyframe with its position in the request.
#[derive(Debug)]
pub(super) struct DecodedKeyframe {
    /// Index of the file in the list passed to [`decode`].
    pub file: usize,
    /// Index of the keyframe in its file's list.
    pub key: usize,
    /// Presentation time in microseconds from the start of the clip.
    pub micros: u64,
    pub pixels: Vec<u8>,
}

/// Returns true if frames of this configuration can be written to ffmpeg's input pipe.
pub(super) fn can_decode(decoder: &Decoder) -> bool {
    matroska_pipe::codec(decoder).is_some()
}

/// Decodes keyframes of files that have the same decoder configuration. Keyframes that cannot be
/// read or decoded are skipped without an error.
///
/// A decoder conceals damage with parts of the previous frame, which belongs to another clip. If
/// ffmpeg prints any error, all its frames are therefore discarded. Each half of the keyframes is
/// then decoded again by a separate process, down to single keyframes.
///
/// # Errors
/// Fails if ffmpeg cannot be run or does not finish in time, or if the run is cancelled.
pub(super) fn decode(
    decoder: &Decoder,
    raster: &Raster,
    files: &[FileKeyframes],
    tool: &Tool,
    limits: &ProcessLimits,
    on_decoded: &mut dyn FnMut(DecodedKeyframe),
) -> Result<(), ProbeError> {
    let all: Vec<KeyframeIndex> = files
        .iter()
        .enumerate()
        .flat_map(|(file, file_keys)| {
            (0..file_keys.keys.len()).map(move |key| KeyframeIndex { file, key })
        })
        .collect();
    let mut pending: Vec<Vec<KeyframeIndex>> = match max_per_process(decoder) {
        Some(max) => all
            .chunks(max)
            .rev()
            .map(<[KeyframeIndex]>::to_vec)
            .collect(),
        None => vec![all],
    };
    while let Some(mut indices) = pending.pop() {
        let (frames, error_output) = run_decoder(decoder, raster, files, &indices, tool, limits)?;
        if error_output.trim().is_empty() || indices.len() < 2 {
            frames.into_iter().for_each(&mut *on_decoded);
            continue;
        }
        // Split between two clips if possible.
        let middle = indices.len() / 2;
        let middle = match indices
            .iter()
            .position(|index| index.file == indices[middle].file)
        {
            Some(begin) if begin > 0 => begin,
            _ => middle,
        };
        let second = indices.split_off(middle);
        pending.push(second);
        pending.push(indices);
    }
    Ok(())
}

/// Returns the number of keyframes that one process may decode; `None` for no limit.
///
/// ffmpeg's HEVC decoder reports no error if parts of a picture are missing. It leaves the old
/// contents of the frame buffer there, which belong to another clip. All frames of a process are
/// therefore held in memory, so that no buffer is used twice.
fn max_per_process(decoder: &Decoder) -> Option<usize> {
    if decoder.codec != "hevc" {
        return None;
    }
    // Four bytes per pixel, as for 4:2:2 with more than eight bits.
    let bytes = u64::from(decoder.width) * u64::from(decoder.height) * 4;
    let max = MAX_HELD_BYTES / bytes.max(1);
    Some(usize::try_from(max).unwrap_or(usize::MAX).max(1))
}

/// Returns the ffmpeg filter for each frame.
fn filter(decoder: &Decoder, raster: &Raster) -> String {
    let filter = raster.filter();
    match max_per_process(decoder) {
        // The second branch holds every frame until the end and then discards it.
        Some(_) => format!("split[output][held];[held]reverse,nullsink;[output]{filter}"),
        None => filter,
    }
}

/// Index of a file and of a keyframe in that file's list.
#[derive(Debug, Clone, Copy)]
struct KeyframeIndex {
    file: usize,
    key: usize,
}

/// Runs ffmpeg once and returns the decoded frames and its error output.
fn run_decoder(
    decoder: &Decoder,
    raster: &Raster,
    files: &[FileKeyframes],
    indices: &[KeyframeIndex],
    tool: &Tool,
    limits: &ProcessLimits,
) -> Result<(Vec<DecodedKeyframe>, String), ProbeError> {
    let Some((name, private)) = matroska_pipe::codec(decoder) else {
        return Ok((Vec::new(), String::new()));
    };
    let mut command = FfmpegCommand::new_with_path(&tool.path);
    let command = command.as_inner_mut();
    command
        .args(["-hide_banner", "-v", "error", "-threads", "1"])
        .args(["-nofind_stream_info", "-f", "matroska", "-i", "pipe:0"])
        // The output has a variable frame rate, so no frame is dropped or duplicated.
        .args(["-map", "0:v:0"])
        .args(["-filter_threads", "1", "-vf", &filter(decoder, raster)])
        .args(["-c:v", "rawvideo", "-pix_fmt", raster.pixel_format()])
        .args(["-allow_raw_vfw", "1", "-write_crc32", "0"])
        .args(["-f", "matroska", "pipe:1"]);
    let bytes = raster.bytes();
    let decoder = decoder.clone();
    let files = group_by_file(files, indices);
    let times: Arc<[AtomicU64]> = indices.iter().map(|_| AtomicU64::new(0)).collect();
    let shared_times = Arc::clone(&times);
    let write_input = move |output: &mut dyn Write| {
        matroska_pipe::write_header(output, &decoder, (name, &private))?;
        let mut number = 0;
        for file in &files {
            number = file.write_to(output, &decoder, number, &shared_times)?;
        }
        Ok(())
    };
    let parse_output =
        move |input: &mut dyn io::Read, on_decoded: &mut dyn FnMut(NumberedPicture) -> bool| {
            matroska_pipe::read_pictures(input, bytes, on_decoded)
        };
    let mut frames = Vec::with_capacity(indices.len());
    let mut is_received = vec![false; indices.len()];
    let error_output = process::run_streaming(
        command,
        limits,
        write_input,
        parse_output,
        &mut |picture: NumberedPicture| {
            // The numbers are positions in `indices`.
            let at = usize::try_from(picture.number).unwrap_or(usize::MAX);
            let Some((index, is_received)) = indices.get(at).zip(is_received.get_mut(at)) else {
                return false;
            };
            // The two fields of a frame may be returned as two pictures. Only the first one is
            // used.
            let is_new = !std::mem::replace(is_received, true);
            if is_new {
                frames.push(DecodedKeyframe {
                    file: index.file,
                    key: index.key,
                    micros: times[at].load(Ordering::Relaxed),
                    pixels: picture.pixels,
                });
            }
            is_new
        },
    )?;
    Ok((frames, error_output))
}

/// Groups the keyframes by file.
fn group_by_file(files: &[FileKeyframes], indices: &[KeyframeIndex]) -> Vec<FileKeyframes> {
    indices
        .chunk_by(|index, next| index.file == next.file)
        .map(|group| FileKeyframes {
            keys: group
                .iter()
                .map(|index| files[index.file].keys[index.key])
                .collect(),
            ..files[group[0].file].clone()
        })
        .collect()
}

impl FileKeyframes {
    /// Writes the keyframes with consecutive numbers from `number` on, and stores the time of each
    /// in `times`. Returns the number after the last one.
    fn write_to(
        &self,
        output: &mut dyn Write,
        decoder: &Decoder,
        number: u64,
        times: &[AtomicU64],
    ) -> io::Result<u64> {
        let file = {
            let _permit = self.read_limiter.acquire();
            Original::open(&self.path)
        };
        let mut number = number;
        for &key in &self.keys {
            let extracted = file.as_ref().ok().and_then(|file| {
                extract::read(file, &self.read_limiter, self.storage, decoder, key).ok()?
            });
            // A keyframe that cannot be read is missing from the output. The caller decodes it in
            // another way.
            if let Some(extracted) = extracted
                && let Some(frame) = make_decodable::make_independent(decoder, extracted.bytes)
            {
                if let Some(time) = usize::try_from(number).ok().and_then(|at| times.get(at)) {
                    time.store(extracted.micros, Ordering::Relaxed);
                }
                matroska_pipe::write_frame(output, number, &frame)?;
            }
            number += 1;
        }
        Ok(number)
    }
}

#[cfg(test)]
mod tests;
