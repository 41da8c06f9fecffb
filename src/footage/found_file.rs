//! Files found on a drive: clips, image sequences and their companions.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::clip::FrameRun;

/// Role of a file in its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Clip, sound, or image sequence.
    Media,
    /// Smaller copy written by the camera.
    Proxy,
    /// Still picture written by the camera.
    Thumbnail,
    /// Metadata written by the camera or another program.
    Sidecar,
    /// Unknown until the content is read.
    Unsure,
}

/// Clip or companion found by a walk.
#[derive(Debug, Clone)]
pub struct FoundFile {
    /// File name; of the first frame for an image sequence.
    pub name: OsString,
    /// Size in bytes; total of all frames.
    pub bytes: u64,
    /// Modification time, nanoseconds since 1970 UTC; of the newest frame.
    pub modified: i64,
    /// Change time (ctime), nanoseconds since 1970 UTC, if the system reports it; of the newest
    /// frame.
    pub changed: Option<i64>,
    /// Inode number, if the system reports it; `None` for an image sequence.
    pub inode: Option<i64>,
    /// Role in its folder.
    pub role: Role,
    /// Original of a companion.
    pub original: Option<PathBuf>,
    /// Frames of an image sequence.
    pub frames: Option<FrameRun>,
}
