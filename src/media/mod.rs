//! Facts from the headers of media files, and thumbnails decoded by ffmpeg.
//!
//! Built-in readers parse the headers of common formats, and ffprobe reads all others. Only this
//! module starts ffmpeg and ffprobe.

mod avi;
mod batch_decode;
mod bitstream;
mod camera_raw;
mod colour;
mod cursor;
mod embedded_tags;
mod ffprobe;
mod ffprobe_json;
mod frame;
mod header;
mod header_facts;
mod image;
mod keyframes;
mod matroska;
mod mp4;
mod mpegts;
mod mxf;
mod optional_read;
mod parent_death;
mod picture;
mod pixel_format;
mod probe_error;
mod process;
mod ratio;
mod reader;
mod single_decode;
mod thumbnail_plan;
mod thumbnail_positions;
mod thumbnails;
mod tone_mapping;
mod tool;
mod tool_messages;
mod wav;

#[cfg(feature = "fuzzing")]
pub use batch_decode::fuzzing;
pub use image::{StripIndex, ThumbnailFormat};
pub use keyframes::Keyframes;
pub use parent_death::exec_with_parent_death_signal;
pub use picture::decode_picture;
pub use probe_error::ProbeError;
pub use process::{ProcessLimits, kill_all, processes_started};
pub use reader::HeaderReader;
pub use thumbnail_plan::{POSTER_VERSION, ThumbnailJob, ThumbnailKind, ThumbnailPlan};
pub use thumbnails::{ThumbnailMaker, ThumbnailOutput};
pub use tool::{Tool, Tools};
pub use tool_messages::{explain_problem, problem_hint};

use std::path::Path;

use header::ParsedFile;

use crate::clip::{Clip, Fact, Source};
use crate::source_file::Original;

/// Header readers to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HeaderReaders {
    /// Built-in readers, and ffprobe for files that they do not fully support.
    #[default]
    Builtin,
    /// Only ffprobe, which is the reference.
    Ffprobe,
}

/// Facts and keyframes read from a header.
#[derive(Debug)]
pub struct ProbeResult {
    /// Facts of the clip.
    pub facts: Clip,
    /// Keyframe positions; `None` if the reader cannot locate them.
    pub keyframes: Option<Keyframes>,
    /// Reader that produced the facts.
    pub reader: HeaderReader,
}

/// Number of bytes read at the start of a file, unless the caller already read them.
const HEAD_BYTES: usize = 64 * 1024;

/// Reads a header with the built-in readers. `None` if none of them supports the file.
///
/// # Errors
/// Returns an error if the file cannot be read. An unsupported or malformed file is not an error.
pub fn read_header(original: &mut Original) -> std::io::Result<Option<ProbeResult>> {
    if original.beginning().is_empty() {
        let length =
            usize::try_from(original.size()).map_or(HEAD_BYTES, |size| size.min(HEAD_BYTES));
        let head = original.read(0, length)?;
        original.store(0, head);
    }
    if let Some(facts) = camera_raw::read(original.beginning()) {
        return Ok(Some(probe_result(facts, None, HeaderReader::CameraRaw)));
    }
    let (reader, file) = if let Some(header) = wav::read(original)? {
        let keyframes = None;
        (HeaderReader::Wave, ParsedFile { header, keyframes })
    } else if let Some(file) = avi::read(original)? {
        (HeaderReader::Avi, file)
    } else if let Some(file) = matroska::read(original)? {
        (HeaderReader::Matroska, file)
    } else if let Some(file) = mxf::read(original)? {
        (HeaderReader::Mxf, file)
    } else if let Some(file) = mpegts::read(original)? {
        (HeaderReader::TransportStream, file)
    } else if let Some(file) = mp4::read(original)? {
        (HeaderReader::IsoMedia, file)
    } else {
        return Ok(None);
    };
    Ok(header_facts::from_header(&file.header)
        .map(|facts| probe_result(facts, file.keyframes, reader)))
}

/// Reads a header with ffprobe.
///
/// # Errors
/// Returns [`ProbeError::BadFile`] if ffprobe cannot parse the file or finds no streams.
pub fn probe_with_ffprobe(
    path: &Path,
    tools: &Tools,
    limits: &ProcessLimits,
) -> Result<ProbeResult, ProbeError> {
    let header = ffprobe::run(path, &tools.ffprobe, limits)?;
    let facts = header_facts::from_header(&header)
        .ok_or_else(|| ProbeError::BadFile("no streams".to_owned()))?;
    let version = tools.ffprobe.version().map_err(ProbeError::Fatal)?;
    let mut result = probe_result(facts, None, HeaderReader::Ffprobe);
    result.facts.reader = Some(Fact::new(version.to_owned(), Source::DISK));
    Ok(result)
}

fn probe_result(
    mut facts: Clip,
    keyframes: Option<Keyframes>,
    reader: HeaderReader,
) -> ProbeResult {
    facts.reader = Some(Fact::new(reader.name().to_owned(), Source::DISK));
    ProbeResult {
        facts,
        keyframes,
        reader,
    }
}

#[cfg(test)]
mod tests;
