//! Fingerprint of a clip: xxh3-128 over the size and a bounded sample of the content.
//!
//! Reads five ranges of 64 KiB, whatever the file size. The ranges in the middle contain media
//! data, so that clips with similar headers differ.
//!
//! This is version 1, frozen and specified byte by byte in `docs/identity.md`. Any change of the
//! result requires a new version.

use std::io::{self, Read};
use std::path::PathBuf;

use xxhash_rust::xxh3::Xxh3;

use super::sniff::HEAD;
use crate::checksum::{SAMPLED_RANGE, sampled_ranges};
use crate::source_file::{self, Original, is_zero};
use crate::value::Fingerprint;

/// Number of sampled frames of an image sequence.
const FRAMES: usize = 5;

/// Result of sampling a file.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Fingerprint of the content; `None` for an empty file, which is identified by its path.
    pub fingerprint: Option<Fingerprint>,
    /// First bytes of the file, at most [`HEAD`].
    pub head: Vec<u8>,
    /// True if all sampled bytes are zero, as in an unfinished copy.
    pub is_blank: bool,
}

/// Samples an open file, reading at most 320 KiB. Caches the first and the last range in
/// `original`, because most headers are there.
///
/// # Errors
/// If the file cannot be read, or is truncated while it is being read.
pub fn fingerprint(original: &mut Original) -> io::Result<Sample> {
    let size = original.size();
    let mut hasher = Xxh3::new();
    // The fingerprint of a small file is its full hash.
    if size >= SAMPLED_RANGE {
        hasher.update(&size.to_le_bytes());
    }
    let mut sample = Sample {
        fingerprint: None,
        head: Vec::new(),
        is_blank: true,
    };
    if size == 0 {
        return Ok(sample);
    }
    for (start, length) in sampled_ranges(size) {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let bytes = original.read(start, length).map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                io::Error::new(error.kind(), "the file changed while it was read")
            } else {
                error
            }
        })?;
        hasher.update(&bytes);
        sample.is_blank = sample.is_blank && is_zero(&bytes);
        if start == 0 {
            sample.head = bytes[..bytes.len().min(HEAD)].to_vec();
        }
        if start == 0 || start + length as u64 == size {
            original.store(start, bytes);
        }
    }
    sample.fingerprint = Some(Fingerprint(hasher.digest128()));
    Ok(sample)
}

/// Samples an image sequence: number of frames, total bytes, and five frames.
///
/// # Errors
/// Same as [`fingerprint`], for any sampled frame.
pub fn fingerprint_frames(frames: &[PathBuf], bytes: u64) -> io::Result<Sample> {
    let mut hasher = Xxh3::new();
    hasher.update(&(frames.len() as u64).to_le_bytes());
    hasher.update(&bytes.to_le_bytes());
    let mut sequence: Option<Sample> = None;
    for at in evenly_spaced(frames.len(), FRAMES) {
        let sample = fingerprint(&mut Original::open(&frames[at])?)?;
        let fingerprint = sample.fingerprint.unwrap_or(Fingerprint(0));
        hasher.update(&fingerprint.0.to_le_bytes());
        match &mut sequence {
            None => sequence = Some(sample),
            Some(sequence) => sequence.is_blank &= sample.is_blank,
        }
    }
    let mut sequence = sequence.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    sequence.fingerprint = Some(Fingerprint(hasher.digest128()));
    Ok(sequence)
}

/// Number of bytes hashed between two calls of `on_read`.
const CHUNK: usize = 1024 * 1024;

/// Computes the full hash of a file, or of all frames of an image sequence, each preceded by its
/// size. Equal hashes prove equal content. Calls `on_read` with the number of bytes in each chunk;
/// if it returns false, stops and returns `None`.
///
/// # Errors
/// If a file cannot be read.
pub fn hash_all(
    files: &[PathBuf],
    on_read: &mut dyn FnMut(u64) -> bool,
) -> io::Result<Option<Fingerprint>> {
    let mut hasher = Xxh3::new();
    let mut buffer = vec![0; CHUNK];
    for path in files {
        let mut file = source_file::open(path)?;
        if files.len() > 1 {
            hasher.update(&file.metadata()?.len().to_le_bytes());
        }
        loop {
            let length = file.read(&mut buffer)?;
            if length == 0 {
                break;
            }
            hasher.update(&buffer[..length]);
            if !on_read(length as u64) {
                return Ok(None);
            }
        }
    }
    Ok(Some(Fingerprint(hasher.digest128())))
}

/// Returns up to `max` evenly spaced indexes below `count`, including the first and the
/// last.
fn evenly_spaced(count: usize, max: usize) -> Vec<usize> {
    if count <= max {
        return (0..count).collect();
    }
    (0..max).map(|n| n * (count - 1) / (max - 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::{SAMPLED_WHOLE, Sampler};
    use std::io::Write;

    fn fingerprint_of(content: &[u8]) -> Option<Fingerprint> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        fingerprint(&mut Original::open(file.path()).unwrap())
            .unwrap()
            .fingerprint
    }

    #[test]
    fn size_start_middle_and_end_change_the_fingerprint() {
        let content = vec![7_u8; 1_000_000];
        let original = fingerprint_of(&content);
        assert_eq!(original, fingerprint_of(&content));
        assert_ne!(original, fingerprint_of(&content[1..]));
        for offset in [0, 40_000, 500_000, 999_999] {
            let mut changed = content.clone();
            changed[offset] = 8;
            assert_ne!(original, fingerprint_of(&changed), "byte {offset}");
        }
    }

    /// Returns content whose bytes follow the formula in docs/identity.md.
    fn test_vector(size: u64) -> Vec<u8> {
        let byte = |at: u64| u8::try_from((at.wrapping_mul(2_654_435_761) >> 13) & 0xff).unwrap();
        (0..size).map(byte).collect()
    }

    /// Test vectors of docs/identity.md. Changing them requires a new version.
    #[test]
    fn the_algorithm_is_frozen() {
        for (size, expected) in [
            (1, "a6cd5e9392000f6ac44bdff4074eecdb"),
            (65_535, "1dbc54234dcc2c4be3c08168a3a059a2"),
            (65_536, "7a859d5cad839fe0091272a57557af7a"),
            (327_680, "e456d34b8199abd3633c7977bef95a85"),
            (327_681, "8298c31ab4cba830c5cfa31cf6578a23"),
            (5_000_011, "a4b8b5f155189b24f74d58240ae410d3"),
        ] {
            let found = fingerprint_of(&test_vector(size)).unwrap().to_string();
            assert_eq!(found, expected, "{size} bytes");
        }
    }

    #[test]
    fn the_fingerprint_of_a_small_file_is_its_full_hash() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for size in [1, 1000, 65_535] {
            file.as_file().set_len(0).unwrap();
            std::fs::write(file.path(), test_vector(size)).unwrap();
            let full_hash = hash_all(&[file.path().to_owned()], &mut |_| true).unwrap();
            assert_eq!(fingerprint_of(&test_vector(size)), full_hash);
        }
        file.flush().unwrap();
        let stopped = hash_all(&[file.path().to_owned()], &mut |_| false).unwrap();
        assert_eq!(stopped, None);
    }

    #[test]
    fn empty_files_have_no_fingerprint_and_zeros_are_detected() {
        assert_eq!(fingerprint_of(b""), None);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[0; 5000]).unwrap();
        let mut original = Original::open(file.path()).unwrap();
        assert!(fingerprint(&mut original).unwrap().is_blank);
    }

    #[test]
    fn ranges_stay_inside_the_file_and_are_bounded() {
        for size in [
            1,
            SAMPLED_RANGE,
            SAMPLED_WHOLE,
            SAMPLED_WHOLE + 1,
            200_000_000_000,
        ] {
            let ranges = sampled_ranges(size);
            assert!(ranges.iter().all(|(start, length)| start + length <= size));
            let sampled = ranges.iter().map(|(_, length)| length).sum::<u64>();
            assert!(sampled <= SAMPLED_WHOLE);
        }
    }

    #[test]
    fn sampling_a_stream_gives_the_same_fingerprint() {
        for size in [0, 1, 65_535, 65_536, 327_680, 327_681, 1_000_003] {
            let content = test_vector(size);
            for piece in [1000, 65_536, 300_007] {
                let mut sampler = Sampler::new(size);
                content
                    .chunks(piece)
                    .for_each(|piece| sampler.update(piece));
                assert_eq!(
                    sampler.finish(),
                    fingerprint_of(&content),
                    "{size} by {piece}"
                );
            }
        }
        let mut cut_off = Sampler::new(10);
        cut_off.update(b"short");
        assert_eq!(cut_off.finish(), None);
    }
}
