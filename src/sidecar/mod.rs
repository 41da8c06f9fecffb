//! Readers of sidecar files: Sony XML, DJI telemetry, XMP, subtitles and transcripts.
//!
//! Each reader reads a bounded part of the file and returns only facts it is sure of.

mod dji;
mod sony;
mod transcript;
pub mod xmp;

use std::io::{self, Read};
use std::path::Path;

use crate::clip::Clip;
use crate::source_file;

/// Bytes read of a sidecar. No camera writes a longer header, and the rest is ignored.
const MAX_BYTES: u64 = 2 * 1024 * 1024;

/// Reads the sidecar at `path` of the media file at `original`. Returns no facts for an unknown
/// kind of file or one that belongs to another media file.
///
/// # Errors
/// If the file cannot be opened or read.
pub fn read(path: &Path, original: &Path) -> io::Result<Clip> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    // One byte more than the limit shows that the file is too long.
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
    // Links and pipes are not followed.
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
