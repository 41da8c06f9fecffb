//! Index of an AVI file (`idx1`): position, length and keyframe flag of each chunk.

use super::super::wav::buffered_reader::u32_at;

/// Size of an entry in bytes.
const ENTRY_SIZE: usize = 16;
/// Keyframe flag (`AVIIF_KEYFRAME`).
const KEYFRAME_FLAG: u32 = 0x10;

/// Index entry of one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AviIndexEntry {
    pub stream: usize,
    /// Zero-based number of the chunk within its stream.
    pub number: u64,
    /// Byte position of the chunk's header.
    pub position: u64,
    /// Payload size in bytes.
    pub length: u32,
    pub is_key: bool,
}

/// Parses the index and returns the non-empty chunks. `stream_count` is the number of streams;
/// offsets are relative to `base`. Returns `None` if the index is damaged.
pub(super) fn parse(index: &[u8], stream_count: usize, base: u64) -> Option<Vec<AviIndexEntry>> {
    let mut entries: Vec<AviIndexEntry> = Vec::new();
    let mut numbers = vec![0_u64; stream_count];
    for row in index.chunks_exact(ENTRY_SIZE) {
        // Skip `rec ` lists and palette changes.
        if row.starts_with(b"rec ") || row.get(2..4) == Some(b"pc") {
            continue;
        }
        let stream = stream_number(row).filter(|&stream| stream < stream_count)?;
        let number = numbers.get_mut(stream)?;
        let entry = AviIndexEntry {
            stream,
            number: *number,
            position: base.checked_add(u32_at(row, 8)?.into())?,
            length: u32_at(row, 12)?,
            is_key: u32_at(row, 4)? & KEYFRAME_FLAG != 0,
        };
        *number += 1;
        if entry.length == 0 {
            continue;
        }
        // An index that goes backwards or lists a chunk twice is damaged.
        let is_in_order = entries.last().is_none_or(|last| {
            let end = last.position.saturating_add(8 + u64::from(last.length));
            end <= entry.position
        });
        is_in_order.then_some(())?;
        entries.push(entry);
    }
    Some(entries)
}

/// Returns the number of the stream that an entry belongs to.
fn stream_number(row: &[u8]) -> Option<usize> {
    let &[tens, ones] = row.first_chunk()?;
    let digit = |byte: u8| byte.is_ascii_digit().then(|| usize::from(byte - b'0'));
    Some(digit(tens)? * 10 + digit(ones)?)
}

/// Returns a stream's bit rate as ffprobe calculates it; `None` if ffprobe does not use the index
/// for it.
///
/// `file_size` is in bytes; one unit of the stream's time is `scale` / `rate` seconds.
pub(super) fn bit_rate(
    entries: &[AviIndexEntry],
    stream: usize,
    (scale, rate): (u32, u32),
    file_size: u64,
) -> Option<u64> {
    let sum = |entries: &mut dyn Iterator<Item = &AviIndexEntry>| -> u64 {
        entries.map(|entry| u64::from(entry.length)).sum()
    };
    let all = sum(&mut entries.iter());
    let last = entries.last()?.position;
    let is_whole = u128::from(last) >= (u128::from(file_size) * 9 + 5) / 10;
    if !is_whole || all * 9 / 10 > last || all < last * 9 / 10 {
        return None;
    }
    let entries_of_stream = || entries.iter().filter(move |entry| entry.stream == stream);
    let frames = entries_of_stream()
        .next_back()?
        .number
        .checked_sub(entries_of_stream().next()?.number)?;
    let bits = u128::from(sum(&mut entries_of_stream())) * 8 * u128::from(rate);
    let units = u128::from(frames) * u128::from(scale);
    let rounded = bits.checked_add(units / 2)?.checked_div(units)?;
    u64::try_from(rounded).ok().filter(|&rate| rate > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &[u8], flags: u32, position: u32, length: u32) -> Vec<u8> {
        let numbers = [flags, position, length];
        let numbers = numbers.iter().flat_map(|number| number.to_le_bytes());
        [name, &numbers.collect::<Vec<u8>>()].concat()
    }

    #[test]
    fn numbers_chunks_within_each_stream() {
        let index = [
            row(b"00dc", 0x10, 4, 100),
            row(b"01wb", 0x10, 112, 50),
            row(b"00pc", 0, 170, 8),
            row(b"00dc", 0, 170, 0),
            row(b"00dc", 0x10, 178, 300),
        ]
        .concat();
        let entries = parse(&index, 2, 1000).unwrap();
        let found: Vec<_> = entries
            .iter()
            .map(|entry| (entry.stream, entry.number, entry.position))
            .collect();
        assert_eq!(found, [(0, 0, 1004), (1, 0, 1112), (0, 2, 1178)]);
        let back = [row(b"00dc", 0x10, 9, 1), row(b"00dc", 0x10, 8, 1)].concat();
        assert_eq!(super::parse(&back, 1, 0), None);
        assert_eq!(super::parse(&row(b"07dc", 0x10, 4, 1), 2, 0), None);
        assert_eq!(super::parse(&back, 1, u64::MAX), None);
    }

    #[test]
    fn bit_rate_requires_an_index_of_the_whole_file() {
        let index: Vec<u8> = (0..51)
            .flat_map(|number| row(b"00dc", 0x10, 4 + number * 1008, 1000))
            .collect();
        let entries = parse(&index, 1, 0).unwrap();
        assert_eq!(bit_rate(&entries, 0, (1, 25), 52_000), Some(204_000));
        assert_eq!(bit_rate(&entries, 0, (1, 25), 90_000), None);
        assert_eq!(bit_rate(&entries, 0, (1, 25), u64::MAX), None);
        assert_eq!(bit_rate(&entries, 0, (0, 25), 52_000), None);
        assert_eq!(bit_rate(&entries[..1], 0, (1, 25), 5), None);
    }
}
