//! The keyframes of a clip's picture, and which of them to look at.
//!
//! A header reader that knows where each frame is fills this; the harvest reads those bytes
//! alone, however large the file is.

use serde::{Deserialize, Serialize};

/// What a decoder must be told before the first frame; equal ones share one decoder.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Decoder {
    /// Codec by ffmpeg's name.
    pub codec: String,
    /// Four characters by which `QuickTime` knows it.
    pub kind: [u8; 4],
    /// Its configuration: `avcC`, `hvcC`, `av1C`, or nothing.
    pub configuration: Vec<u8>,
    /// Coded size as the container has it, in pixels.
    pub width: u32,
    /// See `width`.
    pub height: u32,
}

/// One keyframe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Where it is in the file.
    pub offset: u64,
    /// How long it is there.
    pub bytes: u32,
    /// When it is shown, in microseconds since the clip's begin.
    pub micros: u64,
}

/// How a keyframe lies in its file, and is taken out before it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Stored {
    /// As the decoder takes it.
    #[default]
    Whole,
    /// H.264 or HEVC units after start codes (Annex B), where the configuration counts lengths.
    StartCodes,
    /// Somewhere in packets of an MPEG transport stream, H.264 after start codes: a key's
    /// range is one that it begins in, and its time an estimate.
    Transport {
        /// Which packets are the picture's.
        pid: u16,
        /// Bytes from one packet to the next: 188, or 192 with a time before each.
        packet: u8,
        /// When the film begins, in ticks of 90 kHz, of 33 bits.
        begin: u64,
    },
    /// Among the items of an MXF edit unit; H.264 after start codes.
    Element {
        /// What the key of its item ends in.
        track: [u8; 4],
    },
    /// In a block of a Matroska cluster: the stretch begins with the cluster, or up to seven
    /// bytes before the block.
    Cluster {
        /// The picture's track by its number.
        track: u64,
        /// Nanoseconds of a unit of time.
        scale: u64,
        /// The clip's begin in those units.
        begin: u64,
    },
}

/// The keyframes of a clip: all, or of very many an even choice, in the order of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyframes {
    /// What decodes them.
    pub decoder: Decoder,
    /// How they are stored.
    pub stored: Stored,
    /// Where they are.
    pub keys: Vec<Key>,
}

/// Keys that a reader keeps of a clip.
const MOST_KEYS: u64 = 64;
/// Bytes of a keyframe that are read: an 8K ProRes 4444 frame has 30 MB.
pub(super) const MOST_KEY: u32 = 64 * 1024 * 1024;
/// Other places that are tried when the first is black or flat.
const RETRIES: usize = 3;

impl Keyframes {
    /// The keys for a poster, the likeliest first, at most one and three more.
    ///
    /// Near a third of the way, neither the first nor the last, and of those none that is
    /// much smaller than most: black and flat frames code to almost nothing.
    #[must_use]
    pub fn for_poster(&self) -> Vec<Key> {
        let inner = match self.keys.as_slice() {
            [_, inner @ .., _] if !inner.is_empty() => inner,
            all => all,
        };
        let wanted = self.at(0.35);
        let distance = |key: &Key| key.micros.abs_diff(wanted);
        let (from, to) = (self.at(0.2), self.at(0.65));
        let middle: Vec<Key> = inner
            .iter()
            .filter(|key| (from..=to).contains(&key.micros))
            .copied()
            .collect();
        let middle = if middle.is_empty() { inner } else { &middle };
        let mut sizes: Vec<u32> = middle.iter().map(|key| key.bytes).collect();
        sizes.sort_unstable();
        let usual = sizes.get(sizes.len() / 2).copied().unwrap_or(0);
        let first = middle
            .iter()
            .filter(|key| key.bytes >= usual / 2)
            .min_by_key(|key| distance(key));
        let mut chosen: Vec<Key> = first.copied().into_iter().collect();
        for part in [0.6, 0.85, 0.15, 0.0] {
            let time = self.at(part);
            let next = self
                .keys
                .iter()
                .filter(|key| !chosen.contains(key))
                .min_by_key(|key| key.micros.abs_diff(time));
            chosen.extend(next.filter(|_| chosen.len() <= RETRIES));
        }
        chosen
    }

    /// `count` keys spread evenly over the clip, each once, in the order of time.
    #[must_use]
    pub fn for_strip(&self, count: usize) -> Vec<Key> {
        let mut chosen: Vec<Key> = Vec::new();
        for number in 0..count {
            #[expect(clippy::cast_precision_loss, reason = "a few dozen")]
            let time = self.at((number as f64 + 0.5) / count as f64);
            let last = chosen.last().map(|key| key.micros);
            let nearest = self
                .keys
                .iter()
                .filter(|key| last.is_none_or(|last| key.micros > last))
                .min_by_key(|key| key.micros.abs_diff(time));
            chosen.extend(nearest);
        }
        if matches!(self.stored, Stored::Transport { .. }) {
            keep_apart(&mut chosen);
        }
        chosen
    }

    /// The time of a part of the way from the first key to the last.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of a time is a time"
    )]
    fn at(&self, part: f64) -> u64 {
        let first = self.keys.first().map_or(0, |key| key.micros);
        let last = self.keys.last().map_or(0, |key| key.micros);
        first + (last.saturating_sub(first) as f64 * part) as u64
    }
}

/// Lets each key be looked for only up to where the next one is.
fn keep_apart(keys: &mut [Key]) {
    for at in 1..keys.len() {
        let room = keys[at].offset.saturating_sub(keys[at - 1].offset);
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        keys[at - 1].bytes = keys[at - 1].bytes.min(room);
    }
}

/// All numbers below `count`, or [`MOST_KEYS`] of them, first and last included.
pub(super) fn evenly(count: u64) -> impl Iterator<Item = u64> {
    let most = count.min(MOST_KEYS);
    (0..most).map(move |at| {
        if count <= MOST_KEYS {
            at
        } else {
            // In 128 bits: a hostile count may be as large as it likes.
            let place = u128::from(at) * u128::from(count - 1) / u128::from(MOST_KEYS - 1);
            u64::try_from(place).unwrap_or(u64::MAX)
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
            stored: Stored::Whole,
            keys: (0..)
                .zip(sizes)
                .map(|(second, &bytes)| Key {
                    offset: second,
                    bytes,
                    micros: second * 1_000_000,
                })
                .collect(),
        }
    }

    fn seconds(keys: &[Key]) -> Vec<u64> {
        keys.iter().map(|key| key.micros / 1_000_000).collect()
    }

    #[test]
    fn the_poster_is_a_third_of_the_way_in_and_no_tiny_frame() {
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
    fn a_strip_is_spread_evenly_and_shows_no_frame_twice() {
        assert_eq!(seconds(&keyframes(&[9; 11]).for_strip(5)), [1, 3, 5, 7, 9]);
        assert_eq!(seconds(&keyframes(&[9; 3]).for_strip(8)), [0, 1, 2]);
        assert!(keyframes(&[9; 3]).for_strip(0).is_empty());
    }
}
