//! The two ends of a harvest without the process between them, for `fuzz/`.

pub use super::super::keyframes::Decoder;
use super::super::keyframes::{Key, Keyframes};
use super::{matroska, packed, units};
use crate::source_file::{Gate, Original};

/// Reads a key out of its file, as the decoder takes it.
#[must_use]
pub fn read(original: &Original, keyframes: &Keyframes, key: Key) -> Option<Vec<u8>> {
    let (stored, decoder) = (keyframes.stored, &keyframes.decoder);
    let taken = packed::read(original, &Gate::new(1), stored, decoder, key).ok()??;
    units::opened(decoder, taken.bytes)
}

/// Makes a frame one that decodes in any order, where that can be.
#[must_use]
pub fn open(decoder: &Decoder, frame: &[u8]) -> Option<Vec<u8>> {
    units::opened(decoder, frame.to_vec())
}

/// What ffmpeg is given for one frame; `None` for a codec that cannot be fed.
#[must_use]
pub fn feed(decoder: &Decoder, number: u64, frame: &[u8]) -> Option<Vec<u8>> {
    let (name, private) = matroska::codec(decoder)?;
    let mut stream = Vec::new();
    matroska::begin(&mut stream, decoder, (name, &private)).ok()?;
    matroska::frame(&mut stream, number, frame).ok()?;
    Some(stream)
}

/// The pictures of `size` bytes in what ffmpeg wrote, each with its number, and whether the
/// stream was whole.
#[must_use]
pub fn take(mut stream: &[u8], size: usize) -> (Vec<(u64, Vec<u8>)>, bool) {
    let mut taken = Vec::new();
    let end = matroska::pictures(&mut stream, size, &mut |picture| {
        taken.push((picture.number, picture.pixels));
        true
    });
    (taken, end.is_ok())
}
