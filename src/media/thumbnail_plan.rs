//! Plans for posters and filmstrips, made when the header is read.
//!
//! A plan contains all data that decoding needs. It is stored, so each header is read only once, and
//! an interrupted scan resumes with the missing thumbnails.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::batch_decode;
use super::frame::Raster;
use super::keyframes::{Decoder, Keyframe, KeyframeStorage, Keyframes};
use super::single_decode;
use crate::clip::Clip;
use crate::source_file::ReadLimiter;

/// Version of the rules that choose and render posters. Increase it when they give other pictures:
/// later scans then create the existing posters again.
pub const POSTER_VERSION: u32 = 1;
/// Format version of stored plans.
const VERSION: u32 = 1;
/// Number of frames planned for a filmstrip if the current scan does not request filmstrips. A
/// later scan may do so.
const DEFAULT_STRIP: usize = 8;
/// Long side of a poster in pixels.
const POSTER_SIDE: u32 = 480;
/// Long side of a filmstrip frame in pixels.
const TILE_SIDE: u32 = 240;

/// Data for creating a clip's thumbnails, except the path of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThumbnailPlan {
    /// Format version. Plans of another version are ignored.
    version: u32,
    pub(super) poster: Raster,
    pub(super) tile: Raster,
    /// Keyframes that can be read directly; `None` if ffmpeg must open the file.
    pub(super) keyed: Option<PlannedKeyframes>,
    /// Duration in microseconds; 0 if unknown.
    micros: u64,
    /// True if the container's header is sufficient for seeking and decoding.
    pub(super) is_described: bool,
    /// Number of frames in the filmstrip.
    pub(super) strip: usize,
    /// True if the existing poster is not presentable.
    #[serde(default)]
    pub(super) is_poor: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlannedKeyframes {
    pub decoder: Decoder,
    #[serde(default)]
    pub stored: KeyframeStorage,
    pub poster: Vec<Keyframe>,
    pub strip: Vec<Keyframe>,
}

/// Kind of a thumbnail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThumbnailKind {
    /// Single frame of the clip.
    Poster,
    /// Several frames spread over the duration of the clip.
    Strip,
}

impl ThumbnailPlan {
    /// Plans the thumbnails of a clip with `strip` frames in the filmstrip. `None` if there is no
    /// video, or a camera raw format that ffmpeg cannot decode.
    #[must_use]
    pub fn new(clip: &Clip, keyframes: Option<&Keyframes>, strip: usize) -> Option<Self> {
        let strip = if strip == 0 { DEFAULT_STRIP } else { strip };
        let keyed = keyframes
            .filter(|frames| batch_decode::can_decode(&frames.decoder))
            .map(|frames| PlannedKeyframes {
                decoder: frames.decoder.clone(),
                stored: frames.stored,
                poster: frames.for_poster(),
                strip: frames.for_strip(strip),
            });
        let container = clip.container.as_ref().map(|fact| fact.value.as_str());
        let duration = clip.duration.as_ref().map(|fact| fact.value);
        Some(Self {
            version: VERSION,
            poster: Raster::new(clip, POSTER_SIDE)?,
            tile: Raster::new(clip, TILE_SIDE)?,
            keyed,
            micros: duration.map_or(0, crate::value::Duration::as_micros),
            is_described: single_decode::is_described(container),
            strip,
            is_poor: false,
        })
    }

    /// Parses a stored plan. `None` if it is damaged or has another version.
    #[must_use]
    pub fn from_json(json: &str) -> Option<Self> {
        let plan: Self = serde_json::from_str(json).ok()?;
        (plan.version == VERSION).then_some(plan)
    }

    /// Returns a hash that is equal for plans that one ffmpeg process can decode together. `None`
    /// if ffmpeg must open the file itself.
    #[must_use]
    pub fn recipe(&self, kind: ThumbnailKind) -> Option<u64> {
        let keyed = self.keyed.as_ref()?;
        let recipe = serde_json::to_vec(&(&keyed.decoder, self.raster(kind))).ok()?;
        Some(xxh3_64(&recipe))
    }

    pub(super) fn raster(&self, kind: ThumbnailKind) -> &Raster {
        match kind {
            ThumbnailKind::Poster => &self.poster,
            ThumbnailKind::Strip => &self.tile,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a duration")]
    pub(super) fn seconds(&self) -> f64 {
        self.micros as f64 / 1e6
    }
}

/// Request to create the thumbnails of a clip.
#[derive(Debug, Clone)]
pub struct ThumbnailJob {
    /// Path of a file of the clip.
    pub path: PathBuf,
    /// Paths of the frames of an image sequence; empty for other clips.
    pub frames: Vec<PathBuf>,
    /// Limit on concurrent reads from the drive.
    pub read_limiter: ReadLimiter,
    /// Plan of the thumbnails.
    pub plan: ThumbnailPlan,
}
