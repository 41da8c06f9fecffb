//! What a media file says of itself: facts through ffprobe, a poster through ffmpeg.
//!
//! Everything that starts a process stands here.

mod facts;
mod ffprobe;
mod header;
mod pixel_format;
mod poster;
mod process;
mod raw;
mod tool;
mod written;

pub use poster::{Poster, poster};
pub use process::{Cancel, Limits, kill_all};
pub use tool::{Tool, Tools};

use std::path::Path;

use crate::clip::Clip;
use crate::error::Error;

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

/// Reads the facts of one file (of an image sequence, its first frame), whose first bytes
/// are `head`.
///
/// # Errors
/// When the tool cannot make sense of it, or finds no streams.
pub fn probe(path: &Path, head: &[u8], tools: &Tools, limits: &Limits) -> Result<Clip, Unread> {
    if let Some(clip) = raw::read(head) {
        return Ok(clip);
    }
    let answer = ffprobe::run(path, &tools.ffprobe, limits)?;
    facts::of(&answer).ok_or_else(|| Unread::Fault("it holds no streams".to_owned()))
}
