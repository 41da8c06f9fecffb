//! The tables of a transport stream: which packets belong to its one programme, and what they
//! carry (ISO/IEC 13818-1, 2.4.4).

use super::packets::packets;

/// The association table's packets.
const ASSOCIATION: u16 = 0;
/// A table's section is no longer.
const LONGEST: usize = 1024 + 3;

/// What an elementary stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    H264,
    Ac3,
    EnhancedAc3,
    Aac,
    MpegAudio,
    /// Uncompressed, as on Blu-ray.
    Pcm,
    /// Pictures to lay over.
    Subtitles,
}

/// One elementary stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Elementary {
    pub pid: u16,
    pub kind: Kind,
}

/// The one programme of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Programme {
    /// The packets of its map.
    pub map: u16,
    pub streams: Vec<Elementary>,
}

/// Reads the tables in a range of a stream. `None` when there is another number of programmes
/// than one, when tables differ, or hold what is not known.
pub(super) fn programme(bytes: &[u8], stride: usize) -> Option<Programme> {
    let association = only(bytes, stride, ASSOCIATION, 0)?;
    let mut programmes = association
        .chunks_exact(4)
        .filter(|entry| entry.get(..2) != Some(&[0, 0]));
    let &[_, _, high, low] = programmes.next()? else {
        return None;
    };
    if programmes.next().is_some() {
        return None;
    }
    let map = u16::from_be_bytes([high & 0x1f, low]);
    let body = only(bytes, stride, map, 2)?;
    let (&[_, _, high, low], rest) = body.split_first_chunk::<4>()?;
    let length = usize::from(u16::from_be_bytes([high & 15, low]));
    let (of_programme, rest) = rest.split_at_checked(length)?;
    let is_blu_ray = registration(of_programme) == Some(b"HDMV");
    let streams = streams(rest, is_blu_ray)?;
    let is_each_its_own = (0..streams.len()).all(|at| {
        let pid = streams[at].pid;
        pid != map && pid > 15 && streams[..at].iter().all(|other| other.pid != pid)
    });
    (is_each_its_own && !streams.is_empty()).then_some(Programme { map, streams })
}

fn streams(mut rest: &[u8], is_blu_ray: bool) -> Option<Vec<Elementary>> {
    let mut streams = Vec::new();
    while !rest.is_empty() {
        let (&[number, high, low, length_high, length], after) = rest.split_first_chunk::<5>()?;
        let length = usize::from(u16::from_be_bytes([length_high & 15, length]));
        let (descriptors, after) = after.split_at_checked(length)?;
        rest = after;
        streams.push(Elementary {
            pid: u16::from_be_bytes([high & 0x1f, low]),
            kind: kind(number, descriptors, is_blu_ray)?,
        });
    }
    Some(streams)
}

/// `stream_type` (table 2-34); for private data, the descriptor that tells (ETSI EN 300 468).
fn kind(number: u8, own: &[u8], is_blu_ray: bool) -> Option<Kind> {
    // Object descriptors, which lead elsewhere; and Dolby Vision.
    if descriptors(own).any(|(tag, _)| matches!(tag, 0x1d..=0x1f | 0xb0)) {
        return None;
    }
    let has = |wanted: u8| descriptors(own).any(|(tag, _)| tag == wanted);
    Some(match number {
        0x1b => Kind::H264,
        0x03 | 0x04 => Kind::MpegAudio,
        0x0f => Kind::Aac,
        0x81 => Kind::Ac3,
        0x87 => Kind::EnhancedAc3,
        0x80 if is_blu_ray => Kind::Pcm,
        0x84 if is_blu_ray => Kind::EnhancedAc3,
        0x90 if is_blu_ray => Kind::Subtitles,
        0x06 if has(0x6a) && !has(0x7a) => Kind::Ac3,
        0x06 if has(0x7a) && !has(0x6a) => Kind::EnhancedAc3,
        _ => return None,
    })
}

/// Tags and bodies of descriptors, up to one that is cut short.
fn descriptors(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (&[tag, length], rest) = bytes.split_first_chunk::<2>()?;
        let (body, after) = rest.split_at_checked(usize::from(length))?;
        bytes = after;
        Some((tag, body))
    })
}

fn registration(bytes: &[u8]) -> Option<&[u8; 4]> {
    let (_, body) = descriptors(bytes).find(|&(tag, _)| tag == 5)?;
    body.first_chunk()
}

/// The body of a table that is always the same, without what every section begins and ends with.
fn only(bytes: &[u8], stride: usize, pid: u16, table: u8) -> Option<Vec<u8>> {
    let mut section: Vec<u8> = Vec::new();
    let mut found: Option<Vec<u8>> = None;
    let mut is_begun = false;
    for packet in packets(bytes, stride).filter(|packet| packet.pid == pid) {
        let mut payload = packet.payload;
        if packet.is_start {
            let (&pointer, rest) = payload.split_first()?;
            payload = rest.get(usize::from(pointer)..)?;
            section.clear();
            is_begun = true;
        }
        if !is_begun {
            continue;
        }
        section.extend_from_slice(payload);
        let Some(&[_, high, low]) = section.first_chunk() else {
            continue;
        };
        let length = 3 + usize::from(u16::from_be_bytes([high & 15, low]));
        if length > LONGEST {
            return None;
        }
        if section.len() < length {
            continue;
        }
        is_begun = false;
        section.truncate(length);
        // Another table may share the packets.
        if section.first() != Some(&table) || checksum(&section) != 0 {
            continue;
        }
        match &found {
            Some(found) if *found != section => return None,
            Some(_) => {}
            None => found = Some(section.clone()),
        }
    }
    let found = found?;
    Some(found.get(8..found.len().checked_sub(4)?)?.to_vec())
}

/// The checksum of a whole section, its own at the end included: 0 (annex A).
fn checksum(section: &[u8]) -> u32 {
    section.iter().fold(u32::MAX, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte) << 24, |sum, _| {
            let carry = if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 };
            sum << 1 ^ carry
        })
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::packets::tests::packet;
    use super::*;

    fn table(pid: u16, id: u8, body: &[u8]) -> Vec<u8> {
        let length = u8::try_from(body.len() + 9).unwrap();
        let mut section = [&[id, 0xb0, length, 0, 1, 0xc1, 0, 0], body].concat();
        let sum = checksum(&section);
        section.extend(sum.to_be_bytes());
        packet(true, pid, &[&[0], section.as_slice()].concat())
    }

    /// Tables of one programme with its map in packets 4096, its streams from 256 on.
    pub(in super::super) fn tables(kinds: &[u8], of_programme: &[u8]) -> Vec<u8> {
        let mut body = vec![0xe1, 0, 0xf0, u8::try_from(of_programme.len()).unwrap()];
        body.extend(of_programme);
        for (&kind, pid) in kinds.iter().zip(0..) {
            body.extend([kind, 0xe1, pid, 0xf0, 0]);
        }
        [table(0, 0, &[0, 1, 0xf0, 0]), table(4096, 2, &body)].concat()
    }

    #[test]
    fn the_map_tells_what_is_carried() {
        let kinds = |bytes: &[u8]| -> Option<Vec<Kind>> {
            let streams = programme(bytes, 188)?.streams;
            Some(streams.iter().map(|stream| stream.kind).collect())
        };
        let blu_ray = b"\x05\x04HDMV";
        assert_eq!(
            kinds(&tables(&[0x1b, 0x81], b"")),
            Some(vec![Kind::H264, Kind::Ac3])
        );
        assert_eq!(
            kinds(&tables(&[0x1b, 0x80, 0x90], blu_ray)),
            Some(vec![Kind::H264, Kind::Pcm, Kind::Subtitles])
        );
        assert_eq!(kinds(&tables(&[0x1b, 0x80], b"")), None);
        assert_eq!(kinds(&tables(&[0x02], b"")), None);
        assert_eq!(kinds(&tables(&[], b"")), None);
        let twice = [tables(&[0x1b], b""), tables(&[0x1b], b"")].concat();
        assert_eq!(kinds(&twice), Some(vec![Kind::H264]));
        let changed = [tables(&[0x1b], b""), tables(&[0x1b, 0x0f], b"")].concat();
        assert_eq!(kinds(&changed), None);
        let two = table(0, 0, &[0, 1, 0xf0, 0, 0, 2, 0xf0, 1]);
        assert_eq!(kinds(&[two, tables(&[0x1b], b"")].concat()), None);
        let mut damaged = tables(&[0x1b], b"");
        let last = damaged.len() - 6;
        damaged[last] ^= 1;
        assert_eq!(kinds(&damaged), None);
    }
}
