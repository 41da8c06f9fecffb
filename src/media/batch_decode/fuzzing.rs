//! Input and output of the decoder process without the process itself, for `fuzz/`.

pub use super::super::keyframes::Decoder;
use super::super::keyframes::{Keyframe, Keyframes};
use super::{extract, make_decodable, matroska_pipe};
use crate::source_file::{Original, ReadLimiter};

/// Reads a keyframe from its file in the form that the decoder accepts.
#[must_use]
pub fn read(original: &Original, keyframes: &Keyframes, key: Keyframe) -> Option<Vec<u8>> {
    let (storage, decoder) = (keyframes.stored, &keyframes.decoder);
    let extracted = extract::read(original, &ReadLimiter::new(1), storage, decoder, key).ok()??;
    make_decodable::make_independent(decoder, extracted.bytes)
}

/// Converts a frame so that it decodes independently of others; `None` if that is impossible.
#[must_use]
pub fn make_independent(decoder: &Decoder, frame: &[u8]) -> Option<Vec<u8>> {
    make_decodable::make_independent(decoder, frame.to_vec())
}

/// Returns the stream written to ffmpeg for one frame; `None` for an unsupported codec.
#[must_use]
pub fn write_stream(decoder: &Decoder, number: u64, frame: &[u8]) -> Option<Vec<u8>> {
    let (name, private) = matroska_pipe::codec(decoder)?;
    let mut stream = Vec::new();
    matroska_pipe::write_header(&mut stream, decoder, (name, &private)).ok()?;
    matroska_pipe::write_frame(&mut stream, number, frame).ok()?;
    Some(stream)
}

/// Parses pictures of `size` bytes each from ffmpeg's output. Returns them with their numbers, and
/// true if the stream was complete.
#[must_use]
pub fn parse_pictures(mut stream: &[u8], size: usize) -> (Vec<(u64, Vec<u8>)>, bool) {
    let mut pictures = Vec::new();
    let end = matroska_pipe::read_pictures(&mut stream, size, &mut |picture| {
        pictures.push((picture.number, picture.pixels));
        true
    });
    (pictures, end.is_ok())
}
