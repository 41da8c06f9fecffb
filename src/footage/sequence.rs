//! Image sequences: numbered frames in one folder are one clip.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::clip::{FrameRun, split_frame_number};

/// Photographs are numbered too; a DNG counts as a frame only with this many digits.
const DNG_DIGITS: usize = 5;

/// Frames of one sequence, found in one folder.
#[derive(Debug)]
pub(super) struct Sequence {
    /// Name of the first frame.
    pub first_name: String,
    /// Places of all frames in the list that was given.
    pub members: Vec<usize>,
    /// Numbers and count.
    pub run: FrameRun,
}

/// Groups frame names by everything but their number; at least two make a sequence.
pub(super) fn group<'a>(names: impl Iterator<Item = (usize, &'a str)>) -> Vec<Sequence> {
    // By stem, number of digits and extension: number, place and name of each frame.
    type Frames<'a> = Vec<(u64, usize, &'a str)>;
    let mut groups: BTreeMap<(&str, usize, String), Frames<'_>> = BTreeMap::new();
    for (place, name) in names {
        let Some((stem, digits, extension)) = split_frame_number(name) else {
            continue;
        };
        let extension = extension.to_ascii_lowercase();
        if extension == ".dng" && digits.len() < DNG_DIGITS {
            continue;
        }
        if let Ok(number) = digits.parse() {
            let key = (stem, digits.len(), extension);
            groups.entry(key).or_default().push((number, place, name));
        }
    }
    groups
        .into_values()
        .filter(|frames| frames.len() > 1)
        .filter_map(|mut frames| {
            frames.sort_unstable();
            let (&(first, _, first_name), &(last, _, _)) = (frames.first()?, frames.last()?);
            Some(Sequence {
                first_name: first_name.to_owned(),
                run: FrameRun {
                    first,
                    last,
                    count: u32::try_from(frames.len()).unwrap_or(u32::MAX),
                },
                members: frames.into_iter().map(|(_, place, _)| place).collect(),
            })
        })
        .collect()
}

/// Paths of the frames that exist, first to last, from the path of the first.
///
/// Where some are missing the folder is read again: a gap may be longer than any memory.
#[must_use]
pub fn frame_paths(first: &Path, run: FrameRun) -> Vec<PathBuf> {
    let name = first
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let Some((stem, digits, extension)) = split_frame_number(name) else {
        return vec![first.to_owned()];
    };
    if run.last.checked_sub(run.first) == Some(u64::from(run.count).saturating_sub(1)) {
        let width = digits.len();
        return (run.first..=run.last)
            .map(|number| first.with_file_name(format!("{stem}{number:0width$}{extension}")))
            .collect();
    }
    let entries = first.parent().and_then(|folder| folder.read_dir().ok());
    let is_frame = |path: &PathBuf| {
        let parts = path
            .file_name()
            .and_then(|name| split_frame_number(name.to_str()?));
        parts.is_some_and(|(its_stem, its_digits, its_extension)| {
            (its_stem, its_digits.len()) == (stem, digits.len())
                && its_extension.eq_ignore_ascii_case(extension)
        })
    };
    let mut frames: Vec<PathBuf> = entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(is_frame)
        .collect();
    // All numbers have the same number of digits, so names sort as numbers do.
    frames.sort();
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_frames_are_one_and_photographs_are_not() {
        let names = [
            "a.0002.dpx",
            "a.0001.dpx",
            "a.0004.dpx",
            "b.0001.dpx",
            "DJI_0001.DNG",
            "DJI_0002.DNG",
            "clip_000000.dng",
            "clip_000001.dng",
        ];
        let found = group(names.iter().copied().enumerate());
        let shown: Vec<_> = found
            .iter()
            .map(|s| (s.first_name.as_str(), s.run.last, s.run.count))
            .collect();
        assert_eq!(shown, [("a.0001.dpx", 4, 3), ("clip_000000.dng", 1, 2)]);
        assert_eq!(found[0].members, [1, 0, 2]);
    }
}
