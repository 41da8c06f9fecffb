//! Series of clip numbers that a camera assigned on a card.
//!
//! The known numbers come from all names in the folder that are in the catalogue, not only from the
//! requested clips.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::clip_summary::TextInterner;
use super::shot::Shot;
use crate::catalogue::Catalogue;
use crate::clip::Clip;
use crate::error::Error;
use crate::value::from_bytes;

/// Clip numbers of a card or a folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Series {
    /// Text before the number, as in `A001_C`.
    pub stem: String,
    /// Number of digits, padded with zeros.
    pub digits: usize,
    /// Numbers of the clips in the catalogue.
    pub numbers: BTreeSet<u32>,
}

impl Series {
    /// Returns the first and last of the missing numbers immediately before a known one. Returns
    /// `None` if no number is missing there, or if no earlier one is known.
    #[must_use]
    pub fn missing_before(&self, number: u32) -> Option<(u32, u32)> {
        let before = self.numbers.range(..number).next_back()?;
        (before + 1 < number).then(|| (before + 1, number - 1))
    }

    /// Formats a number as the camera writes it: `A001_C003`.
    #[must_use]
    pub fn name(&self, number: u32) -> String {
        format!("{}{number:0width$}", self.stem, width = self.digits)
    }
}

/// Series position of a clip: the volume and folder of its neighbours, and the number in its name.
#[derive(Debug, Clone)]
pub(super) struct NumberedClip {
    volume: i64,
    /// Parent folder, if the camera gives each clip its own folder, as RED does (`.RDC`).
    folder: Arc<Path>,
    numbered: NumberedName,
}

impl NumberedClip {
    /// Returns the position of a clip whose name is numbered.
    pub(super) fn from_clip(clip: &Clip, texts: &mut TextInterner) -> Option<Self> {
        let number = clip.clip_number.as_ref()?.value;
        let copy = clip.files.first()?;
        let numbered = parse_name(copy.inside.file_name()?.to_str()?)?;
        let folder = copy.inside.parent()?;
        let is_own = folder
            .file_name()
            .and_then(|name| parse_name(name.to_str()?))
            .is_some_and(|own| own.number == numbered.number);
        let folder = if is_own { folder.parent()? } else { folder };
        (numbered.number == number).then(|| Self {
            volume: copy.volume_number,
            folder: texts.intern_folder(folder),
            numbered,
        })
    }
}

/// Creates the series of all numbered clips, and assigns each clip to one. Reads each folder once,
/// even if it contains several series. Calls `should_continue` before each read, and returns `None`
/// if it returns false.
pub(super) fn number_clips(
    shots: &mut [Shot],
    numbered_clips: &[Option<NumberedClip>],
    catalogue: &Catalogue,
    should_continue: &mut dyn FnMut() -> bool,
) -> Result<Option<Vec<Series>>, Error> {
    let mut series: Vec<Series> = Vec::new();
    let mut known: HashMap<(i64, Arc<Path>, String), usize> = HashMap::new();
    let mut folders = VolumeFolders::default();
    let mut numbers: HashMap<(i64, Arc<Path>), HashMap<String, BTreeSet<u32>>> = HashMap::new();
    for (shot, clip) in shots.iter_mut().zip(numbered_clips) {
        let Some(clip) = clip else { continue };
        let (numbered, folder) = (&clip.numbered, (clip.volume, Arc::clone(&clip.folder)));
        let stem = numbered.stem.to_uppercase();
        let key = (folder.0, Arc::clone(&folder.1), stem.clone());
        let at = if let Some(at) = known.get(&key) {
            *at
        } else {
            if !numbers.contains_key(&folder) {
                if !should_continue() {
                    return Ok(None);
                }
                let names = folders.names(clip.volume, &clip.folder, catalogue)?;
                numbers.insert(folder.clone(), by_stem(&names));
            }
            let of_stem = numbers
                .get_mut(&folder)
                .and_then(|stems| stems.remove(&stem));
            series.push(Series {
                stem: numbered.stem.clone(),
                digits: numbered.digits,
                numbers: of_stem.unwrap_or_default(),
            });
            known.insert(key, series.len() - 1);
            series.len() - 1
        };
        series[at].numbers.insert(numbered.number);
        shot.number = Some((at, numbered.number));
    }
    Ok(Some(series))
}

/// Groups the numbers in names by the text before them.
fn by_stem(names: &[OsString]) -> HashMap<String, BTreeSet<u32>> {
    let mut stems: HashMap<String, BTreeSet<u32>> = HashMap::new();
    for numbered in names.iter().filter_map(|name| parse_name(name.to_str()?)) {
        let numbers = stems.entry(numbered.stem.to_uppercase()).or_default();
        numbers.insert(numbered.number);
    }
    stems
}

/// Folders of each volume that are in the catalogue, loaded once.
#[derive(Default)]
struct VolumeFolders(HashMap<i64, HashMap<PathBuf, FolderContents>>);

/// Content of a folder in the catalogue.
#[derive(Default)]
struct FolderContents {
    number: Option<i64>,
    folders: Vec<OsString>,
}

impl VolumeFolders {
    /// Returns the known names in a folder: files, and folders that contain one clip each.
    fn names(
        &mut self,
        volume: i64,
        folder: &Path,
        catalogue: &Catalogue,
    ) -> Result<Vec<OsString>, Error> {
        let all = match self.0.entry(volume) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let mut all: HashMap<PathBuf, FolderContents> = HashMap::new();
                for (number, path) in catalogue.known_folders(volume, Path::new(""))? {
                    if let (Some(parent), Some(name)) = (path.parent(), path.file_name()) {
                        let above = all.entry(parent.to_owned()).or_default();
                        above.folders.push(name.to_owned());
                    }
                    all.entry(path).or_default().number = Some(number);
                }
                unknown.insert(all)
            }
        };
        let Some(inside) = all.get(folder) else {
            return Ok(Vec::new());
        };
        let mut names = inside.folders.clone();
        if let Some(number) = inside.number {
            let files = catalogue.known_files(number)?.into_keys();
            names.extend(files.map(from_bytes));
        }
        Ok(names)
    }
}

/// Name with a clip number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NumberedName {
    stem: String,
    digits: usize,
    number: u32,
}

/// Parses the number in a name: three or four digits after a `C`, the form used by cinema cameras
/// and Sony. Other counters (`MVI_0042`, `DJI_0042`, `GX010042`) also count photographs, so a gap
/// proves nothing.
fn parse_name(name: &str) -> Option<NumberedName> {
    let bytes = name.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    for at in memchr::memchr2_iter(b'C', b'c', bytes) {
        let digits = (at + 1..bytes.len()).take_while(|&at| is_digit(at)).count();
        let ends = |byte: &u8| !byte.is_ascii_alphanumeric() || byte.eq_ignore_ascii_case(&b'm');
        // `CLIP` and the date in `Sc12_C0001` are not numbers.
        let is_begun = at == 0 || !bytes[at - 1].is_ascii_alphabetic();
        if (3..=4).contains(&digits) && is_begun && bytes.get(at + 1 + digits).is_none_or(ends) {
            return Some(NumberedName {
                stem: name[..=at].to_owned(),
                digits,
                number: name[at + 1..=at + digits].parse().ok()?,
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_cameras_that_count_clips_alone_are_parsed() {
        for (name, stem, number) in [
            ("C0001.MP4", "C", 1),
            ("c0042.mp4", "c", 42),
            ("A001C003_220512_R1AB.mxf", "A001C", 3),
            ("A001_C003_0512AB.RDC", "A001_C", 3),
            ("A014_11030915_C122.braw", "A014_11030915_C", 122),
            ("A001C001_220512_CANON.MXF", "A001C", 1),
        ] {
            let numbered = parse_name(name).unwrap();
            assert_eq!(
                (numbered.stem.as_str(), numbered.number),
                (stem, number),
                "{name}"
            );
        }
        for name in ["MVI_0042.MP4", "GX010042.MP4", "CLIP", "BTS_C12.mov", ""] {
            assert_eq!(parse_name(name), None, "{name}");
        }
    }

    #[test]
    fn a_gap_has_a_first_and_a_last_number() {
        let series = Series {
            stem: "C".to_owned(),
            digits: 4,
            numbers: [3, 4, 6, 10].into(),
        };
        let missing = |number| series.missing_before(number);
        assert_eq!((missing(3), missing(4)), (None, None));
        assert_eq!((missing(6), missing(10)), (Some((5, 5)), Some((7, 9))));
        assert_eq!(series.name(5), "C0005");
    }
}
