//! Keyframes as their files wrap them, taken out to be what a decoder takes.

use std::io;

use super::super::bitstream::units;
use super::super::keyframes::{Decoder, Key, Stored};
use super::super::{matroska, mxf};
use super::{clusters, transport};
use crate::source_file::{Gate, Original};

/// Ticks of a transport stream's time, which begins anew after so many.
const TURN: u64 = 1 << 33;

/// A key as the decoder takes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub bytes: Vec<u8>,
    /// When it is shown, in microseconds since the clip's begin.
    pub micros: u64,
}

/// Reads a key; `None` when it is not what it was said to be.
///
/// # Errors
/// When the drive fails.
pub(super) fn read(
    original: &Original,
    gate: &Gate,
    stored: Stored,
    decoder: &Decoder,
    key: Key,
) -> io::Result<Option<Taken>> {
    let range = || {
        let _pass = gate.pass();
        original.read(key.offset, key.bytes as usize)
    };
    let counts_lengths = decoder.codec == "h264" || decoder.codec == "hevc";
    let bytes = match stored {
        Stored::Whole => Some(range()?),
        Stored::StartCodes => Some(units::to_length_prefixed(&range()?)),
        Stored::Element { track } => {
            let unit = range()?;
            let frame = mxf::element(&unit, track);
            frame.map(|frame| {
                if counts_lengths {
                    units::to_length_prefixed(frame)
                } else {
                    frame.to_vec()
                }
            })
        }
        Stored::Cluster {
            track,
            scale,
            begin,
        } => match matroska::units(key.micros, scale, begin) {
            Some(time) => {
                let stretch = range()?;
                let _pass = gate.pass();
                clusters::found(original, key, (track, time), stretch)?
            }
            None => None,
        },
        Stored::Transport { pid, packet, begin } => {
            let stream = transport::Stream {
                pid,
                stride: packet.into(),
            };
            let found = transport::find(original, gate, key, stream, decoder)?;
            return Ok(found.map(|found| Taken {
                bytes: units::to_length_prefixed(&found.bytes),
                micros: found.shown.map_or(key.micros, |shown| since(begin, shown)),
            }));
        }
    };
    Ok(bytes.map(|bytes| Taken {
        bytes,
        micros: key.micros,
    }))
}

/// Microseconds from one time of a transport stream to another; 0 where that is before it.
fn since(begin: u64, shown: u64) -> u64 {
    let ticks = (shown % TURN + TURN - begin % TURN) % TURN;
    if ticks > TURN / 2 { 0 } else { ticks * 100 / 9 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_from_the_begin_even_where_they_begin_anew() {
        assert_eq!(since(90_000, 270_000), 2_000_000);
        assert_eq!(since(TURN - 45_000, 45_000), 1_000_000);
        assert_eq!(since(270_000, 90_000), 0);
    }
}
