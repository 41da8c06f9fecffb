//! Elementary streams in a range of the file: PES packet times, and the first bytes of each stream.

use super::packets::{packets_with_offsets, parse_pes_header};
use super::tables::Programme;

/// Maximum number of bytes stored per stream, enough for a picture's headers or a few audio frames.
const MAX_BEGINNING: usize = 32 * 1024;
/// PID of null packets.
const NULL_PID: u16 = 0x1fff;

/// PES packet, usually one picture or a few audio frames. Times are ticks of 90 kHz.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PesPacket {
    pub pts: Option<u64>,
    /// Decoding time; equal to the presentation time if not stored.
    pub dts: Option<u64>,
    /// Payload size in bytes.
    pub bytes: usize,
}

/// Part of a stream within a range.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ScannedStream {
    pub packets: Vec<PesPacket>,
    /// Payload of the first packets, up to `MAX_BEGINNING` bytes.
    pub beginning: Vec<u8>,
    /// Length of the first packet within `beginning`; `None` until the packet is complete.
    pub first_packet_length: Option<usize>,
}

/// Scans a range at the start of the file; returns the streams of a programme in the order of its
/// PMT. `None` if a packet is damaged, or if a stream is missing from the PMT.
pub(super) fn scan_start(
    bytes: &[u8],
    stride: usize,
    programme: &Programme,
) -> Option<Vec<ScannedStream>> {
    let is_unmapped = |pid: u16| pid != programme.map_pid && pid > 15 && pid != NULL_PID;
    for (_, packet) in packets_with_offsets(bytes, stride) {
        let is_mapped = programme
            .streams
            .iter()
            .any(|stream| stream.pid == packet.pid);
        if is_mapped && packet.is_damaged {
            return None;
        }
        if !is_mapped && packet.is_start && is_unmapped(packet.pid) {
            let has_pes = packet.payload.starts_with(&[0, 0, 1]);
            if has_pes {
                return None;
            }
        }
    }
    Some(scan(bytes, stride, programme))
}

/// Scans a range at any position. Data of a PES packet that began before the range is skipped.
pub(super) fn scan(bytes: &[u8], stride: usize, programme: &Programme) -> Vec<ScannedStream> {
    let mut all = vec![ScannedStream::default(); programme.streams.len()];
    for (_, packet) in packets_with_offsets(bytes, stride) {
        let has_pid = |pid| packet.pid == pid;
        let found = programme
            .streams
            .iter()
            .zip(&mut all)
            .find(|(stream, _)| has_pid(stream.pid));
        if let Some((_, scanned)) = found {
            scanned.add_payload(packet.payload, packet.is_start);
        }
    }
    all
}

impl ScannedStream {
    fn add_payload(&mut self, mut payload: &[u8], is_start: bool) {
        if is_start && let Some(header) = parse_pes_header(payload) {
            if !self.packets.is_empty() {
                self.first_packet_length.get_or_insert(self.beginning.len());
            }
            self.packets.push(PesPacket {
                pts: header.pts,
                dts: header.dts.or(header.pts),
                bytes: 0,
            });
            payload = header.payload;
        }
        if let Some(packet) = self.packets.last_mut() {
            packet.bytes += payload.len();
            let room = MAX_BEGINNING.saturating_sub(self.beginning.len());
            let fits = payload.get(..room).unwrap_or(payload);
            self.beginning.extend_from_slice(fits);
        }
    }

    /// Returns the payload of the first packet, or the part of it that is stored.
    pub(super) fn first_packet(&self) -> &[u8] {
        let end = self.first_packet_length.unwrap_or(self.beginning.len());
        self.beginning.get(..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::packets::tests::{packet, pes};
    use super::super::tables::{ElementaryStream, StreamKind};
    use super::*;

    fn programme() -> Programme {
        Programme {
            map_pid: 4096,
            streams: vec![ElementaryStream {
                pid: 256,
                kind: StreamKind::H264,
            }],
        }
    }

    #[test]
    fn splits_pes_packets_and_skips_one_that_began_earlier() {
        let start = |pts, bytes: &[u8]| {
            packet(true, 256, &[&pes(0xe0, pts, Some(pts - 5)), bytes].concat())
        };
        let stream = [
            packet(false, 256, b"before"),
            start(100, b"ab"),
            packet(false, 256, b"cd"),
            start(200, b"e"),
        ]
        .concat();
        let scanned = scan(&stream, 188, &programme()).remove(0);
        assert_eq!(scanned.first_packet(), b"abcd");
        let found: Vec<_> = scanned
            .packets
            .iter()
            .map(|packet| (packet.pts, packet.dts, packet.bytes))
            .collect();
        assert_eq!(found, [(Some(100), Some(95), 4), (Some(200), Some(195), 1)]);
    }

    #[test]
    fn rejects_damaged_packets_and_unmapped_streams() {
        let whole = packet(true, 256, &pes(0xe0, 100, None));
        assert!(scan_start(&whole, 188, &programme()).is_some());
        let mut scrambled = whole.clone();
        scrambled[3] |= 0x80;
        assert_eq!(scan_start(&scrambled, 188, &programme()), None);
        let unmapped = packet(true, 300, &pes(0xc0, 100, None));
        let both = [whole.clone(), unmapped].concat();
        assert_eq!(scan_start(&both, 188, &programme()), None);
        let table = [whole, packet(true, 300, b"\0\x42\xf0")].concat();
        assert!(scan_start(&table, 188, &programme()).is_some());
    }
}
