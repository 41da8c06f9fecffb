//! What a scan is asked to do.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::footage::WalkOptions;

use crate::media::{Cancel, HeaderReaders, ThumbnailFormat};
use crate::volume::Drive;

/// Pictures in a clip's strip.
const STRIP: usize = 8;

/// What to scan, and how.
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of its own")]
#[derive(Debug, Clone)]
pub struct Request {
    /// Folders or files.
    pub paths: Vec<PathBuf>,
    /// Where the catalogue is.
    pub catalogue: PathBuf,
    /// How to walk.
    pub walk: WalkOptions,
    /// Processors to use: files probed and pictures decoded at a time.
    pub jobs: usize,
    /// Readers a device; `None`: as many as its kind bears.
    pub readers: Option<usize>,
    /// Who reads headers.
    pub headers: HeaderReaders,
    /// Pictures in a clip's strip; 0: none.
    pub strip: usize,
    /// Whether pictures are made at all; without, they wait for a later scan.
    pub pictures: bool,
    /// What pictures are written as.
    pub thumbs: ThumbnailFormat,
    /// After this, one run of ffprobe or ffmpeg is killed.
    pub deadline: Duration,
    /// Marks files as missing even when more than half of a folder's are gone.
    pub accept_missing: bool,
    /// Reads the fingerprint of every file again, changed or not.
    pub recheck: bool,
    /// Marks volumes that have nothing to be known again by.
    pub mark_volume: bool,
    /// Interrupts the scan.
    pub cancel: Cancel,
}

impl Request {
    /// What a scan into the catalogue in that folder is like when nobody says otherwise.
    #[must_use]
    pub fn new(catalogue: PathBuf) -> Self {
        Self {
            paths: Vec::new(),
            catalogue,
            walk: WalkOptions::default(),
            jobs: thread::available_parallelism().map_or(1, usize::from),
            readers: None,
            headers: HeaderReaders::Builtin,
            strip: STRIP,
            pictures: true,
            thumbs: ThumbnailFormat::Jpeg,
            deadline: Duration::from_secs(60),
            accept_missing: false,
            recheck: false,
            mark_volume: false,
            cancel: Cancel::default(),
        }
    }

    /// How many may read from a device at a time.
    pub(super) fn readers_of(&self, drive: &Drive) -> usize {
        self.readers
            .unwrap_or_else(|| drive.kind.readers(self.jobs))
    }
}
