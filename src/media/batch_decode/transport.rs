//! Keys of a transport stream, which are looked for: it does not say where they are.

use std::io;

use super::super::bitstream::{h264, units};
use super::super::keyframes::{Decoder, Key};
use super::super::mpegts::packets::{PACKET, packets_with_offsets, parse_pes_header};
use crate::source_file::{Gate, Original};

/// Bytes that are read at once, about.
const STEP: usize = 256 * 1024;
/// A picture of more is none.
const LARGEST: usize = 16 * 1024 * 1024;
/// Bytes after the range in which a key begins that are read to find its end: a picture, and
/// what is sent between its packets.
const BEYOND: u64 = 32 * 1024 * 1024;
/// A picture's first slice begins within so many bytes.
const HEAD: usize = 16 * 1024;

/// Where keys are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    pub pid: u16,
    /// Bytes from one packet to the next.
    pub stride: usize,
}

/// One picture, or a field of it, after start codes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Picture {
    pub bytes: Vec<u8>,
    /// When it is shown, in ticks of 90 kHz.
    pub shown: Option<u64>,
}

/// Looks for the first key that begins in a range, and reads on to its end. `None` when there
/// is none, or the file ends within it.
///
/// # Errors
/// When the drive fails.
pub(super) fn find(
    original: &Original,
    gate: &Gate,
    key: Key,
    stream: Stream,
    decoder: &Decoder,
) -> io::Result<Option<Picture>> {
    if stream.stride < PACKET {
        return Ok(None);
    }
    let step = STEP / stream.stride * stream.stride;
    let mut search = Search::new(stream, decoder, u64::from(key.bytes));
    let mut at = key.offset;
    // A stream may stop in a file that goes on for hours.
    let furthest = at.saturating_add(u64::from(key.bytes) + BEYOND);
    let end = original.size().min(furthest);
    while at < end && !search.is_over {
        let length = usize::try_from(end - at).map_or(step, |left| left.min(step));
        let bytes = {
            let _pass = gate.pass();
            original.read(at, length)?
        };
        if let Some(found) = search.take(&bytes) {
            return Ok(Some(found));
        }
        at += length as u64;
    }
    Ok(None)
}

/// What was found so far.
struct Search<'a> {
    stream: Stream,
    decoder: &'a Decoder,
    /// Bytes of the range in which a key must begin that are still to come.
    left: u64,
    /// What is being gathered.
    current: Option<Picture>,
    /// The first field of a key, whose second may follow.
    first: Option<(Picture, h264::Slice)>,
    is_over: bool,
}

impl<'a> Search<'a> {
    fn new(stream: Stream, decoder: &'a Decoder, left: u64) -> Self {
        Self {
            stream,
            decoder,
            left,
            current: None,
            first: None,
            is_over: false,
        }
    }

    /// Takes the next bytes; gives a key that is whole.
    fn take(&mut self, bytes: &[u8]) -> Option<Picture> {
        for (at, packet) in packets_with_offsets(bytes, self.stream.stride) {
            if packet.pid != self.stream.pid || packet.is_damaged {
                continue;
            }
            let mut payload = packet.payload;
            if packet.is_start
                && let Some(header) = parse_pes_header(payload)
            {
                if let Some(found) = self.current.take().and_then(|whole| self.weigh(whole)) {
                    return Some(found);
                }
                if at as u64 >= self.left && self.first.is_none() {
                    self.is_over = true;
                    return None;
                }
                self.current = Some(Picture {
                    bytes: Vec::new(),
                    shown: header.pts,
                });
                payload = header.payload;
            }
            if let Some(current) = &mut self.current {
                current.bytes.extend_from_slice(payload);
                if current.bytes.len() > LARGEST {
                    self.is_over = true;
                    return None;
                }
            }
        }
        self.left = self.left.saturating_sub(bytes.len() as u64);
        // Past the range without anything begun, nothing more can be found.
        self.is_over |= self.left == 0 && self.current.is_none() && self.first.is_none();
        None
    }

    /// Gives a key that is whole with this picture or before it.
    fn weigh(&mut self, picture: Picture) -> Option<Picture> {
        let head = picture.bytes.get(..HEAD).unwrap_or(&picture.bytes);
        let slice = h264::first_slice(
            &self.decoder.configuration,
            &units::to_length_prefixed(head),
        );
        if let Some((mut key, first)) = self.first.take() {
            let is_second = slice.is_some_and(|slice| {
                slice.frame_number == first.frame_number
                    && slice.field.is_some_and(|field| Some(field) != first.field)
            });
            if is_second {
                key.bytes.extend(picture.bytes);
            }
            return Some(key);
        }
        let slice = slice.filter(|slice| slice.is_intra)?;
        if slice.field.is_none() {
            return Some(picture);
        }
        self.first = Some((picture, slice));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::mpegts::packets::tests::{packet, pes};
    use super::*;
    use crate::media::bitstream::tests::bytes;
    use proptest::prelude::*;

    const STREAM: Stream = Stream {
        pid: 256,
        stride: PACKET,
    };

    fn decoder() -> Decoder {
        Decoder {
            codec: "h264".to_owned(),
            kind: *b"avc1",
            configuration: bytes(
                "0164000dffe1001b6764000dacd94141fb016a122412800000030080000019078a14cb01000668ebe3cb22c0fdf8f800",
            ),
            width: 320,
            height: 240,
        }
    }

    /// A picture in two packets, the second of which is told from others by a number.
    fn picture(shown: u64, slice: &str, number: u8) -> Vec<u8> {
        let head = [pes(0xe0, shown, None), bytes("000001"), bytes(slice)].concat();
        [packet(true, 256, &head), packet(false, 256, &[number; 9])].concat()
    }

    const KEY: &str = "65888400";
    /// A slice that is predicted.
    const OTHER: &str = "419a24";

    fn found(stream: &[u8], range: u64, step: usize) -> Option<(u8, Option<u64>)> {
        let decoder = decoder();
        let mut search = Search::new(STREAM, &decoder, range);
        let found = stream.chunks(step).find_map(|bytes| search.take(bytes))?;
        Some((*found.bytes.last()?, found.shown))
    }

    #[test]
    fn the_first_key_that_begins_in_the_range_is_taken_once_it_is_whole() {
        let stream = [
            picture(0, OTHER, 1),
            picture(3600, KEY, 2),
            packet(true, 257, &pes(0xc0, 0, None)),
            picture(7200, OTHER, 3),
            picture(10_800, KEY, 4),
        ]
        .concat();
        for step in [188, 376, 5000] {
            assert_eq!(found(&stream, 5000, step), Some((2, Some(3600))), "{step}");
            assert_eq!(found(&stream, 377, step), Some((2, Some(3600))), "{step}");
            // It begins where the range ends.
            assert_eq!(found(&stream, 376, step), None, "{step}");
        }
        // Nothing tells that it is whole.
        assert_eq!(found(&stream[..752], 5000, 188), None);
        assert_eq!(found(&stream[940..], 5000, 188), None);
    }

    #[test]
    fn a_key_that_does_not_end_is_not_looked_for_through_the_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mts");
        std::fs::write(&path, picture(0, KEY, 1)).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        // Sparse: nothing but other packets, as far as anything is there.
        file.set_len(1 << 40).unwrap();
        let original = Original::open(&path).unwrap();
        let key = Key {
            offset: 0,
            bytes: 376,
            micros: 0,
        };
        let gate = Gate::new(1);
        let found = super::find(&original, &gate, key, STREAM, &decoder());
        assert_eq!(found.unwrap(), None);
    }

    proptest! {
        #![proptest_config(crate::random_tests::random(256))]

        #[test]
        fn nothing_is_too_odd_to_be_looked_at(
            mut stream in prop::collection::vec(any::<u8>(), 188..900),
            damage in prop::collection::vec((0..900_usize, any::<u8>()), 0..8),
            is_random in any::<bool>(),
        ) {
            if !is_random {
                stream = [picture(0, KEY, 1), picture(3600, OTHER, 2)].concat();
            }
            for (at, byte) in damage {
                if let Some(spot) = stream.get_mut(at) {
                    *spot = byte;
                }
            }
            found(&stream, 5000, 188);
        }
    }
}
