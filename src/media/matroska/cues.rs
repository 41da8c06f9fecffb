//! Keyframe positions from the cues (RFC 9559, 5.1.5). A cue stores the position of the cluster
//! that contains a keyframe.
//!
//! The size of a frame is stored only directly before the frame. Each keyframe is therefore
//! described by a byte range that very likely contains it, and `batch_decode` finds the frame in
//! that range.

use super::ebml::{self, parse_elements};
use super::id;
use crate::media::keyframes::{Keyframe, MAX_KEYFRAME_BYTES, evenly_spaced};

/// Maximum offset in bytes of a frame in its cluster up to which its range starts with the cluster.
const NEAR_CLUSTER_START: u64 = 4096;
/// Length in bytes of a cluster's id and the shortest form of its size.
const MIN_CLUSTER_HEAD: u64 = 5;
/// Allowance in bytes for the data before a frame: head and time of the cluster, audio blocks, head
/// of the block.
const FRAME_OVERHEAD: u64 = 16 * 1024;
/// Minimum length of a byte range, unless the file ends earlier.
const MIN_RANGE: u64 = 64 * 1024;
/// Maximum length of a byte range, unless the first keyframe is larger.
const MAX_RANGE: u64 = 512 * 1024;

/// Cue of the requested track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cue {
    time: u64,
    /// Offset of the cluster in the file.
    cluster: u64,
    /// Offset of the block in the cluster's content; `None` if it is not stored.
    relative: Option<u64>,
}

/// Reference points and units of the cues.
#[derive(Debug, Clone, Copy)]
pub(super) struct CueScale {
    /// Offset of the segment's content.
    pub segment: u64,
    /// Size of the file in bytes.
    pub end: u64,
    /// Nanoseconds per unit of time.
    pub nanoseconds: u64,
    /// Earliest time in the file, in units of `nanoseconds`.
    pub begin: u64,
    /// Size of the first keyframe in bytes.
    pub first_length: u64,
}

/// Returns byte ranges that contain keyframes of a track, in time order.
pub(super) fn find_keyframes(body: &[u8], track: u64, scale: &CueScale) -> Vec<Keyframe> {
    let mut cues = parse_cues(body, track, scale);
    cues.sort_by_key(|cue| cue.time);
    cues.dedup_by_key(|cue| cue.time);
    // Keep one cue per cluster if positions within it are unknown: only its first keyframe can be
    // found.
    cues.dedup_by(|next, cue| next.relative.is_none() && next.cluster == cue.cluster);
    let chosen = evenly_spaced(cues.len() as u64).filter_map(|at| {
        let at = usize::try_from(at).ok()?;
        let cue = cues.get(at)?;
        let next = cues.get(at + 1).map(|next| next.cluster);
        cue.to_keyframe(next, scale)
    });
    let mut keys: Vec<Keyframe> = chosen.collect();
    keys.dedup_by_key(|key| key.micros);
    keys
}

/// Parses all cues of a track up to the first damaged cue.
fn parse_cues(body: &[u8], track: u64, scale: &CueScale) -> Vec<Cue> {
    let mut cues = Vec::new();
    let mut rest = body;
    while let Some((point, after)) = ebml::parse_first(rest) {
        rest = after;
        if point.id == id::CUE_POINT {
            cues.extend(parse_cue(point.body, track, scale));
        }
    }
    cues
}

fn parse_cue(body: &[u8], track: u64, scale: &CueScale) -> Option<Cue> {
    let (mut time, mut position) = (None, None);
    for element in parse_elements(body)? {
        match element.id {
            id::CUE_TIME => time = element.unsigned(),
            id::CUE_TRACK_POSITIONS => {
                position = position.or(parse_position(element.body, track));
            }
            _ => {}
        }
    }
    let (cluster, relative) = position?;
    let cluster = scale.segment.checked_add(cluster)?;
    Some(Cue {
        time: time?,
        cluster,
        relative,
    })
    .filter(|cue| cue.cluster < scale.end)
}

/// Parses the cluster position and relative position of a cue; `None` if it belongs to another
/// track.
fn parse_position(body: &[u8], track: u64) -> Option<(u64, Option<u64>)> {
    let (mut number, mut cluster, mut relative) = (None, None, None);
    for element in parse_elements(body)? {
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
    /// Returns the byte range that contains the frame. `next` is the cluster of the following cue.
    fn to_keyframe(self, next: Option<u64>, scale: &CueScale) -> Option<Keyframe> {
        let distant = self
            .relative
            .filter(|&relative| relative > NEAR_CLUSTER_START);
        let offset = match distant {
            Some(relative) => self
                .cluster
                .checked_add(MIN_CLUSTER_HEAD)?
                .checked_add(relative)?,
            None => self.cluster,
        };
        let available = scale.end.checked_sub(offset)?;
        // The frame ends before the cluster of the next cue begins.
        let room = next
            .and_then(|next| next.checked_sub(offset))
            .filter(|&room| room > 0);
        let estimate = scale
            .first_length
            .saturating_mul(2)
            .saturating_add(FRAME_OVERHEAD);
        let bytes = estimate
            .clamp(
                MIN_RANGE,
                MAX_RANGE.max(scale.first_length.min(MAX_KEYFRAME_BYTES.into())),
            )
            .min(room.unwrap_or(u64::MAX))
            .min(available);
        let units = u128::from(self.time.saturating_sub(scale.begin));
        let micros = units * u128::from(scale.nanoseconds) / 1000;
        Some(Keyframe {
            offset,
            bytes: u32::try_from(bytes).ok().filter(|&bytes| bytes > 0)?,
            micros: u64::try_from(micros).ok()?,
        })
    }
}

/// Converts the time of a keyframe back to the segment's units.
///
/// Several times in these units may round to the same microsecond. The lowest is returned, since
/// frames are more than a microsecond apart.
pub(in crate::media) fn micros_to_units(micros: u64, nanoseconds: u64, begin: u64) -> Option<u64> {
    let nanos = u128::from(micros) * 1000;
    let units = nanos.div_ceil(u128::from(nanoseconds.max(1)));
    begin.checked_add(u64::try_from(units).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: CueScale = CueScale {
        segment: 100,
        end: 10_000_000,
        nanoseconds: 1_000_000,
        begin: 40,
        first_length: 50_000,
    };

    fn point(time: u16, track: u8, cluster: u32, relative: Option<u16>) -> Vec<u8> {
        let mut positions = [&[0xf7, 0x81, track, 0xf1, 0x84][..], &cluster.to_be_bytes()].concat();
        if let Some(relative) = relative {
            positions.extend([0xf0, 0x82]);
            positions.extend(relative.to_be_bytes());
        }
        let positions_size = u8::try_from(positions.len()).unwrap() | 0x80;
        let [high, low] = time.to_be_bytes();
        let body = [
            &[0xb3, 0x82, high, low, 0xb7, positions_size][..],
            &positions,
        ]
        .concat();
        let size = u8::try_from(body.len()).unwrap() | 0x80;
        [&[0xbb, size][..], &body].concat()
    }

    #[test]
    fn keyframes_are_byte_ranges_at_the_cued_positions() {
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
            let keys = find_keyframes(body, 1, &SCALE);
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
        // A damaged cue ends the list.
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
    fn converts_times_back_to_the_original_units() {
        for nanoseconds in [1_000_000, 1_000_001, 20_833, 1000, 999_999] {
            for units_since in [0, 1, 41, 1_000_003] {
                let micros = units_since * nanoseconds / 1000;
                assert_eq!(
                    micros_to_units(micros, nanoseconds, 7),
                    Some(7 + units_since)
                );
            }
        }
    }
}
