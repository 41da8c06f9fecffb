//! What stands beside a clip: Sony's XML, DJI's telemetry, XMP, what is said in it.
//!
//! Each reader takes a bounded part of its file and gives the facts it is sure of.

mod dji;
mod sony;
mod spoken;
pub mod xmp;

use std::io::{self, Read};
use std::path::Path;

use crate::clip::Clip;
use crate::original;

/// No camera's sidecar has a longer head; what comes after is not read.
const MOST: u64 = 2 * 1024 * 1024;

/// Reads the sidecar at `path`: facts, none where it is of no known kind.
///
/// # Errors
/// When it cannot be opened or read.
pub fn read(path: &Path) -> io::Result<Clip> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let (reader, most): (fn(&[u8]) -> Clip, u64) = match extension.to_str() {
        Some("xml") => (|bytes| sony::read(&String::from_utf8_lossy(bytes)), MOST),
        Some("srt") => (subtitles, MOST),
        Some("vtt") => (|bytes| spoken::read(&String::from_utf8_lossy(bytes)), MOST),
        Some("txt") => (|bytes| spoken::read(&String::from_utf8_lossy(bytes)), MOST),
        // One byte more than it may have tells that it is too long.
        Some("xmp") => (xmp::read, xmp::MOST + 1),
        _ => return Ok(Clip::default()),
    };
    let mut bytes = Vec::new();
    original::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(reader(&bytes))
}

/// DJI's telemetry, or what is said.
fn subtitles(bytes: &[u8]) -> Clip {
    let text = String::from_utf8_lossy(bytes);
    if dji::is_telemetry(&text) {
        dji::read(&text)
    } else {
        spoken::read(&text)
    }
}
