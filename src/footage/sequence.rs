//! Image sequences: numbered frames in one folder form one clip.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use super::found_file::FoundFile;
use crate::clip::{FrameRun, split_frame_number};
use crate::value::{from_bytes, to_bytes};

/// Minimum number of digits of a DNG frame. Photographs are numbered with four.
const DNG_DIGITS: usize = 5;

/// Parts of the file name that all frames of a sequence share.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct FramePattern {
    stem: Vec<u8>,
    digits: usize,
    extension: Vec<u8>,
}

/// Splits `shot.0001.dpx` into its pattern and 1.
fn split(name: &[u8]) -> Option<(FramePattern, u64)> {
    let (stem, digits, extension) = split_frame_number(name)?;
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let pattern = FramePattern {
        stem: stem.to_vec(),
        digits: digits.len(),
        extension: extension.to_vec(),
    };
    Some((pattern, number))
}

/// Groups frames into sequences of at least two frames that differ only in their number.
pub(super) fn sequences(frames: &[FoundFile]) -> Vec<FoundFile> {
    let mut groups: BTreeMap<FramePattern, Vec<(u64, &FoundFile)>> = BTreeMap::new();
    for frame in frames {
        let Some((pattern, number)) = split(&to_bytes(&frame.name)) else {
            continue;
        };
        let is_photograph =
            pattern.extension.eq_ignore_ascii_case(b".dng") && pattern.digits < DNG_DIGITS;
        if !is_photograph {
            groups.entry(pattern).or_default().push((number, frame));
        }
    }
    groups
        .into_values()
        .filter(|frames| frames.len() > 1)
        .filter_map(sequence)
        .collect()
}

/// Returns true if two names are frames of one sequence.
pub(super) fn are_same_sequence(a: &OsStr, b: &OsStr) -> bool {
    let pattern = |name: &OsStr| split(&to_bytes(name)).map(|(pattern, _)| pattern);
    pattern(a).is_some() && pattern(a) == pattern(b)
}

fn sequence(mut frames: Vec<(u64, &FoundFile)>) -> Option<FoundFile> {
    frames.sort_by_key(|(number, _)| *number);
    let (&(first, first_frame), &(last, _)) = (frames.first()?, frames.last()?);
    let mut stamp = Xxh3::new();
    for (number, frame) in &frames {
        stamp.update(&number.to_le_bytes());
        stamp.update(&frame.bytes.to_le_bytes());
        stamp.update(&frame.modified.to_le_bytes());
    }
    Some(FoundFile {
        bytes: frames
            .iter()
            .map(|(_, frame)| frame.bytes)
            .fold(0, u64::saturating_add),
        modified: frames.iter().map(|(_, frame)| frame.modified).max()?,
        changed: frames.iter().map(|(_, frame)| frame.changed).max()?,
        inode: None,
        frames: Some(FrameRun {
            first,
            last,
            count: u32::try_from(frames.len()).unwrap_or(u32::MAX),
            stamp: stamp.digest(),
        }),
        ..first_frame.clone()
    })
}

/// Lists the frames of a sequence that are in its folder now, first to last, given the path of one
/// frame.
#[must_use]
pub fn frame_paths(frame: &Path) -> Vec<PathBuf> {
    let split_name = |name: &OsStr| split(&to_bytes(name));
    let Some((pattern, _)) = frame.file_name().and_then(split_name) else {
        return vec![frame.to_owned()];
    };
    let folder = frame.parent().unwrap_or(Path::new("."));
    let names = folder
        .read_dir()
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name());
    // All numbers have the same width, so names sort like numbers.
    let mut names: Vec<Vec<u8>> = names
        .filter(|name| split_name(name).is_some_and(|(other, _)| other == pattern))
        .map(|name| to_bytes(&name))
        .collect();
    names.sort_unstable();
    names
        .into_iter()
        .map(|name| folder.join(from_bytes(name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::footage::Role;

    fn frame(name: &str) -> FoundFile {
        FoundFile {
            name: name.into(),
            bytes: 10,
            changed: None,
            inode: None,
            modified: 5,
            role: Role::Media,
            original: None,
            frames: None,
        }
    }

    #[test]
    fn numbered_frames_form_a_sequence_and_photographs_do_not() {
        let names = [
            "a.0002.dpx",
            "a.0001.dpx",
            "a.0004.dpx",
            "a.0001.DPX",
            "b.0001.dpx",
            "plain.dpx",
            "DJI_0001.DNG",
            "DJI_0002.DNG",
            "clip_000000.dng",
            "clip_000001.dng",
            "x.99999999999999999999.exr",
            "x.99999999999999999998.exr",
        ];
        let found = sequences(&names.map(frame));
        let shown: Vec<_> = found
            .iter()
            .map(|found| {
                (
                    found.name.to_str().unwrap(),
                    found.frames.unwrap().last,
                    found.bytes,
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("a.0001.dpx", 4, 30),
                ("clip_000000.dng", 1, 20),
                ("x.99999999999999999998.exr", 999_999_999_999_999_999, 20),
            ]
        );
    }

    #[test]
    fn any_change_of_a_frame_changes_the_stamp() {
        let frames = ["a.0001.dpx", "a.0002.dpx", "a.0003.dpx"].map(frame);
        let stamp = |frames: &[FoundFile]| sequences(frames)[0].frames.unwrap().stamp;
        for at in 0..3 {
            let mut changed = frames.clone();
            changed[at].modified = 4;
            assert_ne!(stamp(&changed), stamp(&frames));
        }
    }
}
