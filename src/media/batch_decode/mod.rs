//! The harvest: keyframes of many clips, decoded by one ffmpeg.
//!
//! Starting ffmpeg costs more than decoding a picture, and letting it open a file costs
//! more still. So the bytes of chosen keyframes are read here and fed, numbered, through
//! one pipe to one process for all clips of the same configuration.

mod clusters;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod matroska;
mod packed;
mod transport;
mod units;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ffmpeg_sidecar::command::FfmpegCommand;

use super::frame::Raster;
use super::keyframes::{Decoder, Key, Stored};
use super::process::{self, Limits};
use super::{Tool, Unread};
use crate::source_file::{Gate, Original};

use matroska::Numbered;

/// Bytes of decoded pictures that one run may keep.
const KEPT: u64 = 256 * 1024 * 1024;

/// The keys of one file that are to be decoded.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub path: PathBuf,
    pub gate: Gate,
    pub stored: Stored,
    pub keys: Vec<Key>,
}

/// One picture of the harvest.
#[derive(Debug)]
pub(super) struct Picked {
    /// Which row it belongs to,
    pub row: usize,
    /// and which of its keys.
    pub key: usize,
    /// When it is shown, in microseconds since the clip's begin.
    pub micros: u64,
    pub pixels: Vec<u8>,
}

/// Whether frames of this configuration can be fed to ffmpeg.
pub(super) fn can_decode(decoder: &Decoder) -> bool {
    matroska::codec(decoder).is_some()
}

/// Decodes keys of files of one configuration. A key that cannot be read or does not decode
/// is simply not given.
///
/// A decoder fills what is damaged with what it decoded last, which was another clip. So when
/// it complains of anything, nothing it gave is believed, and each half is decoded anew by a
/// decoder of its own, down to a single key.
///
/// # Errors
/// When ffmpeg cannot be run, hangs, or the run is cancelled.
pub(super) fn harvest(
    decoder: &Decoder,
    raster: &Raster,
    rows: &[Row],
    tool: &Tool,
    limits: &Limits,
    give: &mut dyn FnMut(Picked),
) -> Result<(), Unread> {
    let all: Vec<Place> = rows
        .iter()
        .enumerate()
        .flat_map(|(row, wanted)| (0..wanted.keys.len()).map(move |key| Place { row, key }))
        .collect();
    let mut waiting: Vec<Vec<Place>> = match most_at_once(decoder) {
        Some(most) => all.chunks(most).rev().map(<[Place]>::to_vec).collect(),
        None => vec![all],
    };
    while let Some(mut places) = waiting.pop() {
        let (picked, complaint) = session(decoder, raster, rows, &places, tool, limits)?;
        if complaint.trim().is_empty() || places.len() < 2 {
            picked.into_iter().for_each(&mut *give);
            continue;
        }
        // Between clips, where that can be.
        let middle = places.len() / 2;
        let middle = match places
            .iter()
            .position(|place| place.row == places[middle].row)
        {
            Some(begin) if begin > 0 => begin,
            _ => middle,
        };
        let second = places.split_off(middle);
        waiting.push(second);
        waiting.push(places);
    }
    Ok(())
}

/// Keys that one run may decode, where it must keep all of their pictures.
///
/// ffmpeg's HEVC decoder says nothing of a picture of which parts are missing: there it leaves
/// what its memory held before, which was another clip's. So its memory is never used twice.
fn most_at_once(decoder: &Decoder) -> Option<usize> {
    if decoder.codec != "hevc" {
        return None;
    }
    // Four bytes a pixel: 4:2:2 with more than eight bits.
    let bytes = u64::from(decoder.width) * u64::from(decoder.height) * 4;
    let most = KEPT / bytes.max(1);
    Some(usize::try_from(most).unwrap_or(usize::MAX).max(1))
}

/// What is done to each picture.
fn filter(decoder: &Decoder, raster: &Raster) -> String {
    let filter = raster.filter();
    match most_at_once(decoder) {
        // Held back to the end, and then thrown away.
        Some(_) => format!("split[shown][kept];[kept]reverse,nullsink;[shown]{filter}"),
        None => filter,
    }
}

/// A key by its row and its number there.
#[derive(Debug, Clone, Copy)]
struct Place {
    row: usize,
    key: usize,
}

/// One run of ffmpeg: what it gave, and what it complained of.
fn session(
    decoder: &Decoder,
    raster: &Raster,
    rows: &[Row],
    places: &[Place],
    tool: &Tool,
    limits: &Limits,
) -> Result<(Vec<Picked>, String), Unread> {
    let Some((name, private)) = matroska::codec(decoder) else {
        return Ok((Vec::new(), String::new()));
    };
    let mut command = FfmpegCommand::new_with_path(&tool.path);
    let command = command.as_inner_mut();
    command
        .args(["-hide_banner", "-v", "error", "-threads", "1"])
        .args(["-nofind_stream_info", "-f", "matroska", "-i", "pipe:0"])
        // A stream of variable rate comes out as it went in: no frame is dropped or doubled.
        .args(["-map", "0:v:0"])
        .args(["-filter_threads", "1", "-vf", &filter(decoder, raster)])
        .args(["-c:v", "rawvideo", "-pix_fmt", raster.pixel_format()])
        .args(["-allow_raw_vfw", "1", "-write_crc32", "0"])
        .args(["-f", "matroska", "pipe:1"]);
    let bytes = raster.bytes();
    let decoder = decoder.clone();
    let errands = errands(rows, places);
    let times: Arc<[AtomicU64]> = places.iter().map(|_| AtomicU64::new(0)).collect();
    let noted = Arc::clone(&times);
    let feed = move |into: &mut dyn Write| {
        matroska::begin(into, &decoder, (name, &private))?;
        let mut number = 0;
        for errand in &errands {
            number = errand.feed(into, &decoder, number, &noted)?;
        }
        Ok(())
    };
    let parse = move |from: &mut dyn io::Read, give: &mut dyn FnMut(Numbered) -> bool| {
        matroska::pictures(from, bytes, give)
    };
    let mut picked = Vec::with_capacity(places.len());
    let mut is_taken = vec![false; places.len()];
    let complaint = process::converse(command, limits, feed, parse, &mut |picture: Numbered| {
        // Numbers count the keys.
        let at = usize::try_from(picture.number).unwrap_or(usize::MAX);
        let Some((place, is_taken)) = places.get(at).zip(is_taken.get_mut(at)) else {
            return false;
        };
        // Two fields that came as two pictures: the first is as good.
        let is_new = !std::mem::replace(is_taken, true);
        if is_new {
            picked.push(Picked {
                row: place.row,
                key: place.key,
                micros: times[at].load(Ordering::Relaxed),
                pixels: picture.pixels,
            });
        }
        is_new
    })?;
    Ok((picked, complaint))
}

/// Keys that are read from one file.
struct Errand {
    row: Row,
}

/// The keys of a list of places, file by file.
fn errands(rows: &[Row], places: &[Place]) -> Vec<Errand> {
    places
        .chunk_by(|one, other| one.row == other.row)
        .map(|group| Errand {
            row: Row {
                keys: group
                    .iter()
                    .map(|place| rows[place.row].keys[place.key])
                    .collect(),
                ..rows[group[0].row].clone()
            },
        })
        .collect()
}

impl Errand {
    /// Feeds the keys under numbers from `number` on, and notes when each is shown; gives the
    /// number after the last.
    fn feed(
        &self,
        into: &mut dyn Write,
        decoder: &Decoder,
        number: u64,
        times: &[AtomicU64],
    ) -> io::Result<u64> {
        let row = &self.row;
        let original = {
            let _pass = row.gate.pass();
            Original::open(&row.path)
        };
        let mut number = number;
        for &key in &row.keys {
            let taken = original
                .as_ref()
                .ok()
                .and_then(|file| packed::read(file, &row.gate, row.stored, decoder, key).ok()?);
            // What cannot be read or opened does not come back, and is tried another way.
            if let Some(taken) = taken
                && let Some(frame) = units::opened(decoder, taken.bytes)
            {
                if let Some(time) = usize::try_from(number).ok().and_then(|at| times.get(at)) {
                    time.store(taken.micros, Ordering::Relaxed);
                }
                matroska::frame(into, number, &frame)?;
            }
            number += 1;
        }
        Ok(number)
    }
}

#[cfg(test)]
mod tests;
