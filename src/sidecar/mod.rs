//! Readers of sidecar files: Sony XML, DJI telemetry, XMP, subtitles and transcripts.
//!
//! Each reader reads a limited part of the file and returns only facts that it is sure of.

mod dji;
mod sony;
mod transcript;
pub mod xmp;

use std::io::{self, Read};
use std::path::Path;

use crate::clip::Clip;
use crate::source_file;

/// Maximum number of bytes read from a sidecar; the rest is ignored. No camera writes a longer
/// header.
const MAX_BYTES: u64 = 2 * 1024 * 1024;

/// Reads the sidecar at `path`, which belongs to the media file at `original`. Returns no facts for
/// an unknown kind of sidecar or one that belongs to another media file.
///
/// # Errors
/// Returns an error if the file cannot be opened or read.
pub fn read(path: &Path, original: &Path) -> io::Result<Clip> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    // One extra byte shows whether an XMP file exceeds the limit.
    let limit = match extension.to_str() {
        Some("xml" | "srt" | "vtt" | "txt") => MAX_BYTES,
        Some("xmp") => xmp::MAX_BYTES + 1,
        _ => return Ok(Clip::default()),
    };
    let mut bytes = Vec::new();
    source_file::open(path)?
        .take(limit)
        .read_to_end(&mut bytes)?;
    Ok(match extension.to_str() {
        Some("xml") => sony::read(&String::from_utf8_lossy(&bytes)),
        Some("srt") => subtitles(&bytes),
        Some("xmp") => xmp::read(&bytes, original),
        _ => transcript::read(&String::from_utf8_lossy(&bytes)),
    })
}

/// Returns the file extension that the XMP sidecar at `path` declares in `SidecarForExtension`;
/// `None` if it declares none or cannot be read.
#[must_use]
pub fn declared_extension(path: &Path) -> Option<String> {
    // Accepts only regular files, not links or pipes.
    if !path
        .symlink_metadata()
        .is_ok_and(|metadata| metadata.is_file())
    {
        return None;
    }
    let mut bytes = Vec::new();
    let file = source_file::open(path).ok()?;
    file.take(xmp::MAX_BYTES + 1).read_to_end(&mut bytes).ok()?;
    xmp::Packet::parse(&bytes).ok()?.for_extension
}

/// Parses an SRT file: DJI telemetry or a transcript.
fn subtitles(bytes: &[u8]) -> Clip {
    let text = String::from_utf8_lossy(bytes);
    if dji::is_telemetry(&text) {
        dji::read(&text)
    } else {
        transcript::read(&text)
    }
}
