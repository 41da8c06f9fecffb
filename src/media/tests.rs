//! Comparison of the built-in header readers with ffprobe, which is the reference.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde_json::Value;

use super::*;
use crate::cancel::Cancel;
use crate::skipped_tests::{Skipped, skip_without_material};

/// Accepted differences from ffprobe: file, fields and reason.
const ACCEPTED: &[(&str, &[&str], &str)] = &[
    (
        "cbcs_audiodec.mp4",
        &["duration"],
        "the fragments begin at 10 s, but ffprobe counts from 0",
    ),
    (
        "outV300.mp4",
        &["video_bitrate"],
        "ffprobe divides the first fragment's bytes by the whole duration",
    ),
    (
        "v300_multiple_segments.mp4",
        &["video_bitrate"],
        "ffprobe divides the first fragment's bytes by the whole duration",
    ),
    (
        "complseg-1.0001_dec.mp4",
        &["video_bitrate"],
        "rounding differs by less than one bit per second",
    ),
    (
        "sample_qt.mp4",
        PARAMETER_SET_FIELDS,
        "the samples do not decode, but the parameter sets are complete",
    ),
    (
        "sample_qt.mp4",
        &["software"],
        "ffprobe reads the encoder from a tag that contains a person's name",
    ),
    (
        "invalid_userdata.mp4",
        PARAMETER_SET_FIELDS,
        "header only: the samples do not decode",
    ),
    (
        "zero_empty_stsc.mp4",
        PARAMETER_SET_FIELDS,
        "header only: the samples do not decode",
    ),
    (
        "test_case_1185230.mp4",
        PARAMETER_SET_FIELDS,
        "header only: the samples do not decode",
    ),
    (
        "Sr001-2C-01_01.WAV",
        &["reel", "scene", "start_timecode", "take"],
        "ffprobe does not read iXML",
    ),
    (
        "A101_1_1.WAV",
        &["reel", "scene", "start_timecode", "take"],
        "ffprobe does not read iXML",
    ),
    (
        "A101_3.WAV",
        &["reel", "scene", "start_timecode", "take"],
        "ffprobe does not read iXML",
    ),
    (
        "rotated_hdr_video.mov",
        &["lens"],
        "ffprobe does not read metadata keys of a track",
    ),
    (
        "fixture-imovie.mp4",
        &["title"],
        "ffprobe does not read this list of tags",
    ),
    (
        "activestorage/test/fixtures/files/video.mp4",
        &["rate", "is_vfr"],
        "44 evenly spaced frames, although the movie's duration differs",
    ),
    (
        "sideways movie.mov",
        &["rate", "is_vfr", "video_bitrate"],
        "one tick is the precision of the time base, and only the last frame is longer",
    ),
    (
        "fragmented.mp4",
        &["rate", "video_bitrate"],
        "ffprobe reads only the first fragment",
    ),
    (
        "fragmented.mp4",
        PARAMETER_SET_FIELDS,
        "header only: the samples do not decode",
    ),
    (
        "fixture-raw.mts",
        &["captured", "make"],
        "ffprobe does not read the metadata that AVCHD cameras write into the video stream",
    ),
];

/// Fields that are known only from the parameter sets if no sample can be decoded.
const PARAMETER_SET_FIELDS: &[&str] = &[
    "bit_depth",
    "chroma_subsampling",
    "level",
    "pixel_format",
    "profile",
    "range",
    "scan_order",
];

fn read_builtin(path: &Path) -> Option<Clip> {
    let mut original = Original::open(path).ok()?;
    Some(read_header(&mut original).ok()??.facts)
}

fn fields(clip: &Clip) -> serde_json::Map<String, Value> {
    let Value::Object(mut fields) = serde_json::to_value(clip).unwrap() else {
        panic!("a clip is an object");
    };
    fields.remove("reader");
    fields
}

/// Returns the fields that differ, each with both values. `None` if the file cannot be compared.
fn differences(path: &Path) -> Option<Vec<(String, String)>> {
    let builtin = fields(&read_builtin(path)?);
    let limits = ProcessLimits {
        deadline: Duration::from_secs(60),
        cancel: Cancel::default(),
    };
    let tools = Tools::find(&|_| None).unwrap();
    // A file that ffprobe rejects is not compared.
    let reference = fields(&probe_with_ffprobe(path, &tools, &limits).ok()?.facts);
    let mut names: Vec<&String> = builtin.keys().chain(reference.keys()).collect();
    names.sort();
    names.dedup();
    let differ = names
        .into_iter()
        .filter(|name| builtin.get(*name) != reference.get(*name));
    let shown = |value: Option<&Value>| value.map_or_else(|| "none".to_owned(), Value::to_string);
    Some(
        differ
            .map(|name| {
                let values = format!(
                    "{}, {}",
                    shown(builtin.get(name)),
                    shown(reference.get(name))
                );
                (name.clone(), values)
            })
            .collect(),
    )
}

/// Lists the files in a folder, relative to the project; empty if the folder does not exist.
pub(super) fn files_in(folder: &str) -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
    walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
        .map(walkdir::DirEntry::into_path)
        .filter(|path| path.is_file())
        .collect()
}

/// Returns the real files next to the repository, if present.
pub(super) fn shared_footage() -> Result<Vec<PathBuf>, Skipped> {
    let files = files_in("../shared/footage");
    if files.is_empty() {
        return Err(skip_without_material("no `../shared/footage`"));
    }
    Ok(files)
}

/// Returns every third file, since each file starts ffprobe or ffmpeg. Returns all files if
/// `BTSINDEX_EVERY_FILE` is set.
pub(super) fn sample(files: Vec<PathBuf>) -> Vec<PathBuf> {
    let is_all = std::env::var_os("BTSINDEX_EVERY_FILE").is_some();
    files
        .into_iter()
        .step_by(if is_all { 1 } else { 3 })
        .collect()
}

#[test]
fn built_in_readers_agree_with_ffprobe() {
    let mut files = files_in("fixtures/footage");
    files.extend(sample(shared_footage().unwrap_or_default()));
    let compared: Vec<(&PathBuf, Vec<(String, String)>)> = files
        .par_iter()
        .filter_map(|path| Some((path, differences(path)?)))
        .collect();
    let mut unexpected: Vec<String> = Vec::new();
    for (path, differences) in &compared {
        for (field, values) in differences {
            let is_accepted = ACCEPTED
                .iter()
                .any(|(name, fields, _)| path.ends_with(name) && fields.contains(&field.as_str()));
            if !is_accepted {
                unexpected.push(format!("{}: {field}: {values}", path.display()));
            }
        }
    }
    unexpected.sort();
    assert!(
        unexpected.is_empty(),
        "of {}:\n{}",
        compared.len(),
        unexpected.join("\n")
    );
    assert!(
        compared.len() >= 8,
        "only {} files were compared",
        compared.len()
    );
}

#[test]
fn reports_read_errors_of_the_drive() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, first) in [(b"WAVE", b"JUNK"), (b"AVI ", b"JUNK")] {
        let path = folder.path().join("a");
        let length = 200_000_u32.to_le_bytes();
        let file = [
            b"RIFF",
            &200_100_u32.to_le_bytes(),
            &kind[..],
            first,
            &length,
            &vec![0; 200_096],
        ];
        std::fs::write(&path, file.concat()).unwrap();
        let mut original = Original::open(&path).unwrap();
        // Truncate the file after it was opened, so that reads fail.
        let shorter = std::fs::File::options().write(true).open(&path).unwrap();
        shorter.set_len(100_000).unwrap();
        assert!(read_header(&mut original).is_err(), "{kind:?}");
    }
}
