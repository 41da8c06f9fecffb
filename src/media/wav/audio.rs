//! Contents of a WAVE file, whatever its kind.

use super::pcm::Pcm;
use crate::media::header::TagMap;
use crate::value::Timecode;

/// Maximum number of chunks read; recorders write about ten.
pub(super) const MAX_CHUNKS: usize = 256;

/// Combined contents of a file's chunks.
pub(super) struct WavAudio {
    pub pcm: Pcm,
    /// Byte position of the first sample.
    pub start: u64,
    /// Samples per channel; `None` if the header does not store it.
    pub samples: Option<u64>,
    /// Start timecode that follows from iXML.
    pub timecode: Option<Timecode>,
    pub tags: TagMap,
}
