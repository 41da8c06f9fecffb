//! Transport packets (ISO/IEC 13818-1, 2.4.3) and PES packet headers (2.4.3.6).

/// Size of a packet in bytes.
pub(in crate::media) const PACKET: usize = 188;
/// First byte of each packet.
pub(in crate::media) const SYNC: u8 = 0x47;
/// Consecutive packets required to recognise a transport stream.
const MIN_PACKETS: usize = 5;

/// Transport packet of 188 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct TsPacket<'a> {
    pub pid: u16,
    /// True if a PES packet or section begins in the payload.
    pub is_start: bool,
    /// True if the packet has a transmission error or is scrambled.
    pub is_damaged: bool,
    pub payload: &'a [u8],
}

impl<'a> TsPacket<'a> {
    /// Parses a packet that begins with its sync byte.
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (&[SYNC, high, low, flags], body) = bytes.get(..PACKET)?.split_first_chunk::<4>()?
        else {
            return None;
        };
        let payload = match flags >> 4 & 3 {
            1 => body,
            3 => body
                .get(usize::from(*body.first()?) + 1..)
                .unwrap_or_default(),
            _ => &[],
        };
        Some(Self {
            pid: u16::from_be_bytes([high & 0x1f, low]),
            is_start: high & 0x40 != 0,
            is_damaged: high & 0x80 != 0 || flags & 0xc0 != 0,
            payload,
        })
    }
}

/// Detects the distance between packets from the beginning of a stream: 188 bytes, or 192 if a time
/// stamp precedes each packet (Blu-ray and AVCHD). `None` if it is not a transport stream.
pub(super) fn detect_stride(beginning: &[u8]) -> Option<usize> {
    [PACKET, PACKET + 4].into_iter().find(|&stride| {
        let before = stride - PACKET;
        let mut starts = beginning.chunks_exact(stride).take(MIN_PACKETS);
        beginning.len() >= stride * MIN_PACKETS
            && starts.all(|bytes| bytes.get(before) == Some(&SYNC))
    })
}

/// Iterates over the packets in a range, which should begin with a packet (including its time
/// stamp). Data that is out of sync is skipped.
pub(in crate::media) fn packets(bytes: &[u8], stride: usize) -> impl Iterator<Item = TsPacket<'_>> {
    packets_with_offsets(bytes, stride).map(|(_, packet)| packet)
}

/// Iterates over the packets in a range, with the offset of each sync byte.
pub(in crate::media) fn packets_with_offsets(
    bytes: &[u8],
    stride: usize,
) -> impl Iterator<Item = (usize, TsPacket<'_>)> {
    let stride = stride.max(PACKET);
    let mut at = stride - PACKET;
    let mut is_synchronised = false;
    std::iter::from_fn(move || {
        if !is_synchronised || bytes.get(at) != Some(&SYNC) {
            is_synchronised = false;
            while !is_sync_point(bytes, at, stride) {
                at += 1 + memchr::memchr(SYNC, bytes.get(at + 1..)?)?;
            }
        }
        let start = at;
        let packet = TsPacket::parse(bytes.get(start..)?)?;
        at += stride;
        is_synchronised = true;
        Some((start, packet))
    })
}

/// Returns true if there are sync bytes at `at` and at the expected distances after it.
fn is_sync_point(bytes: &[u8], at: usize, stride: usize) -> bool {
    let starts = (0..MIN_PACKETS).map_while(|number| bytes.get(at + number * stride));
    bytes.get(at).is_some() && starts.into_iter().all(|&byte| byte == SYNC)
}

/// Returns true if all packets are in sync in a range that begins with a packet.
pub(super) fn are_synchronised(bytes: &[u8], stride: usize) -> bool {
    let Some(before) = stride.checked_sub(PACKET) else {
        return false;
    };
    let mut all = bytes.chunks_exact(stride);
    all.all(|bytes| bytes.get(before) == Some(&SYNC))
}

/// PES packet header. Times are 33-bit counts of 90 kHz ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct PesHeader<'a> {
    /// Presentation time stamp, in ticks.
    pub pts: Option<u64>,
    /// Decoding time stamp in ticks, if it is stored.
    pub dts: Option<u64>,
    /// Data after the header.
    pub payload: &'a [u8],
}

/// Parses the PES header at the start of a payload; `None` if there is none, or if it belongs to
/// padding or a similar stream.
pub(in crate::media) fn parse_pes_header(payload: &[u8]) -> Option<PesHeader<'_>> {
    let (&[0, 0, 1, id, _, _, marks, flags, length], rest) = payload.split_first_chunk::<9>()?
    else {
        return None;
    };
    let is_media = matches!(id, 0xbd | 0xc0..=0xef | 0xfd);
    if !is_media || marks & 0xc0 != 0x80 {
        return None;
    }
    let (times, payload) = rest.split_at_checked(usize::from(length))?;
    let time_at = |at: usize| Some(read_time(*times.get(at..)?.first_chunk()?));
    let (pts, dts) = match flags >> 6 {
        2 => (Some(time_at(0)?), None),
        3 => (Some(time_at(0)?), Some(time_at(5)?)),
        _ => (None, None),
    };
    Some(PesHeader { pts, dts, payload })
}

/// Reads a 33-bit time, stored in parts of 3, 15 and 15 bits with a marker bit after each.
fn read_time(bytes: [u8; 5]) -> u64 {
    let mut whole = [0; 8];
    whole[3..].copy_from_slice(&bytes);
    let bits = u64::from_be_bytes(whole);
    (bits >> 33 & 7) << 30 | (bits >> 17 & 0x7fff) << 15 | bits >> 1 & 0x7fff
}

#[cfg(test)]
pub(in crate::media) mod tests {
    use super::*;

    /// Builds a packet with this payload, stuffed to full length.
    pub(in crate::media) fn packet(is_start: bool, pid: u16, payload: &[u8]) -> Vec<u8> {
        let [high, low] = pid.to_be_bytes();
        let mut packet = vec![SYNC, high | u8::from(is_start) << 6, low, 0x30];
        let stuffing = PACKET - 4 - 1 - payload.len();
        packet.push(u8::try_from(stuffing).unwrap());
        packet.resize(packet.len() + stuffing, 0xff);
        packet.extend(payload);
        packet
    }

    /// Builds a PES header with a PTS and an optional DTS.
    pub(in crate::media) fn pes(id: u8, pts: u64, dts: Option<u64>) -> Vec<u8> {
        let time = |time: u64| {
            let bits_at = |shift: u32, bits: u64| u8::try_from(time >> shift & bits).unwrap();
            [
                0x21 | bits_at(30, 7) << 1,
                bits_at(22, 255),
                bits_at(15, 127) << 1 | 1,
                bits_at(7, 255),
                bits_at(0, 127) << 1 | 1,
            ]
        };
        let mut bytes = vec![0, 0, 1, id, 0, 0, 0x80, 0x80, 5];
        bytes.extend(time(pts));
        if let Some(dts) = dts {
            (bytes[7], bytes[8]) = (0xc0, 10);
            bytes.extend(time(dts));
        }
        bytes
    }

    #[test]
    fn decodes_encoded_times() {
        for pts in [0, 1, 129_003, (1 << 33) - 1] {
            let bytes = pes(0xe0, pts, Some(pts / 2));
            let read = parse_pes_header(&bytes).unwrap();
            assert_eq!((read.pts, read.dts), (Some(pts), Some(pts / 2)));
        }
        assert_eq!(parse_pes_header(&pes(0xbe, 0, None)), None);
        assert_eq!(parse_pes_header(&pes(0xe0, 0, None)[..13]), None);
    }

    #[test]
    fn finds_packets_wherever_a_range_begins() {
        let stream = [packet(true, 256, b"ab"), packet(false, 257, b"c")].concat();
        let pids = |bytes: &[u8], stride| -> Vec<u16> {
            packets(bytes, stride).map(|packet| packet.pid).collect()
        };
        assert_eq!(pids(&stream, 188), [256, 257]);
        assert_eq!(pids(&stream[1..], 188), [257]);
        assert_eq!(pids(&stream[..300], 188), [256]);
        assert_eq!(pids(&[b"GG", &stream[..]].concat(), 188), [256, 257]);
        let timed: Vec<u8> = stream
            .chunks(188)
            .flat_map(|packet| [&[1; 4], packet].concat())
            .collect();
        assert_eq!(pids(&timed, 192), [256, 257]);
        assert_eq!(detect_stride(&stream.repeat(3)), Some(188));
        assert_eq!(detect_stride(&timed.repeat(3)), Some(192));
        assert_eq!(detect_stride(&stream), None);
    }
}
