//! A clip's identity: xxh3-128 over the size and a bounded sample of the content.
//!
//! A 200 GB file costs the same as a 1 GB one: five ranges of 64 KiB. The ranges
//! in the middle are media data, so that two clips whose headers look alike differ.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use super::sniff::HEAD;
use crate::original;
use crate::value::Fingerprint;

/// Bytes in a sampled range.
const RANGE: u64 = 64 * 1024;
/// Ranges sampled: evenly spaced, the first at the start, the last at the end.
const RANGES: u64 = 5;
/// Frames of an image sequence that are sampled.
const FRAMES: usize = 5;

/// What sampling a file found out.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The fingerprint; `None` of an empty file, which is known by its path alone.
    pub fingerprint: Option<Fingerprint>,
    /// The first bytes, at most [`HEAD`] of them.
    pub head: Vec<u8>,
    /// Whether every sampled byte was zero: what an unfinished copy looks like.
    pub is_blank: bool,
}

/// Samples one file, reading at most 320 KiB.
///
/// # Errors
/// When the file cannot be opened or read, or grew shorter while it was read.
pub fn fingerprint(path: &Path) -> io::Result<Sample> {
    let mut file = original::open(path)?;
    let size = file.metadata()?.len();
    let mut hasher = Xxh3::new();
    hasher.update(&size.to_le_bytes());
    let mut sample = Sample {
        fingerprint: None,
        head: Vec::new(),
        is_blank: true,
    };
    if size == 0 {
        return Ok(sample);
    }
    let mut buffer = Vec::new();
    for (start, length) in ranges(size) {
        file.seek(SeekFrom::Start(start))?;
        buffer.clear();
        let read = (&mut file).take(length).read_to_end(&mut buffer)?;
        if read as u64 != length {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file changed while it was read",
            ));
        }
        hasher.update(&buffer);
        if start == 0 {
            sample.head = buffer[..buffer.len().min(HEAD)].to_vec();
        }
        sample.is_blank &= buffer.iter().all(|&byte| byte == 0);
    }
    sample.fingerprint = Some(Fingerprint(hasher.digest128()));
    Ok(sample)
}

/// Samples an image sequence: how many frames there are, and five of them.
///
/// # Errors
/// As [`fingerprint`], for any sampled frame.
pub fn fingerprint_frames(frames: &[PathBuf], bytes: u64) -> io::Result<Sample> {
    let mut hasher = Xxh3::new();
    hasher.update(&(frames.len() as u64).to_le_bytes());
    hasher.update(&bytes.to_le_bytes());
    let mut whole: Option<Sample> = None;
    for at in evenly(frames.len(), FRAMES) {
        let sample = fingerprint(&frames[at])?;
        let id = sample.fingerprint.map_or(0, |fingerprint| fingerprint.0);
        hasher.update(&id.to_le_bytes());
        match &mut whole {
            None => whole = Some(sample),
            Some(whole) => whole.is_blank &= sample.is_blank,
        }
    }
    let mut whole = whole.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    whole.fingerprint = Some(Fingerprint(hasher.digest128()));
    Ok(whole)
}

/// Start and length of each range to read: all of a small file.
fn ranges(size: u64) -> Vec<(u64, u64)> {
    if size <= RANGE * RANGES {
        return vec![(0, size)];
    }
    let step = (size - RANGE) / (RANGES - 1);
    (0..RANGES)
        .map(|n| {
            if n == RANGES - 1 {
                size - RANGE
            } else {
                n * step
            }
        })
        .map(|start| (start, RANGE))
        .collect()
}

/// Up to `wanted` places out of `count`, first and last included.
fn evenly(count: usize, wanted: usize) -> Vec<usize> {
    if count <= wanted {
        return (0..count).collect();
    }
    (0..wanted)
        .map(|n| n * (count - 1) / (wanted - 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn of(content: &[u8]) -> Option<Fingerprint> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        fingerprint(file.path()).unwrap().fingerprint
    }

    #[test]
    fn size_start_middle_and_end_all_count() {
        let content = vec![7_u8; 1_000_000];
        let whole = of(&content);
        assert_eq!(whole, of(&content));
        assert_ne!(whole, of(&content[1..]));
        for place in [0, 40_000, 500_000, 999_999] {
            let mut changed = content.clone();
            changed[place] = 8;
            assert_ne!(whole, of(&changed), "byte {place}");
        }
    }

    #[test]
    fn an_empty_file_has_none_and_zeros_are_noticed() {
        assert_eq!(of(b""), None);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[0; 5000]).unwrap();
        assert!(fingerprint(file.path()).unwrap().is_blank);
    }

    #[test]
    fn ranges_stay_inside_the_file_and_are_bounded() {
        for size in [
            1,
            RANGE,
            RANGE * RANGES,
            RANGE * RANGES + 1,
            200_000_000_000,
        ] {
            let ranges = ranges(size);
            assert!(ranges.iter().all(|(start, length)| start + length <= size));
            assert!(ranges.iter().map(|(_, length)| length).sum::<u64>() <= RANGE * RANGES);
        }
    }
}
