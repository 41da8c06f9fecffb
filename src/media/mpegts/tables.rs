//! Tables of a transport stream: the PIDs of its only programme, and the kinds of its streams
//! (ISO/IEC 13818-1, 2.4.4).

use super::packets::packets;

/// PID of the programme association table (PAT).
const PAT_PID: u16 = 0;
/// Maximum size of a section in bytes.
const MAX_SECTION: usize = 1024 + 3;

/// Coding of an elementary stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamKind {
    H264,
    Ac3,
    EnhancedAc3,
    Aac,
    MpegAudio,
    /// Uncompressed audio, as on Blu-ray.
    Pcm,
    /// Blu-ray subtitles (PGS), which are bitmaps.
    Subtitles,
}

/// Elementary stream of a programme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ElementaryStream {
    pub pid: u16,
    pub kind: StreamKind,
}

/// The only programme of a transport stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Programme {
    /// PID of the PMT.
    pub map_pid: u16,
    pub streams: Vec<ElementaryStream>,
}

/// Parses the tables in a range of a stream. `None` if there is not exactly one programme, if
/// copies of a table differ, or if a table contains unknown entries.
pub(super) fn parse(bytes: &[u8], stride: usize) -> Option<Programme> {
    let association = read_table(bytes, stride, PAT_PID, 0)?;
    let mut programmes = association
        .chunks_exact(4)
        .filter(|entry| entry.get(..2) != Some(&[0, 0]));
    let &[_, _, high, low] = programmes.next()? else {
        return None;
    };
    if programmes.next().is_some() {
        return None;
    }
    let map_pid = u16::from_be_bytes([high & 0x1f, low]);
    let body = read_table(bytes, stride, map_pid, 2)?;
    let (&[_, _, high, low], rest) = body.split_first_chunk::<4>()?;
    let length = usize::from(u16::from_be_bytes([high & 15, low]));
    let (programme_descriptors, rest) = rest.split_at_checked(length)?;
    let is_blu_ray = find_registration(programme_descriptors) == Some(b"HDMV");
    let streams = parse_streams(rest, is_blu_ray)?;
    let are_pids_distinct = (0..streams.len()).all(|at| {
        let pid = streams[at].pid;
        pid != map_pid && pid > 15 && streams[..at].iter().all(|other| other.pid != pid)
    });
    (are_pids_distinct && !streams.is_empty()).then_some(Programme { map_pid, streams })
}

fn parse_streams(mut rest: &[u8], is_blu_ray: bool) -> Option<Vec<ElementaryStream>> {
    let mut streams = Vec::new();
    while !rest.is_empty() {
        let (&[number, high, low, length_high, length], after) = rest.split_first_chunk::<5>()?;
        let length = usize::from(u16::from_be_bytes([length_high & 15, length]));
        let (descriptors, after) = after.split_at_checked(length)?;
        rest = after;
        streams.push(ElementaryStream {
            pid: u16::from_be_bytes([high & 0x1f, low]),
            kind: stream_kind(number, descriptors, is_blu_ray)?,
        });
    }
    Some(streams)
}

/// Returns the kind for a `stream_type` (table 2-34). For private data, a descriptor defines it
/// (ETSI EN 300 468).
fn stream_kind(number: u8, info: &[u8], is_blu_ray: bool) -> Option<StreamKind> {
    // Not supported: object descriptors, which refer to other streams, and Dolby Vision.
    if descriptors(info).any(|(tag, _)| matches!(tag, 0x1d..=0x1f | 0xb0)) {
        return None;
    }
    let has = |descriptor_tag: u8| descriptors(info).any(|(tag, _)| tag == descriptor_tag);
    Some(match number {
        0x1b => StreamKind::H264,
        0x03 | 0x04 => StreamKind::MpegAudio,
        0x0f => StreamKind::Aac,
        0x81 => StreamKind::Ac3,
        0x87 => StreamKind::EnhancedAc3,
        0x80 if is_blu_ray => StreamKind::Pcm,
        0x84 if is_blu_ray => StreamKind::EnhancedAc3,
        0x90 if is_blu_ray => StreamKind::Subtitles,
        0x06 if has(0x6a) && !has(0x7a) => StreamKind::Ac3,
        0x06 if has(0x7a) && !has(0x6a) => StreamKind::EnhancedAc3,
        _ => return None,
    })
}

/// Iterates over the tags and bodies of descriptors, up to a truncated one.
fn descriptors(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (&[tag, length], rest) = bytes.split_first_chunk::<2>()?;
        let (body, after) = rest.split_at_checked(usize::from(length))?;
        bytes = after;
        Some((tag, body))
    })
}

fn find_registration(bytes: &[u8]) -> Option<&[u8; 4]> {
    let (_, body) = descriptors(bytes).find(|&(tag, _)| tag == 5)?;
    body.first_chunk()
}

/// Returns the body of a table, without the section header and checksum. `None` if the table is
/// missing or its copies differ.
fn read_table(bytes: &[u8], stride: usize, pid: u16, table: u8) -> Option<Vec<u8>> {
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
        if length > MAX_SECTION {
            return None;
        }
        if section.len() < length {
            continue;
        }
        is_begun = false;
        section.truncate(length);
        // Another table may share the PID.
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

/// Calculates the CRC of a whole section including its stored CRC; 0 if it is valid (annex A).
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

    /// Builds the tables of one programme. The PMT has PID 4096; the streams have PIDs from 256
    /// upwards.
    pub(in super::super) fn tables(kinds: &[u8], programme_info: &[u8]) -> Vec<u8> {
        let mut body = vec![0xe1, 0, 0xf0, u8::try_from(programme_info.len()).unwrap()];
        body.extend(programme_info);
        for (&kind, pid) in kinds.iter().zip(0..) {
            body.extend([kind, 0xe1, pid, 0xf0, 0]);
        }
        [table(0, 0, &[0, 1, 0xf0, 0]), table(4096, 2, &body)].concat()
    }

    #[test]
    fn reads_the_kinds_of_streams_from_the_pmt() {
        let kinds = |bytes: &[u8]| -> Option<Vec<StreamKind>> {
            let streams = parse(bytes, 188)?.streams;
            Some(streams.iter().map(|stream| stream.kind).collect())
        };
        let blu_ray = b"\x05\x04HDMV";
        assert_eq!(
            kinds(&tables(&[0x1b, 0x81], b"")),
            Some(vec![StreamKind::H264, StreamKind::Ac3])
        );
        assert_eq!(
            kinds(&tables(&[0x1b, 0x80, 0x90], blu_ray)),
            Some(vec![
                StreamKind::H264,
                StreamKind::Pcm,
                StreamKind::Subtitles
            ])
        );
        assert_eq!(kinds(&tables(&[0x1b, 0x80], b"")), None);
        assert_eq!(kinds(&tables(&[0x02], b"")), None);
        assert_eq!(kinds(&tables(&[], b"")), None);
        let twice = [tables(&[0x1b], b""), tables(&[0x1b], b"")].concat();
        assert_eq!(kinds(&twice), Some(vec![StreamKind::H264]));
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
