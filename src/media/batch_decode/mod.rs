//! Batch decoding of keyframes from many clips with one ffmpeg process.
//!
//! Starting ffmpeg takes longer than decoding a frame, and letting it open a file takes longer
//! still. So the bytes of selected keyframes are read here and written, numbered, to the input
//! pipe of one process for all clips with the same decoder configuration.

mod extract;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod matroska_cluster;
mod matroska_pipe;
mod random_access;
mod transport_stream;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ffmpeg_sidecar::command::FfmpegCommand;

use super::frame::Raster;
use super::keyframes::{Decoder, Keyframe, KeyframeStorage};
use super::process::{self, ProcessLimits};
use super::{ProbeError, Tool};
use crate::source_file::{Original, ReadLimiter};

use matroska_pipe::NumberedPicture;

/// Bytes of decoded frames that one process may hold in memory.
const MAX_HELD: u64 = 256 * 1024 * 1024;

/// Keyframes of one file to decode.
#[derive(Debug, Clone)]
pub(super) struct FileKeyframes {
    pub path: PathBuf,
    pub gate: ReadLimiter,
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

/// Decodes keyframes of files with one configuration. Keyframes that cannot be read or decoded
/// are skipped without an error.
///
/// A decoder conceals damage with parts of the frame it decoded last, which belongs to another
/// clip. So if ffmpeg prints any error, all its frames are discarded and each half of the
/// keyframes is decoded again by a separate process, down to single keyframes.
///
/// # Errors
/// When ffmpeg cannot be run, hangs, or the run is cancelled.
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
        // Splits between clips if possible.
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
/// contents of the frame buffer there, which belong to another clip. So all frames of a process
/// are held in memory, and no buffer is used twice.
fn max_per_process(decoder: &Decoder) -> Option<usize> {
    if decoder.codec != "hevc" {
        return None;
    }
    // Four bytes per pixel: 4:2:2 with more than eight bits.
    let bytes = u64::from(decoder.width) * u64::from(decoder.height) * 4;
    let max = MAX_HELD / bytes.max(1);
    Some(usize::try_from(max).unwrap_or(usize::MAX).max(1))
}

/// Returns the ffmpeg filter for each frame.
fn filter(decoder: &Decoder, raster: &Raster) -> String {
    let filter = raster.filter();
    match max_per_process(decoder) {
        // The second branch holds every frame until the end and then discards it.
        Some(_) => format!("split[shown][kept];[kept]reverse,nullsink;[shown]{filter}"),
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
        // Output with a variable frame rate: no frame is dropped or duplicated.
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
    let write_input = move |into: &mut dyn Write| {
        matroska_pipe::write_header(into, &decoder, (name, &private))?;
        let mut number = 0;
        for file in &files {
            number = file.write_to(into, &decoder, number, &shared_times)?;
        }
        Ok(())
    };
    let parse_output =
        move |from: &mut dyn io::Read, on_decoded: &mut dyn FnMut(NumberedPicture) -> bool| {
            matroska_pipe::read_pictures(from, bytes, on_decoded)
        };
    let mut frames = Vec::with_capacity(indices.len());
    let mut is_received = vec![false; indices.len()];
    let error_output = process::run_streaming(
        command,
        limits,
        write_input,
        parse_output,
        &mut |picture: NumberedPicture| {
            // Numbers are indices of the keyframes.
            let at = usize::try_from(picture.number).unwrap_or(usize::MAX);
            let Some((index, is_received)) = indices.get(at).zip(is_received.get_mut(at)) else {
                return false;
            };
            // Two fields may be returned as two pictures; the first one suffices.
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

/// Groups a list of keyframes by file.
fn group_by_file(files: &[FileKeyframes], indices: &[KeyframeIndex]) -> Vec<FileKeyframes> {
    indices
        .chunk_by(|one, other| one.file == other.file)
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
    /// Writes the keyframes with consecutive numbers from `number`, stores the time of each in
    /// `times`, and returns the number after the last.
    fn write_to(
        &self,
        into: &mut dyn Write,
        decoder: &Decoder,
        number: u64,
        times: &[AtomicU64],
    ) -> io::Result<u64> {
        let opened = {
            let _permit = self.gate.acquire();
            Original::open(&self.path)
        };
        let mut number = number;
        for &key in &self.keys {
            let extracted = opened.as_ref().ok().and_then(|file| {
                extract::read(file, &self.gate, self.storage, decoder, key).ok()?
            });
            // A keyframe that cannot be read is missing in the output and is decoded another way.
            if let Some(extracted) = extracted
                && let Some(frame) = random_access::make_independent(decoder, extracted.bytes)
            {
                if let Some(time) = usize::try_from(number).ok().and_then(|at| times.get(at)) {
                    time.store(extracted.micros, Ordering::Relaxed);
                }
                matroska_pipe::write_frame(into, number, &frame)?;
            }
            number += 1;
        }
        Ok(number)
    }
}

#[cfg(test)]
mod tests;
