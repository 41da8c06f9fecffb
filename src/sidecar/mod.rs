//! What stands beside a clip: Sony's XML, DJI's telemetry, XMP, what is said in it.
//!
//! Each reader takes a bounded part of its file and gives the facts it is sure of.

mod dji;
mod sony;
mod transcript;
pub mod xmp;

use std::io::{self, Read};
use std::path::Path;

use crate::clip::Clip;
use crate::source_file;

/// No camera's sidecar has a longer head; what comes after is not read.
const MOST: u64 = 2 * 1024 * 1024;

/// Reads the sidecar at `path` of the file at `original`: facts, none where it is of no known kind or another file's.
///
/// # Errors
/// When it cannot be opened or read.
pub fn read(path: &Path, original: &Path) -> io::Result<Clip> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    // One byte more than it may have tells that it is too long.
    let most = match extension.to_str() {
        Some("xml" | "srt" | "vtt" | "txt") => MOST,
        Some("xmp") => xmp::MOST + 1,
        _ => return Ok(Clip::default()),
    };
    let mut bytes = Vec::new();
    source_file::open(path)?
        .take(most)
        .read_to_end(&mut bytes)?;
    Ok(match extension.to_str() {
        Some("xml") => sony::read(&String::from_utf8_lossy(&bytes)),
        Some("srt") => subtitles(&bytes),
        Some("xmp") => xmp::read(&bytes, original),
        _ => transcript::read(&String::from_utf8_lossy(&bytes)),
    })
}

/// Reads which extension the XMP sidecar at `path` says that it is for, if it says so and can be read.
#[must_use]
pub fn declared_extension(path: &Path) -> Option<String> {
    // A link or a pipe in its place is not followed.
    if !path
        .symlink_metadata()
        .is_ok_and(|metadata| metadata.is_file())
    {
        return None;
    }
    let mut bytes = Vec::new();
    let file = source_file::open(path).ok()?;
    file.take(xmp::MOST + 1).read_to_end(&mut bytes).ok()?;
    xmp::Packet::read(&bytes).ok()?.for_extension
}

/// DJI's telemetry, or what is said.
fn subtitles(bytes: &[u8]) -> Clip {
    let text = String::from_utf8_lossy(bytes);
    if dji::is_telemetry(&text) {
        dji::read(&text)
    } else {
        transcript::read(&text)
    }
}
