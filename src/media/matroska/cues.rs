//! Keyframes by the cues (RFC 9559, 5.1.5), which say in which cluster each begins.
//!
//! How long a frame is stands before the frame itself. So a key here is a stretch of the file
//! that most likely holds it all; whoever reads that finds the frame in it.

use super::ebml::{self, elements};
use super::id;
use crate::media::keyframes::{Key, MOST_KEY, evenly};

/// Up to so many bytes into its cluster a frame is looked for from the cluster's begin on.
const NEAR: u64 = 4096;
/// Bytes of a cluster's name and the shortest size.
const SHORTEST_CLUSTER_HEAD: u64 = 5;
/// Bytes around a frame: its cluster's head and time, some sound, its block's head.
const AROUND: u64 = 16 * 1024;
/// Bytes of a stretch at least, if the file has them.
const LEAST: u64 = 64 * 1024;
/// Bytes of a stretch at most.
const MOST: u64 = 512 * 1024;

/// One cue for the track that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cue {
    time: u64,
    /// Where its cluster begins in the file.
    cluster: u64,
    /// Where its block is in the cluster's content, if that is told.
    relative: Option<u64>,
}

/// What keys are counted by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// Where the segment's content begins.
    pub segment: u64,
    /// Bytes of the file.
    pub end: u64,
    /// Nanoseconds of a unit of time.
    pub nanoseconds: u64,
    /// The first time of all, in those units.
    pub begin: u64,
    /// Bytes of the first keyframe.
    pub first_length: u64,
}

/// Stretches that hold keyframes of a track, in the order of time.
pub(super) fn keys(body: &[u8], track: u64, scale: &Scale) -> Vec<Key> {
    let mut cues = cues(body, track, scale);
    cues.sort_by_key(|cue| cue.time);
    cues.dedup_by_key(|cue| cue.time);
    // Of those that do not say where in its cluster a block is, the first is near its begin.
    cues.dedup_by(|next, cue| next.relative.is_none() && next.cluster == cue.cluster);
    let chosen = evenly(cues.len() as u64).filter_map(|at| {
        let at = usize::try_from(at).ok()?;
        let cue = cues.get(at)?;
        let next = cues.get(at + 1).map(|next| next.cluster);
        cue.key(next, scale)
    });
    let mut keys: Vec<Key> = chosen.collect();
    keys.dedup_by_key(|key| key.micros);
    keys
}

/// All cues of a track, as far as they are whole.
fn cues(body: &[u8], track: u64, scale: &Scale) -> Vec<Cue> {
    let mut cues = Vec::new();
    let mut rest = body;
    while let Some((point, after)) = ebml::first(rest) {
        rest = after;
        if point.id == id::CUE_POINT {
            cues.extend(cue(point.body, track, scale));
        }
    }
    cues
}

fn cue(body: &[u8], track: u64, scale: &Scale) -> Option<Cue> {
    let (mut time, mut place) = (None, None);
    for element in elements(body)? {
        match element.id {
            id::CUE_TIME => time = element.unsigned(),
            id::CUE_TRACK_POSITIONS => place = place.or(position(element.body, track)),
            _ => {}
        }
    }
    let (cluster, relative) = place?;
    let cluster = scale.segment.checked_add(cluster)?;
    Some(Cue {
        time: time?,
        cluster,
        relative,
    })
    .filter(|cue| cue.cluster < scale.end)
}

/// Cluster, and place in its content, of a track's position.
fn position(body: &[u8], track: u64) -> Option<(u64, Option<u64>)> {
    let (mut number, mut cluster, mut relative) = (None, None, None);
    for element in elements(body)? {
        match element.id {
            id::CUE_TRACK => number = element.unsigned(),
            id::CUE_CLUSTER_POSITION => cluster = element.unsigned(),
            id::CUE_RELATIVE_POSITION => relative = element.unsigned(),
            _ => {}
        }
    }
    (number? == track).then_some((cluster?, relative))
}

impl Cue {
    /// The stretch that holds the frame; `next` is the cluster of the following one.
    fn key(&self, next: Option<u64>, scale: &Scale) -> Option<Key> {
        let far = self.relative.filter(|&relative| relative > NEAR);
        let offset = match far {
            Some(relative) => self
                .cluster
                .checked_add(SHORTEST_CLUSTER_HEAD)?
                .checked_add(relative)?,
            None => self.cluster,
        };
        let there = scale.end.checked_sub(offset)?;
        // The frame ends before the next one's cluster begins.
        let room = next
            .and_then(|next| next.checked_sub(offset))
            .filter(|&room| room > 0);
        let likely = scale.first_length.saturating_mul(2).saturating_add(AROUND);
        let bytes = likely
            .clamp(LEAST, MOST.max(scale.first_length.min(MOST_KEY.into())))
            .min(room.unwrap_or(u64::MAX))
            .min(there);
        let units = u128::from(self.time.saturating_sub(scale.begin));
        let micros = units * u128::from(scale.nanoseconds) / 1000;
        Some(Key {
            offset,
            bytes: u32::try_from(bytes).ok().filter(|&bytes| bytes > 0)?,
            micros: u64::try_from(micros).ok()?,
        })
    }
}

/// When a block is shown that a key of that time stands for, in the segment's units.
///
/// Several units may come to one microsecond; the least is given, since files whose units are
/// finer than that leave room between their frames.
pub(in crate::media) fn units(micros: u64, nanoseconds: u64, begin: u64) -> Option<u64> {
    let nanos = u128::from(micros) * 1000;
    let units = nanos.div_ceil(u128::from(nanoseconds.max(1)));
    begin.checked_add(u64::try_from(units).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: Scale = Scale {
        segment: 100,
        end: 10_000_000,
        nanoseconds: 1_000_000,
        begin: 40,
        first_length: 50_000,
    };

    fn point(time: u16, track: u8, cluster: u32, relative: Option<u16>) -> Vec<u8> {
        let mut place = [&[0xf7, 0x81, track, 0xf1, 0x84][..], &cluster.to_be_bytes()].concat();
        if let Some(relative) = relative {
            place.extend([0xf0, 0x82]);
            place.extend(relative.to_be_bytes());
        }
        let place_size = u8::try_from(place.len()).unwrap() | 0x80;
        let [high, low] = time.to_be_bytes();
        let body = [&[0xb3, 0x82, high, low, 0xb7, place_size][..], &place].concat();
        let size = u8::try_from(body.len()).unwrap() | 0x80;
        [&[0xbb, size][..], &body].concat()
    }

    #[test]
    fn a_key_is_a_stretch_from_where_a_cue_leads() {
        let body = [
            point(40, 1, 1000, None),
            point(40, 2, 1000, None),
            point(1040, 1, 1000, None),
            point(2040, 1, 31_000, Some(20)),
            point(4040, 1, 900_000, Some(60_000)),
            point(6040, 1, 90_000_000, None),
        ]
        .concat();
        let keys = |body: &[u8]| -> Vec<(u64, u32, u64)> {
            let keys = keys(body, 1, &SCALE);
            keys.iter()
                .map(|key| (key.offset, key.bytes, key.micros))
                .collect()
        };
        let all = [
            (1100, 30_000, 0),
            (31_100, 116_384, 2_000_000),
            (960_105, 116_384, 4_000_000),
        ];
        assert_eq!(keys(&body), all);
        // As far as they are whole.
        assert_eq!(
            keys(&body[..40]),
            all[..1]
                .iter()
                .map(|key| (key.0, 116_384, key.2))
                .collect::<Vec<_>>()
        );
        assert!(keys(b"\xbb\xff\xff").is_empty());
    }

    #[test]
    fn a_time_is_found_again_in_the_units_it_was_written_in() {
        for nanoseconds in [1_000_000, 1_000_001, 20_833, 1000, 999_999] {
            for units_since in [0, 1, 41, 1_000_003] {
                let micros = units_since * nanoseconds / 1000;
                assert_eq!(units(micros, nanoseconds, 7), Some(7 + units_since));
            }
        }
    }
}
