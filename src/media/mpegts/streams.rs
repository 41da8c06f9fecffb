//! What is heard of each elementary stream in a range of the file: when its parts are shown,
//! and the bytes that it begins with.

use super::packets::{numbered, pes_header};
use super::tables::Programme;

/// Bytes of a stream's beginning that are kept: a picture's headers, a few frames of sound.
const BEGINNING: usize = 32 * 1024;
/// Packets that mean nothing.
const NULL: u16 = 0x1fff;

/// A part of a stream, mostly one picture, or a few frames of sound. Times are ticks of 90 kHz.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub shown: Option<u64>,
    /// When it is decoded, which is mostly when it is shown.
    pub decoded: Option<u64>,
    /// Bytes in it.
    pub bytes: usize,
}

/// One stream, as far as a range goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Heard {
    pub parts: Vec<Part>,
    /// What it begins with, of as many parts as fit.
    pub beginning: Vec<u8>,
    /// How much of that is the first part's, once that is known to be all.
    pub first: Option<usize>,
}

/// All streams of a programme in a range that begins with the file, in the order of its map.
/// `None` where something is spoilt, or a stream is in no map.
pub(super) fn from_beginning(
    bytes: &[u8],
    stride: usize,
    programme: &Programme,
) -> Option<Vec<Heard>> {
    let is_in_no_map = |pid: u16| pid != programme.map && pid > 15 && pid != NULL;
    for (_, packet) in numbered(bytes, stride) {
        let is_its = programme
            .streams
            .iter()
            .any(|stream| stream.pid == packet.pid);
        if is_its && packet.is_spoilt {
            return None;
        }
        if !is_its && packet.is_start && is_in_no_map(packet.pid) {
            let has_pes = packet.payload.starts_with(&[0, 0, 1]);
            if has_pes {
                return None;
            }
        }
    }
    Some(anywhere(bytes, stride, programme))
}

/// The same, of a range that begins anywhere: what began before it is passed over.
pub(super) fn anywhere(bytes: &[u8], stride: usize, programme: &Programme) -> Vec<Heard> {
    let mut all = vec![Heard::default(); programme.streams.len()];
    for (_, packet) in numbered(bytes, stride) {
        let is_its = |pid| packet.pid == pid;
        let found = programme
            .streams
            .iter()
            .zip(&mut all)
            .find(|(stream, _)| is_its(stream.pid));
        if let Some((_, heard)) = found {
            heard.take(packet.payload, packet.is_start);
        }
    }
    all
}

impl Heard {
    fn take(&mut self, mut payload: &[u8], is_start: bool) {
        if is_start && let Some(header) = pes_header(payload) {
            if !self.parts.is_empty() {
                self.first.get_or_insert(self.beginning.len());
            }
            self.parts.push(Part {
                shown: header.shown,
                decoded: header.decoded.or(header.shown),
                bytes: 0,
            });
            payload = header.payload;
        }
        if let Some(part) = self.parts.last_mut() {
            part.bytes += payload.len();
            let room = BEGINNING.saturating_sub(self.beginning.len());
            let fits = payload.get(..room).unwrap_or(payload);
            self.beginning.extend_from_slice(fits);
        }
    }

    /// The first part's bytes, as far as they are here.
    pub(super) fn first_part(&self) -> &[u8] {
        let end = self.first.unwrap_or(self.beginning.len());
        self.beginning.get(..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::packets::tests::{packet, pes};
    use super::super::tables::{Elementary, Kind};
    use super::*;

    fn programme() -> Programme {
        Programme {
            map: 4096,
            streams: vec![Elementary {
                pid: 256,
                kind: Kind::H264,
            }],
        }
    }

    #[test]
    fn parts_are_told_apart_and_what_began_before_is_passed_over() {
        let start = |shown, bytes: &[u8]| {
            packet(
                true,
                256,
                &[&pes(0xe0, shown, Some(shown - 5)), bytes].concat(),
            )
        };
        let stream = [
            packet(false, 256, b"before"),
            start(100, b"ab"),
            packet(false, 256, b"cd"),
            start(200, b"e"),
        ]
        .concat();
        let heard = anywhere(&stream, 188, &programme()).remove(0);
        assert_eq!(heard.first_part(), b"abcd");
        let told: Vec<_> = heard
            .parts
            .iter()
            .map(|part| (part.shown, part.decoded, part.bytes))
            .collect();
        assert_eq!(told, [(Some(100), Some(95), 4), (Some(200), Some(195), 1)]);
    }

    #[test]
    fn spoilt_packets_and_strangers_are_noticed() {
        let whole = packet(true, 256, &pes(0xe0, 100, None));
        assert!(from_beginning(&whole, 188, &programme()).is_some());
        let mut scrambled = whole.clone();
        scrambled[3] |= 0x80;
        assert_eq!(from_beginning(&scrambled, 188, &programme()), None);
        let stranger = packet(true, 300, &pes(0xc0, 100, None));
        let both = [whole.clone(), stranger].concat();
        assert_eq!(from_beginning(&both, 188, &programme()), None);
        let table = [whole, packet(true, 300, b"\0\x42\xf0")].concat();
        assert!(from_beginning(&table, 188, &programme()).is_some());
    }
}
