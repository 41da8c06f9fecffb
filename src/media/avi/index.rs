//! The index of an AVI file, `idx1`: each chunk of frames, its place and its length.

use super::super::wav::window::u32_at;

/// Bytes of an entry.
const ENTRY: usize = 16;
/// The flag of a keyframe.
const KEY: u32 = 0x10;

/// A chunk of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub stream: usize,
    /// How many chunks of its stream stand before it.
    pub number: u64,
    /// Where the chunk's name stands.
    pub position: u64,
    /// Bytes of what it holds.
    pub length: u32,
    pub is_key: bool,
}

/// The chunks of `streams` streams that hold anything; `base` is what positions count from.
pub(super) fn entries(index: &[u8], streams: usize, base: u64) -> Option<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut numbers = vec![0_u64; streams];
    for row in index.chunks_exact(ENTRY) {
        // Lists of chunks, and changes of palette.
        if row.starts_with(b"rec ") || row.get(2..4) == Some(b"pc") {
            continue;
        }
        let stream = stream_of(row).filter(|&stream| stream < streams)?;
        let number = numbers.get_mut(stream)?;
        let entry = Entry {
            stream,
            number: *number,
            position: base.checked_add(u32_at(row, 8)?.into())?,
            length: u32_at(row, 12)?,
            is_key: u32_at(row, 4)? & KEY != 0,
        };
        *number += 1;
        if entry.length == 0 {
            continue;
        }
        // An index that goes back, or says one thing twice, is not to be believed.
        let is_onward = entries.last().is_none_or(|last| {
            let end = last.position.saturating_add(8 + u64::from(last.length));
            end <= entry.position
        });
        is_onward.then_some(())?;
        entries.push(entry);
    }
    Some(entries)
}

/// The stream that an entry is of.
fn stream_of(row: &[u8]) -> Option<usize> {
    let &[tens, ones] = row.first_chunk()?;
    let digit = |byte: u8| byte.is_ascii_digit().then(|| usize::from(byte - b'0'));
    Some(digit(tens)? * 10 + digit(ones)?)
}

/// Bits a second of a stream, as ffprobe reckons them; none where it does not trust the index.
///
/// `file` is the length of the file, `scale` by `rate` a unit of the stream's time.
pub(super) fn bit_rate(
    entries: &[Entry],
    stream: usize,
    (scale, rate): (u32, u32),
    file: u64,
) -> Option<u64> {
    let sum = |entries: &mut dyn Iterator<Item = &Entry>| -> u64 {
        entries.map(|entry| u64::from(entry.length)).sum()
    };
    let all = sum(&mut entries.iter());
    let last = entries.last()?.position;
    let is_whole = u128::from(last) >= (u128::from(file) * 9 + 5) / 10;
    if !is_whole || all * 9 / 10 > last || all < last * 9 / 10 {
        return None;
    }
    let own = || entries.iter().filter(move |entry| entry.stream == stream);
    let frames = own()
        .next_back()?
        .number
        .checked_sub(own().next()?.number)?;
    let bits = u128::from(sum(&mut own())) * 8 * u128::from(rate);
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
    fn chunks_are_counted_stream_by_stream() {
        let index = [
            row(b"00dc", 0x10, 4, 100),
            row(b"01wb", 0x10, 112, 50),
            row(b"00pc", 0, 170, 8),
            row(b"00dc", 0, 170, 0),
            row(b"00dc", 0x10, 178, 300),
        ]
        .concat();
        let entries = entries(&index, 2, 1000).unwrap();
        let told: Vec<_> = entries
            .iter()
            .map(|it| (it.stream, it.number, it.position))
            .collect();
        assert_eq!(told, [(0, 0, 1004), (1, 0, 1112), (0, 2, 1178)]);
        let back = [row(b"00dc", 0x10, 9, 1), row(b"00dc", 0x10, 8, 1)].concat();
        assert_eq!(super::entries(&back, 1, 0), None);
        assert_eq!(super::entries(&row(b"07dc", 0x10, 4, 1), 2, 0), None);
        assert_eq!(super::entries(&back, 1, u64::MAX), None);
    }

    #[test]
    fn the_rate_of_bits_is_that_of_an_index_of_the_whole_file() {
        let index: Vec<u8> = (0..51)
            .flat_map(|number| row(b"00dc", 0x10, 4 + number * 1008, 1000))
            .collect();
        let entries = entries(&index, 1, 0).unwrap();
        assert_eq!(bit_rate(&entries, 0, (1, 25), 52_000), Some(204_000));
        assert_eq!(bit_rate(&entries, 0, (1, 25), 90_000), None);
        assert_eq!(bit_rate(&entries, 0, (1, 25), u64::MAX), None);
        assert_eq!(bit_rate(&entries, 0, (0, 25), 52_000), None);
        assert_eq!(bit_rate(&entries[..1], 0, (1, 25), 5), None);
    }
}
