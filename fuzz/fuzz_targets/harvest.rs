//! Input and output of batch decoding: frames written to ffmpeg, and the stream that it returns.
//!
//! An input starts with four bytes that select codec, split position and size. The configuration of
//! the decoder and a frame follow. The same bytes are also parsed as a stream of pictures.

#![no_main]

use btsindex::media::fuzzing::{self, Decoder};
use libfuzzer_sys::fuzz_target;

const CODECS: [&str; 9] = [
    "h264", "hevc", "av1", "vp9", "vp8", "prores", "mjpeg", "dnxhd", "theora",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((&[codec, split, low, high], rest)) = bytes.split_first_chunk() else {
        return;
    };
    let (configuration, frame) = rest.split_at(rest.len().min(split.into()));
    let decoder = Decoder {
        codec: CODECS[usize::from(codec) % CODECS.len()].to_owned(),
        kind: *b"apch",
        configuration: configuration.to_vec(),
        width: low.into(),
        height: high.into(),
    };
    let number = u16::from_le_bytes([low, high]);
    feed(&decoder, number.into(), frame);
    take(rest, usize::from(number % 1024));
});

/// Checks that an independent frame needs no further conversion and comes back with its number.
fn feed(decoder: &Decoder, number: u64, frame: &[u8]) {
    let Some(independent) = fuzzing::make_independent(decoder, frame) else {
        return;
    };
    assert!(matches!(decoder.codec.as_str(), "h264" | "hevc") || independent == frame);
    let Some(stream) = fuzzing::write_stream(decoder, number, &independent) else {
        return;
    };
    let (taken, is_whole) = fuzzing::parse_pictures(&stream, independent.len());
    assert!(is_whole);
    assert_eq!(taken, [(number, independent)]);
}

/// Checks that pictures of any stream have the requested size.
fn take(stream: &[u8], size: usize) {
    let (taken, _) = fuzzing::parse_pictures(stream, size);
    assert!(taken.iter().all(|(_, picture)| picture.len() == size));
    assert!(taken.len() * size <= stream.len());
}
