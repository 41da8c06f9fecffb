//! The harvest: keyframes of many clips, decoded by one ffmpeg.
//!
//! Starting ffmpeg costs more than decoding a picture, and letting it open a file costs
//! more still. So the bytes of chosen keyframes are read here and fed, numbered, through
//! one pipe to one process for all clips of the same configuration.

mod matroska;
mod units;

use std::io::{self, Write};
use std::path::PathBuf;

use ffmpeg_sidecar::command::FfmpegCommand;

use super::frame::Raster;
use super::keyframes::{Decoder, Key};
use super::process::{self, Limits};
use super::{Tool, Unread};
use crate::original::{Gate, Original};

use matroska::Numbered;

/// The keys of one file that are to be decoded.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub path: PathBuf,
    pub gate: Gate,
    pub keys: Vec<Key>,
}

/// One picture of the harvest.
#[derive(Debug)]
pub(super) struct Picked {
    /// Which row it belongs to,
    pub row: usize,
    /// and which of its keys.
    pub key: usize,
    pub pixels: Vec<u8>,
}

/// Whether frames of this configuration can be fed to ffmpeg.
pub(super) fn can_decode(decoder: &Decoder) -> bool {
    matroska::codec(decoder).is_some()
}

/// Decodes keys of files of one configuration, giving each picture as it comes.
///
/// A key that cannot be read or does not decode is simply not given.
///
/// # Errors
/// When ffmpeg cannot be run, hangs, or the run is cancelled.
pub(super) fn harvest(
    decoder: &Decoder,
    raster: &Raster,
    rows: Vec<Row>,
    tool: &Tool,
    limits: &Limits,
    take: &mut dyn FnMut(Picked),
) -> Result<(), Unread> {
    let Some((name, private)) = matroska::codec(decoder) else {
        return Ok(());
    };
    // Numbers count the keys of all rows.
    let places: Vec<(usize, usize)> = rows
        .iter()
        .enumerate()
        .flat_map(|(row, wanted)| (0..wanted.keys.len()).map(move |key| (row, key)))
        .collect();
    let mut command = FfmpegCommand::new_with_path(&tool.path);
    let command = command.as_inner_mut();
    command
        .args(["-hide_banner", "-v", "error", "-threads", "1"])
        .args(["-nofind_stream_info", "-f", "matroska", "-i", "pipe:0"])
        // A stream of variable rate comes out as it went in: no frame is dropped or doubled.
        .args(["-map", "0:v:0"])
        .args(["-filter_threads", "1", "-vf"])
        .arg(raster.filter())
        .args(["-c:v", "rawvideo", "-pix_fmt", raster.pixel_format()])
        .args(["-allow_raw_vfw", "1", "-f", "matroska", "pipe:1"]);
    let bytes = raster.bytes();
    let decoder = decoder.clone();
    let feed = move |into: &mut dyn Write| {
        matroska::begin(into, &decoder, (name, &private))?;
        let mut feeder = Feeder {
            into,
            decoder: &decoder,
            number: 0,
        };
        rows.iter().try_for_each(|row| feeder.row(row))
    };
    let parse = move |from: &mut dyn io::Read, give: &mut dyn FnMut(Numbered) -> bool| {
        matroska::pictures(from, bytes, give)
    };
    let mut is_taken = vec![false; places.len()];
    process::converse(command, limits, feed, parse, &mut |picture: Numbered| {
        let at = usize::try_from(picture.number).unwrap_or(usize::MAX);
        let Some((&(row, key), is_taken)) = places.get(at).zip(is_taken.get_mut(at)) else {
            return;
        };
        // Two fields that came as two pictures: the first is as good.
        if !std::mem::replace(is_taken, true) {
            let pixels = picture.pixels;
            take(Picked { row, key, pixels });
        }
    })
}

/// The end of the pipe where frames go in.
struct Feeder<'a> {
    into: &'a mut dyn Write,
    decoder: &'a Decoder,
    /// Keys so far.
    number: u64,
}

impl Feeder<'_> {
    fn row(&mut self, row: &Row) -> io::Result<()> {
        let original = {
            let _pass = row.gate.pass();
            Original::open(&row.path)
        };
        for &key in &row.keys {
            let number = self.number;
            self.number += 1;
            let frame = original.as_ref().ok().and_then(|file| read(row, file, key));
            // What cannot be read or opened does not come back, and is tried another way.
            if let Some(frame) = frame.and_then(|frame| units::opened(self.decoder, frame)) {
                matroska::frame(self.into, number, &frame)?;
            }
        }
        Ok(())
    }
}

fn read(row: &Row, original: &Original, key: Key) -> Option<Vec<u8>> {
    let _pass = row.gate.pass();
    original.read(key.offset, key.bytes as usize).ok()
}

#[cfg(test)]
mod tests;
