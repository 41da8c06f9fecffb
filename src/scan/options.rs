//! Options of a scan, with their defaults.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::footage::WalkOptions;
use crate::media::{HeaderReaders, ThumbnailFormat};
use crate::volume::Drive;

/// Maximum number of clips with facts of an older version that one scan reads again.
const REFRESH_LIMIT: usize = 5000;
/// Default number of pictures in a strip.
const STRIP: usize = 8;

/// Paths to scan, and options.
#[expect(clippy::struct_excessive_bools, reason = "the options are independent")]
#[derive(Debug, Clone)]
pub struct ScanRequest {
    /// Folders or files to scan.
    pub paths: Vec<PathBuf>,
    /// Folder of the catalogue.
    pub catalogue: PathBuf,
    /// Options of the walk, such as links and exclusions.
    pub walk: WalkOptions,
    /// Number of CPU cores to use: files read and pictures decoded at the same time.
    pub jobs: usize,
    /// Readers per device; `None` chooses by the kind of device.
    pub readers: Option<usize>,
    /// Built-in header readers, or ffprobe for every file.
    pub headers: HeaderReaders,
    /// Number of pictures in a strip; 0 disables strips.
    pub strip: usize,
    /// True to create posters and strips; otherwise a later scan creates them.
    pub pictures: bool,
    /// Image format of posters and strips.
    pub thumbs: ThumbnailFormat,
    /// Time limit for one run of ffprobe or ffmpeg, which is then killed.
    pub deadline: Duration,
    /// True to mark files as missing even if more than half of the known clips are missing.
    pub accept_missing: bool,
    /// True to compute the fingerprints of all files again, including unchanged ones.
    pub recheck: bool,
    /// True to read the facts of all known files again, even if they are current.
    pub refresh: bool,
    /// Maximum number of clips with facts of an older version that are read again; 0 leaves facts
    /// and tags of older versions unchanged.
    pub refresh_limit: usize,
    /// True to write a marker file to volumes without a uuid.
    pub mark_volume: bool,
    /// Token that interrupts the scan.
    pub cancel: Cancel,
}

impl ScanRequest {
    /// Returns the default options for a scan into the catalogue in this folder.
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
            refresh: false,
            refresh_limit: REFRESH_LIMIT,
            mark_volume: false,
            cancel: Cancel::default(),
        }
    }

    /// Returns the request with the option to read all known facts again, without a limit.
    #[must_use]
    pub fn refreshing_all(self) -> Self {
        Self {
            refresh: true,
            refresh_limit: usize::MAX,
            ..self
        }
    }

    /// Returns the number of threads that may read from a device at the same time.
    pub(super) fn readers_for(&self, drive: &Drive) -> usize {
        self.readers
            .unwrap_or_else(|| drive.kind.readers(self.jobs))
    }
}
