//! What cameras write beside a clip: Sony's XML, DJI's telemetry.
//!
//! Each reader takes a bounded part of its file and gives the facts it is sure of.

mod dji;
mod sony;

use std::io::{self, Read};
use std::path::Path;

use crate::clip::Clip;
use crate::original;

/// No sidecar's head is longer; what comes after is not read.
const MOST: u64 = 2 * 1024 * 1024;

/// Reads the sidecar at `path`: facts, none where it is of no known kind.
///
/// # Errors
/// When it cannot be opened or read.
pub fn read(path: &Path) -> io::Result<Clip> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let reader = match extension.to_str() {
        Some("xml") => sony::read,
        Some("srt") => dji::read,
        _ => return Ok(Clip::default()),
    };
    let mut bytes = Vec::new();
    original::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(reader(&String::from_utf8_lossy(&bytes)))
}
