//! Keyframe positions of a video track, and the selection of keyframes for posters and filmstrips.
//!
//! A header reader that can locate frames returns these types. `batch_decode` then reads only the
//! bytes of the keyframes, even from a large file.

use serde::{Deserialize, Serialize};

/// Configuration that a decoder needs before the first frame. Clips with equal configurations
/// share one decoder.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Decoder {
    /// Codec name in ffmpeg.
    pub codec: String,
    /// Four-character code of the codec in `QuickTime`.
    pub kind: [u8; 4],
    /// Contents of `avcC`, `hvcC` or `av1C`; empty for codecs without one.
    pub configuration: Vec<u8>,
    /// Coded width in pixels, as the container stores it.
    pub width: u32,
    /// Coded height in pixels, as the container stores it.
    pub height: u32,
}

/// Position and time of a keyframe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keyframe {
    /// Byte offset in the file.
    pub offset: u64,
    /// Size in bytes.
    pub bytes: u32,
    /// Presentation time in microseconds from the start of the clip.
    pub micros: u64,
}

/// Form in which keyframes are stored in the file. It is converted before decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum KeyframeStorage {
    /// Exactly the bytes that the decoder accepts.
    #[default]
    Whole,
    /// H.264 or HEVC units separated by start codes (Annex B), although the configuration requires
    /// length prefixes.
    StartCodes,
    /// Packets of an MPEG transport stream with H.264 separated by start codes. A keyframe begins
    /// somewhere within its byte range, and its time is an estimate.
    Transport {
        /// PID of the video packets.
        pid: u16,
        /// Distance between packets in bytes: 188, or 192 with a timestamp before each packet.
        packet: u8,
        /// Start time of the recording as a 33-bit count of 90 kHz ticks.
        begin: u64,
    },
    /// Item of an MXF edit unit. H.264 and HEVC units are separated by start codes.
    Element {
        /// Track number: the last four bytes of the item's key.
        track: [u8; 4],
    },
    /// Block of a Matroska cluster. The byte range begins at the cluster, or up to seven bytes
    /// before the block.
    Cluster {
        /// Number of the video track.
        track: u64,
        /// Nanoseconds per unit of time.
        scale: u64,
        /// Start time of the clip in units of `scale`.
        begin: u64,
    },
}

/// Keyframes of a clip, or an evenly spaced selection of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyframes {
    /// Configuration of the decoder.
    pub decoder: Decoder,
    /// Form in which all keyframes are stored in the file.
    pub stored: KeyframeStorage,
    /// Positions and times of the keyframes, in time order.
    pub keys: Vec<Keyframe>,
}

/// Maximum number of keyframes stored per clip.
const MAX_KEYFRAMES: u64 = 64;
/// Maximum size of a keyframe in bytes. An 8K `ProRes` 4444 frame has 30 MB.
pub(super) const MAX_KEYFRAME_BYTES: u32 = 64 * 1024 * 1024;
/// Maximum number of further keyframes to try if the first is black or of a single colour.
const RETRY_COUNT: usize = 3;

impl Keyframes {
    /// Returns up to four keyframes to try for the poster, the most promising first.
    ///
    /// The first choice is close to a third of the duration, and is not the first or last keyframe.
    /// Keyframes much smaller than the median are skipped, since black and single-colour frames
    /// compress to almost nothing.
    #[must_use]
    pub fn for_poster(&self) -> Vec<Keyframe> {
        let inner = match self.keys.as_slice() {
            [_, inner @ .., _] if !inner.is_empty() => inner,
            all => all,
        };
        let target = self.time_at(0.35);
        let distance = |key: &Keyframe| key.micros.abs_diff(target);
        let (from, to) = (self.time_at(0.2), self.time_at(0.65));
        let middle: Vec<Keyframe> = inner
            .iter()
            .filter(|key| (from..=to).contains(&key.micros))
            .copied()
            .collect();
        let middle = if middle.is_empty() { inner } else { &middle };
        let mut sizes: Vec<u32> = middle.iter().map(|key| key.bytes).collect();
        sizes.sort_unstable();
        let median = sizes.get(sizes.len() / 2).copied().unwrap_or(0);
        let first = middle
            .iter()
            .filter(|key| key.bytes >= median / 2)
            .min_by_key(|key| distance(key));
        let mut chosen: Vec<Keyframe> = first.copied().into_iter().collect();
        for part in [0.6, 0.85, 0.15, 0.0] {
            let time = self.time_at(part);
            let next = self
                .keys
                .iter()
                .filter(|key| !chosen.contains(key))
                .min_by_key(|key| key.micros.abs_diff(time));
            chosen.extend(next.filter(|_| chosen.len() <= RETRY_COUNT));
        }
        chosen
    }

    /// Returns up to `count` distinct keyframes that are spread evenly over the clip, in time
    /// order.
    #[must_use]
    pub fn for_strip(&self, count: usize) -> Vec<Keyframe> {
        let mut chosen: Vec<Keyframe> = Vec::new();
        for number in 0..count {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let time = self.time_at((number as f64 + 0.5) / count as f64);
            let last = chosen.last().map(|key| key.micros);
            let nearest = self
                .keys
                .iter()
                .filter(|key| last.is_none_or(|last| key.micros > last))
                .min_by_key(|key| key.micros.abs_diff(time));
            chosen.extend(nearest);
        }
        if matches!(self.stored, KeyframeStorage::Transport { .. }) {
            remove_overlaps(&mut chosen);
        }
        chosen
    }

    /// Returns the time in microseconds at a fraction of the way from the first keyframe (0) to the
    /// last (1).
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a fraction of a valid time is a valid time"
    )]
    fn time_at(&self, part: f64) -> u64 {
        let first = self.keys.first().map_or(0, |key| key.micros);
        let last = self.keys.last().map_or(0, |key| key.micros);
        first + (last.saturating_sub(first) as f64 * part) as u64
    }
}

/// Shortens each search range so that it ends where the next one begins.
fn remove_overlaps(keys: &mut [Keyframe]) {
    for at in 1..keys.len() {
        let room = keys[at].offset.saturating_sub(keys[at - 1].offset);
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        keys[at - 1].bytes = keys[at - 1].bytes.min(room);
    }
}

/// Iterates over the numbers below `count`. If there are more than [`MAX_KEYFRAMES`], iterates over
/// that many evenly spaced ones, including the first and the last.
pub(super) fn evenly_spaced(count: u64) -> impl Iterator<Item = u64> {
    let count_returned = count.min(MAX_KEYFRAMES);
    (0..count_returned).map(move |at| {
        if count <= MAX_KEYFRAMES {
            at
        } else {
            // Computed with 128 bits, since a malicious file may store any count.
            let number = u128::from(at) * u128::from(count - 1) / u128::from(MAX_KEYFRAMES - 1);
            u64::try_from(number).unwrap_or(u64::MAX)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyframes(sizes: &[u32]) -> Keyframes {
        Keyframes {
            decoder: Decoder {
                codec: "h264".to_owned(),
                kind: *b"avc1",
                configuration: Vec::new(),
                width: 16,
                height: 16,
            },
            stored: KeyframeStorage::Whole,
            keys: (0..)
                .zip(sizes)
                .map(|(second, &bytes)| Keyframe {
                    offset: second,
                    bytes,
                    micros: second * 1_000_000,
                })
                .collect(),
        }
    }

    fn seconds(keys: &[Keyframe]) -> Vec<u64> {
        keys.iter().map(|key| key.micros / 1_000_000).collect()
    }

    #[test]
    fn chooses_the_poster_at_a_third_of_the_clip_and_skips_small_frames() {
        let even = keyframes(&[9; 11]);
        assert_eq!(seconds(&even.for_poster()), [3, 6, 8, 1]);
        let black = keyframes(&[9, 9, 9, 1, 1, 9, 9, 9, 9, 9, 9]);
        assert_eq!(seconds(&black.for_poster())[0], 2);
        assert_eq!(seconds(&keyframes(&[9]).for_poster()), [0]);
        assert_eq!(seconds(&keyframes(&[9, 9]).for_poster()), [0, 1]);
        assert_eq!(seconds(&keyframes(&[9, 9, 9]).for_poster()), [1, 2, 0]);
        assert!(keyframes(&[]).for_poster().is_empty());
    }

    #[test]
    fn spreads_a_strip_evenly_without_repeating_a_frame() {
        assert_eq!(seconds(&keyframes(&[9; 11]).for_strip(5)), [1, 3, 5, 7, 9]);
        assert_eq!(seconds(&keyframes(&[9; 3]).for_strip(8)), [0, 1, 2]);
        assert!(keyframes(&[9; 3]).for_strip(0).is_empty());
    }
}
