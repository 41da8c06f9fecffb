//! The two ends of a harvest: frames on their way to ffmpeg, and what it writes back.
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

/// A frame that was opened needs no more opening, and comes back under its number.
fn feed(decoder: &Decoder, number: u64, frame: &[u8]) {
    let Some(opened) = fuzzing::open(decoder, frame) else {
        return;
    };
    assert!(matches!(decoder.codec.as_str(), "h264" | "hevc") || opened == frame);
    let Some(stream) = fuzzing::feed(decoder, number, &opened) else {
        return;
    };
    let (taken, is_whole) = fuzzing::take(&stream, opened.len());
    assert!(is_whole);
    assert_eq!(taken, [(number, opened)]);
}

/// Whatever the stream is, pictures have the size that was asked for.
fn take(stream: &[u8], size: usize) {
    let (taken, _) = fuzzing::take(stream, size);
    assert!(taken.iter().all(|(_, picture)| picture.len() == size));
    assert!(taken.len() * size <= stream.len());
}
