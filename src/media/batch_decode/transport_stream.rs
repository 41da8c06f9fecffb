//! Search for keyframes in a transport stream, which has no index.

use std::io;

use super::super::bitstream::{h264, nal_units};
use super::super::keyframes::{Decoder, Keyframe};
use super::super::mpegts::packets::{PACKET, packets_with_offsets, parse_pes_header};
use crate::source_file::{Original, ReadLimiter};

/// Approximate number of bytes per read.
const READ_SIZE: usize = 256 * 1024;
/// Maximum size of a picture in bytes.
const MAX_PICTURE: usize = 16 * 1024 * 1024;
/// Maximum number of bytes read after the search range to find the end of a keyframe. These bytes
/// contain the rest of the picture and packets of other streams.
const MAX_TAIL: u64 = 32 * 1024 * 1024;
/// Number of bytes at the start of a picture that contain its first slice header.
const SLICE_HEAD: usize = 16 * 1024;

/// Packets that carry the video stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct VideoPackets {
    pub pid: u16,
    /// Distance between packets in bytes.
    pub stride: usize,
}

/// Frame or field with start codes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AssembledPicture {
    pub bytes: Vec<u8>,
    /// Presentation time in ticks of 90 kHz.
    pub presentation_time: Option<u64>,
}

/// Finds the first keyframe that begins within the byte range of `key`, and reads it to its end.
/// `None` if there is none, or if the file ends within it.
///
/// # Errors
/// Fails if the file cannot be read.
pub(super) fn find(
    original: &Original,
    read_limiter: &ReadLimiter,
    key: Keyframe,
    stream: VideoPackets,
    decoder: &Decoder,
) -> io::Result<Option<AssembledPicture>> {
    if stream.stride < PACKET {
        return Ok(None);
    }
    let step = READ_SIZE / stream.stride * stream.stride;
    let mut search = KeyframeSearch::new(stream, decoder, u64::from(key.bytes));
    let mut at = key.offset;
    // The video stream may end early in a file that continues for hours.
    let last = at.saturating_add(u64::from(key.bytes) + MAX_TAIL);
    let end = original.size().min(last);
    while at < end && !search.is_done {
        let length = usize::try_from(end - at).map_or(step, |remaining| remaining.min(step));
        let bytes = {
            let _permit = read_limiter.acquire();
            original.read(at, length)?
        };
        if let Some(found) = search.push(&bytes) {
            return Ok(Some(found));
        }
        at += length as u64;
    }
    Ok(None)
}

/// State of a search.
struct KeyframeSearch<'a> {
    stream: VideoPackets,
    decoder: &'a Decoder,
    /// Number of bytes of the search range that were not read yet.
    remaining: u64,
    /// Picture whose packets are being collected.
    current: Option<AssembledPicture>,
    /// First field of a keyframe, whose second field may follow.
    first: Option<(AssembledPicture, h264::Slice)>,
    is_done: bool,
}

impl<'a> KeyframeSearch<'a> {
    fn new(stream: VideoPackets, decoder: &'a Decoder, remaining: u64) -> Self {
        Self {
            stream,
            decoder,
            remaining,
            current: None,
            first: None,
            is_done: false,
        }
    }

    /// Processes the next bytes, and returns a keyframe as soon as it is complete.
    fn push(&mut self, bytes: &[u8]) -> Option<AssembledPicture> {
        for (at, packet) in packets_with_offsets(bytes, self.stream.stride) {
            if packet.pid != self.stream.pid || packet.is_damaged {
                continue;
            }
            let mut payload = packet.payload;
            if packet.is_start
                && let Some(header) = parse_pes_header(payload)
            {
                if let Some(found) = self
                    .current
                    .take()
                    .and_then(|picture| self.finish_picture(picture))
                {
                    return Some(found);
                }
                if at as u64 >= self.remaining && self.first.is_none() {
                    self.is_done = true;
                    return None;
                }
                self.current = Some(AssembledPicture {
                    bytes: Vec::new(),
                    presentation_time: header.pts,
                });
                payload = header.payload;
            }
            if let Some(current) = &mut self.current {
                current.bytes.extend_from_slice(payload);
                if current.bytes.len() > MAX_PICTURE {
                    self.is_done = true;
                    return None;
                }
            }
        }
        self.remaining = self.remaining.saturating_sub(bytes.len() as u64);
        // After the range, a keyframe may end, but none may begin.
        self.is_done |= self.remaining == 0 && self.current.is_none() && self.first.is_none();
        None
    }

    /// Processes a complete picture, and returns a keyframe that ends with it or before it.
    fn finish_picture(&mut self, picture: AssembledPicture) -> Option<AssembledPicture> {
        let head = picture.bytes.get(..SLICE_HEAD).unwrap_or(&picture.bytes);
        let slice = h264::first_slice(
            &self.decoder.configuration,
            &nal_units::to_length_prefixed(head),
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

    const STREAM: VideoPackets = VideoPackets {
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

    /// Builds a picture in two packets. The second packet is filled with a number that identifies
    /// the picture.
    fn picture(time: u64, slice: &str, number: u8) -> Vec<u8> {
        let head = [pes(0xe0, time, None), bytes("000001"), bytes(slice)].concat();
        [packet(true, 256, &head), packet(false, 256, &[number; 9])].concat()
    }

    const KEY: &str = "65888400";
    /// Slice of a picture that is not a keyframe.
    const INTER: &str = "419a24";

    fn find_number(stream: &[u8], range: u64, step: usize) -> Option<(u8, Option<u64>)> {
        let decoder = decoder();
        let mut search = KeyframeSearch::new(STREAM, &decoder, range);
        let found = stream.chunks(step).find_map(|bytes| search.push(bytes))?;
        Some((*found.bytes.last()?, found.presentation_time))
    }

    #[test]
    fn returns_the_first_complete_keyframe_that_begins_in_the_range() {
        let stream = [
            picture(0, INTER, 1),
            picture(3600, KEY, 2),
            packet(true, 257, &pes(0xc0, 0, None)),
            picture(7200, INTER, 3),
            picture(10_800, KEY, 4),
        ]
        .concat();
        for step in [188, 376, 5000] {
            assert_eq!(
                find_number(&stream, 5000, step),
                Some((2, Some(3600))),
                "{step}"
            );
            assert_eq!(
                find_number(&stream, 377, step),
                Some((2, Some(3600))),
                "{step}"
            );
            // The keyframe begins at the end of the range.
            assert_eq!(find_number(&stream, 376, step), None, "{step}");
        }
        // Without a later picture, the end of the keyframe is unknown.
        assert_eq!(find_number(&stream[..752], 5000, 188), None);
        assert_eq!(find_number(&stream[940..], 5000, 188), None);
    }

    #[test]
    fn does_not_read_the_whole_file_for_the_end_of_a_keyframe() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mts");
        std::fs::write(&path, picture(0, KEY, 1)).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        // The rest of the file is sparse, without further packets of the stream.
        file.set_len(1 << 40).unwrap();
        let original = Original::open(&path).unwrap();
        let key = Keyframe {
            offset: 0,
            bytes: 376,
            micros: 0,
        };
        let read_limiter = ReadLimiter::new(1);
        let found = super::find(&original, &read_limiter, key, STREAM, &decoder());
        assert_eq!(found.unwrap(), None);
    }

    proptest! {
        #![proptest_config(crate::property_tests::random(256))]

        #[test]
        fn searches_any_bytes(
            mut stream in prop::collection::vec(any::<u8>(), 188..900),
            damage in prop::collection::vec((0..900_usize, any::<u8>()), 0..8),
            is_random in any::<bool>(),
        ) {
            if !is_random {
                stream = [picture(0, KEY, 1), picture(3600, INTER, 2)].concat();
            }
            for (at, byte) in damage {
                if let Some(target) = stream.get_mut(at) {
                    *target = byte;
                }
            }
            find_number(&stream, 5000, 188);
        }
    }
}
