//! Keyframes as their files wrap them, taken out to be what a decoder takes.

use super::super::bitstream::units;
use super::super::keyframes::{Decoder, Stored};
use super::super::mxf;

/// Bytes of a packet of a transport stream.
const PACKET: usize = 188;
/// The first byte of each.
const SYNC: u8 = 0x47;

/// A key as the decoder takes it; `None` when it is not what it was said to be.
pub(super) fn taken_out(stored: Stored, decoder: &Decoder, bytes: Vec<u8>) -> Option<Vec<u8>> {
    match stored {
        // The frames of clusters are found when they are read.
        Stored::Whole | Stored::Cluster { .. } => Some(bytes),
        Stored::StartCodes => Some(units::counted(&bytes)),
        Stored::Transport { pid, packet } => {
            let frame = elementary(&bytes, pid, packet.into())?;
            Some(match decoder.codec.as_str() {
                "h264" | "hevc" => units::counted(&frame),
                _ => frame,
            })
        }
        Stored::Element { track } => {
            let frame = mxf::element(&bytes, track)?;
            Some(match decoder.codec.as_str() {
                "h264" => units::counted(frame),
                _ => frame.to_vec(),
            })
        }
    }
}

/// The elementary stream of the first access unit (ISO/IEC 13818-1, 2.4.3) in packets that
/// begin with one of its own; it ends where the next begins.
fn elementary(bytes: &[u8], pid: u16, packet: usize) -> Option<Vec<u8>> {
    let before = packet.checked_sub(PACKET)?;
    let mut stream = Vec::with_capacity(bytes.len());
    let mut is_begun = false;
    for packet in bytes.chunks_exact(packet) {
        let packet = packet.get(before..)?;
        let (head, body) = packet.split_first_chunk::<4>()?;
        if head[0] != SYNC {
            return None;
        }
        let [_, high, low, flags] = *head;
        if u16::from_be_bytes([high & 0x1f, low]) != pid {
            continue;
        }
        let is_start = high & 0x40 != 0;
        if is_start && is_begun {
            break;
        }
        let payload = match flags >> 4 & 3 {
            1 => body,
            3 => body.get(usize::from(*body.first()?) + 1..)?,
            _ => continue,
        };
        if is_start {
            is_begun = true;
            stream.extend_from_slice(after_pes_header(payload)?);
        } else if is_begun {
            stream.extend_from_slice(payload);
        }
    }
    is_begun.then_some(stream)
}

/// What follows the header of a packetised elementary stream (2.4.3.6).
fn after_pes_header(payload: &[u8]) -> Option<&[u8]> {
    if !payload.starts_with(&[0, 0, 1]) {
        return None;
    }
    let length = usize::from(*payload.get(8)?);
    payload.get(9 + length..)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A packet of PID 256 that holds so much of a payload, stuffed to its length.
    fn packet(is_start: bool, pid: u16, payload: &[u8]) -> Vec<u8> {
        let [high, low] = pid.to_be_bytes();
        let mut packet = vec![SYNC, high | u8::from(is_start) << 6, low, 0x30];
        let stuffing = PACKET - 4 - 1 - payload.len();
        packet.push(u8::try_from(stuffing).unwrap());
        packet.resize(packet.len() + stuffing, 0xff);
        packet.extend(payload);
        packet
    }

    const PES: [u8; 14] = [0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1];

    #[test]
    fn a_frame_is_gathered_from_its_packets_up_to_the_next() {
        let mut bytes = packet(true, 256, &[&PES[..], b"\0\0\0\x01ab"].concat());
        bytes.extend(packet(true, 257, b"sound"));
        bytes.extend(packet(false, 256, b"cd\0\0\x01ef"));
        bytes.extend(packet(true, 256, &PES));
        assert_eq!(
            elementary(&bytes, 256, 188).as_deref(),
            Some(&b"\0\0\0\x01abcd\0\0\x01ef"[..])
        );
        let decoder = |codec: &str| Decoder {
            codec: codec.to_owned(),
            kind: [0; 4],
            configuration: Vec::new(),
            width: 16,
            height: 16,
        };
        let stored = Stored::Transport {
            pid: 256,
            packet: 188,
        };
        assert_eq!(
            taken_out(stored, &decoder("h264"), bytes.clone()).as_deref(),
            Some(&b"\0\0\0\x04abcd\0\0\0\x02ef"[..])
        );
        assert_eq!(
            taken_out(stored, &decoder("mpeg2video"), bytes.clone()).map(|it| it.len()),
            Some(13)
        );
        assert_eq!(elementary(&bytes, 300, 188), None);
        assert_eq!(elementary(&bytes[1..], 256, 188), None);
        assert_eq!(elementary(&bytes, 256, 100), None);
        let timed: Vec<u8> = bytes
            .chunks(188)
            .flat_map(|packet| [&[0; 4], packet].concat())
            .collect();
        assert!(elementary(&timed, 256, 192).is_some());
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_too_odd_to_be_looked_at(
            mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 188..600),
            size in 0..=255_u8,
        ) {
            for at in (0..bytes.len()).step_by(188) {
                bytes[at] = SYNC;
            }
            let stored = Stored::Transport { pid: 0, packet: size };
            let decoder = Decoder {
                codec: "h264".to_owned(),
                kind: [0; 4],
                configuration: Vec::new(),
                width: 16,
                height: 16,
            };
            taken_out(stored, &decoder, bytes);
        }
    }
}
