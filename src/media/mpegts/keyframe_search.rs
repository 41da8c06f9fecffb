//! Positions at which to search for keyframes, for streams without an index.
//!
//! Nothing is read here: positions are spread evenly over the file, and the presentation time of
//! each keyframe is estimated from its position. Frame extraction later finds the keyframe and its
//! exact time.

use super::video::TransportVideo;
use crate::media::keyframes::{Decoder, Keyframe, KeyframeStorage, Keyframes, evenly_spaced};

/// Bytes searched after a position. Cameras write a keyframe every half second (about 2 MB), live
/// streams every ten seconds.
const SEARCH_LENGTH: u64 = 8 * 1024 * 1024;
/// Number of search positions per file.
const POSITIONS: u64 = 64;

/// The part of a file to search.
pub(super) struct SearchRange {
    /// Size of the file in bytes.
    pub size: u64,
    /// Bytes from one packet to the next.
    pub stride: usize,
    pub pid: u16,
    /// Start of the file, in ticks of 90 kHz.
    pub begin: u64,
    /// Duration of the video in microseconds.
    pub micros: u64,
}

/// Returns the search positions; `None` for an empty file.
pub(super) fn keyframes(range: &SearchRange, video: &TransportVideo) -> Option<Keyframes> {
    let (width, height) = video.size()?;
    let stride = range.stride as u64;
    let packets = range.size.checked_div(stride)?;
    let key = |position: u64| {
        let part = |of: u64| {
            let part = u128::from(of) * u128::from(position) / u128::from(POSITIONS);
            u64::try_from(part).unwrap_or(of)
        };
        let offset = part(packets) * stride;
        Keyframe {
            offset,
            bytes: u32::try_from(SEARCH_LENGTH.min(range.size - offset)).unwrap_or(u32::MAX),
            micros: part(range.micros),
        }
    };
    let mut keys: Vec<Keyframe> = evenly_spaced(POSITIONS).map(key).collect();
    keys.dedup_by_key(|key| key.offset);
    keys.dedup_by_key(|key| key.micros);
    (!keys.is_empty()).then_some(Keyframes {
        decoder: Decoder {
            codec: "h264".to_owned(),
            kind: *b"avc1",
            configuration: video.configuration.clone(),
            width,
            height,
        },
        stored: KeyframeStorage::Transport {
            pid: range.pid,
            packet: u8::try_from(range.stride).ok()?,
            begin: range.begin,
        },
        keys,
    })
}
