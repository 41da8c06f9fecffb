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
#[must_use]
pub fn frame_paths(first: &Path, run: FrameRun) -> Vec<PathBuf> {
    let name = first
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let Some((stem, digits, extension)) = split_frame_number(name) else {
        return vec![first.to_owned()];
    };
    let width = digits.len();
    let is_whole = run.last - run.first + 1 == u64::from(run.count);
    (run.first..=run.last)
        .map(|number| first.with_file_name(format!("{stem}{number:0width$}{extension}")))
        .filter(|path| is_whole || path.exists())
        .collect()
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
