//! Extraction of keyframes from their containers, in the form that decoders accept.

use std::io;

use super::super::bitstream::nal_units;
use super::super::keyframes::{Decoder, Keyframe, KeyframeStorage};
use super::super::{matroska, mxf};
use super::{matroska_cluster, transport_stream};
use crate::source_file::{Original, ReadLimiter};

/// Number of ticks after which the clock of a transport stream wraps to zero.
const CLOCK_PERIOD: u64 = 1 << 33;

/// Keyframe in the form that the decoder accepts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ExtractedKeyframe {
    pub bytes: Vec<u8>,
    /// Presentation time in microseconds from the start of the clip.
    pub micros: u64,
}

/// Reads a keyframe; `None` if the file does not contain it at the expected position.
///
/// # Errors
/// Fails if the file cannot be read.
pub(super) fn read(
    original: &Original,
    read_limiter: &ReadLimiter,
    storage: KeyframeStorage,
    decoder: &Decoder,
    key: Keyframe,
) -> io::Result<Option<ExtractedKeyframe>> {
    let read_range = || {
        let _permit = read_limiter.acquire();
        original.read(key.offset, key.bytes as usize)
    };
    let has_length_prefixes = decoder.codec == "h264" || decoder.codec == "hevc";
    let bytes = match storage {
        KeyframeStorage::Whole => Some(read_range()?),
        KeyframeStorage::StartCodes => Some(nal_units::to_length_prefixed(&read_range()?)),
        KeyframeStorage::Element { track } => {
            let unit = read_range()?;
            let frame = mxf::find_frame(&unit, track);
            frame.map(|frame| {
                if has_length_prefixes {
                    nal_units::to_length_prefixed(frame)
                } else {
                    frame.to_vec()
                }
            })
        }
        KeyframeStorage::Cluster {
            track,
            scale,
            begin,
        } => match matroska::micros_to_units(key.micros, scale, begin) {
            Some(time) => {
                let cluster_bytes = read_range()?;
                let _permit = read_limiter.acquire();
                matroska_cluster::extract(original, key, (track, time), cluster_bytes)?
            }
            None => None,
        },
        KeyframeStorage::Transport { pid, packet, begin } => {
            let stream = transport_stream::VideoPackets {
                pid,
                stride: packet.into(),
            };
            let found = transport_stream::find(original, read_limiter, key, stream, decoder)?;
            return Ok(found.map(|found| ExtractedKeyframe {
                bytes: nal_units::to_length_prefixed(&found.bytes),
                micros: found
                    .presentation_time
                    .map_or(key.micros, |time| micros_between(begin, time)),
            }));
        }
    };
    Ok(bytes.map(|bytes| ExtractedKeyframe {
        bytes,
        micros: key.micros,
    }))
}

/// Returns the microseconds between two times of a transport stream; 0 if `time` is before `begin`.
fn micros_between(begin: u64, time: u64) -> u64 {
    let ticks = (time % CLOCK_PERIOD + CLOCK_PERIOD - begin % CLOCK_PERIOD) % CLOCK_PERIOD;
    if ticks > CLOCK_PERIOD / 2 {
        0
    } else {
        ticks * 100 / 9
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_times_from_the_start_across_a_clock_wrap() {
        assert_eq!(micros_between(90_000, 270_000), 2_000_000);
        assert_eq!(micros_between(CLOCK_PERIOD - 45_000, 45_000), 1_000_000);
        assert_eq!(micros_between(270_000, 90_000), 0);
    }
}
