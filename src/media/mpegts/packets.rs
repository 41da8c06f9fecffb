//! The packets of a transport stream (ISO/IEC 13818-1, 2.4.3), and the headers of what they
//! carry (2.4.3.6).

/// Bytes of a packet.
pub(in crate::media) const PACKET: usize = 188;
/// The first byte of each.
pub(in crate::media) const SYNC: u8 = 0x47;
/// Packets in a row that make a transport stream.
const ENOUGH: usize = 5;

/// One packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Packet<'a> {
    pub pid: u16,
    /// Whether something begins with its payload.
    pub is_start: bool,
    /// Whether it was received with errors, or is scrambled.
    pub is_spoilt: bool,
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads one that begins with its sync byte.
    fn new(bytes: &'a [u8]) -> Option<Self> {
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
            is_spoilt: high & 0x80 != 0 || flags & 0xc0 != 0,
            payload,
        })
    }
}

/// Bytes from one packet to the next of a stream that begins so: 188, or 192 where a time
/// stands before each (as on Blu-ray and AVCHD). `None` for what is no transport stream.
pub(super) fn stride(beginning: &[u8]) -> Option<usize> {
    [PACKET, PACKET + 4].into_iter().find(|&stride| {
        let before = stride - PACKET;
        let mut starts = beginning.chunks_exact(stride).take(ENOUGH);
        beginning.len() >= stride * ENOUGH && starts.all(|bytes| bytes.get(before) == Some(&SYNC))
    })
}

/// The packets in a range of a stream. It should begin with one, time and all; what is not in
/// step is passed over.
pub(in crate::media) fn packets(bytes: &[u8], stride: usize) -> impl Iterator<Item = Packet<'_>> {
    numbered(bytes, stride).map(|(_, packet)| packet)
}

/// The same, with the place of each one's sync byte.
pub(in crate::media) fn numbered(
    bytes: &[u8],
    stride: usize,
) -> impl Iterator<Item = (usize, Packet<'_>)> {
    let stride = stride.max(PACKET);
    let mut at = stride - PACKET;
    let mut is_in_step = false;
    std::iter::from_fn(move || {
        if !is_in_step || bytes.get(at) != Some(&SYNC) {
            is_in_step = false;
            while !is_begin(bytes, at, stride) {
                at += 1 + memchr::memchr(SYNC, bytes.get(at + 1..)?)?;
            }
        }
        let start = at;
        let packet = Packet::new(bytes.get(start..)?)?;
        at += stride;
        is_in_step = true;
        Some((start, packet))
    })
}

/// Whether packets follow each other from here on.
fn is_begin(bytes: &[u8], at: usize, stride: usize) -> bool {
    let starts = (0..ENOUGH).map_while(|number| bytes.get(at + number * stride));
    bytes.get(at).is_some() && starts.into_iter().all(|&byte| byte == SYNC)
}

/// Whether every packet of a range that begins with one is in step.
pub(super) fn are_in_step(bytes: &[u8], stride: usize) -> bool {
    let Some(before) = stride.checked_sub(PACKET) else {
        return false;
    };
    let mut all = bytes.chunks_exact(stride);
    all.all(|bytes| bytes.get(before) == Some(&SYNC))
}

/// The header of a packetised elementary stream: times in ticks of 90 kHz, of 33 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct PesHeader<'a> {
    /// When it is shown.
    pub shown: Option<u64>,
    /// When it is decoded, where that is told.
    pub decoded: Option<u64>,
    /// What follows.
    pub payload: &'a [u8],
}

/// Reads a payload that begins with such a header; `None` for what does not, and for streams
/// that are only padding and the like.
pub(in crate::media) fn pes_header(payload: &[u8]) -> Option<PesHeader<'_>> {
    let (&[0, 0, 1, id, _, _, marks, flags, length], rest) = payload.split_first_chunk::<9>()?
    else {
        return None;
    };
    let is_media = matches!(id, 0xbd | 0xc0..=0xef | 0xfd);
    if !is_media || marks & 0xc0 != 0x80 {
        return None;
    }
    let (times, payload) = rest.split_at_checked(usize::from(length))?;
    let time = |at: usize| Some(time(*times.get(at..)?.first_chunk()?));
    let (shown, decoded) = match flags >> 6 {
        2 => (Some(time(0)?), None),
        3 => (Some(time(0)?), Some(time(5)?)),
        _ => (None, None),
    };
    Some(PesHeader {
        shown,
        decoded,
        payload,
    })
}

/// 33 bits in parts of 3, 15 and 15, with a marker after each.
fn time(bytes: [u8; 5]) -> u64 {
    let mut whole = [0; 8];
    whole[3..].copy_from_slice(&bytes);
    let bits = u64::from_be_bytes(whole);
    (bits >> 33 & 7) << 30 | (bits >> 17 & 0x7fff) << 15 | bits >> 1 & 0x7fff
}

#[cfg(test)]
pub(in crate::media) mod tests {
    use super::*;

    /// A packet that holds so much of a payload, stuffed to its length.
    pub(in crate::media) fn packet(is_start: bool, pid: u16, payload: &[u8]) -> Vec<u8> {
        let [high, low] = pid.to_be_bytes();
        let mut packet = vec![SYNC, high | u8::from(is_start) << 6, low, 0x30];
        let stuffing = PACKET - 4 - 1 - payload.len();
        packet.push(u8::try_from(stuffing).unwrap());
        packet.resize(packet.len() + stuffing, 0xff);
        packet.extend(payload);
        packet
    }

    /// A header with a time to show, and perhaps one to decode.
    pub(in crate::media) fn pes(id: u8, shown: u64, decoded: Option<u64>) -> Vec<u8> {
        let time = |time: u64| {
            let part = |shift: u32, bits: u64| u8::try_from(time >> shift & bits).unwrap();
            [
                0x21 | part(30, 7) << 1,
                part(22, 255),
                part(15, 127) << 1 | 1,
                part(7, 255),
                part(0, 127) << 1 | 1,
            ]
        };
        let mut bytes = vec![0, 0, 1, id, 0, 0, 0x80, 0x80, 5];
        bytes.extend(time(shown));
        if let Some(decoded) = decoded {
            (bytes[7], bytes[8]) = (0xc0, 10);
            bytes.extend(time(decoded));
        }
        bytes
    }

    #[test]
    fn times_are_read_back() {
        for shown in [0, 1, 129_003, (1 << 33) - 1] {
            let bytes = pes(0xe0, shown, Some(shown / 2));
            let read = pes_header(&bytes).unwrap();
            assert_eq!((read.shown, read.decoded), (Some(shown), Some(shown / 2)));
        }
        assert_eq!(pes_header(&pes(0xbe, 0, None)), None);
        assert_eq!(pes_header(&pes(0xe0, 0, None)[..13]), None);
    }

    #[test]
    fn packets_are_found_wherever_a_range_begins() {
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
        assert_eq!(stride(&stream.repeat(3)), Some(188));
        assert_eq!(stride(&timed.repeat(3)), Some(192));
        assert_eq!(stride(&stream), None);
    }
}
