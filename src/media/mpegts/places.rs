//! Where to look for the keyframes of a stream that says nowhere where they are.
//!
//! Nothing is read for it: a place is a part of the way through the file, and when its key is
//! shown is estimated by that. The harvest finds the key, and its time.

use super::picture::Picture;
use crate::media::keyframes::{Decoder, Keyframe, KeyframeStorage, Keyframes, evenly_spaced};

/// Bytes after a place in which a key is looked for: cameras begin one after half a second,
/// which are 2 MB, live streams after ten.
const REACH: u64 = 8 * 1024 * 1024;
/// Places that are given.
const PLACES: u64 = 64;

/// What is known of the file.
pub(super) struct Film {
    /// In bytes.
    pub size: u64,
    /// Bytes from one packet to the next.
    pub stride: usize,
    pub pid: u16,
    /// When it begins, in ticks of 90 kHz,
    pub begin: u64,
    /// and how long its picture runs.
    pub micros: u64,
}

/// The places of a film's keyframes; `None` for one without any.
pub(super) fn keyframes(film: &Film, picture: &Picture) -> Option<Keyframes> {
    let (width, height) = picture.size()?;
    let stride = film.stride as u64;
    let packets = film.size.checked_div(stride)?;
    let key = |place: u64| {
        let part = |of: u64| {
            let part = u128::from(of) * u128::from(place) / u128::from(PLACES);
            u64::try_from(part).unwrap_or(of)
        };
        let offset = part(packets) * stride;
        Keyframe {
            offset,
            bytes: u32::try_from(REACH.min(film.size - offset)).unwrap_or(u32::MAX),
            micros: part(film.micros),
        }
    };
    let mut keys: Vec<Keyframe> = evenly_spaced(PLACES).map(key).collect();
    keys.dedup_by_key(|key| key.offset);
    keys.dedup_by_key(|key| key.micros);
    (!keys.is_empty()).then_some(Keyframes {
        decoder: Decoder {
            codec: "h264".to_owned(),
            kind: *b"avc1",
            configuration: picture.configuration.clone(),
            width,
            height,
        },
        stored: KeyframeStorage::Transport {
            pid: film.pid,
            packet: u8::try_from(film.stride).ok()?,
            begin: film.begin,
        },
        keys,
    })
}
