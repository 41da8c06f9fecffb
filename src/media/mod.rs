//! What a media file says of itself: facts from its header, pictures through ffmpeg.
//!
//! Headers of the common kinds are read here; ffprobe is asked about the others. Everything
//! that starts a process stands here.

mod avi;
mod batch_decode;
mod bitstream;
mod cursor;
mod embedded;
mod facts;
mod ffprobe;
mod frame;
mod header;
mod image;
mod keyframes;
mod matroska;
mod mp4;
mod mpegts;
mod mxf;
mod parent_death;
mod pixel_format;
mod process;
mod ratio;
mod raw;
mod reader_io;
mod single_decode;
mod thumbnails;
mod tone_mapping;
mod tool;
mod wav;

#[cfg(feature = "fuzzing")]
pub use batch_decode::fuzzing;
pub use image::{StripIndex, Thumbs};
pub use keyframes::Keyframes;
pub use parent_death::take_the_step;
pub use process::{Cancel, Limits, kill_all, processes_started};
pub use thumbnails::{Made, Plan, Studio, Subject, Work};
pub use tool::{Tool, Tools};

use std::path::Path;

use header::Film;

use crate::clip::{Clip, Fact, Source};
use crate::error::Error;
use crate::source_file::Original;

/// Why one file gave no facts.
#[derive(Debug)]
pub enum Unread {
    /// The file is at fault; the reason is remembered until the file or the tool changes.
    Fault(String),
    /// It took too long, which may pass: the next scan tries again.
    Late(String),
    /// The run was interrupted; nothing is known.
    Cancelled,
    /// The tool itself cannot be run.
    Fatal(Error),
}

/// Who reads headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Headers {
    /// This program, as far as it fully understands them; ffprobe the rest.
    #[default]
    Own,
    /// ffprobe alone: the reference.
    Ffprobe,
}

/// What a header says.
#[derive(Debug)]
pub struct Told {
    /// The facts.
    pub facts: Clip,
    /// Where the keyframes are, if the reader knows.
    pub keyframes: Option<Keyframes>,
}

/// Bytes at a file's begin that are looked at, where nobody has read them yet.
const HEAD: usize = 64 * 1024;

/// Reads the header of an opened file; `None` when only ffprobe may know it.
///
/// # Errors
/// When the drive fails, not when the file is not understood.
pub fn read_header(original: &mut Original) -> std::io::Result<Option<Told>> {
    if original.beginning().is_empty() {
        let length = usize::try_from(original.size()).map_or(HEAD, |size| size.min(HEAD));
        let head = original.read(0, length)?;
        original.keep(0, head);
    }
    if let Some(facts) = raw::read(original.beginning()) {
        return Ok(Some(told(facts, None, "raw header")));
    }
    let (reader, film) = if let Some(header) = wav::read(original)? {
        let keyframes = None;
        ("wave header", Film { header, keyframes })
    } else if let Some(film) = avi::read(original)? {
        ("avi header", film)
    } else if let Some(film) = matroska::read(original)? {
        ("matroska header", film)
    } else if let Some(film) = mxf::read(original)? {
        ("mxf header", film)
    } else if let Some(film) = mpegts::read(original)? {
        ("transport header", film)
    } else if let Some(film) = mp4::read(original)? {
        ("iso header", film)
    } else {
        return Ok(None);
    };
    Ok(facts::of(&film.header).map(|facts| told(facts, film.keyframes, reader)))
}

/// Asks ffprobe about a file.
///
/// # Errors
/// When it cannot make sense of the file, or finds no streams.
pub fn ask_ffprobe(path: &Path, tools: &Tools, limits: &Limits) -> Result<Told, Unread> {
    let header = ffprobe::run(path, &tools.ffprobe, limits)?;
    let facts =
        facts::of(&header).ok_or_else(|| Unread::Fault("it holds no streams".to_owned()))?;
    let version = tools.ffprobe.version().map_err(Unread::Fatal)?;
    Ok(told(facts, None, version))
}

fn told(mut facts: Clip, keyframes: Option<Keyframes>, reader: &str) -> Told {
    facts.reader = Some(Fact::new(reader.to_owned(), Source::DISK));
    Told { facts, keyframes }
}

#[cfg(test)]
mod tests;
